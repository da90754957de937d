"""Several windows are read at a time: what is proven, what a kill loses, and how a run ends."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.archive.database import Archive, open_archive
from compat.archive.locks import SyncLock
from compat.archive.records import LAYERS
from compat.archive.sync import backfill
from compat.archive.sync.reread import VERIFY_SINCE
from compat.archive.sync.run import SyncEvent, SyncStopped
from compat.archive.writer import Writer
from compat.simulator import Account, Behaviour, make_account
from tests.integration.exactness.simulated_upstream import Upstream
from tests.profiles import THOROUGH
from tests.unit.archive.sync.synced_account import (
    DAY,
    EVER,
    QUIET,
    SINCE,
    Clock,
    PowerCut,
    Staged,
    interrupted,
    sample_account,
    staged,
)
from tests.unit.v2.upstream import divide_lanes

SECONDS = 60
"""How many seconds of creation a dense account has, with conversations in each of them."""

ANY_PATH = re.compile("")
LISTS = re.compile("/v2/(mailboxes|tags|users|teams)")

DENSE = Behaviour(rate_limit=None, page_size=6, all_lists_spam=False)


def dense_account(clock: Clock) -> Account:
    """A conversation in each second, spam in every second one, and one second with many."""
    account = Account(clock=clock)
    first = int(clock.now) - DAY
    for at in range(SECONDS):
        account.add(first + at)
        if at % 2:
            account.add(first + at, status="spam")
    for _ in range(15):
        account.add(first + SECONDS // 3)
    return account


class Watch:
    """What happened to each conversation, and whether the archive may claim what it claims.

    Attributes:
        listed: The ids of conversations that one list showed from the beginning on, by whether it
            is the list of spam.
        turns: How often each conversation was marked as spam, or unmarked.
    """

    def __init__(self, stage: Staged, changes: list[tuple[str, int]]) -> None:
        self._stage = stage
        self._changes = iter(changes)
        self._lock = threading.Lock()
        rows = stage.account.conversations()
        self.listed = {
            spam: {r.id for r in rows if (r.status == "spam") is spam} for spam in (0, 1)
        }
        self.turns = {row.id: 0 for row in rows}
        self.created = {row.id: row.created for row in rows}

    def change(self, account: Account, _target: str) -> None:
        """Make the next change; called before each list is sent."""
        with self._lock:
            what, at = next(self._changes, ("", 0))
            ids = sorted(self.turns)
            if not what or not ids:
                return
            id_ = ids[at % len(ids)]
            if what == "delete":
                account.delete(id_)
                del self.turns[id_]
            else:
                spam = account[id_].status == "spam"
                (account.unspam if spam else account.spam)(id_)
                self.turns[id_] += 1
            for listed in self.listed.values():
                listed.discard(id_)

    def check(self, archive: Archive) -> None:
        """All that was certainly on a list is held where the archive claims to have read it."""
        with self._lock, archive.reading() as snapshot:
            held = {id_ for known in snapshot.rows([EVER]) for id_ in [known.id]}
            for layer in LAYERS:
                for known in snapshot.layer_coverage(layer):
                    assert self._within(self.listed[layer != "all"], known.interval) <= held
            once = {id_ for id_, turns in self.turns.items() if turns <= 1}
            for known in snapshot.coverage():
                assert self._within(once, known.interval) <= held

    def _within(self, ids: set[int], interval: Any) -> set[int]:
        return {id_ for id_ in ids if interval.first <= self.created[id_] <= interval.last}


@dataclass(frozen=True)
class Case:
    """How windows are read, and what happens meanwhile.

    Attributes:
        parallel: How many requests are made at a time, at most.
        rows: About how many conversations a window holds.
        min_pages: How many pages are left, at least, where a part is taken over.
        kills: After how many pages, and one more, each run but the last ends.
        verify: Whether these runs read everything again.
        changes: What changes before each request, and of which conversation.
    """

    parallel: int
    rows: int
    min_pages: float
    kills: list[int]
    verify: bool
    changes: list[tuple[str, int]]


CASES = st.builds(
    Case,
    parallel=st.sampled_from([1, 2, 4, 7]),
    rows=st.sampled_from([10, 40, 2_000]),
    min_pages=st.sampled_from([0.5, 2.0]),
    kills=st.lists(st.integers(0, 25), max_size=4),
    verify=st.booleans(),
    changes=st.lists(
        st.tuples(st.sampled_from(["", "", "delete", "turn", "turn"]), st.integers(0, 200)),
        max_size=80,
    ),
)


@pytest.mark.timeout(900)
@settings(max_examples=100 if THOROUGH else 6)
@given(case=CASES)
def test_what_is_covered_was_read_whatever_happens_and_whoever_read_it(
    upstream_server: Upstream, case: Case
) -> None:
    with pytest.MonkeyPatch.context() as patch, archive_place() as url:
        patch.setattr(backfill, "ROWS", case.rows)
        divide_lanes(patch, case.min_pages)
        clock = Clock()
        stage = staged(upstream_server, url, dense_account(clock), clock, DENSE)
        stage.limit_requests(case.parallel)
        watch = Watch(stage, case.changes)
        stage.simulator.before_request = watch.change
        patch.setattr(Archive, "writing", checked(watch.check))
        for after in case.kills:
            with interrupted(stage, after), suppress(PowerCut):
                stage.sync(accept_loss=True, verify=case.verify)
            clock.advance(after * 100)
        stage.sync(accept_loss=True)
        stage.simulator.before_request = None
        clock.advance(DAY)
        stage.sync(accept_loss=True)
        assert stage.rows() == stage.truth()


def test_each_as_of_is_the_first_request_of_the_worker_who_read_that(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request for what is covered was made before its *as of*, which may be a second early."""
    monkeypatch.setattr(backfill, "ROWS", 150)
    divide_lanes(monkeypatch, 1.0)
    asked: list[tuple[str, int, float]] = []

    def note(_account: Account, target: str) -> None:
        if found := LIST.search(target):
            stage.clock.advance(10)
            key = datetime.fromisoformat(found[2]).timestamp() if found[2] != "*" else EVER.first
            asked.append((found[1], int(key), stage.clock.now))

    stage.simulator.before_request = note
    with interrupted(stage, 20), pytest.raises(PowerCut):
        stage.sync()
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        covered = {layer: snapshot.layer_coverage(layer) for layer in ("spam", "all")}
    assert len(covered["all"]) > 2
    asked.remove(next(each for each in asked if each[0] == "all"))  # it only looks how many
    for layer, known in covered.items():
        for (first, last), as_of in known:
            times = [at for status, key, at in asked if status == layer and first <= key <= last]
            assert min(times) >= as_of >= min(times) - 15


LIST = re.compile(r"status=(\w+)&query=\(createdAt:\[(\S+) TO ")


@contextmanager
def archive_place() -> Iterator[str]:
    place = tempfile.mkdtemp()
    try:
        yield f"sqlite:///{place}/archive.db"
    finally:
        shutil.rmtree(place)


def checked(check: Callable[[Archive], None]) -> Any:
    """A replacement for `Archive.writing` that checks each state after it was committed."""
    writing = Archive.writing

    @contextmanager
    def writing_and_checking(archive: Archive, lock: SyncLock) -> Iterator[Writer]:
        with writing(archive, lock) as writer:
            yield writer
        check(archive)

    return writing_and_checking


def lists_asked(stage: Staged) -> int:
    """How many requests for pages of conversations the latest run made."""
    return stage.simulator.requests["/v2/conversations"]


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize("after", [5, 14, 23])
def test_a_kill_loses_a_page_of_each_worker_at_most(
    upstream_server: Upstream, url: str, parallel: int, verify: bool, after: int
) -> None:
    """A window that was begun costs a page more for each list when its reading goes on."""
    clock = Clock()
    stage = staged(upstream_server, url, sample_account(clock, 400), clock)
    stage.limit_requests(parallel)
    if verify:
        stage.sync()
    else:
        with archive_place() as other:
            whole = staged(upstream_server, other, stage.account, clock)
            whole.limit_requests(parallel)
            whole.sync()
            undisturbed = lists_asked(whole)
        upstream_server.show(stage.simulator)
    if verify:
        stage.sync(verify=True)
        undisturbed = lists_asked(stage)
    with interrupted(stage, after), pytest.raises(PowerCut):
        stage.sync(verify=verify)
    killed = lists_asked(stage)
    stage.sync(verify=verify)
    totals = 2 * (len(stage.account.layout.mailboxes) + 1) + 4
    assert killed + lists_asked(stage) <= undisturbed + parallel * (1 + len(LAYERS)) + totals
    assert stage.rows() == stage.truth()


def test_verify_goes_on_where_it_was_killed_and_begins_anew_once_it_was_finished(
    stage: Staged,
) -> None:
    stage.sync()
    everything = stage.sync(verify=True).read
    rows = 0

    def kill(event: SyncEvent) -> None:
        nonlocal rows
        rows += int(event.facts.get("rows", 0))
        if rows > 150:
            raise PowerCut

    stage.on_event = kill
    with pytest.raises(PowerCut):
        stage.sync(verify=True)
    stage.on_event = lambda _: None
    assert stage.sync(verify=True).read <= everything - rows + 25 * 4 * len(LAYERS)
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        assert snapshot.get_note(VERIFY_SINCE) is None
    assert stage.sync(verify=True).read >= everything - 25


def test_a_verification_that_was_killed_long_ago_begins_anew(stage: Staged) -> None:
    stage.sync()
    with interrupted(stage, 12), pytest.raises(PowerCut):
        stage.sync(verify=True)
    stage.clock.advance(8 * DAY)
    # Rows that are read twice count twice, and how many are depends on the workers.
    assert stage.sync(verify=True).read >= len(stage.rows())


def test_as_many_requests_as_the_setting_says_are_made_at_a_time(
    upstream_server: Upstream, url: str
) -> None:
    clock = Clock()
    account = sample_account(clock, 1_000)
    stage = staged(upstream_server, url, account, clock, replace(QUIET, latency=0.05))
    for parallel in (3, 1):
        stage.limit_requests(parallel)
        crowd = Crowd(stage.simulator)
        upstream_server.app = crowd
        stage.sync(verify=True)
        assert crowd.most == parallel


def test_lists_are_asked_side_by_side_in_no_more_requests_than_one_after_the_other(
    upstream_server: Upstream, url: str
) -> None:
    clock = Clock()
    account = sample_account(clock, 60)
    stage = staged(upstream_server, url, account, clock, replace(QUIET, latency=0.05))
    most, asked = {}, {}
    for parallel in (4, 1):
        stage.limit_requests(parallel)
        crowd = Crowd(stage.simulator, LISTS)
        upstream_server.app = crowd
        stage.sync()
        most[parallel] = crowd.most
        requests = stage.simulator.requests
        asked[parallel] = {path: requests[path] for path in requests if LISTS.match(path)}
    assert most == {4: 4, 1: 1}
    assert asked[4] == asked[1]
    assert stage.rows() == stage.truth()


class Crowd:
    """The API, which counts how many requests it answers at a time.

    Args:
        simulator: What answers.
        counted: The paths that count.
    """

    def __init__(self, simulator: Any, counted: re.Pattern[str] = ANY_PATH) -> None:
        self._simulator = simulator
        self._counted = counted
        self._now = self.most = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        counts = self._counted.match(scope["path"]) is not None
        self._now += counts
        self.most = max(self.most, self._now)
        await self._simulator(scope, receive, send)
        self._now -= counts


def test_one_thread_alone_writes_and_reports(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "ROWS", 60)
    threads = set()
    stage.on_event = lambda _: threads.add(threading.get_ident())
    monkeypatch.setattr(Archive, "writing", checked(lambda _: threads.add(threading.get_ident())))
    stage.sync()
    assert threads == {threading.get_ident()}


def test_pages_that_wait_are_committed_together(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "ROWS", 60)
    log = []

    def commit_slowly(_: Archive) -> None:
        log.append("commit")
        time.sleep(0.05)

    stage.on_event = lambda event: log.append(event.name)
    monkeypatch.setattr(Archive, "writing", checked(commit_slowly))
    stage.sync()
    assert "commit page page" in " ".join(log)
    assert stage.rows() == stage.truth()


def test_the_first_error_ends_the_run_although_other_requests_take_long(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "ROWS", 60)
    app = OneRefusedAndTheOthersSlow(stage.simulator)
    stage.upstream_server.app = app
    began = time.monotonic()
    with pytest.raises(SyncStopped, match="check the rights") as stopped:
        stage.sync()
    assert stopped.value.status == 3
    assert time.monotonic() - began < 15
    assert not [each for each in threading.enumerate() if each.name.startswith("lane")]
    stage.upstream_server.app = stage.simulator
    stage.sync()
    assert stage.rows() == stage.truth()


class OneRefusedAndTheOthersSlow:
    """The API, but one list of spam is refused when two others are being waited for."""

    def __init__(self, simulator: Any) -> None:
        self._simulator = simulator
        self._slow = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if b"status=spam" not in scope["query_string"]:
            await self._simulator(scope, receive, send)
            return
        if self._slow < 2:
            self._slow += 1
            await asyncio.sleep(20)
        start = {"type": "http.response.start", "status": 403, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": b"{}"})


@pytest.mark.skipif(not THOROUGH, reason="takes three minutes: the rate limit goes by the minute")
@pytest.mark.timeout(900)
def test_all_that_the_reserve_leaves_of_the_rate_limit_is_used_and_nothing_is_refused(
    upstream_server: Upstream, url: str
) -> None:
    account = make_account(5_000, 3, datetime.now(UTC), SINCE)
    behaviour = replace(QUIET, rate_limit=100, latency=0.1)
    stage = staged(upstream_server, url, account, Clock(), behaviour)
    statuses = Statuses(stage.simulator)
    upstream_server.app = statuses
    stage.sync()
    used = [minute[200] for minute in statuses.by_minute.values()]
    assert not any(minute[429] for minute in statuses.by_minute.values())
    assert len(used) >= 3
    assert max(used) <= 90 + 1  # the one of the sign-in, which does not count
    assert min(used[1:-1]) >= 90 * 0.95


class Statuses:
    """The API, which counts the statuses of its answers in each minute of the clock."""

    def __init__(self, simulator: Any) -> None:
        self._simulator = simulator
        self.by_minute: dict[int, Counter[int]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def count(message: Any) -> None:
            if message["type"] == "http.response.start":
                minute = self.by_minute.setdefault(int(time.time() // 60), Counter())
                minute[message["status"]] += 1
            await send(message)

        await self._simulator(scope, receive, count)
