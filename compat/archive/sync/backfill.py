"""Filling what is not covered, newest months first."""

from __future__ import annotations

from typing import Final, NamedTuple

from compat.archive.sync.session import SyncSession
from compat.archive.sync.totals import survey
from compat.archive.sync.window_reader import read
from compat.core import intervals
from compat.core.calendar import month_start, months_before, within_calendar
from compat.core.intervals import Interval

ROWS: Final = 2_000
"""About how many conversations are read at a time. Each window costs a few requests more than
its rows, so a small account is read in few."""

_DAY: Final = 86_400
_MONTH: Final = 31 * _DAY
_MOST_MONTHS: Final = 12 * 10_000


def fill(work: SyncSession) -> None:
    """Read all gaps in the coverage of what is wanted.

    Raises:
        LossAhead: Too much of what the archive holds there is missing.
    """
    pace: Pace | None = None
    while gaps := _gaps(work):
        gap = gaps[-1]
        if pace is None or gap.last > pace.surveyed.last or gap.first < pace.surveyed.first:
            pace = _pace(work, gap)
        work.hear("window", first=gap.first, last=gap.last)
        read(work, newest_months(gap, pace))


class Pace(NamedTuple):
    """How to cut a gap into windows.

    Attributes:
        surveyed: The gap.
        oldest: The second in which its first conversation was created.
        months: How many months make a window.
    """

    surveyed: Interval
    oldest: int
    months: int


def _gaps(work: SyncSession) -> list[Interval]:
    if work.wanted is None:
        return []
    with work.reading() as snapshot:
        covered = [known.interval for known in snapshot.coverage()]
    return intervals.difference([work.wanted], covered)


def _pace(work: SyncSession, gap: Interval) -> Pace:
    """Look how much there is in a gap; in one that is short there is nothing to cut."""
    if gap.last - gap.first < _MONTH:
        return Pace(gap, gap.first, 1)
    total, oldest = survey(work, gap)
    if oldest is None:
        return Pace(gap, gap.last, _MOST_MONTHS)
    work.progress.expected = total
    months = max((gap.last - oldest) // _MONTH, 1)
    return Pace(gap, oldest, max(1, min(ROWS * months // max(total, 1), _MOST_MONTHS)))


def newest_months(gap: Interval, pace: Pace) -> Interval:
    """The end of a gap, from the first second of a month; all of it if nothing is left before."""
    first = within_calendar(months_before(month_start(gap.last), pace.months - 1))
    return gap if first <= max(gap.first, pace.oldest) else Interval(first, gap.last)
