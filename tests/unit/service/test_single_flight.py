"""Callers with equal keys share one computation, however long they wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.core.models import Progress
from compat.single_flight import Call, CallCancelled, SingleFlight, TooManyCalls
from tests.unit.service.doubles import LONG, ManualClock

Estimates = Callable[[int, Callable[[float, float], float]], int]
"""Estimates the seconds left of the n-th call."""


class Computation:
    """A computation that ends when its gate is opened; counts how often it was started.

    Attributes:
        gate: Opened by setting it.
        started: Set as soon as the computation was started.
        times: How often it was started; its result.
        error: Raised in place of a result.
    """

    def __init__(self, *, closed: bool = True) -> None:
        self.gate = threading.Event()
        self.started = threading.Event()
        self.times = 0
        self._count_lock = threading.Lock()
        self.error: BaseException | None = None
        if not closed:
            self.gate.set()

    def __call__(self, _: str, progress: Progress) -> int:
        with self._count_lock:
            self.times += 1
            result = self.times
        self.started.set()
        assert self.gate.wait(LONG)
        progress.check()
        if self.error is not None:
            raise self.error
        return result


@pytest.fixture
def manual_clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def computation() -> Iterator[Computation]:
    made = Computation()
    yield made
    made.gate.set()


@pytest.fixture
def calls(computation: Computation, manual_clock: ManualClock) -> Iterator[SingleFlight[str, int]]:
    made = single_flight(computation, manual_clock)
    yield made
    made.close()


def single_flight(
    compute: Callable[[str, Progress], int], manual_clock: ManualClock
) -> SingleFlight[str, int]:
    """Two computations run at the same time; a third may be queued."""
    return SingleFlight(compute, workers=2, most=3, elapsed=lambda: manual_clock.now)


def wait_for(calls: SingleFlight[str, int], call: Call[int]) -> None:
    """Wait until a call has its result and is no longer running."""
    call.future.exception(LONG)
    with calls._lock:
        pass


def sixteen_callers(calls: SingleFlight[str, int], computation: Computation) -> list[Future[int]]:
    """The futures that sixteen threads get for one key at the same moment, once they are done."""
    barrier = threading.Barrier(17)

    def ask(_: int) -> Future[int]:
        barrier.wait(LONG)
        call = calls.start_or_join("key")
        barrier.wait(LONG)
        call.future.exception(LONG)
        calls.release(call)
        return call.future

    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(ask, number) for number in range(16)]
        barrier.wait(LONG)
        barrier.wait(LONG)
        computation.gate.set()
        return [future.result(LONG) for future in futures]


def test_callers_with_equal_keys_share_one_computation(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    results = sixteen_callers(calls, computation)
    assert [result.result() for result in results] == [1] * 16
    assert computation.times == 1


def test_callers_with_equal_keys_share_an_error(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    computation.error = LookupError("nothing there")
    results = sixteen_callers(calls, computation)
    assert {result.exception() for result in results} == {computation.error}
    assert computation.times == 1


def test_different_keys_are_different_computations(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    one, other = calls.start_or_join("one"), calls.start_or_join("other")
    assert one is not other
    computation.gate.set()
    assert {one.future.result(LONG), other.future.result(LONG)} == {1, 2}


def test_a_result_that_its_callers_waited_for_is_not_kept(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    computation.gate.set()
    first = calls.start_or_join("key")
    wait_for(calls, first)
    calls.release(first)
    again = calls.start_or_join("key")
    assert again.future.result(LONG) == 2


def abandoned(calls: SingleFlight[str, int], computation: Computation) -> Call[int]:
    """A call that ends after its only caller has released it."""
    call = calls.start_or_join("key")
    calls.release(call)
    computation.gate.set()
    wait_for(calls, call)
    return call


def test_a_result_that_no_caller_waits_for_is_kept(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    call = abandoned(calls, computation)
    assert calls.start_or_join("key") is call
    assert computation.times == 1


def test_a_kept_result_is_given_once(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    call = abandoned(calls, computation)
    calls.release(calls.start_or_join("key"))
    again = calls.start_or_join("key")
    assert again is not call
    assert again.future.result(LONG) == 2


@pytest.mark.parametrize(("seconds", "kept"), [(599, True), (601, False)])
def test_a_result_is_kept_for_ten_minutes(
    calls: SingleFlight[str, int],
    computation: Computation,
    manual_clock: ManualClock,
    seconds: float,
    kept: bool,
) -> None:
    call = abandoned(calls, computation)
    manual_clock.now += seconds
    assert (calls.start_or_join("key") is call) == kept


@pytest.mark.parametrize(("seconds", "kept"), [(29, True), (31, False)])
def test_an_error_is_kept_for_half_a_minute(
    calls: SingleFlight[str, int],
    computation: Computation,
    manual_clock: ManualClock,
    seconds: float,
    kept: bool,
) -> None:
    computation.error = LookupError("nothing there")
    call = abandoned(calls, computation)
    manual_clock.now += seconds
    assert (calls.start_or_join("key") is call) == kept


def test_a_computation_goes_on_when_its_caller_stops_waiting(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    call = calls.start_or_join("key")
    calls.release(call)
    assert calls.start_or_join("key") is call
    computation.gate.set()
    assert call.future.result(LONG) == 1


def test_the_last_caller_can_cancel_the_computation(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    call = calls.start_or_join("key")
    calls.release(call, cancel=True)
    computation.gate.set()
    with pytest.raises(CallCancelled):
        call.future.result(LONG)


def test_who_asks_again_after_a_cancellation_gets_a_computation_of_their_own(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    cancelled = calls.start_or_join("key")
    assert computation.started.wait(LONG)
    calls.release(cancelled, cancel=True)
    again = calls.start_or_join("key")
    computation.gate.set()
    assert again.future.result(LONG) >= 1
    with pytest.raises(CallCancelled):
        cancelled.future.result(LONG)
    assert calls.start_or_join("key").future.result(LONG) >= 1


def test_the_error_of_a_cancelled_computation_is_not_kept(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    cancelled = calls.start_or_join("key")
    assert computation.started.wait(LONG)
    calls.release(cancelled, cancel=True)
    computation.gate.set()
    with pytest.raises(CallCancelled):
        cancelled.future.result(LONG)
    calls._pool.submit(lambda: None).result(LONG)
    assert calls.start_or_join("key").future.result(LONG) >= 1


def test_a_computation_that_is_cancelled_in_the_queue_never_begins(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    others = [calls.start_or_join(key) for key in ("one", "two")]
    queued = calls.start_or_join("queued")
    calls.release(queued, cancel=True)
    computation.gate.set()
    assert all(each.future.result(LONG) for each in others)
    with pytest.raises(CallCancelled):
        queued.future.result(LONG)
    assert computation.times == len(others)


def test_a_computation_that_others_wait_for_is_not_cancelled(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    call, other = calls.start_or_join("key"), calls.start_or_join("key")
    calls.release(call, cancel=True)
    computation.gate.set()
    assert other.future.result(LONG) == 1


def test_too_many_calls_are_refused(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    for key in ("one", "two", "three"):
        calls.start_or_join(key)
    with pytest.raises(TooManyCalls):
        calls.start_or_join("four")


def test_a_running_call_can_be_joined_even_if_there_are_too_many(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    first = [calls.start_or_join(key) for key in ("one", "two", "three")]
    assert [calls.start_or_join(key) for key in ("one", "two", "three")] == first


def test_a_call_that_has_ended_makes_way_for_another(manual_clock: ManualClock) -> None:
    computations = {key: Computation() for key in ("one", "two", "three")}
    computations["four"] = Computation(closed=False)
    calls = single_flight(lambda key, progress: computations[key](key, progress), manual_clock)
    first, *_ = [calls.start_or_join(key) for key in ("one", "two", "three")]
    computations["one"].gate.set()
    wait_for(calls, first)
    calls.start_or_join("four")
    for each in computations.values():
        each.gate.set()
    calls.close()


def test_no_more_computations_run_at_the_same_time_than_there_are_workers(
    manual_clock: ManualClock,
) -> None:
    computations = {key: Computation() for key in ("one", "two", "three")}
    calls = single_flight(lambda key, progress: computations[key](key, progress), manual_clock)
    started = [calls.start_or_join(key) for key in computations]
    assert computations["one"].started.wait(LONG)
    assert computations["two"].started.wait(LONG)
    assert computations["three"].times == 0
    computations["one"].gate.set()
    assert computations["three"].started.wait(LONG)
    for each in computations.values():
        each.gate.set()
    assert [call.future.result(LONG) for call in started] == [1, 1, 1]
    calls.close()


def test_closing_fails_running_and_queued_calls(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    started = [calls.start_or_join(key) for key in ("one", "two", "three")]
    calls.close()
    for call in started:
        with pytest.raises(CallCancelled):
            call.future.result(0)


def test_closing_stops_a_computation_at_its_next_step(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    call = calls.start_or_join("one")
    assert computation.started.wait(LONG)
    calls.close()
    with pytest.raises(CallCancelled):
        call.progress.check()


def test_no_call_can_be_started_after_closing(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    calls.close()
    with pytest.raises(CallCancelled):
        calls.start_or_join("key")
    assert computation.times == 0


def test_a_computation_that_ends_after_closing_changes_nothing(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    call = calls.start_or_join("key")
    assert computation.started.wait(LONG)
    calls.close()
    computation.gate.set()
    calls._pool.shutdown(wait=True)
    assert isinstance(call.future.exception(0), CallCancelled)


def test_closing_and_the_end_of_a_computation_set_the_result_under_the_same_lock(
    calls: SingleFlight[str, int], computation: Computation
) -> None:
    locked: list[bool] = []
    for key in ("one", "two"):
        future = calls.start_or_join(key).future
        future.add_done_callback(lambda _: locked.append(calls._lock.locked()))
        if key == "one":
            computation.gate.set()
            future.result(LONG)
            computation.gate.clear()
    calls.close()
    assert locked == [True, True]


def test_closing_twice_is_the_same_as_closing_once(calls: SingleFlight[str, int]) -> None:
    calls.close()
    calls.close()


@pytest.mark.parametrize("make", [SystemExit, KeyboardInterrupt])
def test_callers_get_even_an_exit_in_the_computation(
    calls: SingleFlight[str, int], computation: Computation, make: Callable[[], BaseException]
) -> None:
    computation.error = make()
    computation.gate.set()
    call = calls.start_or_join("key")
    assert call.future.exception(LONG) is computation.error


@contextmanager
def calls_with(*pages: tuple[int, int] | None, workers: int = 9) -> Iterator[Estimates]:
    """Calls that go on, with as many pages received and left; None has received nothing."""
    gate = threading.Event()
    begun = threading.Semaphore(0)

    def compute(at: int, progress: Progress) -> int:
        if each := pages[at]:
            progress.pages, left = each
            progress.received, progress.expected = 20 * progress.pages, 20 * (left + each[0])
        begun.release()
        gate.wait(LONG)
        return at

    flight = SingleFlight(compute, workers=workers, most=99)
    calls = [flight.start_or_join(at) for at in range(len(pages))]
    for _ in range(min(workers, len(pages))):
        assert begun.acquire(timeout=LONG)
    try:
        yield lambda at, seconds_for: flight.seconds_left(calls[at], seconds_for)
    finally:
        gate.set()
        flight.close()


def two_each(pages: float, others: float) -> float:
    """Two seconds for each page, and one for each of others."""
    return 2 * pages + others


@pytest.mark.parametrize(
    ("pages", "seconds"),
    [
        ([(1, 10)], [20]),
        ([(1, 0)], [1]),
        ([(1, 10), (1, 30)], [30, 70]),  # the other call fetches ten pages meanwhile
        ([None], [5]),
        ([None, (1, 10)], [20, 20]),  # it may wait for what the other one fetches
        ([(1, 10_000)], [3600]),
    ],
)
def test_the_pages_that_are_left_give_the_seconds_left(
    pages: list[tuple[int, int] | None], seconds: list[int]
) -> None:
    with calls_with(*pages) as estimate:
        assert [estimate(at, two_each) for at in range(len(pages))] == seconds


def test_a_call_that_has_received_nothing_is_delayed_by_the_rate_limit() -> None:
    with calls_with(None) as estimate:
        assert estimate(0, lambda *_: 40.2) == 46


def test_a_queued_call_also_waits_for_those_before_it() -> None:
    with calls_with((1, 10), (1, 30), None, None, workers=2) as estimate:
        assert [estimate(at, lambda pages, _: 2 * pages) for at in range(4)] == [20, 60, 25, 30]


@given(
    expected=st.integers(0, 10**7),
    received=st.integers(0, 10**7),
    pages=st.integers(0, 10**6),
    held=st.floats(0, 10**6),
)
def test_the_seconds_left_are_between_one_and_an_hour(
    expected: int, received: int, pages: int, held: float
) -> None:
    flight: SingleFlight[int, int] = SingleFlight(lambda _, __: 0, workers=1, most=1)
    call: Call[int] = Call()
    call.begun = True
    call.progress.expected, call.progress.received = expected, received
    call.progress.pages = pages
    flight._running[0] = call
    seconds = flight.seconds_left(call, lambda pages, _: held + pages)
    flight.close()
    assert isinstance(seconds, int)
    assert 1 <= seconds <= 3600
