"""The whole fit, from records to what was found: every step is called from here, in order.

The fit is pure: records and conversations in, findings out. Candidates are searched with one half
of the records and confirmed with the other half. Of the candidates that no record refutes, those
under which the records are likeliest form a class; the records do not decide between them.
Recommended is only what the whole class has in common, and what each half of the records shows by
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

from compat.config.conventions import Conventions
from compat.core.intervals import Interval
from compat.core.models import Row
from compat.parity.fit.candidates import (
    Candidate,
    candidates,
    controls,
    rules_without_effect,
    with_one_more_rule,
)
from compat.parity.fit.disambiguate import SeparatingRequest, separate
from compat.parity.fit.evaluate import (
    Contradiction,
    Evaluation,
    FilteredComparison,
    Recount,
    compare_filtered,
)
from compat.parity.fit.inputs import FitRecord, SetAside, SortedCaptures
from compat.parity.fit.likelihood import DECISIVE, NOTABLE, share_gone, too_many_gone, weight

FitOutcome = Literal["fits", "adopt", "undecided", "none"]
"""What was found. `fits`: the conventions in force explain all records. `adopt`: others do, and
are recommended. `undecided`: several others do, and the records do not decide between them.
`none`: no candidate does."""

MAX_GONE: Final = 0.2
"""The largest share of conversations gone since that still explains a record."""

MAX_TRIED: Final = 200_000
"""How many candidates are tried at most, however much time is left."""

_SIMPLE: Final = 40
_SAMPLE: Final = 300
"""How many candidates, and with how many records, are compared to find the nearest ones."""

_NEAREST: Final = 3
_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class NearCandidate:
    """A candidate that does not fit, and the records that refute it.

    Attributes:
        candidate: The candidate.
        of: How many records were compared.
        refuted_by: The records that it cannot explain.
    """

    candidate: Candidate
    of: int
    refuted_by: tuple[Contradiction, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """What the search found.

    Attributes:
        outcome: The kind of result.
        fitted: How many records the search used.
        confirming: How many records confirmed the result.
        tried: How many candidates were tried.
        complete: Whether all candidates were tried.
        untried: Fields that were not changed, because no request depends on them.
        recommended: Fields of the conventions to adopt, and their values.
        unconfirmed: Fields and values that are likely and not recommended: only one half of the
            records shows them, or the search was cut short.
        members: The class: all candidates that remain, the best first.
        gone: The share of recorded conversations that have gone since, under the best candidate.
        exact: How many records the best candidate explains without any conversation gone.
        nearest: If no candidate fits, the nearest ones.
    """

    outcome: FitOutcome
    fitted: int
    confirming: int
    tried: int
    complete: bool
    untried: tuple[str, ...]
    recommended: Mapping[str, Any]
    unconfirmed: Mapping[str, Any]
    members: tuple[Candidate, ...] = ()
    gone: float = 0.0
    exact: int = 0
    nearest: tuple[NearCandidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """All that captures say about the conventions of an account.

    Attributes:
        base: The conventions in force.
        fit: What the search found.
        separating: Requests that would decide between the members of the class.
        filtered: The captures that were compared and not fitted.
        aside: The captures that cannot be used, and why.
    """

    base: Conventions
    fit: Fit
    separating: tuple[SeparatingRequest, ...]
    filtered: FilteredComparison
    aside: tuple[SetAside, ...]


def find_conventions(
    captures: SortedCaptures,
    rows: Sequence[Row],
    base: Conventions,
    *,
    most_gone: float = MAX_GONE,
    go_on: Callable[[], bool] = lambda: True,
) -> Findings:
    """Fit conventions to captures, and look for requests that would decide what stays undecided.

    Args:
        captures: The captures by their use.
        rows: All conversations that could count in any of them, sorted by creation.
        base: The conventions in force.
        most_gone: The largest share of conversations that may have gone since, 0 to 1.
        go_on: Whether there is time for one more candidate.
    """
    recount = Recount(rows)
    fit = fit_records(captures.fitted, recount, base, most_gone=most_gone, go_on=go_on)
    best = fit.members[0].conventions if fit.members else base
    return Findings(
        base=base,
        fit=fit,
        separating=separate(fit.members, recount),
        filtered=compare_filtered(captures.filtered, recount, best),
        aside=captures.aside,
    )


def fit_records(
    records: Sequence[FitRecord],
    recount: Recount,
    base: Conventions,
    *,
    most_gone: float = MAX_GONE,
    most_tried: int = MAX_TRIED,
    go_on: Callable[[], bool] = lambda: True,
) -> Fit:
    """Search for the conventions that explain recorded answers.

    Args:
        records: The recorded answers, none with a filter by tag, folder or mailbox.
        recount: Counts all conversations that could count in any of them.
        base: The conventions in force, from which candidates differ in one rule or two.
        most_gone: The largest share of conversations that may have gone since, 0 to 1.
        most_tried: How many candidates are tried at most.
        go_on: Whether there is time for one more candidate.
    """
    return _Search(records, recount, base, most_gone).run(most_tried, go_on)


class _Search:
    def __init__(
        self, records: Sequence[FitRecord], recount: Recount, base: Conventions, most_gone: float
    ) -> None:
        self._recount = recount
        self._base = base
        self._most_gone = most_gone
        self._all = Evaluation(records, recount)
        self._fit = Evaluation([each for each in records if each.half == "fit"], recount)
        self._confirm = Evaluation([each for each in records if each.half == "confirm"], recount)
        self._period = _period(records)
        self._untried = rules_without_effect((each.pairs for each in records), base)
        self._tried = 0
        self._complete = True

    def run(self, most: int, go_on: Callable[[], bool]) -> Fit:
        survivors = self._survivors(most, go_on)
        likely = self._likeliest(self._fit, survivors)
        likely = self._likeliest(self._fit, [*likely, *self._similar(likely)])
        confirmed = [each for each in likely if self._confirm.explains(each.conventions)]
        members = self._likeliest(self._all, confirmed)
        if all(each.control for each in members):
            return self._no_fit(go_on)
        return self._fit_of(members)

    def _survivors(self, most: int, go_on: Callable[[], bool]) -> list[Candidate]:
        """The candidates that the first half of the records does not refute."""
        left: list[Candidate] = []
        for candidate in candidates(self._base, self._period, self._untried):
            if self._tried >= most or not go_on():
                self._complete = False
                break
            self._tried += 1
            if self._fit.explains(candidate.conventions):
                left.append(candidate)
        return left

    def _similar(self, likely: Sequence[Candidate]) -> list[Candidate]:
        """Candidates like the best one: with other clocks and, for a pair, with a third rule."""
        if not likely:
            return []
        best = likely[0]
        more = list(controls(best, self._base))
        if best.rules == _PAIR:
            more += with_one_more_rule(best, self._base, self._period, self._untried)
        return [each for each in more if self._fit.explains(each.conventions)]

    def _likeliest(self, records: Evaluation, left: Sequence[Candidate]) -> list[Candidate]:
        """The candidates that are not ruled out by a much likelier one; the best comes first."""
        groups = [(records.cells(each[0].conventions), each) for each in records.groups(left)]
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

    def _fit_of(self, members: Sequence[Candidate]) -> Fit:
        best = members[0].conventions
        common = {
            name: getattr(best, name)
            for name in type(best).model_fields
            if getattr(best, name) != getattr(self._base, name)
            and all(getattr(each.conventions, name) == getattr(best, name) for each in members)
        }
        shown = {name: value for name, value in common.items() if self._is_shown(best, name)}
        return Fit(
            outcome=self._outcome(members, shown),
            recommended=shown,
            unconfirmed={name: value for name, value in common.items() if name not in shown},
            members=tuple(members),
            gone=share_gone(self._all.cells(best).values()),
            exact=self._all.exact(best),
            **self._effort(),
        )

    def _outcome(self, members: Sequence[Candidate], shown: Mapping[str, Any]) -> FitOutcome:
        if any(each.conventions == self._base for each in members):
            return "fits"
        return "adopt" if shown else "undecided"

    def _is_shown(self, best: Conventions, name: str) -> bool:
        """Whether each half of the records, by itself, contradicts the value in force."""
        reverted = best.model_copy(update={name: getattr(self._base, name)})
        halves = (self._fit, self._confirm)
        return self._complete and all(_contradicts(half, best, reverted) for half in halves)

    def _no_fit(self, go_on: Callable[[], bool]) -> Fit:
        sample = Evaluation(self._all.records[:_SAMPLE], self._recount)
        nearest: list[NearCandidate] = []
        simple = islice(candidates(self._base, self._period, self._untried), _SIMPLE)
        for candidate in simple:
            if candidate.rules > 1 or (nearest and not go_on()):
                break
            refuted_by = sample.contradictions(candidate.conventions)
            nearest.append(NearCandidate(candidate, len(sample.records), tuple(refuted_by)))
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
            "untried": tuple(sorted(self._untried)),
        }


def _contradicts(records: Evaluation, best: Conventions, other: Conventions) -> bool:
    if not records.explains(other):
        return True
    return weight(records.cells(best), records.cells(other)) > NOTABLE


def _period(records: Sequence[FitRecord]) -> Interval:
    """From the start of the first bucket to the start of the last."""
    starts = [start for each in records for points in each.series.values() for start, _ in points]
    return Interval(min(starts, default=0), max(starts, default=0))
