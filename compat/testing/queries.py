"""Old requests as clients of the time wrote the same question, and as the old API refused them."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from compat.parity.captures.models import OldQuestion
from compat.v1.datetimes import format_epoch

_HOUR: Final = 3600


def refused_query(question: OldQuestion) -> str:
    """A request that the old API refused; the question decides for which fault."""
    edges = (question.start, question.end, question.end + 1)
    first, last, after = map(format_epoch, edges)
    faults = (
        f"end={last}",
        f"start={first}",
        f"start={after}&end={last}",
        f"start={first}&end=2015-02-30",
        f"start={first}&end={last}&tags=1,x",
        f"start={first}&end={last}&types=fax",
    )
    return f"{question.path}?{faults[(question.start + question.end) % len(faults)]}"


def _percent_encoded(question: OldQuestion) -> str:
    return f"{question.path}?{urlencode(question.pairs(), quote_via=quote, safe='')}"


def _as_php(question: OldQuestion) -> str:
    items = [
        (f"{name}[{at}]", str(each))
        for name, many in question.filters.items()
        for at, each in enumerate(many)
    ]
    return f"{question.path}?{urlencode([*items, *question.scalars(_with_fraction)])}&"


def _with_repeated_names(question: OldQuestion) -> str:
    items = [(name, str(each)) for name, many in question.filters.items() for each in many]
    pairs = [*question.scalars(_one_hour_east), ("page", "1"), ("office_hours", ""), *items]
    return f"{question.path}?{urlencode(pairs)}"


def _without_zone(question: OldQuestion) -> str:
    pairs = [*question.lists(), *question.scalars(lambda second: format_epoch(second)[:-1])]
    return f"{question.path}?{urlencode(pairs, safe=':,')}"


def _with_fraction(second: int) -> str:
    return format_epoch(second)[:-1] + ".000Z"


def _one_hour_east(second: int) -> str:
    return format_epoch(second + _HOUR)[:-1] + "+01:00"


STYLES: Final = (
    OldQuestion.target,
    _percent_encoded,
    _as_php,
    _with_repeated_names,
    _without_zone,
)
"""How clients of the time wrote the same question, the plainest first."""
