"""Counting in memory: what was asked once is answered again without the database.

The first question on a stretch of time is answered by the database, and behind it the stretch is
loaded. It is kept by chunks with the version they are of; what changes is loaded anew, chunk by
chunk, so an answer is always that of the very state it is asked of.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from cachetools import LRUCache

from compat.archive import schema
from compat.archive.bitmaps import Bitmaps, Part, add_up
from compat.archive.database import Archive
from compat.archive.errors import ArchiveError
from compat.archive.reader import Snapshot
from compat.core.counting import CountQuery
from compat.core.intervals import Interval

MOST_ROWS: Final = 10_000_000
"""Conversations kept in memory unless told otherwise: 50 bytes each, and 10 for each tag."""

_LAYOUTS: Final = 32
"""Ranges of which it is remembered where their buckets begin."""

_log: Final = logging.getLogger("compat.archive")


class Index:
    """Counts of one archive; safe to share between threads.

    Args:
        archive: What is counted. It is not closed with the index.
        most_rows: Conversations kept in memory; those longest not asked for go first.
    """

    def __init__(self, archive: Archive, most_rows: int = MOST_ROWS) -> None:
        self._archive = archive
        self._most_rows = most_rows
        self._lock = threading.Lock()
        self._chunks: dict[int, Bitmaps] = {}
        self._sizes: dict[int, int] = {}
        self._used: dict[int, int] = {}
        self._questions = 0
        self._known_layouts: LRUCache[tuple[int, ...], Layout] = LRUCache(_LAYOUTS)
        self._versions: tuple[int, Mapping[int, int]] = (-1, {})
        self._under_way: set[int] = set()
        self._loading: Future[None] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="archive-index")
        self._closed = False

    def count(self, snapshot: Snapshot, tally: CountQuery) -> list[list[int]]:
        """The counts of a tally, whose folders must be home folders.

        Args:
            snapshot: The state that is asked of, of the same archive.
            tally: What to count.
        """
        versions = self._versions_of(snapshot)
        wanted = {number: versions[number] for number in versions if _touches(number, tally)}
        chunks = self._at_hand(wanted)
        if len(chunks) == len(wanted):
            return counted(chunks, tally, self._layouts(tally))
        counts = snapshot.count(tally)
        self._load_behind(wanted.keys() - chunks.keys(), wanted)
        return counts

    def loaded(self) -> int:
        """How many conversations are in memory."""
        with self._lock:
            return sum(len(chunk.created) for chunk in self._chunks.values())

    def memory(self) -> int:
        """About how many bytes they take there."""
        with self._lock:
            return sum(chunk.memory() for chunk in self._chunks.values())

    def forget_layouts(self) -> None:
        """Forget where the buckets of earlier questions begin."""
        with self._lock:
            self._known_layouts.clear()

    def settle(self) -> None:
        """Wait until what was asked for is loaded, or found too large."""
        with self._lock:
            loading = self._loading
        if loading is not None:
            loading.result()

    def close(self) -> None:
        """Load nothing more, and let go of the memory."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(cancel_futures=True)
        self._chunks = {}

    def _versions_of(self, snapshot: Snapshot) -> Mapping[int, int]:
        version, versions = self._versions
        if version != snapshot.version:
            versions = snapshot.chunks()
            self._versions = (snapshot.version, versions)
        return versions

    def _layouts(self, tally: CountQuery) -> list[Layout]:
        with self._lock:
            return [self._known_layouts.setdefault(each, Layout(each)) for each in tally.ranges]

    def _at_hand(self, versions: Mapping[int, int]) -> dict[int, Bitmaps]:
        """Those chunks of these versions that are in memory."""
        with self._lock:
            self._questions += 1
            self._used |= dict.fromkeys(versions, self._questions)
            return {
                number: chunk
                for number, version in versions.items()
                if (chunk := self._chunks.get(number)) and chunk.version == version
            }

    def _load_behind(self, missing: Set[int], wanted: Iterable[int]) -> None:
        """Have chunks loaded, the newest first, unless all that is wanted has no room."""
        with self._lock:
            missing -= self._under_way
            size = sum(self._sizes.get(number, 0) for number in wanted)
            if missing and size <= self._most_rows and not self._closed:
                self._under_way |= missing
                self._loading = self._pool.submit(self._load, sorted(missing, reverse=True))

    def _load(self, numbers: Sequence[int]) -> None:
        try:
            for number in numbers:
                if self._closed:
                    return
                # A transaction of its own for each, so that a long one never holds up the log.
                with self._archive.reading() as snapshot:
                    version = snapshot.chunks().get(number, 0)
                    chunk = Bitmaps(version, snapshot.rows([_span(number)]))
                if not self._keep(number, chunk):
                    return
        except ArchiveError as error:
            _log.warning("nothing was loaded into memory: %s", error)
        finally:
            with self._lock:
                self._under_way.difference_update(numbers)

    def _keep(self, number: int, chunk: Bitmaps) -> bool:
        """Keep a chunk, and whether it had room."""
        with self._lock:
            self._sizes[number] = len(chunk.created)
            self._chunks[number] = chunk
            asked = self._used.get(number, 0)
            over = sum(len(each.created) for each in self._chunks.values()) - self._most_rows
            for old in sorted(self._chunks, key=lambda each: self._used.get(each, 0)):
                if over <= 0 or self._used.get(old, 0) >= asked:
                    break
                over -= len(self._chunks.pop(old).created)
            if over > 0:
                del self._chunks[number]
            return over <= 0


class Layout:
    """Where the edges of a range's buckets fall in each chunk.

    Args:
        edges: Ascending seconds.
    """

    def __init__(self, edges: Sequence[int]) -> None:
        self._edges = edges
        self._parts: dict[int, tuple[int, Sequence[Part]]] = {}

    def parts(self, number: int, chunk: Bitmaps) -> Sequence[Part]:
        """The parts of a chunk, worked out once for each of its versions."""
        version, parts = self._parts.get(number, (None, ()))
        if version != chunk.version:
            parts = chunk.parts(self._edges, bisect_right(self._edges, _span(number).first))
            self._parts[number] = (chunk.version, parts)
        return parts


def counted(
    chunks: Mapping[int, Bitmaps], tally: CountQuery, layouts: Sequence[Layout]
) -> list[list[int]]:
    """The counts of a tally in some chunks.

    Args:
        chunks: All that its ranges touch, by their numbers.
        tally: What to count.
        layouts: One for each of its ranges.
    """
    results = [[0] * len(edges) for edges in tally.ranges]
    for number, chunk in chunks.items():
        mask = chunk.admitted(tally)
        for counts, edges, layout in zip(results, tally.ranges, layouts, strict=True):
            if mask and _within(number, edges):
                add_up(counts, layout.parts(number, chunk), mask)
    return [counts[:-1] for counts in results]


def _touches(number: int, tally: CountQuery) -> bool:
    return any(_within(number, edges) for edges in tally.ranges)


def _within(number: int, edges: Sequence[int]) -> bool:
    return schema.chunk_of(edges[0]) <= number <= schema.chunk_of(edges[-1])


def _span(number: int) -> Interval:
    """The seconds of a chunk."""
    first = number << schema.CHUNK_BITS
    return Interval(first, first + (1 << schema.CHUNK_BITS) - 1)
