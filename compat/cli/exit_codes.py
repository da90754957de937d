"""Exit codes of the command, and what each means."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """The exit codes; `MEANINGS` documents them."""

    OK = 0
    DIFFERENT = 1
    MISUSE = 2
    UPSTREAM = 3
    ARCHIVE = 4
    SYNC_RUNNING = 5
    LOSS = 6
    INTERRUPTED = 130


MEANINGS: Final[Mapping[ExitCode, str]] = {
    ExitCode.OK: "Done; or a server that was asked to stop, and did.",
    ExitCode.DIFFERENT: "`parity`: some answers differ. `doctor`: something is wrong.",
    ExitCode.MISUSE: (
        "An option, a parameter or a setting is wrong, a file or standard output cannot be read or "
        "written, or an extra is not installed. `parity`: "
        "also where nothing could be compared, or a rule ignored nothing."
    ),
    ExitCode.UPSTREAM: (
        "`report`, `parity`, `sync`, `doctor`: Help Scout refuses or cannot be reached. A server: "
        "its port is taken."
    ),
    ExitCode.ARCHIVE: (
        "`sync`, `archive`: the archive cannot be used; the message says why, and what to do."
    ),
    ExitCode.SYNC_RUNNING: "`sync`, `archive`: a synchronisation is under way.",
    ExitCode.LOSS: ("`sync`: too much is missing at Help Scout; the message says how to go on."),
    ExitCode.INTERRUPTED: (
        "Interrupted with Ctrl-C; `sync` also with SIGTERM. What was fetched is kept."
    ),
}
"""What each exit code means, over all commands."""


def exit_status(meanings: Mapping[ExitCode, str]) -> str:
    """The last paragraph of a command's help: its exit codes, in the words of that command."""
    return "exit status: " + ", ".join(f"{code} {text}" for code, text in meanings.items())
