"""Cached rows are used again as long as they are young enough."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from compat.core.intervals import Interval, MaxAges
from compat.core.models import Progress, Row, RowSet
from compat.sources.folder_views import Fetched
from compat.sources.row_cache import Scope
from compat.v2.errors import Unreachable
from tests.unit.sources.cached_upstream import AGES, ALL, SPAM, CachedSource, Upstream, row

OLD = Interval(100, 199)
"""Seconds long ago: what is known of them is settled."""

ROWS = [row(at, 1000 + at) for at in range(0, 1000, 10)]


def ask(source: CachedSource, *spans: Interval, scope: Scope = ALL) -> RowSet:
    return source.rows(scope, spans, Progress())


def ids(found: RowSet) -> list[int]:
    return [row.id for row in found.rows]


# What is fetched, and what is not.


def test_rows_come_once_each_sorted_by_creation_and_only_those_asked_for() -> None:
    upstream = Upstream(row(150, 1), row(120, 2), row(120, 3), row(99, 4), row(200, 5), row(199, 6))
    found = ask(upstream.source(), OLD, Interval(110, 150))
    assert ids(found) == [2, 3, 1, 6]


def test_the_same_interval_again_fetches_nothing() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source()
    first = ask(source, OLD)
    assert upstream.spans() == [[OLD]]
    assert ask(source, OLD) == first
    assert upstream.spans() == []


def test_an_interval_within_a_covered_one_fetches_nothing() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source()
    ask(source, OLD)
    upstream.spans()
    assert ids(ask(source, Interval(120, 130), Interval(150, 150))) == [1120, 1130, 1150]
    assert upstream.spans() == []


def test_a_wider_interval_fetches_only_the_gaps() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source()
    ask(source, Interval(100, 199))
    ask(source, Interval(300, 399))
    upstream.spans()
    assert ids(ask(source, Interval(50, 500))) == [1000 + at for at in range(50, 501, 10)]
    assert upstream.spans() == [[Interval(50, 99), Interval(200, 299), Interval(400, 500)]]


def test_intervals_that_overlap_or_touch_are_fetched_as_one() -> None:
    upstream = Upstream(*ROWS)
    ask(upstream.source(), Interval(150, 250), Interval(100, 199), Interval(251, 260))
    assert upstream.spans() == [[Interval(100, 260)]]


def test_a_fetch_can_be_cancelled() -> None:
    def enough() -> None:
        raise Unreachable("enough")

    upstream = Upstream(*ROWS)
    with pytest.raises(Unreachable, match="enough"):
        upstream.source().rows(ALL, [OLD], Progress(check=enough))


# Age.


def test_settled_rows_are_used_until_they_are_too_old() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source()
    ask(source, OLD)
    upstream.spans()
    upstream.now += AGES.older - 1
    ask(source, OLD)
    assert upstream.spans() == []
    upstream.now += 1
    ask(source, OLD)
    assert upstream.spans() == [[OLD]]


def test_recent_rows_are_fetched_again_sooner_and_settled_ones_used() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source()
    now = upstream.clock
    settled = now - AGES.settled
    whole = Interval(settled - 50, now)
    ask(source, whole)
    upstream.now += AGES.recent - 1
    ask(source, whole)
    upstream.now += 1
    fresh = row(now - 7, 77)
    upstream.rows.append(fresh)
    assert upstream.spans() == [[whole]]
    assert ids(ask(source, whole)) == [77]
    assert upstream.spans() == [[Interval(settled + 1, now)]]


def test_ages_are_measured_by_upstreams_clock() -> None:
    for ahead in (-40_000, 0, 10**9):
        upstream = Upstream(*ROWS, ahead=ahead)
        source = upstream.source()
        recent = Interval(upstream.clock - 10, upstream.clock)
        ask(source, recent)
        upstream.now += AGES.recent - 1
        ask(source, recent)
        assert len(upstream.spans()) == 1
        upstream.now += 1
        ask(source, recent)
        assert len(upstream.spans()) == 1


def test_without_ages_every_query_fetches_all_its_rows() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source(ages=MaxAges(0, 0))
    for _ in range(3):
        ask(source, OLD)
    assert upstream.spans() == [[OLD]] * 3


def test_deleted_rows_are_gone_after_the_next_fetch() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source()
    ask(source, OLD)
    upstream.rows = [row for row in upstream.rows if row.created not in {100, 150}]
    upstream.now += AGES.older
    assert ids(ask(source, Interval(150, 199))) == [1160, 1170, 1180, 1190]
    assert ids(ask(source, OLD)) == [1110, 1120, 1130, 1140, 1160, 1170, 1180, 1190]


def test_changed_rows_are_changed_after_the_next_fetch() -> None:
    upstream = Upstream(row(150, 1, status="active"))
    source = upstream.source()
    ask(source, OLD)
    upstream.rows = [row(150, 1, status="closed")]
    upstream.now += AGES.older
    assert [row.status for row in ask(source, OLD).rows] == ["closed"]


@pytest.mark.parametrize("ahead", [-500, 0, 1_000_000])
def test_rows_are_as_of_their_oldest_part(ahead: int) -> None:
    upstream = Upstream(*ROWS, ahead=ahead)
    source = upstream.source()
    first = upstream.clock
    assert ask(source, Interval(100, 150)).as_of == first
    upstream.now += 100
    assert ask(source, OLD).as_of == first
    assert ask(source, Interval(151, 199)).as_of == first + 100


@pytest.mark.parametrize("ahead", [-500, 0, 1_000_000])
def test_rows_are_fresh_until_a_second_by_the_local_clock(ahead: int) -> None:
    upstream = Upstream(*ROWS, ahead=ahead)
    source = upstream.source()
    upstream.now = 60_000.25
    old = Interval(upstream.clock - 5000, upstream.clock - 4000)
    recent = Interval(upstream.clock - 100, upstream.clock)
    assert ask(source, old).fresh_until == pytest.approx(60_000.25 + AGES.older)
    assert ask(source, recent).fresh_until == pytest.approx(60_000.25 + AGES.recent)
    assert ask(source, old, recent).fresh_until == pytest.approx(60_000.25 + AGES.recent)


# Scopes.

MAILBOXES = [
    row(at, 2000 + at, mailbox=at % 3, status="spam" if at % 4 else "active")
    for at in range(100, 140)
]


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        (ALL, Scope(frozenset({1}))),
        (ALL, Scope(frozenset({1, 2}))),
        (SPAM, ALL),
        (SPAM, Scope(frozenset({2}), spam=True)),
        (SPAM, Scope(frozenset({2}))),
        (Scope(frozenset({1, 2})), Scope(frozenset({2}))),
        (Scope(frozenset({1, 2}), spam=True), Scope(frozenset({2}))),
    ],
)
def test_a_wider_scope_serves_a_narrower_one(kept: Scope, asked: Scope) -> None:
    upstream = Upstream(*MAILBOXES)
    source = upstream.source()
    ask(source, OLD, scope=kept)
    found = ask(source, OLD, scope=asked)
    assert len(upstream.fetched) == 1
    wanted = upstream.shows(asked, [OLD])
    # Spam may be among them: the report judges that.
    assert [row for row in found.rows if asked.spam or kept == asked or row in wanted] == wanted
    assert {row.mailbox for row in found.rows} <= (asked.mailboxes or {0, 1, 2})


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        (Scope(frozenset({1})), ALL),
        (Scope(frozenset({1})), Scope(frozenset({2}))),
        (Scope(frozenset({1})), Scope(frozenset({1, 2}))),
        (ALL, SPAM),
        (Scope(frozenset({1}), spam=True), SPAM),
        (ALL, Scope(frozenset({1}), spam=True)),
    ],
)
def test_a_narrower_scope_does_not_serve_a_wider_one(kept: Scope, asked: Scope) -> None:
    upstream = Upstream(*MAILBOXES)
    source = upstream.source()
    ask(source, OLD, scope=kept)
    assert list(ask(source, OLD, scope=asked).rows) == upstream.shows(asked, [OLD])
    assert len(upstream.fetched) == 2


def test_the_scope_that_covers_most_of_the_interval_is_used() -> None:
    upstream = Upstream(*MAILBOXES)
    source = upstream.source()
    one = Scope(frozenset({1}))
    ask(source, Interval(100, 109), scope=one)
    ask(source, Interval(105, 130))
    upstream.spans()
    ask(source, Interval(100, 135), scope=one)
    assert upstream.spans() == [[Interval(100, 104), Interval(131, 135)]]


def test_of_two_scopes_the_one_with_more_seconds_is_used_however_they_are_divided() -> None:
    one = Scope(frozenset({1}))
    for spans, gaps in [
        ((Interval(100, 101), Interval(104, 105)), [Interval(102, 103), Interval(106, 112)]),
        ((Interval(100, 100), Interval(102, 102)), [Interval(100, 109)]),
        ((Interval(100, 100), Interval(109, 109)), [Interval(100, 109)]),
    ]:
        upstream = Upstream(*ROWS)
        source = upstream.source()
        for span in spans:
            ask(source, span, scope=one)
        ask(source, Interval(110, 112))
        upstream.spans()
        ask(source, Interval(100, 112), scope=one)
        assert upstream.spans() == [gaps]


def test_a_single_second_is_kept_as_well() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source()
    for _ in range(2):
        assert ids(ask(source, Interval(100, 100))) == [1100]
    assert upstream.spans() == [[Interval(100, 100)]]


# Bounds.


def kept_rows(source: CachedSource) -> int:
    return sum(len(entry.rows) for entry in source.cache._entries.values())


def test_no_more_rows_are_kept_than_may_be_and_the_oldest_go_first() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source(most_rows=25)
    for first in (100, 200, 300):
        ask(source, Interval(first, first + 99))
        upstream.now += 1
        assert kept_rows(source) <= 25
    upstream.spans()
    ask(source, Interval(200, 399))
    assert upstream.spans() == []
    ask(source, Interval(100, 199))
    assert upstream.spans() == [[Interval(100, 199)]]


def test_the_rows_fetched_first_go_first_whenever_they_were_created() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source(most_rows=25)
    for first in (300, 200, 100):
        ask(source, Interval(first, first + 99))
        upstream.now += 1
    upstream.spans()
    ask(source, Interval(100, 299))
    assert upstream.spans() == []
    ask(source, Interval(300, 399))
    assert upstream.spans() == [[Interval(300, 399)]]


def test_the_scope_that_was_not_used_for_longest_goes_first() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source(most_rows=25)
    one, other, third = (Scope(frozenset({1, more})) for more in (2, 3, 4))
    ask(source, Interval(100, 199), scope=one)
    upstream.now += 1
    ask(source, Interval(300, 399), scope=other)
    upstream.now += 1
    ask(source, Interval(100, 199), scope=one)
    upstream.now += 1
    ask(source, Interval(500, 599), scope=third)
    upstream.spans()
    ask(source, Interval(100, 199), scope=one)
    ask(source, Interval(500, 599), scope=third)
    assert upstream.spans() == []
    ask(source, Interval(300, 399), scope=other)
    assert upstream.spans() == [[Interval(300, 399)]]


def test_the_number_of_empty_intervals_and_scopes_is_limited() -> None:
    source = Upstream().source(most_rows=5)
    for mailbox in range(20):
        ask(source, Interval(0, 9), scope=Scope(frozenset({mailbox})))
    assert len(source.cache._entries) <= 5


@pytest.mark.parametrize("most_rows", [0, 1, 5, 99])
def test_a_query_with_more_rows_than_the_cache_can_keep_is_complete(most_rows: int) -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source(most_rows=most_rows)
    for _ in range(2):
        assert list(ask(source, Interval(0, 999)).rows) == sorted(ROWS)
        assert kept_rows(source) <= most_rows


def test_a_query_of_cached_and_fetched_rows_is_complete_even_if_the_cache_is_full() -> None:
    upstream = Upstream(*ROWS)
    source = upstream.source(most_rows=12)
    ask(source, Interval(100, 199))
    assert list(ask(source, Interval(0, 999)).rows) == sorted(ROWS)


# Several at once.


class Watched(threading.Condition):
    """A condition that counts the threads that start to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = threading.Semaphore(0)

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.release()
        return super().wait(timeout)


class Gate(Upstream):
    """Fetches that start, and end when a gate is opened."""

    def __init__(self, *rows: Row) -> None:
        super().__init__(*rows)
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()
        self.fails: list[Exception] = []
        self.watched = Watched()

    def fetch(self, scope: Scope, spans: Sequence[Interval], progress: Progress) -> Fetched:
        fetched = super().fetch(scope, spans, progress)
        self.begun.release()
        assert self.open.wait(60)
        if self.fails:
            raise self.fails.pop()
        return fetched

    def source(self, most_rows: int = 1000, ages: MaxAges = AGES) -> CachedSource:
        source = super().source(most_rows, ages)
        source.cache._changed = self.watched
        return source


def side_by_side(
    gate: Gate, first: Callable[[], RowSet], *others: Callable[[], RowSet]
) -> list[Future[RowSet]]:
    """One query whose fetch has started, and others that came later and wait for it."""
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(first)]
        assert gate.begun.acquire(timeout=10)
        for other in others:
            futures.append(pool.submit(other))
            assert gate.watched.waited.acquire(timeout=10)
        gate.open.set()
    return futures


def test_equal_queries_at_the_same_time_are_fetched_once() -> None:
    gate = Gate(*ROWS)
    source = gate.source()
    futures = side_by_side(gate, *[lambda: ask(source, OLD)] * 5)
    assert gate.spans() == [[OLD]]
    assert len({tuple(ids(future.result())) for future in futures}) == 1


def test_an_overlapping_query_waits_and_fetches_the_rest() -> None:
    gate = Gate(*ROWS)
    source = gate.source()
    futures = side_by_side(gate, lambda: ask(source, OLD), lambda: ask(source, Interval(150, 250)))
    assert gate.spans() == [[OLD], [Interval(200, 250)]]
    assert ids(futures[1].result()) == [1000 + at for at in range(150, 251, 10)]


def test_a_narrower_scope_waits_for_a_wider_one() -> None:
    gate = Gate(*ROWS)
    source = gate.source()
    one = Scope(frozenset({1}))
    side_by_side(gate, lambda: ask(source, OLD), lambda: ask(source, OLD, scope=one))
    assert [scope for scope, _ in gate.fetched] == [ALL]


@pytest.mark.parametrize(
    ("scope", "span"),
    [(ALL, Interval(300, 399)), (SPAM, OLD), (ALL, Interval(200, 200))],
)
def test_a_query_that_the_running_fetch_does_not_help_does_not_wait(
    scope: Scope, span: Interval
) -> None:
    gate = Gate(*ROWS)
    source = gate.source()
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(ask, source, OLD)]
        assert gate.begun.acquire(timeout=10)
        futures.append(pool.submit(ask, source, span, scope=scope))
        began = gate.begun.acquire(timeout=10)
        gate.open.set()
    assert began
    assert [future.exception() for future in futures] == [None, None]


def test_a_query_with_all_rows_cached_does_not_wait() -> None:
    gate = Gate(*ROWS)
    source = gate.source()
    gate.open.set()
    ask(source, Interval(100, 149))
    gate.open.clear()
    gate.begun.acquire()
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(ask, source, Interval(100, 199))
        assert gate.begun.acquire(timeout=10)
        assert ids(ask(source, Interval(120, 130))) == [1120, 1130]
        assert not fetching.done()
        gate.open.set()


def test_a_failed_fetch_fails_for_its_own_query_only() -> None:
    gate = Gate(*ROWS)
    gate.fails = [Unreachable("gone")]
    source = gate.source()
    failed, *others = side_by_side(gate, *[lambda: ask(source, OLD)] * 3)
    assert isinstance(failed.exception(), Unreachable)
    assert [len(other.result().rows) for other in others] == [10, 10]
    assert gate.spans() == [[OLD], [OLD]]


def test_nothing_is_claimed_after_a_failure() -> None:
    gate = Gate(*ROWS)
    gate.open.set()
    gate.fails = [Unreachable("gone")]
    source = gate.source()
    with pytest.raises(Unreachable):
        ask(source, OLD)
    assert source.cache._claimed == []
    assert len(ask(source, OLD).rows) == 10


def test_a_waiting_query_can_be_cancelled() -> None:
    gate = Gate(*ROWS)
    source = gate.source()

    def enough() -> None:
        raise Unreachable("enough")

    class Hasty(Watched):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(0)

    source.cache._changed = Hasty()
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(ask, source, OLD)
        assert gate.begun.acquire(timeout=10)
        with pytest.raises(Unreachable, match="enough"):
            source.rows(ALL, [OLD], Progress(check=enough))
        gate.open.set()
        assert len(fetching.result().rows) == 10
