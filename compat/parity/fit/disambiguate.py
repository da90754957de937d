"""Requests whose recorded answers would decide between the candidates that remain.

Under each of these requests the account's own conversations give different answers for different
candidates. The answer may be in an old log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from compat.config.conventions import ViewBy
from compat.core.calendar import DAY, FIRST_SECOND, LAST_SECOND
from compat.core.models import Row
from compat.parity.captures.models import OldQuestion
from compat.parity.fit.candidates import Candidate
from compat.parity.fit.evaluate import Answer, Recount, visible
from compat.parity.fit.inputs import REPORT, Pairs
from compat.v1 import routes
from compat.v1.datetimes import format_epoch, from_epoch, to_epoch

_MAX_MEMBERS: Final = 80
"""How many candidates, the simplest first, are to be separated from the best."""

_MAX_REQUESTS: Final = 6
_MAX_ROWS: Final = 24
_MAX_WEEKS: Final = 150
_HOUR: Final = 3_600
_EARLIEST: Final = FIRST_SECOND + 400 * DAY
_LATEST: Final = LAST_SECOND - 400 * DAY


@dataclass(frozen=True, slots=True)
class SeparatingRequest:
    """A request that is answered differently under some candidates.

    Attributes:
        target: Path and query.
        groups: The candidates, grouped by the answer that they predict. The first group contains
            the best candidate.
        answers: The answer that each group predicts: the name and the points of each series, or
            None if the request would be refused.
    """

    target: str
    groups: tuple[tuple[Candidate, ...], ...]
    answers: tuple[Answer | None, ...]


def separate(members: Sequence[Candidate], recount: Recount) -> tuple[SeparatingRequest, ...]:
    """A few requests that separate the best candidate from the others.

    A candidate that no request separates from the best counts the same, as far as the account's
    conversations can show.

    Args:
        members: The candidates that remain, the best first.
        recount: Predicts the answers.
    """
    members = members[:_MAX_MEMBERS]
    if len(members) < 2:
        return ()
    left = list(members[1:])
    possible = [_predict(pairs, members, recount) for pairs in _requests(recount.rows)]
    chosen: list[SeparatingRequest] = []
    while left and possible and len(chosen) < _MAX_REQUESTS:
        best = max(possible, key=lambda each: len(_separated(each, left)))
        separated = _separated(best, left)
        if not separated:
            break
        chosen.append(best)
        left = [each for each in left if each not in separated]
    return tuple(chosen)


def _separated(request: SeparatingRequest, left: Sequence[Candidate]) -> list[Candidate]:
    same = request.groups[0]
    return [each for each in left if each not in same]


def _predict(pairs: Pairs, members: Sequence[Candidate], recount: Recount) -> SeparatingRequest:
    groups: dict[Answer | None, list[Candidate]] = {}
    for member in members:
        predicted = recount.predict(pairs, member.conventions)
        groups.setdefault(visible(predicted, member.conventions), []).append(member)
    target = f"{routes.route_of_report(REPORT).path}?{urlencode(pairs, safe=':,')}"
    return SeparatingRequest(target, tuple(map(tuple, groups.values())), tuple(groups))


def _requests(rows: Sequence[Row]) -> Iterator[Pairs]:
    """Requests to try, first around changes of clocks and then around single conversations.

    Most ranges are short: the fewer conversations they have, the less likely one has gone.
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
    """Midnights a week apart from the first conversation to the last; clocks change in between."""
    if not rows:
        return ()
    first, last = rows[0].created // DAY * DAY, rows[-1].created
    return range(first, last + 1, max(7 * DAY, (last - first) // _MAX_WEEKS // DAY * DAY))


def _chosen(rows: Sequence[Row]) -> list[Row]:
    """A few conversations of each state, spam or not, spread over the whole time."""
    kinds: dict[tuple[str, bool], list[Row]] = {}
    for row in rows:
        kinds.setdefault((row.state, row.status == "spam"), []).append(row)
    share = max(1, _MAX_ROWS // max(1, len(kinds)))
    return [row for each in kinds.values() for row in _spread(each, share)]


def _spread(rows: Sequence[Row], number: int) -> Iterable[Row]:
    return rows[:: max(1, len(rows) // number)][:number]


def _from_a_31st(second: int) -> tuple[int, int]:
    """Half a year from the last 31 January before an instant: most months have no day 31."""
    moment = from_epoch(second)
    january = moment.replace(month=1, day=31, hour=0, minute=0, second=0)
    start = to_epoch(january.replace(year=moment.year - (january > moment)))
    return start, start + 180 * DAY - 1


def _pairs(first: int, last: int, view_by: ViewBy | None = None) -> Pairs:
    return tuple(OldQuestion("conversations/new", first, last, view_by=view_by).pairs())
