"""Questions to old reports, and captures: old requests with the answers recorded for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from compat.config.conventions import ViewBy
from compat.core.intervals import Interval
from compat.v1.datetimes import format_epoch
from compat.v1.http import redact_target


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
    """

    place: str
    reason: str


def make_capture(
    *, place: str, url: str, status: int, body: bytes, taken_at: int | None, method: str
) -> Capture | Unreadable:
    """A capture from its parts. An answer to GET without a body is not one: it says nothing."""
    method = method.upper()
    if method == "GET" and not body.strip():
        return Unreadable(place, "the answer's body is empty, or was not saved")
    try:
        return Capture(place, redact_target(url), status, body, taken_at, method)
    except ValueError as error:
        return Unreadable(place, str(error))
