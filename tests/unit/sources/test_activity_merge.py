"""Conversations that were modified take the place of what an archive has, thread by thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.archive.database import Archive, open_archive
from compat.archive.records import ConversationRecord, ShownThreads
from compat.archive.sync.queries import ALL_LISTS_SPAM
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval
from compat.core.models import Activity, Row, Thread
from compat.sources.activity_merge import ActivityPatch, Changes
from compat.sources.sightings import Sighting
from tests.unit.archive.samples import CREATED

ARCHIVED = 1000
"""When the archive has seen its conversations, by upstream's clock."""


def thread(id_: int, type_: str = "customer", state: str = "published") -> Thread:
    return Thread(CREATED + id_, id_, type_, state, by="customer", author=91, customer=91)


def conversation(id_: int, *threads: Thread, status: str = "active") -> Activity:
    row = Row(CREATED + id_, id_, 1, 10, "email", status, "published", ())
    return Activity(row, threads, customer=91, number=id_)


def sightings(*seen: tuple[Activity, int]) -> dict[int, Sighting]:
    """The conversations, and when each was requested; the later ones were seen later."""
    return {
        each.row.id: Sighting(each, number, at, (), len(each.threads), complete=True)
        for number, (each, at) in enumerate(seen)
    }


def patch(*seen: tuple[Activity, int], total: int = 0) -> ActivityPatch:
    """What was modified, each with the second in which it was requested."""
    compared = Interval(FIRST_SECOND, CREATED + 200)
    return ActivityPatch(0, compared, total, sightings(*seen), True, frozenset(), 0, 0.0)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """Two conversations: 101 with the threads 1 and 2, and 102 with the threads 3 and 4."""
    held = [conversation(101, thread(1), thread(2)), conversation(102, thread(3), thread(4))]
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as opened:
        with opened.lock() as lock, opened.writing(lock) as writer:
            writer.keep_threads(kept=True)
            writer.save(
                ConversationRecord(
                    each.row,
                    ARCHIVED,
                    number=each.number,
                    customer=each.customer,
                    created_by=each.customer,
                    shown=ShownThreads(each.threads, complete=True, seen=ARCHIVED),
                )
                for each in held
            )
        yield opened


def changes(archive: Archive, patch: ActivityPatch) -> Changes:
    with archive.reading() as snapshot:
        return patch.changes(snapshot)


def current(found: Changes) -> dict[int, list[int]]:
    """The threads of the conversations that count now."""
    return {each.row.id: [own.id for own in each.threads] for each in found.current}


# Which conversations count.


@pytest.mark.parametrize(
    ("at", "is_later"), [(ARCHIVED - 1, False), (ARCHIVED, True), (ARCHIVED + 1, True)]
)
def test_of_two_sightings_the_later_one_counts_and_in_the_same_second_the_modified_one(
    archive: Archive, at: int, is_later: bool
) -> None:
    found = changes(archive, patch((conversation(101, thread(1), thread(5)), at)))
    assert set(found.replaced) == ({101} if is_later else set())
    assert current(found) == ({101: [1, 5]} if is_later else {})
    assert found.outdated == set(found.replaced)


def test_a_conversation_that_the_archive_does_not_have_counts_whenever_it_was_seen(
    archive: Archive,
) -> None:
    found = changes(archive, patch((conversation(103, thread(7)), 0)))
    assert current(found) == {103: [7]}
    assert not found.lost


def test_if_nothing_was_modified_nothing_has_changed(archive: Archive) -> None:
    assert changes(archive, patch()) == Changes(current=[])


# Where a thread counts.


@pytest.mark.parametrize(
    ("at", "moved"), [(ARCHIVED - 1, False), (ARCHIVED, True), (ARCHIVED + 1, True)]
)
def test_a_thread_counts_where_it_was_seen_last(archive: Archive, at: int, moved: bool) -> None:
    """The thread 3 is on 102 in the archive, and was seen on 103."""
    found = changes(archive, patch((conversation(103, thread(3), thread(7)), at)))
    assert current(found) == {103: [3, 7] if moved else [7]}
    assert {id_: set(lost) for id_, lost in found.lost.items()} == ({102: {3}} if moved else {})
    assert found.outdated == ({102, 103} if moved else {103})


def test_a_conversation_whose_threads_all_stay_is_the_same_object(archive: Archive) -> None:
    seen = conversation(103, thread(7))
    (same,) = changes(archive, patch((seen, ARCHIVED))).current
    assert same is seen


def test_of_two_modified_conversations_the_later_one_has_the_thread(archive: Archive) -> None:
    first, second = conversation(101, thread(1), thread(2)), conversation(102, thread(2), thread(3))
    found = changes(archive, patch((first, ARCHIVED + 1), (second, ARCHIVED + 1)))
    assert current(found) == {101: [1], 102: [2, 3]}


# What is left of a conversation of the archive.

HELD = conversation(101, thread(1), thread(2, "lineitem"), thread(3, state="draft"))


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (Changes(), [1, 2, 3]),
        (Changes(lost={102: {1}}), [1, 2, 3]),
        (Changes(lost={101: {2}}), [1, 3]),
        (Changes(lost={101: {3}}), [1, 2]),
        (Changes(lost={101: {2, 3}}), [1]),
        (Changes(lost={101: {1}}), None),
        (Changes(lost={101: {1, 3}}), None),
        (Changes(lost={101: {1, 2}}), None),
        (Changes(frozenset({101})), None),
    ],
)
def test_a_conversation_without_a_published_thread_but_line_items_was_merged(
    found: Changes, left: list[int] | None
) -> None:
    remaining = found.remaining(HELD)
    assert (remaining and [each.id for each in remaining.threads]) == left


# Whether a total proves the rest.


@pytest.mark.parametrize(
    ("seen", "total"),
    [
        ([], 2),
        ([(conversation(101, thread(1), status="closed"), ARCHIVED)], 2),
        ([(conversation(103, thread(7)), ARCHIVED)], 3),
    ],
)
def test_a_total_agrees_if_it_counts_what_the_archive_has_with_what_was_modified(
    archive: Archive, seen: list[tuple[Activity, int]], total: int
) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_note(ALL_LISTS_SPAM, True)
    with archive.reading() as snapshot:
        agrees = [patch(*seen, total=each).agrees_with(snapshot) for each in range(total + 2)]
    assert agrees.index(True) == total
    assert agrees.count(True) == 1
