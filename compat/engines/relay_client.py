"""Requests to the successor's own reports: within its limits, and with its rule for `end`."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Final, NamedTuple, TypeVar

from compat.config.conventions import Conventions, MonthStep, ViewBy
from compat.core.calendar import DAY
from compat.core.intervals import Interval
from compat.core.models import Progress
from compat.reports.created import range_interval
from compat.v1.datetimes import to_epoch
from compat.v1.query import Range
from compat.v2.client import Client
from compat.v2.errors import AccessRefused, InconsistentData, RequestRefused
from compat.v2.models import Conversation, ConversationPage
from compat.v2.pagination import creation_second
from compat.v2.reports import ReportModel, ReportSeries, fetch_report
from compat.v2.search import LAST_SECOND, format_timestamp

_UNDECIDED: Final = (
    "no conversation shows whether Help Scout's own reports count the second of `end`"
)

_LONGEST_BY_DAY: Final = 60 * DAY
_LONGEST_BY_WEEK: Final = 365 * DAY
_SHORTEST_BY_MONTH: Final = 61 * DAY
"""The successor views at most 60 days by day, a year by week, and at least 61 days by month. How
it measures a range of exactly that length is not known; such a range is split."""

T = TypeVar("T")
P = TypeVar("P")


@dataclass
class RelayClient:
    """Sends the requests of one query to one of the successor's reports.

    Attributes:
        client: The client of Mailbox API 2.0.
        end_included: Whether the successor counts the second of `end`; None if unknown.
        path: The report, below `/reports/`.
        params: The parameters of every request, without the range.
        workers: How many requests run at the same time.
        progress: Counts requests.
        asked_at: When each request was made, epoch seconds by upstream's clock.
    """

    client: Client
    end_included: bool | None
    path: str
    params: dict[str, str]
    workers: int
    progress: Progress
    asked_at: list[int] = field(default_factory=list)

    def fetch(self, first: int, last: int, model: type[ReportModel], **params: str) -> ReportModel:
        """The successor's report on the seconds from `first` to `last`, both included.

        Raises:
            UpstreamError: Upstream fails, refuses, or returns an unusable answer.
        """
        self.progress.check()
        params = {
            "start": format_timestamp(first),
            "end": format_timestamp(self.end_parameter(last)),
            **self.params,
            **params,
        }
        answer = fetch_report(self.client, self.path, params, model)
        self.asked_at.append(answer.requested_at)
        if self.end_included is None and answer.value.total:
            # The request covers one second more than it should. Only a count of zero is certain.
            raise InconsistentData(_UNDECIDED)
        return answer.value

    def fetch_parts(self, fetch_part: Callable[[P], T], parts: Sequence[P]) -> list[T]:
        """The answers for several parts of a range, in their order; some run at the same time."""
        self.progress.expected += len(parts)
        answers = []
        with ThreadPoolExecutor(self.workers, thread_name_prefix="relay") as pool:
            for answer in pool.map(fetch_part, parts):
                self.progress.received += 1
                self.progress.pages += 1
                answers.append(answer)
        return answers

    def end_parameter(self, last: int) -> int:
        """The value of `end` for which the successor counts `last` and not the second after it."""
        return last if self.end_included else min(last + 1, LAST_SECOND)


def counted_interval(asked: Range, conventions: Conventions) -> Interval | None:
    """The seconds of a range that count, both ends included; None if none does."""
    first, end = range_interval(asked)
    last = end if conventions.end_included else end - 1
    return Interval(first, last) if first <= last else None


_FIRST_YEAR: Final = to_epoch(datetime(2011, 1, 1, tzinfo=UTC))
"""Help Scout has existed since that year."""

_VIEWS: Final = (("day", 60 * DAY), ("week", 365 * DAY), ("month", math.inf))
"""Views that the successor accepts, each with the length that a range must stay below."""

_ORDERS: Final = ("desc", "asc")
_MOST_EXAMPLES: Final = 3
"""Conversations tried from each end of the list. One may be too new for the report, or change
between two requests; it is unlikely that all of them are."""


class EndProbe:
    """Finds out whether the successor counts conversations created in the second of `end`.

    Nothing documents it, and parts of a range can only be joined if it is known. So it is found
    out once for an account, with a second in which conversations were created and none in the
    second after it. A range that ends one second later has them in any case, which shows that
    the report includes them at all. A range that ends in their second has the same count, or
    one that is lower by their number.

    Safe to share between threads.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._included: bool | None = None

    def end_included(self, check: Callable[[], None]) -> bool | None:
        """Whether the second of `end` counts; None as long as no conversation shows it.

        Args:
            check: Called before each request; raises to stop.

        Raises:
            UpstreamError: Upstream fails, or has no reports for this account.
        """
        with self._lock:
            if self._included is None:
                self._included = self._probe(check)
            return self._included

    def _probe(self, check: Callable[[], None]) -> bool | None:
        for second, created in chain(self._listed(check), self._searched(check)):
            until, beyond = (self._count(second - 1, second + more, check) for more in (0, 1))
            if beyond >= created and beyond - until in {0, created}:
                return until == beyond
        return None

    def _listed(self, check: Callable[[], None]) -> Iterator[tuple[int, int]]:
        """Seconds and how many conversations were created in them, from both ends of the list."""
        for order in _ORDERS:
            check()
            params = {"status": "all", "sortField": "createdAt", "sortOrder": order, "page": "1"}
            try:
                answer = self._client.get("/conversations", params, ConversationPage).value
            except (AccessRefused, RequestRefused):
                return  # a user may have the right to see reports and not conversations
            isolated = list(_isolated_seconds(answer))
            yield from (isolated if order == "asc" else isolated[::-1])[:_MOST_EXAMPLES]

    def _searched(self, check: Callable[[], None]) -> Iterator[tuple[int, int]]:
        """The last such second more than a day ago, found by bisection with reports alone.

        Nothing was created in the second of `last` at any step, so that counts up to it are the
        same whether it is included or not.
        """
        first, last = _FIRST_YEAR, int(time.time()) - DAY
        if self._count(last, last + 1, check) or not self._count(first, last, check):
            return
        while last - first > 1:
            middle = (first + last) // 2
            if self._count(middle, last, check):
                first = middle
            else:
                last = middle
        if created := self._count(first, last, check):
            yield first, created

    def _count(self, first: int, end: int, check: Callable[[], None]) -> int:
        check()
        view_by = next(view for view, most in _VIEWS if end - first < most)
        params = {"start": format_timestamp(first), "end": format_timestamp(end), "viewBy": view_by}
        answer = fetch_report(self._client, "conversations/new", params, ReportSeries)
        return answer.value.total


def _isolated_seconds(answer: ConversationPage) -> Iterator[tuple[int, int]]:
    """Seconds with nothing created in the seconds before and after them, and their counts.

    The neighbours of a page's last row are on the next page, so that row does not qualify.
    """
    rows = {row.id: row for row in answer.rows}.values()  # a row may be repeated
    seconds = [creation_second(row) for row in rows]
    counts = Counter(creation_second(row) for row in rows if _counts(row))
    edge = set(seconds[-1:]) if answer.page.total_pages > 1 else set()
    for second, created in counts.items():
        neighbours = {second - 1, second + 1}
        if not neighbours & {*seconds} and not edge & {second, *neighbours}:
            yield second, created


def _counts(row: Conversation) -> bool:
    return row.state == "published" and row.status != "spam"


class RangePart(NamedTuple):
    """The range of one request: epoch seconds, both included, and the length of its buckets."""

    first: int
    last: int
    view_by: ViewBy


def split_range(
    first: int, last: int, starts: Sequence[int], view_by: ViewBy, month_step: MonthStep
) -> list[RangePart]:
    """The parts that together cover each second of a range once.

    Buckets of days, weeks and months all begin a whole number of days after the range does. So a
    series by day that begins where the range begins can be added up to any of them, exactly.

    Args:
        first: The first second that counts, epoch UTC.
        last: The last second that counts; not before `first`.
        starts: Where the buckets of the answer begin.
        view_by: The length of these buckets.
        month_step: How months follow each other.
    """
    if _allowed(last - first, view_by, month_step):
        parts = [RangePart(first, last, view_by)]
    else:
        parts = list(_by_day(first, last))
    *before, final = parts
    if final.last in starts and final.last > final.first:
        # A bucket begins with the last second: the successor would count it to the one before.
        parts = [
            *before,
            final._replace(last=final.last - 1),
            RangePart(final.last, final.last, "day"),
        ]
    return parts


def _allowed(length: int, view_by: ViewBy, month_step: MonthStep) -> bool:
    """Whether the successor accepts a range of this view, and cuts it into the same buckets."""
    if view_by == "month":
        return month_step == "clamped" and length >= _SHORTEST_BY_MONTH
    return length < {"day": _LONGEST_BY_DAY, "week": _LONGEST_BY_WEEK}[view_by]


def _by_day(first: int, last: int) -> Iterator[RangePart]:
    for start in range(first, last + 1, _LONGEST_BY_DAY):
        yield RangePart(start, min(start + _LONGEST_BY_DAY - 1, last), "day")
