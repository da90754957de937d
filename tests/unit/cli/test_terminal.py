"""`helpscout-v1 report new` on a terminal: what a person sees, and where."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
import subprocess
import termios
from contextlib import suppress
from dataclasses import dataclass

import pytest
from rich.cells import cell_len

from compat.simulator import Account
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.unit.cli.reports import REPORTS, asked, command_of, words_of
from tests.unit.server.commands import COMMAND, environment, run
from tests.unit.service.doubles import LONG

JANUARY = ("report", "new", "--start", "2015-01")
COMPARED = (*JANUARY, "--previous-start", "2014-12", "--previous-end", "2015-01-10T13:30:00Z")
MONTH = (1_420_070_400, 1_422_748_799)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Seen:
    """What came out of a command.

    Attributes:
        screen: What a terminal was shown.
        piped: What came by a pipe.
    """

    status: int
    screen: str
    piped: str

    @property
    def text(self) -> str:
        """The screen without its colours and other control."""
        return _ESCAPES.sub("", self.screen).replace("\r\n", "\n")


_COLOUR = re.compile(r"\x1b\[(?:[0-9]+;)*3[0-7]m")


def on_a_terminal(
    arguments: tuple[str, ...],
    settings: dict[str, str],
    *,
    errors: bool = False,
    columns: int = 80,
    **variables: str,
) -> Seen:
    """Run the command with its output, or its errors, on a terminal; the other is a pipe."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    rest = {name: value for name, value in environment(settings).items() if name not in _SIZES}
    with subprocess.Popen(
        [COMMAND, *arguments],
        env=rest | {"TERM": "xterm-256color"} | variables,
        stdin=theirs,
        stdout=subprocess.PIPE if errors else theirs,
        stderr=theirs if errors else subprocess.PIPE,
    ) as shown:
        os.close(theirs)
        screen = _all_of(ours)
        out, err = shown.communicate(timeout=LONG)
    os.close(ours)
    return Seen(shown.returncode, screen, ((out if errors else err) or b"").decode())


_SIZES = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}


def _all_of(terminal: int) -> str:
    """Everything, until nobody holds its other side any more."""
    parts = []
    with suppress(OSError):  # which is how Linux says so
        while part := os.read(terminal, 65_536):
            parts.append(part)
    return b"".join(parts).decode()


def test_a_terminal_is_shown_a_table_with_bars(reach: dict[str, str], account: Account) -> None:
    seen = on_a_terminal(COMPARED, reach)
    assert (seen.status, seen.piped) == (0, "")
    lines = seen.text.splitlines()
    expected = oracle.answer(Asked(*MONTH), account)["current"]
    assert lines[0].split() == ["current", "count", "previous", "count"]
    for line, bucket in zip(lines[1:], expected, strict=False):
        assert line.split()[:2] == [bucket["start"][:10], str(bucket["count"])]
        assert "█" in line
    total = str(sum(bucket["count"] for bucket in expected))
    [line] = [line for line in lines if line.startswith("total")]
    assert line.split()[:2] == ["total", total]
    assert lines[-1].startswith(f"{total} now, ")
    assert lines[-1].endswith(" %")


@pytest.mark.parametrize("columns", [80, 100, 200])
@pytest.mark.parametrize("more", [(), ("--ids",), ("--view-by", "day")])
def test_the_table_fits_the_terminal(
    reach: dict[str, str], columns: int, more: tuple[str, ...]
) -> None:
    seen = on_a_terminal((*COMPARED, *more), reach, columns=columns)
    assert max(cell_len(line.rstrip()) for line in seen.text.splitlines()) <= columns
    assert "…" not in seen.text


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", [command_of(route) for route in REPORTS])
def test_the_table_of_every_report_fits_the_terminal(
    reach: dict[str, str], account: Account, command: str, columns: int
) -> None:
    route = next(route for route in REPORTS if command_of(route) == command)
    arguments = ("report", command, *words_of(asked(route, account)))
    seen = on_a_terminal(arguments, reach, columns=columns)
    assert seen.status == 0
    assert max(cell_len(line.rstrip()) for line in seen.text.splitlines()) <= columns
    assert "…" not in seen.text


def test_no_color_is_respected(reach: dict[str, str]) -> None:
    coloured, plain = (on_a_terminal(JANUARY, reach, NO_COLOR=value).screen for value in ("", "1"))
    assert _COLOUR.search(coloured)
    assert not _COLOUR.search(plain)


def test_ids_on_a_terminal_are_those_of_the_account(
    reach: dict[str, str], account: Account
) -> None:
    asked = Asked(*MONTH)
    seen = on_a_terminal((*JANUARY, "--ids"), reach)
    shown = {int(word) for word in re.findall(r"\b1[0-9]{5}\b", seen.text)}
    assert shown == {
        row.id
        for row in account.conversations()
        if MONTH[0] <= row.created <= MONTH[1] and oracle.matches(row, asked, account)
    }


@pytest.mark.parametrize("shape", ["--json", "--csv"])
def test_a_terminal_may_be_given_what_a_pipe_gets(reach: dict[str, str], shape: str) -> None:
    seen = on_a_terminal((*JANUARY, shape), reach)
    assert seen.screen.replace("\r\n", "\n") == run(*JANUARY, shape, **reach).stdout


def test_progress_is_shown_on_standard_error_where_that_is_a_terminal(
    reach: dict[str, str],
) -> None:
    seen = on_a_terminal(JANUARY, reach, errors=True)
    assert "fetching conversations" in seen.text
    assert seen.piped == run(*JANUARY, **reach).stdout


def test_a_terminal_that_shows_the_table_is_shown_no_progress(reach: dict[str, str]) -> None:
    assert "fetching" not in on_a_terminal(JANUARY, reach).text


def test_the_end_of_a_terminal_reads_as_these_tests_expect() -> None:
    ours, theirs = os.openpty()
    os.close(theirs)
    with pytest.raises(OSError, match=rf"Errno {errno.EIO}"):
        os.read(ours, 1)
    os.close(ours)
