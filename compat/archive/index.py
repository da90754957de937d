"""Counts in memory: an interval that was counted once is counted again without the database.

The database answers the first count of an interval, and the interval is loaded into memory in the
background. It is kept in chunks of creation time, each with the version of the archive in which it
last changed. A chunk that has changed is loaded again, so that counts are always those of the
snapshot in question.
"""

from __future__ import annotations

import logging
import sys
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeAlias

from cachetools import LRUCache

from compat.archive import schema
from compat.archive.database import Archive
from compat.archive.errors import ArchiveError
from compat.archive.reader import Snapshot
from compat.core.counting import UNTAGGED, CountQuery
from compat.core.intervals import Interval
from compat.core.models import Row

MAX_ROWS: Final = 10_000_000
"""Conversations kept in memory by default: 50 bytes each, and 10 for each tag."""

_RANGES: Final = 32
"""Ranges whose segments are remembered."""

_BITMAP_FROM: Final = 256
"""A value that at least one in so many conversations has is kept as a bitmap, a rarer one as
positions: so the tags of a chunk take at most 32 bytes for each conversation and tag."""

_MASKS: Final = 8
"""Filters without their tags whose bitmaps are remembered."""

_COLUMNS: Final = ("state", "status", "type", "mailbox", "folder")

_Value: TypeAlias = int | str
_Positions: TypeAlias = "int | array[int]"
"""The conversations with a value: a bitmap, or their positions in the chunk."""

_log: Final = logging.getLogger("compat.archive")


class Segment(NamedTuple):
    """Conversations that follow each other in a chunk and are in the same bucket.

    Attributes:
        bucket: The bucket's number. It is -1 before the first bucket, and the number of buckets
            after the last.
        width: How many conversations there are.
        ones: As many bits that are set.
    """

    bucket: int
    width: int
    ones: int


class CountIndex:
    """Counts of one archive; safe to share between threads.

    Args:
        archive: The archive, which `close` does not close.
        max_rows: Conversations kept in memory; the least recently used chunks are removed first.
    """

    def __init__(self, archive: Archive, max_rows: int = MAX_ROWS) -> None:
        self._archive = archive
        self._max_rows = max_rows
        self._lock = threading.Lock()
        self._chunks: dict[int, Chunk] = {}
        self._sizes: dict[int, int] = {}
        self._last_used: dict[int, int] = {}
        self._uses = 0
        self._segments: LRUCache[tuple[int, ...], RangeSegments] = LRUCache(_RANGES)
        self._versions: tuple[int, Mapping[int, int]] = (-1, {})
        self._loading_chunks: set[int] = set()
        self._loading: Future[None] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="archive-index")
        self._closed = False

    def count(self, snapshot: Snapshot, query: CountQuery) -> list[list[int]]:
        """Count conversations for each bucket of each range of a query.

        Args:
            snapshot: The state to count in, of the same archive.
            query: What to count; its folders must be home folders.

        Raises:
            UnknownValue: The query filters by a value that is unknown.
        """
        versions = self._versions_of(snapshot)
        needed = {number: versions[number] for number in versions if _is_needed(number, query)}
        chunks = self._chunks_in_memory(needed)
        if len(chunks) == len(needed):
            segments = self._segments_of(query)
            counts = count_chunks(chunks, query, segments)
            if any(chunk.has_unknown(query) for chunk in chunks.values()):
                possible = count_chunks(chunks, query, segments, unknown=True)
                if possible != counts:
                    snapshot.check_known(query)
            return counts
        counts = snapshot.count(query)
        self._load_in_background(needed.keys() - chunks.keys(), needed)
        return counts

    def rows_in_memory(self) -> int:
        """How many conversations are in memory."""
        with self._lock:
            return sum(len(chunk.created) for chunk in self._chunks.values())

    def memory_bytes(self) -> int:
        """About how many bytes they take there."""
        with self._lock:
            return sum(chunk.memory_bytes() for chunk in self._chunks.values())

    def clear_segments(self) -> None:
        """Forget the segments of all ranges that were counted."""
        with self._lock:
            self._segments.clear()

    def wait_until_loaded(self) -> None:
        """Wait until loading in the background has ended."""
        with self._lock:
            loading = self._loading
        if loading is not None:
            loading.result()

    def close(self) -> None:
        """Stop loading, and free the memory."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(cancel_futures=True)
        self._chunks = {}

    def _versions_of(self, snapshot: Snapshot) -> Mapping[int, int]:
        version, versions = self._versions
        if version != snapshot.version:
            versions = snapshot.chunk_versions()
            self._versions = (snapshot.version, versions)
        return versions

    def _segments_of(self, query: CountQuery) -> list[RangeSegments]:
        with self._lock:
            return [self._segments.setdefault(each, RangeSegments(each)) for each in query.ranges]

    def _chunks_in_memory(self, versions: Mapping[int, int]) -> dict[int, Chunk]:
        """Those chunks of these versions that are in memory."""
        with self._lock:
            self._uses += 1
            self._last_used |= dict.fromkeys(versions, self._uses)
            return {
                number: chunk
                for number, version in versions.items()
                if (chunk := self._chunks.get(number)) and chunk.version == version
            }

    def _load_in_background(self, missing: Set[int], needed: Iterable[int]) -> None:
        """Load chunks, the newest first, unless it is known that those needed do not fit."""
        with self._lock:
            missing -= self._loading_chunks
            size = sum(self._sizes.get(number, 0) for number in needed)
            if missing and size <= self._max_rows and not self._closed:
                self._loading_chunks |= missing
                self._loading = self._pool.submit(self._load, sorted(missing, reverse=True))

    def _load(self, numbers: Sequence[int]) -> None:
        try:
            for number in numbers:
                if self._closed:
                    return
                # One transaction for each chunk: a long one would let the database's log grow.
                with self._archive.reading() as snapshot:
                    version = snapshot.chunk_versions()[number]
                    chunk = Chunk(version, snapshot.rows([_interval_of(number)]))
                if not self._add(number, chunk):
                    return
        except ArchiveError as error:
            _log.warning("nothing was loaded into memory: %s", error)
        finally:
            with self._lock:
                self._loading_chunks.difference_update(numbers)

    def _add(self, number: int, chunk: Chunk) -> bool:
        """Add a chunk, removing chunks that were used less recently; whether it fits."""
        with self._lock:
            self._sizes[number] = len(chunk.created)
            self._chunks[number] = chunk
            used = self._last_used[number]
            excess = sum(len(each.created) for each in self._chunks.values()) - self._max_rows
            for old in sorted(self._chunks, key=self._last_used.__getitem__):
                if excess <= 0 or self._last_used[old] >= used:
                    break
                excess -= len(self._chunks.pop(old).created)
            if excess > 0:
                del self._chunks[number]
            return excess <= 0


class Chunk:
    """The conversations of a chunk of creation time, as bitmaps; it never changes.

    Conversation number n of the chunk is bit n of each bitmap. A filter is a few ORs and ANDs of
    integers, and a count is the number of bits set between two positions.

    Attributes:
        version: The version of the archive in which the chunk last changed.
        created: When each conversation was created, epoch seconds UTC, ascending.
    """

    def __init__(self, version: int, rows: Sequence[Row]) -> None:
        self.version = version
        self.created = array("q", (row.created for row in rows))
        self._masks: dict[tuple[Any, ...], int] = {}
        self._positions: Mapping[str, Mapping[_Value | None, _Positions]] = {
            column: {value: _compact(positions, len(rows)) for value, positions in values.items()}
            for column, values in _positions_by_value(rows).items()
        }

    def has_unknown(self, query: CountQuery) -> bool:
        """Whether a value that a query filters by is unknown in some conversation."""
        return any(None in self._positions[name] for name in query.filtered_fields)

    def matching(self, query: CountQuery, *, unknown: bool) -> int:
        """The conversations that match a query's filter, as a bitmap.

        Args:
            query: What to count.
            unknown: Whether an unknown value matches everything, or nothing.
        """
        which = query.filter
        mask = self._matching_without_tags(query, unknown=unknown)
        if not which.tags:
            return mask
        if not which.all_tags:
            return mask & self._any("tags", which.tags, unknown=unknown)
        for tag in which.tags:
            mask &= self._any("tags", (tag,), unknown=unknown)
        return mask

    def segments(self, edges: Sequence[int], before: int) -> list[Segment]:
        """The conversations in order, divided at the edges of buckets.

        Args:
            edges: The edges of the buckets, ascending.
            before: How many edges are not after the beginning of the chunk.
        """
        found: list[Segment] = []
        position, size = 0, len(self.created)
        for bucket in range(before - 1, len(edges)):
            if position == size:
                break
            is_last = bucket + 1 == len(edges)
            end = size if is_last else bisect_left(self.created, edges[bucket + 1], position)
            if end > position:
                width = end - position
                found.append(Segment(bucket, width, (1 << width) - 1))
                position = end
        return found

    def memory_bytes(self) -> int:
        """About how many bytes it takes."""
        positions = (each for values in self._positions.values() for each in values.values())
        masks = sum(map(sys.getsizeof, self._masks.values()))
        return sys.getsizeof(self.created) + masks + sum(map(sys.getsizeof, positions))

    def _matching_without_tags(self, query: CountQuery, *, unknown: bool) -> int:
        """The conversations that match without regard to tags; remembered for other tags."""
        which, need = query.filter, query.conversations
        key = (
            unknown,
            which.states,
            which.excluded_statuses,
            which.types,
            need.mailboxes,
            need.folders,
        )
        if (mask := self._masks.get(key)) is not None:
            return mask
        mask = self._any("state", which.states)
        if which.excluded_statuses:
            mask &= ~self._any("status", which.excluded_statuses)
        chosen: Sequence[tuple[str, Iterable[_Value]]] = (
            ("type", which.types),
            ("mailbox", need.mailboxes),
            ("folder", need.folders),
        )
        for column, values in chosen:
            if values:
                mask &= self._any(column, values, unknown=unknown)
        if len(self._masks) >= _MASKS:
            self._masks.clear()
        self._masks[key] = mask
        return mask

    def _any(self, column: str, values: Iterable[_Value], *, unknown: bool = False) -> int:
        """The conversations with one of some values, or with an unknown one, as a bitmap."""
        found = self._bitmap_of(column, None) if unknown else 0
        for value in values:
            found |= self._bitmap_of(column, value)
        return found

    def _bitmap_of(self, column: str, value: _Value | None) -> int:
        found = self._positions[column].get(value, 0)
        return found if isinstance(found, int) else _bitmap(found, len(self.created))


class RangeSegments:
    """The segments of a range in each chunk, computed once for each version of a chunk.

    Args:
        edges: The edges of the range's buckets, ascending epoch seconds UTC.
    """

    def __init__(self, edges: Sequence[int]) -> None:
        self._edges = edges
        self._by_chunk: dict[int, tuple[int, Sequence[Segment]]] = {}

    def of_chunk(self, number: int, chunk: Chunk) -> Sequence[Segment]:
        """The segments in a chunk."""
        version, segments = self._by_chunk.get(number, (None, ()))
        if version != chunk.version:
            before = bisect_right(self._edges, _interval_of(number).first)
            segments = chunk.segments(self._edges, before)
            self._by_chunk[number] = (chunk.version, segments)
        return segments


def count_chunks(
    chunks: Mapping[int, Chunk],
    query: CountQuery,
    segments: Sequence[RangeSegments],
    *,
    unknown: bool = False,
) -> list[list[int]]:
    """Count in chunks for each bucket of each range of a query.

    Args:
        chunks: All chunks that the ranges touch, by their numbers.
        query: What to count.
        segments: The segments of each of its ranges.
        unknown: As in `Chunk.matching`.
    """
    # One more than there are buckets: what is before the first or after the last is added there.
    results = [[0] * len(edges) for edges in query.ranges]
    for number, chunk in chunks.items():
        mask = chunk.matching(query, unknown=unknown)
        for counts, edges, each in zip(results, query.ranges, segments, strict=True):
            if mask and _overlaps(number, edges):
                remaining = mask
                for bucket, width, ones in each.of_chunk(number, chunk):
                    counts[bucket] += (remaining & ones).bit_count()
                    remaining >>= width
    return [counts[:-1] for counts in results]


def _is_needed(number: int, query: CountQuery) -> bool:
    return any(_overlaps(number, edges) for edges in query.ranges)


def _overlaps(number: int, edges: Sequence[int]) -> bool:
    return schema.chunk_of(edges[0]) <= number <= schema.chunk_of(edges[-1])


def _interval_of(number: int) -> Interval:
    """The seconds of a chunk."""
    first = number << schema.CHUNK_BITS
    return Interval(first, first + (1 << schema.CHUNK_BITS) - 1)


def _positions_by_value(rows: Sequence[Row]) -> Mapping[str, Mapping[_Value | None, list[int]]]:
    """The positions of the conversations with each value of each column; None is unknown."""
    positions: dict[str, dict[_Value | None, list[int]]] = {
        column: defaultdict(list) for column in (*_COLUMNS, "tags")
    }
    for position, row in enumerate(rows):
        for column in _COLUMNS:
            positions[column][getattr(row, column)].append(position)
        tags = (None,) if row.tags is None else set(row.tags) or (UNTAGGED,)
        for tag in tags:
            positions["tags"][tag].append(position)
    return positions


def _compact(positions: Sequence[int], size: int) -> _Positions:
    if len(positions) * _BITMAP_FROM < size:
        return array("I", positions)
    return _bitmap(positions, size)


def _bitmap(positions: Iterable[int], size: int) -> int:
    field = bytearray(size // 8 + 1)
    for position in positions:
        field[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(field, "little")
