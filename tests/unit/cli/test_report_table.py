"""Tables of every shape of report, drawn for a terminal of a known width."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from rich.cells import cell_len
from rich.console import Console

from compat.cli.report_table import print_report
from compat.v1 import models

WIDTHS = pytest.mark.parametrize("width", [80, 120])


class Menu(BaseModel):
    id: int
    name: str


class Person(BaseModel):
    id: int
    name: str
    photoUrl: str | None  # noqa: N815


class Figures(BaseModel):
    startDate: str  # noqa: N815
    endDate: str  # noqa: N815
    greatCount: int  # noqa: N815
    happinessScore: float  # noqa: N815
    responseTime: int  # noqa: N815
    percentResolvedOnFirstReply: float  # noqa: N815
    busiestDay: int | None = None  # noqa: N815


class Deltas(BaseModel):
    greatCount: float  # noqa: N815
    happinessScore: float  # noqa: N815
    activeConversations: float  # noqa: N815


class Summary(BaseModel):
    filterTags: tuple[Menu, ...]  # noqa: N815
    user: Person
    current: Figures
    previous: Figures | None = None
    deltas: Deltas | None = None


class Customer(BaseModel):
    id: int
    name: str


class HistoryRow(BaseModel):
    number: int
    status: str
    ratingId: int  # noqa: N815
    resolveTime: int  # noqa: N815
    modifiedAt: str  # noqa: N815
    customers: tuple[Customer, ...]
    subject: str


class History(BaseModel):
    pages: int
    page: int
    count: int
    results: tuple[HistoryRow, ...]


class CustomerBucket(BaseModel):
    customers: int
    date: str


class CustomerSeries(BaseModel):
    current: tuple[CustomerBucket, ...]
    previous: tuple[CustomerBucket, ...] | None = None


def lines(
    model: type[BaseModel], answer: Any, width: int = 80, unavailable: Iterable[str] = ()
) -> list[str]:
    """What is on the screen, without colours."""
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    answer = json.loads(json.dumps(answer))
    print_report("", model, answer, unavailable=unavailable, console=console)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


MONTH = {"startDate": "2015-01-01T00:00:00Z", "endDate": "2015-01-31T23:59:59Z"}
NOW = {
    **MONTH,
    "greatCount": 41,
    "happinessScore": 5.454545454545457,
    "responseTime": 2278004,
    "percentResolvedOnFirstReply": 0.0,
    "busiestDay": 5,
}
BEFORE = {**MONTH, "greatCount": 40, "happinessScore": -0.1862197392923619, "responseTime": 60} | {
    "percentResolvedOnFirstReply": 12.5
}
PERSON = {"id": 4, "name": "John Smith", "photoUrl": None}
SUMMARY = {
    "filterTags": [{"id": 1, "name": ""}],
    "user": PERSON,
    "current": NOW,
    "previous": BEFORE,
    "deltas": {"greatCount": 2.5, "happinessScore": 5.640765, "activeConversations": 58.3},
}


@WIDTHS
def test_figures_stand_beside_those_of_the_previous_range(width: int) -> None:
    assert lines(Summary, SUMMARY, width)[:3] == ["id    4", "name  John Smith", ""]
    assert [line.split() for line in lines(Summary, SUMMARY, width)][3:] == [
        ["current", "previous", "change"],
        ["from", "2015-01-01", "2015-01-01"],
        ["to", "2015-01-31", "23:59:59", "2015-01-31", "23:59:59"],
        ["resolved", "on", "first", "reply,", "share", "0.00", "12.50"],
        ["response", "time", "26", "d", "8", "h", "1", "min"],
        ["busiest", "day", "Fri"],
        ["happiness", "score", "5.45", "-0.19", "+5.6"],
        ["great", "ratings", "41", "40", "+2.5", "%"],
    ]


def test_a_value_that_means_nothing_is_not_shown() -> None:
    paths = [f"{name}.responseTime" for name in ("current", "previous")]
    shown = "\n".join(lines(Summary, SUMMARY, unavailable=[*paths, "user.name"]))
    assert "response time" not in shown
    assert "John" not in shown
    rows = lines(History, history(HISTORY), 120, ["results.resolveTime"])
    assert "4 h 34 s" not in rows[1]


def test_without_a_previous_range_there_is_one_column() -> None:
    alone = {"filterTags": [], "user": PERSON, "current": NOW}
    assert lines(Summary, alone)[3].split() == ["current"]
    assert lines(Summary, alone)[-1].split() == ["great", "ratings", "41"]


def test_a_count_that_was_zero_has_no_change_in_percent() -> None:
    before = {**BEFORE, "greatCount": 0}
    shown = lines(Summary, {**SUMMARY, "previous": before})
    assert [line.split() for line in shown if line.startswith("great ratings")] == [
        ["great", "ratings", "41", "0"]
    ]


HISTORY = {
    "number": 59691,
    "status": "closed",
    "ratingId": 3,
    "resolveTime": 14434,
    "modifiedAt": "2015-01-14T15:09:39Z",
    "customers": [{"id": 2, "name": "Mary Jones"}, {"id": 3, "name": "Bo Ek"}],
    "subject": "Where is it?",
}


def history(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"pages": min(len(rows), 1), "page": 1, "count": len(rows), "results": list(rows)}


def test_a_page_has_a_line_for_each_row_in_words_that_a_person_reads() -> None:
    shown = lines(History, history(HISTORY), 120)
    assert shown[1].split("  ") == [
        "59691",
        " closed",
        "not good",
        " 4 h 34 s",
        "",
        "",
        "2015-01-14 15:09:39",
        "Mary Jones, Bo Ek",
        "Where is it?",
    ]
    assert shown[2] == "page 1 of 1, 1 in all"


def test_a_page_without_rows_says_so() -> None:
    assert lines(History, history())[-1] == "none"


def test_what_customers_wrote_cannot_control_the_terminal() -> None:
    evil = {**HISTORY, "subject": "\x1b[2J\x07\x9b[red]\u202eabc\n[bold]"}
    shown = "\n".join(lines(History, history(evil), 200))
    assert shown.replace("\n", "").isprintable()
    assert "[red]" in shown
    assert "[bold]" in shown


HOURS = [
    {"day": day, "hour": hour, "count": 100 * day + hour}
    for day in range(1, 8)
    for hour in range(24)
]


@WIDTHS
def test_busy_times_have_a_column_for_each_day_and_a_line_for_each_hour(width: int) -> None:
    shown = [line.split() for line in lines(models.BusyTimes, HOURS, width)]
    assert shown[0] == ["hour", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "total"]
    assert shown[1 + 13] == ["13:00", "113", "213", "313", "413", "513", "613", "713", "2891"]
    assert shown[-1][:2] == ["total", str(sum(each["count"] for each in HOURS[:24]))]
    assert shown[-1][-1] == str(sum(each["count"] for each in HOURS))


def test_hours_that_are_not_listed_are_blank() -> None:
    shown = lines(models.BusyTimes, HOURS[:1])
    assert shown[1].split() == ["00:00", "100", "100"]
    assert shown[2].split() == ["01:00"]


def test_a_series_has_the_name_of_what_it_counts() -> None:
    report = {"current": [{"date": "2015-01-01T00:00:00Z", "messages": 3}]}
    shown = lines(models.ReceivedMessages, report, 40)
    assert shown[0].split() == ["current", "messages"]
    assert shown[-1].split() == ["total", "3"]


def test_customers_of_several_buckets_are_not_added_up() -> None:
    buckets = [{"date": f"2015-01-0{day}T00:00:00Z", "customers": 2} for day in (1, 2)]
    shown = lines(CustomerSeries, {"previous": buckets[:1], "current": buckets})
    assert [line.split()[:2] for line in shown] == [
        ["current", "customers"],
        ["2015-01-01", "2"],
        ["2015-01-02", "2"],
    ]


@given(
    subject=st.text(max_size=200),
    names=st.lists(st.text(max_size=30), max_size=3),
    seconds=st.integers(0, 10**9),
    width=st.sampled_from([80, 120]),
)
def test_a_page_fits_the_terminal_and_shortens_nothing(
    subject: str, names: list[str], seconds: int, width: int
) -> None:
    customers = [{"id": 1, "name": name} for name in names]
    row = {**HISTORY, "subject": subject, "customers": customers, "resolveTime": seconds}
    shown = lines(History, history(row), width)
    assert max(map(cell_len, shown)) <= width
    assert "…" not in "".join(shown) or "…" in subject + "".join(names)
