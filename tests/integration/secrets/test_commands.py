"""What commands say, write and are called with holds no secret, however they end.

A command that is new joins by itself: as a server if it takes a port, else without arguments. A
row of `RUNS` makes it do more.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import click
import pytest

from compat.cli.commands import program
from compat.config.accounts import ACCOUNTS_VARIABLE
from tests.integration.secrets.marks import SECRETS, core, found_in
from tests.integration.secrets.upstream import APP, BEARER, KEYS, proxied, settings_for, simulated
from tests.profiles import THOROUGH
from tests.unit.server.commands import COMMAND, environment
from tests.unit.server.threaded_server import ask, raw
from tests.unit.service.doubles import LONG, PATH

ANY_YEAR = f"{PATH}?start=2005-01-01&end=2045-01-31&viewBy=month"

RUNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "serve": (
        ("--port", "0", "--record", "recorded.jsonl"),
        ("--port", "0", "--ssl-certfile", "nowhere"),
    ),
    "init": (
        ("--no-input",),
        ("--env-file", "nowhere/file"),
        ("--force", "--archive", "nowhere/x"),
    ),
    "list folders": ((), ("--csv", "--mailbox", "x")),
    "report new": (("--start", "2015-01", "--ids"), ("--start", "x")),
    "simulate": (("--port", "0", "--conversations", "3"),),
    "sync": (("--json",), ("--verify",), ("--since", "x")),
    "archive status": ((), ("--json",)),
    "archive forget": (("--customer", "nobody@example.org"),),
    "archive seal": (("--at", "2015"),),
    "doctor": ((), ("--json",), ("--offline",)),
    "parity check": (("captures.jsonl", "--json", "verdicts.json", "--html", "verdicts.html"),),
    "parity live": (("--from", "2014", "--to", "2015", "--requests", "30"),),
    "parity against": (("http://127.0.0.1:9/v1/", "--simulator-port", "0"),),
}
"""How commands are run, beside `--help` and with what they do not know."""


MADE_FOR_SECRETS = "helpscout-v1.env"
"""The file that `init` writes, which is there to hold secrets."""


def leaves(command: click.Command, *words: str) -> Iterator[tuple[str, bool]]:
    """Every command below another by its words, and whether it takes a port."""
    if isinstance(command, click.Group):
        for word, each in command.commands.items():
            yield from leaves(each, *words, word)
    else:
        yield " ".join(words), any("--port" in each.opts for each in command.params)


def commands() -> dict[str, tuple[tuple[str, ...], ...]]:
    """How each command there is is run."""
    return {
        name: RUNS.get(name, (("--port", "0") if takes_port else (),))
        for name, takes_port in leaves(program)
    }


COMMANDS = commands()


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with simulated() as url:
        yield url


def test_the_rows_are_of_commands_there_are() -> None:
    assert set(RUNS) <= set(COMMANDS)


def everything(folder: Path, settings: dict[str, str], *arguments: str) -> str:
    """All that a run says, is called with and leaves behind in the folder it may write to."""
    homes = {name: str(folder) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME")}
    with subprocess.Popen(
        [COMMAND, *arguments],
        cwd=folder,
        env=environment(settings) | homes,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            first = stopped(process) if serves(arguments) else ""
            said = process.communicate(timeout=LONG)
        finally:
            if process.poll() is None:
                process.kill()
        (folder / MADE_FOR_SECRETS).unlink(missing_ok=True)
    return "\n".join([first, *said, *written(folder)])


def serves(arguments: tuple[str, ...]) -> bool:
    return "--port" in arguments


def stopped(process: subprocess.Popen[str]) -> str:
    """What a server says, is called with and answers, once it had a request and was stopped."""
    assert process.stderr is not None
    content = [process.stderr.readline()]
    listens = re.search(r"(?:Answering|Simulating)[^{}]* on http://[^ ]+:([0-9]+)", content[0])
    if listens is None:
        return content[0]
    with suppress(OSError):  # there is no such file but on Linux
        content.append(Path(f"/proc/{process.pid}/cmdline").read_text("utf-8", "replace"))
    port = int(listens[1])
    for target in (ANY_YEAR, "/metrics", "/v2/mailboxes", "/nowhere"):
        for key in KEYS:
            content += map(str, vars(ask(port, target, headers=dict(key))).values())
    content.append(str(raw(port, f"nonsense {BEARER}\r\n\r\n".encode())))
    if "Answering" in content[0]:
        process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    return "\n".join(content)


GIVEN = {"accounts.toml", "captures.jsonl"}
"""Files that tests put there; `serve --record` writes its own elsewhere."""


def written(folder: Path) -> Iterator[str]:
    """The names and contents of all files but those that tests put there."""
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in GIVEN:
            yield str(path)
            yield path.read_bytes().decode("latin-1")


def accounts(folder: Path, base_url: str) -> dict[str, str]:
    """Settings by a file of accounts, of which one has a secret that is refused."""
    tables = [
        f"[{name}]\napp_id = '{APP}'\napp_secret = '{SECRETS[secret]}'\n"
        f"api_keys = ['{SECRETS[key]}']"
        for name, secret, key in (
            ("acme", "app-secret", "first-key"),
            ("umbrella", "their-secret", "other-key"),
        )
    ]
    file = folder / "accounts.toml"
    file.write_text("\n".join(tables), encoding="utf-8")
    file.chmod(0o600)
    return {"HELPSCOUT_BASE_URL": base_url, ACCOUNTS_VARIABLE: str(file), "COMPAT_METRICS": "true"}


def archived(folder: Path, base_url: str) -> dict[str, str]:
    """Settings that name an archive, which is filled, and captures that hold a key."""
    settings = settings_for(base_url, COMPAT_ARCHIVE="archive.db")
    assert found_in(everything(folder, settings, "sync")) == set()
    key = {"Authorization": f"Basic {SECRETS['first-key']}"}
    request = {"url": f"http://u:{core('first-key')}@old{ANY_YEAR}&key={core('other-key')}"}
    capture = {"request": request | {"headers": key}, "response": {"status": 200, "body": {}}}
    (folder / "captures.jsonl").write_text(json.dumps(capture), encoding="utf-8")
    return settings


def database(_: Path, base_url: str) -> dict[str, str]:
    """Settings that name an archive on a server that is not there."""
    password = quote(SECRETS["database-password"], safe="")
    return settings_for(base_url, COMPAT_ARCHIVE=f"postgresql://us%65r:{password}@127.0.0.1:9/x")


def proxy(base_url: str) -> str:
    return proxied(urlsplit(base_url).port or 0)


Scene = Callable[[Path, str], dict[str, str]]
SCENES: dict[str, Scene] = {
    "all is well": lambda _, url: settings_for(url),
    "as JSON": lambda _, url: settings_for(url, COMPAT_LOG="json"),
    "through a proxy": lambda _, url: settings_for(url, COMPAT_PROXY=proxy(url)),
    "with an archive": archived,
    "with a database that is not there": database,
    "refused": lambda _, url: settings_for(url, HELPSCOUT_APP_SECRET=SECRETS["their-secret"]),
    "several accounts": accounts,
    "a secret in the wrong place": lambda _, url: settings_for(url, COMPAT_JOBS=SECRETS["token"]),
    "half a URL": lambda _, __: settings_for(f"https://user:{core('app-secret')}/v2"),
    "half a proxy": lambda _, url: settings_for(url, COMPAT_PROXY=f"{proxy(url)}@@:x"),
    "nothing set": lambda _, __: {},
}
"""The settings that a command may meet."""


QUICK = ("all is well", "half a URL")


@pytest.mark.parametrize("scene", SCENES if THOROUGH else QUICK)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_shows_no_secret(command: str, scene: str, tmp_path: Path, base_url: str) -> None:
    settings = SCENES[scene](tmp_path, base_url)
    for arguments in COMMANDS[command]:
        text = everything(tmp_path, settings, *command.split(), *arguments)
        assert found_in(text) == set()
        assert "Traceback" not in text or "nowhere" in arguments


@pytest.mark.parametrize("arguments", [("--help",), ("--nothing-of-the-kind",)])
@pytest.mark.parametrize("command", COMMANDS)
def test_nor_does_its_help(
    command: str, arguments: tuple[str, ...], tmp_path: Path, base_url: str
) -> None:
    settings = settings_for(base_url)
    assert found_in(everything(tmp_path, settings, *command.split(), *arguments)) == set()


def test_what_is_looked_at_is_what_is_said(tmp_path: Path, base_url: str) -> None:
    settings = settings_for(base_url)
    served = everything(tmp_path, settings, "serve", "--port", "0")
    assert '"current":' in served
    assert "compat.access" in served
    assert "helpscout_v1_requests_total" in served
    assert "serve" in served
    assert ",count" in everything(tmp_path, settings, "report", "new", "--start", "2015", "--csv")
