"""The search for the rule: under which conventions are recorded answers what they are?

The search is pure: records and rows in, findings out. Candidates are searched with one half of
the records and confirmed with the other. Of the candidates that no record refutes, those that
make the records likeliest are one class, told apart by nothing that was recorded; recommended is
only what all of the class agree on, and what each half of the records shows by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

from compat.config.conventions import Conventions
from compat.core.intervals import Interval
from compat.core.models import Row
from compat.parity.fit.candidates import Candidate, around, candidates, nearby
from compat.parity.fit.evaluate import Contradiction, Trial
from compat.parity.fit.likelihood import DECISIVE, NOTABLE, share_gone, too_many_gone, weight
from compat.parity.fit.records import FitRecord
from compat.parity.fit.recount import Recount

Outcome = Literal["fits", "adopt", "undecided", "none"]
"""What was found. `fits`: the conventions in force explain all records. `adopt`: others do, and
are recommended. `undecided`: others do, and the records do not tell which. `none`: none does."""

MOST_GONE: Final = 0.2
"""A share of conversations gone since that is no explanation any more."""

MOST_TRIED: Final = 200_000
"""How many candidates are tried at most, whatever time there is."""

_SIMPLE: Final = 40
_SAMPLE: Final = 300
"""How many candidates, and on how many records, are looked at for the nearest where none fits."""

_NEAREST: Final = 3
_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class Near:
    """A candidate that does not fit, and what refutes it.

    Attributes:
        candidate: The candidate.
        refuted_by: The records that it cannot explain.
        of: How many records were looked at.
    """

    candidate: Candidate
    of: int
    refuted_by: tuple[Contradiction, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """What the search found.

    Attributes:
        outcome: In one word.
        recommended: Fields of the conventions and their values, to be adopted.
        unconfirmed: Likewise, but only one half of the records shows them, or the search was
            cut short: not to be adopted on this evidence.
        members: The class: all candidates that the records do not tell apart, the best first.
        gone: The share of recorded conversations that the best finds missing.
        exact: How many records the best explains without anything missing.
        fitted: How many records were searched with.
        confirming: How many records the finding was held against.
        tried: How many candidates were tried.
        complete: Whether that was all of them.
        nearest: Where none fits, what comes nearest.
    """

    outcome: Outcome
    fitted: int
    confirming: int
    tried: int
    complete: bool
    recommended: Mapping[str, Any]
    unconfirmed: Mapping[str, Any]
    members: tuple[Candidate, ...] = ()
    gone: float = 0.0
    exact: int = 0
    nearest: tuple[Near, ...] = ()


def fit(
    records: Sequence[FitRecord],
    rows: Sequence[Row],
    base: Conventions,
    *,
    most_gone: float = MOST_GONE,
    most_tried: int = MOST_TRIED,
    go_on: Callable[[], bool] = lambda: True,
) -> Fit:
    """Search for the conventions that explain recorded answers.

    Args:
        records: The recorded answers; none that is filtered by what may have changed.
        rows: All conversations that could count in any of them, sorted by creation.
        base: The conventions in force, from which candidates differ in one rule or two.
        most_gone: The largest share of conversations that may have gone since, 0 to 1.
        most_tried: How many candidates are tried at most.
        go_on: Whether there is time for one more candidate.
    """
    return _Search(records, rows, base, most_gone).run(most_tried, go_on)


class _Search:
    def __init__(
        self, records: Sequence[FitRecord], rows: Sequence[Row], base: Conventions, most_gone: float
    ) -> None:
        recount = self._recount = Recount(rows)
        self._base = base
        self._most_gone = most_gone
        self._all = Trial(records, recount)
        self._fit = Trial([each for each in records if each.half == "fit"], recount)
        self._confirm = Trial([each for each in records if each.half == "confirm"], recount)
        self._period = _period(records)
        self._tried = 0
        self._complete = True

    def run(self, most: int, go_on: Callable[[], bool]) -> Fit:
        likely = self._likeliest(self._fit, self._survivors(most, go_on))
        likely = self._likeliest(self._fit, [*likely, *self._beside(likely)])
        confirmed = [each for each in likely if self._confirm.explains(each.conventions)]
        members = self._likeliest(self._all, confirmed)
        possible = any(not each.odd for each in members)
        return self._found(members) if possible else self._none(go_on)

    def _survivors(self, most: int, go_on: Callable[[], bool]) -> list[Candidate]:
        """The candidates that the first half does not refute."""
        left: list[Candidate] = []
        for candidate in candidates(self._base, self._period):
            if self._tried >= most or not go_on():
                self._complete = False
                break
            self._tried += 1
            if self._fit.explains(candidate.conventions):
                left.append(candidate)
        return left

    def _beside(self, likely: Sequence[Candidate]) -> list[Candidate]:
        """What is open beside the best: clocks a little off and, of a pair, third rules."""
        if not likely:
            return []
        more = list(nearby(likely[0], self._base))
        if likely[0].rules == _PAIR:
            more += around(likely[0], self._base, self._period)
        return [each for each in more if self._fit.explains(each.conventions)]

    def _likeliest(self, trial: Trial, left: Sequence[Candidate]) -> list[Candidate]:
        """Those that are not ruled out by another; the best comes first."""
        groups = [(trial.cells(group[0].conventions), group) for group in trial.grouped(left)]
        groups = [each for each in groups if not too_many_gone(each[0].values(), self._most_gone)]
        if not groups:
            return []
        best = groups[0]
        for each in groups[1:]:
            if weight(each[0], best[0]) > 0:
                best = each
        others = [each for each in groups if each is not best]
        kept = [best, *(each for each in others if weight(best[0], each[0]) < DECISIVE)]
        first, *rest = (candidate for _, group in kept for candidate in group)
        return [first, *sorted(rest, key=lambda each: each.rules)]

    def _found(self, members: Sequence[Candidate]) -> Fit:
        best = members[0].conventions
        agreed = {
            name: getattr(best, name)
            for name in type(best).model_fields
            if getattr(best, name) != getattr(self._base, name)
            and all(getattr(each.conventions, name) == getattr(best, name) for each in members)
        }
        shown = {name: to for name, to in agreed.items() if self._is_shown(best, name)}
        return Fit(
            outcome=self._outcome(members, shown),
            recommended=shown,
            unconfirmed={name: to for name, to in agreed.items() if name not in shown},
            members=tuple(members),
            gone=share_gone(self._all.cells(best).values()),
            exact=self._all.exact(best),
            **self._effort(),
        )

    def _outcome(self, members: Sequence[Candidate], shown: Mapping[str, Any]) -> Outcome:
        if any(each.conventions == self._base for each in members):
            return "fits"
        return "adopt" if shown else "undecided"

    def _is_shown(self, best: Conventions, name: str) -> bool:
        """Whether each half of the records, by itself, speaks against the value in force."""
        reverted = best.model_copy(update={name: getattr(self._base, name)})
        halves = (self._fit, self._confirm)
        return self._complete and all(_speaks(half, best, reverted) for half in halves)

    def _none(self, go_on: Callable[[], bool]) -> Fit:
        sample = Trial(self._all.records[:_SAMPLE], self._recount)
        nearest: list[Near] = []
        for candidate in islice(candidates(self._base, self._period), _SIMPLE):
            if candidate.rules > 1 or (nearest and not go_on()):
                break
            refuted_by = sample.contradictions(candidate.conventions)
            nearest.append(Near(candidate, len(sample.records), tuple(refuted_by)))
        nearest.sort(key=lambda near: len(near.refuted_by))
        return Fit(
            outcome="none",
            recommended={},
            unconfirmed={},
            nearest=tuple(nearest[:_NEAREST]),
            **self._effort(),
        )

    def _effort(self) -> dict[str, Any]:
        return {
            "fitted": len(self._fit.records),
            "confirming": len(self._confirm.records),
            "tried": self._tried,
            "complete": self._complete,
        }


def _speaks(trial: Trial, best: Conventions, other: Conventions) -> bool:
    if not trial.explains(other):
        return True
    return weight(trial.cells(best), trial.cells(other)) > NOTABLE


def _period(records: Sequence[FitRecord]) -> Interval:
    """From the first bucket that begins to the last."""
    starts = [start for each in records for points in each.series.values() for start, _ in points]
    return Interval(min(starts, default=0), max(starts, default=0))
