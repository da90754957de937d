"""Read the options of a command from its `--help`, whichever library prints it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

EVERY_LIBRARY: Final = frozenset(
    {"-h", "--help", "--version", "--install-completion", "--show-completion"}
)
"""What says nothing of a command."""

_FRAME: Final = re.compile(r"[│┃╭╮╰╯─━|]+(?=\s|$)|^[│┃|]")
_NAME: Final = re.compile(r"--?[A-Za-z][\w-]*")
_CHOICES: Final = re.compile(r"[{\[<]([\w./-]+(?:[,|][\w./-]+)+)[}\]>]")
_DEFAULT: Final = re.compile(r"\[default: ([^\]]+)\]|\(([^()\s]+)\)$")
_ARGUMENT: Final = re.compile(r"\*?\s*([A-Za-z]+)(?:\s*\[?\.\.\.\]?)?")


@dataclass
class _Entry:
    """An option: its names, and the columns after them."""

    names: list[str]
    value: str | None = None
    columns: list[str] = field(default_factory=list)


def read(text: str) -> dict[str, Any]:
    """The positional arguments, and the options with their values and defaults, by name."""
    section, entries, arguments = "", list[_Entry](), set[str]()
    framed = "│" in text
    for raw in text.splitlines():
        line = _FRAME.sub(" ", raw).rstrip()
        title = re.fullmatch(r"\s*(positional arguments|arguments|options|commands):?", line, re.I)
        if title:
            section = title[1].lower().removeprefix("positional ")
        elif re.match(r"\s+\*?\s*-", line) and section == "options":
            entries.append(_entry(line, framed=framed))
        elif section == "options" and entries and line.strip():
            entries[-1].columns.append(line.strip())
        elif section == "arguments" and re.match(r"\s{1,5}\*?\s*[A-Za-z]", line):
            found = _ARGUMENT.match(line.strip())
            arguments.update({found[1].upper()} if found else ())
    shown = {
        ", ".join(sorted(entry.names)): _told(entry)
        for entry in entries
        if not EVERY_LIBRARY.intersection(entry.names)
    }
    return {"arguments": sorted(arguments), "options": dict(sorted(shown.items()))}


def _entry(line: str, *, framed: bool) -> _Entry:
    """The names at the head of a line, the value they take, and what comes after.

    In a frame a value has a column of its own; else a single space is before it.
    """
    entry, rest = _Entry([]), line.strip().lstrip("* ")
    while found := _NAME.match(rest):
        entry.names.append(found[0])
        rest = rest[found.end() :]
        if value := re.match(r" ([A-Z{\[<]\S*)", rest):
            entry.value = value[1]
            rest = rest[value.end() :]
        rest = rest.lstrip(" ,/")
    entry.columns = [each for each in re.split(r"\s{2,}", rest) if each]
    if framed and entry.columns and re.fullmatch(r"[A-Z{\[<][^\sa-z]*\S*", entry.columns[0]):
        entry.value = entry.columns.pop(0)
    return entry


def _told(entry: _Entry) -> dict[str, Any]:
    """What an option takes, and what it is if it is not given."""
    found = _DEFAULT.search(" ".join(entry.columns))
    default = (found[1] or found[2]) if found else None
    if f"--{default}" in entry.names:  # a switch that is named by its default
        default = "false" if str(default).startswith("no-") else "true"
    return {"value": _value(entry.value), "default": default}


def _value(text: str | None) -> str | None:
    """The placeholder for an option's value, or its choices; None for a switch."""
    if text is None or text == "<bool>":
        return None
    choices = _CHOICES.fullmatch(text)
    return " or ".join(re.split("[,|]", choices[1])) if choices else text
