"""Requests whose answers would tell apart what the captures at hand do not.

Each is an old request over a time in which the account's own conversations make the candidates'
answers differ. Somebody may still find its answer in a log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from compat.core.calendar import DAY, FIRST_SECOND, LAST_SECOND
from compat.core.models import Row
from compat.parity.fit.candidates import Candidate
from compat.parity.fit.likelihood import visible
from compat.parity.fit.records import REPORT, Pairs
from compat.parity.fit.recount import Recount
from compat.v1 import routes
from compat.v1.datetimes import format_epoch, from_epoch, to_epoch

MOST_MEMBERS: Final = 80
"""Of how many candidates, the simplest first, requests try to separate each from the best."""

MOST_REQUESTS: Final = 6
_MOST_ROWS: Final = 24
_MOST_WEEKS: Final = 150
_HOUR: Final = 3_600
_EARLIEST: Final = FIRST_SECOND + 400 * DAY
_LATEST: Final = LAST_SECOND - 400 * DAY


@dataclass(frozen=True, slots=True)
class Separating:
    """A request that would tell some candidates apart.

    Attributes:
        target: Path and query to look for, or to ask.
        groups: The candidates, together where they predict the same answer; the first holds the
            best of the class.
        answers: What each group predicts: of each series its name and its points.
    """

    target: str
    groups: tuple[tuple[Candidate, ...], ...]
    answers: tuple[object, ...]


def separate(members: Sequence[Candidate], recount: Recount) -> tuple[Separating, ...]:
    """Requests that tell the best of a class from the others, as few as were found.

    Members that no request tells from the best are equal as far as the account's conversations
    can show.
    """
    members = members[:MOST_MEMBERS]
    if len(members) < 2:
        return ()
    left = list(members[1:])
    tried = [_predicted(pairs, members, recount) for pairs in _requests(recount.rows)]
    chosen: list[Separating] = []
    while left and tried and len(chosen) < MOST_REQUESTS:
        separating = max(tried, key=lambda each: len(_told_apart(each, left)))
        if not (told := _told_apart(separating, left)):
            break
        chosen.append(separating)
        left = [each for each in left if each not in told]
    return tuple(chosen)


def _told_apart(separating: Separating, left: Sequence[Candidate]) -> list[Candidate]:
    same = separating.groups[0]
    return [each for each in left if each not in same]


def _predicted(pairs: Pairs, members: Sequence[Candidate], recount: Recount) -> Separating:
    groups: dict[object, list[Candidate]] = {}
    for member in members:
        predicted = recount.predict(pairs, member.conventions)
        groups.setdefault(visible(predicted, member.conventions), []).append(member)
    target = f"{routes.route_of_report(REPORT).path}?{urlencode(pairs, safe=':,')}"
    return Separating(target, tuple(map(tuple, groups.values())), tuple(groups))


def _requests(rows: Sequence[Row]) -> Iterator[Pairs]:
    """Requests worth trying, each around one conversation; short ones first.

    Short ranges have few conversations, of which one that has gone since is less likely.
    """
    known = [row for row in rows if _EARLIEST < row.created < _LATEST]
    for second in _weeks(known):
        yield _pairs(second + 13 * _HOUR, second + 19 * _HOUR, "day")
    for row in _chosen(known):
        second = row.created
        midnight = second // DAY * DAY
        day = format_epoch(midnight)[:10]
        yield _pairs(second, second, "day")
        yield _pairs(second - _HOUR, second, "day")
        yield (("start", day), ("end", day), ("viewBy", "day"))
        yield _pairs(midnight, midnight + DAY - 1, "day")
        yield _pairs(second - 2 * DAY, second + DAY, "day")
        yield _pairs(second - _HOUR, second + _HOUR)
        yield (*_pairs(second, second), *_pairs(second - 30 * DAY, second - 29 * DAY))
        yield _pairs(midnight, midnight + 40 * DAY - 1)
        yield _pairs(midnight - 3 * DAY, midnight + 4 * DAY - 1, "week")
        yield _pairs(*_from_a_31st(second), "month")


def _weeks(rows: Sequence[Row]) -> Iterable[int]:
    """Midnights a week apart, from the first conversation to the last: clocks change between."""
    if not rows:
        return ()
    first, last = rows[0].created // DAY * DAY, rows[-1].created
    return range(first, last + 1, max(7 * DAY, (last - first) // _MOST_WEEKS // DAY * DAY))


def _chosen(rows: Sequence[Row]) -> list[Row]:
    """A few conversations of each state and status, spread over the time."""
    kinds: dict[tuple[str, bool], list[Row]] = {}
    for row in rows:
        kinds.setdefault((row.state, row.status == "spam"), []).append(row)
    share = max(1, _MOST_ROWS // max(1, len(kinds)))
    return [row for each in kinds.values() for row in _spread(each, share)]


def _spread(rows: Sequence[Row], number: int) -> Iterable[Row]:
    return rows[:: max(1, len(rows) // number)][:number]


def _from_a_31st(second: int) -> tuple[int, int]:
    """Half a year from the last 31 January before an instant, whose day most months lack."""
    moment = from_epoch(second)
    january = moment.replace(month=1, day=31, hour=0, minute=0, second=0)
    start = to_epoch(january.replace(year=moment.year - (january > moment)))
    return start, start + 180 * DAY - 1


def _pairs(first: int, last: int, view_by: str | None = None) -> Pairs:
    edges = [(name, format_epoch(each)) for name, each in (("start", first), ("end", last))]
    return (*edges, *([("viewBy", view_by)] if view_by else []))
