"""A line for each request, as text or as JSON, and no secret in any."""

from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from queue import Queue
from typing import Any

import pytest
from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.settings import Settings
from compat.server.logs import JsonLinesFormatter
from compat.service import LegacyReports
from tests.unit.server.commands import COMMAND, environment, run, started
from tests.unit.server.threaded_server import KEY, ask, raw, serving
from tests.unit.service.doubles import JANUARY, LONG, PATH, FakeSource, basic


class Lines(logging.Handler):
    """What our loggers received; a server writes its line once its answer is sent."""

    def __init__(self) -> None:
        super().__init__()
        self._records: Queue[logging.LogRecord] = Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self._records.put(record)

    def access(self, count: int = 1) -> list[dict[str, Any]]:
        """The next lines of the access log, as soon as they are there; their fields."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            record = self._records.get(timeout=LONG)
            text = {"text": record.getMessage()}
            found += [vars(record) | text] if record.name == "compat.access" else []
        return found


@pytest.fixture
def lines() -> Iterator[Lines]:
    logger, handler = logging.getLogger("compat.access"), Lines()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_each_request_is_a_line(port: int, lines: Lines) -> None:
    answer = ask(port, JANUARY)
    (shown,) = lines.access()
    assert shown["levelname"] == "INFO"
    assert (shown["method"], shown["path"], shown["status"]) == ("GET", PATH, 200)
    assert shown["account"] == "default"
    assert shown["correlation_id"] == answer.headers["correlation-id"]
    assert 0 < shown["milliseconds"] < LONG * 1000


def test_the_line_reads_as_text(port: int, lines: Lines) -> None:
    ask(port, JANUARY)
    text = lines.access()[0]["text"]
    assert re.fullmatch(rf"GET {re.escape(PATH)} 200, [\d.]+ ms, account default, [-\w]+", text)


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (PATH, KEY, 400),
        (JANUARY, {}, 401),
        ("/nowhere", {}, 404),
        ("/healthz", {}, 200),
        ("/v1/x", {"Compat-Upstream": "1"}, 508),
    ],
)
def test_each_request_is_logged_whatever_its_status(
    port: int, lines: Lines, target: str, headers: dict[str, str], status: int
) -> None:
    ask(port, target, headers=headers)
    assert lines.access()[0]["status"] == status


def test_neither_keys_nor_queries_are_logged(port: int, lines: Lines) -> None:
    ask(port, f"{JANUARY}&tags=987654321")
    ask(port, f"{JANUARY}&key=hunter2", headers={"Authorization": basic("hunter2", "hunter2")})
    ask(port, JANUARY, headers={"Authorization": "Bearer hunter2"})
    shown = str(lines.access(3))
    for hidden in ("an-old-key", "hunter2", basic("hunter2")[6:], "987654321", "start="):
        assert hidden not in shown


@pytest.fixture
def two() -> Iterator[int]:
    """A server for two accounts."""
    plain = Settings(app_id="an-app", app_secret=SecretStr("a-secret"))
    keys = {"acme": "acme-key", "umbrella": "umbrella-key"}
    settings = {
        name: plain.model_copy(update={"api_keys": (SecretStr(key),)}) for name, key in keys.items()
    }
    with (
        LegacyReports(settings) as reports,
        serving(create_app(reports), lifespan="off") as port,
    ):
        yield port


@pytest.mark.parametrize(
    ("key", "account"),
    [("acme-key", "acme"), ("umbrella-key", "umbrella"), ("a-strange-key", None)],
)
def test_the_account_is_named_if_the_key_is_known(
    two: int, lines: Lines, key: str, account: str | None
) -> None:
    ask(two, PATH, headers={"Authorization": basic(key)})
    (shown,) = lines.access()
    assert shown["account"] == account
    assert "-key" not in str(shown)


def test_a_line_of_the_log_is_one_line_whatever_the_path(port: int, lines: Lines) -> None:
    ask(port, "/v1/%0a2026-01-01%20ERROR%20compat:%20all%20is%20lost%1b%5b31m%c3%a4")
    text = lines.access()[0]["text"]
    assert text.isprintable()
    assert text.isascii()


def test_a_request_that_is_handed_on_is_a_line_as_well(
    fake_source: FakeSource, lines: Lines
) -> None:
    settings = Settings(pass_v2=True, base_url="http://127.0.0.1:1/v2")
    with (
        LegacyReports(settings, source=fake_source) as reports,
        serving(create_app(reports), lifespan="on") as port,
    ):
        ask(port, "/v2/conversations?query=hunter2", headers={"Authorization": "Bearer hunter2"})
    (shown,) = lines.access()
    assert (shown["path"], shown["status"]) == ("/v2/conversations", 503)
    assert "hunter2" not in str(shown)


@contextmanager
def in_json(**settings: str) -> Iterator[tuple[subprocess.Popen[str], int, dict[str, Any]]]:
    """A server that logs JSON, its port, and its first line."""
    with subprocess.Popen(
        [COMMAND, "serve", "--demo", "--port", "0"],
        env=environment({"COMPAT_LOG": "json", **settings}),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        first = json.loads(process.stderr.readline())
        try:
            yield process, int(first["message"].rpartition(":")[2]), first
        finally:
            if process.poll() is None:
                process.kill()


def test_as_json_every_line_is_an_object() -> None:
    with in_json(COMPAT_API_KEYS="an-old-key") as (process, port, first):
        answer = ask(port, JANUARY.replace("2015", "2016"))
        ask(port, JANUARY, headers={"Authorization": "Bearer hunter2"})
        raw(port, b"nonsense\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONG) == 0
        assert process.stderr is not None
        shown = process.stderr.read()
    assert first["message"].startswith("Answering the old API on http://")
    assert "hunter2" not in shown
    assert "an-old-key" not in shown
    objects = [json.loads(line) for line in shown.splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(each) for each in objects)
    assert all(datetime.fromisoformat(each["time"]).utcoffset() is not None for each in objects)
    served, refused, *others = objects
    assert (served["logger"], served["level"]) == ("compat.access", "INFO")
    assert (served["status"], served["account"]) == (200, "default")
    assert served["correlation_id"] == answer.headers["correlation-id"]
    assert (refused["status"], refused["account"]) == (401, None)
    assert [each["logger"] for each in others] == ["uvicorn.error"]


def test_as_text_each_request_is_a_line_without_its_query() -> None:
    with started("serve", "--demo", "--port", "0") as server:
        answer = ask(server.port, JANUARY)
        assert server.stop(signal.SIGTERM) == 0
        (line,) = server.said().splitlines()
    assert "INFO compat.access: GET /v1/reports/conversations/new.json 200, " in line
    assert line.endswith(f"account default, {answer.headers['correlation-id']}")


def test_as_json_an_exception_stays_on_its_line() -> None:
    record = logging.makeLogRecord({"msg": "it %s", "args": ("broke",), "levelname": "ERROR"})
    record.exc_info = (ValueError, ValueError("two\nlines"), None)
    record.thing = object()
    line = JsonLinesFormatter().format(record)
    assert "\n" not in line
    shown = json.loads(line)
    assert shown["message"] == "it broke"
    assert "ValueError: two" in shown["exception"]
    assert shown["thing"].startswith("<object")


def test_another_way_to_log_is_refused() -> None:
    done = run("serve", "--demo", "--port", "0", COMPAT_LOG="xml")
    assert done.returncode == 2
    assert "COMPAT_LOG" in done.stderr
