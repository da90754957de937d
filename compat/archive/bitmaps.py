"""The conversations of a stretch of time as sorted seconds and bitmaps, for counting in memory.

Conversation number n of the stretch is bit n of each bitmap. A filter is a few ORs and ANDs over
whole numbers, and a bucket is the number of bits set between two places.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from compat.core.counting import UNTAGGED, CountQuery
from compat.core.models import Row

_FEW: Final = 256
"""A value is kept as a bitmap from one conversation in so many on, below as their numbers: so all
of a stretch's tags together take at most 32 bytes a conversation and tag."""

_BASES: Final = 8
"""Filters without their tags that are remembered as bitmaps."""

_COLUMNS: Final = ("state", "status", "type", "mailbox", "folder")

Value: TypeAlias = int | str
Group: TypeAlias = "int | array[int]"
"""The conversations with a value: a bitmap, or their numbers."""


Part: TypeAlias = tuple[int, int, int]
"""Conversations that follow each other and are in the same bucket: its number, how many there
are, and as many bits. The number is -1, or that after the last, where they are in no bucket."""


def add_up(counts: list[int], parts: Iterable[Part], mask: int) -> None:
    """Add the conversations of a bitmap to their buckets.

    Args:
        counts: For each bucket what was counted so far, and one more for those in none.
        parts: Where the bitmap is cut.
        mask: The conversations to count.
    """
    for bucket, width, ones in parts:
        counts[bucket] += (mask & ones).bit_count()
        mask >>= width


class Bitmaps:
    """The conversations of a stretch of time; never changes.

    Attributes:
        version: The version in which the stretch last changed.
        created: The seconds of their creation, ascending.
    """

    __slots__ = ("_bases", "_groups", "created", "version")

    def __init__(self, version: int, rows: Sequence[Row]) -> None:
        self.version = version
        self._bases: dict[tuple[frozenset[Any], ...], int] = {}
        self.created = array("q", (row.created for row in rows))
        self._groups: Mapping[str, Mapping[Value, Group]] = {
            column: {value: _group(where, len(rows)) for value, where in places.items()}
            for column, places in _places(rows).items()
        }

    def admitted(self, tally: CountQuery) -> int:
        """The conversations that count, as a bitmap."""
        which = tally.filter
        mask = self._untagged(tally)
        if not which.tags:
            return mask
        if not which.all_tags:
            return mask & self._any("tags", which.tags)
        for tag in which.tags:
            mask &= self._bits("tags", tag)
        return mask

    def memory(self) -> int:
        """About how many bytes it takes."""
        groups = (group for values in self._groups.values() for group in values.values())
        masks = sum(map(sys.getsizeof, self._bases.values()))
        return sys.getsizeof(self.created) + masks + sum(map(sys.getsizeof, groups))

    def parts(self, edges: Sequence[int], first: int) -> list[Part]:
        """The conversations one after the other, cut where one bucket ends and another begins.

        Args:
            edges: The edges of the buckets, ascending.
            first: How many edges are not after the beginning of the stretch.
        """
        found: list[Part] = []
        at, size = 0, len(self.created)
        for bucket in range(first - 1, len(edges)):
            if at == size:
                break
            last = bucket + 1 == len(edges)
            cut = size if last else bisect_left(self.created, edges[bucket + 1], at)
            if cut > at:
                found.append((bucket, cut - at, (1 << (cut - at)) - 1))
                at = cut
        return found

    def _untagged(self, tally: CountQuery) -> int:
        """What counts as far as tags do not matter; the same for one tag and the next."""
        which, need = tally.filter, tally.conversations
        key = (which.states, which.excluded_statuses, which.types, need.mailboxes, need.folders)
        if (mask := self._bases.get(key)) is not None:
            return mask
        mask = self._any("state", which.states)
        if which.excluded_statuses:
            mask &= ~self._any("status", which.excluded_statuses)
        chosen: Sequence[tuple[str, Iterable[Value]]] = (
            ("type", which.types),
            ("mailbox", need.mailboxes),
            ("folder", need.folders),
        )
        for column, values in chosen:
            if values:
                mask &= self._any(column, values)
        if len(self._bases) >= _BASES:
            self._bases.clear()
        self._bases[key] = mask
        return mask

    def _any(self, column: str, values: Iterable[Value]) -> int:
        found = 0
        for value in values:
            found |= self._bits(column, value)
        return found

    def _bits(self, column: str, value: Value) -> int:
        group = self._groups[column].get(value, 0)
        return group if isinstance(group, int) else _bitmap(group, len(self.created))


def _places(rows: Sequence[Row]) -> Mapping[str, Mapping[Value, list[int]]]:
    """For each value of each column, the numbers of the conversations that have it."""
    places: dict[str, dict[Value, list[int]]] = {
        column: defaultdict(list) for column in (*_COLUMNS, "tags")
    }
    for number, row in enumerate(rows):
        for column in _COLUMNS:
            places[column][getattr(row, column)].append(number)
        for tag in set(row.tags) or (UNTAGGED,):
            places["tags"][tag].append(number)
    return places


def _group(numbers: Sequence[int], size: int) -> Group:
    if len(numbers) * _FEW < size:
        return array("I", numbers)
    return _bitmap(numbers, size)


def _bitmap(numbers: Iterable[int], size: int) -> int:
    field = bytearray(size // 8 + 1)
    for number in numbers:
        field[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(field, "little")
