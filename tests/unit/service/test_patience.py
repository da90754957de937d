"""A caller gets a 503 when its patience ends, and the computation goes on."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import Future

import pytest

from compat.core.models import ConversationQuery, Progress, RowSet
from compat.service import LegacyReports
from compat.single_flight import CallCancelled
from compat.v1.http import LegacyRequest, LegacyResponse
from compat.v2.errors import Unreachable
from tests.unit.service.doubles import (
    JANUARY,
    LONG,
    FakeSource,
    basic,
    only_account,
    reports_on,
)

KEY = basic()


def ask(reports: LegacyReports, patience: float | None = None) -> LegacyResponse:
    return reports.answer(JANUARY, authorization=KEY, patience=patience)


def retry_after(answer: LegacyResponse) -> int:
    assert answer.status == 503
    return int(dict(answer.headers)["Retry-After"])


@pytest.fixture
def slow(fake_source: FakeSource) -> FakeSource:
    fake_source.gate.clear()
    return fake_source


def finish_computations(reports: LegacyReports, fake_source: FakeSource) -> None:
    """Let all computations end, and wait until their results are kept."""
    calls = only_account(reports)._calls
    with calls._lock:
        running = list(calls._running.values())
    fake_source.gate.set()
    for call in running:
        call.future.exception(LONG)
    with calls._lock:
        pass


def test_an_impatient_caller_gets_a_503_with_retry_after(
    reports: LegacyReports, slow: FakeSource
) -> None:
    answer = ask(reports, patience=0)
    assert retry_after(answer) >= 1
    assert "still being fetched" in json.loads(answer.body)["error"]


def test_a_caller_with_enough_patience_gets_the_answer(
    reports: LegacyReports, slow: FakeSource
) -> None:
    threading.Timer(0.0, slow.gate.set).start()
    assert ask(reports, patience=LONG).status == 200


def test_the_settings_have_the_patience_of_callers_over_http(slow: FakeSource) -> None:
    with reports_on(slow, patience=0.01) as reports:
        pending = reports.start(LegacyRequest.from_target(JANUARY, authorization=KEY))
        assert not pending.immediate
        assert pending.patience == 0.01
        assert pending.wait(pending.patience).status == 503


def test_a_caller_in_this_process_waits_without_a_limit(slow: FakeSource) -> None:
    with reports_on(slow, patience=0.01) as reports:
        threading.Timer(0.1, slow.gate.set).start()
        assert ask(reports).status == 200


def test_a_retry_gets_the_answer_without_another_fetch(
    reports: LegacyReports, slow: FakeSource
) -> None:
    ask(reports, patience=0)
    finish_computations(reports, slow)
    assert ask(reports, patience=0).status == 200
    assert len(slow.asked) == 1


def test_an_impatient_retry_joins_the_same_fetch(reports: LegacyReports, slow: FakeSource) -> None:
    answers = [ask(reports, patience=0) for _ in range(5)]
    assert slow.started.wait(LONG)
    assert {answer.status for answer in answers} == {503}
    assert len(slow.asked) == 1


def test_a_retry_gets_an_error_once_and_the_next_one_computes_again(
    reports: LegacyReports, slow: FakeSource
) -> None:
    slow.error = Unreachable("no answer")
    ask(reports, patience=0)
    finish_computations(reports, slow)
    slow.error = None
    answer = ask(reports, patience=0)
    assert "no answer" in json.loads(answer.body)["error"]
    assert ask(reports, patience=LONG).status == 200


@pytest.mark.parametrize(
    ("rows", "waits", "seconds"),
    [((0, 0), 0.0, 5), ((250, 1000), 0.0, 30), ((250, 1000), 30.5, 61), ((1000, 1000), 0.0, 1)],
)
def test_retry_after_follows_from_the_progress(
    slow: FakeSource, rows: tuple[int, int], waits: float, seconds: int
) -> None:
    (slow.received, slow.expected), slow.waits = rows, waits
    with reports_on(slow) as reports:
        ask(reports, patience=0)
        assert slow.started.wait(LONG)
        assert retry_after(ask(reports, patience=0)) == seconds


def test_closing_answers_waiting_callers(reports: LegacyReports, slow: FakeSource) -> None:
    answers: list[LegacyResponse] = []
    waiting = threading.Thread(target=lambda: answers.append(ask(reports, patience=LONG)))
    waiting.start()
    assert slow.started.wait(LONG)
    reports.close()
    waiting.join(LONG)
    assert [answer.status for answer in answers] == [503]


class Endless(FakeSource):
    """A source that loads rows until it is cancelled."""

    def __init__(self) -> None:
        super().__init__(shut=True)
        self.progress = Progress()

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        self.progress = progress
        return super().rows(need, progress)


def test_an_interrupt_cancels_a_computation_for_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endless = Endless()

    def interrupted(*_: object) -> None:
        assert endless.started.wait(LONG)
        raise KeyboardInterrupt

    with reports_on(endless) as reports:
        monkeypatch.setattr(Future, "exception", interrupted)
        with pytest.raises(KeyboardInterrupt):
            reports.new_conversations(start="2015-01-01", end="2015-01-31")
        with pytest.raises(CallCancelled):
            endless.progress.check()


def test_a_caller_waits_for_all_of_its_patience(reports: LegacyReports, slow: FakeSource) -> None:
    began = time.monotonic()
    ask(reports, patience=0.05)
    assert time.monotonic() - began >= 0.05
