"""What passes through the server is written down, without keys, and never at its expense."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from compat.asgi import create_app
from compat.parity.captures.reader import read_captures
from compat.parity.check import Replayer, check
from compat.parity.ignore_rules import Rules
from compat.server import recorder as module
from compat.server.recorder import MAX_FILES, Recorder
from compat.service import LegacyReports
from compat.v1.http import LegacyRequest, LegacyResponse, success_response
from compat.v2.errors import UpstreamError
from tests.unit.server.threaded_server import Answer, Stage, ask
from tests.unit.service.doubles import JANUARY, PATH, FakeSource, basic, reports_on

Ask = Callable[..., Answer]
TARGETS = (
    JANUARY,
    f"{JANUARY}&viewBy=day&tags[]=1&mailboxes=",
    f"{PATH}?start=2015-01-01T00%3A00%3A00%2B01%3A00&end=2015-01-31",
    f"{PATH}?start=x",
    "/v1/tags.json?page=1",
    "/v1/mailboxes/7/folders.json",
    "/v1/reports/conversations/busy-times.json?start=2015-01-01&end=2015-01-02",
)
needs_a_full_disk = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "old.jsonl"


@pytest.fixture
def asked(stage: tuple[Stage, int], reports: LegacyReports, path: Path) -> Iterator[Ask]:
    """Asks a server that records."""
    with Recorder(path) as recorder:
        stage[0].app = create_app(reports, recorder=recorder)
        yield lambda target, **others: ask(stage[1], target, **others)


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def note(recorder: Recorder, target: str = JANUARY, body: bytes = b"{}") -> None:
    recorder.note(LegacyRequest.from_target(target), success_response(body))


def recorded(path: Path, asked: Ask, *targets: str, **others: Any) -> list[dict[str, Any]]:
    """What is written once these were asked; the last one is waited for."""
    for target in targets:
        asked(target, **others)
    last = f"/v1/{uuid4()}"
    asked(last)
    written = threading.Event()
    while not path.exists() or last not in path.read_text("utf-8"):
        written.wait(0.005)
    return records(path)[:-1]


def test_a_request_and_its_answer_are_a_line(path: Path, asked: Ask) -> None:
    shown = asked(JANUARY)
    record, again = recorded(path, asked, JANUARY)
    assert record["target"] == JANUARY
    assert record["status"] == 200
    assert record["method"] == "GET"
    assert record["body"].encode() == shown.body
    assert record["taken_at"].endswith("Z")
    assert again == record | {"taken_at": again["taken_at"]}


def test_errors_are_recorded_as_well(fake_source: FakeSource, path: Path, asked: Ask) -> None:
    fake_source.error = UpstreamError("no route")
    found = recorded(path, asked, f"{PATH}?start=x", JANUARY, "/v1/reports/none.json")
    found += recorded(path, asked, JANUARY, headers={})[-1:]
    assert [record["status"] for record in found] == [400, 503, 404, 401]


def test_no_key_is_ever_written(path: Path, asked: Ask) -> None:
    secret = basic("a-secret-key")
    targets = (f"{JANUARY}&apikey=a-secret-key", f"/v1/tags.json?{secret.split()[1]}")
    found = recorded(path, asked, *targets, headers={"Authorization": secret})
    assert len(found) == 2
    text = path.read_text("utf-8")
    assert "a-secret-key" not in text
    assert secret.split()[1] not in text
    assert "authorization" not in text.lower()


@pytest.mark.parametrize("target", ["/healthz", "/v2/conversations", "/favicon.ico", "/"])
def test_what_is_not_of_the_old_api_is_not_recorded(path: Path, asked: Ask, target: str) -> None:
    assert recorded(path, asked, target) == []


def test_a_preflight_is_not_recorded_and_head_is(path: Path, asked: Ask) -> None:
    asked(JANUARY, method="OPTIONS")
    found = recorded(path, asked, JANUARY, method="HEAD")
    assert [(each["method"], each["status"], each["body"]) for each in found] == [("HEAD", 200, "")]


def test_repeated_slashes_do_not_hide_a_request(path: Path, asked: Ask) -> None:
    assert [each["target"] for each in recorded(path, asked, f"/{JANUARY}")] == [f"/{JANUARY}"]


def test_what_was_recorded_is_checked_equal(path: Path, asked: Ask, reports: LegacyReports) -> None:
    recorded(path, asked, *TARGETS)
    verdicts = list(check(read_captures([str(path)]), Replayer(reports), Rules()))
    assert [each.outcome for each in verdicts] == ["equal"] * len(TARGETS) + ["elsewhere"]


def test_requests_passed_on_to_mailbox_api_2_are_not_recorded(
    stage: tuple[Stage, int], path: Path
) -> None:
    settings = {"pass_v2": True, "base_url": "http://127.0.0.1:9/v2"}
    with reports_on(FakeSource(), **settings) as reports, Recorder(path) as recorder:
        stage[0].app = create_app(reports, recorder=recorder)
        assert ask(stage[1], "/v2/conversations").status == 503
    assert records(path) == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("there", [True, False])
def test_the_file_is_its_owners_alone(path: Path, there: bool) -> None:
    if there:
        path.touch(0o644)
    with Recorder(path) as recorder:
        note(recorder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_in_the_file_stays(path: Path) -> None:
    for body in (b"1", b"2"):
        with Recorder(path) as recorder:
            note(recorder, body=body)
    assert [record["body"] for record in records(path)] == ["1", "2"]


def test_a_line_that_broke_off_is_ended_before_the_next(path: Path) -> None:
    path.write_text('{"target":"/v1/ta')
    with Recorder(path) as recorder:
        note(recorder)
    broken, line = path.read_text("utf-8").splitlines()
    assert broken == '{"target":"/v1/ta'
    assert json.loads(line)["target"] == JANUARY


def test_a_large_file_is_renamed_and_the_oldest_removed(path: Path) -> None:
    with Recorder(path, max_bytes=1000) as recorder:
        for number in range(100):
            note(recorder, body=str(number).encode())
    kept = [path, *(path.with_name(f"{path.name}.{n}") for n in range(1, MAX_FILES + 1))]
    assert sorted(path.parent.iterdir()) == sorted(kept)
    assert all(each.stat().st_size <= 1000 for each in kept)
    bodies = [record["body"] for each in reversed(kept) for record in records(each)]
    assert bodies == [str(number) for number in range(100)][-len(bodies) :]
    if os.name == "posix":
        assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in kept)


@needs_a_full_disk
def test_a_full_disk_is_logged_once_and_answers_go_on(
    stage: tuple[Stage, int], reports: LegacyReports, caplog: pytest.LogCaptureFixture
) -> None:
    with Recorder(Path("/dev/full")) as recorder:
        stage[0].app = create_app(reports, recorder=recorder)
        assert [ask(stage[1], JANUARY).status for _ in range(5)] == [200] * 5
    shown = [each.getMessage() for each in caplog.records if "recorded" in each.getMessage()]
    assert shown == ["answers are not recorded to /dev/full: No space left on device"]


def test_once_it_can_be_written_again_recording_goes_on_and_the_loss_is_logged(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = path.parent.with_name("away")
    with Recorder(path, max_bytes=1) as recorder:  # each line is written to a new file
        note(recorder, body=b"before")
        recorder._queue.join()
        path.parent.rename(away)
        for _ in range(3):
            note(recorder, body=b"lost")
        recorder._queue.join()
        away.rename(path.parent)
        note(recorder, body=b"after")
    old, new = path.with_name(f"{path.name}.1"), path
    assert [record["body"] for each in (old, new) for record in records(each)] == [
        "before",
        "after",
    ]
    assert [each.getMessage() for each in caplog.records] == [
        f"answers are not recorded to {path}: No such file or directory",
        "recording goes on; answers that were not recorded: 3",
    ]


def test_a_disk_that_is_too_slow_loses_records_and_no_time(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_MAX_QUEUED", 10)
    going, write = threading.Event(), module._RecordFile.write

    def slowly(file: Any, line: str) -> None:
        going.wait()
        write(file, line)

    monkeypatch.setattr(module._RecordFile, "write", slowly)
    with Recorder(path) as recorder:
        for _ in range(50):
            note(recorder)
        going.set()
    assert 10 <= len(records(path)) <= 11
    assert "more is answered than can be written" in caplog.text


def test_a_file_that_cannot_be_opened_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Recorder(tmp_path / "nowhere" / "old.jsonl")


def test_whatever_was_asked_can_be_asked_again(path: Path) -> None:
    request = LegacyRequest("GET", "/v1/tags%/é\x00.json", "a=ü&start=%zz\x01".encode())
    with Recorder(path) as recorder:
        recorder.note(request, LegacyResponse(404, (), b"\xff"))
    (record,) = records(path)
    again = LegacyRequest.from_target(record["target"])
    assert again.path == request.path
    assert again.query == b"REDACTED&start=%zz%01"
