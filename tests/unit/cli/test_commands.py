"""The command line itself: version, completion, how options are read, and exit codes."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest

import compat
from compat.cli import main
from compat.cli.commands import program
from compat.cli.exit_codes import MEANINGS, ExitCode
from compat.extras import missing
from tests.test_package import HEAVY, fresh
from tests.unit.server.commands import COMMAND, environment, run
from tests.unit.service.doubles import LONG

Printed = pytest.CaptureFixture[str]

COMPLETE = {
    "bash": (
        'eval "$(helpscout-v1 completion bash)"\n'
        "COMP_WORDS=(helpscout-v1 {words}); COMP_CWORD={at}\n"
        "_helpscout_v1_completion helpscout-v1\n"
        'printf "%s\\n" "${{COMPREPLY[@]}}"\n'
    ),
    "zsh": (
        "compdef() {{ }}\n"
        'eval "$(helpscout-v1 completion zsh)"\n'
        "_describe() {{ print -rl -- $completions_with_descriptions }}\n"
        "compadd() {{ print -rl -- $completions }}\n"
        "words=(helpscout-v1 {words}); CURRENT=$(({at} + 1))\n"
        "_helpscout_v1_completion\n"
    ),
    "fish": 'helpscout-v1 completion fish | source\ncomplete -C "helpscout-v1 {words}"\n',
}
"""For each shell, a script that prints how it completes a line."""

WITHOUT_FILES = {"bash": ("--norc",), "zsh": ("-f",), "fish": ("--no-config",)}
"""Options of each shell that keep it from reading a person's own files."""


def leaves(command: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    """Every command below another, by its words."""
    if isinstance(command, click.Group):
        for word, each in command.commands.items():
            yield from leaves(each, *words, word)
    else:
        yield words


CHOICES = re.compile(r"  --[a-z-]+ \[[^ ]+\]$")
"""A line of help with all values of an option, which is never broken."""

COMMANDS = sorted(leaves(program))


def module(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m compat`."""
    return subprocess.run(
        [sys.executable, "-m", "compat", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


def completed(shell: str, *words: str) -> set[str]:
    """What a shell offers for the last of some words."""
    script = COMPLETE[shell].format(words=" ".join(words), at=len(words))
    path = os.pathsep.join([str(Path(COMMAND).parent), os.environ["PATH"]])
    done = subprocess.run(
        [shell, *WITHOUT_FILES[shell], "-c", script],
        env=environment({"PATH": path}),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=True,
    )
    return {re.split(r"[\t:]", line)[0] for line in done.stdout.splitlines() if line}


def test_the_version_is_that_of_the_distribution() -> None:
    assert compat.__version__ == version("helpscout-v1-compat")


@pytest.mark.parametrize("start", [run, module])
def test_the_command_says_its_version(
    start: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = start("--version")
    assert (done.returncode, done.stderr) == (0, "")
    python = platform.python_version()
    assert done.stdout == f"helpscout-v1 {compat.__version__} (Python {python}, extras: all)\n"


@pytest.mark.parametrize("arguments", [("--help",), ("report", "new", "--help"), ("dance",)])
def test_the_package_run_as_a_module_is_the_command(arguments: tuple[str, ...]) -> None:
    ours, theirs = module(*arguments), run(*arguments)
    assert (ours.returncode, ours.stdout, ours.stderr) == (
        theirs.returncode,
        theirs.stdout,
        theirs.stderr,
    )


@pytest.mark.parametrize("shell", list(COMPLETE))
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("par",), {"parity"}),
        (("archive", "se"), {"seal"}),
        (("parity", "check", "--eng"), {"--engine"}),
        (("parity", "check", "--engine", "re"), {"relayed"}),
        (("sync", "--start", "last"), {"last-week", "last-month", "last-year"}),
        (("serve", "--port", "80", "--ho"), {"--host"}),
    ],
)
def test_a_shell_completes_commands_options_and_values(
    shell: str, words: tuple[str, ...], offered: set[str]
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    assert completed(shell, *words) == offered


@pytest.mark.parametrize("shell", list(COMPLETE))
def test_there_is_a_completion_script_for_each_shell(shell: str) -> None:
    done = run("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{shell}_complete" in done.stdout


@pytest.mark.parametrize("words", ["helpscout-v1 ", "helpscout-v1 serve --port 80 --h"])
def test_completing_imports_nothing_heavy(words: str) -> None:
    code = f"""
import os
from contextlib import redirect_stdout
os.environ |= {{
    "_HELPSCOUT_V1_COMPLETE": "zsh_complete", "COMP_WORDS": {words!r},
    "COMP_CWORD": str({words!r}.count(" ")),
}}
from compat.cli import main
try:
    with redirect_stdout(sys.stderr):
        main([])
except SystemExit as end:
    print(json.dumps([end.code, *sorted(sys.modules)]))
"""
    shown = fresh(code)
    assert isinstance(shown, list)
    assert shown[0] == 0
    assert not (HEAVY | {"rich"}) & {name.partition(".")[0] for name in shown[1:]}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_each_command_has_a_help_of_80_columns_on_a_pipe(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], option: str
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main([*command, option]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith(f"Usage: helpscout-v1 {' '.join(command)} ")
    assert "\x1b" not in shown.out
    lines = [line for line in shown.out.splitlines() if not CHOICES.match(line)]
    assert max(map(len, lines)) <= 80


def test_each_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)


def test_without_a_command_it_shows_all_of_them_and_exits_with_2(capsys: Printed) -> None:
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(name in shown.err for name in program.commands)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("serve", "--record", "--offline"), "Option '--record' requires an argument."),
        (("report", "new", "--start", "2015", "--account", "-x"), "Option '--account' requires"),
        (("parity", "check", "old.jsonl", "--json"), "Option '--json' requires an argument."),
        (("simulate", "--conv", "3"), "No such option '--conv'."),
        (("simulate", "--page-siz", "3"), "Did you mean '--page-size'?"),
        (("report", "new", "--start", "2015", "--json", "--csv"), "--csv is not allowed with"),
        (("archive", "import", "a", "b", "--covers", "2015..2016", "--as-of", "2016"), "(b)"),
        (("serve", "--port", "http"), "--port"),
        (("simulate", "--bad-client-status", "402"), "--bad-client-status"),
        (("completion", "tcsh"), "tcsh"),
    ],
)
def test_misuse_is_2_and_says_what_is_wrong(
    capsys: Printed, arguments: tuple[str, ...], said: str
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert "--help' for help." in shown.err


def test_a_number_below_zero_is_a_value(capsys: Printed) -> None:
    assert main(["parity", "live", "--start", "2015", "--requests", "-30"]) == 2
    assert "at least 20" in capsys.readouterr().err


def test_words_after_two_dashes_are_no_options(
    capsys: Printed, settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.chdir(tmp_path)
    assert main(["parity", "check", "--", "--json"]) == 2
    assert "--json cannot be opened (No such file or directory)" in capsys.readouterr().err


@pytest.mark.usefixtures("settings")
def test_of_an_option_given_twice_the_last_counts(capsys: Printed) -> None:
    start = ("report", "new", "--start", "2015", "--end", "2016")
    assert main([*start, "--end", "2014", "--types", "fax", "--types", "chat"]) == 2
    said = capsys.readouterr().err
    assert "--end must not be before --start" in said
    assert "--types" not in said


@pytest.mark.usefixtures("settings")
def test_an_option_that_had_another_name_has_both(capsys: Printed) -> None:
    for first, last in (("--start", "--end"), ("--from", "--to")):
        assert main(["parity", "live", first, "2015-02", last, "2015-01"]) == 2
        assert "--end must not be before --start" in capsys.readouterr().err


def test_no_option_is_read_from_the_environment() -> None:
    done = run("report", "new", HELPSCOUT_V1_REPORT_NEW_START="2015", HELPSCOUT_V1_START="2015")
    assert done.returncode == 2
    assert "Missing option '--start'" in done.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("report", "new"), ()])
def test_without_click_it_says_what_to_install(arguments: tuple[str, ...]) -> None:
    blocked = "import sys; sys.modules['click'] = None; from compat.cli import main; "
    done = subprocess.run(
        [sys.executable, "-c", f"{blocked}sys.exit(main(sys.argv[1:]))", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"helpscout-v1: {missing('the command line', 'click', 'cli')}\n"


def test_help_on_a_closed_pipe_gives_no_traceback() -> None:
    with subprocess.Popen(
        [COMMAND, "simulate", "--help"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as writing:
        assert writing.stdout is not None
        writing.stdout.close()
        assert writing.stderr is not None
        assert writing.stderr.read() == b""
