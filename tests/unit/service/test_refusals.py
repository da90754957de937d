"""Who may ask, which error comes first, and which errors callers and logs get."""

from __future__ import annotations

import json
import logging

import pytest
from pydantic import SecretStr

from compat.service import LegacyReports
from compat.v1.http import CONTENT_TYPE, LegacyRequest, LegacyResponse
from compat.v2 import errors as v2
from tests.unit.service.doubles import JANUARY, PATH, FakeSource, basic, only_account, reports_on

BAD = f"{PATH}?start=never"
KEYS = (SecretStr("first-key"), SecretStr("second-key"))


def content(answer: LegacyResponse) -> tuple[int, str]:
    body = json.loads(answer.body)
    assert body["code"] == answer.status
    assert dict(answer.headers)["Content-Type"] == CONTENT_TYPE
    return answer.status, body["error"]


def header(answer: LegacyResponse, name: str) -> str:
    return dict(answer.headers)[name]


def test_an_unknown_path_comes_before_a_missing_key(reports: LegacyReports) -> None:
    assert content(reports.answer("/v1/nowhere?start=never")) == (
        404,
        "The specified resource was not found: '/v1/nowhere'",
    )


def test_a_wrong_method_comes_before_a_missing_key(reports: LegacyReports) -> None:
    request = LegacyRequest.from_target(BAD, method="POST")
    assert content(reports.handle(request))[0] == 404


def test_a_missing_key_comes_before_bad_parameters(reports: LegacyReports) -> None:
    answer = reports.answer(BAD)
    assert content(answer) == (401, "Authentication was not provided or was invalid.")
    assert header(answer, "WWW-Authenticate").startswith("Basic")


def test_bad_parameters_come_last(reports: LegacyReports) -> None:
    answer = reports.answer(BAD, authorization=basic())
    assert content(answer) == (400, "Input could not be validated")
    errors = json.loads(answer.body)["validationErrors"]
    assert [(each["property"], each["value"]) for each in errors] == [
        ("start", "never"),
        ("end", None),
    ]


def test_nothing_is_fetched_for_a_request_that_is_refused(
    reports: LegacyReports, fake_source: FakeSource
) -> None:
    reports.answer("/v1/nowhere", authorization=basic())
    reports.answer(JANUARY)
    reports.answer(BAD, authorization=basic())
    assert fake_source.asked == []


@pytest.mark.parametrize("key", ["anything", "first-key", "a key with spaces"])
def test_without_configured_keys_any_will_do(reports: LegacyReports, key: str) -> None:
    assert reports.answer(JANUARY, authorization=basic(key)).status == 200


@pytest.mark.parametrize("authorization", [None, "", "Basic", "Basic Og==", "Bearer x", "é"])
def test_without_configured_keys_one_must_still_be_sent(
    reports: LegacyReports, authorization: str | None
) -> None:
    assert reports.answer(JANUARY, authorization=authorization).status == 401


@pytest.mark.parametrize(
    ("key", "status"),
    [("first-key", 200), ("second-key", 200), ("third-key", 401), ("first-ke", 401), ("X", 401)],
)
def test_with_configured_keys_only_those_will_do(
    fake_source: FakeSource, key: str, status: int
) -> None:
    with reports_on(fake_source, api_keys=KEYS) as reports:
        assert reports.answer(JANUARY, authorization=basic(key)).status == status


@pytest.mark.parametrize("password", ["X", "", "NoPassBecauseKey!", "with:colons:"])
def test_the_password_is_ignored(fake_source: FakeSource, password: str) -> None:
    with reports_on(fake_source, api_keys=KEYS) as reports:
        sent = basic("first-key", password)
        assert reports.answer(JANUARY, authorization=sent).status == 200
        assert reports.answer(JANUARY, authorization=sent.rstrip("=")).status == 200


@pytest.mark.parametrize(
    ("error", "status", "part"),
    [
        (v2.CredentialsRefused("refused", status=401), 403, "HELPSCOUT_APP_SECRET"),
        (v2.AccessRefused("refused", status=403), 403, "HELPSCOUT_APP_ID"),
        (v2.Unreachable("no answer from example"), 503, "no answer from example"),
        (v2.UntrustedCertificate("no answer"), 503, "COMPAT_CA_FILE"),
        (v2.Overloaded("cannot answer now", status=503), 503, "cannot answer now"),
        (v2.InconsistentData("pages contradict"), 503, "pages contradict"),
        (v2.RequestRefused("refused", status=400), 503, "refused"),
        (v2.RequestLoop("us", status=508), 503, "COMPAT_CONNECT_TO"),
        (v2.Redirected("elsewhere", status=302), 503, "HELPSCOUT_BASE_URL"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_upstream_error_has_its_status(
    reports: LegacyReports, fake_source: FakeSource, error: Exception, status: int, part: str
) -> None:
    fake_source.error = error
    answer = reports.answer(JANUARY, authorization=basic())
    assert content(answer)[0] == status
    assert part in content(answer)[1]
    assert ("Retry-After" in dict(answer.headers)) == (status == 503)


def test_an_error_is_not_cached(reports: LegacyReports, fake_source: FakeSource) -> None:
    fake_source.error = v2.Unreachable("no answer")
    assert reports.answer(JANUARY, authorization=basic()).status == 503
    fake_source.error = None
    assert reports.answer(JANUARY, authorization=basic()).status == 200


def unforeseen(reports: LegacyReports, fake_source: FakeSource) -> LegacyResponse:
    fake_source.error = RuntimeError("a detail that is nobody's business")
    return reports.answer(JANUARY, authorization=basic("a-secret-key"))


def test_an_unknown_error_shows_nothing_but_internal_error(
    reports: LegacyReports, fake_source: FakeSource
) -> None:
    answer = unforeseen(reports, fake_source)
    assert answer.status == 500
    assert answer.body == b'{"code":500,"error":"Internal error"}'


def test_an_unknown_error_is_logged_with_the_correlation_id(
    reports: LegacyReports, fake_source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    answer = unforeseen(reports, fake_source)
    (record,) = caplog.records
    assert header(answer, "Correlation-Id") in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is fake_source.error


def test_no_key_is_ever_in_the_log(
    reports: LegacyReports, fake_source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    unforeseen(reports, fake_source)
    assert caplog.text
    assert "a-secret-key" not in caplog.text


def test_a_known_error_is_logged_without_a_traceback(
    reports: LegacyReports, fake_source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    fake_source.error = v2.Unreachable("no answer")
    answer = reports.answer(JANUARY, authorization=basic())
    (record,) = caplog.records
    assert header(answer, "Correlation-Id") in record.getMessage()
    assert record.exc_info is None


def test_callers_mistakes_are_not_logged(
    reports: LegacyReports, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="compat")
    for target, key in (("/nowhere", basic()), (JANUARY, None), (BAD, basic())):
        reports.answer(target, authorization=key)
    assert caplog.records == []


def test_even_an_error_while_parsing_is_answered(
    reports: LegacyReports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(only_account(reports), "parse", fails)
    assert content(reports.answer(JANUARY, authorization=basic())) == (500, "Internal error")


def test_too_many_requests_get_a_503() -> None:
    fake_source = FakeSource(shut=True)
    with reports_on(fake_source, jobs=1) as reports:
        targets = [f"{JANUARY}&tags={number}" for number in range(9)]
        answers = [reports.answer(each, authorization=basic(), patience=0) for each in targets]
        assert {answer.status for answer in answers} == {503}
        assert "Too many other questions" in content(answers[-1])[1]
        assert all("Too many other" not in content(answer)[1] for answer in answers[:-1])
