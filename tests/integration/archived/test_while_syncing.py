"""Answers while a synchronisation runs and the account changes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from compat.archive.database import open_archive
from compat.service import LegacyReports
from tests.integration.archived import committed_states
from tests.integration.archived.committed_states import QUESTIONS, State
from tests.integration.archived.offline_service import answer_of, change_account, service
from tests.integration.exactness import oracle
from tests.unit.archive.sync.synced_account import Staged

Answers = tuple[str, ...]
THREADS = 2
REQUESTS = 5
"""How many requests there are at least between two changes of the account.

A run stops with an error if what it reads changes again before it has read it.
"""

PAUSE = 0.01
"""Seconds between the questions of a thread, so that the synchronisation makes progress."""


def in_this_process(stage: Staged) -> set[Answers]:
    """Synchronise; returns the answers of all states that were committed."""
    states: set[State] = set()
    with committed_states.recorded(states.add):
        stage.sync(accept_loss=True)
    return set(map(committed_states.answers, states))


def in_another_process(stage: Staged) -> set[Answers]:
    """The same in another process."""
    settings = stage.settings
    assert settings.app_secret is not None
    ran = subprocess.run(
        [sys.executable, "-m", "tests.integration.archived.committed_states"],
        input=json.dumps([settings.app_secret.get_secret_value(), stage.url, settings.base_url]),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return set(map(tuple, json.loads(ran.stdout)))


@contextmanager
def changing(stage: Staged) -> Iterator[None]:
    """Within the block, the account changes all the time, but not faster than it is read."""
    over = threading.Event()

    def change() -> None:
        rng = random.Random(7)
        before = 0
        while not over.wait(0.05):
            requests = stage.simulator.requests.total()
            if not 0 <= requests - before < REQUESTS:  # a run begins to count anew
                before = requests
                change_account(stage.account, rng, 1)

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(change)
        try:
            yield
        finally:
            over.set()
            going.result()


def answers_until(reports: LegacyReports, over: threading.Event) -> list[tuple[int, str]]:
    """The questions that were asked until the event was set, by number, and their answers."""
    answers = []
    while not over.wait(PAUSE):
        for at, asked in enumerate(QUESTIONS):
            answers.append((at, json.dumps(answer_of(reports, asked))))
    return answers


def answers_of_the_archive(stage: Staged) -> Answers:
    """The expected answers to all questions as the archive is now."""
    with open_archive(stage.url) as archive:
        return committed_states.answers(committed_states.read(archive))


@pytest.mark.parametrize("synchronise", [in_this_process, in_another_process])
def test_offline_every_answer_is_that_of_a_committed_state(
    stage: Staged, synchronise: Callable[[Staged], set[Answers]]
) -> None:
    before = answers_of_the_archive(stage)
    states = {before}
    over = threading.Event()
    change_account(stage.account, random.Random(3), 40)
    stage.clock.advance(3600)
    with (
        service(stage, offline=True) as reports,
        changing(stage),
        ThreadPoolExecutor(THREADS) as pool,
    ):
        asking = [pool.submit(answers_until, reports, over) for _ in range(THREADS)]
        try:
            states |= synchronise(stage)
        finally:
            over.set()
        answers = {each for some in asking for each in some.result()}
    true = {(at, answer) for state in states for at, answer in enumerate(state)}
    assert answers - true == set()
    with service(stage, offline=True) as reports:
        after = tuple(json.dumps(answer_of(reports, asked)) for asked in QUESTIONS)
    assert after == answers_of_the_archive(stage) != before


def test_completed_answers_are_within_what_existed_meanwhile(stage: Staged) -> None:
    over = threading.Event()
    account = stage.account
    stage.clock.advance(3600)

    def ask_online(reports: LegacyReports) -> int:
        done = 0
        while not over.is_set():
            asked = QUESTIONS[done % len(QUESTIONS)]
            since = len(account.changes)
            found = answer_of(reports, asked)
            with account.lock:
                changes = account.changes[since:]
                now = account.conversations()
            touched = {change.id for change in changes}
            still = [row for row in now if row.id not in touched]
            ever = [*now, *(change.before for change in changes if change.before)]
            within = [row for row in still if oracle.matches(row, asked, account)]
            perhaps = {row.id: row for row in ever if oracle.matches(row, asked, account)}
            low = oracle.counted(within, asked.start, asked.end, asked.view_by)
            high = oracle.counted(perhaps.values(), asked.start, asked.end, asked.view_by)
            counts = [bucket["count"] for bucket in found["current"]]
            for (_, least), count, (_, most) in zip(low, counts, high, strict=True):
                assert least <= count <= most
            done += 1
        return done

    with (
        service(stage, recent_age=0, max_age=0) as reports,
        changing(stage),
        ThreadPoolExecutor(1) as pool,
    ):
        asking = pool.submit(ask_online, reports)
        try:
            stage.sync(accept_loss=True)
        finally:
            over.set()
        assert asking.result()
