"""API 2.0's own reports on conversations, counted in the most obvious way."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from compat.simulator import payloads
from compat.simulator.conversation import format_timestamp
from compat.simulator.folder_views import folder_shows
from compat.simulator.history import threads_of
from compat.simulator.messages import ApiError, InvalidParameter, validation_error
from compat.simulator.query_parameters import one_of, parse_date, parse_each, parse_id, parse_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.simulator.behaviour import Behaviour
    from compat.simulator.conversation import Conversation
    from compat.simulator.folder_views import Predicate
    from compat.simulator.store import Account
    from compat.simulator.thread import Thread

Row = TypeVar("Row", "Conversation", "Thread")
"""What is counted: its creation time decides."""

UNTAGGED = 1
DEFAULT_VIEW = "week"
DAY = 86_400
MAX_BUCKETS = 4000
DEFAULT_ROWS = 25
MAX_ROWS = 50
_FITS: dict[str, tuple[Callable[[int], bool], str]] = {
    "day": (lambda days: days <= 60, "by day a range has at most 60 days"),
    "week": (lambda days: days <= 366, "by week a range has at most a year"),
    "month": (lambda days: days >= 61, "by month a range has at least 61 days"),
}
_KINDS = frozenset({"email", "chat", "phone"})


def _types(text: str) -> frozenset[str]:
    found = frozenset(part.strip() for part in text.split(","))
    if not found <= _KINDS:
        raise ValueError("must be of email, chat, phone")
    return found


def _rows(text: str) -> int:
    if parse_id(text) > MAX_ROWS:
        raise ValueError(f"must be at most {MAX_ROWS}")
    return int(text)


_RANGES: dict[str, Callable[[str], Hashable]] = {
    "start": parse_date,
    "end": parse_date,
    "previousStart": parse_date,
    "previousEnd": parse_date,
}
_FILTERS: dict[str, Callable[[str], Hashable]] = {
    "mailboxes": parse_ids,
    "tags": parse_ids,
    "folders": parse_ids,
    "types": _types,
}
_SERIES = {**_RANGES, **_FILTERS, "viewBy": one_of("day", "week", "month")}
_LIST = {"start": parse_date, "end": parse_date, **_FILTERS, "page": parse_id, "rows": _rows}
_HOURS = {**_RANGES, **_FILTERS}


def new_conversations(
    account: Account, behaviour: Behaviour, parameters: dict[str, str]
) -> dict[str, object]:
    """Counts by bucket, of the range and, if requested, of the previous range.

    Raises:
        ApiError: a parameter is missing, invalid, or does not fit the others.
    """
    values: dict[str, Any] = parse_each(parameters, _SERIES)
    return _series(_selected(account, values), values, behaviour, ("start", "count"))


def received_messages(
    account: Account, behaviour: Behaviour, parameters: dict[str, str]
) -> dict[str, object]:
    """Messages of customers by bucket; imported ones are left out.

    Raises:
        ApiError: as for `new_conversations`.
    """
    values: dict[str, Any] = parse_each(parameters, _SERIES)
    messages = [
        each
        for row in _selected(account, values)
        for each in threads_of(row, account.layout)
        if each.is_from_customer and "imported" not in each.action
    ]
    return _series(messages, values, behaviour, ("date", "messages"))


def new_drilldown(
    account: Account, behaviour: Behaviour, parameters: dict[str, str]
) -> dict[str, object]:
    """One page of the conversations of a range, newest first.

    Raises:
        ApiError: as for `new_conversations`.
    """
    values: dict[str, Any] = parse_each(parameters, _LIST)
    ((_, first, last),) = _ranges(values)
    found = _within(_selected(account, values), first, last, behaviour)
    found.sort(key=lambda row: (row.created, row.id), reverse=True)
    page, size = values.get("page", 1), values.get("rows", DEFAULT_ROWS)
    shown = found[(page - 1) * size : page * size]
    return {
        "conversations": {
            "pages": -(-len(found) // size),
            "page": page,
            "count": len(found),
            "results": [
                payloads.report_row(row, account.layout, behaviour.report_rows) for row in shown
            ],
        }
    }


def busy_times(
    account: Account, behaviour: Behaviour, parameters: dict[str, str]
) -> list[dict[str, int]]:
    """Counts for all hours of a week, in the company's time zone.

    Raises:
        ApiError: as for `new_conversations`.
    """
    values: dict[str, Any] = parse_each(parameters, _HOURS)
    _, first, last = _ranges(values)[0]
    zone = ZoneInfo(behaviour.company_zone)
    found = _within(_selected(account, values), first, last, behaviour)
    local = [datetime.fromtimestamp(row.created, zone) for row in found]
    counts = Counter((time.weekday() + 1, time.hour) for time in local)
    return [
        {"day": day, "hour": hour, "count": counts[day, hour]}
        for day in range(1, 8)
        for hour in range(24)
    ]


def _series(
    rows: Sequence[Row], values: dict[str, Any], behaviour: Behaviour, keys: tuple[str, str]
) -> dict[str, object]:
    view = values.get("viewBy", DEFAULT_VIEW)
    found: dict[str, object] = {}
    for name, first, last in _ranges(values):
        if "viewBy" in values:
            _check_view(view, first, last)
        starts, counts = _counted(_within(rows, first, last, behaviour), first, last, view)
        found[name] = [
            dict(zip(keys, (format_timestamp(start), count), strict=True))
            for start, count in zip(starts, counts, strict=True)
        ]
    return found


def _selected(account: Account, values: dict[str, Any]) -> list[Conversation]:
    wanted = _wanted(account, values)
    with account.lock:
        return [row for row in account.conversations() if wanted(row)]


def _within(rows: Sequence[Row], first: int, last: int, behaviour: Behaviour) -> list[Row]:
    after = last + 1 if behaviour.report_end == "included" else last
    return [row for row in rows if first <= row.created < after]


def _ranges(values: dict[str, Any]) -> list[tuple[str, int, int]]:
    names = [("current", "start", "end")]
    if "previousStart" in values or "previousEnd" in values:
        names.append(("previous", "previousStart", "previousEnd"))
    missing = [name for _, *both in names for name in both if name not in values]
    if missing:
        raise validation_error(*(InvalidParameter(name, "may not be empty") for name in missing))
    found = [(name, values[start], values[end]) for name, start, end in names]
    for (_, first, last), (_, _, end) in zip(found, names, strict=True):
        if last < first:
            raise validation_error(InvalidParameter(end, "must not be before the start"))
    return found


def _check_view(view: str, first: int, last: int) -> None:
    fits, message = _FITS[view]
    if not fits(-((first - last) // DAY)):
        raise validation_error(InvalidParameter("viewBy", message, view))


def _counted(rows: Sequence[Row], first: int, last: int, view: str) -> tuple[list[int], list[int]]:
    starts = _starts(first, last, view)
    counts = [0] * len(starts)
    for row in rows:
        for at in range(len(starts)):
            is_last = at == len(starts) - 1
            if starts[at] <= row.created and (is_last or row.created < starts[at + 1]):
                counts[at] += 1
    return starts, counts


def _starts(first: int, last: int, view: str) -> list[int]:
    starts = [first]
    while (next_start := _add_steps(first, len(starts), view)) < last:
        starts.append(next_start)
        if len(starts) > MAX_BUCKETS:
            raise ApiError(400, "The range has too many buckets")
    return starts


def _add_steps(first: int, steps: int, view: str) -> int:
    """The time this many steps after the first; months keep the day if they have it."""
    begin = datetime.fromtimestamp(first, UTC)
    if view != "month":
        days = steps * {"day": 1, "week": 7}[view]
        return int((begin + timedelta(days=days)).timestamp())
    year, month = divmod(begin.year * 12 + begin.month - 1 + steps, 12)
    day = min(begin.day, monthrange(year, month + 1)[1])
    return int(begin.replace(year=year, month=month + 1, day=day).timestamp())


def _wanted(account: Account, values: dict[str, Any]) -> Predicate:
    layout = account.layout
    folders = [layout.folder_by_id.get(folder_id) for folder_id in values.get("folders", ())]
    shows = [folder_shows(folder, layout) for folder in folders if folder]
    tests: list[Predicate] = [lambda row: row.counts]
    if "mailboxes" in values:
        tests.append(lambda row: row.mailbox_id in values["mailboxes"])
    if "types" in values:
        tests.append(lambda row: row.type in values["types"])
    if "tags" in values:
        tests.append(lambda row: not values["tags"].isdisjoint(row.tag_ids or (UNTAGGED,)))
    if "folders" in values:
        tests.append(lambda row: any(show(row) for show in shows))
    return lambda row: all(test(row) for test in tests)
