"""Headers that depend on the request: for browsers, and for parameters that were ignored."""

from __future__ import annotations

import logging
from string import ascii_lowercase

import pytest
from pydantic import SecretStr

from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.v1.http import CORS_HEADERS, LegacyRequest, LegacyResponse
from compat.v2 import errors as v2
from tests.unit.service.doubles import JANUARY, PATH, FakeSource, basic, reports_on

MISSING = "/v1/mailboxes/9/folders.json"
KEYS = (SecretStr("an-old-key"),)


def handled(
    reports: LegacyReports, target: str, method: str = "GET", key: str | None = basic()
) -> LegacyResponse:
    return reports.handle(LegacyRequest.from_target(target, method, key))


def has_cors(response: LegacyResponse) -> bool:
    found = [pair for pair in response.headers if pair[0].startswith("Access-Control-")]
    assert found in ([], list(CORS_HEADERS))
    return bool(found)


def ignored(response: LegacyResponse) -> str | None:
    return dict(response.headers).get("Compat-Ignored")


@pytest.mark.parametrize(
    ("target", "method", "key", "status", "expected"),
    [
        (JANUARY, "GET", basic(), 200, True),
        (JANUARY, "HEAD", basic(), 200, True),
        (PATH, "GET", basic(), 400, True),
        (JANUARY, "GET", None, 401, True),
        (MISSING, "GET", basic(), 404, True),
        ("/v1/nowhere.json", "GET", basic(), 404, False),
        (JANUARY, "POST", basic(), 404, False),
        ("/v2/mailboxes", "GET", basic(), 404, False),
    ],
)
def test_cors_headers_are_on_every_answer_of_a_known_path_and_method(
    target: str, method: str, key: str | None, status: int, *, expected: bool
) -> None:
    fake_source = FakeSource()
    fake_source.items = None
    with reports_on(fake_source, api_keys=KEYS) as reports:
        response = handled(reports, target, method, key)
    assert (response.status, has_cors(response)) == (status, expected)


@pytest.mark.parametrize(
    ("error", "status"),
    [(v2.CredentialsRefused("no"), 403), (RuntimeError("no"), 500), (v2.Unreachable("no"), 503)],
)
def test_errors_of_upstream_have_cors_headers(error: Exception, status: int) -> None:
    fake_source = FakeSource()
    fake_source.error = error
    with reports_on(fake_source) as reports:
        response = handled(reports, JANUARY)
    assert (response.status, has_cors(response)) == (status, True)


def test_an_answer_that_takes_too_long_has_cors_headers() -> None:
    fake_source = FakeSource(shut=True)
    with reports_on(fake_source) as reports:
        request = LegacyRequest.from_target(JANUARY, authorization=basic())
        response = reports.handle(request, patience=0.01)
        fake_source.gate.set()
    assert (response.status, has_cors(response)) == (503, True)


@pytest.mark.parametrize("key", [None, basic(), basic("another-key")])
def test_a_preflight_needs_no_key_and_nothing_is_fetched(key: str | None) -> None:
    fake_source = FakeSource()
    with reports_on(fake_source, api_keys=KEYS) as reports:
        response = handled(reports, JANUARY, "OPTIONS", key)
    assert (response.status, response.body, has_cors(response)) == (204, b"", True)
    assert "Content-Type" not in dict(response.headers)
    assert fake_source.asked == []


def test_without_cors_there_are_no_such_headers_and_no_preflights() -> None:
    with reports_on(FakeSource(), cors=False) as reports:
        answer, preflight = handled(reports, JANUARY), handled(reports, JANUARY, "OPTIONS")
    assert (answer.status, has_cors(answer)) == (200, False)
    assert (preflight.status, has_cors(preflight)) == (404, False)


def test_of_several_accounts_the_first_one_decides_on_cors() -> None:
    accounts = {
        name: Settings(api_keys=(SecretStr(f"{name}-key"),), cors=name == "second")
        for name in ("first", "second")
    }
    with LegacyReports(accounts, source=FakeSource()) as reports:
        assert not has_cors(handled(reports, JANUARY, key=basic("second-key")))


@pytest.mark.parametrize("name", ["foo", "mailbox"])
def test_an_ignored_parameter_changes_nothing_and_is_named(name: str) -> None:
    with reports_on(FakeSource()) as reports:
        plain, response = handled(reports, JANUARY), handled(reports, f"{JANUARY}&{name}=8501")
    assert response.body == plain.body
    assert (ignored(plain), ignored(response)) == (None, name)


def test_ignored_parameters_are_no_part_of_a_cached_answer() -> None:
    fake_source = FakeSource(kept=60.0)
    with reports_on(fake_source) as reports:
        found = [ignored(handled(reports, JANUARY + rest)) for rest in ("&a=1", "&b=1", "", "&a=2")]
    assert found == ["a", "b", None, "a"]
    assert len(fake_source.asked) == 1


@pytest.mark.parametrize(
    ("target", "status", "name"),
    [(f"{PATH}?Begin=1", 400, "Begin"), (f"{MISSING}?mailbox=8", 404, "mailbox")],
)
def test_ignored_parameters_are_named_on_errors(target: str, status: int, name: str) -> None:
    fake_source = FakeSource()
    fake_source.items = None
    with reports_on(fake_source) as reports:
        response = handled(reports, target)
    assert (response.status, ignored(response)) == (status, name)


def test_who_has_no_key_learns_nothing_of_parameters(caplog: pytest.LogCaptureFixture) -> None:
    with reports_on(FakeSource(), api_keys=KEYS) as reports:
        response = handled(reports, f"{JANUARY}&foo=1", key=None)
    assert (response.status, ignored(response)) == (401, None)
    assert caplog.messages == []


def test_the_log_names_each_ignored_parameter_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "compat"), reports_on(FakeSource()) as reports:
        for _ in range(3):
            handled(reports, f"{JANUARY}&mailbox=a-value&office_hours=1&tags[=2")
    assert caplog.messages == [
        f"the parameter {name} is ignored: {PATH} has no such parameter (account default)"
        for name in ("mailbox", "office_hours", "tags[")
    ]


@pytest.mark.parametrize(
    "name",
    [
        "an-old-key",
        "0123456789abcdef0123456789abcdef01234567",
        "e89a0f",
        basic("another-key").partition(" ")[2].rstrip("="),
        "line%0Abreak",
    ],
)
def test_what_may_be_a_key_is_not_logged(caplog: pytest.LogCaptureFixture, name: str) -> None:
    with reports_on(FakeSource(), api_keys=KEYS) as reports:
        assert ignored(handled(reports, f"{JANUARY}&{name}")) == name
    assert caplog.messages == []


def test_names_that_are_always_new_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with reports_on(FakeSource()) as reports:
        for first in ascii_lowercase:
            names = "&".join(f"{first}{second}=1" for second in ascii_lowercase)
            handled(reports, f"{JANUARY}&{names}")
    assert len(caplog.messages) == 100
