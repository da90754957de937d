"""An account that changes between every two requests: no thread is lost, and none comes twice."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compat.archive.records import INDEX_LAG
from compat.core.intervals import Interval, MaxAges
from compat.core.models import ActivityQuery
from compat.simulator import Account, Behaviour
from compat.simulator.thread import Thread
from compat.v2.client import Client
from compat.v2.errors import InconsistentData
from tests.unit.sources.activity_scene import Clock, Scene, existing_threads
from tests.unit.v2.upstream import FIRST, Stage

DAY = 86_400
SPAN = Interval(FIRST, FIRST + 30 * DAY)
EVER = Interval(FIRST - 400 * DAY, FIRST + 5_000 * DAY)
THREADS = count(1)


def add_history(
    account: Account, rng: random.Random, *, threads: int, kind: str = "email", now: int = 0
) -> None:
    """Add a conversation with threads at any time after its creation, perhaps an imported one."""
    created = FIRST + rng.randrange(-60 * DAY, 40 * DAY)
    times = sorted(created + rng.randrange(40 * DAY) for _ in range(threads - 1))
    kinds = ["beaconchat" if kind == "chat" else "customer", *["message", "note", "lineitem"] * 9]
    history = [
        Thread(
            next(THREADS),
            at,
            kinds[number % 4],
            by="customer" if number % 4 == 0 else "user",
            author_id=4101,
            state=None if kinds[number % 4] == "lineitem" else "published",
        )
        for number, at in enumerate([created, *times])
    ]
    modified = max([now, created, *times])
    account.add(created, type=kind, history=tuple(history), modified=modified)


def lively_account(clock: Clock, rng: random.Random, conversations: int) -> Account:
    account = Account(clock=clock)
    for _ in range(conversations):
        kind = rng.choice(("email", "email", "email", "chat", "phone"))
        add_history(account, rng, threads=rng.randrange(1, 9), kind=kind)
    return account


@dataclass
class Life:
    """Changes of an account before each request, and where its threads were meanwhile.

    Attributes:
        places: The conversations on which each thread was, by its id.
        throughout: Ids of threads that were on some conversation at every moment so far.
    """

    account: Account
    clock: Clock
    rng: random.Random
    pace: int
    merges: int
    created: dict[int, int] = field(default_factory=dict)
    places: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    throughout: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.throughout = self.look()

    def look(self) -> set[int]:
        now = set()
        for thread, created, conversation in existing_threads(self.account):
            self.places[thread].add(conversation)
            self.created[thread] = created
            now.add(thread)
        return now

    def goes_on(self, _number: int) -> None:
        self.clock.now += self.rng.choice((0, 1, 1, 2, 5))
        for _ in range(self.pace):
            self.change()
        self.throughout &= self.look()

    def change(self) -> None:
        listed = [row for row in self.account.conversations() if row.listed]
        if len(listed) < 12:
            add_history(self.account, self.rng, threads=2, now=int(self.clock()))
            return
        row, other = self.rng.sample(listed, 2)
        kind = self.rng.randrange(6 + self.merges)
        if kind == 0:
            self.account.close(row.id)
        elif kind == 1:
            self.account.retag(row.id, self.rng.sample(["a", "b", "c"], 2))
        elif kind == 2:
            self.account.delete(row.id)
        elif kind == 3:
            add_history(self.account, self.rng, threads=2, now=int(self.clock()))
        elif kind == 4:
            self.account.note(row.id)
        elif kind == 5:
            self.account.reopen(row.id)
        else:
            self.account.merge(row.id, other.id)


behaviours = st.builds(
    Behaviour,
    rate_limit=st.none(),
    page_size=st.sampled_from([5, 25]),
    embedded_chats=st.sampled_from(["threads", "bodies"]),
    embedded_threads=st.sampled_from([None, 3]),
    all_lists_spam=st.booleans(),
    index_fractions=st.booleans(),
    repeat_rate=st.sampled_from([0.0, 0.2]),
    fail_rate=st.sampled_from([0.0, 0.1]),
    index_lag=st.sampled_from([0, 0, 0, 5, 60]),
    index_lag_lists=st.sampled_from([0, 0, 2]),
)


def assert_each_once(found: Counter[int], places: dict[int, set[int]], life: Life) -> None:
    """Each thread once, on a conversation where it was, and none is missing."""
    for thread, times in found.items():
        assert times == 1, thread
        assert places[thread] <= life.places[thread]
    expected = {each for each in life.throughout if SPAN.first <= life.created[each] <= SPAN.last}
    assert expected <= set(found)


@settings(max_examples=max(settings().max_examples // 6, 10))
@given(
    behaviour=behaviours,
    seed=st.integers(0, 10**6),
    pace=st.integers(1, 3),
    merges=st.sampled_from([1, 6, 30]),
    conversations=st.sampled_from([20, 50]),
    questions=st.integers(1, 2),
)
@example(
    behaviour=Behaviour(rate_limit=None, page_size=5, all_lists_spam=False, index_lag_lists=2),
    seed=0,
    pace=1,
    merges=30,
    conversations=20,
    questions=1,
)
def test_a_thread_that_exists_throughout_is_in_the_answer_exactly_once(  # noqa: PLR0917
    stage_and_client: tuple[Stage, Client],
    behaviour: Behaviour,
    seed: int,
    pace: int,
    merges: int,
    conversations: int,
    questions: int,
) -> None:
    rng = random.Random(seed)
    clock = Clock()
    account = lively_account(clock, rng, conversations)
    clock.now += INDEX_LAG
    scene = Scene(stage_and_client, account, behaviour, ages=MaxAges(0, 6 * 3600))
    life = Life(account, clock, rng, pace, merges)
    scene.before = life.goes_on
    for _ in range(questions):
        try:
            answer = scene.load(ActivityQuery((SPAN,)))
        except InconsistentData:
            return
        found: Counter[int] = Counter()
        places: dict[int, set[int]] = defaultdict(set)
        for activity in answer.activities:
            for thread in activity.threads:
                found[thread.id] += 1
                places[thread.id].add(activity.row.id)
        assert_each_once(found, places, life)
        pause = rng.choice((10, 1_000, 50_000))
        clock.now += pause
        # A list may not show the latest changes, and no request tells that from a quiet account.
        # So threads count that were there before them. The index is never later than the margin.
        if pause > INDEX_LAG or not (behaviour.index_lag or behaviour.index_lag_lists):
            scene.simulator.show(account)
            life.throughout = life.look()


def test_most_questions_about_a_lively_account_are_answered(
    stage_and_client: tuple[Stage, Client],
) -> None:
    answered = 0
    for seed in range(6):
        rng, clock = random.Random(seed), Clock()
        account = lively_account(clock, rng, 60)
        scene = Scene(stage_and_client, account)
        scene.before = Life(account, clock, rng, 1, 6).goes_on
        with suppress(InconsistentData):
            scene.load(ActivityQuery((SPAN,)))
            answered += 1
    assert answered >= 5


@pytest.mark.parametrize("at", range(1, 9))
def test_a_thread_that_a_merge_moves_behind_the_reader_is_not_lost(
    stage_and_client: tuple[Stage, Client], at: int
) -> None:
    clock = Clock()
    account = Account(clock=clock)
    rows = [account.add(SPAN.first + number * DAY // 10).id for number in range(60)]
    clock.now += 100_000
    moved = [each.id for each in account.threads(rows[-1])]
    scene = Scene(stage_and_client, account, workers=1)

    def merge(number: int) -> None:
        clock.now += 1
        if number == at:
            account.merge(rows[-1], rows[0])

    scene.before = merge
    found = scene.load(ActivityQuery((SPAN,))).activities
    places = Counter(each.id for activity in found for each in activity.threads)
    assert {thread: places[thread] for thread in moved} == dict.fromkeys(moved, 1)


def test_an_account_that_changes_too_fast_is_an_error(
    stage_and_client: tuple[Stage, Client],
) -> None:
    clock = Clock()
    account = Account(clock=clock)
    rows = [account.add(SPAN.first + number).id for number in range(120)]
    scene = Scene(stage_and_client, account, workers=1)

    def touch_all(_number: int) -> None:
        clock.now += 1
        for row in rows:
            account.touch(row)

    scene.before = touch_all
    with pytest.raises(InconsistentData, match="faster than they can be read"):
        scene.load(ActivityQuery((SPAN,)))
