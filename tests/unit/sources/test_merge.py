"""What the archive lacks is loaded; its totals prove that nothing else has happened there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from compat import clock
from compat.archive.database import Archive, open_archive
from compat.archive.records import INDEX_LAG, ConversationRecord
from compat.archive.sync.queries import ACCEPTED_OFFSETS, ALL_LISTS_SPAM, ALL_MAILBOXES
from compat.core.intervals import Coverage, Interval, MaxAges
from compat.core.models import ConversationQuery, Progress, Row, RowSet
from compat.sources.folder_views import Fetched
from compat.sources.live import LiveSource
from compat.sources.merge import Completer, Patch, ReadPlan, plan_read, unchanged
from tests.unit.archive.samples import CREATED, SEEN, record

AGED = Interval(CREATED, CREATED + 100)
GAP = Interval(CREATED + 101, CREATED + 200)
QUERY = ConversationQuery((Interval(AGED.first, GAP.last),))
RECENT_AGE = 60
LONG = 1_000_000


class Upstream:
    """A live source that has seven conversations in all, and notes what was asked of it."""

    def __init__(self, total: int, fresh_for: float = LONG, changed: Sequence[Row] = ()) -> None:
        self.loaded: list[Sequence[Interval]] = []
        self.totals: list[Interval] = []
        self.modified_since: list[tuple[int, Sequence[Interval]]] = []
        self.progress: set[int] = set()
        self.found: tuple[Row, ...] = ()
        self.found_as_of = SEEN + 3
        self._total = total
        self._fresh_for = fresh_for
        self._changed = changed

    def total(self, interval: Interval, progress: Progress) -> Any:
        self.totals.append(interval)
        self.progress.add(id(progress))
        page = SimpleNamespace(page=SimpleNamespace(total_elements=self._total))
        return SimpleNamespace(value=page, requested_at=SEEN + 1)

    def modified(self, since: int, created: Sequence[Interval], progress: Progress) -> Fetched:
        self.modified_since.append((since, created))
        self.progress.add(id(progress))
        return Fetched(self._changed, SEEN + 2)

    def rows(self, query: ConversationQuery, progress: Progress) -> RowSet:
        self.loaded.append(query.created)
        self.progress.add(id(progress))
        return RowSet(self.found, self.found_as_of, clock.elapsed() + self._fresh_for)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An archive with seven conversations."""
    with open_archive(f"sqlite:///{tmp_path}/archive.db", create=True) as opened:
        with opened.lock() as lock, opened.writing(lock) as writer:
            writer.save([record(id_) for id_ in range(1, 8)])
        yield opened


def completer(archive: Archive, upstream: Upstream, recent_age: int = LONG) -> Completer:
    return Completer(archive, cast("LiveSource", upstream), MaxAges(recent_age, recent_age))


def save(archive: Archive, *records: ConversationRecord) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.save(records)


def note_whether_all_lists_spam(archive: Archive, shown: bool | None) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_note(ALL_LISTS_SPAM, shown)


def aged_plan(*aged: Coverage) -> ReadPlan:
    return ReadPlan(aged, (), aged, (), LONG)


def plan(*, gaps: Sequence[Interval] = (), young_for: int = LONG) -> ReadPlan:
    covered = [Coverage(AGED, SEEN)]
    return ReadPlan(covered, (), covered, gaps, young_for)


def accept_offset(archive: Archive, rows: int) -> None:
    """Note that upstream's total permanently exceeds its rows by so many."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        offset = (ALL_MAILBOXES, False, AGED.first, AGED.last, rows)
        writer.set_note(ACCEPTED_OFFSETS, [offset])


def test_equal_totals_prove_that_the_archive_needs_only_what_was_modified(
    archive: Archive,
) -> None:
    upstream = Upstream(total=7)
    patch = completer(archive, upstream).complete(plan(), QUERY, Progress())
    assert (patch.held, upstream.loaded) == ([AGED], [])


@pytest.mark.parametrize("total", [6, 8])
def test_other_totals_have_the_interval_loaded_anew(archive: Archive, total: int) -> None:
    upstream = Upstream(total=total)
    patch = completer(archive, upstream).complete(plan(), QUERY, Progress())
    assert (patch.held, upstream.loaded) == ([], [(AGED,)])


@pytest.mark.parametrize("offset", [2, -2])
def test_an_accepted_offset_counts_by_its_sign(archive: Archive, offset: int) -> None:
    accept_offset(archive, offset)
    agreeing, opposite = Upstream(total=7 + offset), Upstream(total=7 - offset)
    for upstream in (agreeing, opposite):
        completer(archive, upstream).complete(plan(), QUERY, Progress())
    assert (agreeing.loaded, opposite.loaded) == ([], [(AGED,)])


@pytest.mark.parametrize(
    ("recent_age", "gap_fresh_for", "young_for"),
    [(RECENT_AGE, LONG, LONG), (LONG, RECENT_AGE, LONG), (LONG, LONG, RECENT_AGE)],
    ids=["what was modified", "what was loaded", "what is young"],
)
def test_an_answer_is_fresh_only_as_long_as_each_of_its_parts(
    archive: Archive, recent_age: int, gap_fresh_for: int, young_for: int
) -> None:
    upstream = Upstream(total=7, fresh_for=gap_fresh_for)
    before = clock.elapsed()
    patch = completer(archive, upstream, recent_age).complete(
        plan(gaps=[GAP], young_for=young_for), QUERY, Progress()
    )
    assert before + RECENT_AGE <= patch.fresh_until <= clock.elapsed() + RECENT_AGE


def test_changes_that_are_used_again_do_not_stay_fresh_for_longer(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(clock, "elapsed", lambda: now)
    source = completer(archive, Upstream(total=7), RECENT_AGE)
    source.complete(plan(), QUERY, Progress())
    now += RECENT_AGE / 2
    assert source.complete(plan(), QUERY, Progress()).fresh_until == 1000.0 + RECENT_AGE


def test_the_answer_is_as_of_its_oldest_part(archive: Archive) -> None:
    young = Coverage(Interval(CREATED - 100, CREATED - 1), SEEN - 50)
    aged = Coverage(AGED, SEEN)
    read = ReadPlan([young, aged], [young], [aged], [GAP], LONG)
    patch = completer(archive, Upstream(total=7)).complete(read, QUERY, Progress())
    assert patch.as_of == SEEN - 50


def test_a_row_of_the_gap_is_beside_what_the_archive_holds(archive: Archive) -> None:
    row = Row(GAP.first, 99, 1, 11, "email", "active", "published", ())
    upstream = Upstream(total=7)
    upstream.found = (row,)
    patch = completer(archive, upstream).complete(plan(gaps=[GAP]), QUERY, Progress())
    assert (list(patch.beside), patch.held) == ([row], [AGED])


def test_what_is_written_after_the_totals_were_compared_has_to_agree_with_them(
    archive: Archive,
) -> None:
    source = completer(archive, Upstream(total=7))
    patch = source.complete(plan(), QUERY, Progress())
    with archive.reading() as snapshot:
        assert source.proves(patch, snapshot)
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.save([record(8)])  # read before it was deleted, written after the comparison
    with archive.reading() as snapshot:
        assert not source.proves(patch, snapshot)


def test_of_two_sightings_in_one_second_that_of_the_question_counts(archive: Archive) -> None:
    row = record(3, status="closed").row
    patch = Patch([AGED], SEEN, LONG, instead={3: row}, instead_as_of=SEEN)
    with archive.reading() as snapshot:
        assert patch.changed(snapshot) == {3: row}


SPAM = record(8, status="spam")


@pytest.mark.parametrize(
    ("changed", "all_lists_spam", "total"),
    [
        ([record(50).row], None, 8),
        ([record(51, created=AGED.first).row, record(52, created=AGED.last).row], None, 9),
        ([record(53, created=AGED.first - 1).row, record(54, created=GAP.first).row], None, 7),
        ([record(3, status="closed").row], None, 7),
        ([record(3, status="spam").row], False, 6),
        ([record(3, status="spam").row], True, 7),
        ([record(50, status="spam").row], False, 7),
        ([record(50, status="spam").row], True, 8),
    ],
)
def test_each_change_counts_as_upstream_counts_it(
    archive: Archive, changed: list[Row], all_lists_spam: bool | None, total: int
) -> None:
    note_whether_all_lists_spam(archive, all_lists_spam)
    for other in (total - 1, total, total + 1):
        upstream = Upstream(other, changed=changed)
        patch = completer(archive, upstream).complete(plan(), QUERY, Progress())
        assert (patch.held == [AGED]) is (other == total)
        assert (upstream.loaded == []) is (other == total)


@pytest.mark.parametrize(
    ("changed", "all_lists_spam", "totals"),
    [
        ([], False, {7}),
        ([], True, {8}),
        ([], None, set()),
        ([SPAM.row._replace(status="active")], False, {8}),
        ([SPAM.row._replace(status="active")], True, {8}),
        ([SPAM.row._replace(status="active")], None, {8}),
    ],
)
def test_spam_in_the_archive_counts_where_the_list_of_all_shows_it(
    archive: Archive, changed: list[Row], all_lists_spam: bool | None, totals: set[int]
) -> None:
    save(archive, SPAM)
    note_whether_all_lists_spam(archive, all_lists_spam)
    proving = {
        total
        for total in range(6, 10)
        if completer(archive, Upstream(total, changed=changed))
        .complete(plan(), QUERY, Progress())
        .held
    }
    assert proving == totals


def test_a_change_that_the_archive_has_seen_since_does_not_count(archive: Archive) -> None:
    save(archive, record(3, seen=SEEN + 100, status="closed"))
    note_whether_all_lists_spam(archive, False)
    upstream = Upstream(7, changed=[record(3, status="spam").row])
    patch = completer(archive, upstream).complete(plan(), QUERY, Progress())
    assert patch.held == [AGED]
    with archive.reading() as snapshot:
        assert patch.changed(snapshot) == {}


def test_a_conversation_that_the_archive_never_saw_is_added(archive: Archive) -> None:
    row = record(50).row
    patch = Patch([AGED], SEEN, LONG, instead={50: row}, instead_as_of=0)
    with archive.reading() as snapshot:
        assert patch.changed(snapshot) == {50: row}


def test_what_was_modified_replaces_rows_of_the_aged_seconds_only(archive: Archive) -> None:
    here, elsewhere = record(50).row, record(54, created=GAP.first).row
    upstream = Upstream(8, changed=[here, elsewhere])
    patch = completer(archive, upstream).complete(plan(), QUERY, Progress())
    assert patch.instead == {50: here}
    assert (patch.as_of, patch.instead_as_of) == (SEEN + 1, SEEN + 1)


def test_changes_are_read_from_before_the_oldest_aged_part_because_upstreams_index_lags(
    archive: Archive,
) -> None:
    older, newer = Interval(CREATED, CREATED + 3), Interval(CREATED + 4, CREATED + 100)
    upstream = Upstream(total=0)
    progress = Progress()
    read = aged_plan(Coverage(older, SEEN - 9), Coverage(newer, SEEN))
    completer(archive, upstream).complete(read, QUERY, progress)
    assert upstream.modified_since == [(SEEN - 9 - INDEX_LAG, [older, newer])]
    assert upstream.totals == [older, newer]
    assert upstream.progress == {id(progress)}


def test_where_totals_differ_gaps_and_aged_seconds_are_loaded_together(archive: Archive) -> None:
    upstream = Upstream(total=6)
    upstream.found_as_of = SEEN - 5
    patch = completer(archive, upstream).complete(plan(gaps=[GAP]), QUERY, Progress())
    assert upstream.loaded == [(Interval(AGED.first, GAP.last),)]
    assert (patch.held, patch.as_of) == ([], SEEN - 5)


@pytest.mark.parametrize(("found_as_of", "as_of"), [(SEEN - 5, SEEN - 5), (SEEN + 5, SEEN + 1)])
def test_gaps_and_changes_are_as_of_the_older_of_both(
    archive: Archive, found_as_of: int, as_of: int
) -> None:
    upstream = Upstream(total=7)
    upstream.found_as_of = found_as_of
    assert completer(archive, upstream).complete(plan(gaps=[GAP]), QUERY, Progress()).as_of == as_of


@pytest.mark.parametrize(
    ("again", "later", "fetched"),
    [
        (Coverage(AGED, SEEN), RECENT_AGE - 1, 1),
        (Coverage(Interval(CREATED + 1, CREATED + 9), SEEN + 1), 0, 1),
        (Coverage(AGED, SEEN), RECENT_AGE, 2),
        (Coverage(AGED, SEEN - 1), 0, 2),
        (Coverage(Interval(AGED.first - 1, AGED.last), SEEN), 0, 2),
    ],
    ids=["the same", "fewer", "too late", "older", "more"],
)
def test_changes_are_used_again_where_they_hold_all_that_is_wanted(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, again: Coverage, later: int, fetched: int
) -> None:
    now = 1000.0
    monkeypatch.setattr(clock, "elapsed", lambda: now)
    upstream = Upstream(total=7)
    source = completer(archive, upstream, RECENT_AGE)
    source.complete(plan(), QUERY, Progress())
    now += later
    assert source.complete(aged_plan(again), QUERY, Progress()).held == [again.interval]
    assert len(upstream.modified_since) == fetched


def test_what_is_written_and_agrees_with_the_totals_is_proved_by_them(archive: Archive) -> None:
    source = completer(archive, Upstream(total=7))
    patch = source.complete(plan(), QUERY, Progress())
    save(archive, record(3, seen=SEEN + 100, status="closed"))
    with archive.reading() as snapshot:
        assert source.proves(patch, snapshot)


def test_changes_that_a_snapshot_refuted_are_not_used_again(archive: Archive) -> None:
    upstream = Upstream(total=7)
    source = completer(archive, upstream)
    patch = source.complete(plan(), QUERY, Progress())
    save(archive, record(8))
    with archive.reading() as snapshot:
        assert not source.proves(patch, snapshot)
    assert source.complete(plan(), QUERY, Progress()).held == []
    assert len(upstream.modified_since) == 2


def test_what_needs_no_proof_is_proved_by_any_snapshot(archive: Archive) -> None:
    patch = Patch([AGED], SEEN, LONG)
    with archive.reading() as snapshot:
        assert completer(archive, Upstream(total=0)).proves(patch, snapshot)


def test_a_plan_has_each_wanted_second_in_one_of_its_parts() -> None:
    ages = MaxAges(recent=60, older=1000, settled=100)
    young, aged = Coverage(Interval(0, 99), 950), Coverage(Interval(100, 199), 100)
    read = plan_read([young, aged], [Interval(50, 120), Interval(110, 250)], now=1000, ages=ages)
    assert (read.young, read.aged) == (
        [Coverage(Interval(50, 99), 950)],
        [Coverage(Interval(100, 199), 100)],
    )
    assert (read.gaps, read.young_for, read.whole) == ([Interval(200, 250)], 950, False)
    assert read.covered == [young, aged]


def test_a_plan_without_young_parts_is_not_limited_by_them() -> None:
    read = plan_read([], [Interval(0, 9)], now=1000, ages=MaxAges(60, 60))
    assert read.young_for > 10**9


def test_what_the_archive_has_alone_is_used_for_a_second_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "elapsed", lambda: 50.0)
    known = [Coverage(Interval(0, 4), 960), Coverage(Interval(5, 9), 950)]
    read = plan_read(known, [Interval(0, 9)], now=1000, ages=MaxAges(60, 60))
    patch = unchanged(read)
    assert read.whole
    assert (patch.held, patch.as_of) == ([Interval(0, 4), Interval(5, 9)], 950)
    assert patch.fresh_until == 51.0
