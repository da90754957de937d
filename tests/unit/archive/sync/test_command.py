"""`helpscout-v1 sync` as a process: what it prints, and its exit status."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from compat.archive.database import open_archive
from tests.unit.archive.sync.synced_account import Staged
from tests.unit.server.commands import COMMAND, environment, run
from tests.unit.service.doubles import LONG


@pytest.fixture
def settings(stage: Staged) -> dict[str, str]:
    """The environment variables for the staged account and archive."""
    return stage.environment()


def test_a_complete_run_exits_with_0_and_prints_what_is_covered(
    stage: Staged, settings: dict[str, str]
) -> None:
    done = run("sync", **settings)
    assert done.returncode == 0, done.stderr
    assert stage.rows() == stage.truth()
    assert "360 conversations new or changed" in done.stderr.splitlines()[-1]
    assert "0001-01-01T00:00:00Z to 2015-06-16T12:15" in done.stderr.splitlines()[-1]


def test_json_lines_name_the_steps_and_the_end(stage: Staged, settings: dict[str, str]) -> None:
    done = run("sync", "--json", **settings)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["step"] for each in events if each["event"] == "step"] == [
        *("menus", "modified", "new", "reread", "modified at last", "lost mailboxes", "totals"),
        "users",
    ]
    assert events[-1]["event"] == "done"
    assert events[-1]["changed"] == len(stage.truth())
    assert events[-1]["covered"][0]["first"] == "0001-01-01T00:00:00Z"
    assert all(each["time"] for each in events)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--start", "soon"), "--start"),
        (("--since", "soon"), "--start"),
        (("--until", "2015-02-30"), "--end"),
        (("--since", "2016", "--until", "2015"), "--start"),
        (("--watch", "often"), "--watch"),
        (("--watch", "0m"), "--watch"),
        (("--account", "acme"), "--account"),
        (("--no-such-option",), "--no-such-option"),
    ],
)
def test_misuse_exits_with_2_and_names_the_option(
    settings: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    done = run("sync", *arguments, **settings)
    assert done.returncode == 2
    assert said in done.stderr


def test_without_an_archive_it_names_the_variable_to_set(settings: dict[str, str]) -> None:
    done = run("sync", **settings | {"COMPAT_ARCHIVE": ""})
    assert done.returncode == 2
    assert "COMPAT_ARCHIVE is not set" in done.stderr


def test_wrong_credentials_exit_with_3(settings: dict[str, str]) -> None:
    done = run("sync", **settings | {"HELPSCOUT_APP_SECRET": "wrong"})
    assert done.returncode == 3
    assert "HELPSCOUT_APP_SECRET" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_archive_exits_with_4(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"not a database at all" * 100)
    done = run("sync", **settings | {"COMPAT_ARCHIVE": str(tmp_path / "other")})
    assert done.returncode == 4
    assert "no archive" in done.stderr


def test_a_run_during_another_run_says_so_and_exits_with_5(
    stage: Staged, settings: dict[str, str]
) -> None:
    with open_archive(stage.url, create=True) as archive, archive.lock():
        done = run("sync", **settings)
    assert done.returncode == 5
    assert "another process is writing" in done.stderr
    assert not stage.simulator.requests["/v2/conversations"]


def test_a_lost_mailbox_exits_with_6_until_the_loss_is_accepted(
    stage: Staged, settings: dict[str, str]
) -> None:
    stage.sync()
    before = stage.rows()
    lost = stage.lose_mailbox()
    done = run("sync", **settings)
    assert done.returncode == 6
    assert str(lost) in done.stderr
    assert "--accept-loss" in done.stderr
    assert stage.rows() == before
    assert run("sync", "--accept-loss", **settings).returncode == 0
    assert stage.rows() == stage.truth()


@pytest.fixture
def slow(stage: Staged) -> Staged:
    """The same with slow answers."""
    stage.simulator.behaviour = type(stage.simulator.behaviour)(rate_limit=None, latency=0.1)
    return stage


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_after_the_page_and_the_next_run_goes_on(
    slow: Staged, settings: dict[str, str], sent: signal.Signals
) -> None:
    with started("sync", **settings) as process:
        wait_for_rows(slow)
        process.send_signal(sent)
        assert process.wait(LONG) == 130
        assert process.stderr is not None
        assert "run it again to go on" in process.stderr.read()
    held = len(slow.rows())
    assert 0 < held < len(slow.truth())
    assert slow.sync().changed <= len(slow.truth()) - held + 25
    assert slow.rows() == slow.truth()


def test_a_watch_repeats_the_run_until_a_signal_comes(
    stage: Staged, settings: dict[str, str]
) -> None:
    with started("sync", "--watch", "1s", **settings) as process:
        wait_for_rows(stage, len(stage.truth()))
        stage.account.add()
        stage.clock.advance(2_000)
        wait_for_rows(stage, len(stage.truth()))
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONG) in {0, 130}
    assert stage.rows() == stage.truth()


def started(*arguments: str, **settings: str) -> subprocess.Popen[str]:
    """The command, running; ended with the block."""
    return subprocess.Popen(
        [COMMAND, *arguments], env=environment(settings), stderr=subprocess.PIPE, text=True
    )


def wait_for_rows(stage: Staged, many: int = 1) -> None:
    """Wait until the archive holds so many conversations."""
    deadline = time.monotonic() + LONG
    path = stage.url.removeprefix("sqlite:///")
    while time.monotonic() < deadline:
        if Path(path).exists():
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=LONG)
            try:
                (held,) = connection.execute("SELECT count(*) FROM conversation").fetchone()
            except sqlite3.OperationalError:  # not made yet
                held = 0
            finally:
                connection.close()
            if held >= many:
                return
        time.sleep(0.02)
    raise AssertionError("the archive was not filled in time")
