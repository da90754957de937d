"""The reports drilldown and busy times, and the options of all reports."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from compat.simulator import Account, Behaviour, Simulator, thread_payloads
from compat.simulator.payloads import conversation
from tests.unit.core import activity_oracle
from tests.unit.simulator.clients import listed, signed_in

NEW = "/reports/conversations/new"
LIST = "/reports/conversations/new-drilldown"
HOURS = "/reports/conversations/busy-times"
MESSAGES = "/reports/conversations/received-messages"
JANUARY = {"start": "2015-01-01T00:00:00Z", "end": "2015-01-31T23:59:59Z"}
EVER = {"start": "2013-06-01T00:00:00Z", "end": "2019-06-15T12:30:45Z"}
YEAR = {"start": "2015-01-01T13:30:00Z", "end": "2015-12-31T13:29:59Z"}
FIRST = 1_420_070_400


def get_report(client: httpx.Client, path: str, **parameters: str) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", [LIST, HOURS, MESSAGES])
def test_the_standard_plan_has_no_reports(path: str) -> None:
    with signed_in(Simulator(Account())) as client:
        assert client.get(path, params=JANUARY).status_code == 403


def test_a_list_has_twenty_five_rows_by_default(client: httpx.Client) -> None:
    found = get_report(client, LIST, **EVER)["conversations"]
    assert len(found["results"]) == 25
    assert found["pages"] == -(-found["count"] // 25)
    assert len(get_report(client, LIST, **EVER, rows="50")["conversations"]["results"]) == 50


def test_the_pages_list_all_that_counts_the_newest_first(
    client: httpx.Client, account: Account
) -> None:
    pages = get_report(client, LIST, **EVER, rows="50")["conversations"]["pages"]
    ids = [
        row["id"]
        for page in range(1, pages + 2)
        for row in get_report(client, LIST, **EVER, rows="50", page=str(page))["conversations"][
            "results"
        ]
    ]
    counting = [row for row in listed(account) if row.counts]
    assert ids == [row.id for row in sorted(counting, key=lambda row: (-row.created, -row.id))]


DOCUMENTED = [
    *("id", "number", "type", "mailboxid", "attachments", "subject", "status", "threadCount"),
    *("preview", "customerName", "modifiedAt", "assignedid", "tags"),
    *("customerEmail", "customerIds", "assignedName"),
]
RECORDED = [*DOCUMENTED[:-3], "waitingSince", "waitingSinceType"]


@pytest.mark.parametrize(("keys", "expected"), [("documented", DOCUMENTED), ("recorded", RECORDED)])
def test_a_row_has_the_keys_of_the_page_or_those_of_a_recording(
    keys: Any, expected: list[str]
) -> None:
    account = Account()
    account.add(FIRST, assignee_id=4101, tags=["billing"])
    with signed_in(Simulator(account, Behaviour(report_rows=keys), plan="pro")) as client:
        (row,) = get_report(client, LIST, **JANUARY)["conversations"]["results"]
    assert list(row) == expected
    assert row["tags"][0]["name"] == "billing"


def test_busy_times_list_every_hour_by_the_clock_of_the_company(account: Account) -> None:
    quiet = Behaviour(rate_limit=None, company_zone="Australia/Adelaide")
    with signed_in(Simulator(account, quiet, plan="plus")) as client:
        hours = get_report(client, HOURS, **EVER)
    zone = ZoneInfo("Australia/Adelaide")
    moments = [datetime.fromtimestamp(row.created, zone) for row in listed(account) if row.counts]
    expected = Counter((moment.isoweekday(), moment.hour) for moment in moments)
    assert {(each["day"], each["hour"]): each["count"] for each in hours if each["count"]} == dict(
        expected
    )
    assert len(hours) == 168


@pytest.mark.parametrize(("manner", "count"), [("included", 2), ("excluded", 1)])
def test_whether_the_last_second_counts_is_the_same_in_every_report(
    manner: Any, count: int
) -> None:
    account = Account()
    for moment in (0, 9, 10):
        account.add(FIRST + moment)
    asked = {"start": "2015-01-01T00:00:00Z", "end": "2015-01-01T00:00:09Z"}
    with signed_in(Simulator(account, Behaviour(report_end=manner), plan="plus")) as client:
        assert [each["count"] for each in get_report(client, NEW, **asked)["current"]] == [count]
        assert get_report(client, LIST, **asked)["conversations"]["count"] == count
        assert sum(each["count"] for each in get_report(client, HOURS, **asked)) == count


@pytest.mark.parametrize(
    ("path", "changes", "wrong"),
    [
        (LIST, {"start": ""}, "start"),
        (LIST, {"end": "2014-12-31T00:00:00Z"}, "end"),
        (LIST, {"rows": "51"}, "rows"),
        (LIST, {"page": "0"}, "page"),
        (HOURS, {"end": "2015-01-31T00:00:00.000Z"}, "end"),
        (HOURS, {"folders": "x"}, "folders"),
    ],
)
def test_an_invalid_parameter_is_refused_by_name(
    client: httpx.Client, path: str, changes: dict[str, str], wrong: str
) -> None:
    answer = client.get(path, params=JANUARY | changes)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/vnd.error+json"
    assert [error["path"] for error in answer.json()["_embedded"]["errors"]] == [wrong]


def test_messages_are_those_that_lists_of_threads_show(
    client: httpx.Client, account: Account
) -> None:
    points = get_report(client, MESSAGES, **YEAR, viewBy="week")["current"]
    payloads = [
        {
            **conversation(row, account.layout),
            "_embedded": {"threads": thread_payloads.listed(row, account.layout)},
        }
        for row in listed(account)
    ]
    days = activity_oracle.received_per_day(payloads, YEAR["start"], YEAR["end"])
    weeks = [sum(days[first : first + 7]) for first in range(0, len(days), 7)]
    assert [point["messages"] for point in points] == weeks
    assert sum(weeks) > 20
