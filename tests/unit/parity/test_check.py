"""Captured requests are sent again, and the answers compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from compat.config.settings import Settings
from compat.core.models import ConversationQuery
from compat.parity.captures.models import Capture, Unreadable
from compat.parity.check import Replayer, check
from compat.parity.ignore_rules import Rule, Rules
from compat.parity.verdicts import OUTCOMES, Outcome, Summary, Verdict, VerdictCounts
from compat.service import LegacyReports
from compat.v1.errors import BadParameter, ValidationFailed
from compat.v2.errors import CredentialsRefused, UpstreamError
from tests.unit.parity.captured import capture, counting, recorded, with_count
from tests.unit.service.doubles import FIRST, JANUARY, PATH, FakeSource, reports_on

DRILLDOWN = "/v1/reports/conversations/new-drilldown.json?start=2015-01-01&end=2015-01-02"
HOUR = 3600


def checked(
    reports: LegacyReports, *captures: Capture | Unreadable, rules: Rules | None = None
) -> list[Verdict]:
    return list(check(captures, Replayer(reports), rules or Rules()))


def outcomes(reports: LegacyReports, *captures: Capture | Unreadable) -> list[Outcome]:
    return [verdict.outcome for verdict in checked(reports, *captures)]


def summary_of(*found: Outcome, rules: Rules | None = None) -> Summary:
    counts = VerdictCounts()
    for outcome in found:
        plain: dict[str, Any] = dict.fromkeys(("target", "taken_at", "reason"))
        counts.count(Verdict(place="x:1", outcome=outcome, differences=(), deltas={}, **plain))
    return counts.summary((rules or Rules()).used())


@pytest.mark.parametrize(
    "target",
    [
        JANUARY,
        f"{JANUARY}&viewBy=day&previousStart=2014-01-01&previousEnd=2014-01-31",
        f"{PATH}?start=2015-01-01&viewBy=year",
        "/v1/tags.json",
        "/v1/mailboxes/7/folders.json",
        "/v1/reports/conversations/busy-times.json?start=2015-01-01&end=2015-01-02",
        DRILLDOWN,
    ],
)
def test_the_same_answer_again_is_equal(reports: LegacyReports, target: str) -> None:
    (verdict,) = checked(reports, recorded(reports, target))
    assert (verdict.outcome, verdict.differences, verdict.reason) == ("equal", (), None)


@pytest.mark.parametrize(("recorded_status", "outcome"), [(200, "equal"), (404, "different")])
def test_of_an_answer_to_head_the_status_alone_is_compared(
    reports: LegacyReports, recorded_status: int, outcome: str
) -> None:
    found = capture(method="HEAD", status=recorded_status, body=b"")
    assert outcomes(reports, found) == [outcome]


def test_requests_are_sent_again_without_an_api_key() -> None:
    with reports_on(FakeSource(), api_keys=("an-old-key",)) as reports:
        assert outcomes(reports, recorded(reports)) == ["equal"]


def test_a_difference_has_its_place_both_values_and_the_totals(
    reports: LegacyReports,
) -> None:
    changed = with_count(recorded(reports), 0, 3)
    (verdict,) = checked(reports, changed)
    (place,) = verdict.differences
    assert verdict.outcome == "different"
    assert (place.path, place.kind, place.old, place.new) == ("current[0].count", "value", 3, 1)
    assert verdict.deltas == {"current": -2}
    assert verdict.old == json.loads(changed.body)
    assert verdict.new == json.loads(recorded(reports).body)


def test_another_status_is_a_difference_with_the_message_of_today(reports: LegacyReports) -> None:
    (verdict,) = checked(reports, capture(f"{PATH}?start=2015-01-01"))
    (place,) = verdict.differences
    assert (verdict.outcome, place.path, place.old, place.new) == ("different", "status", 200, 400)
    assert "end is required" in str(verdict.reason)
    assert verdict.deltas == {}


def test_totals_are_not_compared_if_a_count_is_not_a_number(reports: LegacyReports) -> None:
    (verdict,) = checked(reports, with_count(recorded(reports), 0, "1"))
    assert (verdict.outcome, verdict.deltas) == ("different", {})


@pytest.mark.parametrize(
    "found",
    [
        capture("/v1/reports/company.json?start=2015-01-01&end=2015-01-31"),
        capture("/v1/customers.json"),
        capture("/v2/conversations"),
        capture(JANUARY, method="POST"),
    ],
)
def test_a_request_for_another_route_is_elsewhere(reports: LegacyReports, found: Capture) -> None:
    (verdict,) = checked(reports, found)
    assert verdict.outcome == "elsewhere"
    assert f"{found.method} {found.target.partition('?')[0]}" in str(verdict.reason)


@pytest.mark.parametrize(
    "status", [101, 301, 302, 304, 307, 401, 403, 407, 408, 429, 500, 501, 503, 521]
)
def test_a_recorded_error_that_is_inconclusive_is_not_sent_again(
    fake_source: FakeSource, reports: LegacyReports, status: int
) -> None:
    assert outcomes(reports, capture(status=status)) == ["inconclusive"]
    assert fake_source.asked == []


def test_a_damaged_file_is_named_with_the_place(reports: LegacyReports) -> None:
    (verdict,) = checked(reports, Unreadable("site.har#7", "it broke off", damaged=True))
    assert (verdict.outcome, verdict.place) == ("damaged", "site.har#7")
    assert verdict.reason == "it broke off"


def test_an_unreadable_capture_is_named_with_its_place(reports: LegacyReports) -> None:
    (verdict,) = checked(reports, Unreadable("old.jsonl:7", "the line is no JSON"))
    content = (verdict.outcome, verdict.place, verdict.reason, verdict.target)
    assert content == ("unreadable", "old.jsonl:7", "the line is no JSON", None)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UpstreamError("no route"), "503: The conversations cannot be fetched: no route"),
        (CredentialsRefused("no"), "403: Help Scout refuses this account's application"),
    ],
)
def test_a_failure_of_upstream_is_not_a_difference(
    fake_source: FakeSource, reports: LegacyReports, error: Exception, sentence: str
) -> None:
    fake_source.error = error
    (verdict,) = checked(reports, capture())
    assert verdict.outcome == "unasked"
    assert sentence in str(verdict.reason)


def test_a_range_that_cannot_be_counted_is_not_a_difference(
    fake_source: FakeSource, reports: LegacyReports
) -> None:
    fake_source.error = ValidationFailed(
        [BadParameter("start", "2015", "The archive covers nothing.")]
    )
    (verdict,) = checked(reports, capture())
    assert verdict.outcome == "unasked"
    assert "The archive covers nothing." in str(verdict.reason)


def test_an_internal_error_is_logged_and_the_check_goes_on(
    fake_source: FakeSource, reports: LegacyReports, caplog: pytest.LogCaptureFixture
) -> None:
    fake_source.error = ZeroDivisionError()
    found = checked(reports, capture(), Unreadable("old.jsonl:2", "why"))
    assert [verdict.outcome for verdict in found] == ["unasked", "unreadable"]
    assert "ZeroDivisionError" in caplog.text


def test_after_several_failures_in_a_row_nothing_more_is_sent(
    fake_source: FakeSource, reports: LegacyReports
) -> None:
    fake_source.error = UpstreamError("no route")
    days = [
        capture(f"{PATH}?start=2015-{month:02}-{day:02}&end=2015-{month:02}-{day:02}")
        for month in range(1, 13, 2)
        for day in range(1, 28, 3)
    ]
    found = checked(reports, *days)
    assert {verdict.outcome for verdict in found} == {"unasked"}
    assert "8 before it failed" in str(found[-1].reason)
    assert len(fake_source.asked) < 20


def test_verdicts_come_in_the_order_of_the_captures(reports: LegacyReports) -> None:
    equal = recorded(reports)
    other = capture("/v1/customers.json")
    captures = [equal, other, equal, other, other, equal] * 5
    expected = ["equal" if each is equal else "elsewhere" for each in captures]
    assert outcomes(reports, *captures) == expected


def test_only_some_captures_are_held_at_once(reports: LegacyReports) -> None:
    taken: list[Capture] = []
    equal = recorded(reports)
    verdicts = check(counting((equal for _ in range(2000)), taken), Replayer(reports), Rules())
    next(verdicts)
    assert len(taken) <= 1000
    assert 1 + sum(verdict.outcome == "equal" for verdict in verdicts) == len(taken) == 2000


def days(number: int, **query: object) -> list[Capture]:
    """A capture for each of some consecutive days."""
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return [
        capture(f"{PATH}?start={_day(at)}T00:00:00Z&end={_day(at)}T23:59:59Z{more}")
        for at in range(number)
    ]


def _day(at: int) -> str:
    return f"2015-01-{at + 1:02}"


def spans(fake_source: FakeSource) -> list[tuple[int, int]]:
    return [tuple(span) for need in fake_source.asked for span in need.created]  # type: ignore[misc]


def test_conversations_that_many_captures_need_are_fetched_once(
    fake_source: FakeSource, reports: LegacyReports
) -> None:
    Replayer(reports).prefetch(days(10))
    assert spans(fake_source) == [(FIRST, FIRST + 240 * HOUR - 1)]


def test_conversations_of_earlier_captures_are_not_fetched_again(
    fake_source: FakeSource, reports: LegacyReports
) -> None:
    replayer = Replayer(reports)
    replayer.prefetch(days(10))
    replayer.prefetch(days(10))
    assert len(fake_source.asked) == 1


@pytest.mark.parametrize(
    "captures",
    [
        days(1),
        [days(3)[0], days(3)[2]],
        days(10, folders=7),
        [capture(f"{PATH}?start=x"), capture("/v1/tags.json"), capture("/v1/none")] * 2,
    ],
)
def test_nothing_is_prefetched_that_one_capture_needs_or_that_cannot_be_cached(
    fake_source: FakeSource, reports: LegacyReports, captures: list[Capture]
) -> None:
    Replayer(reports).prefetch(captures)
    assert fake_source.asked == []


@pytest.mark.parametrize("settings", [{"engine": "relayed"}, {"archive": "archive.db"}])
def test_nothing_is_prefetched_for_an_engine_or_an_archive_that_does_not_use_it(
    settings: dict[str, str],
) -> None:
    fake_source = FakeSource()
    credentials = {"app_id": "an-id", "app_secret": SecretStr("a-secret")}
    with reports_on(fake_source, **credentials, **settings) as reports:
        Replayer(reports).prefetch(days(10))
    assert fake_source.asked == []


def test_captures_filtered_by_mailbox_prefetch_only_those_mailboxes(
    fake_source: FakeSource, reports: LegacyReports
) -> None:
    Replayer(reports).prefetch([*days(4, mailboxes="3,1"), *days(2, mailboxes="1,3", tags=5)])
    assert fake_source.asked == [
        ConversationQuery(((FIRST, FIRST + 96 * HOUR - 1),), mailboxes=frozenset({1, 3}))  # type: ignore[arg-type]
    ]


def test_of_several_accounts_one_must_be_named() -> None:
    plain = {"app_id": "x", "app_secret": "x"}
    named = {
        name: Settings.model_validate(plain | {"api_keys": [name]}) for name in ("acme", "other")
    }
    with LegacyReports(named) as reports:
        with pytest.raises(LookupError, match="one of acme, other"):
            Replayer(reports)
        with pytest.raises(LookupError, match="one of acme, other"):
            Replayer(reports, "none")
        Replayer(reports, "acme")


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><p>Sign in", b"\n <html></html>", b'<?xml version="1.0"?><error/>']
)
def test_a_recorded_page_is_inconclusive(reports: LegacyReports, status: int, page: bytes) -> None:
    assert outcomes(reports, capture(status=status, body=page)) == ["inconclusive"]


@pytest.mark.parametrize(
    ("status", "body"), [(400, b"{}"), (404, b"{}"), (200, b"no JSON"), (200, b'"<p>"')]
)
def test_other_recorded_answers_are_compared(
    reports: LegacyReports, status: int, body: bytes
) -> None:
    assert outcomes(reports, capture(status=status, body=body)) == ["different"]


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (["equal"], 0),
        (["equal", "ignored"], 0),
        (["ignored"], 0),
        (["equal", "elsewhere", "unreadable", "inconclusive"], 0),
        (["equal", "different"], 1),
        (["different", "unasked"], 1),
        (["equal", "unasked"], 3),
        (["unasked"], 3),
        (["unreadable", "elsewhere", "inconclusive"], 2),
        (["equal", "damaged"], 2),
        (["different", "damaged"], 1),
        (["unasked", "damaged"], 3),
        ([], 2),
    ],
)
def test_the_exit_status_follows_from_all_verdicts(found: list[Outcome], status: int) -> None:
    summary = summary_of(*found)
    assert summary.exit_status == status
    assert summary.captures == len(found)
    assert summary.outcomes == {outcome: found.count(outcome) for outcome in OUTCOMES}


RULE = Rule(reason="a known one", path="current[0].count")


def test_a_difference_that_a_rule_matches_is_ignored_and_stays_visible(
    reports: LegacyReports,
) -> None:
    rules = Rules([RULE])
    (verdict,) = checked(reports, with_count(recorded(reports), 0, 3), rules=rules)
    assert verdict.outcome == "ignored"
    assert [place.ignored for place in verdict.differences] == ["a known one"]
    assert summary_of("ignored", rules=rules).exit_status == 0


def test_one_difference_that_no_rule_matches_decides(
    reports: LegacyReports,
) -> None:
    changed = with_count(with_count(recorded(reports), 0, 3), 1, 3)
    (verdict,) = checked(reports, changed, rules=Rules([RULE]))
    assert verdict.outcome == "different"
    assert [place.ignored for place in verdict.differences] == ["a known one", None]


@pytest.mark.parametrize(
    ("found", "status"), [("equal", 2), ("different", 1), ("unasked", 3), ("elsewhere", 2)]
)
def test_a_rule_that_matches_nothing_makes_the_run_fail(found: Outcome, status: int) -> None:
    summary = summary_of(found, rules=Rules([RULE]))
    assert summary.exit_status == status
    assert [rule.matched for rule in summary.rules] == [0]


def test_the_conclusion_names_all_faults() -> None:
    summary = summary_of("different", "unasked", rules=Rules([RULE]))
    assert summary.exit_status == 1
    assert summary.conclusion == (
        "Some answers differ. Some could not be asked. "
        "Some rules ignored nothing and have to go: a known one."
    )


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b"\xff\xfe",
        b'{"current":NaN}',
        b'{"current":"\\ud800"}',
        b'{"\\ud800":1}',
        b'{"current":[' + b"[" * 400 + b"]" * 400 + b"]}",
        b'{"current":[' + b"[" * 50_000 + b"]" * 50_000 + b"]}",
        json.dumps({"current": [{"start": "x", "count": 10**400}]}).encode(),
    ],
)
def test_any_recorded_body_can_be_compared(reports: LegacyReports, body: bytes) -> None:
    (verdict,) = checked(reports, capture(body=body))
    assert verdict.outcome == "different"
    assert verdict.model_dump_json()
