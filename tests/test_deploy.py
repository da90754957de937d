"""The files in docs/deploy: the names in them exist, and the servers that they start answer."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.cli.exit_codes import ExitCode
from compat.config import accounts
from compat.config.env_files import ENV_FILE_VARIABLE, secret_file_variables
from compat.config.settings import all_variables
from compat.server.metrics import Metrics
from compat.simulator import Account, Simulator, running
from tests.unit.server.commands import COMMAND, Running, environment, run, started
from tests.unit.server.threaded_server import ask
from tests.unit.service.doubles import LONG

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "deploy"
CONTAINER = (FOLDER / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
NAMES = ("helpscout-v1.service", "helpscout-v1-sync.service", "helpscout-v1-sync.timer")
UNITS = {name: (FOLDER / name).read_text(encoding="utf-8") for name in NAMES}
UNIT = UNITS["helpscout-v1.service"]
SYNC = UNITS["helpscout-v1-sync.service"]
GUIDE = (FOLDER / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def instructions(name: str) -> list[str]:
    """The arguments of each instruction with this name in the container file."""
    return re.findall(rf"^{name} (.*)$", CONTAINER, re.MULTILINE)


def directive(name: str, unit: str = UNIT) -> str:
    """The value of a directive that a unit sets exactly once."""
    (value,) = re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE)
    return str(value)


def container_command() -> list[str]:
    (command,) = instructions("CMD")
    return [str(word) for word in json.loads(command)]


def health_check() -> str:
    (check,) = instructions("HEALTHCHECK")
    python, option, code = json.loads(check.partition("CMD ")[2])
    assert (python, option) == ("python", "-c")
    return str(code)


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with running(Simulator(Account())) as base_url:
        yield base_url


def settings(upstream: str, **others: str) -> dict[str, str]:
    """The settings in the guide's example, with values."""
    named = re.findall(r"^```env\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)[0]
    values = {
        "HELPSCOUT_APP_ID": "demo-app",
        "HELPSCOUT_APP_SECRET": "demo-secret",
        "COMPAT_API_KEYS": "an-old-key",
        "COMPAT_METRICS": "true",
    }
    assert [line.partition("=")[0] for line in named.splitlines()] == list(values)
    return values | {"HELPSCOUT_BASE_URL": upstream} | others


def healthy(server: Running, port: int = 8080) -> bool:
    """Whether the container's health check succeeds for a server."""
    code = health_check().replace(f":{port}/", f":{server.port}/")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(),
        capture_output=True,
        timeout=LONG,
        check=False,
    )
    return done.returncode == 0


def test_the_containers_command_starts_a_healthy_server(upstream: str) -> None:
    program, *arguments = container_command()
    assert program == Path(COMMAND).name
    with started(*arguments, "--port", "0", **settings(upstream)) as server:
        assert healthy(server)
        assert ask(server.port, "/metrics", headers={}).status == 200


def test_the_containers_health_check_fails_for_a_server_that_is_not_healthy(upstream: str) -> None:
    refused = settings(upstream, HELPSCOUT_APP_SECRET="another")
    with started("serve", "--port", "0", **refused) as server:
        ask(server.port, "/v1/tags.json")
        assert not healthy(server)


def test_the_container_exposes_the_port_that_the_server_listens_on() -> None:
    shown = subprocess.run(
        [COMMAND, "serve", "--help"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=True,
    )
    assert instructions("EXPOSE") == ["8080"]
    assert "--port" not in container_command()
    assert re.search(r"--port PORT .*\[default: 8080\]", shown.stdout)
    assert "127.0.0.1:8080/healthz" in health_check()


def test_the_files_that_the_container_copies_exist_and_are_sufficient() -> None:
    copied = {word for line in instructions("COPY") for word in line.split()[:-1]}
    assert all(list(ROOT.glob(name)) for name in copied)
    assert {"pyproject.toml", "LICENSE", "compat"} <= copied


@pytest.mark.parametrize("text", [CONTAINER, GUIDE])
def test_the_extras_and_the_constraints_exist(text: str) -> None:
    (extras,) = re.findall(r"'\.\[(.*?)\]'", text)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    assert "--constraint scripts/constraints.txt" in text


def test_no_process_in_the_container_runs_as_root() -> None:
    (user,) = instructions("USER")
    assert user != "root"
    assert any(line.startswith("useradd ") and line.endswith(user) for line in instructions("RUN"))
    assert CONTAINER.index("\nUSER ") < CONTAINER.index("\nCMD ")


def test_the_server_that_the_unit_starts_keeps_running_after_a_reload(upstream: str) -> None:
    program, *arguments = shlex.split(directive("ExecStart"))
    assert Path(program).name == Path(COMMAND).name
    arguments[arguments.index("--port") + 1] = "0"
    with started(*arguments, **settings(upstream)) as server:
        assert directive("ExecReload") == "/bin/kill -HUP $MAINPID"
        server.process.send_signal(signal.SIGHUP)
        assert ask(server.port, "/healthz", headers={}).status == 200
        assert server.stop(signal.SIGTERM) == 0


def test_a_run_of_the_sync_unit_makes_the_archive_that_the_server_then_uses(
    upstream: str, tmp_path: Path
) -> None:
    archive = settings(upstream, COMPAT_ARCHIVE=str(tmp_path / "archive.db"))
    _, *arguments = shlex.split(directive("ExecStart", SYNC))
    assert run("serve", "--port", "0", **archive).returncode == 2
    assert run(*arguments, **archive).returncode == 0
    with started("serve", "--offline", "--port", "0", **archive) as server:
        assert ask(server.port, "/v1/mailboxes.json").status == 200


def test_the_sync_unit_takes_another_run_for_no_failure() -> None:
    assert directive("SuccessExitStatus", SYNC) == str(int(ExitCode.SYNC_RUNNING))


@pytest.mark.parametrize("name", ["DynamicUser", "User", "StateDirectory", "UMask"])
def test_server_and_sync_run_as_the_same_user_who_owns_the_archive(name: str) -> None:
    assert directive(name) == directive(name, SYNC)
    assert f"COMPAT_ARCHIVE=/var/lib/{directive('StateDirectory')}/archive.db" in UNIT + GUIDE


def test_the_commands_of_the_guide_put_everything_where_the_units_look_for_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "etc" / "systemd" / "system").mkdir(parents=True)
    lines = re.findall(r"^install .*docs/deploy.*$", GUIDE, re.MULTILINE)
    for line in lines:
        subprocess.run(
            shlex.split(re.sub(r" /(etc|opt)/", rf" {tmp_path}/\1/", line)), cwd=ROOT, check=True
        )
    assert all((tmp_path / "etc" / "systemd" / "system" / name).exists() for name in NAMES)
    for unit in UNITS.values():
        page = directive("Documentation", unit).removeprefix("file://")
        assert (tmp_path / page.lstrip("/")).is_file()
    assert f"helpscout-v1.env {directive('EnvironmentFile')}" in GUIDE


def test_the_guide_and_the_units_name_the_same_files() -> None:
    for unit in (UNIT, SYNC):
        home = str(Path(directive("ExecStart", unit).split()[0]).parent.parent)
        assert f"python3 -m venv {home}\n" in GUIDE
        assert directive("EnvironmentFile", unit) in GUIDE
    for name in re.findall(r"docs/deploy/([\w-]+\.\w+)", GUIDE + CONTAINER):
        assert (FOLDER / name).exists() or name == "helpscout-v1.env"


def test_every_variable_is_a_setting() -> None:
    known = {name for name, _ in all_variables()} | set(secret_file_variables().values())
    known |= {accounts.ACCOUNTS_VARIABLE, ENV_FILE_VARIABLE}
    named = re.findall(r"\b(?:COMPAT|HELPSCOUT)_[A-Z0-9_]+\b", CONTAINER + UNIT + SYNC + GUIDE)
    assert set(named) <= known


def test_every_metric_that_the_guide_names_exists() -> None:
    page = Metrics(dict).page().body.decode()
    for name in re.findall(r"`(helpscout_v1_\w+)`", GUIDE):
        assert f"# TYPE {name} " in page


@pytest.mark.parametrize("name", NAMES)
def test_systemd_finds_no_mistake_in_a_unit(name: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze on this machine (apt-get install systemd)")
    program = directive("ExecStart").split()[0]
    for each, text in UNITS.items():
        (tmp_path / each).write_text(text.replace(program, COMMAND), encoding="utf-8")
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(tmp_path / name)],
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    complaints = [line for line in done.stderr.splitlines() if "helpscout-v1" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr
