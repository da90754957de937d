"""Other settings are taken over while the service runs, and a faulty file changes nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from compat.config.accounts import ACCOUNTS_VARIABLE
from compat.config.settings import Settings, SettingsError
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from compat.v1.http import LegacyResponse
from tests.integration.exactness.simulated_upstream import Upstream, upstream
from tests.unit.server.commands import Running, run, started
from tests.unit.server.threaded_server import Answer, ask
from tests.unit.service.doubles import FIRST, JANUARY, LONG, FakeSource, basic
from tests.unit.v2.upstream import one_tls_context

BY_DAY = f"{JANUARY}&viewBy=day"
SECRET = "demo-secret"


@pytest.fixture(scope="module", autouse=True)
def retries_without_waiting() -> Iterator[None]:
    with one_tls_context():
        yield


def with_keys(settings: Settings, *keys: str) -> Settings:
    return settings.model_copy(update={"api_keys": tuple(map(SecretStr, keys))})


def simulated(conversations: int) -> Simulator:
    account = Account()
    for _ in range(conversations):
        account.add(FIRST)
    return Simulator(account, Behaviour(rate_limit=None))


def asked_of(simulator: Simulator) -> int:
    """How often it was asked for anything."""
    return sum(simulator.requests.values())


@dataclass
class Scene:
    """A service for two accounts: `acme` of two conversations, `bravo` of three."""

    reports: LegacyReports
    settings: dict[str, Settings]
    acme: Simulator
    bravo: Simulator
    spare: Upstream

    def ask(self, key: str, target: str = JANUARY) -> LegacyResponse:
        return self.reports.answer(target, authorization=basic(key))

    def count(self, key: str) -> int | None:
        """Conversations in the first week, or None where the key is not known."""
        answer = self.ask(key)
        return None if answer.status == 401 else first_count(answer)


def first_count(answer: LegacyResponse | Answer) -> int:
    assert answer.status == 200, answer
    return int(answer.body.partition(b'"count":')[2].partition(b"}")[0])


@pytest.fixture(scope="module")
def upstream_servers() -> Iterator[list[Upstream]]:
    with ExitStack() as stack:
        yield [stack.enter_context(upstream()) for _ in range(3)]


@pytest.fixture
def scene(upstream_servers: list[Upstream]) -> Iterator[Scene]:
    acme, bravo = simulated(2), simulated(3)
    settings = {
        "acme": with_keys(upstream_servers[0].show(acme), "acme-key"),
        "bravo": with_keys(upstream_servers[1].show(bravo), "bravo-key"),
    }
    with LegacyReports(settings) as reports:
        yield Scene(reports, settings, acme, bravo, upstream_servers[2])


def test_an_account_that_stays_the_same_is_not_disturbed(scene: Scene) -> None:
    assert (scene.count("acme-key"), scene.count("bravo-key")) == (2, 3)
    before = scene.reports.accounts["acme"]
    asked = asked_of(scene.acme)
    scene.reports.reload({"acme": scene.settings["acme"].model_copy()})
    assert scene.reports.accounts["acme"] is before
    assert first_count(scene.ask("acme-key")) == 2
    assert first_count(scene.ask("acme-key", BY_DAY)) == 2
    assert asked_of(scene.acme) == asked


def test_an_account_that_changed_takes_over(scene: Scene) -> None:
    assert scene.count("bravo-key") == 3
    moved = with_keys(scene.spare.show(simulated(5)), "bravo-key")
    scene.reports.reload({**scene.settings, "bravo": moved})
    assert (scene.count("acme-key"), scene.count("bravo-key")) == (2, 5)


def test_the_account_that_was_before_a_change_is_closed(scene: Scene) -> None:
    before = scene.reports.accounts["bravo"]
    scene.reports.reload(
        {**scene.settings, "bravo": with_keys(scene.settings["bravo"], "a-new-key")}
    )
    assert not before.ready
    assert scene.reports.accounts["bravo"].ready


def test_a_key_that_moved_selects_the_other_account_from_then_on(scene: Scene) -> None:
    assert (scene.count("acme-key"), scene.count("bravo-key")) == (2, 3)
    acme, bravo = scene.settings["acme"], scene.settings["bravo"]
    scene.reports.reload(
        {"acme": with_keys(acme, "bravo-key"), "bravo": with_keys(bravo, "acme-key")}
    )
    assert (scene.count("acme-key"), scene.count("bravo-key")) == (3, 2)


def test_an_account_that_was_removed_is_closed_and_its_key_is_unknown(scene: Scene) -> None:
    assert scene.count("bravo-key") == 3
    before = scene.reports.accounts["bravo"]
    scene.reports.reload({"acme": scene.settings["acme"]})
    assert not before.ready
    assert (scene.count("acme-key"), scene.count("bravo-key")) == (2, None)
    with pytest.raises(LookupError):
        scene.reports.new_conversations(start="2015-01-01", end="2015-01-31", account="bravo")


def test_an_account_that_was_added_is_answered(scene: Scene) -> None:
    assert scene.count("chip-key") is None
    added = with_keys(scene.spare.show(simulated(7)), "chip-key")
    scene.reports.reload({**scene.settings, "chip": added})
    assert [scene.count(f"{name}-key") for name in ("acme", "bravo", "chip")] == [2, 3, 7]


def test_accounts_that_are_opened_while_the_service_closes_do_not_take_over(scene: Scene) -> None:
    class Closing(dict[str, Settings]):
        """Settings that close the service just before accounts are opened by them."""

        def items(self) -> Any:
            scene.reports.close()
            return super().items()

    before, added = scene.reports.accounts, with_keys(scene.settings["acme"], "chip-key")
    scene.reports.reload(Closing({**scene.settings, "chip": added}))
    assert scene.reports.accounts is before
    assert not scene.reports.ready


def test_an_account_of_another_name_is_another_account(scene: Scene) -> None:
    before = scene.reports.accounts["acme"]
    scene.reports.reload({"acorn": scene.settings["acme"], "bravo": scene.settings["bravo"]})
    assert not before.ready
    assert scene.count("acme-key") == 2


@pytest.mark.parametrize(
    "fault",
    [{"api_keys": ()}, {"app_secret": SecretStr("")}, {"base_url": "http://example.org/v2"}],
)
def test_settings_that_cannot_be_used_change_nothing(
    scene: Scene, fault: dict[str, object]
) -> None:
    before = dict(scene.reports.accounts)
    good = with_keys(scene.spare.show(simulated(1)), "chip-key")
    bad = {
        "chip": good,
        "acme": scene.settings["acme"].model_copy(update={"patience": 1.0}),
        "bravo": scene.settings["bravo"].model_copy(update=fault),
    }
    with pytest.raises(SettingsError):
        scene.reports.reload(bad)
    assert scene.reports.accounts == before
    counts = [scene.count(f"{name}-key") for name in ("acme", "bravo", "chip")]
    assert counts == [2, 3, None]


def test_a_caller_that_waits_for_a_removed_account_gets_a_503() -> None:
    fake_source = FakeSource(shut=True)
    accounts = {
        name: with_keys(Settings(app_id="an-app", app_secret=SecretStr("s")), name)
        for name in ("acme", "bravo")
    }
    with LegacyReports(accounts, source=fake_source) as reports:
        waiting = reports.answer(JANUARY, authorization=basic("bravo"), patience=0)
        assert fake_source.started.wait(LONG)
        call = next(iter(reports.accounts["bravo"]._calls._running.values()))
        reports.reload({"acme": accounts["acme"]})
        assert type(call.future.exception(LONG)).__name__ == "CallCancelled"
    assert waiting.status == 503


def test_after_closing_settings_are_not_reloaded(scene: Scene) -> None:
    scene.reports.close()
    scene.reports.reload({"chip": with_keys(scene.spare.show(simulated(1)), "chip-key")})
    assert list(scene.reports.accounts) == ["acme", "bravo"]
    assert not scene.reports.ready


# A server of another process, reloaded by SIGHUP.


def table(name: str, settings: Settings, secret: str = SECRET) -> str:
    return (
        f'[{name}]\napp_id = "demo-app"\napp_secret = "{secret}"\n'
        f'api_keys = ["{name}-key"]\nbase_url = "{settings.base_url}"\n'
    )


@dataclass
class Served:
    """A server that was started with a file of accounts."""

    server: Running
    path: Path

    def write(self, text: str) -> None:
        """Change the file, and say so."""
        self.path.write_text(text, encoding="utf-8")
        self.server.process.send_signal(signal.SIGHUP)

    def line(self) -> str:
        """What it says next, but for the requests it was asked."""
        return next(line for line in self.server.lines() if "compat.access" not in line)

    def count(self, name: str) -> int | None:
        headers = {"Authorization": basic(f"{name}-key")}
        answer = ask(self.server.port, JANUARY, headers=headers)
        return None if answer.status == 401 else first_count(answer)

    def comes_to(self, name: str, count: int | None) -> bool:
        """Whether it answers so, sooner or later: a signal takes its time."""
        return any(self.count(name) == count for _ in range(2000))


@pytest.fixture
def served(scene: Scene, tmp_path: Path) -> Iterator[Served]:
    if os.name != "posix":
        pytest.skip("there is no such signal here")
    path = tmp_path / "accounts.toml"
    path.touch(mode=0o600)
    path.write_text("".join(table(name, each) for name, each in scene.settings.items()))
    with started("serve", "--port", "0", **{ACCOUNTS_VARIABLE: str(path)}) as server:
        yield Served(server, path)


def test_a_server_answers_for_the_accounts_of_its_file(served: Served) -> None:
    assert [served.count(name) for name in ("acme", "bravo", "chip")] == [2, 3, None]
    assert served.server.stop(signal.SIGTERM) == 0
    accounts = [line.partition("account ")[2] for line in served.server.said().splitlines()]
    assert [name.partition(",")[0] for name in accounts] == ["acme", "bravo", "None"]


def test_a_server_reads_the_file_again_on_a_signal(scene: Scene, served: Served) -> None:
    assert served.count("acme") == 2
    asked = asked_of(scene.acme)
    chip = table("chip", scene.spare.show(simulated(7)))
    served.write(table("acme", scene.settings["acme"]) + chip)
    assert served.comes_to("chip", 7)
    assert (served.count("acme"), served.count("bravo")) == (2, None)
    assert asked_of(scene.acme) == asked
    assert served.server.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f'[acme]\napp_secret = "{SECRET}', "is not TOML"),
        (f'[acme]\napp_id = "x"\napp_secret = "{SECRET}"\n', "acme: api_keys is missing"),
        ("", "names no account"),
    ],
)
def test_a_server_goes_on_as_it_was_after_a_faulty_file(
    scene: Scene, served: Served, text: str, named: str
) -> None:
    assert served.count("acme") == 2
    asked = asked_of(scene.acme)
    served.write(text)
    line = served.line()
    assert "ERROR" in line
    assert "stay as they were" in line
    assert named in line
    assert [served.count(name) for name in ("acme", "bravo")] == [2, 3]
    assert asked_of(scene.acme) == asked
    assert served.server.stop(signal.SIGTERM) == 0
    said = line + served.server.said()
    assert SECRET not in said
    assert "-key" not in said
    assert "Traceback" not in said


def test_a_server_reads_a_file_that_was_corrected(scene: Scene, served: Served) -> None:
    good = served.path.read_text(encoding="utf-8")
    served.write("nonsense")
    assert "stay as they were" in served.line()
    served.write(good + table("chip", scene.spare.show(simulated(7))))
    assert served.comes_to("chip", 7)


def test_a_server_does_not_start_with_a_faulty_file(tmp_path: Path) -> None:
    path = tmp_path / "accounts.toml"
    path.touch(mode=0o600)
    path.write_text(f'[acme]\napp_secret = "{SECRET}"\n')
    done = run("serve", "--port", "0", **{ACCOUNTS_VARIABLE: str(path)})
    assert done.returncode == 2
    assert "acme: app_id is missing" in done.stderr
    assert SECRET not in done.stderr
    assert "Traceback" not in done.stderr
