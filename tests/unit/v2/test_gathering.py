"""Several walks side by side, and what they cost."""

from __future__ import annotations

import threading
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.simulator import Account, Behaviour, Simulator
from compat.v2 import pagination
from compat.v2.client import Client
from compat.v2.errors import AccessRefused, RequestRefused, Stopped
from compat.v2.models import ConversationsAnswer
from compat.v2.pagination import Selection, Walk, Window, cut, second_of
from compat.v2.parallel_pagination import Rows, Sink, gather
from compat.v2.search import LAST_SECOND
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
Theatre = tuple[Stage, Client]


class Basket:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.ids: set[int] = set()
        self.pages = 0
        self.expected: list[int] = []
        self.checks = 0

    def take(self, rows: Rows) -> None:
        self.pages += 1
        self.ids.update(row.id for row in rows)

    def check(self) -> None:
        self.checks += 1

    @property
    def sink(self) -> Sink:
        return Sink(self.take, self.expected.append, self.check)


def spread(rows: int, seconds: int = YEAR) -> Account:
    """Conversations at seconds of their own, here and there in a year."""
    account = Account(clock=lambda: FIRST + seconds)
    for second in sorted(Random(5).sample(range(seconds), rows)):
        account.add(FIRST + second)
    return account


@given(
    first=st.integers(-(10**11), LAST_SECOND),
    seconds=st.one_of(st.integers(0, 12), st.integers(0, 10**9)),
    pages=st.integers(1, 1000),
)
def test_parts_tile_the_window(first: int, seconds: int, pages: int) -> None:
    window = Window(first, first + seconds - 1)
    parts = cut(window, pages)
    assert (parts[0].first, parts[-1].last) == (window.first, window.last)
    assert all(part.last + 1 == later.first for part, later in pairwise(parts))
    assert len(parts) == 1 or all(part.first <= part.last for part in parts)


@pytest.mark.parametrize(
    ("pages", "more", "parts"),
    [(0, 1, 1), (1, 0, 1), (2, -1, 1), (2, 0, 2), (3, -1, 2), (8, -1, 7), (8, 0, 8), (99, 0, 8)],
)
def test_only_long_walks_are_cut(pages: int, more: int, parts: int) -> None:
    many = pages * pagination._PAGES_THAT_PAY + more
    assert len(cut(Window(0, YEAR), many)) == parts


@pytest.mark.parametrize(("seconds", "parts"), [(1, 1), (2, 2), (3, 3), (8, 8), (9, 8)])
def test_no_part_is_shorter_than_a_second(seconds: int, parts: int) -> None:
    assert len(cut(Window(7, 7 + seconds - 1), 1000)) == parts


def test_an_opening_says_what_is_to_come(theatre: Theatre) -> None:
    stage, client = theatre
    account = spread(60)
    stage.playing = Simulator(account, QUIET)
    opening = Walk(client, ALL, ConversationsAnswer).open(Window(FIRST, FIRST + YEAR))
    last = account.conversations()[24].created
    assert [second_of(row) for row in opening.rows][-1] == last
    assert (opening.expected, opening.rest) == (60, (Window(last, FIRST + YEAR),))
    assert FIRST + YEAR - 30 < opening.asked_at < FIRST + YEAR


def test_an_opening_that_shows_all_leaves_nothing(theatre: Theatre) -> None:
    stage, client = theatre
    stage.playing = Simulator(spread(25), QUIET)
    assert Walk(client, ALL, ConversationsAnswer).open(Window(FIRST, FIRST + YEAR)).rest == ()


@pytest.mark.parametrize("workers", [1, 4])
def test_several_windows_are_gathered_and_nothing_in_between(
    theatre: Theatre, workers: int
) -> None:
    stage, client = theatre
    account = spread(2000)
    stage.playing = Simulator(account, QUIET)
    ends = [(0, 30), (60, 61), (100, 250)]
    windows = [Window(FIRST + a * 86_400, FIRST + b * 86_400 - 1) for a, b in ends]
    basket = Basket()
    gather(client, ALL, windows, basket.sink, workers=workers)
    wanted = {
        row.id
        for row in account.conversations()
        if any(window.first <= row.created <= window.last for window in windows)
    }
    assert basket.ids == wanted
    assert sum(basket.expected) == len(wanted)


def test_a_long_window_is_gathered_in_parts(theatre: Theatre) -> None:
    stage, client = theatre
    account = spread(600)
    stage.playing = Simulator(account, Behaviour(rate_limit=None, page_size=5))
    basket = Basket()
    gather(client, ALL, [Window(FIRST, FIRST + YEAR)], basket.sink, workers=4)
    assert basket.ids == {row.id for row in account.conversations()}
    ends = {target.partition(" TO ")[2][:20] for target in stage.playing.targets}
    assert len(ends - {""}) == 120 // pagination._PAGES_THAT_PAY


def test_the_check_comes_before_every_request(upstream: Upstream, client: Client) -> None:
    upstream.script = Living([conversation(at, FIRST + at % 7) for at in range(100)], size=10)
    basket = Basket()
    gather(client, ALL, [Window(FIRST, FIRST + 3600)], basket.sink, workers=2)
    assert basket.checks == len(upstream.asked)


def test_a_check_that_raises_stops_everything(upstream: Upstream, client: Client) -> None:
    upstream.script = Living([conversation(at, FIRST + at) for at in range(100)], size=5)

    def enough() -> None:
        if len(upstream.asked) >= 3:
            raise Stopped("enough")

    with pytest.raises(Stopped, match="enough"):
        gather(
            client,
            ALL,
            [Window(FIRST, FIRST + 3600)],
            Sink(lambda _: None, check=enough),
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
        gather(client, ALL, [Window(FIRST, FIRST + 499)], Sink(lambda _: None), workers=8)
    # On their own the other parts would take ninety.
    assert len(upstream.asked) < 60


def test_a_sink_is_given_to_by_one_thread_at_a_time(upstream: Upstream, client: Client) -> None:
    upstream.script = Living([conversation(at, FIRST + at) for at in range(300)], size=5)
    inside, calls = 0, 0
    most = 0
    second = threading.Event()

    def take(_rows: Rows) -> None:
        nonlocal inside, calls, most
        inside, calls = inside + 1, calls + 1
        most = max(most, inside)
        if inside > 1:
            second.set()
        if calls == 2:
            second.wait(0.2)  # for who must not come
        inside -= 1

    gather(client, ALL, [Window(FIRST, FIRST + 299)], Sink(take), workers=2)
    assert most == 1


def test_the_beginning_is_that_of_the_walk_that_began_first(
    upstream: Upstream, client: Client
) -> None:
    def script(asked: Asked) -> Reply:
        late = "[2015-01-01T00:00:00Z" in asked.params["query"]
        return page_of([], {"Date": f"Thu, 01 Jan 2015 00:{50 if late else 10}:00 GMT"})

    upstream.script = script
    windows = [Window(FIRST, FIRST + 1), Window(FIRST + 9, FIRST + 10)]
    began = gather(client, ALL, windows, Sink(lambda _: None), workers=2)
    assert FIRST + 570 < began < FIRST + 600


def test_a_sink_may_care_for_rows_alone(upstream: Upstream, client: Client) -> None:
    upstream.script = lambda _: answer(
        {"page": {"size": 25, "totalElements": 0, "totalPages": 0, "number": 1}}
    )
    basket = Basket()
    gather(client, ALL, [Window(FIRST, FIRST)], Sink(basket.take), workers=1)
    assert (basket.pages, basket.ids) == (1, set())


@pytest.mark.parametrize("size", [25, 50])
@pytest.mark.parametrize(("rows", "most"), [(1_000, 1.15), (10_000, 1.08)])
def test_a_walk_costs_little_more_than_its_pages(
    theatre: Theatre, rows: int, size: int, most: float
) -> None:
    stage, client = theatre
    account = spread(rows)
    lists: list[str] = []
    stage.playing = Simulator(
        account,
        Behaviour(rate_limit=None, page_size=size),
        before_request=lambda _, target: lists.append(target),
    )
    basket = Basket()
    gather(client, ALL, [Window(FIRST, FIRST + YEAR)], basket.sink, workers=4)
    assert len(basket.ids) == rows
    assert len(lists) <= most * rows / size
