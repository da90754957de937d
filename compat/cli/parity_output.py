"""Compares captures and writes the verdicts, for the parity commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from compat.cli.options import FILE
from compat.cli.output import ignore_closed_pipe
from compat.cli.progress import progress_bar

if TYPE_CHECKING:
    from compat.parity.captures.models import Capture, Unreadable
    from compat.parity.replay import Replayer
    from compat.parity.verdicts import VerdictWriter

_STEP: Final = 50
"""Verdicts between two updates of the progress bar."""

VERDICT_OPTIONS: Final = [
    click.Option([f"--{name}"], type=FILE, metavar="FILE", help=text)
    for name, text in {
        "ignore": "rules for what may differ",
        "json": "write the verdicts as JSON; docs/reference/verdicts.schema.json describes it",
        "junit": "write them as JUnit XML",
        "html": "write them as one page to look at, both series drawn where they differ",
    }.items()
]
"""Options that say which differences matter, and which files the verdicts are written to."""


def compare(
    captures: Iterable[Capture | Unreadable],
    asking: Replayer,
    engine: str | None,
    *,
    ignore: Path | None,
    files: Mapping[str, Path | None],
) -> int:
    """Ask captures again and write the verdicts; the exit code.

    Args:
        captures: The old answers.
        asking: Answers the captures' requests now.
        engine: The engine that answers now, if one was chosen.
        ignore: The file of rules for what may differ.
        files: The files to write by format: `json`, `junit`, `html`.

    Raises:
        IgnoreError: The rules cannot be used.
        OSError: A file cannot be read or written.
    """
    from compat.parity.check import VerdictCounts, check
    from compat.parity.ignore_rules import Rules, read_rules

    rules = read_rules(ignore) if ignore else Rules()
    tally = VerdictCounts(rules, engine)
    with _writers(files) as writers, progress_bar("checking captures") as show:
        for number, verdict in enumerate(check(captures, asking, rules), 1):
            tally.count(verdict)
            with ignore_closed_pipe():
                for writer in writers:
                    writer.add(verdict)
            if show and number % _STEP == 0:
                show(tally)
        summary = tally.summary()
        with ignore_closed_pipe():
            for writer in writers:
                writer.finish(summary)
            sys.stdout.flush()
    return summary.exit_status


@contextmanager
def _writers(files: Mapping[str, Path | None]) -> Iterator[Sequence[VerdictWriter]]:
    """A writer for each file that is asked for, then that of standard output.

    Standard output comes last: its reader may have gone, and the files are written all the same.
    """
    from compat.parity.output.html import HtmlFile
    from compat.parity.output.json import JsonFile
    from compat.parity.output.junit import JUnitFile
    from compat.parity.output.text import Text

    kinds: dict[str, Callable[[TextIO], VerdictWriter]] = {
        "json": JsonFile,
        "junit": JUnitFile,
        "html": HtmlFile,
    }
    with ExitStack() as stack:
        writers: list[VerdictWriter] = [
            kind(stack.enter_context(path.open("w", encoding="utf-8")))
            for name, kind in kinds.items()
            if (path := files[name])
        ]
        yield [*writers, Text(sys.stdout)]
