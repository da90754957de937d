"""`helpscout-v1 parity`: recorded answers, and Help Scout's own, compared with those of today."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from compat.cli.dates import DATE, range_from_options
from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.options import (
    ACCOUNT,
    CAPTURES,
    ENGINE,
    FILE,
    OFFLINE,
    Group,
    SettingsCommand,
    accounts_with,
    date_option,
    environment,
    seed,
    settings_for,
    with_option_names,
)
from compat.cli.output import (
    hide_retries,
    print_note,
    progress_bar,
)
from compat.cli.parity_against import against
from compat.cli.parity_fit import fit
from compat.cli.streams import ignore_closed_pipe, naming
from compat.config.environment import SettingsError

if TYPE_CHECKING:
    from compat.parity.captures.models import Capture, Unreadable
    from compat.parity.check import Replayer
    from compat.parity.ignore_rules import Rules
    from compat.parity.verdicts import VerdictWriter

_FEWEST: Final = 20
"""The least number of requests that `parity live` needs."""

_STDOUT: Final = Path("-")
"""As a file to write, standard output."""

_STEP: Final = 50
"""Verdicts between two updates of the progress bar."""

VERDICT_OPTIONS: Final = [
    click.Option([f"--{name}"], type=FILE, metavar="FILE", help=text)
    for name, text in {
        "ignore": "rules for what may differ",
        "json": "write the verdicts as JSON; - is standard output, here and below",
        "junit": "write them as JUnit XML",
        "html": "write them as one page to look at, both series drawn where they differ",
        "csv": "write them as CSV, a row for each capture",
    }.items()
]
"""Options that say which differences matter, and which files the verdicts are written to.

The file `-` is standard output, which then has no text for people.
"""


@click.command(
    "check",
    cls=SettingsCommand,
    short_help="ask recorded requests again, and compare",
    epilog=exit_status(
        {
            ExitCode.OK: "equal",
            ExitCode.DIFFERENT: "different",
            ExitCode.MISUSE: "misuse, nothing to compare, a damaged file, or an idle rule",
            ExitCode.UPSTREAM: "some could not be asked",
            ExitCode.INTERRUPTED: "interrupted",
        }
    ),
    params=[CAPTURES, ENGINE, OFFLINE, ACCOUNT, *VERDICT_OPTIONS],
)
def check(
    *,
    captures: tuple[str, ...],
    engine: str | None,
    offline: bool,
    account: str | None,
    ignore: Path | None,
    **files: Path | None,
) -> int:
    """Ask recorded requests again and compare the answers, place by place.

    Captures are JSON lines, as serve --record writes them, or HAR, as browsers save it. Settings
    come from the environment.
    """
    from compat.parity.captures.reader import read_captures
    from compat.parity.check import Replayer
    from compat.parity.ignore_rules import IgnoreError
    from compat.service import LegacyReports

    hide_retries()
    try:
        rules = _prepare(ignore, files)
        with LegacyReports(accounts_with(environment(), engine, offline=offline)) as reports:
            replayer = Replayer(reports, account)
            found = read_captures(captures)
            return compare(found, replayer, engine, rules=rules, files=files)
    except (IgnoreError, LookupError) as error:
        print_note(error)
        return ExitCode.MISUSE


def _enough_requests(_ctx: click.Context, _param: click.Parameter, value: int) -> int:
    if value < _FEWEST:
        raise click.BadParameter(f"at least {_FEWEST}")
    return value


@click.command(
    "live",
    cls=SettingsCommand,
    short_help="ask both engines the same, and compare",
    epilog=exit_status(
        {
            ExitCode.OK: "equal",
            ExitCode.DIFFERENT: "different",
            ExitCode.MISUSE: "misuse, or too few requests",
            ExitCode.UPSTREAM: "Help Scout refuses or cannot be reached",
            ExitCode.INTERRUPTED: "interrupted",
        }
    ),
    params=[
        date_option("--start", "--from", text=DATE, required=True),
        date_option("--end", "--to", text="as --start, included (that of --start's period)"),
        click.Option(
            ["--requests"],
            type=int,
            default=200,
            callback=_enough_requests,
            metavar="N",
            help="the most requests to Help Scout, both engines together",
        ),
        seed(1, "equal seeds ask the same"),
        ACCOUNT,
        *VERDICT_OPTIONS,
    ],
)
def live(
    *,
    start: str,
    end: str | None,
    requests: int,
    seed: int,
    account: str | None,
    ignore: Path | None,
    **files: Path | None,
) -> int:
    """Ask Help Scout's own report and the counting here the same questions, and compare.

    The questions are many ranges, resolutions and filters that touch the edges of what happened. It
    takes a plan that has reports. Settings come from the environment.
    """
    from compat.parity.check import Replayer
    from compat.parity.ignore_rules import IgnoreError
    from compat.parity.live import EngineComparison, TooFewRequests
    from compat.v1.errors import LegacyError

    hide_retries()
    try:
        rules = _prepare(ignore, files)
        with EngineComparison(settings_for(account), requests) as engines:
            wanted = engines.parse_range(*range_from_options(("--start", "--end"), start, end))
            sample = engines.fetch_sample(wanted)
            if sample.window != wanted:
                print_note(f"{requests} requests reach no further back than {sample.since}")
            captures = engines.captures(sample, seed)
            replayer = Replayer(engines.computed)
            status = compare(captures, replayer, "computed", rules=rules, files=files)
            print_note(f"{engines.requests} requests were made")
            if engines.failure:
                print_note(engines.failure)
                return status if status == ExitCode.DIFFERENT else ExitCode.UPSTREAM
            return status
    except TooFewRequests:
        print_note(
            f"{requests} requests are too few for a day of that range: raise --requests, or "
            "choose another range"
        )
        return ExitCode.MISUSE
    except (LegacyError, IgnoreError, LookupError) as error:
        print_note(with_option_names(error))
        return ExitCode.UPSTREAM if getattr(error, "status", 400) != 400 else ExitCode.MISUSE


parity = Group(
    "parity",
    commands=[check, fit, live, against],
    help="Prove that the numbers are the old ones.",
    short_help="prove that the numbers are the old ones",
    subcommand_metavar="PART",
)


def _prepare(ignore: Path | None, files: Mapping[str, Path | None]) -> Rules:
    """Read the rules and open the files, to find what cannot be used before anything is asked.

    Args:
        ignore: The file of rules for what may differ.
        files: The files to write.

    Raises:
        IgnoreError: The rules cannot be used.
        OSError: A file cannot be opened.
        SettingsError: Two formats are to be written to standard output.
    """
    from compat.parity.ignore_rules import Rules, read_rules

    if [*files.values()].count(_STDOUT) > 1:
        raise SettingsError("only one format can be written to standard output (-)")
    rules = read_rules(ignore) if ignore else Rules()
    for path in files.values():
        if path not in (None, _STDOUT):
            path.open("a").close()
    return rules


def compare(
    captures: Iterable[Capture | Unreadable],
    replayer: Replayer,
    engine: str | None,
    *,
    rules: Rules,
    files: Mapping[str, Path | None],
) -> int:
    """Ask captures again and write the verdicts; the exit code.

    Args:
        captures: The old answers.
        replayer: Answers the captures' requests now.
        engine: The engine that answers now, if one was chosen.
        rules: What may differ.
        files: The files to write by format: `json`, `junit`, `html`, `csv`.

    Raises:
        OSError: A file cannot be read or written.
    """
    from compat.parity.check import check
    from compat.parity.verdicts import VerdictCounts

    counts = VerdictCounts(engine)
    with (
        _outputs(files) as outputs,
        progress_bar("checking captures", lambda: replayer.rate_limit_wait) as show,
    ):
        for number, verdict in enumerate(check(captures, replayer, rules), 1):
            counts.count(verdict)
            for each in outputs:
                with each.errors():
                    each.writer.add(verdict)
            if show and number % _STEP == 0:
                show(counts)
        summary = counts.summary(rules.used())
        for each in outputs:
            with each.errors():
                each.writer.finish(summary)
                each.stream.flush()
    return summary.exit_status


@dataclass(frozen=True)
class _Output:
    """A place that verdicts are written to.

    Attributes:
        writer: Writes them in some format.
        stream: What it writes to.
        errors: Handles errors of writing, for a block.
    """

    writer: VerdictWriter
    stream: TextIO
    errors: Callable[[], AbstractContextManager[None]]


@contextmanager
def _outputs(files: Mapping[str, Path | None]) -> Iterator[Sequence[_Output]]:
    """Each file that is asked for, then standard output.

    Standard output comes last: its reader may have gone, and the files are written all the same.
    """
    from compat.cli.parity_csv import CsvWriter
    from compat.parity.output.html import HtmlWriter
    from compat.parity.output.json import JsonWriter
    from compat.parity.output.junit import JUnitWriter
    from compat.parity.output.text import TextWriter

    kinds: dict[str, Callable[[TextIO], VerdictWriter]] = {
        "json": JsonWriter,
        "junit": JUnitWriter,
        "html": HtmlWriter,
        "csv": CsvWriter,
    }
    with ExitStack() as stack:
        outputs: list[_Output] = []
        printed: Callable[[TextIO], VerdictWriter] = TextWriter
        for name, kind in kinds.items():
            if (path := files.get(name)) == _STDOUT:
                printed = kind
            elif path:
                errors = partial(naming, f"--{name}: {path}")
                file = stack.enter_context(_file(path, errors))
                outputs.append(_Output(kind(file), file, errors))
        yield [*outputs, _Output(printed(sys.stdout), sys.stdout, ignore_closed_pipe)]


@contextmanager
def _file(path: Path, errors: Callable[[], AbstractContextManager[None]]) -> Iterator[TextIO]:
    """A file to write; its last bytes may fail to be written only when it is closed."""
    file = path.open("w", encoding="utf-8")
    try:
        yield file
    finally:
        with errors():
            file.close()
