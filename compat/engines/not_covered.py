"""What a caller is told of conversations that are not kept, with nobody to ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from compat.core.intervals import Interval, overlaps
from compat.core.models import ConversationQuery, ListQuery, NotCovered
from compat.v1.datetimes import format_epoch, format_instant
from compat.v1.errors import BadParameter, LegacyError, Unavailable, ValidationFailed
from compat.v1.query import Query, ReportQuery

_NAMES: Final = (("start", "end"), ("previousStart", "previousEnd"))
_NOTHING: Final = (
    "The archive holds no such list: run `helpscout-v1 sync` where Help Scout is reached"
)
_VIEWS: Final = (
    "The archive cannot tell what these folders show, since they are views over others, or not "
    "known to it: only Help Scout itself could be asked"
)
_LONGEST_WAIT: Final = 3600


def refused(lack: NotCovered, query: Query, need: ConversationQuery | ListQuery) -> LegacyError:
    """The error that names the parameter whose seconds, or folders, are not kept.

    Args:
        lack: What is not kept.
        query: What was asked.
        need: What that took: its seconds are not the query's where a clock is taken to be off.
    """
    if isinstance(need, ListQuery) or not isinstance(query, ReportQuery):
        return Unavailable(_NOTHING, _LONGEST_WAIT)
    if lack.folders:
        folders = ",".join(map(str, query.folders))
        return ValidationFailed([BadParameter("folders", folders, _VIEWS)])
    message = f"The archive covers {_told(lack.covered)}, and nobody else can be asked"
    ranges = [query.current, *([query.previous] if query.previous else [])]
    return ValidationFailed(
        [
            BadParameter(names[at], format_instant((asked.start, asked.end)[at]), message)
            for names, asked, span in zip(_NAMES, ranges, need.created, strict=False)
            for at in _lacking(span, lack.spans)
        ]
    )


def _lacking(needed: Interval, gaps: Iterable[Interval]) -> Iterator[int]:
    """The edge beyond which nothing is kept; the start, where it is a hole in between."""
    within = [gap for gap in gaps if overlaps(gap, needed)]
    if within:
        only_late = all(gap.first > needed.first for gap in within)
        yield int(only_late and within[-1].last >= needed.last)


def _told(covered: Iterable[Interval]) -> str:
    spans = [f"{format_epoch(span.first)} to {format_epoch(span.last)}" for span in covered]
    return " and ".join(spans) or "nothing yet"
