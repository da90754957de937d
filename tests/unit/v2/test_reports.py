"""Requests for Help Scout's own reports: their addresses, and what a refusal means."""

from __future__ import annotations

import pytest

from compat.v2.client import Client
from compat.v2.errors import (
    CredentialsRefused,
    ParameterError,
    ParametersRefused,
    ReportsRefused,
    RequestRefused,
    Unreachable,
    UpstreamError,
)
from compat.v2.reports import BusyHours, ReportSeries, check_reports, fetch_report
from tests.unit.v2.upstream import FIRST, Reply, Upstream, answer, in_turn

PARAMS = {"start": "2015-01-01T00:00:00Z", "end": "2015-01-31T23:59:59Z"}
HEADERS = {"Correlation-Id": "c-1", "Date": "Thu, 01 Jan 2015 00:00:10 GMT"}
WRONG_DATE = {
    "_embedded": {"errors": [{"path": "start", "message": "too early", "rejectedValue": "1999"}]}
}


def test_a_report_is_requested_below_the_reports_with_its_parameters(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(answer([{"day": 1, "hour": 9, "count": 4}], headers=HEADERS))
    found = fetch_report(client, "conversations/busy-times", PARAMS, BusyHours)
    assert found.value.total == 4
    assert FIRST < found.requested_at <= FIRST + 10
    (asked,) = upstream.asked
    assert (asked.path, asked.params) == ("/v2/reports/conversations/busy-times", PARAMS)


def test_a_check_of_reports_is_one_request_for_a_day_without_conversations(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(answer({"current": []}))
    check_reports(client)
    (asked,) = upstream.asked
    assert asked.path == "/v2/reports/conversations/new"
    assert asked.params == {
        "start": "2011-01-01T00:00:00Z",
        "end": "2011-01-02T00:00:00Z",
        "viewBy": "day",
    }


def test_a_check_of_reports_is_not_repeated(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(Reply(500))
    with pytest.raises(Unreachable):
        check_reports(client)
    assert len(upstream.asked) == 1


def test_a_check_of_reports_reads_what_it_gets(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(answer({"page": "of a proxy"}))
    with pytest.raises(Unreachable, match="current"):
        check_reports(client)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(403, b"{}", HEADERS), ReportsRefused),
        (answer(WRONG_DATE, 400, HEADERS), ParametersRefused),
        (answer({}, 400, HEADERS), RequestRefused),
        (Reply(404, b"{}", HEADERS), RequestRefused),
    ],
)
def test_a_refused_report_says_which_kind_of_refusal_it_is(
    upstream: Upstream, client: Client, reply: Reply, kind: type[UpstreamError]
) -> None:
    upstream.script = in_turn(reply)
    with pytest.raises(kind) as caught:
        fetch_report(client, "conversations/new", PARAMS, ReportSeries)
    specific = (ReportsRefused, ParametersRefused)
    assert isinstance(caught.value, specific) is (kind in specific)
    # It says what the refusal itself does: the text, the ids to quote, and the time.
    assert str(caught.value).endswith(f"(status {reply.status})")
    assert (caught.value.status, caught.value.correlation_id) == (reply.status, "c-1")
    assert FIRST < caught.value.requested_at <= FIRST + 10
    wrong = [ParameterError("start", "too early", "1999")] if kind is ParametersRefused else []
    assert list(caught.value.parameter_errors) == wrong


def test_refused_credentials_are_no_refused_report(upstream: Upstream, client: Client) -> None:
    upstream.sign_in = in_turn(Reply(401))
    with pytest.raises(CredentialsRefused):
        fetch_report(client, "conversations/new", PARAMS, ReportSeries)
