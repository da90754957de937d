"""Threads in the archive of an account that changes: none is lost; offline answers are right."""

from __future__ import annotations

import json
import random
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from compat.archive.database import open_archive
from compat.archive.records import INDEX_LAG
from compat.archive.sync import recent_threads
from compat.archive.sync.run import SyncEvent, SyncStopped
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval
from compat.simulator import Account, Behaviour
from compat.simulator.behaviour import ChangeKind
from compat.simulator.churn import apply_random_change
from tests.integration.archived.offline_service import ask, service
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.simulated_upstream import Upstream
from tests.profiles import THOROUGH
from tests.unit.archive.sync.synced_account import (
    DAY,
    SINCE,
    Clock,
    PowerCut,
    Staged,
    interrupted,
    sample_account,
    staged,
)
from tests.unit.archive.sync.true_threads import (
    held_threads,
    known_time,
    known_until,
    true_threads,
    unread,
)

KINDS = tuple(kind for kind in get_args(ChangeKind) if kind != "return")
"""Help Scout cannot take back a merge, after which threads move from one conversation to two."""

WITH_MERGES = (*KINDS, *["merge"] * 8, *["arrive"] * 4)

PROFILE = settings(
    max_examples=24 if THOROUGH else 2,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

behaviours = st.builds(
    Behaviour,
    rate_limit=st.none(),
    page_size=st.sampled_from([7, 25]),
    all_lists_spam=st.booleans(),
    index_lag=st.sampled_from([0, 0, 5, 60, 300]),
    index_lag_lists=st.sampled_from([0, 0, 2]),
    embedded_chats=st.sampled_from(["threads", "bodies", "whole"]),
    embedded_threads=st.sampled_from([None, None, 3]),
    repeat_rate=st.sampled_from([0.0, 0.3]),
)


@dataclass
class Life:
    """An account that changes before each request for a list, and where its threads were.

    Attributes:
        pace: How many changes there are before each request.
        throughout: The ids of threads that were on a listed conversation at every moment since
            the run began that said until when all are known.
        places: The conversations on which each thread was since then, by its id.
        since_this_run: The same since the run began that is under way.
        created: When each was created.
        seen_first: When each was there first, by the account's clock; 0 if from the beginning.
        checks: How often the archive was looked at while it said that it knows threads.
        recent_checks: How often it said that it knows recent ones alone.
        known_at_start: The time whose threads it knew when the run that is under way began.
    """

    stage: Staged
    rng: random.Random
    pace: int
    throughout: set[int] = field(default_factory=set)
    since_this_run: set[int] = field(default_factory=set)
    places: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    created: dict[int, int] = field(default_factory=dict)
    seen_first: dict[int, float] = field(default_factory=dict)
    checks: int = 0
    recent_checks: int = 0
    known_at_start: Interval | None = None

    def __post_init__(self) -> None:
        self.stage.simulator.before_request = self.goes_on

    def look(self) -> set[int]:
        now = set()
        for id_, threads in true_threads(self.stage.account).items():
            for each in threads:
                now.add(each.id)
                self.places[each.id].add(id_)
                self.created[each.id] = each.created
        since = self.stage.clock.now if self.seen_first else 0.0
        self.seen_first |= dict.fromkeys(now - self.seen_first.keys(), since)
        return now

    def shown(self) -> set[int]:
        """The threads that have been there for as long as the index may be behind.

        Others may be new although they were created earlier, such as one in place of another that
        was edited, or one of a conversation that was imported.
        """
        until = self.stage.clock.now - self.stage.simulator.behaviour.index_lag
        return {id_ for id_ in self.look() if self.seen_first[id_] <= until}

    def goes_on(self, _account: Account, _target: str) -> None:
        self.stage.clock.advance(self.rng.choice((0, 0, 1, 2)))
        for _ in range(self.pace):
            apply_random_change(self.stage.account, self.rng, WITH_MERGES)
            now = self.look()
            self.throughout &= now
            self.since_this_run &= now

    def run(self, cut_after: int | None) -> None:
        """Synchronise while the account changes; what is known must be there after each commit.

        Before, much is written in most conversations, mostly long enough ago to be known
        afterwards.
        """
        for row in self.stage.account.conversations():
            if row.listed and self.rng.random() < 0.7:
                self.stage.account.write(row.id)
        self.time_passes(self.rng.choice((10, INDEX_LAG + 60, 3600, 3 * DAY)))
        self.since_this_run = self.shown()
        self.known_at_start = known_time(self.stage)
        self.stage.on_event = self.check
        try:
            if cut_after is None:
                self.stage.sync(threads=True, accept_loss=True)
            else:
                with interrupted(self.stage, cut_after):
                    self.stage.sync(threads=True, accept_loss=True)
        except (PowerCut, SyncStopped):
            pass
        finally:
            self.stage.on_event = lambda _: None
        self.check()
        if known_time(self.stage) not in {self.known_at_start, None}:
            self.throughout = self.since_this_run

    def time_passes(self, seconds: int) -> None:
        """Let time pass; the index is never later than the margin."""
        self.stage.clock.advance(seconds)
        if seconds > INDEX_LAG:
            self.stage.simulator.show(self.stage.account)

    def check(self, _event: SyncEvent | None = None) -> None:
        time = known_time(self.stage)
        if time is None:
            return
        self.checks += 1
        self.recent_checks += time.first > FIRST_SECOND
        place = {each.id: id_ for id_, some in held_threads(self.stage).items() for each in some}
        # What the run that is under way has said is about the time since its own beginning.
        is_new = time != self.known_at_start
        throughout = self.since_this_run if is_new else self.throughout
        known = {id_ for id_ in throughout if time.first <= self.created[id_] <= time.last}
        assert known <= place.keys()
        assert not [id_ for id_ in known if place[id_] not in self.places[id_]]


@pytest.fixture(autouse=True)
def steps_always_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recent threads are read first, however small the account is."""
    monkeypatch.setattr(recent_threads, "_FEWEST", 0)
    monkeypatch.setattr(recent_threads, "_SHARE", 1)


def lively(upstream_server: Upstream, directory: str, behaviour: Behaviour) -> Staged:
    clock = Clock()
    account = sample_account(clock, 36, 9)
    return staged(upstream_server, f"sqlite:///{directory}/archive.db", account, clock, behaviour)


def received(stage: Staged, asked: Asked) -> tuple[int, object]:
    """The status and the answer of an offline service to a question about received messages."""
    with service(stage, offline=True) as reports:
        answer = ask(reports, asked.target().replace("/new.json", "/received-messages.json"))
    return answer.status, json.loads(answer.body)


@PROFILE
@example(  # what is new shortly before a run, and was created long before, is not in the index yet
    behaviour=Behaviour(
        rate_limit=None, page_size=25, all_lists_spam=False, index_lag=300, embedded_chats="threads"
    ),
    seed=65535,
    pace=1,
    parallel=1,
    first_is_quiet=True,
    cuts=[None, None],
)
@example(  # a merge moves threads to a conversation that the first run has read before
    behaviour=Behaviour(rate_limit=None, page_size=7),
    seed=3,
    pace=1,
    parallel=1,
    first_is_quiet=False,
    cuts=[None],
)
@given(
    behaviour=behaviours,
    seed=st.integers(0, 10**6),
    pace=st.integers(1, 2),
    parallel=st.sampled_from([1, 4]),
    first_is_quiet=st.booleans(),
    cuts=st.lists(st.none() | st.integers(0, 30), min_size=1, max_size=2),
)
def test_a_thread_that_exists_throughout_is_never_missing(
    upstream_server: Upstream,
    *,
    behaviour: Behaviour,
    seed: int,
    pace: int,
    parallel: int,
    first_is_quiet: bool,
    cuts: list[int | None],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        stage = lively(upstream_server, directory, behaviour)
        stage.limit_requests(parallel)
        if first_is_quiet:
            stage.sync(threads=True)
        open_archive(stage.url, create=True).close()
        life = Life(stage, random.Random(seed), pace)
        life.throughout = life.look()
        for cut_after in cuts:
            life.run(cut_after)
        life.pace = 0
        life.time_passes(DAY)
        began = stage.clock.now
        stage.sync(threads=True, accept_loss=True)
        assert unread(stage) == set()
        until = known_until(stage)
        assert until is not None
        assert until >= began - 2 * INDEX_LAG  # the run itself may take longer
        assert held_threads(stage) == {
            id_: threads
            for id_, threads in true_threads(stage.account).items()
            if threads and id_ in stage.rows()
        }
        first, last = int(SINCE.timestamp()), until
        for asked in (
            Asked(first, last, view_by="month"),
            Asked(last - 20 * DAY, last, view_by="day", filters={"types": ("email",)}),
        ):
            assert received(stage, asked) == (200, oracle.received(asked, stage.account))


def test_an_account_that_changes_all_the_while_is_looked_at(
    upstream_server: Upstream, tmp_path: object
) -> None:
    stage = lively(upstream_server, str(tmp_path), Behaviour(rate_limit=None, page_size=7))
    stage.sync(threads=True)
    life = Life(stage, random.Random(5), 1)
    life.throughout = life.look()
    life.run(None)
    assert life.checks > 10


def test_recent_threads_of_an_account_that_changes_are_looked_at_during_the_first_fill(
    upstream_server: Upstream, tmp_path: Path
) -> None:
    stage = lively(upstream_server, str(tmp_path), Behaviour(rate_limit=None, page_size=7))
    open_archive(stage.url, create=True).close()
    life = Life(stage, random.Random(5), 1)
    life.throughout = life.look()
    life.run(None)
    assert life.recent_checks > 10
