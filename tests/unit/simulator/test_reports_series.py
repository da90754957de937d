"""The report on new conversations."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from compat.simulator import Account, Behaviour, Conversation, Simulator
from tests.unit.simulator.clients import listed, signed_in, small_account

PATH = "/reports/conversations/new"
JANUARY = {"start": "2015-01-01T00:00:00Z", "end": "2015-01-31T23:59:59Z"}
YEARS = {"start": "2013-06-01T00:00:00Z", "end": "2019-06-15T12:30:45Z", "viewBy": "month"}
FIRST = 1_420_070_400
DAY = 86_400


def report(client: httpx.Client, **parameters: str) -> dict[str, Any]:
    answer = client.get(PATH, params=parameters)
    assert answer.status_code == 200, answer.text
    payload: dict[str, Any] = answer.json()
    return payload


def total(payload: dict[str, Any], which: str = "current") -> int:
    return sum(bucket["count"] for bucket in payload[which])


def starts(payload: dict[str, Any]) -> list[str]:
    return [bucket["start"] for bucket in payload["current"]]


def test_a_report_is_for_plans_that_have_reports() -> None:
    with signed_in(Simulator(Account())) as client:
        assert client.get(PATH, params=JANUARY).status_code == 403


@pytest.mark.parametrize("plan", ["plus", "pro"])
def test_the_larger_plans_have_reports(plan: Any) -> None:
    with signed_in(Simulator(Account(), plan=plan)) as client:
        assert client.get(PATH, params=JANUARY).status_code == 200


def test_weeks_begin_at_the_start_of_the_range(client: httpx.Client) -> None:
    days = [start[:10] for start in starts(report(client, **JANUARY))]
    assert days == ["2015-01-01", "2015-01-08", "2015-01-15", "2015-01-22", "2015-01-29"]


def test_months_are_clamped_to_their_last_day(client: httpx.Client) -> None:
    asked = {"start": "2016-01-31T13:30:00Z", "end": "2016-05-01T00:00:00Z", "viewBy": "month"}
    found = starts(report(client, **asked))
    assert found == [
        "2016-01-31T13:30:00Z",
        "2016-02-29T13:30:00Z",
        "2016-03-31T13:30:00Z",
        "2016-04-30T13:30:00Z",
    ]


def test_a_range_of_exactly_seven_days_is_one_week(client: httpx.Client) -> None:
    asked = {"start": "2015-01-01T13:30:00Z", "end": "2015-01-08T13:30:00Z", "viewBy": "week"}
    assert len(report(client, **asked)["current"]) == 1


def test_a_range_without_length_is_one_bucket(client: httpx.Client) -> None:
    asked = {"start": "2015-01-01T00:00:00Z", "end": "2015-01-01T00:00:00Z", "viewBy": "day"}
    assert len(report(client, **asked)["current"]) == 1


def test_all_that_counts_is_counted_once(client: httpx.Client, account: Account) -> None:
    assert total(report(client, **YEARS)) == sum(row.counts for row in listed(account))


def test_both_ends_and_every_edge_are_in_the_right_bucket() -> None:
    account = Account()
    for moment in (-1, 0, DAY - 1, DAY, 2 * DAY, 2 * DAY + 1):
        account.add(FIRST + moment)
    asked = {"start": "2015-01-01T00:00:00Z", "end": "2015-01-03T00:00:00Z", "viewBy": "day"}
    with signed_in(Simulator(account, plan="pro")) as client:
        counts = [bucket["count"] for bucket in report(client, **asked)["current"]]
    assert counts == [2, 2]


def test_spam_drafts_and_deleted_ones_do_not_count() -> None:
    account = Account()
    account.spam(account.add(FIRST).id)
    account.delete(account.add(FIRST).id)
    account.add(FIRST, state="draft")
    account.close(account.add(FIRST).id)
    with signed_in(Simulator(account, Behaviour(), plan="plus")) as client:
        assert total(report(client, **JANUARY)) == 1


def test_a_previous_range_has_buckets_of_its_own(client: httpx.Client) -> None:
    previous = {"previousStart": "2014-01-01T06:00:00Z", "previousEnd": "2014-01-10T00:00:00Z"}
    payload = report(client, **JANUARY, **previous)
    assert [bucket["start"] for bucket in payload["previous"]] == [
        "2014-01-01T06:00:00Z",
        "2014-01-08T06:00:00Z",
    ]


def test_without_a_previous_range_there_are_no_previous_counts(client: httpx.Client) -> None:
    assert set(report(client, **JANUARY)) == {"current"}


def _matches(row: Conversation, name: str, values: set[int]) -> bool:
    return {
        "mailboxes": row.mailbox_id in values,
        "folders": row.folder_id in values,
        "tags": bool(values & set(row.tag_ids or (1,))),
    }[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mailboxes", "8501"),
        ("mailboxes", "8508,8515"),
        ("mailboxes", "7"),
        ("tags", "1"),
        ("tags", "1,6001"),
        ("tags", "6001,6012"),
        ("folders", "72021"),
        ("folders", "72016,72001"),
    ],
)
def test_filters_take_any_of_their_values(
    client: httpx.Client, account: Account, name: str, value: str
) -> None:
    values = {int(part) for part in value.split(",")}
    expected = sum(row.counts and _matches(row, name, values) for row in listed(account))
    assert total(report(client, **YEARS, **{name: value})) == expected


def test_a_view_can_be_a_filter() -> None:
    account = small_account(60)
    row = account.add(FIRST, assignee_id=4101)
    mine = next(f.id for f in account.layout.folders if (f.type, f.user_id) == ("mytickets", 4101))
    with signed_in(Simulator(account, plan="plus")) as client:
        assert total(report(client, **JANUARY, folders=str(mine))) >= 1
        account.close(row.id)
        account.assign(row.id, 0)
        assert total(report(client, **JANUARY, folders="1")) == 0


def test_types_are_a_filter(client: httpx.Client, account: Account) -> None:
    expected = sum(row.counts and row.type in {"chat", "phone"} for row in listed(account))
    assert total(report(client, **YEARS, types="chat,phone")) == expected


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"start": ""}, "start"),
        ({"end": "2015-01-31"}, "end"),
        ({"end": "2014-12-31T00:00:00Z"}, "end"),
        ({"previousStart": "2014-01-01T00:00:00Z"}, "previousEnd"),
        ({"mailboxes": "one"}, "mailboxes"),
        ({"types": "fax"}, "types"),
        ({"viewBy": "year"}, "viewBy"),
        ({"viewBy": "month"}, "viewBy"),
        ({"viewBy": "day", "end": "2015-03-02T00:00:01Z"}, "viewBy"),
        ({"viewBy": "week", "end": "2016-01-02T00:00:01Z"}, "viewBy"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(
    client: httpx.Client, changes: dict[str, str], path: str
) -> None:
    answer = client.get(PATH, params=JANUARY | changes)
    assert answer.status_code == 400
    assert [error["path"] for error in answer.json()["_embedded"]["errors"]] == [path]


@pytest.mark.parametrize(
    ("view", "end"),
    [
        ("day", "2015-03-01T23:59:59Z"),
        ("week", "2015-12-31T23:59:59Z"),
        ("month", "2015-03-02T23:59:59Z"),
    ],
)
def test_a_range_that_just_fits_its_view_is_answered(
    client: httpx.Client, view: str, end: str
) -> None:
    assert report(client, start=JANUARY["start"], end=end, viewBy=view)["current"]
