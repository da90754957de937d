"""What is read again: how much of it, in which windows, and what was read longest ago first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from compat.archive.records import LAYERS
from compat.archive.sync import reread
from compat.archive.sync.backfill import LISTED, READ
from compat.archive.sync.reread import REREAD_UNTIL, VERIFY_SINCE
from compat.archive.sync.session import SyncSession
from compat.core import intervals
from compat.core.intervals import Coverage, Interval
from compat.simulator import Account
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.samples import cover, record, save_all
from tests.unit.archive.sync.synced_account import (
    DAY,
    Clock,
    PowerCut,
    Staged,
    opened_archive,
    opened_session,
    staged,
)

NOW = int(Clock().now)
ROWS = 100
COVERED = Interval(0, 10 * ROWS - 1)


@pytest.fixture
def stage(upstream_server: Upstream, url: str) -> Staged:
    """An archive with a conversation every ten seconds, from 0 on; all of it is covered."""
    stage = staged(upstream_server, url, Account(clock=Clock()), Clock())
    with opened_archive(stage) as archive:
        save_all(archive, [record(number + 1, created=10 * number) for number in range(ROWS)])
        cover(archive, COVERED, NOW)
    return stage


def set_read(stage: Staged, *parts: tuple[int, int, int]) -> None:
    """Note when intervals were last read: their first and last second, and when that was."""
    with opened_archive(stage) as archive, archive.lock() as lock, archive.writing(lock) as writer:
        for first, last, as_of in parts:
            writer.add_coverage(READ, Coverage(Interval(first, last), as_of))


def note(session: SyncSession, name: str, value: object) -> None:
    with session.writing() as writer:
        writer.set_note(name, value)


def noted(session: SyncSession, name: str) -> object:
    with session.reading() as snapshot:
        return snapshot.get_note(name)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[Interval]:
    """The windows that are read again; nothing is, and each counts as read."""
    read: list[Interval] = []

    def read_windows(
        _session: SyncSession,
        windows: Sequence[Interval],
        _listed: object,
        on_read: Callable[[Interval], None],
    ) -> None:
        for window in windows:
            read.append(window)
            on_read(window)

    monkeypatch.setattr(reread, "read_windows", read_windows)
    return read


# The share that is due.


@pytest.mark.parametrize(
    ("due", "parts", "expected"),
    [
        (24, [], []),
        (25, [], [(741, 999, 25)]),
        (64, [], [(591, 999, 40)]),
        (65, [], [(591, 999, 40), (341, 590, 25)]),
        (60, [(0, 299, 50), (300, 999, 70)], [(0, 299, 30), (691, 999, 30)]),
        (60, [(0, 299, 70), (300, 999, 50)], [(591, 999, 40)]),
        (60, [(300, 999, 50)], [(0, 299, 30), (691, 999, 30)]),
        (60, [(0, 299, 50), (300, 999, NOW)], [(0, 299, 30)]),
        (60, [(0, 299, 50), (300, 999, NOW - 1)], [(0, 299, 30), (691, 999, 30)]),
        (60, [(0, 1500, 50)], [(591, 999, 40)]),
        (66, [(0, 589, NOW)], [(591, 999, 40), (590, 590, 1)]),
    ],
)
def test_what_was_read_longest_ago_comes_first_in_windows_with_the_newest_first(
    stage: Staged,
    monkeypatch: pytest.MonkeyPatch,
    due: int,
    parts: list[tuple[int, int, int]],
    expected: list[tuple[int, int, int]],
) -> None:
    """Of each part: its first and last second; and when it was read, or how many rows it has."""
    monkeypatch.setattr(reread, "ROWS", 40)
    set_read(stage, *parts)
    with opened_session(stage) as session:
        session.started_at = NOW
        session.note_time(NOW + 5)
        found = list(reread._windows_read_longest_ago(session, due))
    assert [(*window, rows) for window, rows in found] == expected


def test_a_window_without_conversations_counts_as_one(stage: Staged) -> None:
    with opened_archive(stage) as archive:
        cover(archive, Interval(1000, 1999), NOW)
    set_read(stage, (0, 999, 70), (1000, 1999, 50))
    with opened_session(stage) as session:
        session.started_at = NOW
        session.note_time(NOW)
        found = list(reread._windows_read_longest_ago(session, 30))
    assert found == [(Interval(1000, 1999), 1), (Interval(701, 999), 29)]


@pytest.mark.parametrize(
    ("since", "windows_read", "done"),
    [
        (24, [], -24 * DAY),
        (25, [Interval(741, 999)], 0),
        (60, [Interval(591, 999)], -20 * DAY + 1),
        (500, [Interval(591, 999), Interval(191, 590)], -20 * DAY + 2),
    ],
)
def test_one_conversation_is_read_again_each_day_if_a_hundred_are_in_a_hundred_days(  # noqa: PLR0917
    stage: Staged,
    windows: list[Interval],
    monkeypatch: pytest.MonkeyPatch,
    since: int,
    windows_read: list[Interval],
    done: int,
) -> None:
    monkeypatch.setattr(reread, "ROWS", 40)
    with opened_session(stage, reread_days=100) as session:
        session.started_at = session.note_time(NOW)
        note(session, REREAD_UNTIL, NOW - since * DAY)
        reread.reread(session)
        assert windows == windows_read
        assert noted(session, REREAD_UNTIL) == NOW + done


@pytest.mark.parametrize(("since", "done"), [(54, -24 * DAY + 1), (55, 0)])
def test_nothing_is_due_any_more_once_all_was_read_in_this_run(
    stage: Staged, windows: list[Interval], since: int, done: int
) -> None:
    set_read(stage, (300, 999, NOW))
    with opened_session(stage, reread_days=100) as session:
        session.started_at = session.note_time(NOW)
        note(session, REREAD_UNTIL, NOW - since * DAY)
        reread.reread(session)
        assert windows == [Interval(0, 299)]
        assert noted(session, REREAD_UNTIL) == NOW + done


def test_the_time_of_a_share_is_rounded_so_that_nothing_is_left_out(
    stage: Staged, windows: list[Interval]
) -> None:
    with opened_archive(stage) as archive:
        save_all(archive, [record(ROWS + 1, created=999)])
    with opened_session(stage, reread_days=100) as session:
        session.started_at = session.note_time(NOW)
        note(session, REREAD_UNTIL, NOW - 30 * DAY)
        reread.reread(session)
        assert windows == [Interval(701, 999)]
        assert noted(session, REREAD_UNTIL) == NOW - 30 * DAY + 30 * 100 * DAY // 101 + 1


def test_a_window_without_conversations_takes_the_time_of_one(
    stage: Staged, windows: list[Interval]
) -> None:
    with opened_archive(stage) as archive:
        cover(archive, Interval(1000, 1999), NOW)
    set_read(stage, (0, 999, NOW))
    with opened_session(stage, reread_days=100) as session:
        session.started_at = session.note_time(NOW)
        note(session, REREAD_UNTIL, NOW - 25 * DAY)
        reread.reread(session)
        assert windows == [Interval(1000, 1999)]
        assert noted(session, REREAD_UNTIL) == NOW - 24 * DAY + 1


def test_the_first_share_is_due_after_the_first_run(stage: Staged, windows: list[Interval]) -> None:
    with opened_session(stage) as session:
        session.started_at = NOW
        reread.reread(session)
        assert noted(session, REREAD_UNTIL) == NOW
    assert not windows


def test_of_an_empty_archive_nothing_is_due(
    upstream_server: Upstream, url: str, windows: list[Interval]
) -> None:
    empty = staged(upstream_server, url, Account(clock=Clock()), Clock())
    with opened_session(empty) as session:
        session.started_at = NOW
        note(session, REREAD_UNTIL, 0)
        reread.reread(session)
        assert noted(session, REREAD_UNTIL) == NOW
    assert not windows


# Everything.


def layer(session: SyncSession, name: str) -> list[tuple[int, int, int]]:
    with session.reading() as snapshot:
        return [(*interval, as_of) for interval, as_of in snapshot.layer_coverage(name)]


def set_listed(session: SyncSession) -> None:
    """Note that all lists of everything were read by a run that was killed."""
    with session.writing() as writer:
        for name in LISTED.values():
            writer.add_coverage(name, Coverage(COVERED, NOW - 1))


def test_everything_is_read_again_and_what_was_read_before_is_not_enough(
    stage: Staged, windows: list[Interval], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reread, "ROWS", 40)
    set_read(stage, (0, 499, NOW), (500, 899, NOW - 5), (900, 999, NOW + 5))
    with opened_session(stage, verify=True) as session:
        session.started_at = NOW
        set_listed(session)
        reread.reread(session)
        assert windows == [Interval(591, 999), Interval(191, 590), Interval(0, 190)]
        assert session.expected == ROWS
        assert (noted(session, VERIFY_SINCE), noted(session, REREAD_UNTIL)) == (None, NOW)
        assert layer(session, READ) == [
            (0, 499, NOW - 1),
            (500, 899, NOW - 5),
            (900, 999, NOW - 1),
        ]
        assert [layer(session, name) for name in LISTED.values()] == [[], [], []]


def test_a_verification_that_is_killed_has_noted_when_it_began(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise PowerCut

    monkeypatch.setattr(reread, "read_windows", power_cut)
    with opened_session(stage, verify=True) as session:
        session.started_at = NOW
        with pytest.raises(PowerCut):
            reread.reread(session)
        assert noted(session, VERIFY_SINCE) == NOW


def test_the_last_window_may_be_a_single_second(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reread, "ROWS", 25)
    with opened_session(stage) as session:
        windows = list(reread.windows_of_rows(session, Interval(740, 999)))
    assert windows == [Interval(741, 999), Interval(740, 740)]


@pytest.mark.parametrize(("days", "seconds", "again"), [(3, 0, False), (7, 0, False), (7, 1, True)])
def test_what_a_run_has_verified_that_was_killed_is_not_read_again_for_a_week(
    stage: Staged, windows: list[Interval], days: int, seconds: int, again: bool
) -> None:
    since = NOW - days * DAY - seconds
    set_read(stage, (0, 599, since), (600, 799, since - 1), (800, 999, since + 1))
    with opened_session(stage, verify=True) as session:
        session.started_at = NOW
        note(session, VERIFY_SINCE, since)
        set_listed(session)
        reread.reread(session)
        assert windows == [COVERED if again else Interval(600, 799)]
        assert session.expected == (ROWS if again else 20)
        assert [bool(layer(session, name)) for name in LISTED.values()] == [not again] * 3


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        (Interval(100, 300), [Interval(100, 300)]),
        (Interval(300, 700), [Interval(600, 700), Interval(300, 399)]),
        (Interval(NOW, NOW + 5), []),
    ],
)
def test_only_what_is_wanted_and_covered_is_verified_the_newest_first(
    stage: Staged, windows: list[Interval], within: Interval, expected: list[Interval]
) -> None:
    with opened_session(stage, verify=True, within=lambda _: within) as session:
        session.started_at = NOW
        set_listed(session)
        with session.writing() as writer:
            writer.remove_coverage(Interval(400, 599))
        reread.reread(session)
        assert windows == expected
        assert noted(session, REREAD_UNTIL) == NOW
        kept = [Interval(*each[:2]) for each in layer(session, LISTED[LAYERS[0]])]
    assert kept == intervals.difference([COVERED], expected)


def test_lists_that_a_killed_run_has_read_are_named_by_their_layers(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []
    monkeypatch.setattr(reread, "read_windows", lambda *args: given.extend(args[:3]))
    with opened_session(stage) as session:
        for number, name in enumerate(LAYERS):
            with session.writing() as writer:
                writer.add_coverage(LISTED[name], Coverage(Interval(number, 9), NOW))
        reread.read_again(session, [COVERED])
    assert given == [
        session,
        [COVERED],
        {name: [Interval(number, 9)] for number, name in enumerate(LAYERS)},
    ]
