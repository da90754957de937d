"""What the environment can do to a command: each case is one sentence and an exit code."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.archive.database import Archive
from compat.cli import main
from compat.cli.streams import describe
from compat.server.logs import announce
from tests.unit.server.commands import COMMAND, environment, run, started
from tests.unit.server.threaded_server import LOOPBACK, ask
from tests.unit.service.doubles import JANUARY, LONG, basic

Printed = pytest.CaptureFixture[str]

NOWHERE = {
    "HELPSCOUT_APP_ID": "demo-app",
    "HELPSCOUT_APP_SECRET": "demo-secret",
    "HELPSCOUT_BASE_URL": f"http://{LOOPBACK}:9/v2",
    "COMPAT_API_KEYS": "an-old-key",
}
"""Settings that are complete; nothing here may get as far as asking Help Scout."""

UNUSABLE = {
    "missing": "No such file or directory",
    "folder": "Is a directory",
    "file/below": "Not a directory",
}
"""Paths that cannot be opened, and why."""

IMPORT = ("--covers", "2015..2016", "--as-of", "2017")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a folder, a file, and a file that is not UTF-8."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("{}\n", "utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    monkeypatch.chdir(tmp_path)
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def sentence(capsys: Printed, *arguments: str) -> tuple[int, str]:
    """The exit code and the one line on standard error."""
    code = main(arguments)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("helpscout-v1: ")
    assert shown.err.count("\n") == 1
    return code, shown.err


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two certificates with their keys, and one of the keys with a password."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl on this machine to make a certificate with")
    made = tmp_path_factory.mktemp("certificates")

    def call(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=made, check=True, capture_output=True)

    options = ("-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    for name in ("one", "two"):
        call("req", "-x509", *options, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    call("rsa", "-aes128", "-passout", "pass:x", "-in", "one.key", "-out", "encrypted.key")
    (made / "nonsense").write_text("nonsense", "utf-8")
    (made / "folder").mkdir()
    return made


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (("missing", "one.key"), "--ssl-certfile: missing cannot be read (No such file"),
        (("folder", "one.key"), "--ssl-certfile: folder cannot be read (Is a directory)"),
        (("one.pem", "missing"), "--ssl-keyfile: missing cannot be read (No such file"),
        (("one.pem", "folder"), "--ssl-keyfile: folder cannot be read (Is a directory)"),
        (("nonsense", "one.key"), "--ssl-certfile: nonsense holds no certificate"),
        (("one.key", "one.key"), "--ssl-certfile: one.key holds no certificate"),
        (("one.pem", "nonsense"), "--ssl-keyfile: nonsense holds no private key"),
        (("one.pem", None), "name its file with --ssl-keyfile"),
        ((None, "one.key"), "--ssl-keyfile needs the certificate"),
        (("one.pem", "two.key"), "--ssl-keyfile: two.key is not the key of the certificate"),
        (("one.pem", "encrypted.key"), "the key is encrypted"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_certificate_or_key_that_cannot_be_used_is_named(
    capsys: Printed,
    monkeypatch: pytest.MonkeyPatch,
    certificates: Path,
    files: tuple[str | None, str | None],
    said: str,
) -> None:
    monkeypatch.chdir(certificates)
    named = zip(("--ssl-certfile", "--ssl-keyfile"), files, strict=True)
    options = [word for name, path in named if path for word in (name, path)]
    code, shown = sentence(capsys, "serve", "--port", "0", *options)
    assert code == 2
    assert said in shown


@pytest.mark.parametrize("port", ["99999", "65536", "-1"])
@pytest.mark.parametrize(
    "command",
    [
        ("serve", "--port"),
        ("simulate", "--port"),
        ("parity", "against", "http://127.0.0.1:1/v1/", "--simulator-port"),
    ],
    ids=" ".join,
)
def test_a_port_that_does_not_exist_is_refused(
    capsys: Printed, command: tuple[str, ...], port: str
) -> None:
    assert main([*command, port]) == 2
    assert f"{port} is no port: give a number from 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("serve",), ("simulate", "--conversations", "1")])
@pytest.mark.usefixtures("folder")
def test_a_port_that_is_taken_is_named_and_exits_with_3(
    capsys: Printed, command: tuple[str, ...]
) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = str(listener.getsockname()[1])
        code, shown = sentence(capsys, *command, "--port", port)
    assert code == 3
    assert f"port {port} of {LOOPBACK} is taken" in shown


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("no-such-host.invalid", "no-such-host.invalid is no known host name"),
        ("a..b", "a..b is no known host name"),
        ("203.0.113.7", "203.0.113.7 is no address of this machine"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_host_that_cannot_be_listened_on_is_named(capsys: Printed, host: str, said: str) -> None:
    code, shown = sentence(capsys, "serve", "--host", host, "--port", "0")
    assert code == 2
    assert said in shown


@pytest.mark.parametrize("path", UNUSABLE)
@pytest.mark.parametrize(
    "command",
    [
        ("parity", "check"),
        ("parity", "fit"),
        ("parity", "check", "file", "--ignore"),
        ("parity", "live", "--start", "2015", "--ignore"),
        ("archive", "import", *IMPORT),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("folder")
def test_an_input_file_that_cannot_be_opened_is_named(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], path: str
) -> None:
    if command[0] == "archive":
        monkeypatch.setenv("COMPAT_ARCHIVE", "archive.db")
    code, shown = sentence(capsys, *command, path)
    assert code == 2
    assert path in shown
    assert UNUSABLE[path] in shown


@pytest.mark.parametrize("path", ["folder", "file/below", "missing/below"])
@pytest.mark.parametrize(
    "command",
    [
        *(("parity", "check", "file", f"--{kind}") for kind in ("json", "junit", "html")),
        *(("parity", "live", "--start", "2015", f"--{kind}") for kind in ("json", "html")),
        ("serve", "--port", "0", "--record"),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("folder")
def test_an_output_file_that_cannot_be_opened_is_named_before_anything_is_asked(
    capsys: Printed, command: tuple[str, ...], path: str
) -> None:
    code, shown = sentence(capsys, *command, path)
    assert code == 2
    assert path in shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [("COMPAT_ACCOUNTS", "{path} cannot be read"), ("COMPAT_CA_FILE", "the file cannot be read")],
)
@pytest.mark.parametrize("path", UNUSABLE)
@pytest.mark.usefixtures("folder")
def test_a_file_that_a_variable_names_and_that_cannot_be_read_is_named(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch, name: str, shown: str, path: str
) -> None:
    monkeypatch.setenv(name, path)
    assert main(["report", "new", "--start", "2015"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"helpscout-v1: {name}: {shown.format(path=path)}: {UNUSABLE[path]}"


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        (("report", "new", "--start", "2015"), "COMPAT_ACCOUNTS"),
        (("report", "new", "--start", "2015"), "COMPAT_CA_FILE"),
        (("parity", "check", "file", "--ignore", "binary"), None),
        (("sync",), "COMPAT_ARCHIVE"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_file_that_is_no_text_is_no_traceback(
    capsys: Printed,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    variable: str | None,
) -> None:
    if variable:
        monkeypatch.setenv(variable, "binary")
    assert main(command) in {2, 4}
    shown = capsys.readouterr()
    assert shown.out == ""
    assert variable == "COMPAT_CA_FILE" or "binary" in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    "command",
    [
        ("report", "new", "--start", "2015"),
        ("sync",),
        ("doctor",),
        ("serve", "--port", "0"),
        ("serve", "--demo", "--port", "0"),
        ("parity", "check", "file"),
        ("parity", "fit", "file"),
        ("parity", "live", "--start", "2015"),
        ("parity", "against", "http://127.0.0.1:1/v1/"),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("folder")
def test_a_log_of_tls_keys_that_cannot_be_written_is_named(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "missing/keys")
    code, shown = sentence(capsys, *command)
    assert code == 2
    assert "SSLKEYLOGFILE: missing/keys cannot be written (No such file or directory)" in shown


OUTPUTS = [
    ("report", "new", "--start", "2015-01"),
    ("report", "new", "--start", "2015-01", "--csv"),
    ("archive", "status"),
    ("archive", "export"),
    ("sync", "--json"),
    ("doctor", "--offline"),
    ("doctor", "--offline", "--json"),
    ("parity", "check", "capture"),
    ("completion", "bash"),
    ("--version",),
    ("--help",),
    ("serve", "--help"),
]
"""Commands that write to standard output."""


@pytest.fixture(scope="module")
def filled(
    reach: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """A directory with an archive and a capture, and the settings to use them."""
    folder = tmp_path_factory.mktemp("filled")
    settings = reach | {"COMPAT_ARCHIVE": str(folder / "archive.db"), "COMPAT_API_KEYS": "key"}
    assert run("sync", **settings).returncode == 0
    capture = {"target": JANUARY, "status": 200, "body": '{"current":[]}'}
    (folder / "capture").write_text(json.dumps(capture), "utf-8")
    return folder, settings


def written(
    filled: tuple[Path, dict[str, str]],
    arguments: tuple[str, ...],
    redirection: str,
    stdout: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command with its streams redirected as a shell does it."""
    folder, settings = filled
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" "$@" {redirection}', COMMAND, *arguments],
        cwd=folder,
        env=environment(settings),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=LONG,
        check=False,
    )
    if stdout is not None:
        os.close(stdout)
    return done


def closed_pipe() -> int:
    """The end of a pipe to write to; nobody has the other end."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize(
    ("redirection", "said"),
    [
        (">/dev/full", "standard output cannot be written (No space left on device)"),
        (">&-", "standard input or output is closed"),
    ],
)
@pytest.mark.parametrize("command", OUTPUTS, ids=" ".join)
def test_a_standard_output_that_cannot_be_written_is_one_sentence(
    filled: tuple[Path, dict[str, str]], command: tuple[str, ...], redirection: str, said: str
) -> None:
    if redirection == ">/dev/full" and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    done = written(filled, command, redirection)
    assert done.returncode == 2
    assert done.stderr.startswith(f"helpscout-v1: {said}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        *(each for each in OUTPUTS if each[0] != "parity"),
        ("sync", "--csv"),
        ("sync", "--help"),
        ("archive", "--help"),
        ("archive", "forget", "--customer", "1"),
        ("init", "--no-input", "--force", "--env-file", "made.env"),
    ],
    ids=" ".join,
)
def test_a_closed_pipe_is_no_error(
    filled: tuple[Path, dict[str, str]], command: tuple[str, ...]
) -> None:
    folder, settings = filled
    at_once = folder, settings | {"PYTHONUNBUFFERED": "1"}
    unread = written(at_once, command, "", stdout=closed_pipe())
    assert unread.returncode == 0
    assert "Broken pipe" not in unread.stderr


@pytest.mark.parametrize("options", [(), ("--csv", "-"), ("--json", "-")], ids=" ".join)
def test_verdicts_that_nobody_reads_are_all_in_a_file(
    filled: tuple[Path, dict[str, str]], options: tuple[str, ...]
) -> None:
    folder, settings = filled
    at_once = folder, settings | {"PYTHONUNBUFFERED": "1"}
    command = ("parity", "check", "capture", *options, "--junit", "verdicts.xml")
    assert written(at_once, command, "", stdout=closed_pipe()).returncode == 1
    assert "</testsuite>" in (folder / "verdicts.xml").read_text("utf-8")


def test_a_sync_whose_progress_nobody_reads_goes_on_to_its_end(
    filled: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, settings = filled
    other = settings | {"COMPAT_ARCHIVE": str(tmp_path / "other.db")}
    unread = written((folder, other), ("sync", "--json"), "", stdout=closed_pipe())
    assert unread.returncode == 0
    counted = run("archive", "status", "--json", **other).stdout
    wanted = run("archive", "status", "--json", **settings).stdout
    assert json.loads(counted)["conversations"] == json.loads(wanted)["conversations"] > 0


def test_a_server_goes_on_where_standard_error_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    announce("Answering", "text")


def test_an_erasure_is_finished_before_it_is_reported(
    filled: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def fileno(self) -> int:
            return os.open(os.devnull, os.O_WRONLY)

    rewritten: list[bool] = []
    monkeypatch.setattr(Archive, "vacuum", lambda _: rewritten.append(True))
    for name, value in filled[1].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Full())
    assert main(["archive", "forget", "--customer", "1"]) == 2
    assert rewritten == [True]


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.EAGAIN])
def test_other_reasons_why_standard_output_takes_nothing_are_described(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    with (tmp_path / "output").open("w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert describe(OSError(number, os.strerror(number))).startswith(
            f"standard output cannot be written ({os.strerror(number)})"
        )


@pytest.mark.parametrize("stream", ["</dev/null >/dev/null 2>&-", ">/dev/null 2>/dev/full"])
def test_a_standard_error_that_cannot_be_written_changes_no_exit_code(
    filled: tuple[Path, dict[str, str]], stream: str
) -> None:
    assert written(filled, ("report", "new", "--start", "2015-01"), stream).returncode == 0
    assert written(filled, ("report", "new", "--start", "nonsense"), stream).returncode == 2
    assert written(filled, ("dance",), stream).returncode == 2


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("command", "streams", "status"),
    [
        (("report", "new", "--start", "2015-01"), ">/dev/full 2>/dev/full", 2),
        (("report", "new", "--start", "nonsense"), ">/dev/null 2>/dev/full", 2),
        (("report", "dance"), ">/dev/null 2>/dev/full", 2),
        (("sync", "--start", "2014-01", "--end", "2014-01"), ">/dev/null 2>/dev/full", 0),
    ],
)
def test_the_exit_code_is_that_of_the_command_with_and_without_buffers(
    filled: tuple[Path, dict[str, str]],
    command: tuple[str, ...],
    streams: str,
    status: int,
    unbuffered: str,
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    folder, settings = filled
    surroundings = folder, settings | {"PYTHONUNBUFFERED": unbuffered}
    assert written(surroundings, command, streams).returncode == status


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "command", [("archive", "export"), ("report", "new", "--start", "2015-01")]
)
def test_output_that_is_taken_only_in_part_is_an_error(
    filled: tuple[Path, dict[str, str]], command: tuple[str, ...], unbuffered: str
) -> None:
    folder, settings = filled
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    size = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, b"x" * (size - 10))  # ten bytes are taken, and the rest is not
    done = written(
        (folder, settings | {"PYTHONUNBUFFERED": unbuffered}), command, "", stdout=writing
    )
    os.close(reading)
    assert done.returncode == 2
    assert done.stderr.startswith("helpscout-v1: standard output cannot be written")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command", [("archive", "import", "-", *IMPORT), ("parity", "check", "-")], ids=" ".join
)
def test_a_closed_standard_input_is_no_empty_one(
    filled: tuple[Path, dict[str, str]], command: tuple[str, ...]
) -> None:
    done = written(filled, command, "<&- >/dev/null")
    assert done.returncode == 2
    assert done.stderr.startswith("helpscout-v1: standard input or output is closed")


@pytest.mark.parametrize("kind", ["json", "junit", "html"])
def test_a_verdict_file_on_a_full_disk_is_named(
    filled: tuple[Path, dict[str, str]], kind: str
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = ("parity", "check", "capture", f"--{kind}", "/dev/full")
    done = written(filled, command, ">/dev/null")
    assert done.returncode == 2
    assert done.stderr == (
        f"helpscout-v1: --{kind}: /dev/full cannot be written: No space left on device\n"
    )


def test_an_error_that_names_no_file_is_described_by_its_reason() -> None:
    assert describe(OSError(errno.ENETDOWN, "Network is down")) == "Network is down"


@pytest.mark.parametrize(
    "command",
    [
        ("archive", "status"),
        ("report", "new", "--start", "2015", "--account", "none"),
        ("parity", "check", "missing"),
        ("parity", "fit", "missing"),
        ("sync", "--account", "none"),
        ("serve", "--port", "0", "--host", "203.0.113.7"),
        ("serve", "--port", "0", "--host", "203.0.113.7", "--demo"),
        ("parity", "against", "http://127.0.0.1:1/v1/", "--simulator-port", "0"),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("folder")
def test_each_command_warns_of_a_variable_that_is_no_setting(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COMPAT_PATIENSE", "5")
    assert main(command) in {2, 3, 4}
    assert [each.getMessage() for each in caplog.records if each.levelname == "WARNING"] == [
        "COMPAT_PATIENSE is no setting and has no effect: is COMPAT_PATIENCE meant?"
    ]


@pytest.mark.usefixtures("folder")
def test_doctor_names_a_variable_that_is_no_setting(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPAT_PATIENSE", "5")
    main(["doctor", "--offline", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    (found,) = [each for each in findings if each["check"] == "variables"]
    assert (found["verdict"], found["facts"]) == ("warning", {"unused": 1})
    assert "COMPAT_PATIENSE" in found["what"]


@pytest.mark.usefixtures("folder")
def test_doctor_has_no_finding_where_every_variable_is_a_setting(capsys: Printed) -> None:
    main(["doctor", "--offline", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert "variables" not in [each["check"] for each in findings]


@pytest.fixture(scope="module")
def demo() -> Iterator[int]:
    """A demonstration in an environment that is meant for a real account."""
    settings = NOWHERE | {"COMPAT_API_KEYS": "…", "COMPAT_CA_FILE": "/nowhere"}
    with started("serve", "--demo", "--port", "0", **settings) as server:
        yield server.port


@pytest.mark.parametrize("key", ["any", "an-old-key", "…"])
def test_the_demonstration_takes_any_key_whatever_is_set(demo: int, key: str) -> None:
    headers = {"Authorization": basic(key)}
    assert ask(demo, JANUARY, headers=headers).status == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--start", "foo"), "--start: 'foo' is none of 2015, 2015-01, 2015-01-31, "),
        (("--start", ""), "--start: '' is none of 2015, "),
        (("--start", "2015", "--end", "foo"), "--end: 'foo' is none of 2015, "),
        (("--start", "2015-01-01T00:00:00Z"), "--end is needed where --start is an instant"),
        (("--start", "2015", "--end", "2014"), "--end must not be before --start."),
    ],
)
@pytest.mark.parametrize("command", [("report", "new"), ("parity", "live")])
@pytest.mark.usefixtures("folder")
def test_an_error_of_a_date_names_the_option(
    capsys: Printed, command: tuple[str, ...], arguments: tuple[str, ...], said: str
) -> None:
    code, shown = sentence(capsys, *command, *arguments)
    assert code == 2
    assert said in shown
    assert "is required" not in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--previous-start", "foo"), "--previous-start: 'foo' is none of"),
        (("--previous-end", "2014"), "--previous-start is needed with --previous-end"),
        (("--view-by", "year"), "--view-by must be one of"),
        (("--types", "fax"), "--types must be"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_an_error_of_a_parameter_names_the_option(
    capsys: Printed, arguments: tuple[str, ...], said: str
) -> None:
    code, shown = sentence(capsys, "report", "new", "--start", "2015", *arguments)
    assert code == 2
    assert said in shown


def test_a_simulated_account_has_no_negative_size(capsys: Printed) -> None:
    assert main(["simulate", "--port", "0", "--conversations=-1"]) == 2
    assert "'--conversations': -1 is not in the range" in capsys.readouterr().err
