"""Names of settings, their error, and the choice of engines, for code that reads no settings.

It is quick to import. `compat.config.settings` exports the same names but is slow to import.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final, Literal

PREFIX: Final = "COMPAT_"
TEST_PREFIX: Final = f"{PREFIX}TEST_"
"""Variables that begin with this are those of the project's own tests."""

OUR_PREFIXES: Final = (PREFIX, "HELPSCOUT_")
"""Variables that begin with one of these are meant for this project."""

_LONGEST_PATH: Final = 200
_PLACEHOLDERS: Final = frozenset({"…", "..."})
_KEY_LOG: Final = "SSLKEYLOGFILE"
_VENDOR_NAMES: Final = {
    "app_id": "HELPSCOUT_APP_ID",
    "app_secret": "HELPSCOUT_APP_SECRET",
    "base_url": "HELPSCOUT_BASE_URL",
}

EngineChoice = Literal["computed", "relayed", "auto"]
"""Where answers come from; `Settings.engine` says what each means."""


class SettingsError(Exception):
    """Settings are missing or wrong; the message names each one and what to do."""


def variable_name(field: str) -> str:
    """The environment variable that sets a field of `Settings` or `Conventions`."""
    return _VENDOR_NAMES.get(field, PREFIX + field.upper())


def environment_faults(environ: Mapping[str, str]) -> dict[str, str]:
    """What makes an environment unusable, whatever its settings mean.

    These are values that were copied from the documentation and never filled in, values that are
    no text, and a log of TLS keys that cannot be written: Python's ssl module opens that log for
    every connection.

    Returns:
        A sentence for each variable, by its name.
    """
    faults: dict[str, str] = {}
    for name, text in sorted(environ.items()):
        if name.startswith(OUR_PREFIXES) and has_placeholder(text.split(",")):
            faults[name] = "its value is still the … of the documentation: set the real one"
        elif name.startswith(OUR_PREFIXES) and not _is_text(text):
            faults[name] = "its value is not UTF-8 text"
    if path := environ.get(_KEY_LOG):
        try:
            with open(path, "ab"):
                pass
        except (OSError, ValueError) as error:
            faults[_KEY_LOG] = (
                f"{shown_path(path)} cannot be written ({reason(error)}): unset it, or name a file "
                "that can be written"
            )
    return faults


def _is_text(text: str) -> bool:
    """Whether a value of the environment was UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def has_placeholder(values: Iterable[object]) -> bool:
    """Whether one of some values is the `…` that the documentation has in its place."""
    return any(isinstance(value, str) and value.strip() in _PLACEHOLDERS for value in values)


def unknown_variables(environ: Mapping[str, str], known: Iterable[str]) -> list[str]:
    """One sentence for each variable that looks like a setting and is none.

    Args:
        environ: The environment.
        known: The names of all settings.
    """
    names = sorted(known)
    return [
        f"{name} is no setting and has no effect{_suggestion(name, names)}"
        for name in sorted(environ)
        if name.startswith(OUR_PREFIXES) and name not in names and not name.startswith(TEST_PREFIX)
    ]


def reason(error: OSError | ValueError) -> str:
    """Why a file cannot be read or written, in a few words."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, ValueError):
        return "it is no path"
    return error.strerror or type(error).__name__


def shown_path(path: str | os.PathLike[str], *, may_be_secret: bool = False) -> str:
    """A path as a message shows it: on one line, and the beginning of one that is too long.

    Args:
        path: The path.
        may_be_secret: Whether a secret may stand in its place by mistake. Then only a path in a
            directory that there is is shown.
    """
    text = str(path)
    if may_be_secret and (os.sep not in text or not os.path.isdir(os.path.dirname(text))):
        return "the file that it names"
    text = text if len(text) <= _LONGEST_PATH else f"{text[:_LONGEST_PATH]}…"
    return text if text.isprintable() else repr(text)


def _suggestion(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.8)
    return f": is {close[0]} meant?" if close else ""
