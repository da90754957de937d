"""Memory counts the same as a loop over the rows of the snapshot in question."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from compat.archive.database import Archive
from compat.archive.index import Chunk, CountIndex, RangeSegments, count_chunks
from compat.archive.reader import Snapshot
from compat.archive.records import ConversationRecord
from compat.archive.schema import CHUNK_BITS, chunk_of
from compat.core.counting import CountQuery, Filter
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Row, UnknownValue
from tests.unit.archive.count_queries import count_cases
from tests.unit.archive.samples import CREATED, SEEN, record, save_all

CHUNK = 1 << CHUNK_BITS
FIRST = chunk_of(CREATED) + 1
APART = (0, 3, 6)
"""Chunks that are not next to each other."""
COUNTED = Filter(frozenset({"published"}), frozenset({"spam"}))


@pytest.fixture
def index(archive: Archive) -> Iterator[CountIndex]:
    made = CountIndex(archive)
    yield made
    made.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the database was asked: to count, or for the rows of a chunk."""
    seen: list[str] = []
    count, rows = Snapshot.count, Snapshot.rows

    def noted_count(self: Snapshot, query: CountQuery) -> list[list[int]]:
        seen.append("count")
        return count(self, query)

    def noted_rows(
        self: Snapshot, spans: Iterable[Interval], *, mailboxes: Collection[int] = frozenset()
    ) -> list[Row]:
        (span,) = spans
        seen.append(f"chunk {chunk_of(span.first) - FIRST}")
        return rows(self, [span], mailboxes=mailboxes)

    monkeypatch.setattr(Snapshot, "count", noted_count)
    monkeypatch.setattr(Snapshot, "rows", noted_rows)
    return seen


def seen_in(chunk: int, id_: int, **others: Any) -> ConversationRecord:
    return record(id_, created=(FIRST + chunk) * CHUNK + id_, **others)


def query(*chunks: int, which: Filter = COUNTED) -> CountQuery:
    """How many count in each of some chunks that follow each other."""
    edges = [(FIRST + number) * CHUNK for number in (*chunks, chunks[-1] + 1)]
    return CountQuery(
        ConversationQuery((Interval(edges[0], edges[-1] - 1),)), which, (tuple(edges),)
    )


def in_memory(index: CountIndex) -> list[int]:
    """The chunks that are in memory."""
    return sorted(number - FIRST for number in index._chunks)


def count(index: CountIndex, archive: Archive, what: CountQuery) -> list[int]:
    with archive.reading() as snapshot:
        (counts,) = index.count(snapshot, what)
    index.wait_until_loaded()
    return counts


@given(drawn=count_cases())
def test_memory_counts_what_a_loop_over_the_rows_counts(
    drawn: tuple[list[Row], CountQuery, list[list[int]] | None],
) -> None:
    rows, what, counts = drawn
    parts: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        parts[chunk_of(row.created)].append(row)
    chunks = {number: Chunk(1, part) for number, part in parts.items()}
    assert count_chunks(chunks, what, [RangeSegments(edges) for edges in what.ranges]) == counts


@given(drawn=count_cases(unknown=True))
def test_memory_knows_whether_an_unknown_value_decides(
    drawn: tuple[list[Row], CountQuery, list[list[int]] | None],
) -> None:
    rows, what, counts = drawn
    parts: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        parts[chunk_of(row.created)].append(row)
    chunks = {number: Chunk(1, part) for number, part in parts.items()}
    segments = [RangeSegments(edges) for edges in what.ranges]
    certain = count_chunks(chunks, what, segments)
    possible = count_chunks(chunks, what, segments, unknown=True)
    assert (certain if certain == possible else None) == counts
    if certain != possible:
        assert any(chunk.has_unknown(what) for chunk in chunks.values())


def test_what_is_in_memory_is_refused_as_by_the_database(
    archive: Archive, index: CountIndex
) -> None:
    save_all(archive, [seen_in(5, 1), seen_in(5, 2, tags=None), seen_in(6, 3)])
    tagged = replace(COUNTED, tags=frozenset({3}))
    assert count(index, archive, query(5, 6)) == [2, 1]
    for _ in range(2):
        with pytest.raises(UnknownValue, match="`tags` of conversation 2"):
            count(index, archive, query(5, which=tagged))
        assert count(index, archive, query(6, which=tagged)) == [0]
    assert index.rows_in_memory() == 3


def test_rare_and_frequent_values_count_alike() -> None:
    rows = [seen_in(0, id_, tags=(7,) if id_ in {3, 400} else (8,)).row for id_ in range(1000)]
    chunk = Chunk(1, rows)
    for tag, expected in ((7, 2), (8, 998), (9, 0)):
        which = Filter(COUNTED.states, COUNTED.excluded_statuses, tags=frozenset({tag}))
        assert chunk.matching(query(0, which=which), unknown=False).bit_count() == expected
    assert isinstance(chunk._positions["tags"][8], int)
    assert not isinstance(chunk._positions["tags"][7], int)


@pytest.mark.parametrize("all_tags", [False, True])
def test_a_conversation_whose_tags_are_unknown_may_have_one_of_them_or_all(
    all_tags: bool,
) -> None:
    chunk = Chunk(1, [seen_in(0, 1, tags=None).row, seen_in(0, 2, tags=(3, 4)).row])
    what = query(0, which=replace(COUNTED, tags=frozenset({3, 4}), all_tags=all_tags))
    assert chunk.matching(what, unknown=False).bit_count() == 1
    assert chunk.matching(what, unknown=True).bit_count() == 2


def test_the_database_answers_the_first_count_and_memory_later_ones(
    archive: Archive, index: CountIndex, asked: list[str]
) -> None:
    save_all(archive, [seen_in(0, 1), seen_in(1, 2, tags=(5,)), seen_in(1, 3)])
    assert count(index, archive, query(0, 1)) == [1, 2]
    assert asked == ["count", "chunk 1", "chunk 0"]
    tagged = Filter(COUNTED.states, COUNTED.excluded_statuses, tags=frozenset({5}))
    assert count(index, archive, query(0, 1, which=tagged)) == [0, 1]
    assert count(index, archive, query(1)) == [2]
    assert len(asked) == 3
    assert index.rows_in_memory() == 3


def test_only_what_changed_is_loaded_again(
    archive: Archive, index: CountIndex, asked: list[str]
) -> None:
    save_all(archive, [seen_in(0, 1), seen_in(1, 2), seen_in(2, 3)])
    count(index, archive, query(0, 1, 2))
    del asked[:]
    save_all(archive, [seen_in(1, 2, status="spam", seen=SEEN + 1), seen_in(0, 1, seen=SEEN + 1)])
    assert count(index, archive, query(0, 1, 2)) == [1, 0, 1]
    assert count(index, archive, query(0, 1, 2)) == [1, 0, 1]
    assert asked == ["count", "chunk 1"]


def test_an_older_snapshot_gets_the_counts_of_its_own_state(
    archive: Archive, index: CountIndex
) -> None:
    save_all(archive, [seen_in(0, 1)])
    with archive.reading() as before:
        save_all(archive, [seen_in(0, 2)])
        assert count(index, archive, query(0)) == [2]
        assert index.count(before, query(0)) == [[1]]
        assert count(index, archive, query(0)) == [2]


@pytest.mark.parametrize(("most", "kept"), [(8, [0, 6]), (7, [6]), (4, [6]), (3, [])])
def test_the_least_recently_used_chunks_are_removed_first(
    archive: Archive, most: int, kept: list[int]
) -> None:
    save_all(archive, [seen_in(chunk, 10 * chunk + id_) for chunk in APART for id_ in range(4)])
    index = CountIndex(archive, max_rows=most)
    for chunk in (0, 3, 0, 6):
        assert count(index, archive, query(chunk)) == [4]
        assert index.rows_in_memory() <= most
    assert in_memory(index) == kept
    index.close()


@pytest.mark.parametrize(
    ("size", "most", "loaded", "kept"),
    [
        (4, 9, ["chunk 2", "chunk 1", "chunk 0"], [1, 2]),
        (1, 2, ["chunk 2", "chunk 1", "chunk 0"], [1, 2]),
        (1, 1, ["chunk 2", "chunk 1"], [2]),
    ],
)
def test_an_interval_that_does_not_fit_is_counted_by_the_database(  # noqa: PLR0917
    archive: Archive, asked: list[str], size: int, most: int, loaded: list[str], kept: list[int]
) -> None:
    save_all(
        archive, [seen_in(chunk, 10 * chunk + id_) for chunk in range(3) for id_ in range(size)]
    )
    index = CountIndex(archive, max_rows=most)
    for _ in range(3):
        assert count(index, archive, query(0, 1, 2)) == [size] * 3
        assert index.rows_in_memory() <= most
    assert asked == ["count", *loaded, "count", "count"]
    assert in_memory(index) == kept
    index.close()


def test_what_is_being_loaded_is_not_loaded_again_whatever_else_is_counted(
    archive: Archive, index: CountIndex, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_all(archive, [seen_in(chunk, chunk) for chunk in APART])
    counted, rows = threading.Event(), Snapshot.rows

    def late_rows(self: Snapshot, *spans: Any, **others: Any) -> list[Row]:
        assert counted.wait(10)
        return rows(self, *spans, **others)

    monkeypatch.setattr(Snapshot, "rows", late_rows)
    with archive.reading() as snapshot:
        for chunk in (*APART, *APART):
            assert index.count(snapshot, query(chunk)) == [[1]]
    counted.set()
    index.wait_until_loaded()
    assert sorted(each for each in asked if each != "count") == ["chunk 0", "chunk 3", "chunk 6"]


def test_a_bucket_may_have_several_chunks(archive: Archive, index: CountIndex) -> None:
    save_all(archive, [seen_in(chunk, id_) for chunk, id_ in ((0, 1), (1, 2), (1, 3), (2, 4))])
    first, middle, after = (each * CHUNK for each in (FIRST, FIRST + 2, FIRST + 3))
    both = replace(query(0, 1, 2), ranges=((first, middle, after), (first, after)))
    for _ in range(2):
        with archive.reading() as snapshot:
            assert index.count(snapshot, both) == [[3, 1], [4]]
        index.wait_until_loaded()
    assert index.rows_in_memory() == 4


def test_the_first_and_the_last_second_of_a_chunk_are_in_memory(
    archive: Archive, index: CountIndex
) -> None:
    save_all(archive, [record(id_, created=FIRST * CHUNK + id_) for id_ in (0, CHUNK - 1, CHUNK)])
    for _ in range(2):
        assert count(index, archive, query(0, 1)) == [2, 1]
    assert index.rows_in_memory() == 3


def test_the_memory_that_is_used_grows_with_values_and_with_remembered_filters(
    archive: Archive, index: CountIndex
) -> None:
    alike, unlike = (
        Chunk(1, [seen_in(0, id_, tags=(id_ % tags,)).row for id_ in range(1000)])
        for tags in (1, 50)
    )
    assert 8 * 1000 < alike.memory_bytes() < unlike.memory_bytes()
    before = alike.memory_bytes()
    alike.matching(query(0), unknown=False)
    assert alike.memory_bytes() > before
    save_all(archive, [seen_in(0, 1), seen_in(3, 2)])
    assert index.memory_bytes() == 0
    count(index, archive, query(0, 1, 2, 3))
    assert index.memory_bytes() > 8 * index.rows_in_memory()


def test_a_closed_index_still_counts_and_keeps_nothing(archive: Archive, index: CountIndex) -> None:
    save_all(archive, [seen_in(0, 1)])
    index.close()
    assert count(index, archive, query(0)) == [1]
    assert index.rows_in_memory() == 0


def test_every_count_is_that_of_a_committed_state_while_others_write(
    archive: Archive, index: CountIndex
) -> None:
    """Each commit moves one conversation from one chunk's spam to another's; the sum is even."""
    save_all(archive, [seen_in(id_ % 2, id_, status="spam") for id_ in range(20)])
    wrong: list[list[int]] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            with archive.reading() as snapshot:
                (counts,) = index.count(snapshot, query(0, 1))
            if counts[0] != counts[1]:
                wrong.append(counts)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        with archive.lock() as lock:
            for at in range(10):
                with archive.writing(lock) as writer:
                    writer.save(
                        [seen_in(0, 2 * at, seen=SEEN + 1), seen_in(1, 2 * at + 1, seen=SEEN + 1)]
                    )
    finally:
        ended.set()
        for asker in askers:
            asker.join()
    assert wrong == []
    assert count(index, archive, query(0, 1)) == [10, 10]
