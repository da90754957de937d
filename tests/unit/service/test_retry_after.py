"""How close `Retry-After` comes to what the answer then takes, with latency and a rate limit.

Upstream and its clock are simulated, so that minutes take no time.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from random import Random
from statistics import median
from typing import Final, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compat.core.models import Progress
from compat.single_flight import Call, SingleFlight
from compat.v2.rate_limit import RateLimiter
from tests.unit.service.doubles import LONG
from tests.unit.v2.virtual_upstream import CountingUpstream, Events, send

_ROWS: Final = 24
"""How many rows of a page are not on the page before."""

_EVERY: Final = 3.0
"""Seconds from one estimate to the next."""

_FEW: Final = 20
"""So many answers show how long requests take on average, if they vary."""


class Question(NamedTuple):
    """A question: when it is asked, in seconds, and how many pages its answer needs."""

    after: float
    pages: int


class Upstream(NamedTuple):
    """How upstream answers: seconds a request, a share by which they vary, requests a minute."""

    latency: float
    spread: float
    limit: int


class Estimate(NamedTuple):
    """Seconds until an answer: as `Retry-After` said, and as it took.

    `known` is how many requests were answered before.
    """

    said: int
    took: float
    known: int


class Service:
    """Answers questions: the first page of each alone, then several pages at a time.

    Attributes:
        made: What `Retry-After` said every few seconds until the answers were there.
    """

    def __init__(self, upstream: Upstream, *, calls: int, workers: int, seed: int) -> None:
        self.made: list[Estimate] = []
        self.clock = Events()
        self._random = Random(seed)
        self._upstream, self._workers = upstream, workers
        self._limiter = RateLimiter(0.1, clock=self.clock)
        self._counting = CountingUpstream(upstream.limit, ahead=self._random.random() * 60)
        self.flight = SingleFlight(self._compute, workers=calls, most=calls)

    def _compute(self, fetch: Fetch, progress: Progress) -> int:
        fetch.progress = progress
        fetch.begun.set()
        assert fetch.gate.wait(LONG)
        return 0

    def begin(self, pages: int) -> None:
        fetch = Fetch(pages)
        call = self.flight.start_or_join(fetch)
        assert fetch.begun.wait(LONG)
        self._fetch_page(fetch)
        self.clock.after(_EVERY, lambda: self._estimate(fetch, call))

    def _fetch_page(self, fetch: Fetch) -> None:
        if fetch.unsent:
            fetch.unsent -= 1
            vary = self._upstream.spread * (self._random.random() - 0.5)
            way = (0.0, self._upstream.latency * (1 + vary))
            send(self.clock, self._limiter, self._counting, way, partial(self._receive, fetch))

    def _receive(self, fetch: Fetch) -> None:
        progress = fetch.progress
        progress.expected = fetch.pages * _ROWS
        progress.received += _ROWS
        progress.pages += 1
        for _ in range(self._workers if progress.pages == 1 else 1):
            self._fetch_page(fetch)
        if progress.pages == fetch.pages:
            fetch.gate.set()
            ended = self.clock.now
            self.made += [Estimate(said, ended - at, known) for at, said, known in fetch.said]

    def _estimate(self, fetch: Fetch, call: Call[int]) -> None:
        if not fetch.gate.is_set():
            seconds_for = partial(self._limiter.seconds_for, workers=self._workers)
            said = self.flight.seconds_left(call, seconds_for)
            fetch.said.append((self.clock.now, said, fetch.progress.pages))
            self.clock.after(_EVERY, lambda: self._estimate(fetch, call))


class Fetch:
    """The fetching of one answer."""

    def __init__(self, pages: int) -> None:
        self.progress = Progress()
        self.begun, self.gate = threading.Event(), threading.Event()
        self.pages = self.unsent = pages
        self.said: list[tuple[float, int, int]] = []


def estimates(
    questions: Sequence[Question], upstream: Upstream, *, workers: int, seed: int
) -> list[Estimate]:
    """Ask questions, and ask for each of them again and again until its answer is there."""
    service = Service(upstream, calls=len(questions), workers=workers, seed=seed)
    for question in questions:
        service.clock.after(question.after, partial(service.begin, question.pages))
    service.clock.run()
    service.flight.close()
    return service.made


def relative_error(each: Estimate) -> float:
    """The error as a share of what the answer took; seconds are rounded up, so one is none."""
    return max(abs(each.said - each.took) - 1, 0) / max(each.took, 1)


UPSTREAMS = st.builds(
    Upstream,
    latency=st.floats(0.1, 1.0),
    spread=st.sampled_from([0.0, 0.5, 1.0]),
    limit=st.sampled_from([200, 400, 10**6]),
)
QUESTIONS = st.builds(Question, after=st.floats(0, 30), pages=st.integers(100, 700))


@settings(max_examples=max(settings().max_examples // 10, 20))
@given(question=QUESTIONS, upstream=UPSTREAMS, workers=st.integers(1, 8), seed=st.integers(0, 999))
@example(
    question=Question(after=0.0, pages=458),
    upstream=Upstream(latency=0.953125, spread=1.0, limit=10**6),
    workers=1,
    seed=458,
).via("the last requests are fast by chance")
@example(
    question=Question(after=9.475424706157492, pages=489),
    upstream=Upstream(latency=0.9149151366234908, spread=1.0, limit=10**6),
    workers=1,
    seed=178,
).via("the first requests are slow by chance")
@example(
    question=Question(after=22.10104135333667, pages=263),
    upstream=Upstream(latency=0.8443513854914698, spread=0.0, limit=10**6),
    workers=8,
    seed=819,
).via("all requests under way end in the next moment")
def test_each_estimate_comes_close_to_what_the_answer_takes(
    question: Question, upstream: Upstream, workers: int, seed: int
) -> None:
    made = estimates([question], upstream, workers=workers, seed=seed)
    for each in made:
        assert abs(each.said - each.took) <= largest_error(each, upstream)


def largest_error(each: Estimate, upstream: Upstream) -> float:
    """By how many seconds an estimate may be wrong.

    - An estimate knows how long a request takes by those that were answered. While these are few,
      all of them may be slow or fast by chance; later only the average of the latest varies.
    - Of the requests that are under way it knows only that they are not answered yet. All of
      them may end in the next moment, and it counts one round of them, and the last one once more.
    - Seconds are rounded up.
    - Where the rate limit binds, a single request more can wait for the next minute.
    """
    margin, varies = (0.1, 0.5) if each.known < _FEW else (0.15, 0.2)
    slowest = upstream.latency * (1 + upstream.spread / 2)
    minute = 60 if upstream.limit < 10**6 else 0
    return (margin + varies * upstream.spread) * each.took + 2 * slowest + 1 + minute


@pytest.mark.parametrize("limit", [200, 400, 10**6])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_half_of_the_estimates_are_right_to_a_tenth_while_other_questions_are_answered(
    limit: int, number: int
) -> None:
    errors: list[float] = []
    for seed in range(5):
        random = Random(seed)
        questions = [
            Question(after=30 * random.random(), pages=random.randrange(100, 700))
            for _ in range(number)
        ]
        upstream = Upstream(latency=random.uniform(0.1, 0.5), spread=0.5, limit=limit)
        errors += map(relative_error, estimates(questions, upstream, workers=4, seed=seed))
    assert len(errors) >= 10
    assert median(errors) <= 0.1
