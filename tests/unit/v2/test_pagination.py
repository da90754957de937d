"""Keyset pagination of a list that changes, rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from compat.simulator import Account, Behaviour, Simulator
from compat.v2.client import Client
from compat.v2.errors import InconsistentData, RequestRefused
from compat.v2.models import ConversationPage
from compat.v2.pagination import Paginator
from compat.v2.search import LAST_SECOND, Selection, Window
from tests.unit.v2.upstream import (
    FIRST,
    QUIET,
    Asked,
    Json,
    Living,
    Reply,
    Stage,
    Upstream,
    answer,
    conversation,
    fetched_ids,
    in_turn,
    page_of,
)

LAST = FIRST + 3600
FIRST_SECOND = -62_135_596_800

StageAndClient = tuple[Stage, Client]
Change = Callable[[Account], object]


def account_of(seconds: Iterable[int]) -> Account:
    """A conversation at each of these seconds after the first."""
    account = Account(clock=lambda: LAST)
    for second in seconds:
        account.add(FIRST + second)
    return account


def ids(account: Account) -> list[int]:
    return [row.id for row in account.conversations()]


def serve(
    stage: Stage, account: Account, changes: dict[int, Change], **options: object
) -> list[str]:
    """Serve the account, and change it before the n-th list. Returns the targets of all lists."""
    lists: list[str] = []

    def change(account: Account, target: str) -> None:
        lists.append(target)
        if len(lists) in changes:
            changes[len(lists)](account)

    behaviour = replace(QUIET, **options)  # type: ignore[arg-type]
    stage.playing = Simulator(account, behaviour, before_request=change)
    return lists


def deleting(row_id: int) -> Change:
    return lambda account: account.delete(row_id)


def restoring(row_id: int) -> Change:
    return lambda account: account.restore(row_id)


# The parameters of a request.


def test_a_request_has_all_parameters_with_a_default_at_upstream(
    upstream: Upstream, client: Client
) -> None:
    fetched_ids(client, FIRST, LAST, Selection((8501, 8508), 72001, "spam"))
    (asked,) = upstream.asked
    assert asked.path == "/v2/conversations"
    assert asked.params == {
        "status": "spam",
        "query": "(createdAt:[2015-01-01T00:00:00Z TO 2015-01-01T01:00:01Z])",
        "sortField": "createdAt",
        "sortOrder": "asc",
        "page": "1",
        "mailbox": "8501,8508",
        "folder": "72001",
    }


def test_a_request_has_no_parameter_that_does_not_matter(
    upstream: Upstream, client: Client
) -> None:
    fetched_ids(client, FIRST, LAST)
    (asked,) = upstream.asked
    assert asked.params["status"] == "all"
    assert {"mailbox", "folder"}.isdisjoint(asked.params)


# One second more than the window.


@pytest.mark.parametrize("millis", [0, 1, 999])
def test_a_hidden_fraction_in_the_last_second_hides_no_row(
    stage_and_client: StageAndClient, millis: int
) -> None:
    stage, client = stage_and_client
    account = account_of([0])
    late = account.add(LAST, millis=millis)
    serve(stage, account, {}, index_fractions=True)
    assert late.id in fetched_ids(client, FIRST, LAST)


@pytest.mark.parametrize("millis", [0, 1, 999])
def test_a_hidden_fraction_hides_no_row_of_an_overfull_second(
    stage_and_client: StageAndClient, millis: int
) -> None:
    stage, client = stage_and_client
    account = account_of([])
    burst = [account.add(FIRST, millis=millis).id for _ in range(10)]
    serve(stage, account, {}, index_fractions=True, page_size=3)
    assert fetched_ids(client, FIRST, LAST) == set(burst)


# By creation time, until there is only one page.


def test_the_next_page_starts_at_the_last_second_of_the_page_before(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = Living([conversation(at, FIRST + 10 * at) for at in range(1, 6)], size=3)
    assert fetched_ids(client, FIRST, LAST) == {1, 2, 3, 4, 5}
    assert [asked.params["query"][12:32] for asked in upstream.asked] == [
        "2015-01-01T00:00:00Z",
        "2015-01-01T00:00:30Z",
    ]
    assert {asked.page for asked in upstream.asked} == {1}


def test_rows_that_share_the_last_second_of_a_page_are_all_seen(
    upstream: Upstream, client: Client
) -> None:
    rows = [conversation(at, FIRST + at // 2) for at in range(1, 30)]
    upstream.script = Living(rows, size=4)
    assert fetched_ids(client, FIRST, LAST) == set(range(1, 30))


def test_a_short_page_is_not_the_last_one(upstream: Upstream, client: Client) -> None:
    living = Living([conversation(at, FIRST + at) for at in range(1, 31)], size=10)
    living.bend = lambda _, rows: rows[:3]
    upstream.script = living
    # The last page is short as well: what it hides cannot be known.
    assert fetched_ids(client, FIRST, LAST) >= set(range(1, 22))
    assert len(upstream.asked) > 9


@pytest.mark.parametrize("changes", [1, 5])
def test_a_removal_between_two_requests_hides_nothing(
    stage_and_client: StageAndClient, changes: int
) -> None:
    stage, client = stage_and_client
    account = account_of(range(60))
    every = ids(account)
    serve(stage, account, {2 + at: deleting(every[at]) for at in range(changes)})
    assert fetched_ids(client, FIRST, LAST) >= set(every[changes:])


def test_a_new_row_between_two_requests_hides_nothing(stage_and_client: StageAndClient) -> None:
    stage, client = stage_and_client
    account = account_of(range(60))
    every = set(ids(account))
    serve(stage, account, {at: lambda account: account.add(FIRST + 30) for at in (2, 3)})
    assert fetched_ids(client, FIRST, LAST) >= every


# Empty pages.


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
def test_an_empty_page_with_a_total_is_requested_again(
    stage_and_client: StageAndClient, rate: float
) -> None:
    stage, client = stage_and_client
    account = account_of([*range(30), *[15] * 30])
    serve(stage, account, {}, empty_page_rate=rate, page_size=10)
    assert fetched_ids(client, FIRST, LAST) == set(ids(account))


def test_a_page_that_stays_empty_with_a_total_is_an_error(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(page_of([], total=3, pages=1))
    with pytest.raises(InconsistentData, match="empty"):
        fetched_ids(client, FIRST, LAST)
    assert len(upstream.asked) == 8


def test_a_second_that_shows_the_same_page_whatever_the_number_is_an_error(
    upstream: Upstream, client: Client
) -> None:
    rows = [conversation(id_, FIRST) for id_ in range(1, 26)]
    upstream.script = lambda _: page_of(rows, total=40, pages=2)
    with pytest.raises(InconsistentData, match="repeated rows, and lacked others"):
        fetched_ids(client, FIRST, LAST)


@pytest.mark.parametrize(("total", "pages", "size"), [(60, 1, 25), (60, 0, 25), (3, 1, None)])
def test_fewer_pages_than_the_total_needs_are_an_error(
    upstream: Upstream, client: Client, total: int, pages: int, size: int | None
) -> None:
    rows = [conversation(id_, FIRST + id_) for id_ in range(1, (size or 2) + 1)]
    page = {"size": size, "totalElements": total, "totalPages": pages}
    upstream.script = lambda _: answer({"_embedded": {"conversations": rows}, "page": page})
    with pytest.raises(InconsistentData, match="fewer pages than its total needs"):
        list(Paginator(client, Selection(), ConversationPage).batches(Window(FIRST, LAST)))


@pytest.mark.parametrize("page", [1, 2, 4])
def test_a_page_of_an_overfull_second_that_stays_empty_is_an_error(
    upstream: Upstream, client: Client, page: int
) -> None:
    living = Living([conversation(at) for at in range(1, 81)])
    living.bend = lambda asked, rows: (
        [] if asked.params["sortField"] == "number" and asked.page == page else rows
    )
    upstream.script = living
    with pytest.raises(InconsistentData, match="empty"):
        fetched_ids(client, FIRST, LAST)


@pytest.mark.parametrize("empty", ["array", "absent"])
def test_an_empty_window_is_complete(stage_and_client: StageAndClient, empty: str) -> None:
    stage, client = stage_and_client
    lists = serve(stage, account_of([]), {}, empty=empty)
    assert fetched_ids(client, FIRST, LAST) == set()
    assert len(lists) == 1


# Overfull seconds.


@pytest.mark.parametrize("size", [25, 26, 50, 51, 75, 80])
@pytest.mark.parametrize("before", [0, 3, 24])
def test_an_overfull_second_is_read_completely(
    upstream: Upstream, client: Client, size: int, before: int
) -> None:
    rows = [conversation(1000 + at, FIRST + at) for at in range(before)]
    rows += [conversation(at, FIRST + 100) for at in range(1, size + 1)]
    rows += [conversation(2000 + at, FIRST + 101 + at) for at in range(30)]
    upstream.script = Living(rows)
    assert fetched_ids(client, FIRST, LAST) == {row["id"] for row in rows}


def test_the_pages_of_an_overfull_second_are_read_from_last_to_first_by_number(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = Living([conversation(at) for at in range(1, 81)])
    fetched_ids(client, FIRST, LAST)
    second = [asked for asked in upstream.asked if asked.params["sortField"] == "number"]
    # The first of them only shows how many there are.
    assert [asked.page for asked in second] == [2, 4, 3, 2, 1]
    assert {asked.params["query"] for asked in second} == {
        "(createdAt:[2015-01-01T00:00:00Z TO 2015-01-01T00:00:01Z])"
    }


def test_an_overfull_second_is_complete_with_a_batch_without_rows(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = Living([conversation(at) for at in range(1, 31)])
    paginator = Paginator(client, Selection(), ConversationPage)
    *before, complete, rest = paginator.batches(Window(FIRST, LAST))
    assert {batch.complete_until for batch in before} == {FIRST - 1}
    assert (complete.complete_until, complete.end) == (FIRST, FIRST)
    assert (complete.rows, complete.expected, complete.pages) == ((), 0, 0)
    assert rest.complete_until == LAST


def test_a_burst_at_the_end_of_a_page_is_read_at_once(upstream: Upstream, client: Client) -> None:
    rows = [conversation(at, FIRST + min(at, 16)) for at in range(96)]
    upstream.script = Living(rows)
    assert fetched_ids(client, FIRST, LAST) == set(range(96))
    assert [asked.page for asked in upstream.asked] == [1, 1, 4, 3, 2, 1, 1]


@pytest.mark.parametrize(
    ("size", "burst", "at_once"),
    [(9, 4, True), (9, 3, False), (8, 3, True), (6, 3, True), (6, 2, False), (5, 4, False)],
)
def test_a_second_with_more_than_a_third_of_a_page_is_read_at_once(
    upstream: Upstream, client: Client, size: int, burst: int, at_once: bool
) -> None:
    """Of a page with fewer than six rows it is not: reading on takes as few requests."""
    rows = [conversation(at, FIRST + min(at, size - burst)) for at in range(size)]
    rows += [conversation(at, FIRST + 60 + at) for at in (size, size + 1)]
    upstream.script = Living(rows, size=size)
    assert fetched_ids(client, FIRST, LAST) == set(range(size + 2))
    assert ("number" in [asked.params["sortField"] for asked in upstream.asked]) is at_once


@pytest.mark.parametrize("past_end", ["empty", "not_found"])
@pytest.mark.parametrize("moment", range(2, 8))
@pytest.mark.parametrize("victim", [0, 24, 25, 40, 79])
def test_a_removal_from_eighty_rows_of_one_second_hides_no_other(
    stage_and_client: StageAndClient, moment: int, victim: int, past_end: str
) -> None:
    stage, client = stage_and_client
    account = account_of([0] * 80)
    every = ids(account)
    serve(stage, account, {moment: deleting(every[victim])}, past_end=past_end)
    assert fetched_ids(client, FIRST, LAST) >= set(every) - {every[victim]}


@pytest.mark.parametrize("moment", [3, 4, 5])
@pytest.mark.parametrize("victim", [0, 79])
def test_a_removal_from_the_first_or_the_last_page_is_no_reason_to_read_again(
    stage_and_client: StageAndClient, moment: int, victim: int
) -> None:
    stage, client = stage_and_client
    account = account_of([0] * 80)
    lists = serve(stage, account, {moment: deleting(ids(account)[victim])})
    fetched_ids(client, FIRST, LAST)
    assert len(lists) == 1 + 5 + 1


@pytest.mark.parametrize("past_end", ["empty", "not_found"])
def test_a_last_page_that_removals_took_away_is_no_error(
    stage_and_client: StageAndClient, past_end: str
) -> None:
    stage, client = stage_and_client
    account = account_of([0] * 52)
    every = ids(account)

    def purge(account: Account) -> None:
        for row_id in every[:40]:
            account.delete(row_id)

    serve(stage, account, {3: purge}, past_end=past_end)
    assert fetched_ids(client, FIRST, LAST) >= set(every[40:])


def test_a_second_that_grows_while_it_is_read_is_read_again(
    stage_and_client: StageAndClient,
) -> None:
    stage, client = stage_and_client
    account = account_of([0] * 80)
    every = ids(account)
    account.delete(every[10])
    # The restored row moves rows from page three to page four, which has been read.
    lists = serve(stage, account, {4: restoring(every[10])})
    assert fetched_ids(client, FIRST, LAST) >= set(every)
    assert len(lists) == 2 + 2 * 5


@pytest.mark.parametrize("moment", [4, 5])
def test_a_new_row_that_a_removal_hides_from_the_totals_is_noticed(
    stage_and_client: StageAndClient, moment: int
) -> None:
    stage, client = stage_and_client
    account = account_of([0] * 80)
    every = ids(account)
    account.delete(every[10])

    def swap(account: Account) -> None:
        account.delete(every[79])
        account.restore(every[10])

    serve(stage, account, {moment: swap})
    assert fetched_ids(client, FIRST, LAST) >= set(every[:79])


@pytest.mark.parametrize("past_end", ["empty", "not_found"])
@pytest.mark.parametrize(
    ("size", "gone", "back"),
    [(26, 2, 3), (51, 3, 4), (76, 3, 4), (76, 3, 5)],
)
def test_a_last_page_that_was_missing_for_a_short_time_is_read(
    stage_and_client: StageAndClient, size: int, gone: int, back: int, past_end: str
) -> None:
    stage, client = stage_and_client
    account = account_of([0] * size)
    every = ids(account)
    serve(stage, account, {gone: deleting(every[0]), back: restoring(every[0])}, past_end=past_end)
    assert fetched_ids(client, FIRST, LAST) >= set(every[1:])


def test_a_second_that_never_stops_growing_is_an_error(stage_and_client: StageAndClient) -> None:
    stage, client = stage_and_client
    account = account_of([0] * 30)
    arrivals = {at: lambda account: account.add(FIRST) for at in range(2, 100)}
    lists = serve(stage, account, arrivals)
    with pytest.raises(InconsistentData, match=r"at 2015-01-01T00:00:00Z kept changing while"):
        fetched_ids(client, FIRST, LAST)
    assert len(lists) == 1 + 3 * 2


# Windows of more than one second by page number.


def test_the_first_page_by_number_says_how_long_the_list_is(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = Living([conversation(at, FIRST + at) for at in range(3)], size=2)
    paginator = Paginator(client, Selection(), ConversationPage)
    batch = paginator.first_by_number(Window(FIRST, LAST))
    assert (len(batch.rows), batch.expected, batch.pages, batch.end) == (2, 3, 2, LAST)
    assert batch.complete_until == FIRST - 1
    (asked,) = upstream.asked
    assert (asked.params["sortField"], asked.page) == ("number", 1)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_list_on_one_page_by_number_takes_one_request(
    upstream: Upstream, client: Client, number: int
) -> None:
    upstream.script = Living([conversation(at, FIRST + at) for at in range(number)], size=2)
    paginator = Paginator(client, Selection(), ConversationPage)
    (batch,) = paginator.by_number(Window(FIRST, LAST))
    assert {row.id for row in batch.rows} == set(range(number))
    assert [asked.page for asked in upstream.asked] == [1]


def test_a_page_by_number_that_is_gone_is_an_empty_one_of_that_time(
    upstream: Upstream, client: Client
) -> None:
    shown = [conversation(1)]
    date = {"Date": "Thu, 01 Jan 2015 01:00:00 GMT"}
    upstream.script = in_turn(
        *(page_of(shown, total=2, pages=2), Reply(404, headers=date), page_of(shown))
    )
    _, gone, _ = Paginator(client, Selection(), ConversationPage).by_number(Window(FIRST, LAST))
    assert (gone.rows, gone.expected, gone.pages) == ((), 0, 0)
    assert FIRST + 3000 < gone.requested_at <= FIRST + 3600
    assert [asked.page for asked in upstream.asked] == [1, 2, 1]


def test_a_list_by_number_that_never_stops_growing_is_an_error_without_a_second(
    stage_and_client: StageAndClient,
) -> None:
    stage, client = stage_and_client
    account = account_of(range(30))
    serve(stage, account, {at: lambda account: account.add(FIRST) for at in range(1, 100)})
    paginator = Paginator(client, Selection(), ConversationPage)
    with pytest.raises(InconsistentData, match=r"^the conversations kept changing while"):
        list(paginator.by_number(Window(FIRST, LAST)))


# Pages that look odd.


def test_rows_repeated_on_a_page_do_no_harm(stage_and_client: StageAndClient) -> None:
    stage, client = stage_and_client
    account = account_of([*range(60), *[15] * 30])
    serve(stage, account, {}, repeat_rate=0.3, page_size=10)
    assert fetched_ids(client, FIRST, LAST) == set(ids(account))


def test_a_row_repeated_out_of_order_does_no_harm(upstream: Upstream, client: Client) -> None:
    first, second, third = (conversation(at, FIRST + at) for at in range(3))
    upstream.script = in_turn(page_of([first, second, third, first]))
    assert fetched_ids(client, FIRST, LAST) == {0, 1, 2}


def turned(_asked: Asked, rows: list[Json]) -> list[Json]:
    return rows[::-1]


def one_off(_asked: Asked, rows: list[Json]) -> list[Json]:
    return [*rows[1:], *rows[:1]]


@pytest.mark.parametrize("bend", [turned, one_off])
@pytest.mark.parametrize("rows", [2, 30])
def test_rows_out_of_order_are_an_error_and_no_silent_loss(
    upstream: Upstream,
    client: Client,
    bend: Callable[[Asked, list[Json]], list[Json]],
    rows: int,
) -> None:
    living = Living([conversation(at, FIRST + at) for at in range(rows)], size=10)
    living.bend = bend
    upstream.script = living
    with pytest.raises(InconsistentData, match="order"):
        fetched_ids(client, FIRST, LAST)


def test_an_upstream_that_ignores_the_creation_time_is_an_error(
    upstream: Upstream, client: Client
) -> None:
    rows = [conversation(at, FIRST + at) for at in range(3)]
    upstream.script = in_turn(page_of(rows, total=9, pages=3))
    with pytest.raises(InconsistentData, match="repeated rows, and lacked others"):
        fetched_ids(client, FIRST, LAST)


def test_a_page_from_before_the_time_asked_for_is_an_error_if_more_pages_follow(
    upstream: Upstream, client: Client
) -> None:
    """From such a page it could not be read on."""
    upstream.script = in_turn(page_of([conversation(1, FIRST - 60)], total=2, pages=2))
    with pytest.raises(InconsistentData, match="outside"):
        fetched_ids(client, FIRST, LAST)


def test_a_row_from_before_the_time_asked_for_on_the_only_page_does_no_harm(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(page_of([conversation(1, FIRST - 60)]))
    (batch,) = Paginator(client, Selection(), ConversationPage).batches(Window(FIRST, LAST))
    assert [row.id for row in batch.rows] == [1]
    assert batch.complete_until == LAST


def test_pages_without_rows_or_total_are_an_error(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(page_of([], total=0, pages=3))
    with pytest.raises(InconsistentData, match="outside"):
        fetched_ids(client, FIRST, LAST)


@pytest.mark.parametrize("status", [400, 404])
def test_a_refused_request_is_an_error(upstream: Upstream, client: Client, status: int) -> None:
    upstream.script = in_turn(Reply(status))
    with pytest.raises(RequestRefused):
        fetched_ids(client, FIRST, LAST)


def test_a_first_page_that_is_not_found_is_an_error(upstream: Upstream, client: Client) -> None:
    living = Living([conversation(at) for at in range(1, 81)])

    def no_first_page(asked: Asked) -> Reply:
        missing = asked.params["sortField"] == "number" and asked.page == 1
        return Reply(404) if missing else living(asked)

    upstream.script = no_first_page
    with pytest.raises(RequestRefused):
        fetched_ids(client, FIRST, LAST)


@pytest.mark.parametrize("status", [400, 410])
def test_a_page_of_an_overfull_second_that_is_refused_is_an_error(
    upstream: Upstream, client: Client, status: int
) -> None:
    living = Living([conversation(at) for at in range(1, 81)])

    def no_second_page(asked: Asked) -> Reply:
        return Reply(status) if asked.page == 2 else living(asked)

    upstream.script = no_second_page
    with pytest.raises(RequestRefused):
        fetched_ids(client, FIRST, LAST)


# The first and the last possible second.


@pytest.mark.parametrize("size", [1, 12, 40])
@pytest.mark.parametrize("second", [FIRST_SECOND, LAST_SECOND])
def test_the_first_and_the_last_possible_second_are_fetched(
    stage_and_client: StageAndClient, second: int, size: int
) -> None:
    stage, client = stage_and_client
    account = Account(clock=lambda: LAST)
    every = {account.add(second).id for _ in range(size)}
    serve(stage, account, {}, page_size=10)
    assert fetched_ids(client, FIRST_SECOND, LAST_SECOND) == every


def test_pages_may_have_any_size(stage_and_client: StageAndClient) -> None:
    stage, client = stage_and_client
    account = account_of([*range(40), *[20] * 20])
    for size in (1, 2, 3, 7, 25, 50, 100):
        stage.playing = Simulator(account, Behaviour(rate_limit=None, page_size=size))
        assert fetched_ids(client, FIRST, LAST) == set(ids(account))
