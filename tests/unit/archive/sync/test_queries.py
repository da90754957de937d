"""What synchronisation asks an archive: parts, counts, windows, and what earlier runs noted."""

from __future__ import annotations

import pytest

from compat.archive.database import Archive
from compat.archive.records import ConversationRecord
from compat.archive.sync import queries
from compat.archive.sync.queries import ALL_MAILBOXES, Offset, Part
from compat.core.intervals import Interval
from tests.unit.archive.samples import EVERYTHING, record, save_all


def at(id_: int, created: int, *, seen: int = 50, mailbox: int | None = 1) -> ConversationRecord:
    return record(id_, created=created, seen=seen, mailbox=mailbox)


def keep_threads(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)


def note(archive: Archive, name: str, value: object) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_note(name, value)


# Parts and counts.


@pytest.mark.parametrize(
    ("part", "ids"),
    [
        (Part(EVERYTHING), {1, 2, 3, 4, 5}),
        (Part(Interval(20, 40)), {2, 3, 4}),
        (Part(Interval(21, 39)), {3}),
        (Part(EVERYTHING, mailbox=9), {2, 5}),
        (Part(EVERYTHING, spam=True), {3, 5}),
        (Part(EVERYTHING, spam=False), {1, 2, 4}),
        (Part(Interval(0, 40), mailbox=9, spam=False), {2}),
    ],
)
def test_a_part_has_conversations_of_its_interval_its_mailbox_and_its_list(
    archive: Archive, part: Part, ids: set[int]
) -> None:
    spam = {3, 5}
    mailboxes = {2: 9, 5: 9}
    save_all(
        archive,
        [
            record(
                id_,
                created=id_ * 10,
                mailbox=mailboxes.get(id_, 1),
                status="spam" if id_ in spam else "closed",
                seen=50,
            )
            for id_ in range(1, 6)
        ],
    )
    with archive.reading() as snapshot:
        assert queries.count(snapshot, part) == len(ids)
        assert set(queries.not_seen_since(snapshot, part, 51)) == ids


def test_conversations_are_counted_for_each_mailbox_that_is_known(archive: Archive) -> None:
    mailboxes = {1: 9, 2: 3, 3: 9, 4: None}
    save_all(archive, [at(id_, 10, mailbox=mailbox) for id_, mailbox in mailboxes.items()])
    with archive.reading() as snapshot:
        assert list(queries.count_by_mailbox(snapshot).items()) == [(3, 1), (9, 2)]


def test_what_was_not_seen_since_a_second_is_sorted_by_creation_and_id(archive: Archive) -> None:
    seconds = {1: (30, 19), 4: (10, 19), 2: (10, 5), 3: (20, 20), 5: (20, 21)}
    save_all(archive, [at(id_, created, seen=seen) for id_, (created, seen) in seconds.items()])
    with archive.reading() as snapshot:
        assert queries.not_seen_since(snapshot, Part(EVERYTHING), 20) == [2, 4, 1]


# Windows.


@pytest.mark.parametrize(("n", "created"), [(0, 30), (1, 20), (2, 20), (3, 10), (4, None)])
def test_conversations_are_numbered_from_the_youngest_one(
    archive: Archive, n: int, created: int | None
) -> None:
    save_all(archive, [at(1, 20), at(2, 30), at(3, 10), at(4, 20)])
    with archive.reading() as snapshot:
        assert queries.creation_of_nth(snapshot, Part(EVERYTHING), n) == created


@pytest.mark.parametrize(
    ("interval", "rows", "window"),
    [
        (Interval(0, 40), 1, Interval(21, 40)),
        (Interval(0, 40), 2, Interval(21, 40)),
        (Interval(0, 40), 3, Interval(11, 40)),
        (Interval(0, 40), 4, Interval(0, 40)),
        (Interval(0, 20), 1, Interval(20, 20)),
        (Interval(0, 20), 2, Interval(11, 20)),
        (Interval(31, 40), 1, Interval(31, 40)),
    ],
)
def test_a_window_begins_after_the_conversation_that_would_be_too_many(
    archive: Archive, interval: Interval, rows: int, window: Interval
) -> None:
    """More than these may be created in one second, which is never cut."""
    save_all(archive, [at(1, 20), at(2, 30), at(3, 10), at(4, 20)])
    with archive.reading() as snapshot:
        assert queries.newest_window(snapshot, interval, rows) == window


# Threads.


@pytest.mark.parametrize(
    ("interval", "unread"),
    [
        (Interval(10, 20), True),
        (Interval(20, 29), True),
        (Interval(11, 19), False),
        (Interval(21, 40), False),
    ],
)
def test_unread_threads_are_looked_for_among_those_created_in_an_interval(
    archive: Archive, interval: Interval, unread: bool
) -> None:
    keep_threads(archive)
    save_all(archive, [at(1, 10), at(2, 20)])
    with archive.reading() as snapshot:
        assert queries.has_unread_threads(snapshot, interval) is unread


def test_unread_threads_are_those_of_conversations_seen_in_a_second_or_later(
    archive: Archive,
) -> None:
    save_all(archive, [at(4, 10, seen=60)])
    keep_threads(archive)
    save_all(archive, [at(1, 10, seen=49), at(2, 20), at(3, 30, seen=51)])
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.remove([4], 70)
    with archive.reading() as snapshot:
        assert sorted(queries.unread_seen_since(snapshot, 50)) == [2, 3]


# Notes.


@pytest.mark.parametrize("shown", [None, True, False])
def test_whether_all_lists_spam_is_what_was_noted(archive: Archive, shown: bool | None) -> None:
    if shown is not None:
        note(archive, queries.ALL_LISTS_SPAM, shown)
    with archive.reading() as snapshot:
        assert queries.all_lists_spam(snapshot) is shown


def test_conversations_that_are_not_stored_are_noted_with_their_second(archive: Archive) -> None:
    with archive.reading() as snapshot:
        assert queries.not_stored(snapshot) == {}
    note(archive, queries.NOT_STORED, [(2**63, 10), (2**63 + 1, 20)])
    with archive.reading() as snapshot:
        assert queries.not_stored(snapshot) == {2**63: 10, 2**63 + 1: 20}


def test_accepted_offsets_are_noted(archive: Archive) -> None:
    accepted = [Offset(7, False, 5, 30, 2), Offset(ALL_MAILBOXES, True, 0, None, -4)]
    with archive.reading() as snapshot:
        assert queries.accepted_offsets(snapshot) == []
    note(archive, queries.ACCEPTED_OFFSETS, accepted)
    with archive.reading() as snapshot:
        found = queries.accepted_offsets(snapshot)
    assert found == accepted
    assert [each.spam for each in found] == [False, True]


@pytest.mark.parametrize(
    ("offset", "within"),
    [
        (Offset(7, False, 10, 20, 3), True),
        (Offset(ALL_MAILBOXES, False, 11, 19, 3), True),
        (Offset(7, False, 10, None, 3), True),
        (Offset(7, False, 9, 20, 3), False),
        (Offset(7, False, 9, None, 3), False),
        (Offset(7, False, 10, 21, 3), False),
        (Offset(7, True, 10, 20, 3), False),
    ],
)
def test_an_offset_is_within_an_interval_if_no_second_of_it_is_outside(
    offset: Offset, within: bool
) -> None:
    found = queries.offsets_within([offset], Interval(10, 20), spam=False)
    assert found == ([offset] if within else [])
