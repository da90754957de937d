"""The conventions to try: those in force, each rule changed alone, and every two together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo, available_timezones

from compat.config.conventions import MAX_CLOCK_SHIFT, Conventions, MonthStep, ViewBy
from compat.core.calendar import DAY
from compat.core.intervals import Interval
from compat.parity.fit.inputs import PARSING_RULES, Pairs, parse_all_ways
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
"""The values to try for each field. Rules for tags are missing: such counts are not fitted."""

_RULES_OF_REQUESTS: Final = (*PARSING_RULES, "month_step")
"""Rules that only concern some requests, whatever the conversations are."""

_CONTROL_SHIFTS: Final = (-20, -5, 5, 20)
"""Minutes by which no time zone differs from another."""

_SAMPLE_STEP: Final = 3 * DAY
"""Seconds between two samples of a zone's clock. No two zones are known to differ for less."""

_MAX_SAMPLES: Final = 1_500
"""As many samples as twelve years have; in longer periods they are further apart."""

_WELL_KNOWN: Final = (
    *("UTC", "Europe/London", "Europe/Berlin", "Europe/Helsinki", "Europe/Moscow"),
    *("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix"),
    *("America/Los_Angeles", "America/Anchorage", "America/Halifax", "America/Sao_Paulo"),
    *("America/Bogota", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Bangkok"),
    *("Asia/Shanghai", "Asia/Tokyo", "Australia/Perth", "Australia/Adelaide"),
    *("Australia/Brisbane", "Australia/Sydney", "Pacific/Auckland", "Pacific/Honolulu"),
    *("Africa/Johannesburg", "Africa/Lagos", "Asia/Jerusalem", "Asia/Kathmandu"),
)
"""The names to show first where several zones have the same clock."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Conventions to try.

    Attributes:
        changes: Their differences from those in force; empty for those themselves.
        conventions: All fields.
        rules: How many rules were changed. A snapped start and its time zone are one rule.
        control: Whether it is known to be wrong, and only shows how much the records can decide.
    """

    changes: Changes
    conventions: Conventions
    rules: int
    control: bool = False


def rules_without_effect(requests: Iterable[Pairs], base: Conventions) -> frozenset[str]:
    """The rules on which no request depends, whatever the conversations are.

    The default of `viewBy` has no effect where all requests name it. Steps by month have none
    without a request by month. The rules for repeated parameters and for ends without a time have
    none where no request has such a parameter.

    Returns:
        Fields of `Conventions`.
    """
    left = set(_RULES_OF_REQUESTS)
    for pairs in requests:
        left -= _rules_with_effect(pairs, base)
        if not left:
            break
    return frozenset(left)


def candidates(
    base: Conventions, period: Interval, skipped: Collection[str] = ()
) -> Iterator[Candidate]:
    """All candidates, the simplest first, always in the same order.

    Args:
        base: The conventions in force.
        period: The time that the records are about. Zones that show the same time throughout it
            are tried as one.
        skipped: Fields that are not changed.
    """
    single = list(singles(base, period, skipped))
    yield Candidate((), base, 0)
    for changes in single:
        yield _candidate(base, (changes,))
    for one, other in combinations(single, 2):
        if not {name for name, _ in one} & {name for name, _ in other}:
            yield _candidate(base, (one, other))


def with_one_more_rule(
    found: Candidate, base: Conventions, period: Interval, skipped: Collection[str] = ()
) -> Iterator[Candidate]:
    """A candidate with each further rule changed, to see which of them are undecided."""
    changed = {name for name, _ in found.changes}
    for changes in singles(base, period, skipped):
        if not changed & {name for name, _ in changes}:
            more = _candidate(base, (found.changes, changes))
            yield replace(more, rules=found.rules + 1)


def controls(found: Candidate, base: Conventions) -> Iterator[Candidate]:
    """A candidate with the clock shifted by minutes by which no clock was wrong.

    If the records do not refute even these, they are too few to decide anything. They are tried
    with all changes of the candidate, and with each one left out.
    """
    kept = {found.changes, *(tuple(c for c in found.changes if c != out) for out in found.changes)}
    for changes in sorted(kept, key=len, reverse=True):
        values = dict(changes)
        shift = values.get("clock_shift_minutes", base.clock_shift_minutes)
        for minutes in (
            shift + more for more in _CONTROL_SHIFTS if abs(shift + more) <= MAX_CLOCK_SHIFT
        ):
            values["clock_shift_minutes"] = minutes
            conventions = base.model_copy(update=values)
            yield Candidate(tuple(values.items()), conventions, found.rules + 1, control=True)


def singles(
    base: Conventions, period: Interval, skipped: Collection[str] = ()
) -> Iterator[Changes]:
    """Each rule changed alone."""
    for name, values in _CHOICES.items():
        for value in values if name not in skipped else ():
            if value != getattr(base, name):
                yield ((name, value),)
    zones = clocks(period, base.company_time_zone)
    for minutes in _shifts(zones):
        if minutes != base.clock_shift_minutes:
            yield (("clock_shift_minutes", minutes),)
    yield from _snaps(base, zones)


_zone = cache(ZoneInfo)
"""A zone by name. `ZoneInfo` itself keeps only eight and reads the files of others again."""


@cache
def clocks(period: Interval, preferred: str = "UTC") -> tuple[str, ...]:
    """Names of time zones, one for each different clock within a period."""
    step = max(_SAMPLE_STEP, (period.last - period.first) // _MAX_SAMPLES)
    seconds = range(period.first, period.last + 1, step)
    moments = [from_epoch(second).replace(tzinfo=None) for second in seconds]
    by_offsets: dict[tuple[object, ...], str] = {}
    names = sorted(available_timezones() | {"UTC", preferred}, key=lambda n: _rank(n, preferred))
    for name in names:
        by_offsets.setdefault(tuple(map(_zone(name).utcoffset, moments)), name)
    return tuple(by_offsets.values())


def _rules_with_effect(pairs: Pairs, base: Conventions) -> set[str]:
    queries = parse_all_ways(pairs, base)
    if not any(queries.values()):
        return set(_RULES_OF_REQUESTS)  # it may be accepted under other rules
    effective = set()
    if any(query is None or query.view_by == "month" for query in queries.values()):
        effective.add("month_step")
    for one, other in combinations(queries, 2):
        values = zip(PARSING_RULES, one, other, strict=True)
        changed = [name for name, before, after in values if before != after]
        if len(changed) == 1 and queries[one] != queries[other]:
            effective.update(changed)
    return effective


def _candidate(base: Conventions, parts: Sequence[Changes]) -> Candidate:
    changes = tuple(change for part in parts for change in part)
    # Without validation, which would take most of the time: the values are known to be valid.
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
    """Minutes by which a clock may be wrong: whole hours, and every offset of a zone."""
    offsets = {minutes for zone in zones for minutes in _offsets(zone)}
    hours = set(range(-14 * 60, 15 * 60, 60))
    either_way = hours | offsets | {-minutes for minutes in offsets}
    return sorted((m for m in either_way if abs(m) <= MAX_CLOCK_SHIFT), key=lambda m: (abs(m), m))


@cache
def _offsets(zone: str) -> frozenset[int]:
    clock = _zone(zone)
    days = (datetime(2015, 1, 1, tzinfo=UTC), datetime(2015, 7, 1, tzinfo=UTC))
    found = (day.astimezone(clock).utcoffset() or timedelta() for day in days)
    return frozenset(int(offset.total_seconds()) // 60 for offset in found)


def _rank(name: str, preferred: str) -> tuple[object, ...]:
    known = _WELL_KNOWN.index(name) if name in _WELL_KNOWN else len(_WELL_KNOWN)
    return (name != preferred, known, "/" not in name, name.startswith("Etc/"), name)
