"""How long something took, in all seconds or in those within office hours."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from compat.config.office_hours import parse_office_hours
from compat.core.calendar import DAY, utc_offset

if TYPE_CHECKING:
    from compat.config.conventions import Conventions

_WEEK: Final = 7 * DAY
_MONDAY: Final = 4 * DAY
"""1970-01-05T00:00:00, a Monday."""


def mean_seconds(
    spans: Sequence[tuple[int, int]], conventions: Conventions, *, office_hours: bool = False
) -> float | None:
    """The mean length of some times in seconds; None if there are none.

    Args:
        spans: The first second of each, and the second at which it ends, epoch UTC.
        conventions: The office hours.
        office_hours: Whether only seconds within office hours count, if there are any.
    """
    if not spans:
        return None
    return _total_seconds(spans, conventions, office_hours=office_hours) / len(spans)


def mean_of_means(
    groups: Iterable[Sequence[tuple[int, int]]],
    conventions: Conventions,
    *,
    office_hours: bool = False,
) -> Fraction | None:
    """The mean of some groups' mean lengths in seconds; None if there are no groups.

    It is exact: a sum of rounded means could end below a whole second, which is then cut off.

    Args:
        groups: Groups of times as in `mean_seconds`, none of them empty.
        conventions: The office hours.
        office_hours: As in `mean_seconds`.
    """
    sizes: Counter[int] = Counter()
    totals: Counter[int] = Counter()
    for spans in groups:
        sizes[len(spans)] += 1
        totals[len(spans)] += _total_seconds(spans, conventions, office_hours=office_hours)
    if not sizes:
        return None
    return sum((Fraction(totals[size], size) for size in sizes), Fraction()) / sizes.total()


def _total_seconds(
    spans: Sequence[tuple[int, int]], conventions: Conventions, *, office_hours: bool
) -> int:
    if not office_hours or conventions.office_hours is None:
        return sum(after - first for first, after in spans)
    return sum(open_seconds(first, after, conventions) for first, after in spans)


def whole_seconds(mean: float | Fraction | None) -> int:
    """A mean as reports write it: its fraction is cut off, as in the examples; 0 without one."""
    return 0 if mean is None else int(mean)


def open_seconds(first: int, after: int, conventions: Conventions) -> int:
    """How many seconds of an interval are within office hours; all are if none are set.

    A second counts if the local clock shows a time within office hours, also where the clock is
    set back and shows it twice.

    Args:
        first: The first second, epoch UTC.
        after: The second after the last one.
        conventions: The office hours, and the company's time zone.
    """
    if conventions.office_hours is None:
        return after - first
    week, zone = parse_office_hours(conventions.office_hours)
    return sum(
        _open_until(after + offset, week) - _open_until(first + offset, week)
        for first, after, offset in _stretches(
            first, after, ZoneInfo(zone or conventions.company_time_zone)
        )
    )


def _open_until(local: int, week: Sequence[tuple[int, int]]) -> int:
    """Open seconds before a second of the local clock, counted from a certain Monday on."""
    weeks, second = divmod(local - _MONDAY, _WEEK)
    passed = sum(min(second, after) - first for first, after in week if first < second)
    return weeks * sum(after - first for first, after in week) + passed


def _stretches(first: int, after: int, zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """The parts of an interval in which the clock of a zone is not set, with its offset to UTC."""
    while first < after:
        offset = utc_offset(first, zone)
        start, end = first, min(first + DAY, after)
        # No clock is known to be set twice within a day.
        while end < after and utc_offset(end, zone) == offset:
            start, end = end, min(end + DAY, after)
        if utc_offset(end - 1, zone) != offset:
            seconds = range(start, end)
            end = seconds[bisect_left(seconds, True, key=lambda s: utc_offset(s, zone) != offset)]
        yield first, end, offset
        first = end
