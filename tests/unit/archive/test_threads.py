"""The threads of conversations: stored as a unit, by id, and known completely or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from compat.archive.database import Archive
from compat.archive.records import (
    INDEX_LAG,
    LAYERS,
    RECENT_THREADS,
    THREADS_KNOWN,
    ShownThreads,
)
from compat.archive.writer import Writer
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Coverage, Interval
from compat.core.models import UNKNOWN_RATING, Activity, Rating, Thread
from tests.unit.archive.samples import CREATED, SEEN, record

NOW = Interval(FIRST_SECOND, SEEN - INDEX_LAG)


@contextmanager
def writing(archive: Archive) -> Iterator[Writer]:
    with archive.lock() as lock, archive.writing(lock) as writer:
        yield writer


@pytest.fixture
def kept(archive: Archive) -> Archive:
    """An archive that keeps threads."""
    with writing(archive) as writer:
        writer.keep_threads(kept=True)
    return archive


def thread(id_: int, created: int = CREATED, **fields: Any) -> Thread:
    return Thread(created, id_, "customer", by="customer", author=91, customer=91)._replace(
        **fields
    )


def save(
    archive: Archive,
    id_: int,
    shown: Sequence[Thread] | None,
    *,
    seen: int = SEEN,
    complete: bool = True,
    modified: bool = False,
    current: bool = False,
    status: str = "active",
) -> int:
    with writing(archive) as writer:
        threads = None
        if shown is not None:
            threads = ShownThreads(tuple(shown), complete, seen, modified, current)
        return writer.save([replace(record(id_, seen=seen, status=status), shown=threads)])


def held(archive: Archive, *ids: int) -> dict[int, list[int]]:
    with archive.reading() as snapshot:
        found = snapshot.threads_of(ids)
    return {id_: [each.id for each in threads] for id_, threads in found.items()}


def unread(archive: Archive) -> list[int]:
    with archive.reading() as snapshot:
        return [id_ for id_, _ in snapshot.unread_threads(10)]


def cover(archive: Archive, first: int = FIRST_SECOND, last: int = SEEN) -> None:
    interval = Interval(first, last)
    with writing(archive) as writer:
        for layer in LAYERS:
            writer.add_coverage(layer, Coverage(interval, SEEN))
        writer.set_note(THREADS_KNOWN, SEEN)


def covered(archive: Archive) -> Interval | None:
    with archive.reading() as snapshot:
        known = snapshot.activity_coverage()
    return known[0].interval if known else None


def test_threads_are_returned_as_they_were_stored(kept: Archive) -> None:
    full = Thread(CREATED, 5, "message", "published", "closed", "user", 3, 91, "imported", "web")
    full = full._replace(
        saved_reply=50, rating=Rating(1, 91, "Ada", "Bo", "Fine"), attachments=True
    )
    others = (
        thread(6, CREATED + 1, type="", state="", status=None),
        thread(7, CREATED + 2, rating=Rating(UNKNOWN_RATING), saved_reply=50),
    )
    save(kept, 1, [full, *others])
    with kept.reading() as snapshot:
        assert snapshot.threads_of([1])[1] == (full, *others)


def test_threads_are_in_the_order_of_their_creation_and_then_of_their_ids(kept: Archive) -> None:
    same_second = [thread(6, CREATED + 3, author=92), thread(8, CREATED + 3, author=91)]
    save(kept, 1, [thread(5, CREATED + 9), *same_second])
    save(kept, 2, [thread(7, CREATED + 1), thread(4, CREATED + 2)])
    assert held(kept, 1, 2) == {1: [6, 8, 5], 2: [7, 4]}


def test_an_archive_that_keeps_no_threads_stores_none(archive: Archive) -> None:
    save(archive, 1, [thread(5)])
    assert held(archive, 1) == {}
    assert unread(archive) == []


def test_the_threads_of_a_conversation_are_replaced_as_a_unit(kept: Archive) -> None:
    save(kept, 1, [thread(5), thread(6)])
    save(kept, 1, [thread(6), thread(7)], seen=SEEN + 1, current=True)
    assert held(kept, 1) == {1: [6, 7]}
    assert unread(kept) == []


def test_a_list_does_not_prove_that_a_thread_is_gone(kept: Archive) -> None:
    save(kept, 1, [thread(5), thread(6)])
    save(kept, 1, [thread(6), thread(7)], seen=SEEN + 1)
    assert held(kept, 1) == {1: [5, 6]}
    assert unread(kept) == [1]


def test_threads_that_were_seen_earlier_do_not_replace_later_ones(kept: Archive) -> None:
    save(kept, 1, [thread(5), thread(6)])
    save(kept, 1, [thread(5)], seen=SEEN - 1)
    assert held(kept, 1) == {1: [5, 6]}


@pytest.mark.parametrize("last", [1, 2])
def test_a_thread_belongs_to_the_conversation_that_showed_it_last(kept: Archive, last: int) -> None:
    seen = {1: SEEN, 2: SEEN, last: SEEN + 1}
    for id_ in (1, 2):
        save(kept, id_, [thread(5)], seen=seen[id_])
    assert held(kept, 1, 2) == {last: [5]}


def test_who_loses_a_thread_to_another_is_read_again_and_nobody_else(kept: Archive) -> None:
    for id_, threads in {1: [5, 6], 2: [7], 3: [8]}.items():
        save(kept, id_, [thread(each) for each in threads])
    save(kept, 2, [thread(5), thread(7)], seen=SEEN + 1)
    assert held(kept, 1, 2, 3) == {1: [6], 2: [5, 7], 3: [8]}
    assert unread(kept) == [1]


def test_removing_the_merged_conversation_keeps_the_threads_that_moved(kept: Archive) -> None:
    save(kept, 1, [thread(5)])
    save(kept, 2, [thread(5), thread(6)], seen=SEEN + 1)
    with writing(kept) as writer:
        writer.remove([1], SEEN + 2)
    assert held(kept, 1, 2) == {2: [5, 6]}


def test_a_conversation_without_threads_shown_has_unknown_threads(kept: Archive) -> None:
    save(kept, 1, [thread(5)])
    save(kept, 1, None, seen=SEEN + 1)
    assert unread(kept) == [1]
    save(kept, 1, [thread(5)], seen=SEEN + 2)
    assert unread(kept) == []


def test_incomplete_threads_that_show_nothing_new_keep_what_is_known(kept: Archive) -> None:
    save(kept, 1, [thread(5), thread(6)])
    save(kept, 1, [thread(6)], seen=SEEN + 1, complete=False)
    assert (unread(kept), held(kept, 1)) == ([], {1: [5, 6]})


@pytest.mark.parametrize(
    "shown",
    [
        {"shown": [thread(6)], "modified": True},
        {"shown": [thread(6)], "status": "closed"},
        {"shown": [thread(7)]},
        {"shown": [thread(6, rating=Rating(1))]},
    ],
    ids=["listed as modified", "another status", "a new thread", "a changed thread"],
)
def test_incomplete_threads_of_a_changed_conversation_are_unknown(
    kept: Archive, shown: dict[str, Any]
) -> None:
    save(kept, 1, [thread(5), thread(6)])
    save(kept, 1, seen=SEEN + 1, complete=False, **shown)
    assert unread(kept) == [1]


def test_listed_threads_complete_a_conversation(kept: Archive) -> None:
    save(kept, 1, [], complete=False)
    with writing(kept) as writer:
        assert writer.save_threads(1, ShownThreads((thread(5),), complete=True, seen=SEEN))
    assert (unread(kept), held(kept, 1)) == ([], {1: [5]})


def test_listed_threads_of_a_conversation_that_was_seen_again_do_not_count(kept: Archive) -> None:
    save(kept, 1, [], complete=False)
    save(kept, 1, [], seen=SEEN + 1, complete=False)
    with writing(kept) as writer:
        assert not writer.save_threads(1, ShownThreads((thread(5),), complete=True, seen=SEEN))
    assert (unread(kept), held(kept, 1)) == ([1], {})


def test_threads_of_an_erased_customer_have_a_surrogate_and_look_unchanged(kept: Archive) -> None:
    by_user = thread(6, by="user", author=91)
    save(kept, 1, [thread(5), by_user])
    with writing(kept) as writer:
        writer.erase_customers([91])
    with kept.reading() as snapshot:
        version = snapshot.version
    save(kept, 1, [thread(5), by_user])
    with kept.reading() as snapshot:
        first, second = snapshot.threads_of([1])[1]
        assert snapshot.version == version
    assert first.author == first.customer == second.customer < 0
    assert second.author == 91


def test_all_threads_are_known_until_the_margin_before_the_reading(kept: Archive) -> None:
    save(kept, 1, [thread(5)])
    cover(kept)
    assert covered(kept) == NOW


def test_nothing_is_known_while_the_threads_of_a_conversation_are_not(kept: Archive) -> None:
    save(kept, 1, None)
    cover(kept)
    assert covered(kept) is None


def test_nothing_is_known_while_older_conversations_are_missing(kept: Archive) -> None:
    cover(kept, CREATED)
    assert covered(kept) is None


def test_nothing_is_known_where_threads_are_not_kept_though_there_are_none(
    archive: Archive,
) -> None:
    cover(archive)
    assert covered(archive) is None


def test_nothing_is_known_where_old_conversations_are_not_kept(kept: Archive) -> None:
    with writing(kept) as writer:
        writer.set_kept_since(CREATED)
    cover(kept)
    assert covered(kept) is None


def test_nothing_is_known_before_a_run_has_said_so(kept: Archive) -> None:
    cover(kept)
    with writing(kept) as writer:
        writer.set_note(THREADS_KNOWN, None)
    assert covered(kept) is None


def test_nothing_is_known_after_a_part_that_is_not_covered(kept: Archive) -> None:
    cover(kept, last=CREATED)
    cover(kept, CREATED + 10)
    assert covered(kept) == Interval(FIRST_SECOND, CREATED)


def test_a_sealed_archive_knows_all_threads(kept: Archive) -> None:
    with writing(kept) as writer:
        for layer in LAYERS:
            writer.add_coverage(layer, Coverage(Interval(FIRST_SECOND, LAST_SECOND), SEEN))
        writer.set_sealed_at(SEEN)
        writer.set_note(THREADS_KNOWN, SEEN + INDEX_LAG)
    assert covered(kept) == Interval(FIRST_SECOND, LAST_SECOND)


def test_an_archive_sealed_before_its_threads_were_read_long_enough_lacks_the_last(
    kept: Archive,
) -> None:
    cover(kept)
    with writing(kept) as writer:
        writer.set_sealed_at(SEEN)
        writer.set_note(THREADS_KNOWN, SEEN + INDEX_LAG - 1)
    with kept.reading() as snapshot:
        assert snapshot.activity_coverage() == [
            Coverage(Interval(FIRST_SECOND, SEEN - 1), SEEN + INDEX_LAG - 1)
        ]


SINCE = CREATED + 1000


@pytest.fixture
def recent(kept: Archive) -> Archive:
    """An archive that covers nothing, but knows all threads since some second."""
    with writing(kept) as writer:
        writer.set_note(RECENT_THREADS, {"since": SINCE, "as_of": SEEN})
    return kept


def test_recent_threads_are_known_whatever_is_covered(recent: Archive) -> None:
    assert covered(recent) == Interval(SINCE, SEEN - INDEX_LAG)
    cover(recent, CREATED)
    with writing(recent) as writer:
        writer.set_note(THREADS_KNOWN, None)
    assert covered(recent) == Interval(SINCE, SEEN - INDEX_LAG)


def test_unread_threads_of_an_older_conversation_do_not_hide_recent_ones(recent: Archive) -> None:
    save(recent, 1, None)
    save(recent, 2, [thread(5, SINCE - 1)])
    save(recent, 2, None, seen=SEEN + 1)
    assert unread(recent) == [2, 1]
    assert covered(recent) == Interval(SINCE, SEEN - INDEX_LAG)


@pytest.mark.parametrize("at", [SINCE, SEEN - INDEX_LAG])
@pytest.mark.parametrize("what", ["a thread", "the creation", "the closing"])
def test_unread_threads_of_a_recent_conversation_hide_all(
    recent: Archive, what: str, at: int
) -> None:
    if what == "a thread":
        save(recent, 1, [thread(5, at)])
    row = record(at - CREATED if what == "the creation" else 1)
    closed = at if what == "the closing" else None
    with writing(recent) as writer:
        writer.save([replace(row, closed=closed, seen=SEEN + 1, shown=None)])
    assert len(unread(recent)) == 1
    assert covered(recent) is None


def test_nothing_recent_is_known_in_an_archive_that_keeps_no_threads_or_no_old_conversations(
    archive: Archive,
) -> None:
    with writing(archive) as writer:
        writer.set_note(RECENT_THREADS, {"since": SINCE, "as_of": SEEN})
    assert covered(archive) is None
    with writing(archive) as writer:
        writer.keep_threads(kept=True)
        writer.set_kept_since(CREATED)
        writer.set_note(RECENT_THREADS, {"since": SINCE, "as_of": SEEN})
    assert covered(archive) is None


@pytest.mark.parametrize(
    ("sealed_at", "last"), [(SEEN - INDEX_LAG, LAST_SECOND), (SEEN, SEEN - INDEX_LAG)]
)
def test_a_sealed_archive_may_know_recent_threads_alone(
    recent: Archive, sealed_at: int, last: int
) -> None:
    with writing(recent) as writer:
        writer.set_sealed_at(sealed_at)
    assert covered(recent) == Interval(SINCE, last)


def test_conversations_that_were_not_seen_since_are_found_by_what_happened_in_them(
    kept: Archive,
) -> None:
    save(kept, 1, [thread(5, SINCE)])
    save(kept, 2, [thread(6, SINCE - 1)])
    save(kept, 3, [thread(7, SINCE)], seen=SEEN + 1)
    with kept.reading() as snapshot:
        assert snapshot.not_seen_in(Interval(SINCE, SEEN), SEEN + 1) == [1]


def test_it_is_known_which_conversations_have_threads_and_whose_are_unknown(kept: Archive) -> None:
    save(kept, 1, [thread(5), thread(6)])
    for id_ in (2, 3):
        save(kept, id_, None)
    with kept.reading() as snapshot:
        assert snapshot.conversations_of_threads([5, 6, 7]) == {5: 1, 6: 1}
        assert snapshot.unread_among([1, 2, 9]) == {2}
        assert snapshot.unread_thread_count() == 2
        assert [id_ for id_, _ in snapshot.unread_threads(1)] == [3]


def test_keeping_threads_later_makes_those_of_all_conversations_unknown(archive: Archive) -> None:
    save(archive, 7, None)
    cover(archive)
    with writing(archive) as writer:
        writer.keep_threads(kept=True)
    with archive.reading() as snapshot:
        assert snapshot.unread_threads(10) == [(7, CREATED + 7)]
    assert covered(archive) is None


def test_keeping_threads_no_longer_erases_them(kept: Archive) -> None:
    save(kept, 1, [thread(5)])
    with writing(kept) as writer:
        writer.keep_threads(kept=False)
    assert held(kept, 1) == {}


def test_keeping_threads_no_longer_erases_which_were_unread(kept: Archive) -> None:
    save(kept, 1, None)
    with writing(kept) as writer:
        writer.keep_threads(kept=False)
    assert unread(kept) == []


@pytest.mark.parametrize(
    ("span", "ids"),
    [
        (Interval(CREATED + 51, CREATED + 100), [1]),
        (Interval(CREATED + 3, CREATED + 3), [3]),
        (Interval(CREATED + 200, CREATED + 200), [4]),
        (Interval(CREATED + 102, CREATED + 199), []),
    ],
    ids=["a thread", "the creation", "the closing", "nothing"],
)
def test_activities_are_conversations_in_which_something_happened(
    kept: Archive, span: Interval, ids: list[int]
) -> None:
    save(kept, 1, [thread(5, CREATED), thread(6, CREATED + 100)])
    save(kept, 2, [thread(7, CREATED + 50)])
    save(kept, 3, [thread(8, CREATED + 101)])
    with writing(kept) as writer:
        writer.save([replace(record(4), closed=CREATED + 200)])
    with kept.reading() as snapshot:
        assert [each.row.id for each in snapshot.activities([span])] == ids


def test_activities_have_all_threads_of_their_conversations(kept: Archive) -> None:
    threads = (thread(5, CREATED), thread(6, CREATED + 100))
    save(kept, 1, threads)
    with kept.reading() as snapshot:
        (found,) = snapshot.activities([Interval(CREATED + 100, CREATED + 100)])
        assert found == Activity(record(1).row, threads, customer=91, number=1001)
        assert list(snapshot.activities([])) == []
