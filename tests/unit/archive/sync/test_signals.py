"""A signal ends `sync` soon, whatever the main thread does or holds at that moment."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from compat.simulator import Behaviour
from tests.unit.archive.sync.synced_account import QUIET, Staged
from tests.unit.server.commands import COMMAND, environment
from tests.unit.service.doubles import LONG

SOON = 15.0
"""Seconds for a process to end after a signal; at most five: a retry pauses no longer."""

LATENCY = replace(QUIET, latency=0.01)


@pytest.fixture
def settings(stage: Staged) -> dict[str, str]:
    """The environment variables for the staged account and archive."""
    return stage.environment()


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("Client._send", "RateLimiter._seconds_to_wait"),
        ("Client._send", "ConnectionPool._assign_requests_to_connections"),
        ("Client._request", "_outcome"),
        ("_Schedule.pages", "Condition.wait"),
    ],
    ids=["rate limiter", "connection pool", "counters", "pages"],
)
def test_a_signal_while_the_main_thread_holds_a_lock_ends_the_run(
    stage: Staged, settings: dict[str, str], outer: str, inner: str
) -> None:
    with interrupted_in(outer, inner, **settings) as process:
        assert process.wait(LONG) == 130
    assert stage.sync().changed
    assert stage.rows() == stage.truth()


def test_a_signal_at_the_beginning_of_a_wait_for_the_rate_limit_ends_the_run(
    stage: Staged, settings: dict[str, str]
) -> None:
    """The main thread waits for a worker that makes the request."""
    stage.simulator.behaviour = replace(QUIET, rate_limit=3)
    with interrupted_in("SyncSession.side_by_side", "Future.result", **settings) as process:
        assert process.wait(SOON) == 130


def test_a_signal_at_the_beginning_of_the_wait_for_the_next_run_ends_the_watch(
    stage: Staged, settings: dict[str, str]
) -> None:
    watch = ("--watch", "1d")
    with interrupted_in("=_repeat", "Event.wait", *watch, **settings) as process:
        assert process.wait(LONG) == 0
    assert stage.rows() == stage.truth()


@pytest.mark.parametrize(
    ("behaviour", "requests"),
    [
        (replace(QUIET, rate_limit=3), 3),
        (replace(QUIET, limit_rate=1.0, limit_wait=3600), 1),
        (replace(QUIET, fail_rate=1.0), 4),
        (replace(QUIET, latency=LONG), 1),
    ],
    ids=["rate limit", "refusal for an hour", "retry", "slow answer"],
)
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_waits_ends_soon_and_goes_on_afterwards(
    stage: Staged,
    settings: dict[str, str],
    behaviour: Behaviour,
    requests: int,
    sent: signal.Signals,
) -> None:
    stage.simulator.behaviour = behaviour
    with running(COMMAND, "sync", **settings) as process:
        wait_for_requests(stage, requests)
        process.send_signal(sent)
        assert process.wait(SOON) == 130
        assert process.stderr is not None
        assert "run it again to go on" in process.stderr.read()
    stage.simulator.behaviour = QUIET
    stage.sync()
    assert stage.rows() == stage.truth()


def test_a_flood_of_signals_ends_a_busy_run_and_the_next_run_goes_on(
    stage: Staged, settings: dict[str, str]
) -> None:
    stage.simulator.behaviour = LATENCY
    with running(COMMAND, "sync", **settings) as process:
        wait_for_requests(stage, 6)
        until = time.monotonic() + SOON
        while process.poll() is None and time.monotonic() < until:
            process.send_signal(signal.SIGINT)
        assert process.returncode == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    stage.sync()
    assert stage.rows() == stage.truth()


@contextmanager
def running(*command: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A process; killed at the end of the block if it has not ended by then."""
    with subprocess.Popen(
        command, env=environment(settings), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def interrupted_in(
    outer: str, inner: str, *arguments: str, **settings: str
) -> AbstractContextManager[subprocess.Popen[str]]:
    """A run that gets SIGINT when the inner function begins below the outer one, or by it."""
    command = (
        sys.executable,
        "-m",
        "tests.unit.archive.sync.interrupted_command",
        outer,
        inner,
        "sync",
        *arguments,
    )
    return running(*command, **settings)


def wait_for_requests(stage: Staged, many: int) -> None:
    """Wait until so many requests have been made, sign-ins included."""
    deadline = time.monotonic() + LONG
    while sum(stage.simulator.requests.values()) < many:
        assert time.monotonic() < deadline, "too few requests were made in time"
        time.sleep(0.02)
