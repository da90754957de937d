"""Variables that come from files: an environment file, and files that hold one secret each.

An environment file has a variable a line, as `EnvironmentFile=` of systemd and `--env-file` of
docker read it::

    # a comment
    HELPSCOUT_APP_ID=…
    HELPSCOUT_APP_SECRET=…

Nothing in a value is replaced: `$`, `#` and backslashes stand for themselves. Quotation marks
around a whole value are left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from compat.config.environment import (
    OUR_PREFIXES,
    PREFIX,
    SettingsError,
    reason,
    shown_path,
    variable_name,
)
from compat.config.files import read_text

ENV_FILE_VARIABLE: Final = f"{PREFIX}ENV_FILE"
"""The variable that names the environment file. No file is read unless it is named."""

SECRET_FIELDS: Final = ("app_secret", "proxy", "api_keys", "archive")
"""The fields of `Settings` that hold secrets; the value of each can come from a file."""

_LISTS: Final = frozenset({variable_name("api_keys")})
"""Variables that are lists: their files may have an item a line."""

_SUFFIX: Final = "_FILE"
_LINE: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)")
_QUOTES: Final = ("'", '"')


class Environment(dict[str, str]):
    """Environment variables with what their files hold in place of the files' names.

    Attributes:
        file: The environment file that was read; None if none was named.
        winners: Variables that were set with another value than that of the file, and won over it.
        secret_files: The files whose values are in place of their names.
        account_files: The files with secrets that the file of accounts names; empty until it is
            read.
    """

    file: Path | None = None
    winners: tuple[str, ...] = ()
    secret_files: tuple[Path, ...] = ()
    account_files: tuple[Path, ...] = ()


def secret_file_variables() -> dict[str, str]:
    """For each variable that holds a secret, the variable that names a file with its value."""
    return {name: name + _SUFFIX for name in map(variable_name, SECRET_FIELDS)}


def read_environment(
    environ: Mapping[str, str], file: Path | None = None, *, without: Collection[str] = ()
) -> Environment:
    """The variables of an environment, of its environment file, and of files of secrets.

    A variable that is set wins over the file; an empty one counts as not set. Of the file, only
    variables of this project are taken. An environment that was read already is returned as it is.

    Args:
        environ: Environment variables.
        file: The environment file that `--env-file` names, in place of that of `COMPAT_ENV_FILE`.
        without: Variables to leave out, with the files that hold their values.

    Raises:
        SettingsError: One line for each file that cannot be used. It never shows what is in it.
    """
    if isinstance(environ, Environment):
        return environ
    found = Environment(environ)
    named = found.pop(ENV_FILE_VARIABLE, "").strip()
    found.file = file or (Path(named) if named else None)
    if found.file is not None:
        values = _file_values(found.file, "--env-file" if file else ENV_FILE_VARIABLE)
        winners = {name: _winner(environ, name) for name in values}
        found.update({name: text for name, text in values.items() if winners[name] is None})
        found.winners = tuple(
            each
            for name, each in winners.items()
            if each and values[name] and environ[each] != values[name] and each not in without
        )
    for name in without:
        found.pop(name, None)
        found.pop(name + _SUFFIX, None)
    if faults := list(_take_secrets(found)):
        raise SettingsError("\n".join(faults))
    return found


def parse_env_file(text: str) -> Iterator[tuple[int, str, str] | int]:
    """The lines of an environment file, without comments and empty lines.

    Yields:
        The number of a line, from 1 on, with its name and value; of a line that cannot be read,
        the number alone.
    """
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        found = _LINE.fullmatch(stripped)
        value = _unquoted(found[2]) if found else None
        if found is None or value is None or not value.isprintable():
            yield number
        else:
            yield number, found[1], value


def _unquoted(text: str) -> str | None:
    """A value without the quotation marks around it; None if one is not closed."""
    if not text.startswith(_QUOTES):
        return text
    return text[1:-1] if len(text) > 1 and text[-1] == text[0] else None


def _winner(environ: Mapping[str, str], name: str) -> str | None:
    """The variable of an environment that gives a setting: the same, or the one with its file."""
    other = name.removesuffix(_SUFFIX) if name.endswith(_SUFFIX) else name + _SUFFIX
    return next((each for each in (name, other) if environ.get(each, "").strip()), None)


def _file_values(path: Path, source: str) -> dict[str, str]:
    """The variables of this project in an environment file; of one that repeats, the last."""
    text = _text(path)
    if not isinstance(text, str):
        raise SettingsError(
            f"{source}: {shown_path(path)} cannot be read ({reason(text)}): "
            + _advice(text, "it must name a file with a NAME=VALUE in each line")
        )
    lines = list(parse_env_file(text))
    if broken := [line for line in lines if isinstance(line, int)]:
        raise SettingsError(
            "\n".join(
                f"{source}: {path}, line {number}: it is not NAME=VALUE: correct it, or begin the "
                "line with #"
                for number in broken
            )
        )
    pairs = (line[1:] for line in lines if not isinstance(line, int))
    return {name: value for name, value in pairs if name.startswith(OUR_PREFIXES)}


def _take_secrets(environ: Environment) -> Iterator[str]:
    """Put secrets in place of the names of their files; yields a sentence for each fault."""
    for name, file_name in secret_file_variables().items():
        place = environ.pop(file_name, "").strip()
        if not place:
            continue
        if environ.get(name, "").strip():
            yield f"{name} and {file_name} are both set: unset one of them"
            continue
        try:
            environ[name] = secret_from_file(place, name, is_list=name in _LISTS)
            environ.secret_files += (Path(place),)
        except SettingsError as error:
            yield f"{file_name}: {error}"


def secret_from_file(place: str, name: str, *, is_list: bool) -> str:
    """What a file with one secret holds, as a variable has it: keys in several lines get commas.

    Args:
        place: The path of the file.
        name: What its content is the value of, for errors.
        is_list: Whether the value may have an item a line.

    Raises:
        SettingsError: The file cannot be used; the sentence never shows what is in it.
    """
    text = _text(Path(place))
    if not isinstance(text, str):
        advice = _advice(text, f"it must name a file that holds the value of {name}")
        shown = shown_path(place, may_be_secret=True)
        raise SettingsError(f"{shown} cannot be read ({reason(text)}): {advice}")
    lines = [line.strip() for line in text.rstrip("\r\n").split("\n")]
    if not any(lines):
        raise SettingsError(f"{place} is empty: it must hold the value of {name}")
    if len(lines) > 1 and not is_list:
        raise SettingsError(f"{place} has several lines: it must hold the value of {name} alone")
    return ",".join(lines)


def _advice(error: OSError | UnicodeDecodeError, otherwise: str) -> str:
    """What to do about a file that cannot be read: a right that is missing is no wrong name."""
    if isinstance(error, PermissionError):
        return "let the user who runs this read the file and enter its directories"
    return otherwise


def _text(path: Path) -> str | OSError | UnicodeDecodeError:
    """The text of a file, or why it cannot be read; it is returned, as its traceback has text."""
    try:
        return read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        return error
    except ValueError:
        return OSError(0, "it is no path")
