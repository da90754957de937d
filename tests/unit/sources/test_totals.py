"""When totals are taken in place of rows, by the requests that both would cost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest

from compat import clock
from compat.core.counting import CountQuery, Filter
from compat.core.intervals import MaxAges
from compat.core.models import ConversationQuery, Progress
from compat.sources import totals
from compat.sources.totals import TotalsSource
from compat.v2 import probes
from compat.v2.client import Client
from compat.v2.probes import OneSecondProbe
from tests.unit.v2.upstream import Upstream, page_of

QUERY = CountQuery(ConversationQuery(()), Filter(frozenset({"published"}), frozenset()), ())


def page(total: int, pages: int) -> Any:
    return SimpleNamespace(page=SimpleNamespace(total_elements=total, total_pages=pages))


class Lists(totals._TotalsClient):
    """Lists whose totals are those of seconds of creation, 25 conversations on a page."""

    def __init__(self, pool: ThreadPoolExecutor, **created: list[int]) -> None:
        super().__init__(cast("Client", None), pool, QUERY, Progress())
        self._created = created
        self.requests = 0

    def _page(self, status: str, first: int, after: int) -> Any:
        self.requests += 1
        total = sum(first <= second < after for second in self._created[status])
        return page(total, -(-total // 25))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


MANY = [5] * 60 + [25] * 70


@pytest.mark.parametrize(
    ("edges", "counts", "requests"),
    [
        ((0, 10), [60], 1),
        ((0, 10, 30), [60, 70], 3),
        ((0, 10, 20, 30), [60, 0, 70], 4),
        ((5, 5), [0], 0),
        ((6, 5), [0], 0),
    ],
)
def test_each_bucket_takes_a_request_unless_there_is_only_one(
    pool: ThreadPoolExecutor, edges: tuple[int, ...], counts: list[int], requests: int
) -> None:
    lists = Lists(pool, all=MANY)
    assert lists.counts([edges], {"all": 1}) == [counts]
    assert lists.requests == requests


def test_buckets_of_an_empty_list_take_no_requests(pool: ThreadPoolExecutor) -> None:
    lists = Lists(pool, all=MANY, spam=[])
    assert lists.counts([(0, 10, 30)], {"all": 1, "spam": -1}) == [[60, 70]]
    assert lists.requests == 2 + 2


def test_a_list_counts_by_its_factor(pool: ThreadPoolExecutor) -> None:
    spam = [5] * 60 + [25] * 3
    for factor, counts in ((-1, [0, 67]), (1, [120, 73])):
        lists = Lists(pool, all=MANY, spam=spam)
        assert lists.counts([(0, 10, 30)], {"all": 1, "spam": factor}) == [counts]


def test_more_spam_than_conversations_takes_the_rows(pool: ThreadPoolExecutor) -> None:
    lists = Lists(pool, all=MANY, spam=[5] * 61)
    with pytest.raises(totals._RowsNeeded, match="more spam"):
        lists.counts([(0, 10, 30)], {"all": 1, "spam": -1})


@pytest.mark.parametrize(
    ("wholes", "buckets", "rows_needed"),
    [
        ([page(25, 1)], 1, True),
        ([page(26, 2)], 1, False),
        ([page(300, 12)], 12, True),
        ([page(301, 13)], 12, False),
        ([page(500, 20), page(0, 0)], 12, False),
        ([page(325, 13), page(1, 1)], 12, True),
        ([page(26, 2), page(0, 0)], 1, False),
        ([page(25, 1), page(0, 0)], 1, True),
    ],
)
def test_totals_are_taken_where_rows_cost_more_requests(
    wholes: list[Any], buckets: int, rows_needed: bool
) -> None:
    if rows_needed:
        with pytest.raises(totals._RowsNeeded):
            totals._check_costs(wholes, buckets)
    else:
        totals._check_costs(wholes, buckets)


class Probes:
    """What the probes say, and what they were asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = OneSecondProbe(shown=4, hidden=0)
        self.probed: list[int] = []
        self.until: list[int] = []
        rows = SimpleNamespace(rows=[SimpleNamespace(created=each) for each in range(25)])
        answer = SimpleNamespace(value=rows, requested_at=100_000)
        monkeypatch.setattr(probes, "oldest_conversations", lambda *_: answer)
        monkeypatch.setattr(probes, "one_per_second", self._some)
        monkeypatch.setattr(probes, "probe_one_second_lists", self._one_second)
        monkeypatch.setattr(probes, "all_includes_spam", self._spam)

    def _some(self, rows: list[Any], most: int) -> list[Any]:
        return rows[:most]

    def _one_second(self, _client: Client, rows: list[Any]) -> OneSecondProbe:
        self.probed.append(len(rows))
        return self.seconds

    def _spam(self, _client: Client, until: int) -> bool:
        self.until.append(until)
        return True


@pytest.fixture
def probing(monkeypatch: pytest.MonkeyPatch) -> Probes:
    return Probes(monkeypatch)


def test_a_few_conversations_and_spam_that_the_index_has_are_probed(probing: Probes) -> None:
    assert totals.probe(cast("Client", None)) is True
    assert (probing.probed, probing.until) == ([4], [100_000 - 900])


@pytest.mark.parametrize(("shown", "hidden"), [(0, 0), (0, 1), (3, 1)])
def test_totals_are_not_taken_where_lists_may_hide_fractions_of_a_second(
    probing: Probes, shown: int, hidden: int
) -> None:
    probing.seconds = OneSecondProbe(shown, hidden)
    assert totals.probe(cast("Client", None)) is None


def test_lists_are_probed_at_once_and_again_after_an_hour(
    probing: Probes, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    source = TotalsSource(client, MaxAges(60, 3600), workers=1, most_rows=10)
    for now, times in [(0.0, 1), (3599.0, 1), (3600.0, 2)]:
        monkeypatch.setattr(clock, "elapsed", lambda now=now: now)
        assert source._probed() is True
        assert len(probing.probed) == times


def test_progress_knows_from_the_first_request_on_how_many_there_are(
    pool: ThreadPoolExecutor,
) -> None:
    seen: list[tuple[int, int]] = []

    class Watched(Lists):
        def _page(self, status: str, first: int, after: int) -> Any:
            seen.append((self._progress.pages, self._progress.expected))
            return super()._page(status, first, after)

    lists = Watched(pool, all=MANY, spam=[])
    lists.counts([(0, 10, 30), (0, 30), (9, 9)], {"all": 1, "spam": -1})
    assert seen[0] == (0, 2 * 3 + 2 * 1)
    progress = lists._progress
    assert progress.received == progress.pages == progress.expected == lists.requests == 4 + 2


def test_rows_after_totals_that_contradict_each_other_begin_with_no_progress(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream, client: Client
) -> None:
    monkeypatch.setattr(totals, "probe", lambda _: True)
    answers = iter([page_of([], total=500, pages=20), *[page_of([], total=1, pages=1)] * 2])
    upstream.script = lambda _: next(answers)
    source = TotalsSource(client, MaxAges(60, 3600), workers=1, most_rows=10)
    which = Filter(frozenset({"published"}), frozenset())
    query = CountQuery(ConversationQuery(()), which, ((0, 10, 20),))
    progress = Progress()
    assert source.count(query, progress) is None
    assert (progress.expected, progress.received, progress.pages) == (0, 0, 0)


def test_counts_by_totals_are_as_fresh_as_recent_rows(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream, client: Client
) -> None:
    monkeypatch.setattr(totals, "probe", lambda _: False)
    monkeypatch.setattr(clock, "elapsed", lambda: 100.0)
    upstream.script = lambda _: page_of([], total=60, pages=3)
    source = TotalsSource(client, MaxAges(60, 3600), workers=1, most_rows=10)
    which = Filter(frozenset({"published"}), frozenset({"spam"}))
    checks: list[None] = []
    progress = Progress(check=lambda: checks.append(None))
    result = source.count(CountQuery(ConversationQuery(()), which, ((0, 10),)), progress)
    assert result is not None
    assert (result.counts, result.fresh_until, result.totals) == ([[60]], 160.0, True)
    assert checks == [None]


def test_empty_ranges_alone_take_the_rows(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setattr(totals, "probe", lambda _: False)
    source = TotalsSource(client, MaxAges(60, 3600), workers=1, most_rows=10)
    which = Filter(frozenset({"published"}), frozenset({"spam"}))
    query = CountQuery(ConversationQuery(()), which, ((5, 5), (7, 7)))
    assert source.count(query, Progress()) is None
