"""Runs the blocks of a page, one after the other, in one shell and one directory.

Only ports are different from the page: a server listens on a free port, and that port replaces the
usual one in the blocks that follow.
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
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from compat.config.accounts import read_accounts
from compat.config.settings import Settings
from compat.parity.ignore_rules import read_rules
from tests.integration.docs.output import fetch, same_but_counts, shape
from tests.integration.docs.pages import ROOT, Block
from tests.unit.server.commands import environment
from tests.unit.server.threaded_server import LOOPBACK, free_port
from tests.unit.service.doubles import LONG

TOOLS = Path(sys.executable).parent
USUAL = {"serve": "127.0.0.1:8080", "simulate": "127.0.0.1:8081"}
"""Where the commands listen by default."""

_SERVER = re.compile(r"(?:\.venv/bin/)?helpscout-v1 (serve|simulate)\b(.*?)&?")
HARMLESS = frozenset({"echo", "openssl", "printf"})
"""Programs that are run. All others are refused: a page may contain commands that change a machine,
and the tests must not change this one."""

_COMMAND = r"(?:\.venv/bin/)?helpscout-v1 (?:init|report|list|parity|sync|archive|doctor|docs)\b.*"
_OUTSIDE = re.compile(r"(?<![\w./:])(?:[~/]|\.\./)|[;&|`]|\$\(")
"""A path outside the reader's directory, or a second command on the line."""

_EXPORT = re.compile(r"export (\w+)=(\S*)(?:\s+#.*)?")
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Reader:
    """Runs the blocks of one page.

    Attributes:
        settings: The environment variables of this project that the page has set so far.
        addresses: The real address for each usual address on the page.
        printed: The output of the last command.
    """

    def __init__(self, directory: Path, settings: dict[str, str], server: str) -> None:
        self.directory = directory
        self.settings = dict(settings)
        self.addresses = {USUAL["serve"]: server, USUAL["simulate"]: f"{LOOPBACK}:{free_port()}"}
        self.printed = ""
        self._servers: list[subprocess.Popen[str]] = []
        (directory / ".venv").mkdir()
        (directory / ".venv" / "bin").symlink_to(TOOLS)

    def close(self) -> None:
        for server in self._servers:
            server.kill()
            server.communicate(timeout=LONG)

    def run(self, block: Block) -> None:
        """Run a block, or compare it with the last output.

        Raises:
            AssertionError: The block fails, or the output is different from what the page shows.
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
                assert same_but_counts(self.printed, shown), (
                    f"{line}\nprinted\n{self.printed}\nbut the page shows\n{shown}"
                )

    def python(self, text: str) -> None:
        """A program, or tests for pytest, or the `conftest.py` of tests that follow."""
        if text.startswith("# conftest.py\n"):
            (self.directory / "conftest.py").write_text(text, encoding="utf-8")
            return
        if "def test_" not in text:
            self._run([sys.executable, "-c", self._with_real_addresses(text)])
            return
        (self.directory / "test_snippet.py").write_text(text, encoding="utf-8")
        self._run([sys.executable, "-m", "pytest", "-q", "-W", "error", "test_snippet.py"])

    def java(self, text: str) -> None:
        self._standalone("java", "Program.java", text, "void main(")

    def ruby(self, text: str) -> None:
        self._standalone("ruby", "program.rb", text, 'require "net/http"')

    def php(self, text: str) -> None:
        if _php_has_curl():
            self._standalone("php", "program.php", text, "curl_init(")

    def _standalone(self, tool: str, name: str, text: str, sign: str) -> None:
        """Run a program that needs no library, if its language is installed."""
        if sign in text and shutil.which(tool):
            (self.directory / name).write_text(self._with_real_addresses(text), encoding="utf-8")
            self._run([tool, name])

    def output(self, text: str) -> None:
        assert same_but_counts(self.printed, text), (
            f"printed\n{self.printed}\nbut the page shows\n{text}"
        )

    def json(self, text: str) -> None:
        shown = json.loads(text)
        if self.printed.startswith(("{", "[")):
            assert shape(json.loads(self.printed)) == shape(shown)

    def toml(self, text: str) -> None:
        """A file of accounts, or of rules for what may differ."""
        if not text.startswith("[[ignore]]"):
            self.accounts(text)
            return
        path = self.directory / "ignore.toml"
        path.write_text(text, encoding="utf-8")
        assert read_rules(path).used()

    def accounts(self, text: str) -> None:
        """A file of accounts; saved, with credentials that the simulator knows."""
        path = self.directory / "accounts.toml"
        path.touch(0o600)
        path.write_text(text, encoding="utf-8")
        assert read_accounts(path, Settings.from_env(self.settings))
        for name in ("app_id", "app_secret"):
            known = f'{name} = "{self.settings[f"HELPSCOUT_{name.upper()}"]}"'
            text = re.sub(rf'^{name} = ".*"$', known, text, flags=re.MULTILINE)
        path.write_text(text, encoding="utf-8")

    def variables(self, text: str) -> None:
        """A file of environment variables."""
        assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*=\S*", line) for line in text.splitlines())

    def unit(self, text: str) -> None:
        """A systemd unit, or another file in the same format."""
        parser = ConfigParser(interpolation=None, strict=False, delimiters="=")
        parser.read_string(text)
        assert parser.sections()

    def addresses_answer(self, text: str) -> None:
        """Formulas: every address of the server in them answers."""
        found = re.findall(r'http://127[^"\s]+', text)
        assert found
        for url in found:
            self.printed = fetch(self._with_real_addresses(url), "YOUR_OLD_KEY:X")

    def _line(self, line: str) -> None:
        for pattern, act in _LINES:
            if found := re.compile(pattern).fullmatch(line):
                act(self, found)
                return
        raise AssertionError(
            f"{line!r} cannot be run: say so on the page before the block, or extend Reader"
        )

    def program(self, found: re.Match[str]) -> None:
        _need(found[0].split(maxsplit=1)[0])
        self.command(found)

    def command(self, found: re.Match[str]) -> None:
        self._run(["sh", "-c", self._with_real_addresses(_inside(found[0]))])

    def against(self, found: re.Match[str]) -> None:
        """A command that simulates Mailbox API 2.0 itself."""
        port = self.addresses[USUAL["simulate"]].rpartition(":")[2]
        self._run(
            ["sh", "-c", f"{self._with_real_addresses(_inside(found[0]))} --simulator-port {port}"]
        )

    def export(self, found: re.Match[str]) -> None:
        if found[2] != "…":
            self.settings[found[1]] = self._with_real_addresses(found[2])
        assert found[1] in self.settings

    def serve(self, found: re.Match[str]) -> None:
        command, rest = found[1], shlex.split(found[2])
        process = subprocess.Popen(
            [TOOLS / "helpscout-v1", command, *rest, "--port", "0"],
            env=self._environment(),
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._servers.append(process)
        self.printed, address = _start_message(process)
        self.addresses[USUAL[command]] = address
        self.printed = self.printed.replace(address, USUAL[command])

    def stop(self, found: re.Match[str]) -> None:
        jobs = found[1].split()
        assert jobs == [f"%{number}" for number in range(1, len(self._servers) + 1)]
        for server in self._servers:
            server.send_signal(signal.SIGTERM)
            assert server.wait(LONG) == 0
        self.printed = ""

    def reload(self, _: re.Match[str]) -> None:
        self._servers[-1].send_signal(signal.SIGHUP)
        with urllib.request.urlopen(f"http://{self.addresses[USUAL['serve']]}/healthz") as health:
            assert health.status == 200
        assert self._servers[-1].poll() is None

    def script(self, found: re.Match[str]) -> None:
        """Scripts that set everything up are not run in a test; this checks that they exist."""
        assert os.access(ROOT / found[0].split()[0], os.X_OK), found[0]

    def curl(self, found: re.Match[str]) -> None:
        line = self._with_real_addresses(_inside(found[0]))
        options = "-sSf --noproxy '*'"
        if "https://" in line:  # any host name means the server under test
            _need("curl")
            options += f" --connect-to ::{self.addresses[USUAL['serve']]}"
        if shutil.which("curl"):
            self._run(["sh", "-c", line.replace("curl ", f"curl {options} ", 1)])
            return
        _, *words, url = shlex.split(line)
        self.printed = fetch(url, words[words.index("-u") + 1])

    def _with_real_addresses(self, text: str) -> str:
        for usual, address in self.addresses.items():
            text = text.replace(usual, address)
        return text

    def _environment(self) -> dict[str, str]:
        plain = {"COLUMNS": "90", "NO_PROXY": "*", "TERM": "dumb"}
        path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
        return environment(self.settings) | plain | {"PATH": path}

    def _run(self, arguments: list[str]) -> None:
        """Run a command to its end, with a terminal for its output, as a person has one."""
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen:
            with os.fdopen(theirs, "wb") as output:
                process = subprocess.Popen(
                    arguments,
                    env=self._environment(),
                    cwd=self.directory,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.PIPE,
                )
            self.printed = _STYLE.sub("", _all(screen)).replace("\r\n", "\n")
            errors = process.communicate(timeout=LONG)[1].decode()
        assert process.returncode == 0, f"{arguments}\n{self.printed}{errors}"


def _inside(line: str) -> str:
    """The same line, after checking that it is one command with no path outside the directory."""
    bare = re.sub(r"'[^']*'|https?://[^\s'&;|`$]+", "", line)
    assert not _OUTSIDE.search(bare), (
        f"{line!r} names a path outside its directory, or has two commands"
    )
    return line


def _need(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


@cache
def _php_has_curl() -> bool:
    """Whether PHP is installed, with the extension that programs use for requests."""
    php = shutil.which("php")
    asks = "exit(extension_loaded('curl') ? 0 : 1);"
    return bool(php) and subprocess.run([str(php), "-r", asks], check=False).returncode == 0


def _start_message(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The line in which a server prints its address, and the address."""
    lines = []
    for line in process.stderr or ():
        if found := re.search(r"https?://(\S+)$", line):
            return line, found[1]
        lines.append(line)
    raise AssertionError(f"{process.args!r} did not start: {''.join(lines)}")


def _all(screen: Any) -> str:
    """Everything that is written to a terminal; reading its end raises OSError."""
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
    (r"kill -HUP \$SERVER", Reader.reload),
    (r"kill ((?:%\d ?)+)", Reader.stop),
    (r"helpscout-v1 parity against .*", Reader.against),
    (_COMMAND, Reader.command),
    (rf"(?:{'|'.join(sorted(HARMLESS))}) .*", Reader.program),
)

_RUNNERS: dict[str, Callable[[Reader, str], None]] = {
    "sh": Reader.shell,
    "console": Reader.console,
    "python": Reader.python,
    "java": Reader.java,
    "ruby": Reader.ruby,
    "php": Reader.php,
    "text": Reader.output,
    "json": Reader.json,
    "toml": Reader.toml,
    "env": Reader.variables,
    "ini": Reader.unit,
    "powerquery": Reader.addresses_answer,
}
"""What to do with the blocks of each language; `syntax` has languages that are only checked."""

LANGUAGES = frozenset(_RUNNERS)
