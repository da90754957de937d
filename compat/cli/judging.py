"""Telling what came of captures: on standard output, and in the files that are asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from compat.cli.printing import printing
from compat.cli.watching import watching

if TYPE_CHECKING:
    from compat.parity.captures.models import Capture, Unreadable
    from compat.parity.replay import Replayer
    from compat.parity.verdicts import VerdictWriter

_STEP: Final = 50

_FILES: Final = {
    "json": "write the verdicts as JSON; docs/reference/verdicts.schema.json describes it",
    "junit": "write them as JUnit XML",
    "html": "write them as one page to look at, both series drawn where they differ",
}


def add_judging(parser: argparse.ArgumentParser) -> None:
    """Add to a parser what says which differences matter, and where they are told."""
    parser.add_argument("--ignore", metavar="FILE", type=Path, help="rules for what may differ")
    for name, help_text in _FILES.items():
        parser.add_argument(f"--{name}", metavar="FILE", type=Path, help=help_text)


def judge(
    captures: Iterable[Capture | Unreadable],
    asking: Replayer,
    options: argparse.Namespace,
    engine: str | None,
) -> int:
    """Ask captures again, and tell the verdicts; the exit status.

    Args:
        captures: The old answers.
        asking: What is asked again.
        options: What the command line says of judging.
        engine: The engine that answers now, if one was chosen.

    Raises:
        IgnoreError: The rules cannot be used.
        OSError: A file cannot be read or written.
    """
    from compat.parity.check import VerdictCounts, check
    from compat.parity.ignore_rules import Rules, read_rules

    rules = read_rules(options.ignore) if options.ignore else Rules()
    tally = VerdictCounts(rules, engine)
    with _writers(options) as writers, watching("checking captures") as watch:
        for number, verdict in enumerate(check(captures, asking, rules), 1):
            tally.count(verdict)
            with printing():
                for writer in writers:
                    writer.add(verdict)
            if watch and number % _STEP == 0:
                watch(tally)
        summary = tally.summary()
        with printing():
            for writer in writers:
                writer.finish(summary)
            sys.stdout.flush()
    return summary.exit_status


@contextmanager
def _writers(options: argparse.Namespace) -> Iterator[Sequence[VerdictWriter]]:
    """What tells the verdicts; that on standard output, whose reader may go, comes last."""
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
        writers: list[VerdictWriter] = []
        for name, kind in kinds.items():
            if path := getattr(options, name):
                writers.append(kind(stack.enter_context(path.open("w", encoding="utf-8"))))
        yield [*writers, Text(sys.stdout)]
