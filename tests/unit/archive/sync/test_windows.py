"""Windows: how gaps are cut into them, which lists are left to read, and what they prove."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from compat.archive.records import LAYERS
from compat.archive.sync import backfill, queries
from compat.archive.sync.backfill import (
    LISTED,
    READ,
    READ_WITH_THREADS,
    SpamOnLists,
    WindowPlan,
)
from compat.archive.sync.pages import WindowPage
from compat.core import intervals
from compat.core.intervals import Coverage, Interval
from compat.simulator import Account
from compat.v2.lanes import Lane, UnreadWindow
from compat.v2.search import Window
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.samples import instant
from tests.unit.archive.sync.synced_account import DAY, Clock, Staged, opened_session, staged
from tests.unit.archive.sync.test_pages import conversation, lane_of

NOW = int(Clock().now)
FIRST = NOW - 400 * DAY
MONTH = 31 * DAY
ROWS = 30


@pytest.fixture
def stage(upstream_server: Upstream, url: str) -> Staged:
    """Thirty conversations, one a day, and an empty archive."""
    clock = Clock()
    account = Account(clock=clock)
    for day in range(ROWS):
        account.add(FIRST + day * DAY)
    return staged(upstream_server, url, account, clock)


# How many months make a window.


@pytest.mark.parametrize(
    ("gap", "rows", "plan", "expected"),
    [
        (Interval(FIRST, FIRST + MONTH - 1), 2_000, WindowPlan(FIRST, 1), 0),
        (Interval(FIRST - 5, FIRST - 5 + MONTH), 2_000, WindowPlan(FIRST, 66), 30),
        (Interval(FIRST - 5, FIRST + 3 * MONTH), 10, WindowPlan(FIRST, 1), 30),
        (Interval(FIRST - 5, FIRST + 3 * MONTH - 1), 20, WindowPlan(FIRST, 1), 30),
        (Interval(FIRST - 5, FIRST + 3 * MONTH), 20, WindowPlan(FIRST, 2), 30),
        (Interval(FIRST - 5, FIRST + 3 * MONTH), 1, WindowPlan(FIRST, 1), 30),
        (Interval(FIRST - 5, FIRST + MONTH), 10**9, WindowPlan(FIRST, 120_000), 30),
        (Interval(FIRST - 2 * MONTH, FIRST), 10, WindowPlan(FIRST, 10), 1),
        (Interval(FIRST - 2 * MONTH, FIRST - 10), 10, WindowPlan(FIRST - 10, 120_000), 0),
    ],
)
def test_a_window_has_as_many_months_as_have_about_so_many_conversations(  # noqa: PLR0917
    stage: Staged,
    monkeypatch: pytest.MonkeyPatch,
    gap: Interval,
    rows: int,
    plan: WindowPlan,
    expected: int,
) -> None:
    monkeypatch.setattr(backfill, "ROWS", rows)
    with opened_session(stage) as session:
        assert backfill._plan(session, gap) == plan
        assert session.expected == expected


# Which lists are left to read.


def unread(first: int, last: int, stage: int) -> UnreadWindow:
    return UnreadWindow(Window(first, last), stage)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (([], [], []), [unread(0, 99, 0)]),
        (([Interval(0, 99)], [], []), [unread(0, 99, 1)]),
        (([Interval(0, 99)], [Interval(0, 99)], []), [unread(0, 99, 2)]),
        (([Interval(0, 99)], [Interval(0, 99)], [Interval(0, 99)]), []),
        (([], [Interval(0, 99)], [Interval(0, 99)]), [unread(0, 99, 0)]),
        (
            ([Interval(20, 79)], [Interval(0, 39)], [Interval(30, 34)]),
            [
                unread(80, 99, 0),
                unread(40, 79, 1),
                unread(35, 39, 2),
                unread(20, 29, 2),
                unread(0, 19, 0),
            ],
        ),
    ],
)
def test_each_part_of_a_window_begins_with_the_first_list_that_was_not_read_there(
    listed: tuple[list[Interval], ...], expected: list[UnreadWindow]
) -> None:
    by_layer = dict(zip(LAYERS, listed, strict=True))
    assert backfill._unread(Interval(0, 99), by_layer) == expected


def test_what_is_wanted_is_read_except_what_is_covered_and_what_cannot_be_stored(
    stage: Staged,
) -> None:
    with opened_session(stage, within=lambda _: Interval(0, 99)) as session:
        session.started_at = NOW
        with session.writing() as writer:
            for layer in LAYERS:
                writer.add_coverage(layer, Coverage(Interval(10, 19), 5))
        session.not_stored[2**63] = 50
        assert backfill._gaps(session) == [Interval(0, 9), Interval(20, 49), Interval(51, 99)]
        session.started_at = 0
        assert backfill._gaps(session) == []


# When the reading of a window is finished.


@pytest.mark.parametrize("threads", [False, True])
def test_a_finished_window_was_read_when_the_first_of_its_lists_was_begun(
    stage: Staged, threads: bool
) -> None:
    window = Interval(10, 19)
    with opened_session(stage) as session:
        with session.writing() as writer:
            writer.keep_threads(kept=threads)
            for layer, as_of in zip(LAYERS, (30, 20, 40), strict=True):
                for part in (Interval(0, 9), Interval(20, 29)):
                    writer.add_coverage(LISTED[layer], Coverage(part, 10))
                writer.add_coverage(LISTED[layer], Coverage(window, as_of))
        session.keeps_threads = threads
        backfill._finish(session, window)
        backfill._finish(session, Interval(50, 59))
        with session.reading() as snapshot:
            assert snapshot.layer_coverage(READ) == [Coverage(window, 20)]
            assert snapshot.layer_coverage(READ_WITH_THREADS) == (
                [Coverage(window, 20)] if threads else []
            )
            for layer in LAYERS:
                left = [known.interval for known in snapshot.layer_coverage(LISTED[layer])]
                assert left == [Interval(0, 9), Interval(20, 29)]


# Whether the list of `all` shows spam.


def pages_of(
    lane: Lane, *spam: Sequence[int], last: int = 19, is_last: bool = True
) -> list[WindowPage]:
    """A page of each list with the seconds of its spam; it also has one that is no spam."""
    return [
        WindowPage(
            lane=lane,
            layer=layer,
            window=Interval(0, last),
            rows=[conversation(0), *(conversation(second, "spam") for second in seconds)],
            requested_at=50,
            began=50,
            complete=last,
            left=0,
            is_first=layer == "spam",
            is_last=is_last and layer == "spam-again",
        )
        for layer, seconds in zip(LAYERS, spam, strict=True)
    ]


@pytest.mark.parametrize(
    ("pages", "noted"),
    [
        (pages_of(lane_of(0, 19), [], [], []), None),
        (pages_of(lane_of(0, 19), [5], [], [5]), False),
        (pages_of(lane_of(0, 19), [5], [5], [5]), True),
        (pages_of(lane_of(0, 19), [], [5], []), True),
        (pages_of(lane_of(0, 19), [5], [], []), None),
        (pages_of(lane_of(0, 19), [], [], [5]), None),
        (pages_of(lane_of(0, 19), [5], [], [6]), None),
        (pages_of(lane_of(0, 19), [5], [], [5], is_last=False), None),
        (pages_of(lane_of(0, 19), [19], [], [19]), False),
        (pages_of(lane_of(0, 19), [20], [], [20]), None),
        (pages_of(lane_of(0, 19), [4, 20], [], [4, 20]), False),
        (
            pages_of(lane_of(0, 19), [5], [], [], is_last=False)
            + pages_of(lane_of(0, 19), [], [], [5]),
            None,
        ),
    ],
    ids=[
        "no spam at all",
        "spam throughout, and not on the list of all",
        "spam on all lists",
        "spam on the list of all alone",
        "marked as spam no more",
        "marked as spam later",
        "one after the other",
        "a window that is not complete",
        "in the last second",
        "after the last second: another worker reads that",
        "in the window, and after it",
        "in two windows",
    ],
)
def test_whether_all_lists_spam_is_noted_if_a_complete_window_proves_it(
    stage: Staged, pages: list[WindowPage], noted: bool | None
) -> None:
    with opened_session(stage) as session:
        spam = SpamOnLists(session)
        for page in pages:
            spam.add(page)
        with session.reading() as snapshot:
            assert queries.all_lists_spam(snapshot) is noted


def test_each_window_of_a_lane_is_judged_by_its_own_pages(stage: Staged) -> None:
    lane = lane_of(0, 19)
    with opened_session(stage) as session:
        spam = SpamOnLists(session)
        for page in (*pages_of(lane, [5], [], []), *pages_of(lane, [], [], [5])):
            spam.add(page)
        with session.reading() as snapshot:
            assert queries.all_lists_spam(snapshot) is None


def test_a_note_that_is_right_is_not_written_again(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened_session(stage) as session:
        for shown in (True, False):
            backfill.note_all_lists_spam(session, shown=shown)
            with monkeypatch.context() as patch:
                patch.setattr(session, "writing", lambda: pytest.fail("it is written again"))
                backfill.note_all_lists_spam(session, shown=shown)
            with session.reading() as snapshot:
                assert queries.all_lists_spam(snapshot) is shown


# The reading of windows.


def test_windows_are_reported_when_they_begin_and_handed_on_when_they_are_finished(
    stage: Staged,
) -> None:
    windows = [Interval(FIRST + 10 * DAY, FIRST + 40 * DAY), Interval(FIRST, FIRST + 10 * DAY - 1)]
    read: list[Interval] = []
    with opened_session(stage) as session:
        backfill.read_windows(session, windows, {layer: [] for layer in LAYERS}, read.append)
        with session.reading() as snapshot:
            assert intervals.union(known.interval for known in snapshot.coverage()) == [
                Interval(FIRST, FIRST + 40 * DAY)
            ]
            for layer in LISTED.values():
                assert snapshot.layer_coverage(layer) == []
        assert session.rows_read == ROWS
    assert read == windows
    assert stage.reported("window") == [
        {"first": window.first, "last": window.last} for window in windows
    ]
    assert len(stage.rows()) == ROWS


def test_what_a_window_does_not_show_and_is_gone_is_removed_when_it_is_finished(
    stage: Staged,
) -> None:
    stage.sync()
    first, *_, last = (row.id for row in stage.account.conversations())
    for gone in (first, last):
        stage.account.delete(gone)
    stage.clock.advance(DAY)
    with opened_session(stage) as session:
        session.note_time(int(stage.clock.now))
        backfill.read_windows(
            session, [Interval(FIRST, FIRST + DAY)], {layer: [] for layer in LAYERS}
        )
    held = stage.rows()
    assert first not in held
    assert last in held


def test_gaps_are_filled_newest_first_and_lists_that_a_killed_run_has_read_are_not_read_again(
    stage: Staged,
) -> None:
    covered = Interval(FIRST + 10 * DAY, FIRST + 20 * DAY)
    listed = Interval(FIRST + 25 * DAY, FIRST + 50 * DAY)
    wanted = Interval(FIRST, FIRST + 40 * DAY)
    read: list[Interval] = []
    with opened_session(stage, within=lambda _: wanted) as session:
        session.started_at = session.note_time(NOW)
        with session.writing() as writer:
            for layer in LAYERS:
                writer.add_coverage(layer, Coverage(covered, NOW))
            for layer in ("spam", LISTED["spam"], LISTED["all"]):
                # What is listed and not covered is not known: nothing says that it is up to date.
                writer.add_coverage(layer, Coverage(listed, NOW))
        backfill.fill_gaps(session, read.append)
        with session.reading() as snapshot:
            spans = intervals.union(known.interval for known in snapshot.coverage())
    assert [span for span in spans if span.first <= wanted.last] == [wanted]
    assert read == [
        Interval(listed.first, wanted.last),
        Interval(covered.last + 1, listed.first - 1),
        Interval(wanted.first, covered.first - 1),
    ]
    statuses = [
        re.findall("status=([a-z]+)", each)[0]
        for each in stage.simulator.targets
        if f"createdAt:[{instant(listed.first)} " in each
    ]
    assert statuses == ["all", "spam"]


def test_an_interval_of_which_a_killed_run_has_read_all_lists_is_finished_without_reading(
    stage: Staged,
) -> None:
    with opened_session(stage, within=lambda _: Interval(0, 99)) as session:
        session.started_at = session.note_time(NOW)
        with session.writing() as writer:
            for layer, last in zip(LAYERS, (99, 59, 79), strict=True):
                writer.add_coverage(layer, Coverage(Interval(0, 99), 50))
                writer.add_coverage(LISTED[layer], Coverage(Interval(0, last), 40))
        backfill.fill_gaps(session)
        with session.reading() as snapshot:
            assert snapshot.layer_coverage(READ) == [Coverage(Interval(0, 59), 40)]
            left = [snapshot.layer_coverage(layer) for layer in LISTED.values()]
    assert left == [[Coverage(Interval(60, 99), 40)], [], [Coverage(Interval(60, 79), 40)]]
    assert stage.asked() == 0


def test_no_gap_is_filled_where_nothing_is_wanted(stage: Staged) -> None:
    with opened_session(stage, within=lambda _: Interval(1, 0)) as session:
        assert session.wanted is None
        backfill.fill_gaps(session)
    assert stage.asked() == 0
