"""What the live source asks of its parts, and what it makes of their answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Interval, MaxAges
from compat.core.models import ActivityQuery, ActivitySet, ConversationQuery, ListQuery, Progress
from compat.simulator import Account
from compat.sources.activity import ShownConversations
from compat.sources.folder_views import Fetched
from compat.sources.folders import SortedFolders
from compat.sources.live import LiveSource
from compat.sources.row_cache import Scope
from compat.v2.client import Client
from compat.v2.errors import AccessRefused
from tests.unit.sources.activity_scene import Scene
from tests.unit.sources.cached_upstream import row
from tests.unit.v2.upstream import FIRST, Stage, Upstream, answer, in_turn, page_of

VIEW, HOME = 12, 11
QUERY = ActivityQuery(
    (Interval(500, 600), Interval(300, 400)), frozenset({1}), frozenset({VIEW, HOME}), spam=True
)


def source_of(client: Client) -> LiveSource:
    return LiveSource(client, MaxAges(60, 3600), workers=2, most_rows=10_000)


class Recorded:
    """Answers every call of one method with the same, and keeps the arguments.

    Attributes:
        calls: The arguments of each call.
    """

    def __init__(self, result: Any) -> None:
        self._result = result
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *args: Any, **named: Any) -> Any:
        self.calls.append((*args, *named.items()))
        return self._result


@contextmanager
def replaced(owner: object, name: str, result: Any) -> Iterator[Recorded]:
    """Within the block, a method of an object is a recorded one."""
    recorded = Recorded(result)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, recorded)
        yield recorded


# Threads of conversations in views.


@pytest.mark.parametrize(
    ("since", "until", "as_of", "fresh_until"),
    [(100.0, 900.0, (7, 9), 160.0), (100.0, 130.0, (9, 7), 130.0)],
)
def test_threads_of_what_views_show_are_as_old_as_the_older_of_both_readings(
    client: Client, since: float, until: float, as_of: tuple[int, int], fresh_until: float
) -> None:
    source = source_of(client)
    folders = SortedFolders(frozenset({HOME}), frozenset({1}), frozenset({VIEW}), frozenset())
    fetched = Fetched([row(5, 21), row(6, 22)], as_of[0], frozenset({22}), since)
    loaded = ActivitySet([], as_of[1], until)
    progress = Progress()
    with (
        replaced(source._folders, "sort", folders),
        replaced(source._views, "fetch", fetched) as fetches,
        replaced(source._activities, "load", loaded) as loads,
    ):
        found = source.activity(QUERY, progress)
    assert (found.as_of, found.fresh_until) == (7, fresh_until)
    ever = Interval(FIRST_SECOND, LAST_SECOND)
    rows = ConversationQuery((ever,), frozenset({1}), spam=True)
    assert fetches.calls == [(rows, folders, progress, ("modified_since", 300))]
    shown = ShownConversations(
        Scope(frozenset({1}), spam=True), None, frozenset({21, 22}), {22: "folder"}
    )
    assert loads.calls == [(QUERY, shown, progress)]


# Lists.


def test_a_list_may_be_used_as_long_as_recent_rows_since_it_was_asked_for(
    upstream: Upstream, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([5000.0, 5010.0])
    monkeypatch.setattr("compat.clock.elapsed", lambda: next(times))
    page = {"size": 50, "totalElements": 1, "totalPages": 1, "number": 1}
    tags = {"_embedded": {"tags": [{"id": 3, "name": "vip"}]}, "page": page}
    upstream.script = in_turn(answer(tags, 200, {"Date": "Thu, 01 Jan 2015 00:00:07 GMT"}))
    found = source_of(client).list_items(ListQuery("tags"))
    assert [(each.id, each.name) for each in found.items or ()] == [(3, "vip")]
    assert FIRST + 5 <= found.as_of <= FIRST + 7
    assert found.fresh_until == 5060


# Requests, and what is kept in memory.


def test_an_estimate_counts_the_pages_of_other_queries_only_if_there_are_any(
    client: Client,
) -> None:
    source = source_of(client)
    with replaced(client.rate_limiter, "seconds_for", 3.5) as asked:
        assert source.seconds_for(10) == source.seconds_for(10, 4.0) == 3.5
    assert asked.calls == [(10, 0.0, ("workers", 2)), (10, 4.0, ("workers", 2))]


def test_a_check_sends_one_request_and_says_how_it_ended(
    upstream: Upstream, client: Client
) -> None:
    source = source_of(client)
    upstream.script = in_turn(page_of([]))
    source.check()
    assert len(upstream.asked) == 1
    upstream.script = in_turn(answer({}, 403))
    with pytest.raises(AccessRefused):
        source.check()


def test_a_check_does_not_wait_for_the_rate_limit(upstream: Upstream, client: Client) -> None:
    source = source_of(client)
    client.rate_limiter.pause({"Retry-After": "600"})
    source.check()
    assert not upstream.asked


def test_the_conversations_in_memory_are_those_with_and_without_threads(
    stage_and_client: tuple[Stage, Client],
) -> None:
    account = Account()
    for at in range(3):
        account.add(FIRST + at)
    scene = Scene(stage_and_client, account)
    hour = (Interval(FIRST, FIRST + 3600),)
    scene.source.rows(ConversationQuery(hour), Progress())
    assert scene.source.stats().rows == 3
    scene.load(ActivityQuery(hour))
    assert scene.source.stats().rows == 6
