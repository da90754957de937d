"""Candidates held against all records, as fast as the first that refutes them allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from compat.config.conventions import Conventions
from compat.parity.fit.candidates import Candidate
from compat.parity.fit.likelihood import Cell, Cells, Judgement, Refuted, judge
from compat.parity.fit.records import FitRecord
from compat.parity.fit.recount import Recount


class Contradiction(NamedTuple):
    """A record that refutes a candidate."""

    record: FitRecord
    refuted: Refuted


class Trial:
    """Some records, and what candidates make of them. Judgements are made once and kept.

    Args:
        records: The records; their order makes no difference.
        recount: Where predictions come from.
    """

    def __init__(self, records: Sequence[FitRecord], recount: Recount) -> None:
        self.records = records
        self._recount = recount
        self._sharpest = list(range(len(records)))
        self._judged: dict[object, Judgement] = {}
        self._same: dict[object, Judgement] = {}

    def explains(self, conventions: Conventions) -> bool:
        """Whether no record refutes these conventions."""
        for at, number in enumerate(self._sharpest):
            if isinstance(self._judge(number, conventions), Refuted):
                # What refuted one candidate refutes the next most often.
                self._sharpest.insert(0, self._sharpest.pop(at))
                return False
        return True

    def contradictions(self, conventions: Conventions) -> list[Contradiction]:
        """All records that refute these conventions, in order."""
        judged = (self._judge(number, conventions) for number in range(len(self.records)))
        pairs = zip(self.records, judged, strict=True)
        return [Contradiction(record, no) for record, no in pairs if isinstance(no, Refuted)]

    def cells(self, conventions: Conventions) -> Cells:
        """What conventions that no record refutes make of all buckets."""
        return {
            (number, cell.series, cell.first): cell
            for number in range(len(self.records))
            for cell in self._cells(number, conventions)
        }

    def exact(self, conventions: Conventions) -> int:
        """How many records such conventions explain without anything having gone."""
        return sum(
            all(cell.old == cell.new for cell in self._cells(number, conventions))
            for number in range(len(self.records))
        )

    def grouped(self, candidates: Iterable[Candidate]) -> list[list[Candidate]]:
        """Candidates that no record refutes, together where their recounts are all the same."""
        groups: dict[tuple[int, ...], list[Candidate]] = {}
        for candidate in candidates:
            numbers = range(len(self.records))
            look = tuple(id(self._judge(number, candidate.conventions)) for number in numbers)
            groups.setdefault(look, []).append(candidate)
        return list(groups.values())

    def _cells(self, number: int, conventions: Conventions) -> tuple[Cell, ...]:
        judged = self._judge(number, conventions)
        return () if isinstance(judged, Refuted) else judged

    def _judge(self, number: int, conventions: Conventions) -> Judgement:
        record = self.records[number]
        predicted = self._recount.predict(record.pairs, conventions)
        # The recount keeps its series, so that they are told apart by where they are.
        series = None if predicted is None else tuple(map(id, predicted.values()))
        key = (
            number,
            series,
            conventions.empty_buckets_listed,
            record.taken_at and conventions.clock_shift_minutes,
        )
        if key not in self._judged:
            judged = judge(record, predicted, conventions)
            self._judged[key] = self._same.setdefault((number, judged), judged)
        return self._judged[key]
