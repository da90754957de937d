"""Options that several commands share, and how options and dates are read.

Each meaning has one option name in all commands: an option that has a further name keeps it
because scripts use it.
"""

from __future__ import annotations

import os
import re
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click

from compat.config.environment import EngineChoice, SettingsError
from compat.v1.datetimes import parse_instant

if TYPE_CHECKING:
    from compat.config.settings import Settings

FILE: Final = click.Path(path_type=Path)
"""The path of a file; it is opened later, by what reads or writes it."""

_LAST_PORT: Final = 65_535

_NEGATIVE_NUMBER: Final = re.compile(r"-\d+|-\d*\.\d+")


class Command(click.Command):
    """A command none of whose options takes another option for its value.

    click itself would read `--record --offline` as a file of the name `--offline`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line.

        Raises:
            click.UsageError: The command line cannot be used.
        """
        if not ctx.resilient_parsing:
            self._require_values(ctx, args)
        return super().parse_args(ctx, args)

    def _require_values(self, ctx: click.Context, args: Sequence[str]) -> None:
        options = [each for each in self.params if isinstance(each, click.Option)]
        with_value = {name for each in options if not each.is_flag for name in each.opts}
        words = iter(args)
        for word in words:
            if word == "--":
                return
            if word in with_value and not _is_value(next(words, None)):
                raise click.BadOptionUsage(word, f"Option {word!r} requires an argument.", ctx)


def _is_value(word: str | None) -> bool:
    """Whether a word can be an option's value: `-` and negative numbers can, options cannot."""
    if word is None or _NEGATIVE_NUMBER.fullmatch(word):
        return word is not None
    return word == "-" or not word.startswith("-")


Period = tuple[date, date]
"""First and last day, both included."""

_PARAMETERS: Final = re.compile(
    r"\b(?:previousStart|previousEnd|start|end|viewBy|mailboxes|tags|types|folders)\b"
)
"""Parameters of the old API that are options here."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_NUMBERS: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")


def _month(day: date) -> Period:
    first = day.replace(day=1)
    return first, day.replace(day=monthrange(day.year, day.month)[1])


def _week(day: date) -> Period:
    monday = day - day.weekday() * _DAY
    return monday, monday + 6 * _DAY


def _year(day: date) -> Period:
    return day.replace(month=1, day=1), day.replace(month=12, day=31)


_WORDS: Final[dict[str, Callable[[date], Period]]] = {
    "today": lambda today: (today, today),
    "yesterday": lambda today: (today - _DAY, today - _DAY),
    "this-week": _week,
    "last-week": lambda today: _week(today - _WEEK),
    "this-month": _month,
    "last-month": lambda today: _month(today.replace(day=1) - _DAY),
    "this-year": _year,
    "last-year": lambda today: _year(date(today.year - 1, 1, 1)),
}
WORDS: Final = tuple(_WORDS)
"""The periods that have a name; weeks begin on Monday."""

DATE: Final = f"2015, 2015-01, 2015-01-31, an ISO 8601 instant, or one of {', '.join(WORDS)}"
"""How a date may be written."""


def today() -> date:
    """The present day in UTC, by which words such as `last-month` are read."""
    return datetime.now(UTC).date()


def period(text: str, today: date) -> Period | None:
    """The days that a text means.

    Args:
        text: `2015`, `2015-01`, `2015-01-31`, or one of `WORDS`.
        today: The day on which it is asked, in UTC.

    Returns:
        None if the text is none of these; it may still be an instant.
    """
    if text in _WORDS:
        return _WORDS[text](today)
    numbers = _NUMBERS.fullmatch(text)
    if numbers is None:
        return None
    year, month, day = numbers.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    if day:
        return first, first
    return _month(first) if month else _year(first)


def edges(start: str | None, end: str | None, today: date) -> tuple[str | None, str | None]:
    """First and last instant of a range, as the old API writes them.

    A period means its first second as a start, and its last as an end. Without an end, the range
    is the period that begins it. Other texts are returned as they are, for the old API's rules.
    """
    first, last = (period(text, today) if text else None for text in (start, end))
    opening = f"{first[0].isoformat()}T00:00:00Z" if first else start
    if end is None:
        return opening, f"{first[1].isoformat()}T23:59:59Z" if first else None
    return opening, f"{last[1].isoformat()}T23:59:59Z" if last else end


def range_from_options(
    options: tuple[str, str], start: str | None, end: str | None
) -> tuple[str | None, str | None]:
    """The same, for the texts of two options; errors name the options.

    Args:
        options: The names of the two options.
        start: The text of the first, if it was given.
        end: The text of the second, if it was given.

    Raises:
        SettingsError: A text is no date, or one of the two is missing.
    """
    now = today()
    for option, text in zip(options, (start, end), strict=True):
        if text is not None and not _is_date(text, now):
            raise SettingsError(f"{option}: {text!r} is none of {DATE}")
    first, last = options
    if start is None and end is not None:
        raise SettingsError(f"{first} is needed with {last}: give both")
    if start is not None and end is None and period(start, now) is None:
        raise SettingsError(f"{last} is needed where {first} is an instant: give {DATE}")
    return edges(start, end, now)


def _is_date(text: str, today: date) -> bool:
    from compat.config.conventions import Conventions

    if period(text, today):
        return True
    try:
        parse_instant(text, Conventions(compact_offsets=True), end=False)
    except ValueError:
        return False
    return True


def with_option_names(error: Exception) -> str:
    """The message of an error, with options in place of the old API's parameters."""
    from compat.v1.errors import ValidationFailed

    if not isinstance(error, ValidationFailed):
        return str(error)
    return _PARAMETERS.sub(lambda found: _option_of(found[0]), str(error))


def _option_of(parameter: str) -> str:
    """The option that sets a parameter: `--view-by` for `viewBy`."""
    return "--" + re.sub("[A-Z]", lambda found: f"-{found[0].lower()}", parameter)


def epoch_second(option: str, text: str, today: date, *, last: bool) -> int:
    """The first or last second of a period, or the second of an instant, epoch UTC.

    Args:
        option: The option that the text is from, for the error.
        text: A date as `DATE` describes it.
        today: The day on which it is asked, in UTC.
        last: Whether a period means its last second.

    Raises:
        SettingsError: The text is no date.
    """
    days = period(text, today)
    try:
        if days is None:
            instant = datetime.fromisoformat(text)
            instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
            return (instant - EPOCH) // timedelta(seconds=1)
        day = (days[last] - EPOCH.date()) // timedelta(days=1)
    except (ValueError, OverflowError):
        raise SettingsError(f"{option}: {text} is none of {DATE}") from None
    return day * 86_400 + (86_399 if last else 0)


class _Port(click.ParamType[int]):
    """The number of a TCP port; 0 stands for any that is free."""

    name = "port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = click.INT.convert(value, param, ctx)
        if not 0 <= number <= _LAST_PORT:
            self.fail(f"{number} is no port: give a number from 0 to {_LAST_PORT}", param, ctx)
        return number


PORT: Final = _Port()


class DateText(click.ParamType[str]):
    """A date, read later by the clock that the command goes by; completion knows the words."""

    name = "date"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem[Any]]:
        """The names of periods that begin like this."""
        del ctx, param
        items = click.shell_completion.CompletionItem
        return [items(word) for word in WORDS if word.startswith(incomplete)]


def date_option(*names: str, text: str = DATE, required: bool = False) -> click.Option:
    """An option that takes a date; the first name is the one to document."""
    return click.Option(
        [*names, names[0].lstrip("-").replace("-", "_")],
        type=DateText(),
        metavar="DATE",
        required=required,
        help=text,
    )


def flag(name: str, text: str, parameter: str | None = None) -> click.Option:
    """An option without a value."""
    return click.Option([name, *([parameter] if parameter else [])], is_flag=True, help=text)


def json_flag(text: str) -> click.Option:
    """`--json`, for commands that print JSON on standard output."""
    return flag("--json", text, "as_json")


def port(default: int) -> click.Option:
    """`--port`, with the port to listen on by default."""
    return click.Option(
        ["--port"], type=PORT, default=default, metavar="PORT", help="port; 0 for any"
    )


def seed(default: int | None, text: str) -> click.Option:
    """`--seed`, of what is drawn at random."""
    return click.Option(["--seed"], type=int, default=default, metavar="SEED", help=text)


ACCOUNT: Final = click.Option(
    ["--account"], metavar="NAME", help="which account, where there are several"
)
ENGINE: Final = click.Option(
    ["--engine"],
    type=click.Choice(get_args(EngineChoice)),
    help="where the answer comes from, whatever the setting says",
)
OFFLINE: Final = flag(
    "--offline", "never ask Help Scout: what the archive does not hold is refused"
)
HOST: Final = click.Option(
    ["--host"], default="127.0.0.1", metavar="HOST", help="address to listen on"
)
CAPTURES: Final = click.Argument(
    ["captures"],
    nargs=-1,
    required=True,
    type=click.Path(allow_dash=True),
    help="a file; - is stdin",
)


def settings_for(name: str | None) -> Settings:
    """The settings of the account that `--account` names.

    Raises:
        SettingsError: There is no such account, or several and none was named.
    """
    from compat.config.accounts import accounts_from_env

    return next(iter(selected_account(accounts_from_env(os.environ), name).values()))


def selected_account(accounts: Mapping[str, Settings], name: str | None) -> dict[str, Settings]:
    """The account that `--account` names, or the only one, by its name.

    Raises:
        SettingsError: There is no such account, or several and none was named.
    """
    from compat.config.accounts import select_account

    try:
        return {name or next(iter(accounts)): select_account(accounts, name)}
    except LookupError as error:
        raise SettingsError(f"--account: {error}") from None


def accounts_with(engine: str | None = None, *, offline: bool = False) -> dict[str, Settings]:
    """The settings of each account, changed by options of the command line.

    Args:
        engine: The engine to use in place of the setting's.
        offline: Whether Help Scout is never asked; if not, the setting decides.

    Raises:
        SettingsError: A setting is missing or cannot be used.
    """
    from compat.config.accounts import accounts_from_env

    change = ({"engine": engine} if engine else {}) | ({"offline": True} if offline else {})
    accounts = accounts_from_env(os.environ)
    return {name: each.model_copy(update=change) for name, each in accounts.items()}
