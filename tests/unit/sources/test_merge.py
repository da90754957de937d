"""What the archive lacks is loaded; its totals prove that nothing else has happened there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from compat import clock
from compat.archive.database import Archive, open_archive
from compat.archive.sync.queries import ACCEPTED_OFFSETS, ALL_MAILBOXES
from compat.core.intervals import Coverage, Interval, MaxAges
from compat.core.models import ConversationQuery, Progress, Row, RowSet
from compat.sources.live import Fetched, LiveSource
from compat.sources.merge import Completer, Patch, ReadPlan
from tests.unit.archive.samples import CREATED, SEEN, record

AGED = Interval(CREATED, CREATED + 100)
GAP = Interval(CREATED + 101, CREATED + 200)
QUERY = ConversationQuery((Interval(AGED.first, GAP.last),))
RECENT_AGE = 60
LONG = 1_000_000


class Upstream:
    """A live source that has seven conversations in all, and notes what was asked of it."""

    def __init__(self, total: int, fresh_for: float = LONG) -> None:
        self.loaded: list[Sequence[Interval]] = []
        self.found: tuple[Row, ...] = ()
        self._total = total
        self._fresh_for = fresh_for

    def total(self, _interval: Interval, _progress: Progress) -> Any:
        page = SimpleNamespace(page=SimpleNamespace(total_elements=self._total))
        return SimpleNamespace(value=page, requested_at=SEEN + 1)

    def modified(self, _since: int, _created: Sequence[Interval], _progress: Progress) -> Fetched:
        return Fetched((), SEEN + 2)

    def rows(self, query: ConversationQuery, _progress: Progress) -> RowSet:
        self.loaded.append(query.created)
        return RowSet(self.found, SEEN + 3, clock.elapsed() + self._fresh_for)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An archive with seven conversations."""
    with open_archive(f"sqlite:///{tmp_path}/archive.db", create=True) as opened:
        with opened.lock() as lock, opened.writing(lock) as writer:
            writer.save([record(id_) for id_ in range(1, 8)])
        yield opened


def completer(archive: Archive, upstream: Upstream, recent_age: int = LONG) -> Completer:
    return Completer(archive, cast("LiveSource", upstream), MaxAges(recent_age, recent_age))


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
