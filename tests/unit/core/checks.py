"""What must hold of any way of cutting ranges and counting instants.

Each check takes the way as an argument, so that the same checks judge the real code and the
planted bugs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from compat.core import buckets
from tests.unit.core import naive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.config.conventions import MonthStep, ViewBy
    from tests.strategies import Case


class Starts(Protocol):
    def __call__(
        self, start: int, end: int, view_by: ViewBy, month_step: MonthStep = ..., /
    ) -> list[int]: ...


class HowMany(Protocol):
    def __call__(
        self, start: int, end: int, view_by: ViewBy, month_step: MonthStep = ..., /
    ) -> int: ...


class Count(Protocol):
    def __call__(
        self, instants: Sequence[int], starts: Sequence[int], end: int, end_included: bool = ..., /
    ) -> list[int]: ...


@dataclass(frozen=True)
class Way:
    """One way of cutting and counting; the real one unless a part is replaced."""

    starts: Starts = buckets.starts
    how_many: HowMany = buckets.number_of_buckets
    count: Count = buckets.count

    def cut(self, case: Case) -> list[int]:
        return self.starts(case.start, case.end, case.view_by, case.month_step)

    def counted(self, case: Case, instants: Sequence[int] | None = None) -> list[int]:
        chosen = case.instants if instants is None else instants
        return self.count(chosen, self.cut(case), case.end, case.end_included)


def cuts_like_the_calendar(way: Way, case: Case) -> None:
    expected = naive.starts(case.start, case.end, case.view_by, case.month_step)
    assert way.cut(case) == expected


def counts_like_trying_everything(way: Way, case: Case) -> None:
    openings = naive.starts(case.start, case.end, case.view_by, case.month_step)
    expected = naive.count(case.instants, openings, case.end, case.end_included)
    assert way.counted(case) == expected


def conserves_what_is_in_range(way: Way, case: Case) -> None:
    last = case.end if case.end_included else case.end - 1
    within = [instant for instant in case.instants if case.start <= instant <= last]
    assert sum(way.counted(case)) == len(within)


def has_the_right_shape(way: Way, case: Case) -> None:
    openings = way.cut(case)
    assert openings[:1] == [case.start]
    assert all(before < after for before, after in pairwise(openings))
    assert all(opening < case.end for opening in openings[1:])
    assert len(way.counted(case)) == len(openings)
    assert way.how_many(case.start, case.end, case.view_by, case.month_step) == len(openings)


def adds_up_over_disjoint_sets(way: Way, case: Case) -> None:
    one, other = case.instants[::2], case.instants[1::2]
    both = zip(way.counted(case, one), way.counted(case, other), strict=True)
    assert way.counted(case) == [left + right for left, right in both]


CHECKS = (
    cuts_like_the_calendar,
    counts_like_trying_everything,
    conserves_what_is_in_range,
    has_the_right_shape,
    adds_up_over_disjoint_sets,
)
