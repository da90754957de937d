"""`--env-file` and `COMPAT_ENV_FILE`, on the command line."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from compat.cli import main
from tests.unit.server.commands import run, started
from tests.unit.server.threaded_server import ask
from tests.unit.service.doubles import JANUARY, basic

Printed = pytest.CaptureFixture[str]

REPORT = ("report", "new", "--start", "2015-01", "--json")


@pytest.fixture
def file(reach: dict[str, str], tmp_path: Path) -> Path:
    """An environment file that leads to the account."""
    path = tmp_path / "of this test.env"
    lines = [f"{name}={value}" for name, value in reach.items()]
    path.write_text("\n".join([*lines, "COMPAT_API_KEYS=an-old-key", ""]), "utf-8")
    path.chmod(0o600)
    return path


def test_a_report_is_printed_by_the_settings_in_a_file(file: Path) -> None:
    by_option = run(*REPORT, "--env-file", str(file))
    by_variable = run(*REPORT, COMPAT_ENV_FILE=str(file))
    assert by_option.returncode == by_variable.returncode == 0, by_option.stderr
    assert json.loads(by_option.stdout)["current"]
    assert by_variable.stdout == by_option.stdout


def test_the_option_wins_over_the_variable(file: Path) -> None:
    ended = run(*REPORT, "--env-file", str(file), COMPAT_ENV_FILE="/nowhere")
    assert ended.returncode == 0, ended.stderr


def test_a_file_that_cannot_be_used_is_named_with_the_option(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("hunter2", "utf-8")
    ended = run("doctor", "--env-file", str(tmp_path / "env"))
    assert ended.returncode == 2
    assert ended.stderr == (
        f"helpscout-v1: --env-file: {tmp_path}/env, line 1: it is not NAME=VALUE: correct it, or "
        "begin the line with #\n"
    )


def test_the_process_does_not_keep_the_file(
    settings: pytest.MonkeyPatch, file: Path, capsys: Printed
) -> None:
    settings.delenv("HELPSCOUT_APP_ID")
    before = dict(os.environ)
    assert main([*REPORT, "--env-file", str(file)]) == 0
    assert dict(os.environ) == before
    assert main(REPORT) == 2
    assert "HELPSCOUT_APP_ID is not set" in capsys.readouterr().err


@pytest.mark.parametrize(("mode", "verdict"), [(0o600, "ok"), (0o644, "warning")])
def test_doctor_says_which_file_it_goes_by(file: Path, mode: int, verdict: str) -> None:
    file.chmod(mode)
    ended = run("doctor", "--offline", "--json", "--env-file", str(file))
    (finding,) = (
        each for each in json.loads(ended.stdout)["findings"] if each["check"] == "environment file"
    )
    assert finding["verdict"] == verdict
    assert str(file) in finding["what"]
    assert ended.returncode == (verdict == "warning")
    if verdict == "warning":
        assert finding["to_do"] == f"chmod o-r '{file}'"


def test_variables_that_win_over_the_file_are_named(file: Path) -> None:
    same = run("doctor", "--offline", "--env-file", str(file), COMPAT_API_KEYS="an-old-key")
    assert "which wins" not in same.stdout
    other = run("doctor", "--offline", "--env-file", str(file), COMPAT_API_KEYS="another-key")
    assert "set outside it, which wins: COMPAT_API_KEYS\n" in other.stdout
    assert "another-key" not in other.stdout + other.stderr
    with started(
        "serve", "--port", "0", "--env-file", str(file), COMPAT_API_KEYS="another-key"
    ) as server:
        assert f"{file}, but by COMPAT_API_KEYS as set outside it, on http" in server.line
        assert server.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(("mode", "verdict"), [(0o600, "ok"), (0o644, "warning")])
def test_doctor_says_which_files_secrets_come_from(
    file: Path, tmp_path: Path, mode: int, verdict: str
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("an-old-key\n", "utf-8")
    keys.chmod(mode)
    file.write_text(
        file.read_text("utf-8").replace("KEYS=an-old-key", f"KEYS_FILE={keys}"), "utf-8"
    )
    ended = run("doctor", "--offline", "--json", "--env-file", str(file))
    (finding,) = (
        each for each in json.loads(ended.stdout)["findings"] if each["check"] == "secret files"
    )
    assert finding["verdict"] == verdict
    assert str(keys) in finding["what"]
    assert finding["to_do"] == (f"chmod o-r {keys}" if verdict == "warning" else "")
    assert "an-old-key" not in ended.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes with names are files of POSIX")
def test_doctor_reads_accounts_from_a_pipe_once(tmp_path: Path) -> None:
    secret, pipe = tmp_path / "secret", tmp_path / "accounts"
    secret.write_text("hunter2", "utf-8")
    secret.chmod(0o600)
    os.mkfifo(pipe, 0o600)
    account = f"[acme]\napp_id = 'an-app'\napp_secret_file = '{secret}'\napi_keys = ['a-key']\n"
    writer = threading.Thread(target=pipe.write_text, args=(account,), daemon=True)
    writer.start()
    ended = run("doctor", "--offline", "--json", COMPAT_ACCOUNTS=str(pipe))
    assert ended.returncode == 0, ended.stderr
    assert f"secrets come from {secret}" in ended.stdout


def test_the_server_says_which_file_it_goes_by_and_reads_it_again(file: Path) -> None:
    with started("serve", "--port", "0", "--env-file", str(file)) as server:
        assert server.line == (
            f"Answering the old API by the settings in {file} on {server.address}"
        )
        assert (
            ask(server.port, JANUARY, headers={"Authorization": basic("an-old-key")}).status == 200
        )
        file.write_text(file.read_text("utf-8").replace("an-old-key", "a-new-key"), "utf-8")
        server.process.send_signal(signal.SIGHUP)
        assert any("read again" in line for line in server.lines())
        assert (
            ask(server.port, JANUARY, headers={"Authorization": basic("a-new-key")}).status == 200
        )
        assert server.stop(signal.SIGTERM) == 0


def test_a_demo_needs_no_file_of_a_secret() -> None:
    with started("serve", "--demo", "--port", "0", HELPSCOUT_APP_SECRET_FILE="/nowhere") as server:
        assert ask(server.port, JANUARY, headers={"Authorization": basic("any")}).status == 200
