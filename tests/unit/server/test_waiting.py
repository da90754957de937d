"""Many requests wait for answers, without a thread for each, and none for too long."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from compat.asgi import create_app
from compat.service import LegacyReports
from tests.unit.server.threaded_server import KEY, LOOPBACK, Stage, ask, read
from tests.unit.service.doubles import JANUARY, LONG, FakeSource, basic, reports_on


@contextmanager
def asked(port: int, target: str) -> Iterator[http.client.HTTPConnection]:
    """A request that was sent and whose answer nobody has read yet."""
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=LONG)) as connection:
        connection.request("GET", target, headers=KEY)
        yield connection


@pytest.fixture
def slow(fake_source: FakeSource) -> FakeSource:
    fake_source.gate.clear()
    return fake_source


@contextmanager
def on_stage(
    stage: tuple[Stage, int], fake_source: FakeSource, **settings: object
) -> Iterator[int]:
    with reports_on(fake_source, **settings) as reports:
        stage[0].app = create_app(reports)
        yield stage[1]


def test_a_pending_request_is_a_503_with_a_time_to_retry(
    stage: tuple[Stage, int], slow: FakeSource
) -> None:
    with on_stage(stage, slow, patience=0.01) as port:
        answer = ask(port, JANUARY)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert "still being fetched" in answer.json["error"]


def test_the_retry_finds_the_answer(stage: tuple[Stage, int], slow: FakeSource) -> None:
    slow.kept = LONG
    with reports_on(slow, patience=0.01) as reports:
        stage[0].app = create_app(reports)
        assert ask(stage[1], JANUARY).status == 503
        slow.gate.set()
        assert reports.answer(JANUARY, authorization=basic(), patience=LONG).status == 200
        assert ask(stage[1], JANUARY).status == 200
    assert len(slow.asked) == 1


def test_an_answer_within_patience_is_given_as_soon_as_it_is_there(
    port: int, slow: FakeSource
) -> None:
    with asked(port, JANUARY) as connection:
        assert slow.started.wait(LONG)
        slow.gate.set()
        assert read(connection).status == 200


def test_two_hundred_pending_requests_need_no_thread_each(
    stage: tuple[Stage, int], slow: FakeSource
) -> None:
    slow.kept = LONG
    with on_stage(stage, slow, jobs=2) as port, ExitStack() as stack:
        before = threading.active_count()
        waiting = [stack.enter_context(asked(port, JANUARY)) for _ in range(200)]
        assert slow.started.wait(LONG)
        assert ask(port, "/healthz").status == 200
        assert threading.active_count() <= before + 2
        slow.gate.set()
        answers = [read(connection) for connection in waiting]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.headers["correlation-id"] for answer in answers}) == 200
    assert len(slow.asked) == 1


def test_what_is_known_is_answered_at_once_while_all_workers_are_busy(
    stage: tuple[Stage, int], fake_source: FakeSource
) -> None:
    fake_source.kept = LONG
    with on_stage(stage, fake_source, jobs=1) as port:
        known = ask(port, JANUARY)
        fake_source.started.clear()
        fake_source.gate.clear()
        with asked(port, f"{JANUARY}&tags=7") as busy, asked(port, f"{JANUARY}&tags=8") as queued:
            assert fake_source.started.wait(LONG)
            again = ask(port, JANUARY)
            assert ask(port, "/healthz").status == 200
            fake_source.gate.set()
            assert (read(busy).status, read(queued).status) == (200, 200)
    assert again.status == 200
    assert again.body == known.body


def test_a_caller_who_disconnects_does_not_end_the_work_of_others(
    port: int, slow: FakeSource
) -> None:
    with asked(port, JANUARY):
        assert slow.started.wait(LONG)
    with asked(port, JANUARY) as connection:
        assert ask(port, "/healthz").status == 200
        slow.gate.set()
        assert read(connection).status == 200


def test_closing_the_service_answers_all_who_wait(
    port: int, slow: FakeSource, reports: LegacyReports
) -> None:
    with ExitStack() as stack:
        waiting = [
            stack.enter_context(asked(port, f"{JANUARY}&tags={number}")) for number in range(8)
        ]
        assert slow.started.wait(LONG)
        reports.close()
        answers = [read(connection) for connection in waiting]
    assert {answer.status for answer in answers} == {503}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
