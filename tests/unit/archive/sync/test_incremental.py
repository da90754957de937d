"""When what was modified is read, since when, and what is known of it then."""

from __future__ import annotations

import re

import pytest

from compat.archive.records import INDEX_LAG, LAYERS
from compat.archive.sync import incremental
from compat.archive.sync.incremental import read_modified, read_modified_at_end
from compat.archive.sync.session import SyncSession
from compat.archive.sync.threads import list_threads_of, set_threads_kept
from compat.core.intervals import Coverage, Interval
from compat.simulator import Account
from compat.v2.lists import Missing
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.samples import cover, instant
from tests.unit.archive.sync.synced_account import (
    DAY,
    Clock,
    Staged,
    opened_archive,
    opened_session,
    staged,
)
from tests.unit.archive.sync.true_threads import unread

NOW = int(Clock().now)
FIRST = NOW - 100 * DAY
OLD, YOUNG = Interval(FIRST, FIRST + 9), Interval(FIRST + 20, FIRST + 29)
"""What is covered."""


@pytest.fixture
def stage(upstream_server: Upstream, url: str) -> Staged:
    """A conversation each second, all of them modified now, and an empty archive."""
    clock = Clock()
    account = Account(clock=clock)
    for second in range(-1, 31):
        account.add(FIRST + second, status="spam" if second % 3 == 0 else "active")
    for row in account.conversations():
        account.touch(row.id)
    return staged(upstream_server, url, account, clock)


@pytest.mark.parametrize(
    ("oldest", "requested", "first", "last"),
    [
        # How long ago, when the run began, the archive was up to date; and how long it took.
        (INDEX_LAG + 1, 0, True, True),
        (INDEX_LAG, 0, False, True),
        (1, 0, False, True),
        (0, INDEX_LAG + 1, False, True),
        (0, INDEX_LAG, False, False),
        (-5, INDEX_LAG - 5, False, False),
        (-5, INDEX_LAG + 6, False, True),
        (None, INDEX_LAG + 1, False, False),
    ],
)
def test_what_was_modified_is_read_at_first_if_the_archive_is_old_else_at_the_end(  # noqa: PLR0917
    stage: Staged,
    monkeypatch: pytest.MonkeyPatch,
    oldest: int | None,
    requested: int,
    first: bool,
    last: bool,
) -> None:
    read: list[SyncSession] = []
    monkeypatch.setattr(incremental, "_read_modified", read.append)
    if oldest is not None:
        with opened_archive(stage) as archive:
            cover(archive, OLD, NOW - oldest)
            cover(archive, YOUNG, NOW + DAY)
    with opened_session(stage) as session:
        session.started_at = NOW
        session.note_time(NOW + requested)
        read_modified(session)
        assert read == [session] * first
        read.clear()
        read_modified_at_end(session)
        assert read == [session] * last


def test_what_was_modified_since_the_oldest_layer_less_the_margin_is_read_where_it_is_covered(
    stage: Staged,
) -> None:
    oldest = NOW - 5 * DAY
    with opened_session(stage) as session:
        with session.writing() as writer:
            for layer, later in zip(LAYERS, (20, 0, 40), strict=True):
                writer.add_coverage(layer, Coverage(OLD, oldest + later))
                writer.add_coverage(layer, Coverage(YOUNG, oldest + later + 7))
        session.started_at = session.note_time(NOW - 3)
        read_modified(session)
        with session.reading() as snapshot:
            covered = {layer: snapshot.layer_coverage(layer) for layer in LAYERS}
            requested_at = session.requested_at
        assert session.rows_read == 7 + 20 + 1 + 7, "the second page begins with the last row"
    assert stage.rows() == {**stage.truth(OLD), **stage.truth(YOUNG)}
    for known in covered.values():
        assert [each.interval for each in known] == [OLD, YOUNG]
        assert all(NOW - 5 < each.as_of <= requested_at for each in known)
    asked = set()
    for target in stage.simulator.targets:
        if "/conversations?" in target:
            asked.add(re.findall(r"At:\[(\S+) TO", target)[0])
    assert asked == {instant(oldest - INDEX_LAG)}
    created = [
        each for each in stage.simulator.targets if f"createdAt:[{instant(OLD.first)} " in each
    ]
    assert all(f"TO {instant(YOUNG.last + 1)}]" in each for each in created)
    assert len(created) == 3


def test_the_seconds_between_are_not_covered_by_what_was_modified(stage: Staged) -> None:
    with opened_archive(stage) as archive:
        cover(archive, OLD, NOW - DAY)
    with opened_session(stage) as session:
        session.started_at = session.note_time(NOW)
        read_modified(session)
        with session.reading() as snapshot:
            assert [known.interval for known in snapshot.coverage()] == [OLD]
    assert stage.rows() == stage.truth(OLD)


def test_threads_of_a_chat_that_was_modified_are_unread_though_it_looks_unchanged(
    stage: Staged,
) -> None:
    chat = stage.account.add(FIRST, type="chat").id
    with opened_archive(stage) as archive, archive.lock() as lock:
        set_threads_kept(archive, lock, kept=True)
    with opened_session(stage) as session:
        shown = session.look_up(chat)
        assert not isinstance(shown, Missing)
        with session.writing() as writer:
            session.write_rows(writer, [(shown.value, NOW)], current=True)
        list_threads_of(session, [chat])
    assert unread(stage) == set()
    with opened_archive(stage) as archive:
        cover(archive, OLD, NOW - DAY)
    with opened_session(stage) as session:
        session.started_at = session.note_time(NOW)
        read_modified(session)
        with session.reading() as snapshot:
            assert snapshot.unread_among([chat]) == {chat}
