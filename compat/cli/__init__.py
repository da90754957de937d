"""The command `helpscout-v1`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from compat.cli.exit_codes import ExitCode
from compat.extras import missing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The words after the command's name. If not given, it is the command of the
            process: it takes the words of the process, and an interrupt ends the process.

    Returns:
        The exit code; `compat.cli.exit_codes` says what each means.
    """
    try:
        code = _run(arguments)
    except KeyboardInterrupt:  # it came while modules were imported, or a second one came
        code = ExitCode.INTERRUPTED
    if arguments is None and code == ExitCode.INTERRUPTED:
        _end_process()
    return code


def _end_process() -> NoReturn:
    """End the process without waiting for its threads.

    A thread that resolves a name, connects, or negotiates TLS cannot be woken, and Python would
    wait for it. All that the command opened is closed by now.
    """
    with suppress(KeyboardInterrupt):
        signal.signal(signal.SIGINT, lambda *_: os._exit(ExitCode.INTERRUPTED))
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(ExitCode.INTERRUPTED)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        import click  # noqa: F401 - only whether it is there
    except ImportError:
        print(f"helpscout-v1: {missing('the command line', 'click', 'cli')}", file=sys.stderr)
        return ExitCode.MISUSE
    from compat.cli.commands import run

    return run(arguments)
