"""What a caller is told of conversations that are not kept, with nobody to ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from compat.coverage import Span
from compat.needs import NotKept
from compat.v1.errors import BadParameter, LegacyError, Unavailable, ValidationFailed
from compat.v1.instants import epoch, format_instant, from_epoch
from compat.v1.query import Query, Range, ReportQuery

_NAMES: Final = (("start", "end"), ("previousStart", "previousEnd"))
_NOTHING: Final = (
    "The archive holds no such list: run `helpscout-v1 sync` where Help Scout is reached"
)
_VIEWS: Final = (
    "The archive cannot tell what these folders show, since they are views over others: only "
    "Help Scout itself can be asked, and this server is offline"
)
_LONGEST_WAIT: Final = 3600


def refused(lack: NotKept, query: Query) -> LegacyError:
    """The error that names the parameter whose seconds, or folders, are not kept."""
    if not isinstance(query, ReportQuery):
        return Unavailable(_NOTHING, _LONGEST_WAIT)
    if lack.folders:
        folders = ",".join(map(str, query.folders))
        return ValidationFailed([BadParameter("folders", folders, _VIEWS)])
    message = f"The archive covers {_told(lack.covered)}, and this server is offline"
    ranges = zip(_NAMES, (query.current, query.previous), strict=True)
    return ValidationFailed(
        [
            BadParameter(name, value, message)
            for names, asked in ranges
            if asked
            for name, value in _lacking(names, asked, lack.spans)
        ]
    )


def _lacking(
    names: tuple[str, str], asked: Range, gaps: Iterable[Span]
) -> Iterator[tuple[str, str]]:
    """The edge beyond which nothing is kept; the start, where it is a hole in between."""
    first, last = epoch(asked.start), epoch(asked.end)
    within = [gap for gap in gaps if gap.first <= last and gap.last >= first]
    if within:
        only_late = all(gap.first > first for gap in within) and within[-1].last >= last
        at = int(only_late)
        yield names[at], format_instant((asked.start, asked.end)[at])


def _told(covered: Iterable[Span]) -> str:
    spans = [
        f"{format_instant(from_epoch(span.first))} to {format_instant(from_epoch(span.last))}"
        for span in covered
    ]
    return " and ".join(spans) or "nothing yet"
