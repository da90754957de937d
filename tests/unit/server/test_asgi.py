"""The application over real HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest

from compat.asgi import create_app
from compat.config.settings import SettingsError, all_variables
from compat.server.asgi_types import Application
from compat.v2 import errors as v2
from tests.unit.server.threaded_server import KEY, LOOPBACK, ask, raw, serving
from tests.unit.service.doubles import JANUARY, PATH, FakeSource, reports_on

JSON = "application/json; charset=utf-8"


def failing(fake_source: FakeSource, error: Exception) -> str:
    fake_source.error = error
    return JANUARY


def test_an_old_request_gets_its_report(port: int) -> None:
    answer = ask(port, f"{JANUARY}&viewBy=month")
    assert answer.status == 200
    assert answer.body == b'{"current":[{"start":"2015-01-01T00:00:00Z","count":1}]}'


def test_a_standard_client_gets_its_report(port: int) -> None:
    url = f"http://{LOOPBACK}:{port}{JANUARY}"
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, "an-old-key", "X")
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPBasicAuthHandler(passwords)
    )
    with opener.open(url) as response:  # sends its key only when asked for it
        assert response.status == 200


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (JANUARY, KEY, 200),
        (PATH, KEY, 400),
        (JANUARY, {}, 401),
        ("/v1/nowhere", KEY, 404),
        ("/healthz", {}, 200),
        (JANUARY, {"Compat-Upstream": "1"}, 508),
    ],
)
def test_every_answer_is_json_by_the_exact_name_with_an_id(
    port: int, target: str, headers: dict[str, str], status: int
) -> None:
    answer = ask(port, target, headers=headers)
    assert answer.status == status
    assert answer.headers["content-type"] == JSON
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["correlation-id"]
    assert isinstance(answer.json, dict)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 500, 503])
def test_nothing_is_ever_compressed(port: int, fake_source: FakeSource, status: int) -> None:
    errors = {403: v2.CredentialsRefused("no"), 500: RuntimeError("no"), 503: v2.Unreachable("no")}
    fake_source.error = errors.get(status)
    target = {400: PATH, 404: "/v1/nowhere"}.get(status, JANUARY)
    key = {} if status == 401 else KEY
    answer = ask(port, target, headers={**key, "Accept-Encoding": "gzip, deflate, br"})
    assert answer.status == status
    assert "content-encoding" not in answer.headers
    assert answer.json


def test_the_report_says_as_of_when_it_is(port: int) -> None:
    assert ask(port, JANUARY).headers["compat-as-of"] == "2015-03-02T00:00:00Z"


def test_a_missing_key_is_asked_for(port: int) -> None:
    answer = ask(port, JANUARY, headers={})
    assert answer.headers["www-authenticate"] == 'Basic realm="Helpscout"'


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"])
def test_another_method_is_not_found(port: int, method: str) -> None:
    answer = ask(port, JANUARY, method=method)
    assert answer.status == 404
    assert answer.json == {
        "code": 404,
        "error": f"The specified resource was not found: '{PATH}'",
    }


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (JANUARY, KEY, 200),
        (PATH, KEY, 400),
        (JANUARY, {}, 401),
        ("/v1/nowhere", KEY, 404),
        ("/healthz", {}, 200),
        ("/openapi.json", {}, 200),
    ],
)
def test_head_is_answered_as_get_without_the_body(
    port: int, target: str, headers: dict[str, str], status: int
) -> None:
    lines = [f"HEAD {target} HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name}: {text}" for name, text in headers.items()]
    head, _, body = raw(port, "\r\n".join([*lines, "", ""]).encode()).partition(b"\r\n\r\n")
    whole = ask(port, target, headers=headers)
    assert head.startswith(f"HTTP/1.1 {status}".encode())
    assert body == b""
    assert f"content-length: {len(whole.body)}".encode() in head.splitlines()
    assert head.count(b"content-length") == 1


def test_a_preflight_has_neither_body_nor_length(port: int) -> None:
    answer = ask(port, JANUARY, method="OPTIONS", headers={"Origin": "https://example.org"})
    assert (answer.status, answer.body) == (204, b"")
    assert not {"content-length", "content-type", "transfer-encoding"} & set(answer.headers)
    assert answer.headers["correlation-id"]


@pytest.mark.parametrize("target", ["/healthz", "/openapi.json", "/metrics", "/v2/users", "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_nothing_but_the_old_api_has_cors_headers(port: int, target: str, method: str) -> None:
    answer = ask(port, target, method=method, headers={"Origin": "https://example.org"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("target", ["/healthz", "/v2/users", "/v1/nowhere", f"{PATH}/", "*"])
def test_options_of_any_other_path_are_not_found(port: int, target: str) -> None:
    assert ask(port, target, method="OPTIONS", headers={}).status == 404


def test_repeated_slashes_count_as_one(port: int) -> None:
    assert ask(port, JANUARY.replace("/v1/", "/v1//")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/v1", "/v1/", "/v2/conversations", "/favicon.ico", "/healthz/", f"{PATH}/"),
        *("/v1/reports/conversations/new", "/V1/reports/conversations/new.json", "//"),
    ],
)
def test_an_unknown_path_is_named_in_json(port: int, path: str) -> None:
    answer = ask(port, path, headers={})
    assert answer.status == 404
    assert answer.json == {
        "code": 404,
        "error": f"The specified resource was not found: '{path}'",
    }


def test_a_path_is_decoded_before_it_is_looked_up(port: int) -> None:
    encoded = JANUARY.replace("reports", "%72eports").replace(".json", "%2Ejson")
    assert ask(port, encoded).status == 200


def test_a_server_that_can_answer_is_healthy(port: int) -> None:
    answer = ask(port, "/healthz", headers={})
    assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_a_server_with_refused_credentials_is_not_healthy(
    port: int, fake_source: FakeSource
) -> None:
    fake_source.ready = False
    answer = ask(port, "/healthz", headers={})
    assert (answer.status, answer.json["status"]) == (503, "unavailable")


def test_a_server_that_can_answer_is_ready(port: int) -> None:
    answer = ask(port, "/readyz", headers={})
    assert answer.status == 200
    assert answer.json == {"status": "ready", "accounts": {"default": {"ready": True}}}


def test_a_server_with_refused_credentials_is_not_ready(port: int, fake_source: FakeSource) -> None:
    fake_source.ready = False
    answer = ask(port, "/readyz", headers={})
    assert (answer.status, answer.json["status"]) == (503, "unavailable")
    account = answer.json["accounts"]["default"]
    assert not account["ready"]
    assert "HELPSCOUT_APP_ID" in account["error"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_health_is_only_read(port: int, method: str, path: str) -> None:
    assert ask(port, path, method=method).status == 404


@pytest.mark.parametrize("target", [JANUARY, "/", "/v2/oauth2/token", "/healthz"])
def test_a_request_of_our_own_is_refused(port: int, fake_source: FakeSource, target: str) -> None:
    answer = ask(port, target, headers={**KEY, "Compat-Upstream": "1"})
    assert answer.status == 508
    assert answer.headers["compat-upstream"] == "refused"
    assert answer.json["code"] == 508
    assert "COMPAT_CONNECT_TO" in answer.json["error"]
    assert fake_source.asked == []


def test_an_internal_error_says_no_more_over_the_wire(port: int, fake_source: FakeSource) -> None:
    answer = ask(port, failing(fake_source, RuntimeError("a detail")))
    assert answer.status == 500
    assert answer.body == b'{"code":500,"error":"Internal error"}'
    assert answer.headers["correlation-id"]


def test_an_unreachable_upstream_is_a_503_with_a_time_to_retry(
    port: int, fake_source: FakeSource
) -> None:
    answer = ask(port, failing(fake_source, v2.Unreachable("no answer")))
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1


def test_behind_a_root_path_the_report_is_below_it(fake_source: FakeSource) -> None:
    with reports_on(fake_source) as reports:
        app = create_app(reports)
        with serving(app, root_path="/helpscout") as port:
            assert ask(port, JANUARY).status == 200
            answer = ask(port, "/nowhere")
            assert answer.json["error"] == "The specified resource was not found: '/nowhere'"


@pytest.mark.parametrize("target", [JANUARY, "/healthz"])
def test_mounted_in_another_application_it_answers_below_its_mount(
    fake_source: FakeSource, target: str
) -> None:
    with reports_on(fake_source) as reports:
        inner = create_app(reports)

        async def outer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["path"].startswith("/old/"):
                await inner({**scope, "root_path": "/old"}, receive, send)
            else:
                await inner({**scope, "path": "/v1/elsewhere"}, receive, send)

        with serving(outer, lifespan="off") as port:
            assert ask(port, f"/old{target}").status == 200
            assert ask(port, target).status == 404


def test_shutting_the_server_down_closes_the_service(fake_source: FakeSource) -> None:
    with reports_on(fake_source) as reports:
        with serving(create_app(reports), lifespan="on") as port:
            assert ask(port, "/healthz").status == 200
        assert fake_source.closed


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, _ in all_variables():
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_factory_wants_keys(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("HELPSCOUT_APP_ID", "an-app")
    clean.setenv("HELPSCOUT_APP_SECRET", "a-secret")
    with pytest.raises(SettingsError, match="COMPAT_API_KEYS is not set"):
        create_app()


def test_the_factory_wants_credentials(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("COMPAT_API_KEYS", "an-old-key")
    with pytest.raises(SettingsError, match="HELPSCOUT_APP_ID is not set"):
        create_app()


def test_the_factory_needs_nothing_else(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("COMPAT_API_KEYS", "an-old-key")
    clean.setenv("HELPSCOUT_APP_ID", "an-app")
    clean.setenv("HELPSCOUT_APP_SECRET", "a-secret")
    app: Application = create_app()
    with serving(app) as port:
        assert ask(port, "/healthz").status == 200
        assert ask(port, JANUARY, headers={}).status == 401


def test_a_refusal_is_an_error_to_a_standard_client(port: int) -> None:
    request = urllib.request.Request(f"http://{LOOPBACK}:{port}{PATH}", headers=KEY)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request)
    with caught.value as refusal:
        assert refusal.code == 400
        assert b"validationErrors" in refusal.read()


@pytest.mark.parametrize(
    "target",
    [
        "http://{host}{path}",
        "HTTP://{host}{path}",
        "https://api.helpscout.net{path}",
        "http://name:password@{host}{path}",
    ],
)
@pytest.mark.parametrize("path", [JANUARY, PATH, "/v1/nowhere", "/healthz", "/openapi.json"])
def test_a_whole_url_as_target_is_answered_as_its_path(port: int, path: str, target: str) -> None:
    whole = target.format(host=f"{LOOPBACK}:{port}", path=path)
    found, expected = (read_raw(port, each) for each in (whole, path))
    assert found[:2] == expected[:2]
    assert found[2].replace(b"password@", b"") == found[2]


@pytest.mark.parametrize("path", [JANUARY, "/healthz"])
def test_head_of_a_whole_url_is_answered_as_its_path(port: int, path: str) -> None:
    status, headers, body = read_raw(port, f"http://{LOOPBACK}:{port}{path}", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) == len(ask(port, path).body)


@pytest.mark.parametrize("end", ["", "/"])
def test_the_host_of_a_whole_url_counts_and_not_the_header(port: int, end: str) -> None:
    body = read_raw(port, f"http://name:password@reports.example.org:81{end}")[2]
    assert b"http://reports.example.org:81/v1/" in body
    assert b"password" not in body


@pytest.mark.parametrize("target", ["http:/healthz", "ftp://x/healthz", "/http://x/healthz"])
def test_what_is_no_url_of_this_protocol_is_not_found(port: int, target: str) -> None:
    assert read_raw(port, target)[0] == 404


def read_raw(port: int, target: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers that are not new in each answer, and body, for a target as it is."""
    lines = [f"{method} {target} HTTP/1.1", "Host: another.example.org", "Connection: close"]
    lines.append(f"Authorization: {KEY['Authorization']}")
    head, _, body = raw(port, "\r\n".join([*lines, "", ""]).encode()).partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    named = dict(line.lower().split(": ", 1) for line in rest)
    kept = {name: text for name, text in named.items() if name not in {"date", "correlation-id"}}
    return int(first.split()[1]), kept, body
