"""The successor's own report on new conversations, counted the slow and obvious way."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from compat.simulator.folders import shown_by
from compat.simulator.messages import Problem, Refusal, invalid
from compat.simulator.parameters import choice, identities, instant, read_each
from compat.simulator.records import stamp

if TYPE_CHECKING:
    from compat.simulator.account import Account
    from compat.simulator.folders import Predicate
    from compat.simulator.records import Conversation

UNTAGGED = 1
DEFAULT_VIEW = "week"
DAY = 86_400
MOST_BUCKETS = 4000
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


_READERS: dict[str, Callable[[str], Hashable]] = {
    "start": instant,
    "end": instant,
    "previousStart": instant,
    "previousEnd": instant,
    "mailboxes": identities,
    "tags": identities,
    "folders": identities,
    "types": _types,
    "viewBy": choice("day", "week", "month"),
}


def new_conversations(account: Account, parameters: dict[str, str]) -> dict[str, object]:
    """The counts by bucket, of the range and of the previous one if it was asked for.

    Raises:
        Refusal: a parameter is missing, cannot be read, or does not fit the others.
    """
    values: dict[str, Any] = read_each(parameters, _READERS)
    view = values.get("viewBy", DEFAULT_VIEW)
    wanted = _wanted(account, values)
    with account.lock:
        rows = [row for row in account.conversations() if wanted(row)]
    found: dict[str, object] = {}
    for name, first, last in _ranges(values):
        if "viewBy" in values:
            _check_view(view, first, last)
        found[name] = _counted(rows, first, last, view)
    return found


def _ranges(values: dict[str, Any]) -> list[tuple[str, int, int]]:
    asked = [("current", "start", "end")]
    if "previousStart" in values or "previousEnd" in values:
        asked.append(("previous", "previousStart", "previousEnd"))
    missing = [name for _, *both in asked for name in both if name not in values]
    if missing:
        raise invalid(*(Problem(name, "may not be empty") for name in missing))
    found = [(name, values[start], values[end]) for name, start, end in asked]
    for (_, first, last), (_, _, end) in zip(found, asked, strict=True):
        if last < first:
            raise invalid(Problem(end, "must not be before the start"))
    return found


def _check_view(view: str, first: int, last: int) -> None:
    fits, message = _FITS[view]
    if not fits(-((first - last) // DAY)):
        raise invalid(Problem("viewBy", message, view))


def _counted(rows: list[Conversation], first: int, last: int, view: str) -> list[dict[str, object]]:
    starts = _starts(first, last, view)
    counts = [0] * len(starts)
    for row in rows:
        if not first <= row.created <= last:
            continue
        for at in range(len(starts)):
            is_last = at == len(starts) - 1
            if starts[at] <= row.created and (is_last or row.created < starts[at + 1]):
                counts[at] += 1
    return [
        {"start": stamp(start), "count": count} for start, count in zip(starts, counts, strict=True)
    ]


def _starts(first: int, last: int, view: str) -> list[int]:
    starts = [first]
    while (following := _later(first, len(starts), view)) < last:
        starts.append(following)
        if len(starts) > MOST_BUCKETS:
            raise Refusal(400, "The range has too many buckets")
    return starts


def _later(first: int, steps: int, view: str) -> int:
    """The instant so many steps after the first; months keep the day where they can."""
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
    shows = [shown_by(folder, layout) for folder in folders if folder]
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
