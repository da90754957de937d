"""A run as a whole: its steps in order, what it returns, and how it ends if it cannot go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from compat.archive.database import open_archive
from compat.archive.sync.run import Sync, SyncEvent, SyncOptions, SyncStopped
from compat.config.settings import SettingsError
from compat.simulator import Behaviour
from compat.v2.errors import LOOP_HEADER, UpstreamError
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.synced_account import (
    DAY,
    Clock,
    Staged,
    sample_account,
    staged,
)
from tests.unit.v2.upstream import (
    Asked,
    Reply,
    Script,
    answer,
    conversation,
    in_turn,
    page_of,
    scripted,
)


@pytest.fixture
def stage(upstream_server: Upstream, url: str) -> Staged:
    """A small account and an empty archive."""
    clock = Clock()
    return staged(upstream_server, url, sample_account(clock, 12, 0), clock)


def steps(stage: Staged) -> list[object]:
    """The steps of the latest run."""
    return [facts["step"] for facts in stage.reported("step")]


# What a run does.


def test_a_run_with_threads_takes_the_steps_of_threads_as_well(stage: Staged) -> None:
    every = ["menus", "modified", "new", "reread", "modified at last", "threads", "ratings"]
    every += ["lost mailboxes", "totals", "threads at last", "users"]
    stage.sync(threads=True)
    assert steps(stage) == [*every[:2], "recent threads", *every[2:]]
    stage.clock.advance(DAY)
    stage.sync()
    assert steps(stage) == every


def test_a_run_says_how_many_requests_it_made_and_how_many_conversations_it_read_and_changed(
    stage: Staged,
) -> None:
    done = stage.sync()
    assert done.requests == sum(stage.simulator.requests.values())
    assert done.requests == stage.asked() + 1, "one sign-in"
    assert (done.changed, done.removed) == (len(stage.truth()), 0)
    assert done.read >= done.changed
    assert done.covered == stage.coverage()


def test_a_run_says_how_many_conversations_it_removed(stage: Staged) -> None:
    stage.sync()
    first, second, changed = list(stage.truth())[:3]
    stage.account.delete(first)
    stage.account.delete(second)
    stage.account.retag(changed, ["new tag"])
    stage.clock.advance(DAY)
    done = stage.sync()
    assert (done.changed, done.removed) == (1, 2)


@pytest.mark.parametrize("slim", [True, False, None])
def test_a_new_archive_is_slim_if_the_options_say_so(stage: Staged, slim: bool | None) -> None:
    stage.sync(slim=slim)
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        assert snapshot.slim is bool(slim)


def test_threads_are_kept_until_the_options_say_otherwise(stage: Staged) -> None:
    kept = []
    for threads in (None, True, None, False):
        stage.sync(threads=threads)
        with open_archive(stage.url) as archive, archive.reading() as snapshot:
            kept.append(snapshot.keeps_threads)
    assert kept == [False, True, True, False]


# How a run ends that cannot go on.


def test_without_a_place_for_an_archive_the_setting_is_named(stage: Staged) -> None:
    stage.settings = stage.settings.model_copy(update={"archive": None})
    with pytest.raises(SettingsError, match="COMPAT_ARCHIVE is not set: name the file"):
        stage.sync()
    assert not stage.simulator.requests


def stopped_run(stage: Staged) -> SyncStopped:
    """How a run ends."""
    with pytest.raises(SyncStopped) as stopped:
        stage.sync()
    return stopped.value


TROUBLE: dict[str, tuple[Script, str, bool]] = {
    "credentials": (
        in_turn(answer({}, 401)),
        "check HELPSCOUT_APP_ID and HELPSCOUT_APP_SECRET",
        False,
    ),
    "rights": (in_turn(answer({}, 403)), "check the rights of the user", False),
    "a loop": (
        in_turn(Reply(508, headers={LOOP_HEADER: "1"})),
        "set COMPAT_CONNECT_TO",
        False,
    ),
    "a redirect": (
        in_turn(Reply(301, headers={"Location": "https://other.example/"})),
        "check HELPSCOUT_BASE_URL",
        False,
    ),
    "another program": (in_turn(answer({}, 404)), "check HELPSCOUT_BASE_URL", False),
    "an outage": (in_turn(answer({}, 503)), "run it again later; it goes on where", True),
}


@contextmanager
def in_place_of(stage: Staged, script: Script, *, sign_in: bool = False) -> Iterator[None]:
    """Within the block, a script answers in place of the account."""
    settings = stage.settings
    with scripted() as odd:
        odd.script = script
        if sign_in:
            odd.sign_in = script
        stage.settings = settings.model_copy(update={"base_url": odd.url})
        yield
    stage.settings = settings


@pytest.mark.parametrize("what", TROUBLE)
def test_a_run_that_upstream_ends_says_what_to_do(stage: Staged, what: str) -> None:
    script, advice, later = TROUBLE[what]
    with in_place_of(stage, script, sign_in=what == "credentials"):
        stopped = stopped_run(stage)
    cause = stopped.__cause__
    assert isinstance(cause, UpstreamError)
    assert str(stopped).startswith(f"{cause}: {advice}")
    assert (stopped.status, stopped.later) == (3, later)


def shows_a_conversation_without_a_status(asked: Asked) -> Reply:
    """An account that has one conversation, and nothing else but its mailbox."""
    if asked.path.endswith("/conversations"):
        return page_of([conversation(7, status=None)])
    kind = asked.path.rpartition("/")[2]
    items = [{"id": 1, "name": "Support"}] if kind == "mailboxes" else []
    page = {"size": 50, "totalElements": len(items), "totalPages": len(items), "number": 1}
    return answer({"_embedded": {kind: items}, "page": page})


def test_a_conversation_that_cannot_be_read_is_named_and_no_later_run_can_help(
    stage: Staged,
) -> None:
    with in_place_of(stage, shows_a_conversation_without_a_status):
        stopped = stopped_run(stage)
    assert "conversation 7: status" in str(stopped)
    assert "look at it in Help Scout" in str(stopped)
    assert stopped.status == 3


def test_a_run_during_another_may_succeed_later(stage: Staged) -> None:
    with open_archive(stage.url, create=True) as archive, archive.lock():
        stopped = stopped_run(stage)
    assert (stopped.status, stopped.later) == (5, True)
    assert str(stopped) == str(stopped.__cause__), "the error of the archive says what to do"


def test_an_archive_that_cannot_be_used_ends_a_run_before_the_first_request(stage: Staged) -> None:
    stage.settings = stage.settings.model_copy(update={"archive": SecretStr("https://a.example")})
    stopped = stopped_run(stage)
    assert (stopped.status, stopped.later) == (4, False)
    assert not stage.simulator.requests


# Stopping a run.


def test_a_run_that_is_stopped_before_it_begins_asks_for_nothing(stage: Staged) -> None:
    sync = Sync(stage.settings, SyncOptions())
    sync.stop()
    with pytest.raises(SyncStopped, match="run it again to go on from there") as stopped:
        sync.run()
    assert (stopped.value.status, stopped.value.later) == (130, False)
    assert not stage.simulator.requests


def test_a_run_that_is_stopped_keeps_what_it_has_read(stage: Staged) -> None:
    def stop(event: SyncEvent) -> None:
        if event.name == "page":
            sync.stop()

    sync = Sync(stage.settings, SyncOptions(), stop)
    with pytest.raises(SyncStopped) as stopped:
        sync.run()
    assert stopped.value.status == 130
    assert stage.rows()
    stage.sync()
    assert stage.rows() == stage.truth()


def test_a_wait_for_the_rate_limit_is_known_and_cut_short(stage: Staged) -> None:
    stage.simulator.behaviour = Behaviour(rate_limit=2)
    sync = Sync(stage.settings, SyncOptions())
    assert sync.rate_limit_wait == 0.0
    ended: list[int] = []

    def run() -> None:
        try:
            sync.run()
        except SyncStopped as stopped:
            ended.append(stopped.status)

    running = threading.Thread(target=run)
    running.start()
    pause = threading.Event()
    while not sync.rate_limit_wait and running.is_alive():
        pause.wait(0.01)
    assert 0 < sync.rate_limit_wait <= 60
    sync.stop()
    running.join(30)
    assert ended == [130]
