"""A whole fit from captures to findings: everything but the fetching."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compat.config.conventions import Conventions
from compat.core.models import Row
from compat.parity.fit.disambiguate import Separating, separate
from compat.parity.fit.likelihood import visible
from compat.parity.fit.records import FitRecord, SetAside, SortedCaptures
from compat.parity.fit.recount import Recount
from compat.parity.fit.search import Fit, fit


@dataclass(frozen=True, slots=True)
class Findings:
    """What captures say about the rule.

    Attributes:
        base: The conventions in force.
        fit: What the search found.
        separating: Requests that would tell the class apart.
        filtered: The captures that were compared and not fitted.
        aside: The captures that say nothing, and why.
    """

    base: Conventions
    fit: Fit
    separating: tuple[Separating, ...]
    filtered: Filtered
    aside: tuple[SetAside, ...]


def find(
    captures: SortedCaptures,
    rows: Sequence[Row],
    base: Conventions,
    *,
    most_gone: float,
    go_on: Callable[[], bool],
) -> Findings:
    """Search, look for what would separate, and compare what is not fitted; see `fit`."""
    found = fit(captures.fitted, rows, base, most_gone=most_gone, go_on=go_on)
    recount = Recount(rows)
    best = found.members[0].conventions if found.members else base
    return Findings(
        base=base,
        fit=found,
        separating=separate(found.members, recount),
        filtered=compare(captures.filtered, recount, best),
        aside=captures.aside,
    )


@dataclass(frozen=True, slots=True)
class Filtered:
    """How captures with filters by tag, mailbox or folder compare with today.

    Attributes:
        equal: How many are equal.
        different: How many are not; tags, mailboxes and folders change, so that says little.
        apart: How many are filtered by folder, which a recount cannot tell.
        hints: Rules of tags under which more of those filtered by tag would be equal: the
            field, the value, and how many more. A hint, and no recommendation.
    """

    equal: int = 0
    different: int = 0
    apart: int = 0
    hints: tuple[tuple[str, Any, int], ...] = ()


def compare(records: Sequence[FitRecord], recount: Recount, conventions: Conventions) -> Filtered:
    """Recount filtered captures under the conventions that were found."""
    queries = [(record, recount.query(record.pairs, conventions)) for record in records]
    comparable = [record for record, query in queries if query and not query.folders]
    tagged = [record for record, query in queries if query and query.tags and not query.folders]
    equal = _equal(comparable, recount, conventions)
    return Filtered(
        equal,
        len(comparable) - equal,
        len(records) - len(comparable),
        tuple(_hints(tagged, recount, conventions)),
    )


def _hints(
    tagged: Sequence[FitRecord], recount: Recount, conventions: Conventions
) -> Iterable[tuple[str, Any, int]]:
    as_set = _equal(tagged, recount, conventions)
    for name, value in _others(conventions):
        other = conventions.model_copy(update={name: value})
        if (more := _equal(tagged, recount, other) - as_set) > 0:
            yield name, value, more


def _others(conventions: Conventions) -> Iterable[tuple[str, Any]]:
    choices: Mapping[str, tuple[Any, ...]] = {
        "tags_match": ("any", "all"),
        "untagged_tag": (1, None),
    }
    for name, values in choices.items():
        yield from ((name, value) for value in values if value != getattr(conventions, name))


def _equal(records: Sequence[FitRecord], recount: Recount, conventions: Conventions) -> int:
    seen = (visible(recount.predict(each.pairs, conventions), conventions) for each in records)
    recorded = (tuple(each.series.items()) for each in records)
    return sum(one == other for one, other in zip(seen, recorded, strict=True))
