"""A test of the tests: every plausible bug, planted on purpose, must be found by the checks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from compat.core import buckets
from tests.strategies import EPOCH, Case, cases
from tests.unit.core.checks import CHECKS, Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.config.conventions import MonthStep, ViewBy

DAY = 86_400
STEP = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}


def cut(edges: Sequence[int]) -> list[int]:
    return [after - before for before, after in pairwise(edges)]


# Counting gone wrong.


def exclusive_end(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    return buckets.count(instants, starts, end, False)


def end_always_included(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    return buckets.count(instants, starts, end, True)


def right_closed_buckets(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    edges = [bisect_left(instants, starts[0]), *(bisect_right(instants, at) for at in starts[1:])]
    return cut([*edges, (bisect_right if included else bisect_left)(instants, end)])


def one_second_too_many(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    return buckets.count(instants, starts, end + 1, included)


def first_second_left_out(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    return buckets.count([at for at in instants if at != starts[0]], starts, end, included)


def last_bucket_stops_at_its_length(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    another_would_open = end - starts[-1] in {DAY, *(days * DAY for days in (7, 28, 29, 30, 31))}
    return buckets.count(instants, starts, end, included and not another_would_open)


def the_past_counts_in_the_first(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    counts = buckets.count(instants, starts, end, included)
    return [counts[0] + bisect_left(instants, starts[0]), *counts[1:]]


def the_future_counts_in_the_last(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    counts = buckets.count(instants, starts, end, included)
    return [*counts[:-1], counts[-1] + len(instants) - bisect_right(instants, end)]


def seams_counted_twice(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    counts = buckets.count(instants, starts, end, included)
    extra = [sum(at == seam for at in instants) for seam in starts[1:]]
    return [number + more for number, more in zip(counts, [*extra, 0], strict=True)]


def empty_buckets_dropped(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    return [number for number in buckets.count(instants, starts, end, included) if number]


def duplicates_counted_once(
    instants: Sequence[int], starts: Sequence[int], end: int, included: bool = True
) -> list[int]:
    return buckets.count(sorted(set(instants)), starts, end, included)


# Cutting gone wrong.


def months_drift(start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped") -> list[int]:
    return buckets.starts(start, end, view_by, "drifting" if step == "clamped" else step)


def months_never_drift(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    return buckets.starts(start, end, view_by, "clamped" if step == "drifting" else step)


def thirty_day_months(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    return buckets.starts(start, end, view_by, "thirty-days")


def short_months_spill_over(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    if view_by != "month" or step != "clamped":
        return buckets.starts(start, end, view_by, step)
    spare = timedelta(days=(EPOCH + timedelta(seconds=start)).day - 1)
    firsts = buckets.starts(start - spare.days * DAY, end, view_by)
    return [start, *(at for first in firsts[1:] if (at := first + spare.days * DAY) < end)]


def short_months_skipped(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    openings = buckets.starts(start, end, view_by, step)
    days = [(EPOCH + timedelta(seconds=opening)).day for opening in openings]
    if view_by != "month" or step != "clamped":
        return openings
    return [opening for opening, day in zip(openings, days, strict=True) if day == days[0]]


def snapped_to_midnight(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    return buckets.starts(start - start % DAY, end, view_by, step)


def only_later_buckets_snapped_to_midnight(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    openings = buckets.starts(start, end, view_by, step)
    return [start, *(opening - opening % DAY for opening in openings[1:])]


def snapped_to_monday(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    weekday = (EPOCH + timedelta(seconds=start)).weekday() if view_by == "week" else 0
    return buckets.starts(start - weekday * DAY, end, view_by, step)


def snapped_to_the_first(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    past = (EPOCH + timedelta(seconds=start)).day - 1 if view_by == "month" else 0
    return buckets.starts(start - past * DAY, end, view_by, step)


def extra_bucket_after_an_exact_number(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    return buckets.starts(start, end + 1, view_by, step)


def nothing_for_a_range_without_length(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    return buckets.starts(start, end, view_by, step) if end > start else []


def stub_dropped(start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped") -> list[int]:
    openings = buckets.starts(start, end, view_by, step)
    is_stub = len(openings) > 1 and end - openings[-1] < STEP[view_by] - 1
    return openings[:-1] if is_stub else openings


def years_before_1970_lost(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> list[int]:
    return [max(0, opening) for opening in buckets.starts(start, end, view_by, step)]


# Numbering gone wrong.


def number_rounded_down(start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped") -> int:
    return max(1, (end - start) // STEP[view_by])


def number_of_months_touched(
    start: int, end: int, view_by: ViewBy, step: MonthStep = "clamped"
) -> int:
    if view_by != "month" or step == "thirty-days":
        return buckets.number_of_buckets(start, end, view_by, step)
    first, last = (datetime.fromtimestamp(at, UTC) for at in (start, end))
    return (last.year - first.year) * 12 + last.month - first.month + 1


PLANTED = [
    *(
        Way(count=count)
        for count in (
            exclusive_end,
            end_always_included,
            right_closed_buckets,
            one_second_too_many,
            first_second_left_out,
            last_bucket_stops_at_its_length,
            the_past_counts_in_the_first,
            the_future_counts_in_the_last,
            seams_counted_twice,
            empty_buckets_dropped,
            duplicates_counted_once,
        )
    ),
    *(
        Way(starts=starts)
        for starts in (
            months_drift,
            months_never_drift,
            thirty_day_months,
            short_months_spill_over,
            short_months_skipped,
            snapped_to_midnight,
            only_later_buckets_snapped_to_midnight,
            snapped_to_monday,
            snapped_to_the_first,
            extra_bucket_after_an_exact_number,
            nothing_for_a_range_without_length,
            stub_dropped,
            years_before_1970_lost,
        )
    ),
    *(Way(how_many=how_many) for how_many in (number_rounded_down, number_of_months_touched)),
]


@cache
def fixed_cases() -> tuple[Case, ...]:
    """The same six hundred cases in every run, drawn once for all the bugs."""
    drawn: list[Case] = []

    @settings(
        max_examples=600,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases())
    def draw(case: Case) -> None:
        drawn.append(case)

    draw()
    return tuple(drawn)


def check_all(way: Way) -> None:
    for case in fixed_cases():
        for check in CHECKS:
            check(way, case)


def name(way: Way) -> str:
    real = Way()
    parts = [(way.starts, real.starts), (way.how_many, real.how_many), (way.count, real.count)]
    return next(getattr(part, "__name__", "?") for part, usual in parts if part is not usual)


@pytest.mark.parametrize("way", PLANTED, ids=name)
def test_a_planted_bug_is_found(way: Way) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check_all(way)


def test_the_real_code_passes_the_same_search() -> None:
    check_all(Way())
