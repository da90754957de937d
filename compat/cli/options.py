"""Options that several commands share, and how options are read.

Each meaning has one option name in all commands: an option that has a further name keeps it
because scripts use it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click
from click.shell_completion import CompletionItem

from compat.cli.dates import DATE, WORDS
from compat.cli.streams import ignore_closed_pipe
from compat.config.environment import EngineChoice, SettingsError

if TYPE_CHECKING:
    from compat.config.env_files import Environment
    from compat.config.settings import Settings
    from compat.v1.errors import BadParameter

FILE: Final = click.Path(path_type=Path)
"""The path of a file; it is opened later, by what reads or writes it."""

_LAST_PORT: Final = 65_535

_NEGATIVE_NUMBER: Final = re.compile(r"-\d+|-\d*\.\d+")


class _QuietHelp(click.Command):
    """A command whose help is dropped once the reader of standard output has gone.

    click itself would end the process with 1.
    """

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the command line; `--help` and `--version` print here.

        Raises:
            click.exceptions.Exit: There is nothing more to do.
        """
        with ignore_closed_pipe():
            return super().make_context(*args, **extra)
        raise click.exceptions.Exit(0)


class Group(_QuietHelp, click.Group):
    """A command with commands of its own."""


class Command(_QuietHelp):
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


class SettingsCommand(Command):
    """A command that reads settings: it has `--env-file` after its own options."""

    def __init__(self, name: str, *, params: Sequence[click.Parameter], **options: Any) -> None:
        super().__init__(name, params=[*params, ENV_FILE], **options)


def _is_value(word: str | None) -> bool:
    """Whether a word can be an option's value: `-` and negative numbers can, options cannot."""
    if word is None or _NEGATIVE_NUMBER.fullmatch(word):
        return word is not None
    return word == "-" or not word.startswith("-")


_PARAMETERS: Final = re.compile(
    r"(?<![-\w])(?:previousStart|previousEnd|start|end|viewBy|mailboxes|tags|types|folders|"
    r"officeHours|sortField|sortOrder)\b"
)
"""Parameters of the old API that are options here, and whose names are no common words."""


def with_option_names(error: Exception) -> str:
    """The message of an error, with options in place of the old API's parameters."""
    from compat.v1.errors import ValidationFailed

    if not isinstance(error, ValidationFailed):
        return str(error)
    return f"{error.message}: {' '.join(map(_with_option_name, error.errors))}"


def _with_option_name(wrong: BadParameter) -> str:
    """The message about a parameter; its own name is first where it is a common word."""
    message = re.sub(
        rf"{re.escape(wrong.property)}(?= must | is required)",
        option_of(wrong.property),
        wrong.message,
        count=1,
    )
    return _PARAMETERS.sub(lambda found: option_of(found[0]), message)


def option_of(parameter: str) -> str:
    """The option that sets a parameter: `--view-by` for `viewBy`."""
    return "--" + re.sub("[A-Z]", lambda found: f"-{found[0].lower()}", parameter)


class _Port(click.ParamType[int]):
    """The number of a TCP port; 0 stands for any that is free."""

    name = "port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = click.INT.convert(value, param, ctx)
        if not 0 <= number <= _LAST_PORT:
            self.fail(f"{number} is no port: give a number from 0 to {_LAST_PORT}", param, ctx)
        return number


PORT: Final = _Port()


class _Completed(click.ParamType[str]):
    """A text for which completion offers words.

    Args:
        words: The words.
    """

    name = "text"

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[Any]]:
        """The words that begin like this."""
        del ctx, param
        return [CompletionItem(word) for word in self.words if word.startswith(incomplete)]


class Words(_Completed):
    """One of some words, in any case, or one of the texts that they stand for.

    Args:
        texts: The text that each word stands for.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(texts)
        self._texts = {word.lower(): text for word, text in texts.items()}

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """The words, as click shows a choice."""
        del param, ctx
        return f"[{'|'.join(self.words)}]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text that a word stands for.

        Raises:
            SettingsError: It is none of the words; said as of a parameter that the old API refuses.
        """
        del ctx
        text = self._texts.get(value.lower(), value)
        if text not in self._texts.values():
            option = param.opts[0] if param else "the value"
            raise SettingsError(f"{option} must be one of {', '.join(self.words)}")
        return text


_DATE_TEXT: Final = _Completed(WORDS)
"""A date, read later by the clock that the command goes by."""


def date_option(*names: str, text: str = DATE, required: bool = False) -> click.Option:
    """An option that takes a date; the first name is the one to document."""
    return click.Option(
        [*names, names[0].lstrip("-").replace("-", "_")],
        type=_DATE_TEXT,
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


_ENV_FILE_KEY: Final = f"{__name__}.env_file"
"""Where the context of a command has the path of its environment file."""


def _keep_env_file(ctx: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    ctx.meta[_ENV_FILE_KEY] = path


ENV_FILE: Final = click.Option(
    ["--env-file"],
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    expose_value=False,
    callback=_keep_env_file,
    help="read settings from this file; variables that are set win (COMPAT_ENV_FILE)",
)
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


def environment(*, without: Iterable[str] = ()) -> Environment:
    """The variables that a command goes by: those of the process, and of the environment file.

    Args:
        without: Variables to leave out, with the files that hold their values.

    Raises:
        SettingsError: A file that a variable or `--env-file` names cannot be used.
    """
    from compat.config.env_files import read_environment

    return read_environment(os.environ, env_file_option(), without=tuple(without))


def env_file_option() -> Path | None:
    """The file that `--env-file` names."""
    file: Path | None = click.get_current_context().meta.get(_ENV_FILE_KEY)
    return file


def settings_for(name: str | None) -> Settings:
    """The settings of the account that `--account` names.

    Raises:
        SettingsError: There is no such account, or several and none was named.
    """
    from compat.config.accounts import accounts_from_env

    return next(iter(selected_account(accounts_from_env(environment()), name).values()))


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


def accounts_with(
    environ: Mapping[str, str], engine: str | None = None, *, offline: bool = False
) -> dict[str, Settings]:
    """The settings of each account, changed by options of the command line.

    Args:
        environ: The variables, as `environment` returns them.
        engine: The engine to use in place of the setting's.
        offline: Whether Help Scout is never asked; if not, the setting decides.

    Raises:
        SettingsError: A setting is missing or cannot be used.
    """
    from compat.config.accounts import accounts_from_env

    change = ({"engine": engine} if engine else {}) | ({"offline": True} if offline else {})
    accounts = accounts_from_env(environ)
    return {name: each.model_copy(update=change) for name, each in accounts.items()}
