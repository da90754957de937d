"""`helpscout-v1 init`: asks for the settings that are needed, tries them, and writes a file."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import click

from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.options import FILE, Command, flag
from compat.cli.output import PROGRAM, hide_retries, print_error_line, print_note
from compat.cli.streams import ignore_closed_pipe, naming
from compat.config.environment import SettingsError, reason, variable_name

if TYPE_CHECKING:
    from compat.config.settings import Settings

_APP_ID, _APP_SECRET, _BASE_URL, _API_KEYS, _ARCHIVE = WRITTEN = tuple(
    map(variable_name, ("app_id", "app_secret", "base_url", "api_keys", "archive"))
)
"""The variables that the file gets, in its order."""

_DEFAULT_FILE: Final = f"{PROGRAM}.env"
_KEY_BYTES: Final = 20
"""Old API keys were 40 hexadecimal digits."""

_MOST_NAMES: Final = 5
"""How many mailboxes are named."""

_MISSING: Final = {
    _APP_ID: f"give --app-id, or set {_APP_ID}",
    _APP_SECRET: f"set {_APP_SECRET} or {_APP_SECRET}_FILE",
    _API_KEYS: f"set {_API_KEYS} or {_API_KEYS}_FILE, or give --new-key",
}
"""What to do about each value that is needed, where nobody can be asked."""

_WHERE: Final = (
    "At Help Scout, open Your Profile, My Apps, Create My App: it shows an App ID and an App "
    "Secret. The redirection URL does not matter."
)
_KEYS: Final = (
    "Your programs send an old API key. Give it here, or several separated by commas; Help Scout "
    "does not need to know it any more. Leave it empty to make a new one."
)
_ARCHIVE_LEAD: Final = (
    "A large account needs an archive: a file for a copy of its conversations. Leave it empty to "
    "do without, or to decide later."
)


@dataclass(frozen=True)
class _Account:
    """What Help Scout shows to an application that signs in.

    Attributes:
        user: The user who made the application.
        company: The id of the company; 0 if it is not shown.
        mailboxes: The names of the mailboxes.
    """

    user: str
    company: int
    mailboxes: tuple[str, ...]

    def __str__(self) -> str:
        company = f" of company {self.company}" if self.company else ""
        more = len(self.mailboxes) - _MOST_NAMES
        names = ", ".join(self.mailboxes[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
        return (
            f"Signed in as {self.user}{company}, who sees {len(self.mailboxes)} mailboxes: "
            f"{names or 'none'}"
        )


@click.command(
    "init",
    cls=Command,
    short_help="ask for the settings, try them, and write them to a file",
    epilog=exit_status(
        {
            ExitCode.OK: "the file is written",
            ExitCode.MISUSE: "a value is missing or cannot be used, or the file is there already",
            ExitCode.UPSTREAM: "Help Scout refuses or cannot be reached; nothing is written",
            ExitCode.INTERRUPTED: "interrupted; nothing is written",
        }
    ),
    params=[
        click.Option(
            ["--env-file"],
            type=FILE,
            metavar="FILE",
            help=f"the file to write (COMPAT_ENV_FILE, or else {_DEFAULT_FILE})",
        ),
        click.Option(["--app-id"], metavar="ID", help="the App ID"),
        click.Option(["--archive"], metavar="PATH", help="the path of an archive, or its URL"),
        flag("--new-key", "make a new API key; an old one is kept beside it"),
        flag("--force", "replace a file that is there; its other settings are kept"),
        flag("--no-input", "ask nothing: take all from options and variables"),
    ],
)
def init(
    *,
    env_file: Path | None,
    app_id: str | None,
    archive: str | None,
    new_key: bool,
    force: bool,
    no_input: bool,
) -> int:
    """Ask for the settings that are needed, try them, and write them to a file.

    Only its owner can read the file. What is asked for is the App ID and App Secret of Mailbox API
    2.0, the old API keys, and an archive. Variables that are set already, such as
    HELPSCOUT_APP_SECRET or HELPSCOUT_APP_SECRET_FILE, are offered, and used without a terminal.
    """
    from compat.config.env_files import ENV_FILE_VARIABLE, read_environment

    hide_retries()
    path = env_file or Path(os.environ.get(ENV_FILE_VARIABLE, "").strip() or _DEFAULT_FILE)
    path = Path(os.path.realpath(path))
    asks = not no_input and sys.stdin.isatty()
    before = _existing(path, force=force, asks=asks)
    variables = {name: text for name, text in os.environ.items() if name != ENV_FILE_VARIABLE}
    environ = read_environment(variables, path if path.exists() else None)
    found = {name: environ.get(name, "").strip() for name in WRITTEN}
    options = {_APP_ID: app_id or "", _ARCHIVE: archive or ""}
    values = found | {name: text for name, text in options.items() if text}
    status = (_ask if asks else _check)(values, environ, new_key=new_key)
    if status != ExitCode.OK:
        return status
    key = token_hex(_KEY_BYTES) if new_key or not values[_API_KEYS] else ""
    values[_API_KEYS] = ",".join(filter(None, (values[_API_KEYS], key)))
    unchanged = {name for name, text in values.items() if text == found[name]}
    _write(path, _lines(values, _secret_files(before | variables, unchanged), before))
    with ignore_closed_pipe():
        _print_next(path, values, key)
    return ExitCode.OK


def _secret_files(environ: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """The files that hold the values of some variables, by the variables' names."""
    from compat.config.env_files import secret_file_variables

    return {
        name: os.path.abspath(environ[file])
        for name, file in secret_file_variables().items()
        if name in names and environ.get(file, "").strip() and not environ.get(name, "").strip()
    }


def _existing(path: Path, *, force: bool, asks: bool) -> dict[str, str]:
    """The variables of the file that is there, if it may be replaced; none without a file.

    Raises:
        SettingsError: It may not, or it cannot be read.
    """
    from compat.config.env_files import parse_env_file

    if not path.exists():
        return {}
    if not force and not (asks and _confirm(f"{path} is there already. Replace it?")):
        raise SettingsError(f"{path} is there already: give --force to replace it")
    try:
        lines = list(parse_env_file(path.read_text("utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({reason(error)}): name another file") from None
    return {line[1]: line[2] for line in lines if not isinstance(line, int)}


def _ask(values: dict[str, str], environ: Mapping[str, str], *, new_key: bool) -> ExitCode:
    """Ask for the values, and try them until they can be used or the person gives up."""
    print_error_line(_WHERE)
    while True:
        values[_APP_ID] = _prompt("App ID", values[_APP_ID])
        values[_APP_SECRET] = _prompt("App Secret", values[_APP_SECRET], secret=True)
        status = _try(values, environ)
        if status == ExitCode.OK:
            break
        if not _confirm("Correct them, and try again?", default=True):
            return status
    if not new_key:
        print_error_line(f"\n{_KEYS}")
        values[_API_KEYS] = _prompt("API keys", values[_API_KEYS], secret=True, needed=False)
    print_error_line(f"\n{_ARCHIVE_LEAD}")
    while True:
        values[_ARCHIVE] = _prompt("Archive", values[_ARCHIVE], needed=False)
        fault = _archive_fault(values)
        if fault is None:
            return ExitCode.OK
        print_error_line(fault)
        values[_ARCHIVE] = ""


def _check(values: dict[str, str], environ: Mapping[str, str], *, new_key: bool) -> ExitCode:
    """Check the values, and try them.

    Raises:
        SettingsError: A value is missing or cannot be used.
    """
    given = values | ({_API_KEYS: "a new one"} if new_key else {})
    faults = [f"{name} is missing: {text}" for name, text in _MISSING.items() if not given[name]]
    if fault := _archive_fault(values):
        faults.append(fault)
    if faults:
        raise SettingsError("\n".join(faults))
    return _try(values, environ)


def _archive_fault(values: dict[str, str]) -> str | None:
    """Why an archive cannot be where it is to be; its path is made absolute."""
    if not values[_ARCHIVE] or "://" in values[_ARCHIVE]:
        return None
    path = Path(values[_ARCHIVE]).expanduser().absolute()
    values[_ARCHIVE] = str(path)
    if path.is_dir() or not path.parent.is_dir():
        return f"{path} is no file in a directory that exists: name another"
    return None


def _try(values: Mapping[str, str], environ: Mapping[str, str]) -> ExitCode:
    """Sign in and look at the mailboxes; says what came of it."""
    from compat.config.env_files import Environment
    from compat.config.settings import Settings
    from compat.v1.errors import LegacyError, Unavailable

    used = Environment(environ) | {name: text for name, text in values.items() if text}
    try:
        settings = Settings.from_env(Environment(used))
        print_error_line("Signing in at Help Scout …")
        account = _look(settings)
    except SettingsError as error:
        print_note(error)
        return ExitCode.MISUSE
    except LegacyError as error:
        print_note(error)
        if isinstance(error, Unavailable):
            print_error_line(f"Check the network, {variable_name('base_url')} and COMPAT_PROXY.")
        return ExitCode.UPSTREAM
    print_error_line(str(account))
    if not account.mailboxes:
        print_error_line("Reports will be empty: let a user who sees mailboxes make the App.")
    return ExitCode.OK


def _look(settings: Settings) -> _Account:
    """Sign in, whatever archive there is.

    Raises:
        SettingsError: A setting cannot be used.
        compat.v1.errors.LegacyError: Help Scout refuses or cannot be reached.
    """
    from compat.names import fetch_items
    from compat.service import LegacyReports

    with LegacyReports(settings.model_copy(update={"archive": None, "offline": False})) as reports:
        mailboxes = fetch_items(reports.compute, "mailboxes")
        me = reports.compute("me", ()).answer.item  # type: ignore[attr-defined]
    return _Account(me.fullName, me.companyId, tuple(each.name for each in mailboxes))


def _lines(
    values: Mapping[str, str], secret_files: Mapping[str, str], before: Mapping[str, str]
) -> list[str]:
    """The lines of the file: what was asked for, then other settings of the file before.

    Args:
        values: The values by their variables; empty ones are left out.
        secret_files: For a variable whose value is in a file of its own, that file.
        before: The variables in the file before.

    Raises:
        SettingsError: A value cannot stand in such a file.
    """
    texts = {name: text for name, text in values.items() if text and name not in secret_files}
    files = {f"{name}_FILE": place for name, place in secret_files.items()}
    others = {
        name: text for name, text in before.items() if name.removesuffix("_FILE") not in WRITTEN
    }
    lines = texts | files | others
    for name, text in lines.items():
        if not text.isprintable() or text.startswith(("'", '"')) or text != text.strip():
            raise SettingsError(f"{name}: its value cannot stand in a file of settings")
    return [
        f"# Settings of {PROGRAM}, with secrets: only the owner should be able to read this.",
        *(f"{name}={text}" for name, text in lines.items()),
    ]


def _write(path: Path, lines: list[str]) -> None:
    """Write the file at once or not at all; only its owner can read it.

    Raises:
        SettingsError: It cannot be written.
    """
    with naming(str(path)):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write("\n".join([*lines, ""]))
                file.flush()
                os.fsync(handle)
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise


def _print_next(path: Path, values: Mapping[str, str], key: str) -> None:
    if key:
        print(f"A new API key, for your programs: {key}")
    commands = [
        (f"export COMPAT_ENV_FILE={shlex.quote(str(path))}", "or give --env-file to each command"),
        *([(f"{PROGRAM} sync", "fill the archive")] if values[_ARCHIVE] else []),
        (f"{PROGRAM} serve", "answer your programs on http://127.0.0.1:8080/v1/"),
        (f"{PROGRAM} doctor", "if something is wrong"),
    ]
    width = max(len(command) for command, _ in commands[1:])
    print(f"{path} is written; only you can read it. Next:\n")
    for command, text in commands:
        print(f"  {command:<{width}}  # {text}")


def _prompt(text: str, default: str, *, secret: bool = False, needed: bool = True) -> str:
    """Ask for a value. What is typed of a secret is not shown, nor is the one that is kept."""
    shown = f"{text} (not shown{', empty keeps the one there is' if default else ''})"
    while True:
        given: str = click.prompt(
            shown if secret else text,
            default=default,
            show_default=bool(default) and not secret,
            hide_input=secret,
            err=True,
        )
        if given.strip() or not needed:
            return given.strip()


def _confirm(text: str, *, default: bool = False) -> bool:
    return click.confirm(text, default=default, err=True)
