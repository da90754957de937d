"""Windows that several workers read: who reads which second, whatever changes meanwhile."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.simulator.conversation import format_timestamp
from compat.v2.client import ApiResponse, Client
from compat.v2.errors import Cancelled, InconsistentData, Unreachable
from compat.v2.lanes import Lane, LanePage, UnreadWindow, read_lanes
from compat.v2.models import Conversation, ConversationPage
from compat.v2.pagination import Batch, Paginator, SharedWindow
from compat.v2.search import Selection, Window
from tests.unit.v2.upstream import FIRST, Living, Upstream, conversation, divide_lanes

SPAN = 40
WHOLE = Window(FIRST, FIRST + SPAN)
STATUSES = ("spam", "all", "spam")

BURSTS = st.dictionaries(
    st.integers(0, SPAN), st.sampled_from([1, 1, 1, 2, 3, 4, 5, 8, 11, 20]), max_size=14
)
"""How many conversations there are at some seconds."""


@dataclass
class MemoryList:
    """A list of conversations in memory, which answers requests as a client does.

    Attributes:
        bursts: How many conversations there are, by second after the first.
        size: How many are on a page.
        before: Called before a request is answered.
        after: Called when it is answered, before the answer is received.
        rows: The second, the number and the status of each conversation that exists, by id.
        throughout: The ids of those that have existed, and will.
        requests: How many requests were answered.
    """

    bursts: Mapping[int, int]
    size: int
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None
    rows: dict[int, tuple[int, int, str]] = field(default_factory=dict)
    throughout: set[int] = field(default_factory=set)
    requests: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        for second, many in self.bursts.items():
            for _ in range(many):
                self.add(second)
        self.throughout = set(self.rows)

    def add(self, second: int) -> None:
        row_id = len(self.rows) + 1_000 * (self.requests + 1)
        self.rows[row_id] = (FIRST + second, row_id * 7_919 % 100_003, "active")

    def remove(self, at: int) -> None:
        if self.rows:
            row_id = sorted(self.rows)[at % len(self.rows)]
            del self.rows[row_id]
            self.throughout.discard(row_id)

    def turn(self, at: int) -> None:
        """Mark a conversation as spam, or take the mark away."""
        if self.rows:
            row_id = sorted(self.rows)[at % len(self.rows)]
            second, number, status = self.rows[row_id]
            self.rows[row_id] = (second, number, "spam" if status == "active" else "active")

    def client(self) -> Client:
        return cast(Client, self)

    def get(
        self,
        _path: str,
        params: Mapping[str, str],
        model: type[Any],
        *,
        check: Callable[[Any], None],
        check_stopped: Callable[[], None],
    ) -> ApiResponse[Any]:
        check_stopped()
        with self._lock:
            self.before()
            self.requests += 1
            page = model.model_validate_json(json.dumps(self._page(params)))
            self.after()
        check(page)
        return ApiResponse(page, FIRST + 86_400)

    def _page(self, params: Mapping[str, str]) -> dict[str, Any]:
        bounds = re.search(r"createdAt:\[(\S+) TO (\S+)\]", params["query"])
        assert bounds is not None
        by_number, number = params["sortField"] == "number", int(params["page"])
        found = sorted(
            (row[by_number], row_id, row[0])
            for row_id, row in self.rows.items()
            if bounds[1] <= format_timestamp(row[0]) <= bounds[2]
            and (row[2] == "spam") == (params["status"] == "spam")
        )
        shown = found[(number - 1) * self.size : number * self.size]
        return {
            "_embedded": {"conversations": [conversation(row_id, at) for _, row_id, at in shown]},
            "page": {"totalElements": len(found), "totalPages": -(-len(found) // self.size)},
        }


CHANGES = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "turn", ""]), st.integers(0, SPAN)), max_size=30
)
"""What changes before each request, and which second or row it concerns."""

SOONEST = st.lists(st.one_of(st.none(), st.integers(-2, SPAN)), max_size=40)
"""After which second, counted from the first unclaimed one, a part is taken over; or none is."""


def changes_of(account: MemoryList, changes: list[tuple[str, int]]) -> Callable[[], None]:
    """Make the next change with each call."""
    left = list(changes)

    def change() -> None:
        what, at = left.pop(0) if left else ("", 0)
        if what:
            getattr(account, what)(at)

    return change


def existing(account: MemoryList, window: Window) -> set[int]:
    """The ids in a window that exist all the time."""
    return {
        row_id
        for row_id in account.throughout
        if window.first <= account.rows[row_id][0] <= window.last
    }


# One window, divided at any moment.


@settings(max_examples=max(settings().max_examples, 200))
@given(
    bursts=BURSTS,
    size=st.integers(3, 8),
    changes=CHANGES,
    before=SOONEST,
    after=SOONEST,
    between=SOONEST,
)
def test_each_second_is_claimed_by_one_reader_who_has_read_it(
    *,
    bursts: dict[int, int],
    size: int,
    changes: list[tuple[str, int]],
    before: list[int | None],
    after: list[int | None],
    between: list[int | None],
) -> None:
    account = MemoryList(bursts, size)
    waiting = [SharedWindow(WHOLE)]
    change = changes_of(account, [each for each in changes if each[0] != "turn"])
    now = waiting[0]

    def take_over(moments: list[int | None]) -> None:
        second = moments.pop(0) if moments else None
        taken = None if second is None else now.take_after(now.next + second)
        if taken is not None:
            waiting.append(SharedWindow(taken))

    def change_and_take_over() -> None:
        change()
        take_over(before)

    account.before, account.after = change_and_take_over, lambda: take_over(after)
    paginator = Paginator(account.client(), Selection(), ConversationPage)
    claimed: list[int] = []
    while waiting:
        now, seen = waiting.pop(0), set[int]()
        complete = now.first - 1
        try:
            for batch in paginator.batches(now):
                seen |= {row.id for row in batch.rows}
                claimed += range(complete + 1, batch.complete_until + 1)
                complete = max(complete, batch.complete_until)
                assert existing(account, Window(now.first, complete)) <= seen
                take_over(between)
                assert now.last > complete or now.last == batch.complete_until
        except InconsistentData:
            assert any(what == "add" for what, _ in changes)
            return
        assert complete == now.last
    assert sorted(claimed) == list(range(WHOLE.first, WHOLE.last + 1))


def test_a_reader_does_not_claim_what_was_taken_over_during_its_last_request() -> None:
    account = MemoryList({1: 1, 9: 1}, 5)
    shared = SharedWindow(WHOLE)
    account.after = lambda: shared.take_after(FIRST + 4)
    (batch,) = Paginator(account.client(), Selection(), ConversationPage).batches(shared)
    assert batch.complete_until == FIRST + 4


def test_a_full_second_that_was_taken_over_is_left_to_the_other_reader() -> None:
    account = MemoryList({1: 1, 9: 30}, 5)
    shared = SharedWindow(WHOLE)
    account.after = lambda: shared.take_after(FIRST + 4)
    (batch,) = Paginator(account.client(), Selection(), ConversationPage).batches(shared)
    assert (batch.complete_until, account.requests) == (FIRST + 4, 1)


@pytest.mark.parametrize(
    ("second", "taken"),
    [
        (4, None),
        (5, Window(FIRST + 6, FIRST + SPAN)),
        (SPAN - 1, Window(FIRST + SPAN, FIRST + SPAN)),
        (SPAN, None),
    ],
)
def test_what_is_claimed_and_the_first_second_after_it_cannot_be_taken_over(
    second: int, taken: Window | None
) -> None:
    shared = SharedWindow(WHOLE)
    assert shared.claim(FIRST + 4) == FIRST + 4
    assert shared.take_after(FIRST + second) == taken
    assert shared.window == Window(FIRST, FIRST + (second if taken else SPAN))


# Several workers and several lists.


def lists_of(account: MemoryList) -> list[Paginator[Conversation]]:
    client = account.client()
    return [Paginator(client, Selection(status=each), ConversationPage) for each in STATUSES]


@settings(max_examples=max(settings().max_examples, 150))
@given(
    bursts=BURSTS,
    size=st.integers(3, 8),
    changes=CHANGES,
    workers=st.integers(1, 4),
    min_pages=st.sampled_from([0.5, 2, 4]),
    cut=st.integers(0, SPAN - 1),
)
def test_all_lists_of_each_second_are_read_in_their_order(
    *,
    bursts: dict[int, int],
    size: int,
    changes: list[tuple[str, int]],
    workers: int,
    min_pages: float,
    cut: int,
) -> None:
    account = MemoryList(bursts, size)
    account.before = changes_of(account, changes)
    windows = [Window(FIRST + cut + 1, WHOLE.last), Window(FIRST, FIRST + cut)]
    unread = map(UnreadWindow, windows)
    claims: list[list[int]] = [[], [], []]
    complete: dict[tuple[Lane, int], int] = {}
    seen: set[int] = set()
    final: dict[Lane, Window] = {}
    with pytest.MonkeyPatch.context() as patch:
        divide_lanes(patch, min_pages)
        try:
            with closing(read_lanes(lists_of(account), unread, workers=workers)) as groups:
                for page in chain.from_iterable(groups):
                    assert page.lane not in final
                    seen |= {row.id for row in page.batch.rows}
                    before = complete.get((page.lane, page.stage), page.lane.first - 1)
                    until = max(before, page.batch.complete_until)
                    complete[page.lane, page.stage] = until
                    claims[page.stage] += range(before + 1, until + 1)
                    for second in range(before + 1, until + 1):
                        assert all(second in earlier for earlier in claims[: page.stage])
                    if page.is_last:
                        final[page.lane] = page.lane.window
        except InconsistentData:
            assert any(what in {"add", "turn"} for what, _ in changes)
            return
    every = list(range(WHOLE.first, WHOLE.last + 1))
    assert [sorted(each) for each in claims] == [every] * 3
    assert {lane: lane.window for lane, _ in complete} == final
    spans = Counter(at for own in final.values() for at in range(own.first, own.last + 1))
    assert spans == Counter(every)
    turns = Counter(what for what, _ in changes)["turn"]
    if turns <= 1:
        assert existing(account, WHOLE) <= seen


def dense(seconds: int) -> MemoryList:
    return MemoryList(dict.fromkeys(range(seconds), 1), 2)


def read(account: MemoryList, workers: int) -> list[LanePage[Conversation]]:
    paginator = Paginator(account.client(), Selection(), ConversationPage)
    with closing(read_lanes([paginator], [UnreadWindow(WHOLE)], workers=workers)) as groups:
        return list(chain.from_iterable(groups))


def test_workers_without_work_take_over_equal_parts() -> None:
    account = dense(SPAN)
    together, met = threading.Barrier(4, timeout=10), threading.Event()

    def meet() -> None:
        if account.requests and not met.is_set():
            together.wait()  # after the first page, all make a request
            met.set()

    paginator = Paginator(account.client(), Selection(), ConversationPage, meet)
    begun: dict[Lane, int] = {}
    with closing(read_lanes([paginator], [UnreadWindow(WHOLE)], workers=4)) as groups:
        for page in chain.from_iterable(groups):
            begun.setdefault(page.lane, page.batch.expected)
    first, *others = list(begun)[:4]
    assert not first.taken_over
    assert all(lane.taken_over for lane in others)
    starts = sorted(lane.first - FIRST for lane in begun)
    for quarter in (10, 20, 30):
        assert any(abs(start - quarter) <= 2 for start in starts)


@pytest.mark.parametrize(
    ("seconds_per_row", "left", "middle"),
    [
        (10, 1_000, 5_000),  # as many rows come as until now
        (10, 100, 2_930),  # fewer and fewer come
        (1_000, 1_000, 7_053),  # more and more come
    ],
)
def test_the_later_half_of_the_rows_is_taken_over(
    seconds_per_row: int, left: int, middle: int
) -> None:
    lane = Lane(Window(-10 * seconds_per_row, 10_000), threading.Condition(), 0)
    rows = [
        Conversation.model_validate_json(json.dumps(conversation(at, at * seconds_per_row)))
        for at in range(-10, 1)
    ]
    lane.claim(-1)
    lane.observe(Batch(rows, -1, left + 11, 20_000, 10_000, 10))
    taken = lane.divide()
    assert taken is not None
    assert abs(taken.first - middle) <= 200
    assert taken.left == lane.left == left / 2


def test_as_many_requests_are_made_at_a_time_as_there_are_workers() -> None:
    workers = 40  # more than the threads of a pool that is not told how many
    together = threading.Barrier(workers, timeout=10)

    def meet() -> None:
        together.wait()

    lists = [Paginator(dense(workers).client(), Selection(), ConversationPage, meet)]
    windows = [UnreadWindow(Window(FIRST + 2 * at, FIRST + 2 * at)) for at in range(workers)]
    with closing(read_lanes(lists, windows, workers=workers)) as groups:
        assert len(list(chain.from_iterable(groups))) == workers


@pytest.mark.parametrize(("min_pages", "is_divided"), [(4, True), (5, False)])
def test_a_lane_is_divided_if_it_has_so_many_pages_left_and_no_fewer(
    min_pages: int, is_divided: bool
) -> None:
    account, again = dense(10), threading.Event()  # five pages

    def note() -> None:
        if account.requests:
            again.set()

    account.before = note
    lists = [Paginator(account.client(), Selection(), ConversationPage)]
    windows = [UnreadWindow(WHOLE)]
    with closing(read_lanes(lists, windows, workers=2, min_pages=min_pages)) as groups:
        first = next(groups)
        # While the caller has the page of one worker, only the other one makes a request.
        assert not is_divided or again.wait(10)
        pages = [*first, *chain.from_iterable(groups)]
    assert any(page.lane.taken_over for page in pages) is is_divided


def page_at(
    seconds: Sequence[int], expected: int, pages: int, end: int = 10_000
) -> Batch[Conversation]:
    """A page with a row at each of these seconds, of a list that ends at a second."""
    rows = [
        Conversation.model_validate_json(json.dumps(conversation(at, second)))
        for at, second in enumerate(seconds)
    ]
    return Batch(rows, max(seconds, default=0) - 1, expected, 20_000, end, pages)


def observed(lane: Lane, seconds: Sequence[int], left: int) -> Lane:
    """A lane that has read a page with a row at each of these seconds; so many rows are left."""
    batch = page_at(seconds, left + len(seconds), 10, lane.last)
    lane.claim(batch.complete_until)
    lane.observe(batch)
    return lane


def lane_until(last: int) -> Lane:
    return Lane(Window(0, last), threading.Condition(), 0)


@pytest.mark.parametrize(
    ("seconds", "expected", "pages", "left"),
    [
        ([0], 10, 10, 9),
        ([0, 1, 2, 3], 40, 10, 9),
        ([0, 1, 2, 3, 4, 5], 8, 2, 2 / 6),  # more rows than pages have on average
        ([0, 1, 2], 3, 1, 0),
        ([0, 1, 1], 2, 1, 0),  # a row that is repeated
        ([], 0, 1, 0),
    ],
)
def test_the_rows_that_are_left_are_pages_of_as_many_rows(
    seconds: Sequence[int], expected: int, pages: int, left: float
) -> None:
    lane = lane_until(10_000)
    lane.observe(page_at(seconds, expected, pages))
    assert lane.pages_left == left


def test_a_page_of_more_than_the_lane_is_now_leaves_as_many_rows_fewer() -> None:
    """It was requested before a part was taken over, and its total has the rows of that part."""
    lane = lane_until(5_000)
    lane.observe(page_at([0, 1, 2, 3], 40, 10, end=5_000))
    lane.observe(page_at([3, 4, 5, 6], 80, 20, end=10_000))
    assert lane.pages_left == 8
    lane.observe(page_at([6] * 99, 80, 20, end=10_000))
    assert lane.pages_left == 0


def test_rows_are_as_dense_on_several_pages_as_on_one() -> None:
    once, again = lane_until(10_000), lane_until(10_000)
    for seconds in ([0, 10, 20], [20, 30, 40]):  # the next page begins with the last row
        again.observe(page_at(seconds, 900, 300))
    again.observe(page_at([], 0, 0))  # a full second is complete
    once.observe(page_at([0, 10, 20, 30, 40], 902, 300))
    for lane in (once, again):
        lane.claim(100)
    assert once.left == again.left
    halves = [lane.divide() for lane in (once, again)]
    assert halves[0] is not None
    assert halves[1] is not None
    assert halves[0].window == halves[1].window


def test_a_lane_of_which_nothing_is_known_is_not_divided() -> None:
    lane = lane_until(10_000)
    assert lane.divide() is None
    assert lane.window == Window(0, 10_000)


@pytest.mark.parametrize(("seconds", "taken"), [(2, [1]), (3, [2]), (4, [2, 3])])
def test_few_seconds_are_halved(seconds: int, taken: list[int]) -> None:
    lane = observed(lane_until(seconds - 1), [], 100)
    half = lane.divide()
    assert half is not None
    assert list(range(half.first, half.last + 1)) == taken
    assert lane.last == half.first - 1


def test_the_last_two_seconds_are_halved_however_dense_the_rows_were() -> None:
    lane = observed(lane_until(11), [0, 5, 10], 100)
    half = lane.divide()
    assert half is not None
    assert half.window == Window(11, 11)


def test_one_second_is_not_divided() -> None:
    lane = observed(lane_until(0), [], 100)
    assert lane.divide() is None
    assert lane.window == Window(0, 0)


def test_what_was_read_of_a_list_says_nothing_of_how_the_next_one_is_divided() -> None:
    lane = observed(lane_until(10_000), [0, 10, 20, 30], 700)
    lane.begin(1)
    other = Lane(Window(0, 10_000), threading.Condition(), 1)
    halves = [observed(each, [50, 1_000], 20).divide() for each in (lane, other)]
    assert halves[0] is not None
    assert halves[1] is not None
    assert halves[0].window == halves[1].window


@pytest.mark.parametrize("at", [1, 2, 9])
def test_an_error_comes_after_the_pages_that_were_read_before_it(at: int) -> None:
    account = dense(SPAN)

    def fail() -> None:
        if account.requests == at:
            raise Unreachable("no answer")

    account.before = fail
    paginator = Paginator(account.client(), Selection(), ConversationPage)
    pages = read_lanes([paginator], [UnreadWindow(WHOLE)], workers=1)
    for _ in range(at):
        next(pages)
    with pytest.raises(Unreachable):
        next(pages)


def test_closing_the_generator_stops_all_workers() -> None:
    account = dense(SPAN)
    paginator = Paginator(account.client(), Selection(), ConversationPage)
    pages = read_lanes([paginator], [UnreadWindow(WHOLE)], workers=3)
    next(pages)
    pages.close()
    requests = account.requests
    assert requests <= 8
    assert not [each for each in threading.enumerate() if each.name.startswith("lane")]


def test_a_worker_makes_no_request_while_the_caller_is_not_done_with_its_page() -> None:
    account = dense(SPAN)
    paginator = Paginator(account.client(), Selection(), ConversationPage)
    with closing(read_lanes([paginator], [UnreadWindow(WHOLE)], workers=2)) as groups:
        taken = 0
        for pages in groups:
            threading.Event().wait(0.02)
            assert account.requests <= taken + 2
            taken += len(pages)


def test_the_caller_gets_all_pages_that_wait_and_at_most_one_of_each_lane() -> None:
    account = dense(SPAN)
    paginator = Paginator(account.client(), Selection(), ConversationPage)
    sizes = set()
    with closing(read_lanes([paginator], [UnreadWindow(WHOLE)], workers=3)) as groups:
        for pages in groups:
            threading.Event().wait(0.02)  # the other workers have a page then
            sizes.add(len(pages))
            assert len({page.lane for page in pages}) == len(pages)
    assert max(sizes) > 1


def test_the_first_error_and_no_later_one_cuts_short_what_is_under_way() -> None:
    account = dense(SPAN)
    stops: list[int] = []
    under_way = threading.Event()

    def before_request() -> None:
        if threading.current_thread().name.endswith("_0") and account.requests:
            assert under_way.wait(10)
            raise Unreachable("no answer")
        if account.requests > 1:
            under_way.set()
            assert wait_until(lambda: bool(stops))
            raise Cancelled("closed")

    paginator = Paginator(account.client(), Selection(), ConversationPage, before_request)
    reading = read_lanes(
        [paginator], [UnreadWindow(WHOLE)], workers=2, on_stop=lambda: stops.append(1)
    )
    with pytest.raises(Unreachable):
        list(reading)
    assert stops == [1]


def test_an_error_cuts_short_what_is_under_way_while_the_caller_has_a_page() -> None:
    account = dense(SPAN)
    stops: list[int] = []
    taken = threading.Event()

    def before_request() -> None:
        if not threading.current_thread().name.endswith("_0"):
            assert taken.wait(10)
            raise Unreachable("no answer")

    lists = [Paginator(account.client(), Selection(), ConversationPage, before_request)]
    windows = [UnreadWindow(Window(FIRST, FIRST + 9)), UnreadWindow(Window(FIRST + 10, FIRST + 19))]
    reading = read_lanes(lists, windows, workers=2, on_stop=lambda: stops.append(1))
    next(reading)
    taken.set()
    assert wait_until(lambda: bool(stops))
    with pytest.raises(Unreachable):
        list(reading)


def wait_until(condition: Callable[[], bool]) -> bool:
    """Whether a condition is met within ten seconds."""
    return any(condition() or threading.Event().wait(0.01) for _ in range(1_000))


@pytest.mark.parametrize(("taken", "stops"), [(1, 1), (None, 0)])
def test_closing_early_cuts_short_what_is_under_way(taken: int | None, stops: int) -> None:
    account, stopped = dense(SPAN), []
    paginator = Paginator(account.client(), Selection(), ConversationPage)
    reading = read_lanes(
        [paginator], [UnreadWindow(WHOLE)], workers=2, on_stop=lambda: stopped.append(1)
    )
    with closing(reading) as pages:
        assert list(islice(pages, taken))
    assert len(stopped) == stops


def test_waiting_windows_are_begun_in_their_order() -> None:
    account = MemoryList({}, 5)
    paginator = Paginator(account.client(), Selection(), ConversationPage)
    windows = [Window(FIRST + at, FIRST + at) for at in (9, 5, 1)]
    with closing(read_lanes([paginator], map(UnreadWindow, windows), workers=1)) as groups:
        assert [page.lane.window for page in chain.from_iterable(groups)] == windows


def test_a_window_may_begin_with_a_later_list() -> None:
    account = MemoryList({3: 1}, 5)
    with closing(
        read_lanes(lists_of(account), [UnreadWindow(WHOLE, stage=1)], workers=2)
    ) as groups:
        pages = chain.from_iterable(groups)
        assert [(page.stage, page.is_last) for page in pages] == [(1, False), (2, True)]


def test_a_list_that_is_not_the_first_one_is_divided_too() -> None:
    account = dense(SPAN)
    together = threading.Barrier(2, timeout=10)

    def meet() -> None:
        if account.requests == 2:  # one for the list of spam, one for the first page of all
            together.wait()

    lists = [
        Paginator(account.client(), Selection(status=each), ConversationPage, meet)
        for each in STATUSES
    ]
    with closing(read_lanes(lists, [UnreadWindow(WHOLE)], workers=2)) as groups:
        pages = chain.from_iterable(groups)
        stages = {page.stage for page in pages if page.lane.taken_over}
    assert stages == {1, 2}


def test_workers_that_wait_for_the_rate_limit_stop_when_the_generator_is_closed(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = Living([conversation(at, FIRST + at) for at in range(SPAN)], size=2)
    paginator = Paginator(client, Selection(), ConversationPage)
    pages = read_lanes([paginator], [UnreadWindow(WHOLE)], workers=3)
    next(pages)
    client.rate_limiter.pause({"Retry-After": "3600"})
    pages.close()
    assert client.rate_limiter.seconds_to_wait() > 3500
