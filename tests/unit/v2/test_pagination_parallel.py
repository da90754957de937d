"""Windows that are fetched in parallel, and how many requests they take."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from random import Random

import pytest

from compat.simulator import Account, Behaviour, Simulator
from compat.v2.client import Client
from compat.v2.errors import AccessRefused, Cancelled, RequestRefused
from compat.v2.lanes import PageCallbacks, fetch_windows
from compat.v2.models import Conversation
from compat.v2.search import Selection, Window
from tests.unit.v2.upstream import (
    FIRST,
    QUIET,
    Asked,
    Living,
    Reply,
    Stage,
    Upstream,
    answer,
    conversation,
    page_of,
)

ALL = Selection()
YEAR = 365 * 86_400
StageAndClient = tuple[Stage, Client]


class Recorder:
    """Callbacks that record what they get."""

    def __init__(self) -> None:
        self.ids: set[int] = set()
        self.pages = 0
        self.expected: list[int] = []
        self.checks = 0

    def take(self, rows: Sequence[Conversation]) -> None:
        self.pages += 1
        self.ids.update(row.id for row in rows)

    def check(self) -> None:
        self.checks += 1

    @property
    def callbacks(self) -> PageCallbacks:
        return PageCallbacks(self.take, self.expected.append, self.check)


def account_with(rows: int, seconds: int = YEAR) -> Account:
    """Conversations at random different seconds of a year."""
    account = Account(clock=lambda: FIRST + seconds)
    for second in sorted(Random(5).sample(range(seconds), rows)):
        account.add(FIRST + second)
    return account


@pytest.mark.parametrize("workers", [1, 4])
def test_several_windows_are_fetched_and_nothing_in_between(
    stage_and_client: StageAndClient, workers: int
) -> None:
    stage, client = stage_and_client
    account = account_with(2000)
    stage.playing = Simulator(account, QUIET)
    ends = [(0, 30), (60, 61), (100, 250)]
    windows = [Window(FIRST + a * 86_400, FIRST + b * 86_400 - 1) for a, b in ends]
    recorder = Recorder()
    fetch_windows(client, ALL, windows, recorder.callbacks, workers=workers)
    wanted = {
        row.id
        for row in account.conversations()
        if any(window.first <= row.created <= window.last for window in windows)
    }
    assert recorder.ids == wanted
    assert sum(recorder.expected) == len(wanted)


def test_a_long_window_is_fetched_in_parts(stage_and_client: StageAndClient) -> None:
    stage, client = stage_and_client
    account = account_with(600)
    stage.playing = Simulator(account, Behaviour(rate_limit=None, page_size=5))
    recorder = Recorder()
    fetch_windows(client, ALL, [Window(FIRST, FIRST + YEAR)], recorder.callbacks, workers=4)
    assert recorder.ids == {row.id for row in account.conversations()}
    assert recorder.expected == [600]
    ends = {target.partition(" TO ")[2][:20] for target in stage.playing.targets}
    assert len(ends - {""}) >= 4


def test_the_callback_comes_before_every_request(upstream: Upstream, client: Client) -> None:
    upstream.script = Living([conversation(at, FIRST + at % 7) for at in range(100)], size=10)
    recorder = Recorder()
    fetch_windows(client, ALL, [Window(FIRST, FIRST + 3600)], recorder.callbacks, workers=2)
    assert recorder.checks == len(upstream.asked)


def test_a_callback_that_raises_stops_everything(upstream: Upstream, client: Client) -> None:
    upstream.script = Living([conversation(at, FIRST + at) for at in range(100)], size=5)

    def enough() -> None:
        if len(upstream.asked) >= 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        fetch_windows(
            client,
            ALL,
            [Window(FIRST, FIRST + 3600)],
            PageCallbacks(lambda _: None, before_request=enough),
            workers=1,
        )
    assert len(upstream.asked) == 3


@pytest.mark.parametrize(
    ("status", "kind"), [(404, RequestRefused), (400, RequestRefused), (403, AccessRefused)]
)
def test_an_error_in_one_part_stops_the_others(
    upstream: Upstream, client: Client, status: int, kind: type[Exception]
) -> None:
    living = Living([conversation(at, FIRST + at) for at in range(500)], size=5)
    failed = threading.Event()

    def script(asked: Asked) -> Reply:
        if asked.params["query"] > "(createdAt:[2015-01-01T00:06:00Z":
            failed.set()
            return Reply(status)
        assert len(upstream.asked) == 1 or failed.wait(10)
        return living(asked)

    upstream.script = script
    with pytest.raises(kind):
        fetch_windows(
            client, ALL, [Window(FIRST, FIRST + 499)], PageCallbacks(lambda _: None), workers=8
        )
    # Without the error the other parts would take ninety.
    assert len(upstream.asked) < 60


def test_rows_are_given_to_the_callback_by_one_thread_at_a_time(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = Living([conversation(at, FIRST + at) for at in range(300)], size=5)
    inside, calls = 0, 0
    largest = 0
    second = threading.Event()

    def take(_rows: Sequence[Conversation]) -> None:
        nonlocal inside, calls, largest
        inside, calls = inside + 1, calls + 1
        largest = max(largest, inside)
        if inside > 1:
            second.set()
        if calls == 2:
            second.wait(0.2)  # another thread must not enter
        inside -= 1

    fetch_windows(client, ALL, [Window(FIRST, FIRST + 299)], PageCallbacks(take), workers=2)
    assert largest == 1


def test_the_request_time_is_that_of_the_first_request(upstream: Upstream, client: Client) -> None:
    def script(asked: Asked) -> Reply:
        late = "[2015-01-01T00:00:00Z" in asked.params["query"]
        return page_of([], {"Date": f"Thu, 01 Jan 2015 00:{50 if late else 10}:00 GMT"})

    upstream.script = script
    windows = [Window(FIRST, FIRST + 1), Window(FIRST + 9, FIRST + 10)]
    began = fetch_windows(client, ALL, windows, PageCallbacks(lambda _: None), workers=2)
    assert FIRST + 570 < began < FIRST + 600


def test_only_the_callback_for_rows_is_required(upstream: Upstream, client: Client) -> None:
    upstream.script = lambda _: answer(
        {"page": {"size": 25, "totalElements": 0, "totalPages": 0, "number": 1}}
    )
    recorder = Recorder()
    fetch_windows(client, ALL, [Window(FIRST, FIRST)], PageCallbacks(recorder.take), workers=1)
    assert (recorder.pages, recorder.ids) == (1, set())


def by_day(seconds: float) -> float:
    """Nine in ten come in ten hours of a day."""
    day, within = divmod(seconds, 86_400)
    share = within / 86_400
    hours = 8 + 10 * share / 0.9 if share < 0.9 else 18 + 14 * (share - 0.9) / 0.1
    return (day * 24 + hours) * 3600


def growing(seconds: float) -> float:
    """Twenty times as many in the last month as in the first."""
    return YEAR * math.log1p(19 * seconds / YEAR) / math.log(20)


@pytest.mark.parametrize("shape", [float, by_day, growing], ids=["even", "by day", "growing"])
@pytest.mark.parametrize(
    ("rows", "size", "largest"), [(2_000, 25, 1.15), (2_000, 50, 1.15), (10_000, 25, 1.08)]
)
def test_a_window_costs_few_more_requests_than_its_pages(
    stage_and_client: StageAndClient,
    rows: int,
    size: int,
    largest: float,
    shape: Callable[[float], float],
) -> None:
    stage, client = stage_and_client
    account = Account(clock=lambda: FIRST + 2 * YEAR)
    for second in sorted(Random(5).sample(range(YEAR), rows)):
        account.add(FIRST + int(shape(second)))
    lists: list[str] = []
    stage.playing = Simulator(
        account,
        Behaviour(rate_limit=None, page_size=size),
        before_request=lambda _, target: lists.append(target),
    )
    recorder = Recorder()
    window = Window(FIRST, FIRST + YEAR + 86_400)
    fetch_windows(client, ALL, [window], recorder.callbacks, workers=4)
    assert len(recorder.ids) == rows
    assert len(lists) <= largest * rows / size
