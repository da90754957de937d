"""`helpscout-v1 archive`: shows, seals, imports, exports and erases what is in the archive."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import click

from compat.cli.dates import DATE, EPOCH, epoch_second, today
from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.formats import CSV, JSON, Format, chosen_format, print_fields, print_json
from compat.cli.options import (
    ACCOUNT,
    Group,
    SettingsCommand,
    date_option,
    flag,
    settings_for,
)
from compat.cli.output import print_error_line, print_note
from compat.cli.streams import ignore_closed_pipe
from compat.config.environment import SettingsError, variable_name
from compat.core.calendar import DAY, FIRST_SECOND, months_before
from compat.v1.datetimes import format_epoch

if TYPE_CHECKING:
    from compat.archive.admin import ArchiveStatus, ThreadsStatus
    from compat.archive.database import Archive
    from compat.archive.locks import SyncLock
    from compat.config.settings import Settings

_EXIT_STATUS: Final = exit_status(
    {
        ExitCode.OK: "done",
        ExitCode.MISUSE: "an option or a setting is wrong",
        ExitCode.ARCHIVE: "the archive cannot be used",
        ExitCode.SYNC_RUNNING: "a synchronisation is under way",
    }
)
_AGE: Final = re.compile(r"([1-9][0-9]{0,5})([ymd])")
_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+")
_INSTANTS: Final = ("sealed_at", "kept_since", "first", "last", "as_of", "since", "until")
"""Fields of a state that are epoch seconds."""


@click.command(
    "status",
    cls=SettingsCommand,
    short_help="what it covers, as of when, and what is stale",
    epilog=_EXIT_STATUS,
    params=[JSON, CSV, ACCOUNT],
)
def status(*, as_json: bool, as_csv: bool, account: str | None) -> int:
    """Show what the archive holds: coverage, age, size, and what is too old to be used."""
    from compat.archive.admin import archive_status

    format_ = chosen_format(as_json=as_json, as_csv=as_csv)
    settings = settings_for(account)
    printers: Mapping[Format, Callable[[ArchiveStatus], None]] = {
        "json": lambda state: print_json(_state_as_json(state)),
        "csv": lambda state: print_fields(_state_as_json(state)),
        "text": lambda state: print(_state_as_text(state)),
    }

    def show(archive: Archive) -> None:
        with archive.reading() as snapshot:
            state = archive_status(archive, snapshot, settings)
        with ignore_closed_pipe():
            printers[format_](state)

    return _with_archive(settings, show)


@click.command(
    "seal",
    cls=SettingsCommand,
    short_help="the account is closed: what is there is final",
    epilog=_EXIT_STATUS,
    params=[
        date_option("--at", text=f"when it was closed: {DATE}"),
        flag("--undo", "take that back"),
        ACCOUNT,
    ],
)
def seal(*, at: str | None, undo: bool, account: str | None) -> int:
    """Note that the account was closed.

    Nothing in the archive becomes too old then, and nothing newer is missing.
    """
    from compat.archive import admin

    if bool(at) == undo:
        raise SettingsError("say --at, or --undo")

    def change(archive: Archive) -> None:
        with _as_misuse(admin.CannotSeal), archive.lock() as lock:
            if at:
                admin.seal(archive, lock, epoch_second("--at", at, today(), last=True))
            else:
                admin.unseal(archive, lock)

    return _with_archive(settings_for(account), change)


@click.command(
    "import",
    cls=SettingsCommand,
    short_help="take in conversations from JSON lines",
    epilog=_EXIT_STATUS,
    params=[
        click.Argument(
            ["file"],
            metavar="FILE",
            type=click.Path(allow_dash=True),
            help="the file; - for standard input",
        ),
        click.Option(
            ["--covers"],
            metavar="FROM..TO",
            required=True,
            help=f"all that was created from .. to: {DATE}",
        ),
        date_option("--as-of", text="when that was so, written like --covers", required=True),
        ACCOUNT,
    ],
)
def import_(*, file: str, covers: str, as_of: str, account: str | None) -> int:
    """Take in conversations as Mailbox API 2.0 lists them, one JSON object a line.

    All of them are taken in, or nothing. The archive is made if there is none.
    """
    from compat.archive.admin import CannotImport, import_lines

    def change(archive: Archive) -> None:
        first, dots, last = covers.partition("..")
        if not dots:
            raise SettingsError("--covers: write it as FROM..TO")
        interval = (
            epoch_second("--covers", first, today(), last=False),
            epoch_second("--covers", last, today(), last=True),
        )
        at = epoch_second("--as-of", as_of, today(), last=True)
        if interval[0] > interval[1]:
            raise SettingsError("--covers: it ends before it begins")
        now = int(datetime.now(UTC).timestamp())
        if at > now:  # what is kept would count as fresh until then
            raise SettingsError(
                "--as-of: it is in the future: give the instant of the export, such as "
                f"{format_epoch(now)}"
            )
        with _as_misuse(CannotImport), _opened(file) as stream, archive.lock() as lock:
            changed = import_lines(archive, lock, stream, interval, at)
        print_error_line(f"{changed:,} conversations are new or newer")

    return _with_archive(settings_for(account), change, create=True)


@click.command(
    "export",
    cls=SettingsCommand,
    short_help="print all conversations as JSON lines",
    epilog=_EXIT_STATUS,
    params=[ACCOUNT],
)
def export(*, account: str | None) -> int:
    """Print all conversations as Mailbox API 2.0 lists them, one JSON object a line."""
    from compat.archive import admin

    def show(archive: Archive) -> None:
        with archive.reading() as snapshot, ignore_closed_pipe():
            for line in admin.export(snapshot):
                sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    return _with_archive(settings_for(account), show)


@click.command(
    "forget",
    cls=SettingsCommand,
    short_help="erase a customer, or what is too old",
    epilog=_EXIT_STATUS,
    params=[
        click.Option(["--customer"], metavar="ID", help="the customer's id, or an e-mail address"),
        click.Option(["--keep"], metavar="TIME", help="keep so much and no more: 3y, 18m, 400d"),
        ACCOUNT,
    ],
)
def forget(*, customer: str | None, keep: str | None, account: str | None) -> int:
    """Erase what is kept of a customer, for good, so that counts stay the same.

    Or take out what is older than is to be kept, with its coverage.
    """
    if bool(customer) == bool(keep):
        raise SettingsError("say --customer, or --keep")

    def change(archive: Archive) -> None:
        erased: Mapping[int, int] | None = None
        with archive.lock() as lock:
            if keep:
                with archive.writing(lock) as writer:
                    writer.set_kept_since(kept_since(keep, today()))
            elif customer:
                erased = _erase_customer(archive, lock, customer)
            archive.vacuum()
        # Printed at the end: a full disk must not keep the files from being rewritten.
        if erased is not None:
            _print_erased(erased)

    return _with_archive(settings_for(account), change)


archive = Group(
    "archive",
    commands=[status, seal, import_, export, forget],
    help="Look into the archive, seal it, export and import it.",
    short_help="look into the archive, seal it, export and import it",
    subcommand_metavar="PART",
)


def kept_since(text: str, today: date) -> int:
    """The first second that is kept, epoch UTC: midnight, so many years, months or days ago.

    Raises:
        SettingsError: The text is no age, or reaches before the year 1.
    """
    found = _AGE.fullmatch(text)
    if found is None:
        raise SettingsError("--keep: write it as 3y, 18m or 400d")
    many, unit = int(found[1]), found[2]
    midnight = (today - EPOCH.date()).days * DAY
    if unit == "d":
        first = midnight - many * DAY
    else:
        first = months_before(midnight, many * (12 if unit == "y" else 1))
    if first < FIRST_SECOND:
        raise SettingsError("--keep: that reaches before the year 1")
    return first


def _with_archive(
    settings: Settings, use: Callable[[Archive], None], *, create: bool = False
) -> int:
    """Open the archive, and use it; the exit code.

    Raises:
        SettingsError: An option or a setting is missing or cannot be used.
        ImportError: SQLAlchemy is not installed.
    """
    from compat.archive.database import open_archive
    from compat.archive.errors import ArchiveError, SyncUnderWay

    if settings.archive is None:
        raise SettingsError(f"{variable_name('archive')} is not set: name the archive")
    try:
        with open_archive(settings.archive.get_secret_value(), create=create) as archive:
            use(archive)
    except ArchiveError as error:
        print_note(error)
        return ExitCode.SYNC_RUNNING if isinstance(error, SyncUnderWay) else ExitCode.ARCHIVE
    return ExitCode.OK


def _erase_customer(archive: Archive, lock: SyncLock, wanted: str) -> Mapping[int, int]:
    """Erase a customer by id, or all of an e-mail address.

    Returns:
        How many conversations of their own each customer had.

    Raises:
        SettingsError: The text is neither.
    """
    from compat.archive.erasure import find_customers

    addresses = [wanted] if _ADDRESS.fullmatch(wanted.strip()) else []
    found: list[int] = []
    if addresses or "@" not in wanted:
        with archive.reading() as snapshot:
            found = find_customers(snapshot, wanted)
    if not found and not addresses:
        raise SettingsError("--customer: write it as a number, or as an e-mail address")
    with archive.writing(lock) as writer:
        own = writer.erase_customers(found, addresses)
    return {customer: own[customer] for customer in found}


def _print_erased(conversations: Mapping[int, int]) -> None:
    with ignore_closed_pipe():
        for customer, number in conversations.items():
            print(f"customer {customer}: erased, with {number:,} conversations of their own")
    if not conversations:
        print_error_line("nobody of that address is in the archive")


def _state_as_text(state: ArchiveStatus) -> str:
    kinds = ", ".join(
        kind
        for kind, applies in (("slim", state.slim), ("sealed", state.sealed_at is not None))
        if applies
    )
    lines = [
        f"{state.where}{kinds and f' ({kinds})'}",
        f"{state.conversations:,} conversations, {state.size / 1e6:,.1f} MB",
    ]
    for each in state.covered:
        stale = "" if each.young else ", too old to be used without asking Help Scout"
        first, last, as_of = map(format_epoch, (each.first, each.last, each.as_of))
        lines.append(f"covered {first} to {last}, as of {as_of}{stale}")
    if not state.covered:
        lines.append("nothing is covered yet")
    lines += [
        f"{count:,} conversations without `{key}`: a question that filters by it is refused where "
        "they are"
        for key, count in state.unknown.items()
    ]
    if state.threads.kept:
        lines.append(_threads_as_text(state.threads))
    if not all(each.young for each in state.covered):
        lines.append("run `helpscout-v1 sync` to bring it up to date")
    return "\n".join(lines)


def _threads_as_text(threads: ThreadsStatus) -> str:
    if threads.since is not None and threads.until is not None:
        return (
            f"all threads are known that were created {format_epoch(threads.since)} to "
            f"{format_epoch(threads.until)}; older ones are known when `helpscout-v1 sync` has "
            "read everything"
        )
    if threads.until is not None:
        return f"all threads are known that were created until {format_epoch(threads.until)}"
    if not threads.can_be_known:
        return (
            "threads are kept, but no report on messages is answered from them: conversations "
            "before some time are not in the archive, and may have threads of any time"
        )
    return (
        f"threads are kept, those of {threads.unread:,} conversations are still to be read: run "
        "`helpscout-v1 sync`"
    )


def _state_as_json(state: ArchiveStatus) -> dict[str, Any]:
    covered = [_with_instants(asdict(each)) for each in state.covered]
    threads = _with_instants(asdict(state.threads))
    return _with_instants(asdict(state)) | {"covered": covered, "threads": threads}


def _with_instants(fields: dict[str, Any]) -> dict[str, Any]:
    """The same fields, epoch seconds written as ISO 8601."""
    return {
        name: format_epoch(value) if name in _INSTANTS and value is not None else value
        for name, value in fields.items()
    }


@contextmanager
def _as_misuse(*kinds: type[Exception]) -> Iterator[None]:
    """Turn exceptions of these kinds into a SettingsError."""
    try:
        yield
    except kinds as error:
        raise SettingsError(str(error)) from None


def _opened(name: str) -> AbstractContextManager[BinaryIO]:
    """A file opened to be read, or standard input for `-`."""
    return nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb")
