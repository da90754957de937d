"""Questions to old reports, and captures: old requests with the answers recorded for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from compat.config.conventions import ViewBy
from compat.core.calendar import within_calendar
from compat.core.intervals import Interval
from compat.json_lines import BOM
from compat.v1.datetimes import format_epoch, to_epoch
from compat.v1.http import redact_target

_INCONCLUSIVE: Final = frozenset({401, 402, 403, 407, 408, 425, 429, 499})
"""Statuses below 500 that say nothing of the question."""


@dataclass(frozen=True, slots=True)
class OldQuestion:
    """A question to an old report. Instants are epoch seconds UTC, both ends included.

    Attributes:
        report: The report, such as `conversations/new`.
        start: The first second of the range.
        end: The last second of the range.
        previous: First and last second of the range to compare with, if there is one.
        view_by: The length of a bucket; None leaves it to the convention.
        filters: Ids and types, by the name of their parameter.
    """

    report: str
    start: int
    end: int
    previous: tuple[int, int] | None = None
    view_by: ViewBy | None = None
    filters: Mapping[str, tuple[int | str, ...]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of the report."""
        return f"/v1/reports/{self.report}.json"

    @property
    def ranges(self) -> list[Interval]:
        """The range, and the one to compare with if there is one."""
        others = [Interval(*self.previous)] if self.previous else []
        return [Interval(self.start, self.end), *others]

    @property
    def edges(self) -> tuple[int, ...]:
        """First and last seconds of all ranges."""
        return (self.start, self.end, *(self.previous or ()))

    def scalars(self, to_text: Callable[[int], str] = format_epoch) -> list[tuple[str, str]]:
        """Names and values of all parameters that are not lists.

        Args:
            to_text: Writes an instant.
        """
        pairs = [("start", to_text(self.start)), ("end", to_text(self.end))]
        if self.previous:
            first, last = self.previous
            pairs += [("previousStart", to_text(first)), ("previousEnd", to_text(last))]
        return [*pairs, ("viewBy", self.view_by)] if self.view_by else pairs

    def lists(self) -> list[tuple[str, str]]:
        """Names and values of all lists, items joined by commas."""
        return [(name, ",".join(map(str, items))) for name, items in self.filters.items()]

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of all parameters."""
        return [*self.scalars(), *self.lists()]

    def target(self) -> str:
        """Path and query, with colons and commas as they are."""
        return f"{self.path}?{urlencode(self.pairs(), safe=':,')}"


@dataclass(frozen=True, slots=True)
class Capture:
    """An old request and the answer that was recorded for it.

    Attributes:
        place: Where it was read: `old.jsonl:12` is a line, `site.har#3` an entry.
        target: Path and query as sent; no origin, no fragment, no credentials.
        status: The status of the recorded answer.
        body: The body of the recorded answer, without any transfer or content encoding.
        taken_at: When it was recorded, epoch seconds UTC; None if unknown.
        method: The HTTP method, in capitals.
    """

    place: str
    target: str
    status: int
    body: bytes
    taken_at: int | None = None
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line or an entry that should be a capture and cannot be read as one.

    Attributes:
        place: Where it is.
        reason: Why it cannot be read; never what it contains.
        damaged: Whether the file is damaged there, so that more captures may be unread.
    """

    place: str
    reason: str
    damaged: bool = False


class DamagedFile(Exception):
    """A file of captures is damaged; the text says where and how."""


def why_inconclusive(status: int, body: bytes) -> str | None:
    """Why an answer says nothing of the question; None if it can be compared.

    Redirects, refused keys, rate limits and pages of HTML come from servers before the old API,
    or say that the same request may be answered another time.
    """
    if status in _INCONCLUSIVE or status // 100 not in {2, 4}:
        return f"what was recorded is a {status}"
    if body.lstrip().startswith(b"<"):
        return "what was recorded is a page of HTML or XML and no answer of the old API"
    return None


def taken_second(instant: datetime | None) -> int | None:
    """The second in which an answer was recorded, epoch UTC; without a time zone it is UTC.

    Raises:
        ValueError: In UTC it is outside the years 1 to 9999.
    """
    if instant is None:
        return None
    second = to_epoch(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    if second != within_calendar(second):
        raise ValueError("outside the years 1 to 9999")
    return second


def make_capture(
    *, place: str, url: str, status: int, body: bytes, taken_at: int | None, method: str
) -> Capture | Unreadable:
    """A capture from its parts.

    A conclusive answer to GET without a body is unreadable: its body was not saved.
    """
    method, body = method.upper(), body.removeprefix(BOM)
    if method == "GET" and not body.strip() and why_inconclusive(status, body) is None:
        return Unreadable(place, "the answer's body is empty, or was not saved")
    try:
        return Capture(place, redact_target(url), status, body, taken_at, method)
    except ValueError as error:
        return Unreadable(place, str(error))
