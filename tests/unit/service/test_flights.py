"""One fetch for one question, however many ask and however long they wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from compat.core.models import Progress
from compat.single_flight import Call, CallCancelled, SingleFlight, TooManyCalls
from tests.unit.service.doubles import LONG, Hands


class Work:
    """Something that takes as long as its gate is closed; counts how often it was begun."""

    def __init__(self, *, shut: bool = True) -> None:
        self.gate = threading.Event()
        self.began = threading.Event()
        self.times = 0
        self._counting = threading.Lock()
        self.error: BaseException | None = None
        if not shut:
            self.gate.set()

    def __call__(self, progress: Progress) -> int:
        with self._counting:
            self.times += 1
            mine = self.times
        self.began.set()
        assert self.gate.wait(LONG)
        progress.check()
        if self.error is not None:
            raise self.error
        return mine


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def flights(hands: Hands) -> Iterator[SingleFlight[str, int]]:
    made: SingleFlight[str, int] = SingleFlight(workers=2, most=3, elapsed=lambda: hands.now)
    yield made
    made.close()


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.gate.set()


def landed(flights: SingleFlight[str, int], flight: Call[int]) -> None:
    """Wait until a flight has a result and the books are up to date."""
    flight.future.exception(LONG)
    with flights._lock:
        pass


def asked_by_sixteen(flights: SingleFlight[str, int], work: Work) -> list[Future[int]]:
    """Sixteen threads that ask one question at the same moment and wait for it."""
    barrier = threading.Barrier(17)

    def ask(_: int) -> Future[int]:
        barrier.wait(LONG)
        flight = flights.join("question", work)
        barrier.wait(LONG)
        flight.future.exception(LONG)
        flights.leave(flight)
        return flight.future

    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(ask, number) for number in range(16)]
        barrier.wait(LONG)
        barrier.wait(LONG)
        work.gate.set()
        return [future.result(LONG) for future in futures]


def test_equal_questions_are_one_fetch(flights: SingleFlight[str, int], work: Work) -> None:
    results = asked_by_sixteen(flights, work)
    assert [result.result() for result in results] == [1] * 16
    assert work.times == 1


def test_an_error_is_shared_and_not_made_again(flights: SingleFlight[str, int], work: Work) -> None:
    work.error = LookupError("nothing there")
    results = asked_by_sixteen(flights, work)
    assert {result.exception() for result in results} == {work.error}
    assert work.times == 1


def test_different_questions_are_different_fetches(
    flights: SingleFlight[str, int], work: Work
) -> None:
    one, other = flights.join("one", work), flights.join("other", work)
    assert one is not other
    work.gate.set()
    assert {one.future.result(LONG), other.future.result(LONG)} == {1, 2}


def test_what_was_fetched_for_those_who_waited_is_not_kept(
    flights: SingleFlight[str, int], work: Work
) -> None:
    work.gate.set()
    first = flights.join("question", work)
    landed(flights, first)
    flights.leave(first)
    again = flights.join("question", work)
    assert again.future.result(LONG) == 2


def abandoned(flights: SingleFlight[str, int], work: Work) -> Call[int]:
    """A flight that lands after its only caller has left."""
    flight = flights.join("question", work)
    flights.leave(flight)
    work.gate.set()
    landed(flights, flight)
    return flight


def test_a_result_that_lands_while_nobody_waits_is_kept(
    flights: SingleFlight[str, int], work: Work
) -> None:
    flight = abandoned(flights, work)
    assert flights.join("question", work) is flight
    assert work.times == 1


def test_what_was_kept_is_given_once(flights: SingleFlight[str, int], work: Work) -> None:
    flight = abandoned(flights, work)
    flights.leave(flights.join("question", work))
    again = flights.join("question", work)
    assert again is not flight
    assert again.future.result(LONG) == 2


@pytest.mark.parametrize(("seconds", "kept"), [(599, True), (601, False)])
def test_a_result_is_kept_for_ten_minutes(
    flights: SingleFlight[str, int], work: Work, hands: Hands, seconds: float, kept: bool
) -> None:
    flight = abandoned(flights, work)
    hands.now += seconds
    assert (flights.join("question", work) is flight) == kept


@pytest.mark.parametrize(("seconds", "kept"), [(29, True), (31, False)])
def test_an_error_is_kept_for_half_a_minute(
    flights: SingleFlight[str, int], work: Work, hands: Hands, seconds: float, kept: bool
) -> None:
    work.error = LookupError("nothing there")
    flight = abandoned(flights, work)
    hands.now += seconds
    assert (flights.join("question", work) is flight) == kept


def test_who_leaves_lets_the_work_go_on(flights: SingleFlight[str, int], work: Work) -> None:
    flight = flights.join("question", work)
    flights.leave(flight)
    assert flights.join("question", work) is flight
    work.gate.set()
    assert flight.future.result(LONG) == 1


def test_the_last_one_who_leaves_can_call_it_off(
    flights: SingleFlight[str, int], work: Work
) -> None:
    flight = flights.join("question", work)
    flights.leave(flight, call_off=True)
    work.gate.set()
    with pytest.raises(CallCancelled):
        flight.future.result(LONG)


def test_nobody_can_call_off_what_others_wait_for(
    flights: SingleFlight[str, int], work: Work
) -> None:
    flight, other = flights.join("question", work), flights.join("question", work)
    flights.leave(flight, call_off=True)
    work.gate.set()
    assert other.future.result(LONG) == 1


def test_too_many_questions_at_once_are_refused(
    flights: SingleFlight[str, int], work: Work
) -> None:
    for key in ("one", "two", "three"):
        flights.join(key, work)
    with pytest.raises(TooManyCalls):
        flights.join("four", work)


def test_a_crowd_keeps_nobody_from_a_question_under_way(
    flights: SingleFlight[str, int], work: Work
) -> None:
    first = [flights.join(key, work) for key in ("one", "two", "three")]
    assert [flights.join(key, work) for key in ("one", "two", "three")] == first


def test_there_is_room_again_once_a_question_has_landed(flights: SingleFlight[str, int]) -> None:
    works = {key: Work() for key in ("one", "two", "three")}
    first = {key: flights.join(key, work) for key, work in works.items()}
    works["one"].gate.set()
    landed(flights, first["one"])
    done = Work(shut=False)
    assert flights.join("four", done) is not None
    works["two"].gate.set()
    works["three"].gate.set()


def test_only_so_many_are_worked_on_at_once(flights: SingleFlight[str, int]) -> None:
    works = [Work() for _ in range(3)]
    joined = [flights.join(str(number), work) for number, work in enumerate(works)]
    assert works[0].began.wait(LONG)
    assert works[1].began.wait(LONG)
    assert works[2].times == 0
    works[0].gate.set()
    assert works[2].began.wait(LONG)
    for work in works:
        work.gate.set()
    assert [flight.future.result(LONG) for flight in joined] == [1, 1, 1]


def test_closing_fails_what_is_worked_on_and_what_waits(
    flights: SingleFlight[str, int], work: Work
) -> None:
    joined = [flights.join(key, work) for key in ("one", "two", "three")]
    flights.close()
    for flight in joined:
        with pytest.raises(CallCancelled):
            flight.future.result(0)


def test_closing_stops_the_work_at_its_next_step(
    flights: SingleFlight[str, int], work: Work
) -> None:
    flight = flights.join("one", work)
    assert work.began.wait(LONG)
    flights.close()
    with pytest.raises(CallCancelled):
        flight.progress.check()


def test_nothing_can_be_asked_once_closed(flights: SingleFlight[str, int], work: Work) -> None:
    flights.close()
    with pytest.raises(CallCancelled):
        flights.join("question", work)
    assert work.times == 0


def test_work_that_ends_after_the_closing_harms_nobody(
    flights: SingleFlight[str, int], work: Work
) -> None:
    flight = flights.join("question", work)
    assert work.began.wait(LONG)
    flights.close()
    work.gate.set()
    flights._pool.shutdown(wait=True)
    assert isinstance(flight.future.exception(0), CallCancelled)


def test_closing_twice_is_closing_once(flights: SingleFlight[str, int]) -> None:
    flights.close()
    flights.close()


@pytest.mark.parametrize("make", [SystemExit, KeyboardInterrupt])
def test_even_an_exit_in_the_work_is_told_to_those_who_wait(
    flights: SingleFlight[str, int], work: Work, make: Callable[[], BaseException]
) -> None:
    work.error = make()
    work.gate.set()
    flight = flights.join("question", work)
    assert flight.future.exception(LONG) is work.error
