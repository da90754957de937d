"""A caller is told to come back before losing patience, and the work goes on."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import Future

import pytest

from compat.core.models import ConversationQuery, Progress, RowSet
from compat.service import LegacyReports, Pending
from compat.single_flight import CallCancelled
from compat.v1.http import LegacyRequest, LegacyResponse
from compat.v2.errors import Unreachable
from tests.unit.service.doubles import JANUARY, LONG, Hands, Shelf, basic, only_account, reports_on

KEY = basic()


def ask(reports: LegacyReports, patience: float | None = None) -> LegacyResponse:
    return reports.answer(JANUARY, authorization=KEY, patience=patience)


def retry_after(answer: LegacyResponse) -> int:
    assert answer.status == 503
    return int(dict(answer.headers)["Retry-After"])


@pytest.fixture
def slow(shelf: Shelf) -> Shelf:
    shelf.gate.clear()
    return shelf


def landed(reports: LegacyReports, shelf: Shelf) -> None:
    """Let the work end, and wait until the service knows."""
    flights = only_account(reports)._flights
    with flights._lock:
        under_way = list(flights._under_way.values())
    shelf.gate.set()
    for flight in under_way:
        flight.future.exception(LONG)
    with flights._lock:
        pass


def test_a_caller_is_told_to_come_back(reports: LegacyReports, slow: Shelf) -> None:
    answer = ask(reports, patience=0)
    assert retry_after(answer) >= 1
    assert "still being fetched" in json.loads(answer.body)["error"]


def test_a_caller_with_enough_patience_gets_the_answer(reports: LegacyReports, slow: Shelf) -> None:
    threading.Timer(0.0, slow.gate.set).start()
    assert ask(reports, patience=LONG).status == 200


def test_the_settings_say_how_patient_callers_over_http_are(slow: Shelf) -> None:
    with reports_on(slow, patience=0.01) as reports:
        pending = reports.begin(LegacyRequest.from_target(JANUARY, authorization=KEY))
        assert isinstance(pending, Pending)
        assert pending.patience == 0.01
        assert reports.finish(pending).status == 503


def test_a_caller_in_this_process_waits_as_long_as_it_takes(slow: Shelf) -> None:
    with reports_on(slow, patience=0.01) as reports:
        threading.Timer(0.1, slow.gate.set).start()
        assert ask(reports).status == 200


def test_a_retry_gets_the_answer_without_another_fetch(reports: LegacyReports, slow: Shelf) -> None:
    ask(reports, patience=0)
    landed(reports, slow)
    assert ask(reports, patience=0).status == 200
    assert len(slow.asked) == 1


def test_an_impatient_retry_joins_the_same_fetch(reports: LegacyReports, slow: Shelf) -> None:
    answers = [ask(reports, patience=0) for _ in range(5)]
    assert slow.started.wait(LONG)
    assert {answer.status for answer in answers} == {503}
    assert len(slow.asked) == 1


def test_a_retry_is_told_of_an_error_once_and_then_it_is_tried_again(
    reports: LegacyReports, slow: Shelf
) -> None:
    slow.error = Unreachable("no answer")
    ask(reports, patience=0)
    landed(reports, slow)
    slow.error = None
    answer = ask(reports, patience=0)
    assert "no answer" in json.loads(answer.body)["error"]
    assert ask(reports, patience=LONG).status == 200


@pytest.mark.parametrize(
    ("rows", "waits", "seconds"),
    [((0, 0), 0.0, 5), ((250, 1000), 0.0, 30), ((250, 1000), 30.5, 61), ((1000, 1000), 0.0, 1)],
)
def test_when_to_come_back_follows_from_the_progress(
    hands: Hands, slow: Shelf, rows: tuple[int, int], waits: float, seconds: int
) -> None:
    (slow.received, slow.expected), slow.waits = rows, waits
    with reports_on(slow) as reports:
        ask(reports, patience=0)
        assert slow.started.wait(LONG)
        hands.now += 10
        assert retry_after(ask(reports, patience=0)) == seconds


def test_closing_wakes_who_waits(reports: LegacyReports, slow: Shelf) -> None:
    answers: list[LegacyResponse] = []
    waiting = threading.Thread(target=lambda: answers.append(ask(reports, patience=LONG)))
    waiting.start()
    assert slow.started.wait(LONG)
    reports.close()
    waiting.join(LONG)
    assert [answer.status for answer in answers] == [503]


class Endless(Shelf):
    """A source that goes on until it is called off."""

    def __init__(self) -> None:
        super().__init__(shut=True)
        self.progress = Progress()

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        self.progress = progress
        return super().rows(need, progress)


def test_an_interrupt_calls_off_a_question_asked_in_python(
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


def test_patience_is_kept_while_the_source_works(reports: LegacyReports, slow: Shelf) -> None:
    began = time.monotonic()
    ask(reports, patience=0.05)
    assert time.monotonic() - began >= 0.05
