"""`helpscout-v1 init`: on a terminal of its own, and in scripts."""

from __future__ import annotations

import os
import re
import select
import stat
import subprocess
from codecs import getincrementaldecoder
from pathlib import Path

import pytest

from compat.config.accounts import accounts_from_env
from compat.config.settings import Settings
from tests.unit.server.commands import COMMAND, environment, run
from tests.unit.service.doubles import LONG

SECRET = "demo-secret"
WRONG = "hunter2"
SIGNED_IN = "Signed in as Amara Okafor of company 1, who sees 4 mailboxes: Support, Sales, "


class Terminal:
    """A command on a terminal, and a person who answers what it asks."""

    def __init__(self, *arguments: str, cwd: Path, **settings: str) -> None:
        self._ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            [COMMAND, "init", *arguments],
            env=environment(settings) | {"TERM": "dumb"},
            cwd=cwd,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.screen = ""
        self._seen = 0
        self._decoder = getincrementaldecoder("utf-8")()

    def answer(self, question: str, text: str) -> None:
        """Wait until a question is asked, and answer it."""
        while question not in self.screen[self._seen :]:
            assert self._read(), self.screen
        self._seen = len(self.screen)
        os.write(self._ours, f"{text}\n".encode())

    def ended(self) -> int:
        """Wait for the end; the exit code."""
        while self._read():
            pass
        os.close(self._ours)
        return self._process.wait(LONG)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], LONG)
        assert ready, f"nothing more came after: {self.screen}"
        try:
            part = os.read(self._ours, 4096)
        except OSError:  # the other end is closed
            return False
        self.screen += self._decoder.decode(part).replace("\r", "")
        return bool(part)


@pytest.fixture
def address(reach: dict[str, str]) -> dict[str, str]:
    """Where the account is, without the credentials."""
    return {"HELPSCOUT_BASE_URL": reach["HELPSCOUT_BASE_URL"]}


def settings_in(path: Path) -> Settings:
    return accounts_from_env({"COMPAT_ENV_FILE": str(path)})["default"]


def keys(settings: Settings) -> list[str]:
    return [key.get_secret_value() for key in settings.api_keys]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_person_is_asked_and_can_correct_what_is_wrong(
    tmp_path: Path, address: dict[str, str]
) -> None:
    terminal = Terminal(cwd=tmp_path, **address)
    terminal.answer("App ID: ", "demo-app")
    terminal.answer("App Secret (not shown): ", WRONG)
    terminal.answer("Correct them, and try again? [Y/n]: ", "")
    terminal.answer("App ID [demo-app]: ", "")
    terminal.answer("App Secret (not shown, empty keeps the one there is): ", SECRET)
    terminal.answer("API keys (not shown): ", "an-old-key, another")
    terminal.answer("Archive: ", "nowhere/archive.db")
    terminal.answer("Archive: ", "archive.db")
    assert terminal.ended() == 0, terminal.screen
    path = tmp_path / "helpscout-v1.env"
    assert "helpscout-v1: Help Scout refuses this account's application" in terminal.screen
    assert SIGNED_IN in terminal.screen
    assert f"{path} is written; only you can read it." in terminal.screen
    assert f"export COMPAT_ENV_FILE={path}" in terminal.screen
    assert "helpscout-v1 sync" in terminal.screen
    assert not [text for text in (WRONG, SECRET, "an-old-key") if text in terminal.screen]
    settings = settings_in(path)
    assert settings.app_id == "demo-app"
    assert settings.app_secret.get_secret_value() == SECRET
    assert settings.base_url == address["HELPSCOUT_BASE_URL"]
    assert keys(settings) == ["an-old-key", "another"]
    assert settings.archive is not None
    assert settings.archive.get_secret_value() == f"sqlite:///{tmp_path}/archive.db"
    assert mode(path) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["helpscout-v1.env"]


def test_a_new_key_is_made_for_who_has_none(tmp_path: Path, reach: dict[str, str]) -> None:
    terminal = Terminal("--env-file", "a file.env", cwd=tmp_path, **reach)
    terminal.answer("App ID [demo-app]: ", "")
    terminal.answer("App Secret (not shown, empty keeps the one there is): ", "")
    terminal.answer("API keys (not shown): ", "")
    terminal.answer("Archive: ", "")
    assert terminal.ended() == 0, terminal.screen
    made = re.search("A new API key, for your programs: ([0-9a-f]{40})\n", terminal.screen)
    assert made is not None
    assert keys(settings_in(tmp_path / "a file.env")) == [made[1]]
    assert f"export COMPAT_ENV_FILE='{tmp_path}/a file.env'" in terminal.screen
    assert "helpscout-v1 sync" not in terminal.screen


def test_a_person_who_gives_up_has_no_file(tmp_path: Path, address: dict[str, str]) -> None:
    terminal = Terminal(cwd=tmp_path, **address)
    terminal.answer("App ID: ", "demo-app")
    terminal.answer("App Secret (not shown): ", WRONG)
    terminal.answer("Correct them, and try again? [Y/n]: ", "n")
    assert terminal.ended() == 3, terminal.screen
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_no_file(tmp_path: Path, address: dict[str, str]) -> None:
    terminal = Terminal(cwd=tmp_path, **address)
    terminal.answer("App ID: ", "demo-app")
    terminal.answer("App Secret (not shown): ", "\x04")
    assert terminal.ended() == 130, terminal.screen
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_replaced_only_if_the_person_says_so(
    tmp_path: Path, reach: dict[str, str]
) -> None:
    path = tmp_path / "helpscout-v1.env"
    path.write_text("COMPAT_API_KEYS=an-old-key\nCOMPAT_JOBS=7\nOTHER=x y\n", "utf-8")
    path.chmod(0o644)
    terminal = Terminal(cwd=tmp_path, **reach)
    terminal.answer("is there already. Replace it? [y/N]: ", "n")
    assert terminal.ended() == 2, terminal.screen
    assert "COMPAT_JOBS=7" in path.read_text("utf-8")
    terminal = Terminal(cwd=tmp_path, **reach)
    terminal.answer("is there already. Replace it? [y/N]: ", "y")
    terminal.answer("App ID [demo-app]: ", "")
    terminal.answer("App Secret (not shown, empty keeps the one there is): ", "")
    terminal.answer("API keys (not shown, empty keeps the one there is): ", "")
    terminal.answer("Archive: ", "")
    assert terminal.ended() == 0, terminal.screen
    settings = settings_in(path)
    assert (keys(settings), settings.jobs) == (["an-old-key"], 7)
    assert "OTHER=x y\n" in path.read_text("utf-8")
    assert mode(path) == 0o600


def scripted(path: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return run("init", "--no-input", "--env-file", str(path), *arguments, **settings)


def test_a_script_gives_all_by_options_and_variables(
    tmp_path: Path, address: dict[str, str]
) -> None:
    path = tmp_path / "env"
    settings = {**address, "HELPSCOUT_APP_SECRET": SECRET, "COMPAT_API_KEYS": "an-old-key"}
    archive = ("--archive", str(tmp_path / "archive.db"))
    ended = scripted(path, "--app-id", "demo-app", *archive, **settings)
    assert ended.returncode == 0, ended.stderr
    assert SIGNED_IN in ended.stderr
    assert keys(settings_in(path)) == ["an-old-key"]
    assert run("archive", "status", "--env-file", str(path)).returncode == 4  # there is none yet
    assert run("sync", "--env-file", str(path)).returncode == 0


def test_a_secret_in_a_file_stays_there(tmp_path: Path, address: dict[str, str]) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")
    named = {"HELPSCOUT_APP_SECRET_FILE": str(tmp_path / "secret"), **address}
    ended = scripted(tmp_path / "env", "--app-id", "demo-app", "--new-key", **named)
    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "env").read_text("utf-8")
    assert f"HELPSCOUT_APP_SECRET_FILE={tmp_path}/secret\n" in text
    assert SECRET not in text
    assert settings_in(tmp_path / "env").app_secret.get_secret_value() == SECRET
    again = scripted(tmp_path / "env", "--force", "--new-key")
    assert again.returncode == 0, again.stderr
    assert f"HELPSCOUT_APP_SECRET_FILE={tmp_path}/secret\n" in (tmp_path / "env").read_text("utf-8")
    assert len(keys(settings_in(tmp_path / "env"))) == 2


def test_all_that_is_missing_is_named(tmp_path: Path, address: dict[str, str]) -> None:
    ended = scripted(tmp_path / "env", "--archive", str(tmp_path), **address)
    assert ended.returncode == 2
    assert [line.partition(": ")[0] for line in ended.stderr.splitlines()] == [
        "helpscout-v1",
        "HELPSCOUT_APP_SECRET is missing",
        "COMPAT_API_KEYS is missing",
        f"{tmp_path} is no file in a directory that exists",
    ]
    assert "HELPSCOUT_APP_ID is missing: give --app-id, or set HELPSCOUT_APP_ID" in ended.stderr
    assert not (tmp_path / "env").exists()


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"HELPSCOUT_APP_SECRET": WRONG}, 3, "Help Scout refuses this account's application"),
        ({"HELPSCOUT_BASE_URL": "ftp://x"}, 2, "HELPSCOUT_BASE_URL"),
        ({"HELPSCOUT_BASE_URL": "http://127.0.0.1:1/v2"}, 3, "Check the network, HELPSCOUT_BASE"),
    ],
)
def test_what_does_not_work_is_not_written(
    tmp_path: Path, reach: dict[str, str], change: dict[str, str], status: int, said: str
) -> None:
    ended = scripted(tmp_path / "env", "--new-key", **(reach | change))
    assert ended.returncode == status
    assert said in ended.stderr
    assert WRONG not in ended.stderr
    assert ended.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_replaced_only_by_force(
    tmp_path: Path, reach: dict[str, str]
) -> None:
    path = tmp_path / "env"
    path.write_text("COMPAT_JOBS=7\n", "utf-8")
    refused = scripted(path, "--new-key", **reach)
    assert (refused.returncode, path.read_text("utf-8")) == (2, "COMPAT_JOBS=7\n")
    assert refused.stderr.endswith(f"{path} is there already: give --force to replace it\n")
    assert scripted(path, "--new-key", "--force", **reach).returncode == 0
    assert settings_in(path).jobs == 7


def test_a_directory_that_cannot_be_written_is_an_error(
    tmp_path: Path, reach: dict[str, str]
) -> None:
    ended = scripted(tmp_path / "missing" / "env", "--new-key", **reach)
    assert ended.returncode == 2
    assert f"{tmp_path}/missing/env cannot be written" in ended.stderr


def test_without_a_terminal_nothing_is_asked(tmp_path: Path, reach: dict[str, str]) -> None:
    settings = {**reach, "COMPAT_API_KEYS": "an-old-key"}
    ended = run("init", **settings, COMPAT_ENV_FILE=str(tmp_path / "env"))
    assert ended.returncode == 0, ended.stderr
    assert keys(settings_in(tmp_path / "env")) == ["an-old-key"]
