"""`helpscout-v1 archive`: what is in the archive, and what is done with it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from compat.cli.options import DATE, second, settings_of, today
from compat.config.environment import SettingsError, variable

if TYPE_CHECKING:
    from compat.archive.database import Archive

_EPILOG: Final = (
    "exit status: 0 done, 2 an option or a setting is wrong, 4 the archive cannot be used, 5 a "
    "synchronisation is under way"
)


class _Option(NamedTuple):
    name: str
    metavar: str | None
    text: str
    required: bool = False


class _Part(NamedTuple):
    name: str
    help: str
    description: str
    options: tuple[_Option, ...]
    run: Callable[[argparse.Namespace, Archive], int]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser("archive", help="look into the archive, seal it, carry it")
    parts = parser.add_subparsers(metavar="PART", required=True)
    for each in _PARTS:
        part = parts.add_parser(
            each.name, help=each.help, description=each.description, epilog=_EPILOG
        )
        for option in each.options:
            _add(part, option)
        part.add_argument(
            "--account", metavar="NAME", help="which account, where there are several"
        )
        part.set_defaults(run=run, part=each.run)


def run(options: argparse.Namespace) -> int:
    """Do what the part does; the exit status.

    Raises:
        SettingsError: An option or a setting is missing or cannot be used.
        ImportError: SQLAlchemy is not installed.
    """
    from compat.archive.database import open_archive
    from compat.archive.errors import ArchiveError, SyncUnderWay

    settings = settings_of(options.account)
    if settings.archive is None:
        raise SettingsError(f"{variable('archive')} is not set: name the archive")
    url = settings.archive.get_secret_value()
    options.settings = settings
    try:
        with open_archive(url, create=options.part is _import) as archive:
            return int(options.part(options, archive))
    except ArchiveError as error:
        print(f"helpscout-v1: {error}", file=sys.stderr)
        return 5 if isinstance(error, SyncUnderWay) else 4


def _status(options: argparse.Namespace, archive: Archive) -> int:
    from compat.archive.admin import state_of
    from compat.cli.archive_status import tell

    with archive.reading() as snapshot:
        tell(state_of(archive, snapshot, options.settings), as_json=options.json)
    return 0


def _seal(options: argparse.Namespace, archive: Archive) -> int:
    from compat.archive.admin import CannotSeal, seal, unseal

    if bool(options.at) == options.undo:
        raise SettingsError("say --at, or --undo")
    with _refusing(CannotSeal), archive.lock() as lock:
        if options.undo:
            unseal(archive, lock)
        else:
            seal(archive, lock, second("--at", options.at, today(), last=True))
    return 0


def _import(options: argparse.Namespace, archive: Archive) -> int:
    from compat.archive.transfer import CannotImport, take_in

    first, dots, last = options.covers.partition("..")
    if not dots:
        raise SettingsError("--covers: write it as FROM..TO")
    covers = (
        second("--covers", first, today(), last=False),
        second("--covers", last, today(), last=True),
    )
    as_of = second("--as-of", options.as_of, today(), last=True)
    if covers[0] > covers[1]:
        raise SettingsError("--covers: it ends before it begins")
    with _refusing(CannotImport, OSError), _lines(options.file) as lines, archive.lock() as lock:
        changed = take_in(archive, lock, lines, covers, as_of)
    print(f"{changed:,} conversations are new or newer", file=sys.stderr)
    return 0


def _export(options: argparse.Namespace, archive: Archive) -> int:
    from compat.archive.transfer import export
    from compat.cli.printing import printing

    del options
    with archive.reading() as snapshot, printing():
        for line in export(snapshot):
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    return 0


def _forget(options: argparse.Namespace, archive: Archive) -> int:
    from compat.archive.erasure import customers
    from compat.cli.archive_age import since

    if bool(options.customer) == bool(options.keep):
        raise SettingsError("say --customer, or --keep")
    with archive.lock() as lock:
        if options.keep:
            with archive.writing(lock) as writer:
                writer.keep(since(options.keep, today()))
        else:
            addresses = [options.customer] if "@" in options.customer else []
            with archive.reading() as snapshot:
                found = customers(snapshot, options.customer)
            if not found and not addresses:
                raise SettingsError("--customer: write it as a number, or as an e-mail address")
            with archive.writing(lock) as writer:
                own = writer.forget(found, addresses)
            for customer in found:
                print(f"customer {customer}: {own[customer]:,} conversations")
            if not found:
                print("nobody of that address is in the archive", file=sys.stderr)
        archive.scrub()
    return 0


_PARTS: Final = (
    _Part(
        "status",
        "what it covers, as of when, and what is stale",
        "Tell what the archive holds: coverage, age, size, and what is too old to be used.",
        (_Option("--json", None, "as JSON, for programs"),),
        _status,
    ),
    _Part(
        "seal",
        "the account is closed: what is there is final",
        "Note that the account was closed, so that nothing in the archive becomes too old and "
        "nothing can be missing behind it.",
        (
            _Option("--at", "DATE", f"when it was closed: {DATE}"),
            _Option("--undo", None, "take that back"),
        ),
        _seal,
    ),
    _Part(
        "import",
        "take in conversations from JSON lines",
        "Take in conversations as Mailbox API 2.0 lists them, one JSON object a line: all of "
        "them, or nothing. The archive is made if there is none.",
        (
            _Option("file", "FILE", "the file; - for standard input"),
            _Option("--covers", "FROM..TO", f"all that was created from .. to: {DATE}", True),
            _Option("--as-of", "DATE", "when that was so: likewise", True),
        ),
        _import,
    ),
    _Part(
        "export",
        "print all conversations as JSON lines",
        "Print all conversations as Mailbox API 2.0 lists them, one JSON object a line.",
        (),
        _export,
    ),
    _Part(
        "forget",
        "erase a customer, or what is too old",
        "Erase what is kept of a customer, for good, so that counts stay the same; or take out "
        "what is older than is to be kept, with its coverage.",
        (
            _Option("--customer", "ID", "the customer's id, or an e-mail address"),
            _Option("--keep", "TIME", "keep so much and no more: 3y, 18m, 400d"),
        ),
        _forget,
    ),
)


def _add(parser: argparse.ArgumentParser, option: _Option) -> None:
    if option.metavar is None:
        parser.add_argument(option.name, action="store_true", help=option.text)
    elif option.name.startswith("-"):
        parser.add_argument(
            option.name, metavar=option.metavar, required=option.required, help=option.text
        )
    else:
        parser.add_argument(option.name, metavar=option.metavar, help=option.text)


@contextmanager
def _refusing(*kinds: type[Exception]) -> Iterator[None]:
    """What cannot be done is told as misuse."""
    try:
        yield
    except kinds as error:
        raise SettingsError(str(error)) from None


@contextmanager
def _lines(name: str) -> Iterator[Iterator[bytes]]:
    if name == "-":
        yield iter(sys.stdin.buffer)
        return
    with Path(name).open("rb") as file:
        yield iter(file)
