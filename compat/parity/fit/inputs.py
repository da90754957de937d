"""What a fit works on: recorded series of counts, and the conversations that they could count.

A filter by tag, folder or mailbox selects by today's state of a conversation, so such a count may
be larger or smaller than it was. Captures with such filters are compared and not fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from typing import Any, Final, Literal, get_args

from compat import error_mapping
from compat.account import Account
from compat.config.conventions import MAX_CLOCK_SHIFT, Conventions
from compat.core.calendar import DAY, within_calendar
from compat.core.intervals import Interval, union
from compat.core.models import ConversationQuery, Progress, Row
from compat.parity.captures.models import Capture, DamagedFile, Unreadable
from compat.parity.compare import read_json
from compat.reports.created import range_interval, ranges
from compat.v1 import routes
from compat.v1.datetimes import parse_instant, to_epoch
from compat.v1.errors import NotFound, ValidationFailed
from compat.v1.http import LegacyRequest
from compat.v1.query import ReportQuery, list_items, parameter_name, parse_pairs, parse_query

REPORT: Final = "new_conversations"
"""The report that is fitted, by the name of its module."""

_CHANGING_FILTERS: Final = ("mailboxes", "tags", "folders")
_PROGRESS_INTERVAL: Final = 0.2
"""Seconds between two reports of progress."""

_BEFORE: Final = 8 * DAY + 60 * MAX_CLOCK_SHIFT
_AFTER: Final = 60 * MAX_CLOCK_SHIFT
"""How far candidates move the ends of a range: to a Monday of some time zone, or with a clock."""

PARSING_RULES: Final = ("default_view_by", "repeated_parameter", "date_only_end")
"""Conventions that are changed by candidates and give a request another meaning."""

Pairs = tuple[tuple[str, str], ...]
Half = Literal["fit", "confirm"]


@dataclass(frozen=True, slots=True)
class FitRecord:
    """A recorded answer of new conversations.

    Attributes:
        place: Where its capture was read.
        target: Path and query as sent.
        pairs: The names and values sent, decoded.
        series: The buckets of each series, as pairs of start (epoch seconds UTC) and count.
        taken_at: When it was recorded, epoch seconds UTC; None if unknown.
    """

    place: str
    target: str
    pairs: Pairs
    series: Mapping[str, tuple[tuple[int, int], ...]]
    taken_at: int | None = None

    @property
    def half(self) -> Half:
        """Which half of the records it belongs to. Equal targets are in the same half."""
        return "confirm" if sha256(self.target.encode()).digest()[0] & 1 else "fit"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A capture that cannot be used.

    Attributes:
        place: Where it was read.
        reason: Why it cannot be used, in a few words.
    """

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class SortedCaptures:
    """Captures by their use.

    Attributes:
        fitted: Those that conventions are fitted to.
        filtered: Those with filters by tag, folder or mailbox, which are only compared.
        aside: Those that cannot be used.
    """

    fitted: tuple[FitRecord, ...]
    filtered: tuple[FitRecord, ...]
    aside: tuple[SetAside, ...]

    @property
    def compared(self) -> tuple[FitRecord, ...]:
        """All records that are compared with today's conversations."""
        return self.fitted + self.filtered


def sort_captures(captures: Iterable[Capture | Unreadable]) -> SortedCaptures:
    """Sort captures by their use. The same answer to the same request is taken once.

    Raises:
        DamagedFile: A file is damaged, so that not all captures were read.
    """
    records: dict[object, FitRecord] = {}
    aside: list[SetAside] = []
    for capture in captures:
        if isinstance(capture, Unreadable):
            if capture.damaged:
                raise DamagedFile(f"{capture.place}: {capture.reason}")
            aside.append(SetAside(capture.place, f"unreadable: {capture.reason}"))
            continue
        try:
            record = _record(capture)
        except ValueError as fault:
            aside.append(SetAside(capture.place, str(fault)))
        else:
            records.setdefault((capture.target, capture.body, capture.taken_at), record)
    filtered = tuple(record for record in records.values() if _is_filtered(record.pairs))
    fitted = tuple(record for record in records.values() if not _is_filtered(record.pairs))
    return SortedCaptures(fitted, filtered, tuple(aside))


def parse_request(pairs: Pairs, conventions: Conventions) -> ReportQuery | None:
    """The query that a request means under some conventions; None if it would be refused."""
    try:
        return parse_query(pairs, routes.route_of_report(REPORT).parameters, conventions)
    except ValidationFailed:
        return None


def parse_all_ways(pairs: Pairs, base: Conventions) -> dict[tuple[object, ...], ReportQuery | None]:
    """What a request means under each combination of the rules in `PARSING_RULES`.

    Returns:
        The queries by the values of these rules; None where the request would be refused.
    """
    return {
        values: parse_request(
            pairs, base.model_copy(update=dict(zip(PARSING_RULES, values, strict=True)))
        )
        for values in product(*map(_values, PARSING_RULES))
    }


def needed_conversations(requests: Iterable[Pairs], base: Conventions) -> ConversationQuery:
    """All conversations that any candidate could count in any of the requests."""
    spans = [
        _widened(range_interval(each))
        for pairs in requests
        for query in parse_all_ways(pairs, base).values()
        if query is not None
        for each in ranges(query)
    ]
    return ConversationQuery(tuple(union(spans)), spam=True)


def fetch_rows(
    account: Account, wanted: ConversationQuery, report: Callable[[Progress], None] | None
) -> Sequence[Row]:
    """Fetch conversations; an interrupt closes the account.

    Args:
        account: Where to fetch from.
        wanted: Which conversations.
        report: Called a few times a second with the progress.

    Raises:
        compat.v1.errors.LegacyError: Upstream fails, or its lists keep changing.
    """
    if not wanted.created:
        return ()
    progress = Progress()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(account.rows, wanted, progress)
        try:
            while wait([future], _PROGRESS_INTERVAL).not_done:
                if report:
                    report(progress)
        except KeyboardInterrupt:
            account.close()  # the pool waits for its thread, which may wait for an hour
            raise
        try:
            return future.result().rows
        except Exception as error:
            raise error_mapping.to_legacy_error(error) from error


def _is_filtered(pairs: Pairs) -> bool:
    return any(
        parameter_name(name) in _CHANGING_FILTERS and list_items(value) for name, value in pairs
    )


def _record(capture: Capture) -> FitRecord:
    request = LegacyRequest.from_target(capture.target)
    try:
        route = routes.find_route(capture.method, request.path)
    except NotFound:
        raise ValueError("another route") from None
    if route.report != REPORT:
        raise ValueError("another report")
    if capture.status != 200:
        raise ValueError(f"status {capture.status}")
    pairs = tuple(route.pairs(request.path, parse_pairs(request.query)))
    return FitRecord(capture.place, capture.target, pairs, _series(capture.body), capture.taken_at)


def _series(body: bytes) -> dict[str, tuple[tuple[int, int], ...]]:
    try:
        answer = read_json(body)
        series = {str(name): tuple(map(_point, points)) for name, points in answer.items()}
    except (ValueError, TypeError, AttributeError, KeyError):
        raise ValueError("no answer of this report") from None
    if not {"current"} <= series.keys() <= {"current", "previous"}:
        raise ValueError("no answer of this report")
    return series


def _point(point: Mapping[str, Any]) -> tuple[int, int]:
    start, count = point["start"], point["count"]
    if type(count) is not int or count < 0:
        raise ValueError("no count")
    return to_epoch(parse_instant(start, Conventions(), end=False)), count


def _values(name: str) -> tuple[object, ...]:
    return get_args(Conventions.model_fields[name].annotation)


def _widened(counted: Interval) -> Interval:
    first, last = counted.first - _BEFORE, counted.last + _AFTER
    return Interval(within_calendar(first), within_calendar(last))
