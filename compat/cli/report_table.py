"""Every report as a table, for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from compat.cli.table import Keys, format_instant, print_table
from compat.doctor import format_duration
from compat.v1.report_shape import Row, Shape, shape_of

if TYPE_CHECKING:
    from pydantic import BaseModel

_RATING_COLUMNS: Final = {
    "number": "number",
    "ratingId": "rating",
    "threadCreatedAt": "sent",
    "ratingCustomerName": "customer",
    "ratingUserName": "user",
    "ratingComments": "comments",
}
_COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "new_drilldown": {
        "number": "number",
        "status": "status",
        "customerName": "customer",
        "assignedName": "assigned",
        "subject": "subject",
    },
    "happiness_ratings": _RATING_COLUMNS,
    "user_ratings": _RATING_COLUMNS,
    "user_conversation_history": {
        "number": "number",
        "status": "status",
        "repliesSent": "replies",
        "responseTime": "response time",
        "resolveTime": "resolution time",
        "customers": "customers",
    },
}
"""The fields of a row that a table shows, with their headings; other reports show all of them."""

_FIGURES: Final = {
    "startDate": "from",
    "endDate": "to",
    "totalDays": "days",
    "totalReplies": "replies sent",
    "repliesPerDay": "replies a day",
    "customersHelped": "customers helped",
    "totalConversations": "conversations",
    "conversationsPerDay": "conversations a day",
    "conversationsCreated": "conversations begun",
    "closed": "closed",
    "resolved": "resolved",
    "resolvedOnFirstReply": "resolved on first reply",
    "percentResolvedOnFirstReply": "resolved on first reply, share",
    "repliesToResolve": "replies to resolve",
    "averageFirstResponseTime": "first response time",
    "responseTime": "response time",
    "resolutionTime": "resolution time",
    "handleTime": "handle time",
    "busiestDay": "busiest day",
    "happinessScore": "happiness score",
    "great": "great",
    "okay": "okay",
    "notGood": "not good",
    "greatCount": "great ratings",
    "okayCount": "okay ratings",
    "notGoodCount": "not good ratings",
    "ratingsCount": "all ratings",
    "totalCustomersWithRatings": "customers who rated",
    "ratingsPercent": "customers who rated, share",
    "totalCustomers": "customers helped",
}
"""What figures are called, in the order in which a table has them; others come after these."""

_PERCENTS: Final = frozenset({"great", "okay", "notGood", "ratingsPercent"})
"""Fields that are percentages."""

_DIFFERENCES: Final = frozenset(
    {"great", "okay", "notGood", "happinessScore", "percentResolvedOnFirstReply"}
)
"""Percentages and scores: their `deltas` are differences, and those of other fields percents."""

_NOT_SUMMED: Final = frozenset({"customers", "customersHelped"})
"""What a series counts that may be the same in several buckets."""

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WORDS: Final[Mapping[str, Mapping[int, str]]] = {
    "ratingId": {1: "great", 2: "okay", 3: "not good"},
    "hasPhoto": {False: "no", True: "yes"},
    "busiestDay": {0: "", **dict(enumerate(_DAYS, 1))},
}
"""Fields whose numbers stand for words."""

_HOURS: Final = ("day", "hour", "count")
"""The fields of an hour of the week."""


def print_report(
    report: str,
    model: type[BaseModel],
    answer: Any,
    *,
    unavailable: Iterable[str] = (),
    console: Console | None = None,
) -> None:
    """Print a report as a table.

    Args:
        report: The name of the report's module.
        model: The model of the answer.
        answer: The report, from its JSON; it is changed.
        unavailable: The paths of values that mean nothing; they are not shown.
        console: Where it is printed; standard output if not given.
    """
    console = console or Console(highlight=False)
    for path in unavailable:
        _remove(answer, path.split("."))
    shape = shape_of(model)
    if shape.kind == "series":
        print_table(shape.series(answer), console, _keys(shape))
    elif shape.kind == "figures":
        _print_figures(shape, answer, console)
    elif shape.fields == _HOURS:
        console.print(_week(answer))
    elif shape.kind == "list":
        console.print(_rows(_headings(shape), answer))
    else:
        page = shape.page(answer)
        console.print(_rows(_COLUMNS.get(report, _headings(shape)), page["results"]))
        console.print(
            f"page {page['page']} of {page['pages']}, {page['count']} in all"
            if page["count"]
            else "none"
        )


def print_rows(headings: Mapping[str, str], rows: Iterable[Row]) -> None:
    """Print rows as a table on standard output.

    Args:
        headings: The keys that are shown, with their headings.
        rows: The rows.
    """
    Console(highlight=False).print(_rows(headings, rows))


def _remove(found: Any, keys: Sequence[str]) -> None:
    """Remove what is under some keys, one in the other, also in each item of a list."""
    if isinstance(found, list):
        for each in found:
            _remove(each, keys)
    elif isinstance(found, dict) and len(keys) > 1:
        _remove(found.get(keys[0]), keys[1:])
    elif isinstance(found, dict):
        found.pop(keys[0], None)


def _keys(shape: Shape) -> Keys:
    start = shape.fields[0]
    count = next(name for name in shape.fields[1:] if name != "ids")
    return Keys(start, count, summed=count not in _NOT_SUMMED)


def _print_figures(shape: Shape, answer: Any, console: Console) -> None:
    """One row for each field that the requested range has, below what is known of the user."""
    if shape.about:
        about = _table()
        for name in shape.about:
            if answer["user"].get(name) is not None:
                about.add_row(_in_words(name), _text(name, answer["user"][name]))
        console.print(about)
        console.print()
    table = _table("", *(name for name in ("current", "previous") if name in answer))
    current, previous = answer["current"], answer.get("previous")
    if previous is not None:
        table.add_column("change", justify="right")
    order = dict.fromkeys((*_FIGURES, *shape.fields))
    for name in (name for name in order if name in current):
        cells = [_text(name, each.get(name)) for each in (current, previous) if each is not None]
        if previous is not None:
            cells.append(_change(name, answer["deltas"].get(name), previous.get(name)))
        table.add_row(_FIGURES.get(name, _in_words(name)), *cells)
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)


def _change(name: str, delta: float | None, before: Any) -> Text:
    """A difference, or so many percent; nothing where that was zero before."""
    if delta is None or (before == 0 and name not in _DIFFERENCES):
        return Text()
    return Text(f"{delta:+.1f}" if name in _DIFFERENCES else f"{delta:+.1f} %")


def _week(hours: Sequence[Row]) -> Table:
    """The hours of a week: a column for each day, and the sums of both."""
    counts = {(each["day"], each["hour"]): each["count"] for each in hours}
    days = range(1, len(_DAYS) + 1)
    table = _table("hour", *_DAYS, "total", footer=True)
    sums = [sum(counts.get((day, hour), 0) for hour in range(24)) for day in days]
    for column, total in zip(table.columns, ["total", *sums, sum(sums)], strict=True):
        column.footer = str(total)
        column.justify = "left" if total == "total" else "right"
    for hour in range(24):
        found = [counts.get((day, hour), 0) for day in days]
        table.add_row(f"{hour:02}:00", *(str(each or "") for each in (*found, sum(found))))
    return table


def _headings(shape: Shape) -> Mapping[str, str]:
    return {name: _in_words(name) for name in shape.fields}


def _in_words(name: str) -> str:
    """The key of a field as words: `photo url` for `photoUrl`."""
    return re.sub("[A-Z]", lambda found: f" {found[0].lower()}", name)


def _rows(headings: Mapping[str, str], rows: Iterable[Row]) -> Table:
    table = _table(*headings.values())
    for name, column in zip(headings, table.columns, strict=True):
        column.no_wrap = name.endswith("At")
    for row in rows:
        table.add_row(*(_text(name, row.get(name)) for name in headings))
    return table


def _table(*names: str, footer: bool = False) -> Table:
    table = Table(
        *names,
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        show_header=bool(names),
        show_footer=footer,
        footer_style="bold",
    )
    for column in table.columns:
        column.overflow = "fold"
    return table


def _text(name: str, value: Any) -> Text:
    """A value as a person reads it: a time in days, hours and minutes, a day as its name.

    Characters that control a terminal become blanks: customers write subjects and comments.
    """
    return Text("".join(each if each.isprintable() else " " for each in _written(name, value)))


def _written(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in _WORDS:
        return _WORDS[name].get(value, str(value))
    if isinstance(value, list):
        return ", ".join(str(each["name"] if isinstance(each, dict) else each) for each in value)
    if isinstance(value, str):
        return format_instant(value) if name.endswith(("At", "Date")) else value
    return _number(name, value)


def _number(name: str, value: Any) -> str:
    """A number with its unit."""
    if name.endswith("Time"):
        return format_duration(round(value))
    if name in _PERCENTS:
        return f"{value:.1f} %"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
