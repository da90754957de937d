"""Properties of pagination: what exists all the time is returned, whatever changes meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.simulator import Account, Behaviour, Simulator
from compat.v2.client import Client
from compat.v2.errors import InconsistentData
from compat.v2.lanes import PageCallbacks, fetch_windows
from compat.v2.models import Conversation, ConversationPage
from compat.v2.pagination import Paginator, creation_second
from compat.v2.search import Selection, Window
from tests.unit.v2.upstream import FIRST, Stage, divide_lanes

SPAN = 40
DAY_AFTER = FIRST + 86_400

BEHAVIOURS = st.builds(
    Behaviour,
    page_size=st.integers(3, 10),
    past_end=st.sampled_from(["empty", "not_found"]),
    empty=st.sampled_from(["array", "absent"]),
    index_fractions=st.booleans(),
    repeat_rate=st.sampled_from([0.0, 0.3]),
    empty_page_rate=st.sampled_from([0.0, 0.0, 0.1]),
    rate_limit=st.none(),
)

MILLIS = (0, 1, 500, 999)

BURSTS = st.dictionaries(
    st.integers(0, SPAN),
    st.sampled_from([1, 1, 1, 2, 3, 4, 5, 8, 11, 20, 33]),
    max_size=14,
)
"""How many conversations there are at some seconds."""

REMOVALS = st.tuples(st.just("remove"), st.integers(1, 6), st.integers(0, 999))
ARRIVALS = st.tuples(st.just("arrive"), st.integers(1, 3), st.integers(0, SPAN))
RETURNS = st.tuples(st.just("return"), st.just(1), st.integers(0, 999))
NOTHING = st.just(("nothing", 0, 0))
CHANGES = st.lists(st.one_of(NOTHING, REMOVALS, ARRIVALS, RETURNS), max_size=25)
"""The changes before each request. At most one conversation is restored at a time."""


@dataclass
class Changes:
    """Changes an account before each request, and records which conversations ever existed."""

    changes: list[tuple[str, int, int]]
    throughout: set[int]
    ever: set[int]

    def __call__(self, account: Account, _target: str) -> None:
        if not self.changes:
            return
        what, many, at = self.changes.pop(0)
        for step in range(many):
            here = [row.id for row in account.conversations() if row.listed]
            gone = [row.id for row in account.conversations() if not row.listed]
            if what == "arrive":
                self.ever.add(account.add(FIRST + at, millis=MILLIS[step]).id)
            elif what == "remove" and here:
                self.throughout.discard(account.delete(here[(at + step) % len(here)]).id)
            elif what == "return" and gone:
                self.ever.add(account.restore(gone[at % len(gone)]).id)


def account_of(bursts: dict[int, int], away: int) -> Account:
    """Numbers and fractions in another order than ids; every `away`-th is deleted at first."""
    account = Account(clock=lambda: DAY_AFTER)
    for second, many in bursts.items():
        for each in range(many):
            number = 1 + (1_000 * second + each) * 7_919 % 100_003
            row = account.add(FIRST + second, millis=MILLIS[each % 4], number=number)
            if away and row.id % away == 0:
                account.delete(row.id)
    # A conversation that is added later has a higher number than all others.
    account._last_number = 100_003
    return account


@dataclass(frozen=True)
class Case:
    """A window to fetch, and the changes meanwhile.

    Attributes:
        behaviour: The options of upstream.
        bursts: How many conversations there are at first, by second.
        away: Each conversation whose id this divides is deleted at first, and may be restored.
        changes: The changes before each request.
        window: The seconds to fetch.
        workers: How many requests are made at a time, at most.
        min_pages: How many pages are left, at least, where a part is taken over.
    """

    behaviour: Behaviour
    bursts: dict[int, int]
    away: int
    changes: list[tuple[str, int, int]]
    window: tuple[int, int]
    workers: int
    min_pages: float


CASES = st.builds(
    Case,
    behaviour=BEHAVIOURS,
    bursts=BURSTS,
    away=st.sampled_from([0, 0, 3, 5]),
    changes=CHANGES,
    window=st.tuples(st.integers(0, 5), st.integers(30, SPAN + 5)),
    workers=st.integers(1, 4),
    min_pages=st.sampled_from([0.5, 2, 25]),
)


@settings(max_examples=max(settings().max_examples, 120))
@given(CASES)
def test_what_exists_all_the_time_is_returned_and_what_never_exists_is_not(
    stage_and_client: tuple[Stage, Client], case: Case
) -> None:
    stage, client = stage_and_client
    account = account_of(case.bursts, case.away)
    first, last = FIRST + case.window[0], FIRST + case.window[1]
    here = {row.id for row in account.conversations() if row.listed}
    life = Changes(list(case.changes), set(here), set(here))
    stage.playing = Simulator(account, case.behaviour, before_request=life)
    seen: Counter[int] = Counter()

    def take(rows: Sequence[Conversation]) -> None:
        seen.update(row.id for row in rows if first <= creation_second(row) <= last)

    with pytest.MonkeyPatch.context() as patch:
        divide_lanes(patch, case.min_pages)
        try:
            fetch_windows(
                client,
                Selection(),
                [Window(first, last)],
                PageCallbacks(take),
                workers=case.workers,
            )
        except InconsistentData:
            assert any(what in {"arrive", "return"} for what, *_ in case.changes)
            return
    inside = {row.id for row in account.conversations() if first <= row.created <= last}
    assert life.throughout & inside <= set(seen) <= life.ever & inside


@settings(max_examples=max(settings().max_examples, 120))
@given(CASES)
def test_a_batch_is_complete_until_the_second_that_it_names(
    stage_and_client: tuple[Stage, Client], case: Case
) -> None:
    stage, client = stage_and_client
    account = account_of(case.bursts, case.away)
    first, last = FIRST + case.window[0], FIRST + case.window[1]
    here = {row.id for row in account.conversations() if row.listed}
    life = Changes(list(case.changes), here, set(here))
    stage.playing = Simulator(account, case.behaviour, before_request=life)
    paginator = Paginator(client, Selection(), ConversationPage)
    seen: set[int] = set()
    complete = first - 1
    try:
        for page in paginator.batches(Window(first, last)):
            seen |= {row.id for row in page.rows}
            assert complete <= page.complete_until <= last
            complete = page.complete_until
            inside = {row.id for row in account.conversations() if first <= row.created <= complete}
            assert life.throughout & inside <= seen
    except InconsistentData:
        assert any(what in {"arrive", "return"} for what, *_ in case.changes)
        return
    assert complete == last


@settings(max_examples=max(settings().max_examples // 2, 30))
@given(behaviour=BEHAVIOURS, bursts=BURSTS)
def test_an_account_without_changes_is_returned_completely(
    stage_and_client: tuple[Stage, Client], behaviour: Behaviour, bursts: dict[int, int]
) -> None:
    stage, client = stage_and_client
    account = account_of(bursts, 0)
    stage.playing = Simulator(account, behaviour)
    seen: set[int] = set()

    def take(rows: Sequence[Conversation]) -> None:
        seen.update(row.id for row in rows)

    fetch_windows(
        client, Selection(), [Window(FIRST, FIRST + SPAN)], PageCallbacks(take), workers=1
    )
    assert seen == {row.id for row in account.conversations()}
