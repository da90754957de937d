"""The rate limit is read from headers, shared by all threads, and never exceeded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.v2.client import Client
from compat.v2.errors import Cancelled, Overloaded
from compat.v2.models import ConversationPage
from compat.v2.rate_limit import RateLimiter, date_header
from tests.unit.v2.upstream import Reply, Upstream, in_turn, page_of
from tests.unit.v2.virtual_upstream import (
    HALF_PAST,
    Clock,
    CountingUpstream,
    Events,
    rate_headers,
    send,
)


def limiter_after(headers: Mapping[str, str], reserve: float = 0.1) -> tuple[RateLimiter, Clock]:
    """A rate limiter after one response."""
    clock = Clock()
    limiter = RateLimiter(reserve, clock=clock)
    assert limiter.acquire() == 0
    limiter.release(headers, limiter.clock())
    return limiter, clock


def test_requests_are_not_limited_before_the_first_response() -> None:
    limiter = RateLimiter(0.1, clock=Clock())
    assert [limiter.acquire() for _ in range(50)] == [0] * 50
    assert limiter.seconds_to_wait() == 0


def test_requests_are_not_limited_on_a_machine_that_has_just_started() -> None:
    assert RateLimiter(0.1, clock=lambda: 0.0).acquire() == 0


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
    limiter, _ = limiter_after(rate_headers(left, limit), reserve)
    assert (limiter.acquire() == 0) is free


def test_requests_under_way_count() -> None:
    limiter, _ = limiter_after(rate_headers(23))
    assert [limiter.acquire() == 0 for _ in range(5)] == [True, True, True, False, False]


def test_a_request_without_a_response_is_not_counted() -> None:
    limiter, _ = limiter_after(rate_headers(21))
    assert limiter.acquire() == 0
    assert limiter.acquire() > 0
    limiter.release(None, limiter.clock())
    assert limiter.acquire() == 0


def test_a_response_without_headers_is_not_counted() -> None:
    limiter, _ = limiter_after(rate_headers(21))
    assert limiter.acquire() == 0
    limiter.release({}, limiter.clock())
    assert limiter.acquire() == 0
    assert limiter.acquire() > 0


def test_seconds_to_wait_acquires_nothing() -> None:
    limiter, _ = limiter_after(rate_headers(21))
    assert [limiter.seconds_to_wait() for _ in range(3)] == [0, 0, 0]
    assert limiter.acquire() == 0
    assert limiter.seconds_to_wait() == 30


def test_a_used_up_limit_waits_for_the_next_minute_of_upstreams_clock() -> None:
    limiter, clock = limiter_after(rate_headers(20))
    assert limiter.acquire() == 30
    clock.now += 29.5
    assert limiter.acquire() == 0.5
    clock.now += 0.75
    assert [limiter.acquire() for _ in range(30)] == [0] * 30


def test_the_latest_response_counts() -> None:
    limiter, clock = limiter_after(rate_headers(20))
    clock.now += 30
    limiter.acquire()
    limiter.release(rate_headers(199, date="Thu, 01 Jan 2015 00:01:00 GMT"), limiter.clock())
    assert limiter.acquire() == 0
    limiter.release(rate_headers(3, date="Thu, 01 Jan 2015 00:01:05 GMT"), limiter.clock())
    assert limiter.acquire() == 55


def acquired(limiter: RateLimiter) -> int:
    """How many requests can be acquired now."""
    count = 0
    while limiter.acquire() == 0:
        count += 1
        assert count < 1000, "there is no limit"
    return count


def test_within_a_minute_the_lowest_number_counts() -> None:
    limiter, clock = limiter_after(rate_headers(30))
    limiter.acquire()
    limiter.release(rate_headers(34), clock.now)
    assert acquired(limiter) == 10


def test_a_minute_ends_as_early_as_any_of_its_responses_says() -> None:
    limiter, clock = limiter_after(rate_headers(30))
    limiter.acquire()
    clock.now += 0.75  # upstream still shows the same second
    limiter.release(rate_headers(20), clock.now)
    assert limiter.acquire() == 29.25


def test_a_new_minute_begins_with_the_whole_limit_less_the_requests_under_way() -> None:
    limiter, clock = limiter_after(rate_headers(25))
    assert acquired(limiter) == 5
    clock.now += 30
    assert acquired(limiter) == 180 - 5


def test_a_request_of_the_minute_before_says_nothing_about_the_next() -> None:
    limiter, clock = limiter_after(rate_headers(25))
    limiter.acquire()
    sent = clock.now
    clock.now += 30
    limiter.release(rate_headers(20, date="Thu, 01 Jan 2015 00:00:59 GMT"), sent)
    assert acquired(limiter) == 179


def test_a_request_that_spans_the_end_of_a_minute_counts_as_one_of_the_next() -> None:
    limiter, clock = limiter_after(rate_headers(25))
    limiter.acquire()
    sent = clock.now
    clock.now += 31
    limiter.release(rate_headers(24, date="Thu, 01 Jan 2015 00:01:01 GMT"), sent)
    assert acquired(limiter) == 179


def test_a_request_that_is_sent_as_a_minute_begins_counts_in_it() -> None:
    limiter, clock = limiter_after(rate_headers(25))
    clock.now += 30
    limiter.acquire()
    limiter.release(rate_headers(150, date="Thu, 01 Jan 2015 00:01:00 GMT"), clock.now)
    assert acquired(limiter) == 130


def test_a_minute_may_begin_up_to_a_second_earlier_than_expected() -> None:
    limiter, clock = limiter_after(rate_headers(25))
    limiter.acquire()
    clock.now += 29.25
    limiter.release(rate_headers(199, date="Thu, 01 Jan 2015 00:01:00 GMT"), clock.now - 0.25)
    assert acquired(limiter) == 179
    clock.now += 60
    assert acquired(limiter) > 0


@pytest.mark.parametrize(
    ("one", "other", "rest"),
    [(0, 30, 30), (30, 0, 30), (5, 30, 30), (30, 5, 30), (29, 59, 1), (59, 34, 1)],
)
def test_servers_whose_clocks_are_up_to_half_a_minute_apart_are_in_the_same_minute(
    one: int, other: int, rest: float
) -> None:
    limiter, clock = limiter_after(rate_headers(35, date=f"Thu, 01 Jan 2015 00:00:{one:02} GMT"))
    limiter.acquire()
    shown = rate_headers(30, date=f"Thu, 01 Jan 2015 00:00:{other:02} GMT")
    limiter.release(shown, clock.now)
    assert acquired(limiter) == 10
    assert limiter.seconds_to_wait() == rest


def test_a_server_whose_clock_is_behind_says_nothing_about_the_new_minute() -> None:
    limiter, clock = limiter_after(rate_headers(25))
    clock.now += 30.25
    limiter.acquire()
    limiter.release(rate_headers(3, date="Thu, 01 Jan 2015 00:00:59 GMT"), clock.now)
    assert acquired(limiter) == 179


def run_workers(
    upstream: CountingUpstream, workers: int, way: Callable[[], tuple[float, float]], minutes: int
) -> None:
    """Let workers send as many requests as the limiter allows, for some minutes."""
    clock = Events()
    limiter = RateLimiter(0.1, clock=clock)

    def work() -> None:
        send(clock, limiter, upstream, way(), work)

    for _ in range(workers):
        work()
    clock.run(clock.now + 60 * minutes)


@given(
    workers=st.integers(1, 16),
    limit=st.sampled_from([20, 200, 400, 800]),
    ahead=st.floats(0, 60),
    there=st.floats(0.01, 1),
    back=st.floats(0.01, 1),
    seed=st.integers(0, 999),
)
def test_requests_side_by_side_never_exceed_the_limit_and_use_what_the_reserve_leaves(
    *, workers: int, limit: int, ahead: float, there: float, back: float, seed: int
) -> None:
    upstream, random = CountingUpstream(limit, ahead), Random(seed)
    run_workers(
        upstream,
        workers,
        lambda: (there * (0.5 + random.random()), back * (0.5 + random.random())),
        minutes=5,
    )
    whole = list(upstream.counted.values())[1:-1]
    assert max(upstream.counted.values()) <= limit
    # A worker may be late by a second at the beginning of a minute, and by a request at its end.
    fastest = workers * (60 - 1.5 - 3 * (there + back)) / (1.5 * (there + back))
    least = min(0.9 * limit - workers, 0.6 * fastest)
    assert all(each >= least for each in whole)


@given(workers=st.integers(1, 8), ahead=st.floats(0, 60), others=st.sampled_from([50, 150, 179]))
def test_what_others_use_is_left_to_them(workers: int, ahead: float, others: int) -> None:
    upstream = CountingUpstream(200, ahead, others)
    run_workers(upstream, workers, lambda: (0.1, 0.15), minutes=4)
    first_second = workers * 1.5 / 0.25 + workers  # until a response says what is left
    assert max(upstream.counted.values()) <= max(180 - others, 0) + first_second


@pytest.mark.parametrize(
    ("requests", "others", "workers", "seconds"),
    [
        (0, 0, 4, 0),
        (1, 0, 4, 0.5),
        (40, 0, 1, 20),  # half a second each
        (40, 0, 4, 5.375),  # the last one goes on while the others have ended
        (40, 50, 4, 5.375),  # others do not delay them while the limit allows all
        (100, 0, 4, 12.875),  # as many as are left in this minute
        (101, 0, 4, 30.5),  # one waits for the next
        (60, 41, 4, 30.45),  # others take a part of the limit
        (100 + 180 + 1, 0, 4, 90.5),
    ],
)
def test_the_seconds_for_requests_follow_from_the_latest_ones_and_the_limit(
    requests: float, others: float, workers: int, seconds: float
) -> None:
    clock = Clock()
    limiter = RateLimiter(0.1, clock=clock)
    limiter.acquire()
    sent = clock.now
    clock.now += 0.5
    limiter.release(rate_headers(120), sent)
    assert limiter.seconds_for(requests, others, workers=workers) == pytest.approx(seconds, abs=0.1)


def test_requests_are_expected_to_take_no_time_before_the_first_response() -> None:
    assert RateLimiter(0.1, clock=Clock()).seconds_for(100, workers=4) == 0


def limiter_after_request(
    headers: Mapping[str, str], took: float, reserve: float = 0.1
) -> tuple[RateLimiter, Clock]:
    """A rate limiter after one response, which took some seconds."""
    clock = Clock()
    limiter = RateLimiter(reserve, clock=clock)
    limiter.acquire()
    sent = clock.now
    clock.now += took
    limiter.release(headers, sent)
    return limiter, clock


def test_a_request_that_outlasts_its_minute_takes_no_longer_for_that() -> None:
    limiter, clock = limiter_after_request(rate_headers(120), took=10)
    clock.now += 28
    assert limiter.seconds_for(10, workers=1) == pytest.approx(100)


def test_a_limit_of_one_request_lets_one_through_each_minute() -> None:
    limiter, _ = limiter_after_request(rate_headers(0, limit=1), took=0.5)
    assert limiter.seconds_for(3, workers=1) == pytest.approx(30 + 60 + 60 + 0.5)


def test_what_is_left_to_others_whole_makes_no_estimate_endless() -> None:
    limiter, _ = limiter_after_request(rate_headers(199), took=0.5, reserve=1.0)
    assert limiter.seconds_for(10, workers=1) == pytest.approx(30 + 10 * 0.5)


def test_the_limit_makes_no_request_wait_for_more_than_an_hour_in_an_estimate() -> None:
    date = "Thu, 01 Jan 2015 00:00:00 GMT"
    limiter, _ = limiter_after_request(rate_headers(200, date=date), took=0)
    assert limiter.seconds_for(180 * 60, workers=4) == pytest.approx(59 * 60)
    assert limiter.seconds_for(180 * 6000, workers=4) == pytest.approx(60 * 60)


def test_requests_under_way_take_a_part_of_the_limit() -> None:
    clock = Clock()
    limiter = RateLimiter(0.1, clock=clock)
    limiter.acquire()
    sent = clock.now
    clock.now += 0.5
    limiter.release(rate_headers(120), sent)
    assert limiter.seconds_for(100, workers=4) < 15
    limiter.acquire()
    assert limiter.seconds_for(100, workers=4) > 30


def test_requests_follow_a_pause_before_any_limit_is_known() -> None:
    clock = Clock()
    limiter = RateLimiter(0.1, clock=clock)
    limiter.acquire()
    sent = clock.now
    clock.now += 0.5
    limiter.release({}, sent)
    limiter.pause({"Retry-After": "7"})
    assert limiter.seconds_for(0, workers=1) == 7
    assert limiter.seconds_for(10, workers=1) == pytest.approx(7 + 10 * 0.5)


def test_a_request_is_expected_to_take_as_long_as_those_before_on_average() -> None:
    clock = Clock()
    limiter = RateLimiter(0.1, clock=clock)
    for seconds in (1.0, 3.0):
        limiter.acquire()
        sent = clock.now
        clock.now += seconds
        limiter.release({}, sent)
    assert limiter.seconds_for(10, workers=1) == pytest.approx(10 * 2.0)


def test_the_seconds_for_requests_begin_with_the_end_of_a_pause() -> None:
    limiter, _ = limiter_after(rate_headers(20))
    assert limiter.seconds_for(0, workers=4) == 30
    assert limiter.seconds_for(180, workers=4) == pytest.approx(30)
    assert limiter.seconds_for(181, workers=4) == pytest.approx(90)


@pytest.mark.parametrize("date", ["", "soon", "Thu, 32 Foo 2015 00:00:30 GMT"])
def test_without_a_date_the_local_clock_gives_the_minute(date: str) -> None:
    limiter, _ = limiter_after(rate_headers(20, date=date))
    assert 0 < limiter.acquire() <= 60


@pytest.mark.parametrize("garbage", ["", " ", "-1", "1.5", "many", "²", "9" * 10, "0x10", "1 2"])
def test_invalid_headers_are_ignored(garbage: str) -> None:
    limiter, _ = limiter_after(rate_headers(garbage))
    assert limiter.acquire() == 0
    limiter.release(rate_headers(0, limit=garbage), limiter.clock())
    assert limiter.acquire() == 0


def test_a_limit_of_no_requests_is_none() -> None:
    limiter, _ = limiter_after(rate_headers(0, limit=0))
    assert limiter.acquire() == 0


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_no_header_breaks_the_rate_limiter(number: str, date: str) -> None:
    limiter, _ = limiter_after(rate_headers(number, number, date))
    limiter.pause({"X-RateLimit-Retry-After": number, "Retry-After": number, "Date": date})
    assert 0 <= limiter.seconds_to_wait() <= 3600


@pytest.mark.parametrize(
    "date",
    [
        f"Wed, 21 Oct {'9' * 20} 07:28:00 GMT",
        f"Wed, 21 Oct 2015 {'9' * 20}:28:00 GMT",
        f"Wed, 21 Oct 2015 07:28:00 +{'9' * 20}",
        f"Wed, 21 Oct {'9' * 5000} 07:28:00 GMT",
        "Wed, 21 Oct 2015 07:28:00 +2400",
        "Wed, 21 Oct 2015 07:28:61 GMT",
        "yesterday",
    ],
)
def test_without_a_clock_that_can_be_read_the_minute_is_ours(date: str) -> None:
    limiter, _ = limiter_after(rate_headers("10", "10", date))
    limiter.pause({"Date": date})
    assert 0 < limiter.seconds_to_wait() <= 60


@pytest.mark.parametrize(
    ("date", "second"),
    [
        ("Thu, 01 Jan 2015 00:00:30 GMT", 1_420_070_430),
        ("Thu, 01 Jan 2015 01:00:30 +0100", 1_420_070_430),
        ("Thu, 01 Jan 2015 00:00:30 -0000", 1_420_070_430),
        ("Thu, 01 Jan 2015 00:00:30", 1_420_070_430),
        ("", None),
    ],
)
@pytest.mark.usefixtures("machine_in_honolulu")
def test_a_date_is_read_in_its_zone_and_in_utc_if_it_names_none(
    date: str, second: int | None
) -> None:
    shown = date_header({"Date": date})
    assert (shown and shown.timestamp()) == second


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
def test_a_429_pauses_all_threads_for_as_long_as_it_says(
    headers: dict[str, str], seconds: float
) -> None:
    clock = Clock()
    limiter = RateLimiter(0.1, clock=clock)
    limiter.pause(headers)
    assert [limiter.acquire() for _ in range(3)] == [seconds] * 3
    clock.now += seconds
    assert limiter.acquire() == 0


def test_a_shorter_pause_does_not_shorten_a_longer_one() -> None:
    limiter = RateLimiter(0.1, clock=Clock())
    limiter.pause({"Retry-After": "40"})
    limiter.pause({"Retry-After": "5"})
    assert limiter.acquire() == 40


def test_a_limit_that_is_used_up_is_waited_for_after_the_end_of_a_pause() -> None:
    limiter, clock = limiter_after(rate_headers(20))
    limiter.pause({"Retry-After": "10"})
    clock.now += 10
    assert limiter.acquire() == 20


def test_a_response_with_requests_left_does_not_end_a_pause() -> None:
    limiter = RateLimiter(0.1, clock=Clock())
    limiter.acquire()
    limiter.pause({"Retry-After": "40"})
    limiter.release(rate_headers(199), limiter.clock())
    assert limiter.acquire() == 40


class ClosedEvent(threading.Event):
    """The event that a client waits for; waiting moves the clock of the test."""

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
def closing(client: Client) -> ClosedEvent:
    """The client uses the clock of the test."""
    clock = Clock()
    client.rate_limiter = RateLimiter(0.1, clock=clock)
    client._closed = ClosedEvent(clock)
    return client._closed


def get_page(client: Client) -> None:
    client.get("/conversations", {}, ConversationPage)


def test_a_client_waits_when_no_request_is_left(
    upstream: Upstream, client: Client, closing: ClosedEvent
) -> None:
    upstream.script = in_turn(page_of([], rate_headers(20)), page_of([], rate_headers(199)))
    get_page(client)
    assert closing.waits == []
    get_page(client)
    assert closing.waits == [30]
    assert len(upstream.asked) == 2


def test_a_client_also_waits_for_a_part_of_a_second(
    upstream: Upstream, client: Client, closing: ClosedEvent
) -> None:
    upstream.script = in_turn(page_of([], rate_headers(20)), page_of([], rate_headers(199)))
    get_page(client)
    closing.clock.now += 29.5
    get_page(client)
    assert closing.waits == [0.5]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Retry-After": "7", "Retry-After": "9"}, 7),
        ({"Retry-After": "9"}, 9),
        ({"Date": HALF_PAST}, 30),
    ],
)
def test_a_client_retries_after_a_429(
    upstream: Upstream,
    client: Client,
    closing: ClosedEvent,
    headers: dict[str, str],
    seconds: float,
) -> None:
    upstream.script = in_turn(Reply(429, headers=headers), page_of([]))
    get_page(client)
    assert closing.waits == [seconds]
    assert len(upstream.asked) == 2


def test_failed_requests_do_not_use_up_the_limit(
    upstream: Upstream, client: Client, closing: ClosedEvent
) -> None:
    lost = Reply(fate="dropped")
    upstream.script = in_turn(
        page_of([], rate_headers(23)), *[lost] * 6, page_of([], rate_headers(22))
    )
    get_page(client)
    get_page(client)
    assert closing.waits == []
    assert len(upstream.asked) == 8


def test_a_429_for_a_token_also_pauses_all_threads(
    upstream: Upstream, client: Client, closing: ClosedEvent
) -> None:
    granted = upstream.sign_in
    upstream.sign_in = lambda asked: (
        Reply(429, headers={"Retry-After": "8"}) if len(upstream.signed_in) == 1 else granted(asked)
    )
    get_page(client)
    assert closing.waits == [8]


def test_a_429_that_never_ends_is_an_overload(
    upstream: Upstream, client: Client, closing: ClosedEvent
) -> None:
    upstream.script = in_turn(Reply(429, headers={"Retry-After": "9"}))
    with pytest.raises(Overloaded) as caught:
        get_page(client)
    assert caught.value.status == 429
    assert closing.waits == [9] * 7
    assert client.rate_limiter.seconds_to_wait() == 9


def test_a_client_that_is_closed_while_it_waits_stops(upstream: Upstream, client: Client) -> None:
    client.rate_limiter.pause({"Retry-After": "3600"})
    waiting, stopped = threading.Event(), threading.Event()

    class Patient(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waiting.set()
            return super().wait(timeout)

    client._closed = Patient()

    def work() -> None:
        with pytest.raises(Cancelled):
            get_page(client)
        stopped.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert waiting.wait(10)
    client.close()
    thread.join(10)
    assert stopped.is_set()
    assert upstream.asked == []
