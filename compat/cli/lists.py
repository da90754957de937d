"""`helpscout-v1 list`: the mailboxes, folders, tags, users and teams of an account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import click

from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.formats import (
    CSV,
    JSON,
    chosen_format,
    print_json,
    print_records,
    table_needs_rich,
)
from compat.cli.options import (
    ACCOUNT,
    OFFLINE,
    Group,
    SettingsCommand,
    accounts_with,
    environment,
    flag,
)
from compat.cli.output import hide_retries, print_note
from compat.cli.streams import ignore_closed_pipe
from compat.names import Fetch, Names, UnknownName, fetch_items

Record = dict[str, Any]

_MAILBOX: Final = click.Option(
    ["--mailbox"], metavar="NAME", help="only those of this mailbox: its name or id"
)
_MEMBERS: Final = flag("--members", "with the members of each team")


@dataclass(frozen=True)
class _List:
    """A list, and how it is printed.

    Attributes:
        summary: What is listed, for the help.
        records: Loads the items, as the old API writes them; it gets the options of the command.
        columns: The keys that a table shows, with their headings.
        options: Options of this list.
    """

    summary: str
    records: Callable[..., Iterable[Record]]
    columns: Mapping[str, str]
    options: Sequence[click.Option] = ()


def _records(items: Iterable[Any]) -> Iterator[Record]:
    for each in items:
        yield each.model_dump(mode="json", by_alias=True)


def _mailboxes(fetch: Fetch) -> Iterator[Record]:
    return _records(fetch("mailboxes"))


def _tags(fetch: Fetch) -> Iterator[Record]:
    return _records(fetch("tags"))


def _folders(fetch: Fetch, *, mailbox: str | None) -> Iterator[Record]:
    """Folders, each with the mailbox that it is in."""
    for each in fetch("mailboxes") if mailbox is None else [_mailbox(fetch, mailbox)]:
        of_mailbox = {"mailboxId": each.id, "mailboxName": each.name}
        for folder in _records(fetch("folders", mailbox=each.id)):
            yield of_mailbox | folder


def _users(fetch: Fetch, *, mailbox: str | None) -> Iterator[Record]:
    if mailbox is None:
        return _records(fetch("users"))
    return _records(fetch("mailbox_users", mailbox=_mailbox(fetch, mailbox).id))


def _teams(fetch: Fetch, *, members: bool) -> Iterator[Record]:
    for team in _records(fetch("teams")):
        if members:
            found = fetch("team_members", team=team["id"])
            team["members"] = [{"id": each.id, "name": each.fullName} for each in found]
        yield team


def _mailbox(fetch: Fetch, mailbox: str) -> Any:
    """The mailbox that `--mailbox` names.

    Raises:
        UnknownName: There is none, or several may be meant.
    """
    names = Names(fetch, lambda _: "--mailbox")
    ids = names.replace({"mailboxes": [mailbox]})["mailboxes"]
    if len(ids) != 1:
        raise UnknownName("--mailbox: give one mailbox")
    found = [each for each in fetch("mailboxes") if each.id == ids[0]]
    if not found:
        raise UnknownName(f"--mailbox: there is no mailbox with the id {ids[0]}")
    return found[0]


_LISTS: Final[Mapping[str, _List]] = {
    "mailboxes": _List(
        "The account's mailboxes.",
        _mailboxes,
        {"id": "id", "name": "name", "email": "address", "slug": "slug"},
    ),
    "folders": _List(
        "The folders of all mailboxes, or of one.",
        _folders,
        {
            "mailboxName": "mailbox",
            "id": "id",
            "name": "name",
            "type": "type",
            "userId": "user",
            "totalCount": "conversations",
            "activeCount": "active",
        },
        (_MAILBOX,),
    ),
    "tags": _List(
        "The account's tags.",
        _tags,
        {"id": "id", "tag": "name", "count": "conversations", "color": "color"},
    ),
    "users": _List(
        "The account's users, or those who may see a mailbox.",
        _users,
        {"id": "id", "fullName": "name", "email": "address", "role": "role"},
        (_MAILBOX,),
    ),
    "teams": _List(
        "The account's teams.",
        _teams,
        {"id": "id", "fullName": "name", "members": "members"},
        (_MEMBERS,),
    ),
}

_HELP: Final = """{summary}

On a pipe it is JSON, on a terminal a table. JSON is one list of the objects that the old API has,
from all of its pages. Settings come from the environment.
"""


def _command(name: str, shown: _List) -> click.Command:
    return SettingsCommand(
        name,
        callback=partial(_print_list, shown),
        help=_HELP.format(summary=shown.summary),
        short_help=shown.summary[0].lower() + shown.summary[1:].rstrip("."),
        epilog=exit_status(
            {
                ExitCode.OK: "done",
                ExitCode.MISUSE: "an option or a setting is wrong",
                ExitCode.UPSTREAM: "Help Scout refuses or cannot be reached",
                ExitCode.INTERRUPTED: "interrupted",
            }
        ),
        params=[*shown.options, JSON, CSV, ACCOUNT, OFFLINE],
    )


def _print_list(
    shown: _List,
    *,
    as_json: bool,
    as_csv: bool,
    account: str | None,
    offline: bool,
    **options: Any,
) -> int:
    from compat.service import LegacyReports
    from compat.v1.errors import LegacyError

    print_records = _printer(shown, as_json=as_json, as_csv=as_csv)
    hide_retries()
    try:
        with LegacyReports(accounts_with(environment(), offline=offline)) as reports:
            fetch = partial(fetch_items, reports.compute, account=account)
            records = list(shown.records(fetch, **options))
    except (LegacyError, LookupError) as error:
        print_note(error)
        status = error.status if isinstance(error, LegacyError) else 400
        return ExitCode.MISUSE if status in (400, 404) else ExitCode.UPSTREAM
    with ignore_closed_pipe():
        print_records(records)
    return ExitCode.OK


def _printer(shown: _List, *, as_json: bool, as_csv: bool) -> Callable[[Sequence[Record]], None]:
    """The function that prints; chosen before anything is fetched, as it may lack rich.

    Raises:
        click.UsageError: Two formats were chosen.
        ImportError: A table is to be printed, and rich is not installed.
    """
    format_ = chosen_format(as_json=as_json, as_csv=as_csv, on_pipe="json")
    if format_ == "json":
        return print_json
    if format_ == "csv":
        return lambda records: print_records(records, _csv_columns(shown, records))
    with table_needs_rich():
        from compat.cli.report_table import print_rows
    return lambda records: print_rows(_table_columns(shown, records), records)


def _csv_columns(shown: _List, records: Sequence[Record]) -> Iterable[str]:
    """All keys of the records; of no record, those of a table."""
    return dict.fromkeys(key for each in records for key in each) or shown.columns


def _table_columns(shown: _List, records: Sequence[Record]) -> Mapping[str, str]:
    """The columns that some record has."""
    has = {key for each in records for key in each}
    return {key: text for key, text in shown.columns.items() if not records or key in has}


lists = Group(
    "list",
    commands=[_command(name, shown) for name, shown in _LISTS.items()],
    help="Print the mailboxes, folders, tags, users or teams, with their ids.",
    short_help="print mailboxes, folders, tags, users or teams",
    subcommand_metavar="WHAT",
)
