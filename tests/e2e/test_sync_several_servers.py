"""Several servers on one archive: one writes at a time, however the last one ended."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen

import httpx
import pytest
import sqlalchemy as sa

from compat.archive.database import LEASE, open_archive
from compat.archive.reader import Snapshot
from compat.core.intervals import Interval
from compat.simulator import Behaviour
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.databases import place
from tests.unit.archive.sync.synced_account import Clock, Staged, sample_account, staged
from tests.unit.server.commands import COMMAND, Running, environment, started
from tests.unit.service.doubles import LONG, basic

pytestmark = pytest.mark.thorough
REPORT = (
    "/v1/reports/conversations/new.json"
    "?start=2014-01-01T00:00:00Z&end=2015-05-31T23:59:59Z&viewBy=month"
)
FIRST, AFTER = 1_388_534_400, 1_433_116_800
SLOW = Behaviour(rate_limit=None, latency=0.15)


@pytest.fixture
def stage(upstream_server: Upstream, tmp_path: Path) -> Iterator[Staged]:
    """An account that takes some seconds to fetch, and an archive of it on a database server."""
    with place("postgresql", tmp_path) as url:
        open_archive(url, create=True).close()
        clock = Clock()
        yield staged(upstream_server, url, sample_account(clock), clock, SLOW)


@pytest.fixture
def settings(stage: Staged) -> dict[str, str]:
    return stage.environment(COMPAT_API_KEYS="an-old-key", COMPAT_PATIENCE=str(LONG))


@contextmanager
def syncing(settings: dict[str, str]) -> Iterator[Popen[str]]:
    """A run in a process of its own."""
    with Popen([COMMAND, "sync"], env=environment(settings), stderr=PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()  # also one that is paused


def result_of(process: Popen[str]) -> tuple[int, str]:
    """The exit status of a run, and what it printed."""
    said = process.communicate(timeout=LONG)[1]
    return process.returncode, said


def seen(stage: Staged, what: Callable[[Snapshot], int]) -> int:
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        return what(snapshot)


def wait_for_more(stage: Staged, than: int) -> int:
    """Wait until the archive holds more conversations than so many; how many it holds then."""
    deadline = time.monotonic() + LONG
    while (held := seen(stage, Snapshot.conversation_count)) <= than:
        assert time.monotonic() < deadline, "nothing more was fetched"
        time.sleep(0.02)
    return held


def let_lease_pass(stage: Staged) -> None:
    """As if the holder of the lock, which is paused, had been silent for longer than it may be."""
    server = sa.create_engine(stage.url)
    with server.begin() as connection:
        connection.execute(sa.text("UPDATE holder SET beat = beat - :lease"), {"lease": 2 * LEASE})
    server.dispose()


def total(server: Running) -> int:
    """How many conversations one server counts."""
    url = server.address.rstrip("/") + REPORT
    answer = httpx.get(url, headers={"Authorization": basic()}, timeout=LONG, trust_env=False)
    assert answer.status_code == 200, answer.text
    return sum(bucket["count"] for bucket in answer.json()["current"])


def true_total(stage: Staged) -> int:
    rows = stage.truth(Interval(FIRST, AFTER - 1)).values()
    return sum(row.state == "published" and row.status != "spam" for row in rows)


def test_one_is_killed_one_is_paused_another_takes_over_and_all_servers_answer_the_same(
    stage: Staged, settings: dict[str, str]
) -> None:
    truth = true_total(stage)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(started("serve", "--port", "0", **settings)) for _ in range(2)
        ]
        killed = stack.enter_context(syncing(settings))
        held = wait_for_more(stage, 0)
        killed.send_signal(signal.SIGKILL)
        killed.wait(LONG)

        paused = stack.enter_context(syncing(settings))
        wait_for_more(stage, held)
        paused.send_signal(signal.SIGSTOP)
        assert result_of(stack.enter_context(syncing(settings)))[0] == 5
        assert [total(server) for server in servers] == [truth, truth]

        let_lease_pass(stage)
        status, said = result_of(stack.enter_context(syncing(settings)))
        assert status == 0, said
        assert stage.rows() == stage.truth()
        version = seen(stage, lambda snapshot: snapshot.version)

        paused.send_signal(signal.SIGCONT)
        status, said = result_of(paused)
        assert status == 4
        assert "took over" in said
        assert seen(stage, lambda snapshot: snapshot.version) == version

        stage.simulator.behaviour = replace(SLOW, latency=0.0)
        stage.simulator.reset()
        assert [total(server) for server in servers] == [truth, truth]
        assert not stage.simulator.requests["/v2/conversations"], "the archive covers all of it"
