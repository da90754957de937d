"""Verdicts for a person: what is not equal, place by place, and the sum of it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Final, Literal, TextIO

from compat.parity.verdicts import Outcome, Place, Summary, Verdict

KEY: Final = "YOUR_OLD_KEY"
SERVER: Final = "http://127.0.0.1:8080"
_MOST_PLACES: Final = 5
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST: Final = 60

WORDS: Final[dict[Outcome, str]] = {
    "equal": "equal",
    "different": "different",
    "ignored": "different for a known reason",
    "elsewhere": "for other routes",
    "inconclusive": "inconclusive",
    "unasked": "not asked",
    "unreadable": "unreadable",
}
"""The outcomes as words of a sentence, after a number or a place."""


class Text:
    """Writes verdicts as lines of text, as they come.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def add(self, verdict: Verdict) -> None:
        """Tell a verdict, unless it is that all is well."""
        if verdict.outcome != "equal":
            self._stream.writelines(f"{_CONTROL.sub('�', line)}\n" for line in _lines(verdict))

    def finish(self, summary: Summary) -> None:
        """Tell what it all comes to."""
        told = [
            f"{number:,} {WORDS[outcome]}" for outcome, number in summary.outcomes.items() if number
        ]
        noun = "capture" if summary.captures == 1 else "captures"
        self._stream.write(f"{summary.captures:,} {noun}: {', '.join(told) or 'nothing to do'}\n")
        self._stream.write(f"{summary.conclusion}\n")


def curl(target: str, server: str = SERVER) -> str:
    """The command that asks the same of a server; the key is for you to fill in."""
    return f"curl -u {KEY}:X {shlex.quote(server + target)}"


def told(place: Place) -> str:
    """A difference as a line."""
    old, new = shown(place, "old"), shown(place, "new")
    ignored = f", ignored: {place.ignored}" if place.ignored else ""
    return f"{place.path}: {place.kind}, {old} was recorded, {new} is answered{ignored}"


def shown(place: Place, side: Literal["old", "new"]) -> str:
    """One side of a difference as JSON, cut off where it is long."""
    if side not in place.model_fields_set:
        return "nothing"
    text = json.dumps(getattr(place, side), ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def totals(verdict: Verdict) -> str:
    """How much more or less is counted now, series by series."""
    return ", ".join(f"{name} {delta:+d}" for name, delta in verdict.deltas.items() if delta)


def _lines(verdict: Verdict) -> Iterator[str]:
    why = verdict.reason or totals(verdict)
    yield f"{verdict.place}: {WORDS[verdict.outcome]}{f' ({why})' if why else ''}"
    if verdict.differences:
        yield f"    {verdict.target}"
    for place in verdict.differences[:_MOST_PLACES]:
        yield f"    {told(place)}"
    if (more := len(verdict.differences) - _MOST_PLACES) > 0:
        yield f"    and {more:,} more"
