"""The conventions that the search tries: those in force, each changed singly, and in pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo, available_timezones

from compat.config.conventions import MAX_CLOCK_SHIFT, Conventions, MonthStep, ViewBy
from compat.core.intervals import Interval
from compat.v1.datetimes import from_epoch

Changes = tuple[tuple[str, Any], ...]
"""Fields of `Conventions` and the values they take in place of those in force."""

_SPAM: Final = "spam"
_STATES: Final = (
    frozenset({"published"}),
    frozenset({"published", "draft"}),
    frozenset({"published", "hidden"}),
    frozenset({"published", "draft", "hidden"}),
)
_CHOICES: Final[dict[str, tuple[object, ...]]] = {
    "default_view_by": get_args(ViewBy),
    "end_included": (True, False),
    "empty_buckets_listed": (True, False),
    "month_step": get_args(MonthStep),
    "counted_states": _STATES,
    "uncounted_statuses": (frozenset({_SPAM}), frozenset()),
    "repeated_parameter": ("first", "last"),
    "date_only_end": ("midnight", "last-second"),
}
"""What is tried for each field. Those of filters by tag are not: such counts are not fitted."""

_ODD: Final = (-20, -5, 5, 20)
"""Minutes by which no zone differs from another."""

_STEP: Final = 3 * 86_400
"""Seconds between two looks at a zone's clock; no two are known to differ for less alone."""

_MOST_LOOKS: Final = 1_500
"""Twelve years of them; over longer periods looks are further apart."""

_WELL_KNOWN: Final = (
    *("UTC", "Europe/London", "Europe/Berlin", "Europe/Helsinki", "Europe/Moscow"),
    *("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix"),
    *("America/Los_Angeles", "America/Anchorage", "America/Halifax", "America/Sao_Paulo"),
    *("America/Bogota", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Bangkok"),
    *("Asia/Shanghai", "Asia/Tokyo", "Australia/Perth", "Australia/Adelaide"),
    *("Australia/Brisbane", "Australia/Sydney", "Pacific/Auckland", "Pacific/Honolulu"),
    *("Africa/Johannesburg", "Africa/Lagos", "Asia/Jerusalem", "Asia/Kathmandu"),
)
"""Whose names are shown where several zones share a clock."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Conventions to try.

    Attributes:
        changes: In what they differ from those in force; nothing for those themselves.
        conventions: All of them.
        rules: How many rules were changed. A snapped start and its zone are one.
        odd: Whether it is none that is thought possible, but one to hold others against.
    """

    changes: Changes
    conventions: Conventions
    rules: int
    odd: bool = False


def candidates(base: Conventions, period: Interval) -> Iterator[Candidate]:
    """All candidates, the simplest first, always in the same order.

    Args:
        base: The conventions in force.
        period: The time that the captures are about: zones that show the same time throughout
            it are one.
    """
    single = list(singles(base, period))
    yield Candidate((), base, 0)
    for changes in single:
        yield _candidate(base, (changes,))
    for one, other in combinations(single, 2):
        if not {name for name, _ in one} & {name for name, _ in other}:
            yield _candidate(base, (one, other))


def around(found: Candidate, base: Conventions, period: Interval) -> Iterator[Candidate]:
    """One rule more than a candidate that was found, to see what is open beside it."""
    changed = {name for name, _ in found.changes}
    for changes in singles(base, period):
        if not changed & {name for name, _ in changes}:
            more = _candidate(base, (found.changes, changes))
            yield replace(more, rules=found.rules + 1)


def nearby(found: Candidate, base: Conventions) -> Iterator[Candidate]:
    """What a clock that is off by odd minutes would explain as well as what was found.

    No clock is thought to be off so. But where even these cannot be told from it, the captures
    are too few to tell anything: so they stand beside it, with each of its changes and without.
    """
    kept = {found.changes, *(tuple(c for c in found.changes if c != out) for out in found.changes)}
    for changes in sorted(kept, key=len, reverse=True):
        values = dict(changes)
        shift = values.get("clock_shift_minutes", base.clock_shift_minutes)
        for minutes in (shift + odd for odd in _ODD if abs(shift + odd) <= MAX_CLOCK_SHIFT):
            more = tuple((values | {"clock_shift_minutes": minutes}).items())
            yield Candidate(more, base.model_copy(update=dict(more)), found.rules + 1, odd=True)


def singles(base: Conventions, period: Interval) -> Iterator[Changes]:
    """Each rule changed alone."""
    for name, values in _CHOICES.items():
        for value in values:
            if value != getattr(base, name):
                yield ((name, value),)
    zones = clocks(period, base.company_time_zone)
    for minutes in _shifts(zones):
        if minutes != base.clock_shift_minutes:
            yield (("clock_shift_minutes", minutes),)
    yield from _snaps(base, zones)


_clock = cache(ZoneInfo)
"""A zone's clock. Kept, since `ZoneInfo` forgets all but eight and reads their files again."""


@cache
def clocks(period: Interval, preferred: str = "UTC") -> tuple[str, ...]:
    """Time zones, one for each way of setting the clocks within a period, by name."""
    step = max(_STEP, (period.last - period.first) // _MOST_LOOKS)
    looks = range(period.first, period.last + 1, step)
    moments = [from_epoch(second).replace(tzinfo=None) for second in looks]
    shown: dict[tuple[object, ...], str] = {}
    names = sorted(available_timezones() | {"UTC", preferred}, key=lambda n: _rank(n, preferred))
    for name in names:
        shown.setdefault(tuple(map(_clock(name).utcoffset, moments)), name)
    return tuple(shown.values())


def _candidate(base: Conventions, parts: Sequence[Changes]) -> Candidate:
    changes = tuple(change for part in parts for change in part)
    # Values come from a table of valid ones: validating each again would take most of the time.
    return Candidate(changes, base.model_copy(update=dict(changes)), len(parts))


def _snaps(base: Conventions, zones: Iterable[str]) -> Iterator[Changes]:
    if base.start_snapped != "exact":
        yield (("start_snapped", "exact"),)
    for snap in ("midnight", "monday"):
        for zone in zones:
            wanted = {"start_snapped": snap, "company_time_zone": zone}
            changes = [(name, to) for name, to in wanted.items() if to != getattr(base, name)]
            if changes:
                yield tuple(changes)


def _shifts(zones: Iterable[str]) -> list[int]:
    """Whole hours, and every offset that some zone has: a clock is off by such."""
    offsets = {minutes for zone in zones for minutes in _offsets(zone)}
    hours = set(range(-14 * 60, 15 * 60, 60))
    either_way = hours | offsets | {-minutes for minutes in offsets}
    return sorted((m for m in either_way if abs(m) <= MAX_CLOCK_SHIFT), key=lambda m: (abs(m), m))


@cache
def _offsets(zone: str) -> frozenset[int]:
    clock = _clock(zone)
    days = (datetime(2015, 1, 1, tzinfo=UTC), datetime(2015, 7, 1, tzinfo=UTC))
    found = (day.astimezone(clock).utcoffset() or timedelta() for day in days)
    return frozenset(int(offset.total_seconds()) // 60 for offset in found)


def _rank(name: str, preferred: str) -> tuple[object, ...]:
    known = _WELL_KNOWN.index(name) if name in _WELL_KNOWN else len(_WELL_KNOWN)
    return (name != preferred, known, "/" not in name, name.startswith("Etc/"), name)
