"""Names that are sent, logged or set: metrics, log fields, settings, headers."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest

from compat import LegacyReports, SettingsError
from tests.golden import stage
from tests.golden.golden import compare, masked
from tests.golden.kept_requests import DRILLDOWN, NEW, RANGE

SETTINGS: Final = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
_VARY: Final = frozenset({"time", "message", "milliseconds", "correlation_id"})
CONVERSATIONS: Final = {
    "_embedded": {"conversations": []},
    "page": {"size": 25, "totalElements": 0, "totalPages": 0, "number": 1},
}
TOKEN: Final = {"access_token": "a-token", "expires_in": 7200, "token_type": "bearer"}


@pytest.fixture(scope="module", params=["text", "json"])
def log(request: pytest.FixtureRequest, base_url: str) -> tuple[str, list[str]]:
    """What a server logs of these requests, by the format of its log."""
    variables = stage.settings(base_url, COMPAT_LOG=request.param)
    with stage.started("serve", "--port", "0", variables=variables) as server:
        key = {"Authorization": stage.basic()}
        for target, headers in (
            (f"{NEW}?{RANGE}", key),
            (f"{NEW}?{RANGE}", {}),
            (NEW, key),
            ("/healthz", {}),
            ("/nowhere/%0A%22", {}),
            ("/v1/tags.json", {"Compat-Upstream": "1"}),
        ):
            stage.fetch(server.port, target, headers=headers)
        server.stop()
        return request.param, [server.first, *server.errors()]


def test_lines_of_the_log_are_what_they_were(log: tuple[str, list[str]]) -> None:
    kind, lines = log
    shown = [_line(each) for each in lines]
    shown[0] = re.sub(r"[A-Z][a-z ]+API on", "…", shown[0])  # a sentence
    compare(f"names/log-{kind}.txt", "".join(f"{each}\n" for each in shown))


def test_trouble_is_answered_and_logged_as_it_was() -> None:
    nowhere = {"COMPAT_LOG": "json", "COMPAT_PATIENCE": "0.2"}
    variables = stage.settings("http://127.0.0.1:9/v2", **nowhere)
    with stage.started("serve", "--port", "0", variables=variables) as server:
        headers = {"Authorization": stage.basic()}
        got = stage.fetch(server.port, f"{NEW}?{RANGE}", headers=headers)
        health = stage.fetch(server.port, "/healthz")
        server.stop()
        lines = [json.loads(each) for each in server.errors()]
    found = {
        "status": got.status,
        "headers": [name for name, _ in got.headers],
        "body": masked(re.sub(r"\d+ s", "N s", got.body.decode("utf-8"))),
        "health": [health.status, health.body.decode("utf-8")],
        "log": [{**each, **dict.fromkeys(_VARY & each.keys(), "…")} for each in lines],
    }
    compare("names/trouble.json", found)


def test_metrics_have_the_names_they_had(base_url: str) -> None:
    with stage.started("serve", "--port", "0", variables=stage.settings(base_url)) as server:
        headers = {"Authorization": stage.basic()}
        for target in (f"{NEW}?{RANGE}", f"{NEW}?{RANGE}", f"{DRILLDOWN}?{RANGE}", NEW, "/x"):
            stage.fetch(server.port, target, headers=headers)
        stage.fetch(server.port, "/healthz")
        page = stage.fetch(server.port, "/metrics")
    kinds, series, values = _metrics(page.body.decode("utf-8"))
    compare("names/metrics.json", {"kinds": kinds, "series": series, "values": values})


def test_settings_have_the_names_and_defaults_they_had() -> None:
    rows = re.findall(
        r"^\| `((?:COMPAT|HELPSCOUT)_\w+)` \| ([^|]*) \|", SETTINGS.read_text("utf-8"), re.MULTILINE
    )
    compare("names/settings.json", {name: default.strip().strip("`") for name, default in rows})


def test_settings_that_cannot_be_used_are_refused_by_their_names() -> None:
    names = json.loads(
        (Path(__file__).parent / "data" / "names" / "settings.json").read_text(encoding="utf-8")
    )
    with pytest.raises(SettingsError) as caught:
        LegacyReports.from_env(dict.fromkeys(names, "/no?thing,"))
    refused = {line.partition(":")[0] for line in str(caught.value).splitlines()}
    compare("names/settings-refused.json", sorted(refused))


def test_a_file_of_accounts_is_read_as_it_was(base_url: str, tmp_path: Path) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text(
        f"""
[acme]
app_id = "demo-app"
app_secret = "demo-secret"
base_url = "{base_url}"
api_keys = ["acme-key"]
[acme.conventions]
empty_buckets_listed = false

[umbrella]
app_id = "demo-app"
app_secret = "wrong"
base_url = "{base_url}"
api_keys = ["umbrella-key"]
""",
        encoding="utf-8",
    )
    with LegacyReports.from_env({"COMPAT_ACCOUNTS": str(path)}) as reports:
        found = {
            key: [answer.status, masked(answer.body.decode("utf-8"))]
            for key in ("acme-key", "umbrella-key", "no-key")
            for answer in [reports.answer(f"{NEW}?{RANGE}", authorization=stage.basic(key))]
        }
    compare("names/accounts.json", found)


def test_requests_to_help_scout_have_the_headers_they_had() -> None:
    with (
        _help_scout() as (base_url, seen),
        LegacyReports.from_env(stage.settings(base_url)) as reports,
    ):
        answer = reports.answer(f"{NEW}?{RANGE}", authorization=stage.basic())
    assert answer.status == 200, answer.body
    compare("names/upstream.json", seen[:2])


def _metrics(page: str) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """The kinds of metrics, the series with the names of their labels, and all their values."""
    kinds, series, values = [], set(), defaultdict[str, set[str]](set)
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            kinds.append(line.removeprefix("# TYPE "))
        elif not line.startswith("#"):
            labels = re.findall(r'(\w+)="([^"]*)"', line)
            series.add(f"{line.partition('{')[0]} {', '.join(name for name, _ in labels)}")
            for name, text in labels:
                values[name].add("…" if name in {"python", "version"} else text)
    return kinds, sorted(series), {name: sorted(each) for name, each in sorted(values.items())}


@contextmanager
def _help_scout() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An upstream without a conversation, and what it is asked."""
    seen: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(CONVERSATIONS)

        def do_POST(self) -> None:
            self._answer(TOKEN)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

        def _answer(self, content: object) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            url = urlsplit(self.path)
            seen.append(
                {
                    "request": f"{self.command} {url.path}",
                    "parameters": parse_qsl(url.query),
                    "headers": {name: _header(name, text) for name, text in self.headers.items()},
                    "body": sent,
                }
            )
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v2", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _header(name: str, text: str) -> str:
    """The text of a header, without versions of libraries and encodings that are installed."""
    if name.lower() == "accept-encoding":
        return "…"
    return masked(
        re.sub(r"\d+\.\d+\.\d+(?!\.)", "VERSION", text) if "agent" in name.lower() else text
    )


def _line(line: str) -> str:
    """A line of the log without times, ids and ports."""
    line = re.sub(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d([.,])\d+(\+00:00)?", r"TIME\1\2\3", line)
    line = re.sub(r'\d+\.\d+( ms|, "account)', r"0.0\1", line)
    return masked(re.sub(r'("milliseconds": )[\d.]+', r"\1 0.0", line))
