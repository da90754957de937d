"""`helpscout-v1 parity check`: recorded answers against those of today."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from compat.cli.choosing import accounts_by, add_engine
from compat.cli.printing import printing
from compat.cli.watching import watching

if TYPE_CHECKING:
    from compat.parity.verdicts.models import Writer

_MISUSE: Final = 2
_STEP: Final = 50

_FILES: Final = {
    "json": "write the verdicts as JSON; docs/reference/verdicts.schema.json describes it",
    "junit": "write them as JUnit XML",
    "html": "write them as one page to look at, both series drawn where they differ",
}


def add_to(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = parts.add_parser(
        "check",
        help="ask recorded requests again, and compare",
        description=(
            "Ask recorded requests again and compare the answers, place by place. Captures are "
            "JSON lines, as serve --record writes them, or HAR, as browsers save it. Settings "
            "come from the environment."
        ),
        epilog=(
            "exit status: 0 equal, 1 different, 2 misuse, nothing to compare, or a rule that "
            "ignored nothing, 3 some could not be asked, 130 interrupted"
        ),
    )
    parser.add_argument("captures", nargs="+", metavar="CAPTURES", help="a file; - is stdin")
    add_engine(parser)
    parser.add_argument("--account", metavar="NAME", help="which account, where there are several")
    parser.add_argument("--ignore", metavar="FILE", type=Path, help="rules for what may differ")
    for name, help_text in _FILES.items():
        parser.add_argument(f"--{name}", metavar="FILE", type=Path, help=help_text)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check the captures; the exit status.

    Raises:
        SettingsError: A setting is missing or cannot be used.
        ImportError: What reads a format is not installed.
    """
    from compat.parity.ignoring import IgnoreError

    # A retry that works in the end is no news; one that does not is told by what it leads to.
    logging.getLogger("stamina").setLevel(logging.CRITICAL)
    try:
        return _check(options)
    except (IgnoreError, LookupError, OSError) as error:
        print(f"helpscout-v1: {error}", file=sys.stderr)
        return _MISUSE


def _check(options: argparse.Namespace) -> int:
    from compat.parity.asking import Asking
    from compat.parity.checking import Tally, check
    from compat.parity.ignoring import Rules, read_rules
    from compat.parity.reading import read
    from compat.service import LegacyReports

    rules = read_rules(options.ignore) if options.ignore else Rules()
    captures = read(options.captures)
    tally = Tally(rules, options.engine)
    with (
        LegacyReports(accounts_by(options.engine)) as reports,
        _writers(options) as writers,
        watching("checking captures") as watch,
    ):
        verdicts = check(captures, Asking(reports, options.account), rules)
        for number, verdict in enumerate(verdicts, 1):
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
def _writers(options: argparse.Namespace) -> Iterator[Sequence[Writer]]:
    """What tells the verdicts; that on standard output, whose reader may go, comes last."""
    from compat.parity.verdicts.as_html import HtmlFile
    from compat.parity.verdicts.as_json import JsonFile
    from compat.parity.verdicts.as_junit import JUnitFile
    from compat.parity.verdicts.as_text import Text

    kinds: dict[str, Callable[[TextIO], Writer]] = {
        "json": JsonFile,
        "junit": JUnitFile,
        "html": HtmlFile,
    }
    with ExitStack() as stack:
        writers: list[Writer] = []
        for name, kind in kinds.items():
            if path := getattr(options, name):
                writers.append(kind(stack.enter_context(path.open("w", encoding="utf-8"))))
        yield [*writers, Text(sys.stdout)]
