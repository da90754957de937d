"""The rate limit: read from the headers, shared by all threads, never run into."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.v2.client import Client
from compat.v2.errors import Overloaded, Stopped
from compat.v2.models import ConversationsAnswer
from compat.v2.rate_limit import RateLimiter
from tests.unit.v2.upstream import Reply, Upstream, in_turn, page_of

HALF_PAST = "Thu, 01 Jan 2015 00:00:30 GMT"


class Clock:
    """Seconds, as the test has them."""

    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


def told(left: object, limit: object = 200, date: str = HALF_PAST) -> dict[str, str]:
    return {
        "X-RateLimit-Limit-Minute": str(limit),
        "X-RateLimit-Remaining-Minute": str(left),
        "Date": date,
    }


def told_once(headers: Mapping[str, str], reserve: float = 0.1) -> tuple[RateLimiter, Clock]:
    """A budget after one answer."""
    clock = Clock()
    budget = RateLimiter(reserve, clock=clock)
    assert budget.take() == 0
    budget.observe(headers)
    return budget, clock


def test_nothing_is_held_back_before_upstream_has_said_anything() -> None:
    budget = RateLimiter(clock=Clock())
    assert [budget.take() for _ in range(50)] == [0] * 50
    assert budget.wait() == 0


@pytest.mark.parametrize(
    ("reserve", "limit", "left", "free"),
    [
        (0.1, 200, 21, True),
        (0.1, 200, 20, False),
        (0.1, 200, 0, False),
        (0.1, 400, 41, True),
        (0.1, 400, 40, False),
        (0.0, 200, 1, True),
        (0.0, 200, 0, False),
        (0.5, 800, 401, True),
        (0.5, 800, 400, False),
        (0.1, 5, 1, True),
        (0.1, 5, 0, False),
    ],
)
def test_the_reserve_is_left_to_others(reserve: float, limit: int, left: int, free: bool) -> None:
    budget, _ = told_once(told(left, limit), reserve)
    assert (budget.take() == 0) is free


def test_requests_on_their_way_count() -> None:
    budget, _ = told_once(told(23))
    assert [budget.take() == 0 for _ in range(5)] == [True, True, True, False, False]


def test_a_request_that_got_no_answer_makes_room_again() -> None:
    budget, _ = told_once(told(21))
    assert budget.take() == 0
    assert budget.take() > 0
    budget.observe(None)
    assert budget.take() == 0


def test_an_answer_that_says_nothing_makes_room_again() -> None:
    budget, _ = told_once(told(21))
    assert budget.take() == 0
    budget.observe({})
    assert budget.take() == 0
    assert budget.take() > 0


def test_waiting_claims_nothing() -> None:
    budget, _ = told_once(told(21))
    assert [budget.wait() for _ in range(3)] == [0, 0, 0]
    assert budget.take() == 0
    assert budget.wait() == 30


def test_a_spent_budget_waits_for_the_next_minute_of_upstreams_clock() -> None:
    budget, clock = told_once(told(20))
    assert budget.take() == 30
    clock.now += 29.5
    assert budget.take() == 0.5
    clock.now += 0.75
    assert [budget.take() for _ in range(30)] == [0] * 30


def test_the_latest_answer_counts() -> None:
    budget, clock = told_once(told(20))
    clock.now += 30
    budget.take()
    budget.observe(told(199, date="Thu, 01 Jan 2015 00:01:00 GMT"))
    assert budget.take() == 0
    budget.observe(told(3, date="Thu, 01 Jan 2015 00:01:05 GMT"))
    assert budget.take() == 55


@pytest.mark.parametrize("date", ["", "soon", "Thu, 32 Foo 2015 00:00:30 GMT"])
def test_without_a_date_the_local_clock_tells_the_minute(date: str) -> None:
    budget, _ = told_once(told(20, date=date))
    assert 0 < budget.take() <= 60


@pytest.mark.parametrize("garbage", ["", " ", "-1", "1.5", "many", "²", "9" * 10, "0x10", "1 2"])
def test_headers_that_make_no_sense_are_passed_over(garbage: str) -> None:
    budget, _ = told_once(told(garbage))
    assert budget.take() == 0
    budget.observe(told(0, limit=garbage))
    assert budget.take() == 0


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_no_header_whatsoever_breaks_the_budget(number: str, date: str) -> None:
    budget, _ = told_once(told(number, number, date))
    budget.hold({"X-RateLimit-Retry-After": number, "Retry-After": number, "Date": date})
    assert 0 <= budget.wait() <= 3600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Retry-After": "12", "Retry-After": "5", "Date": HALF_PAST}, 12),
        ({"Retry-After": "5", "Date": HALF_PAST}, 5),
        ({"X-RateLimit-Retry-After": "later", "Retry-After": "5"}, 5),
        ({"X-RateLimit-Retry-After": "0", "Date": HALF_PAST}, 0),
        ({"Retry-After": "Thu, 01 Jan 2015 00:00:40 GMT", "Date": HALF_PAST}, 30),
        ({"Date": HALF_PAST}, 30),
        ({"Date": "Thu, 01 Jan 2015 00:00:00 GMT"}, 60),
        ({"Retry-After": "3600"}, 3600),
        ({"Retry-After": "3601"}, 3600),
        ({"Retry-After": "999999999"}, 3600),
    ],
)
def test_a_refusal_holds_everybody_for_as_long_as_it_says(
    headers: dict[str, str], seconds: float
) -> None:
    clock = Clock()
    budget = RateLimiter(clock=clock)
    budget.hold(headers)
    assert [budget.take() for _ in range(3)] == [seconds] * 3
    clock.now += seconds
    assert budget.take() == 0


def test_a_shorter_refusal_does_not_shorten_a_longer_one() -> None:
    budget = RateLimiter(clock=Clock())
    budget.hold({"Retry-After": "40"})
    budget.hold({"Retry-After": "5"})
    assert budget.take() == 40


def test_an_answer_that_sounds_rich_does_not_end_a_refusal() -> None:
    budget = RateLimiter(clock=Clock())
    budget.take()
    budget.hold({"Retry-After": "40"})
    budget.observe(told(199))
    assert budget.take() == 40


class Closing(threading.Event):
    """What a client waits on: no time passes but on the clock of the test."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        self.clock.now += timeout
        return self.is_set()


@pytest.fixture
def closing(client: Client) -> Closing:
    """The client waits by the clock of the test."""
    clock = Clock()
    client.budget = RateLimiter(0.1, clock=clock)
    client._closing = Closing(clock)
    return client._closing


def ask(client: Client) -> None:
    client.get("/conversations", {}, ConversationsAnswer)


def test_a_client_waits_when_the_budget_is_spent(
    upstream: Upstream, client: Client, closing: Closing
) -> None:
    upstream.script = in_turn(page_of([], told(20)), page_of([], told(199)))
    ask(client)
    assert closing.waits == []
    ask(client)
    assert closing.waits == [30]
    assert len(upstream.asked) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Retry-After": "7", "Retry-After": "9"}, 7),
        ({"Retry-After": "9"}, 9),
        ({"Date": HALF_PAST}, 30),
    ],
)
def test_a_client_asks_again_when_a_refusal_is_over(
    upstream: Upstream, client: Client, closing: Closing, headers: dict[str, str], seconds: float
) -> None:
    upstream.script = in_turn(Reply(429, headers=headers), page_of([]))
    ask(client)
    assert closing.waits == [seconds]
    assert len(upstream.asked) == 2


def test_requests_that_came_to_nothing_do_not_use_up_the_budget(
    upstream: Upstream, client: Client, closing: Closing
) -> None:
    lost = Reply(fate="dropped")
    upstream.script = in_turn(page_of([], told(23)), *[lost] * 6, page_of([], told(22)))
    ask(client)
    ask(client)
    assert closing.waits == []
    assert len(upstream.asked) == 8


def test_a_refused_sign_in_holds_everybody_as_well(
    upstream: Upstream, client: Client, closing: Closing
) -> None:
    granted = upstream.sign_in
    upstream.sign_in = lambda asked: (
        Reply(429, headers={"Retry-After": "8"}) if len(upstream.signed_in) == 1 else granted(asked)
    )
    ask(client)
    assert closing.waits == [8]


def test_a_limit_that_never_lifts_is_an_overload(
    upstream: Upstream, client: Client, closing: Closing
) -> None:
    upstream.script = in_turn(Reply(429, headers={"Retry-After": "9"}))
    with pytest.raises(Overloaded) as caught:
        ask(client)
    assert caught.value.status == 429
    assert closing.waits == [9] * 7
    assert client.budget.wait() == 9


def test_a_client_that_is_closed_while_it_waits_stops(upstream: Upstream, client: Client) -> None:
    client.budget.hold({"Retry-After": "3600"})
    waiting, stopped = threading.Event(), threading.Event()

    class Patient(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waiting.set()
            return super().wait(timeout)

    client._closing = Patient()

    def work() -> None:
        with pytest.raises(Stopped):
            ask(client)
        stopped.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert waiting.wait(10)
    client.close()
    thread.join(10)
    assert stopped.is_set()
    assert upstream.asked == []
