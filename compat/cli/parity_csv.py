"""Verdicts of `parity check` and `parity live` as CSV: a row for each capture."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final, TextIO

from compat.cli.formats import cell

if TYPE_CHECKING:
    from compat.parity.verdicts import Summary, Verdict

_COLUMNS: Final = (
    *("place", "target", "takenAt", "outcome", "reason"),
    *("differences", "ignored", "paths", "currentDelta", "previousDelta"),
)


class CsvWriter:
    """Writes verdicts as CSV; the summary is left out, as each row has its outcome.

    Args:
        stream: Where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._headed = False

    def add(self, verdict: Verdict) -> None:
        """Write one verdict."""
        self._write_head()
        values = (
            verdict.place,
            verdict.target,
            verdict.taken_at.isoformat() if verdict.taken_at else None,
            verdict.outcome,
            verdict.reason,
            len(verdict.differences),
            sum(each.ignored is not None for each in verdict.differences),
            [each.path for each in verdict.differences],
            verdict.deltas.get("current"),
            verdict.deltas.get("previous"),
        )
        self._writer.writerow(map(cell, values))

    def finish(self, summary: Summary) -> None:
        """Write the names of the columns, if there was no verdict."""
        del summary
        self._write_head()

    def _write_head(self) -> None:
        if not self._headed:
            self._headed = True
            self._writer.writerow(_COLUMNS)
