"""The first run reads everything, newest months first; a killed run loses at most a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice, pairwise

import pytest

from compat.archive.database import Archive, open_archive
from compat.archive.locks import SyncLock
from compat.archive.records import INDEX_LAG, LAYERS
from compat.archive.sync import backfill
from compat.archive.sync.backfill import WindowPlan, windows_of
from compat.archive.sync.run import SyncStopped
from compat.archive.writer import Writer
from compat.core import intervals
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Interval
from compat.core.models import ListQuery
from compat.simulator import Account, Behaviour, make_account
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.synced_account import (
    DAY,
    NOW,
    QUIET,
    SINCE,
    Clock,
    PowerCut,
    Staged,
    interrupted,
    sample_account,
    staged,
)


def test_everything_is_in_the_archive_after_it(upstream_server: Upstream, any_url: str) -> None:
    clock = Clock()
    stage = staged(upstream_server, any_url, sample_account(clock), clock)
    stage.sync()
    assert stage.rows() == stage.covered_truth() == stage.truth()


@pytest.mark.parametrize("all_lists_spam", [True, False])
@pytest.mark.parametrize("index_fractions", [True, False])
def test_everything_is_read_however_upstream_behaves(
    upstream_server: Upstream, url: str, all_lists_spam: bool, index_fractions: bool
) -> None:
    clock = Clock()
    behaviour = Behaviour(
        rate_limit=None,
        all_lists_spam=all_lists_spam,
        index_fractions=index_fractions,
        empty="absent",
        past_end="not_found",
        fail_rate=0.05,
        truncate_rate=0.02,
    )
    stage = staged(upstream_server, url, sample_account(clock), clock, behaviour)
    stage.sync()
    assert stage.rows() == stage.truth()
    assert not stage.reported("differs")


def test_the_coverage_begins_before_everything_and_ends_a_margin_before_the_start(
    stage: Staged,
) -> None:
    stage.sync()
    covered = stage.coverage()
    (span,) = intervals.union(known.interval for known in covered)
    assert span.first == FIRST_SECOND
    assert stage.clock.now - 5 - INDEX_LAG <= span.last <= stage.clock.now - INDEX_LAG
    for known in covered:  # workers may begin at different times
        assert stage.clock.now - 5 <= known.as_of <= stage.clock.now


def test_an_empty_account_is_covered_as_well(upstream_server: Upstream, url: str) -> None:
    clock = Clock()
    stage = staged(upstream_server, url, Account(clock=clock), clock)
    stage.sync()
    assert [known.interval.first for known in stage.coverage()] == [FIRST_SECOND]
    assert stage.asked() < 30


def test_the_newest_months_come_first(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "ROWS", 60)
    stage.limit_requests(1)
    stage.sync()
    windows = [facts["last"] for facts in stage.reported("window")]
    assert len(windows) > 3
    assert windows == sorted(windows, reverse=True)
    for last in windows[1:]:
        assert datetime.fromtimestamp(last + 1, UTC).day == 1
    assert stage.rows() == stage.truth()


def test_a_small_account_is_read_in_few_requests(upstream_server: Upstream, url: str) -> None:
    clock = Clock()
    account = make_account(100, 3, NOW, SINCE, clock)
    stage = staged(upstream_server, url, account, clock)
    stage.sync()
    assert stage.rows()
    lists = 14 + 4 * len(account.layout.mailboxes) + len(account.layout.teams)
    assert stage.asked() <= lists + 100 // 24


def test_since_and_until_say_what_is_covered(stage: Staged) -> None:
    some = Interval(*(int(datetime(2015, month, 1, tzinfo=UTC).timestamp()) for month in (2, 4)))
    stage.sync(within=lambda _: some)
    assert [known.interval for known in stage.coverage()] == [some]
    assert stage.rows() == stage.truth(some)
    stage.sync()
    assert stage.rows() == stage.truth()


@pytest.mark.parametrize("after", [0, 1, 2, 5, 11, 17])
def test_a_kill_loses_a_page_at_most(stage: Staged, after: int) -> None:
    with interrupted(stage, after), pytest.raises(PowerCut):
        stage.sync()
    held = len(stage.rows())
    assert held >= min(25 * (after - 3), 0)
    outcome = stage.sync()
    assert stage.rows() == stage.truth()
    again = outcome.changed + held - len(stage.truth())
    assert again <= 25


@pytest.mark.parametrize("after", [6, 9, 12])
def test_what_a_killed_run_has_read_is_not_missing_when_a_run_goes_on_a_day_later(
    stage: Staged, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """What the killed run covers becomes younger at first: only what was modified is read then."""
    monkeypatch.setattr(backfill, "ROWS", 60)
    with interrupted(stage, after), pytest.raises(PowerCut):
        stage.sync()
    gone = next(id_ for id_, row in stage.rows().items() if row.status == "closed")
    stage.account.delete(gone)
    stage.clock.advance(DAY)
    stage.sync()
    looked_up = [path for path in stage.simulator.requests if "conversations/" in path]
    assert len(looked_up) <= 1
    assert stage.rows() == stage.truth()


@contextmanager
def each_commit(then: Callable[[Archive], None]) -> Iterator[None]:
    """Within the block, a function is called after each commit of this process."""
    writing = Archive.writing

    @contextmanager
    def writing_and_calling(archive: Archive, lock: SyncLock) -> Iterator[Writer]:
        with writing(archive, lock) as writer:
            yield writer
        then(archive)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Archive, "writing", writing_and_calling)
        yield


def test_after_each_commit_what_a_layer_covers_is_in_the_archive(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coverage that was committed before the rows of its page would be found here."""
    monkeypatch.setattr(backfill, "ROWS", 60)
    covered = set()

    def compare(archive: Archive) -> None:
        with archive.reading() as snapshot:
            for layer in LAYERS:
                for known in snapshot.layer_coverage(layer):
                    covered.add(known.interval)
                    held = {row.id for row in snapshot.rows([known.interval])}
                    assert ids_of_layer(stage, layer, known.interval) <= held

    with each_commit(compare):
        stage.sync()
    assert len(covered) > 10


def ids_of_layer(stage: Staged, layer: str, interval: Interval) -> set[int]:
    """The conversations that the list of a layer surely shows."""
    rows = stage.truth(interval).values()
    return {row.id for row in rows if (row.status == "spam") is (layer != "all")}


def test_runs_that_are_all_killed_make_progress_until_one_ends(
    upstream_server: Upstream, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "ROWS", 40)
    clock = Clock()
    stage = staged(upstream_server, url, sample_account(clock, 100, 0), clock)
    kills = 0
    while kills < 40:
        try:
            with interrupted(stage, 4):
                stage.sync()
            break
        except PowerCut:
            kills += 1
    assert 2 <= kills < 40
    assert stage.rows() == stage.truth()


def test_a_sealed_archive_is_left_alone(stage: Staged) -> None:
    stage.sync()
    with (
        open_archive(stage.url) as archive,
        archive.lock() as lock,
        archive.writing(lock) as writer,
    ):
        writer.set_sealed_at(int(stage.clock.now))
    with pytest.raises(SyncStopped, match="sealed") as stopped:
        stage.sync()
    assert stopped.value.status == 4
    assert not stage.asked()


def test_lists_are_in_the_archive(stage: Staged) -> None:
    stage.sync()
    layout = stage.account.layout
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        mailboxes = snapshot.list_items(ListQuery("mailboxes")) or ()
        tags = snapshot.list_items(ListQuery("tags")) or ()
        assert [each.name for each in mailboxes] == [each.name for each in layout.mailboxes]
        assert [each.name for each in tags] == [each.name for each in layout.tags]
        for mailbox in layout.mailboxes:
            folders = snapshot.list_items(ListQuery("folders", mailbox.id)) or ()
            assert [each.id for each in folders] == [
                each.id for each in layout.folders_of(mailbox.id)
            ]


def test_documents_are_kept_unless_the_archive_is_slim(
    upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for slim in (False, True):
        clock = Clock()
        url = f"sqlite:///{tmp_path_factory.mktemp('kept')}/archive.db"
        stage = staged(upstream_server, url, sample_account(clock), clock)
        stage.sync(slim=slim)
        assert stage.rows() == stage.truth()
        with open_archive(url) as archive, archive.reading() as snapshot:
            kept = snapshot.raw_documents(list(stage.truth()))
        assert len(kept) == (0 if slim else len(stage.truth()))


MAY = Interval(
    int(datetime(2015, 5, 1, tzinfo=UTC).timestamp()),
    int(datetime(2015, 5, 31, 23, 59, 59, tzinfo=UTC).timestamp()),
)


@pytest.mark.parametrize(
    ("gap", "months", "oldest", "first"),
    [
        (MAY, 1, FIRST_SECOND, MAY.first),
        (Interval(FIRST_SECOND, MAY.last), 1, FIRST_SECOND, MAY.first),
        (Interval(FIRST_SECOND, MAY.last), 1, MAY.first, FIRST_SECOND),
        (Interval(FIRST_SECOND, MAY.last), 1, MAY.first - 1, MAY.first),
        (Interval(FIRST_SECOND, MAY.last), 3, FIRST_SECOND, MAY.first - 61 * 86_400),
        (Interval(MAY.first + 5, MAY.last), 1, FIRST_SECOND, MAY.first + 5),
        (Interval(FIRST_SECOND, FIRST_SECOND), 1, FIRST_SECOND, FIRST_SECOND),
        (Interval(FIRST_SECOND, LAST_SECOND), 120_000, FIRST_SECOND, FIRST_SECOND),
    ],
)
def test_windows_begin_with_a_month_or_with_the_gap(
    gap: Interval, months: int, oldest: int, first: int
) -> None:
    windows = list(islice(windows_of(gap, WindowPlan(oldest, months)), 3))
    assert windows[0] == Interval(first, gap.last)
    assert all(later.last + 1 == window.first for window, later in pairwise(windows))


def test_the_last_window_of_a_gap_is_all_that_is_left() -> None:
    gap = Interval(FIRST_SECOND, MAY.last)
    windows = list(windows_of(gap, WindowPlan(MAY.first - 40 * DAY, 1)))
    assert intervals.union(windows) == [gap]
    assert [window.first for window in windows[:-1]] == [MAY.first, MAY.first - 30 * DAY]


def test_what_is_asked_is_of_documented_kinds_only(stage: Staged) -> None:
    stage.sync()
    instant = r"(\*|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
    created = rf"createdAt:\[{instant} TO {instant}\]"
    for target in stage.simulator.targets:
        if target.startswith("/v2/conversations?"):
            query = re.search(r"query=(\(.*?\))&", target)
            assert query is not None, target
            assert re.fullmatch(rf"\((modifiedAt:\[{instant} TO \*\] AND )?{created}\)", query[1])


def test_the_quiet_behaviour_has_the_page_size_that_these_tests_assume() -> None:
    assert QUIET.page_size == 25
