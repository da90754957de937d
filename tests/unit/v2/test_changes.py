"""Reading what was modified since a second, also where the index hides parts of a second."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, cast

import pytest

from compat.simulator import Account, Simulator
from compat.simulator.conversation import parse_timestamp
from compat.v2.changes import ChangesReader
from compat.v2.client import ApiResponse, Client
from compat.v2.errors import InconsistentData
from compat.v2.models import Conversation, ConversationPage
from compat.v2.pagination import Batch, Paginator
from compat.v2.search import Selection
from tests.unit.v2.upstream import FIRST, QUIET, Stage, conversation

CONVERSATIONS = 60
SINCE = 30
"""From which second on the tests ask; one conversation is modified in each second."""

BISECTED = 15
"""How many lists without an end are asked for at most if an hour is halved again and again."""


def modified_since(client: Client, since: int) -> set[int]:
    """The ids that the reader finds."""
    found: set[int] = set()

    def paginator(first: int, last: int) -> Paginator[Conversation]:
        selection = Selection(modified_since=first, modified_until=last)
        return Paginator(client, selection, ConversationPage, lambda: None)

    def note(batch: Batch[Conversation]) -> None:
        found.update(row.id for row in batch.rows)

    ChangesReader(paginator, note).read(since)
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fractions", [False, True])
def test_what_was_modified_is_found_wherever_it_is_split(
    stage_and_client: tuple[Stage, Client], seed: int, fractions: bool
) -> None:
    stage, client = stage_and_client
    draw = random.Random(seed)
    account = Account(clock=lambda: FIRST + 3600)
    rows = [
        account.add(FIRST + second, millis=draw.randrange(1, 1000))
        for second in range(CONVERSATIONS)
    ]
    stage.playing = Simulator(account, replace(QUIET, index_fractions=fractions, page_size=7))
    found = modified_since(client, FIRST + SINCE)
    assert found >= {row.id for row in rows[SINCE:]}


class ChangingList:
    """A list of conversations in memory, by the second in which each was last modified.

    Seconds are counted from the first one. All are modified within their second, not at its
    beginning, so a list that ends at a second does not show what was modified in it.

    Attributes:
        modified: When each conversation was last modified, by its id.
        now: The current second.
        size: How many are on a page.
        total: What pages say of how many there are; the truth if None.
        before: Called before each request is answered.
        asked: Of each request the first second, the last one, and the page; no last second is None.
        shown: The ids on each page that the reader gave to its callback.
    """

    def __init__(self, seconds: Iterable[int], now: int = 3600, size: int = 5) -> None:
        self.modified = dict(enumerate(seconds))
        self.now = now
        self.size = size
        self.total: int | None = None
        self.before: Callable[[], object] = lambda: None
        self.asked: list[tuple[int, int | None, int]] = []
        self.shown: list[set[int]] = []

    def read(self, since: int = 0) -> int:
        """Read what was modified since a second; returns the second that the reader returns."""

        def paginator(first: int, last: int) -> Paginator[Conversation]:
            selection = Selection(modified_since=first, modified_until=last)
            return Paginator(cast(Client, self), selection, ConversationPage)

        def note(batch: Batch[Conversation]) -> None:
            self.shown.append({row.id for row in batch.rows})

        return ChangesReader(paginator, note).read(FIRST + since) - FIRST

    @property
    def asked_without_end(self) -> list[int]:
        """Since when the later lists were asked for, each of which should be one page."""
        return [first for first, last, _ in self.asked if last is None]

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
        self.before()
        ends = re.match(r"\(modifiedAt:\[(\S+) TO (\S+)\]", params["query"])
        assert ends is not None
        low = parse_timestamp(ends[1]) - FIRST
        high = None if ends[2] == "*" else parse_timestamp(ends[2]) - FIRST
        found = [
            row_id
            for row_id, second in self.modified.items()
            if low <= second and (high is None or second < high)
        ]
        number = int(params["page"])
        self.asked.append((low, high, number))
        shown = found[(number - 1) * self.size : number * self.size]
        total = len(found) if self.total is None else self.total
        payload = {
            "_embedded": {"conversations": [conversation(each) for each in shown]},
            "page": {"totalElements": total, "totalPages": -(-len(found) // self.size)},
        }
        page = model.model_validate_json(json.dumps(payload))
        check(page)
        return ApiResponse(page, FIRST + self.now)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_what_is_on_one_page_takes_one_request(rows: int) -> None:
    changing = ChangingList(range(rows))
    changing.read()
    assert changing.asked == [(0, None, 1)]
    assert changing.shown == [set(range(rows))]


def test_what_is_not_on_one_page_is_read_in_two_lists_that_meet() -> None:
    changing = ChangingList(range(0, 600, 60), now=600)
    changing.read(since=150)
    assert set().union(*changing.shown) == set(range(3, 10))
    earlier = {(first, last) for first, last, _ in changing.asked if last is not None}
    later = changing.asked_without_end[-1]
    assert earlier == {(150, later)}
    assert changing.asked[-1] == (later, None, 1)
    assert changing.shown[-1] == {
        row for row, second in changing.modified.items() if second >= later
    }


def test_changes_that_come_evenly_are_divided_at_the_first_guess() -> None:
    changing = ChangingList(range(0, 3600, 60))
    changing.read()
    _, guessed, later = changing.asked_without_end
    assert guessed == later
    assert changing.shown[-1] == {58, 59}  # about half a page, so that some more may come


@pytest.mark.parametrize("latest", [10, 11, 12, 700, 3599, 3600, 3601])
def test_changes_in_one_second_are_divided_from_a_later_one(latest: int) -> None:
    changing = ChangingList([*[10] * 40, latest, latest])
    changing.read()
    assert set().union(*changing.shown) == set(range(42))
    assert len(changing.asked_without_end) <= BISECTED
    if latest > 10:
        # That the later list shows some shows that the index has what was modified before.
        assert changing.shown[-1] == {40, 41}


@pytest.mark.parametrize("second", [0, 1, 1800, 3599, 3600, 3601])
def test_more_changes_in_one_second_than_are_on_a_page_are_all_read(second: int) -> None:
    changing = ChangingList([second] * 12)
    changing.read()
    assert set().union(*changing.shown) == set(range(12))
    assert changing.asked_without_end[-1] == second + 1
    assert len(changing.asked_without_end) <= BISECTED


def test_what_is_modified_again_while_the_earlier_list_is_read_is_on_the_last_page() -> None:
    changing = ChangingList(range(0, 3600, 60))

    def change() -> None:
        if len(changing.asked) == 5:
            changing.modified[7] = changing.now + 1

    changing.before = change
    changing.read()
    assert 7 in changing.shown[-1]


def test_changes_of_more_than_a_page_meanwhile_are_read_in_another_round() -> None:
    changing = ChangingList(range(0, 3600, 60))

    def change() -> None:
        changing.now += 10
        if len(changing.asked) < 12:
            changing.modified[len(changing.asked)] = changing.now

    changing.before = change
    changing.read()
    last = changing.asked_without_end[-1]
    assert len({since for since, end, _ in changing.asked if end is not None}) == 2
    assert changing.shown[-1] == {row for row, at in changing.modified.items() if at >= last}
    assert set().union(*changing.shown) == set(range(60))


def test_changes_that_never_end_are_an_error() -> None:
    changing = ChangingList(range(0, 3600, 60))
    row = count()

    def change() -> None:
        changing.now += 1
        changing.modified |= {next(row) % 60: changing.now for _ in range(6)}

    changing.before = change
    with pytest.raises(InconsistentData, match="change faster than they can be read"):
        changing.read()


def test_the_request_time_is_that_of_the_first_request() -> None:
    changing = ChangingList(range(0, 3600, 60), now=3600)

    def wait() -> None:
        changing.now += 10

    changing.before = wait
    assert changing.read() == 3610


def test_pages_that_say_that_there_is_nothing_are_read_all_the_same() -> None:
    changing = ChangingList(range(0, 3600, 60))
    changing.total = 0
    changing.read()
    assert set().union(*changing.shown) == set(range(60))


def test_changes_of_the_current_second_are_divided_right_after_it() -> None:
    """No later second is tried, in which nothing was modified yet."""
    changing = ChangingList([3600] * 12, now=3600)
    changing.read(since=3600)
    assert changing.asked_without_end == [3600, 3601, 3601]
