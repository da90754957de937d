"""A whole fit from captures to findings: everything but the fetching."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compat.conventions import Conventions
from compat.needs import Row
from compat.parity.filtering import Filtered, compare
from compat.parity.fitting import Fit, fit
from compat.parity.records import SetAside, Sorted
from compat.parity.recounting import Recount
from compat.parity.separating import Separating, separate


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
    captures: Sorted,
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
