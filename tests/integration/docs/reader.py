"""A reader who does what a page says, block after block, in one shell and one directory.

Ports are the one thing that is read otherwise: a server listens on a free one, and what the page
says of the usual one then means that.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

from compat.config.accounts import read_accounts
from compat.config.settings import Settings
from compat.parity.ignore_rules import read_rules
from tests.integration.docs.pages import ROOT, Block
from tests.integration.docs.telling import alike, fetch, shape
from tests.unit.server.commands import environment
from tests.unit.server.serving import LOOPBACK, free_port
from tests.unit.service.doubles import LONG

TOOLS = Path(sys.executable).parent
USUAL = {"serve": "127.0.0.1:8080", "simulate": "127.0.0.1:8081"}
"""Where the commands listen unless told otherwise."""

_SERVER = re.compile(r"(?:\.venv/bin/)?helpscout-v1 (serve|simulate)\b(.*?)&?")
HARMLESS = frozenset({"echo", "openssl", "printf"})
"""Programs that are run as they stand. All others are refused: a page may tell people to change
their machine, and reading it must not change this one."""

_COMMAND = r"(?:\.venv/bin/)?helpscout-v1 (?:report|parity|sync|archive|doctor)\b.*"
_OUTSIDE = re.compile(r"(?<![\w./:])(?:[~/]|\.\./)|[;&|`]|\$\(")
"""A path that leads out of the reader's directory, or a second command on the line."""

_EXPORT = re.compile(r"export (\w+)=(\S*)(?:\s+#.*)?")
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Reader:
    """Runs the blocks of one page.

    Attributes:
        settings: Variables of ours, as the page has set them so far.
        addresses: What the page's usual addresses mean.
        said: What the last thing that ran has printed.
    """

    def __init__(self, place: Path, settings: dict[str, str], server: str) -> None:
        self.place = place
        self.settings = dict(settings)
        self.addresses = {USUAL["serve"]: server, USUAL["simulate"]: f"{LOOPBACK}:{free_port()}"}
        self.said = ""
        self._servers: list[subprocess.Popen[str]] = []
        (place / ".venv").mkdir()
        (place / ".venv" / "bin").symlink_to(TOOLS)

    def close(self) -> None:
        for server in self._servers:
            server.kill()
            server.communicate(timeout=LONG)

    def follow(self, block: Block) -> None:
        """Do what a block says.

        Raises:
            AssertionError: It cannot be done, or something else comes of it than the page shows.
        """
        _RUNNERS[block.language](self, block.text)

    def shell(self, text: str) -> None:
        for line in text.replace("\\\n", " ").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                self._line(line.strip())

    def console(self, text: str) -> None:
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            self._line(line)
            if shown.strip():
                assert alike(self.said, shown), (
                    f"{line}\nprinted\n{self.said}\nbut is shown\n{shown}"
                )

    def python(self, text: str) -> None:
        """A program, or tests for pytest."""
        if "def test_" not in text:
            self._run([sys.executable, "-c", self._meant(text)])
            return
        (self.place / "test_snippet.py").write_text(text, encoding="utf-8")
        self._run([sys.executable, "-m", "pytest", "-q", "-W", "error", "test_snippet.py"])

    def shown(self, text: str) -> None:
        assert alike(self.said, text), f"printed\n{self.said}\nbut is shown\n{text}"

    def json(self, text: str) -> None:
        shown = json.loads(text)
        if self.said.startswith(("{", "[")):
            assert shape(json.loads(self.said)) == shape(shown)

    def toml(self, text: str) -> None:
        """A file of accounts, or of rules for what may differ."""
        if not text.startswith("[[ignore]]"):
            self.accounts(text)
            return
        path = self.place / "ignore.toml"
        path.write_text(text, encoding="utf-8")
        assert read_rules(path).used()

    def accounts(self, text: str) -> None:
        """A file of accounts; saved, with credentials that the simulator knows."""
        path = self.place / "accounts.toml"
        path.touch(0o600)
        path.write_text(text, encoding="utf-8")
        assert read_accounts(path, Settings.from_env(self.settings))
        for name in ("app_id", "app_secret"):
            known = f'{name} = "{self.settings[f"HELPSCOUT_{name.upper()}"]}"'
            text = re.sub(rf'^{name} = ".*"$', known, text, flags=re.MULTILINE)
        path.write_text(text, encoding="utf-8")

    def variables(self, text: str) -> None:
        """A file of variables, as it is told to be written."""
        assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*=\S*", line) for line in text.splitlines())

    def unit(self, text: str) -> None:
        """A unit of systemd's, or another file of its kind."""
        reading = ConfigParser(interpolation=None, strict=False, delimiters="=")
        reading.read_string(text)
        assert reading.sections()

    def addresses_answer(self, text: str) -> None:
        """Formulas: every address of ours in them answers."""
        found = re.findall(r'http://127[^"\s]+', text)
        assert found
        for url in found:
            self.said = fetch(self._meant(url), "YOUR_OLD_KEY:X")

    def _line(self, line: str) -> None:
        for pattern, act in _LINES:
            if found := re.compile(pattern).fullmatch(line):
                act(self, found)
                return
        raise AssertionError(f"{line!r} is not run here: say so before the block, or teach Reader")

    def program(self, found: re.Match[str]) -> None:
        _need(found[0].split(maxsplit=1)[0])
        self.command(found)

    def command(self, found: re.Match[str]) -> None:
        self._run(["sh", "-c", self._meant(_inside(found[0]))])

    def against(self, found: re.Match[str]) -> None:
        """A command that simulates Mailbox API 2.0 itself."""
        port = self.addresses[USUAL["simulate"]].rpartition(":")[2]
        self._run(["sh", "-c", f"{self._meant(_inside(found[0]))} --simulator-port {port}"])

    def export(self, found: re.Match[str]) -> None:
        if found[2] != "…":
            self.settings[found[1]] = self._meant(found[2])
        assert found[1] in self.settings

    def serve(self, found: re.Match[str]) -> None:
        command, rest = found[1], shlex.split(found[2])
        process = subprocess.Popen(
            [TOOLS / "helpscout-v1", command, *rest, "--port", "0"],
            env=self._environment(),
            cwd=self.place,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._servers.append(process)
        self.said, address = _first_words(process)
        self.addresses[USUAL[command]] = address
        self.said = self.said.replace(address, USUAL[command])

    def stop(self, found: re.Match[str]) -> None:
        jobs = found[1].split()
        assert jobs == [f"%{number}" for number in range(1, len(self._servers) + 1)]
        for server in self._servers:
            server.send_signal(signal.SIGTERM)
            assert server.wait(LONG) == 0
        self.said = ""

    def hang_up(self, _: re.Match[str]) -> None:
        self._servers[-1].send_signal(signal.SIGHUP)
        with urllib.request.urlopen(f"http://{self.addresses[USUAL['serve']]}/healthz") as health:
            assert health.status == 200
        assert self._servers[-1].poll() is None

    def script(self, found: re.Match[str]) -> None:
        """Scripts that set everything up are not run in the middle of a test; they exist."""
        assert os.access(ROOT / found[0].split()[0], os.X_OK), found[0]

    def curl(self, found: re.Match[str]) -> None:
        line = self._meant(_inside(found[0]))
        options = "-sSf --noproxy '*'"
        if "https://" in line:  # whatever the name, it means our server
            _need("curl")
            options += f" --connect-to ::{self.addresses[USUAL['serve']]}"
        if shutil.which("curl"):
            self._run(["sh", "-c", line.replace("curl ", f"curl {options} ", 1)])
            return
        _, *words, url = shlex.split(line)
        self.said = fetch(url, words[words.index("-u") + 1])

    def _meant(self, text: str) -> str:
        for usual, address in self.addresses.items():
            text = text.replace(usual, address)
        return text

    def _environment(self) -> dict[str, str]:
        plain = {"COLUMNS": "90", "NO_PROXY": "*", "TERM": "dumb"}
        path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
        return environment(self.settings) | plain | {"PATH": path}

    def _run(self, arguments: list[str]) -> None:
        """Run to the end, with a terminal to print on, as a person has one."""
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen:
            with os.fdopen(theirs, "wb") as output:
                process = subprocess.Popen(
                    arguments,
                    env=self._environment(),
                    cwd=self.place,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.PIPE,
                )
            self.said = _STYLE.sub("", _all(screen)).replace("\r\n", "\n")
            complaint = process.communicate(timeout=LONG)[1].decode()
        assert process.returncode == 0, f"{arguments}\n{self.said}{complaint}"


def _inside(line: str) -> str:
    """The same line, once it is sure that it is one command and stays in its directory."""
    bare = re.sub(r"'[^']*'|https?://[^\s'&;|`$]+", "", line)
    assert not _OUTSIDE.search(bare), f"{line!r} reaches out of its directory"
    return line


def _need(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


def _first_words(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The line in which a server says where it listens, and the address in it."""
    complaints = []
    for line in process.stderr or ():
        if found := re.search(r"https?://(\S+)$", line):
            return line, found[1]
        complaints.append(line)
    raise AssertionError(f"{process.args!r} did not start: {''.join(complaints)}")


def _all(screen: Any) -> str:
    """Everything written until the last writer has gone, which a terminal tells as an error."""
    parts = []
    try:
        while part := screen.read(65_536):
            parts.append(part)
    except OSError:
        pass
    return b"".join(parts).decode()


_LINES: tuple[tuple[str, Callable[[Reader, re.Match[str]], None]], ...] = (
    (_SERVER.pattern, Reader.serve),
    (_EXPORT.pattern, Reader.export),
    (r"scripts/.*", Reader.script),
    (r"curl .*", Reader.curl),
    (r"kill -HUP \$SERVER", Reader.hang_up),
    (r"kill ((?:%\d ?)+)", Reader.stop),
    (r"helpscout-v1 parity against .*", Reader.against),
    (_COMMAND, Reader.command),
    (rf"(?:{'|'.join(sorted(HARMLESS))}) .*", Reader.program),
)

_RUNNERS: dict[str, Callable[[Reader, str], None]] = {
    "sh": Reader.shell,
    "console": Reader.console,
    "python": Reader.python,
    "text": Reader.shown,
    "json": Reader.json,
    "toml": Reader.toml,
    "env": Reader.variables,
    "ini": Reader.unit,
    "powerquery": Reader.addresses_answer,
}
"""Languages that are done; those of `tests.integration.docs.spelling` are only read."""

LANGUAGES = frozenset(_RUNNERS)
