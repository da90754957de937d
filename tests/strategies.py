"""What property tests draw from: ranges, instants and query strings that look for edges."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import get_args

from hypothesis import strategies as st

from compat.config.conventions import MonthStep, ViewBy
from tests.unit.core import naive

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Months go wrong in more ways than days and weeks do, and are drawn more often.
view_bys: st.SearchStrategy[ViewBy] = st.sampled_from(["month", "day", "month", "week"])
month_steps: st.SearchStrategy[MonthStep] = st.sampled_from(get_args(MonthStep))

years = st.one_of(st.integers(1996, 2030), st.sampled_from([1, 400, 1600, 1900, 2100, 9998, 9999]))
times_of_day = st.one_of(st.sampled_from([0, 1, 48_600, 86_399]), st.integers(0, 86_399))

whole_seconds = st.integers(-62_135_596_800, naive.LAST_SECOND).map(
    lambda seconds: EPOCH + timedelta(seconds=seconds)
)
"""Any instant of the years 1 to 9999, in whole seconds."""


@dataclass(frozen=True)
class Case:
    """A range, how it is viewed, and what happened in it and around it."""

    start: int
    end: int
    view_by: ViewBy
    month_step: MonthStep
    end_included: bool
    instants: tuple[int, ...]


@st.composite
def anchors(draw: st.DrawFn) -> datetime:
    """Where a range begins: often at the end of a month or a year, with any time of day."""
    year, month = draw(years), draw(st.sampled_from([1, 2, 1, 3, 8, 12]))
    last = calendar.monthrange(year, month)[1]
    day = draw(st.one_of(st.sampled_from([last, last - 1, last - 2]), st.integers(1, last)))
    return datetime(year, month, day, tzinfo=UTC) + timedelta(seconds=draw(times_of_day))


@st.composite
def ranges(draw: st.DrawFn, view_by: ViewBy, month_step: MonthStep) -> tuple[int, int]:
    """First and last second: no length, less than a bucket, or near a whole number of them."""
    anchor = draw(anchors())
    start = naive.seconds(anchor)
    steps = draw(st.sampled_from([0, 1, 2, 3, 1, 0, 5, 3, 13, 26]))
    *_, edge = map(
        naive.seconds, islice(naive.calendar_starts(anchor, view_by, month_step), steps + 1)
    )
    offset = draw(st.one_of(st.sampled_from([0, 0, 0, -1, 1]), st.integers(-86_400, 35 * 86_400)))
    return start, min(max(start, edge + offset), naive.LAST_SECOND)


@st.composite
def instants_around(
    draw: st.DrawFn, start: int, end: int, view_by: ViewBy, month_step: MonthStep
) -> tuple[int, ...]:
    """Instants in ascending order, mostly at the edges of buckets, a second before or after."""
    openings = naive.starts(start, end, view_by, month_step)
    step = {"day": 86_400, "week": 604_800, "month": 2_592_000}[view_by]
    ends = st.sampled_from([end, start, end, openings[-1] + step])
    edges = st.one_of(ends, st.sampled_from(openings))
    near = st.builds(int.__add__, edges, st.sampled_from([0, -1, 0, 1]))
    anywhere = st.integers(start - 2 * step, end + 2 * step)
    drawn = draw(st.lists(st.one_of(near, near, near, anywhere), max_size=14))
    again = draw(st.lists(st.sampled_from(drawn), max_size=4)) if drawn else []
    return tuple(sorted([*drawn, *again]))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A whole case for cutting and counting."""
    view_by, month_step = draw(view_bys), draw(month_steps)
    start, end = draw(ranges(view_by, month_step))
    instants = draw(instants_around(start, end, view_by, month_step))
    return Case(start, end, view_by, month_step, draw(st.booleans()), instants)


@st.composite
def previous_ranges(draw: st.DrawFn, case: Case) -> tuple[int, int]:
    """A range to compare with: the same, one that overlaps, one that touches, one before."""
    length = case.end - case.start
    shift = draw(st.sampled_from([0, 1, length // 2, length, length + 1, 365 * 86_400]))
    start = max(case.start - shift, naive.seconds(datetime(1, 1, 1, tzinfo=UTC)))
    return start, start + length


PLAUSIBLE_NAMES = (
    *(b"start", b"end", b"previousStart", b"previousEnd", b"viewBy"),
    *(b"mailboxes", b"mailboxes[]", b"tags%5B0%5D", b"types", b"folders", b"page", b""),
)
PLAUSIBLE_VALUES = (
    *(b"2015-01-01T00:00:00Z", b"2015-01-31", b"2015-02-30", b"0000-01-01", b"2014-12-31"),
    *(b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-00:01", b"9999-12-31T23:59:59Z"),
    *(b"1,2", b"1,,x", b"9" * 19, b"email", b"day", b"month"),
    *(b"%", b"%zz", b"%F0%28", b"%00", b"\xff", b""),
)


def query_strings() -> st.SearchStrategy[bytes]:
    """Any bytes whatever, and near misses of real query strings."""
    values = st.one_of(st.binary(max_size=12), *[st.sampled_from(PLAUSIBLE_VALUES)] * 3)
    pairs = st.tuples(st.sampled_from(PLAUSIBLE_NAMES), values).map(b"=".join)
    return st.one_of(st.binary(max_size=200), st.lists(pairs, max_size=12).map(b"&".join))
