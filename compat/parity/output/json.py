"""Verdicts as JSON, in the format that `compat.parity.verdicts` publishes."""

from __future__ import annotations

from typing import TextIO

from compat.parity.verdicts import FORMAT, Summary, Verdict


class JsonFile:
    """Writes one object of the published format, as the verdicts come.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._before = f'{{"format": "{FORMAT}", "verdicts": [\n'

    def add(self, verdict: Verdict) -> None:
        """Write a verdict down."""
        self._stream.write(self._before + verdict.model_dump_json(exclude_unset=True))
        self._before = ",\n"

    def finish(self, summary: Summary) -> None:
        """Write what it all comes to, and the end."""
        if self._before != ",\n":
            self._stream.write(self._before)
        self._stream.write(f'\n], "summary": {summary.model_dump_json()}}}\n')
