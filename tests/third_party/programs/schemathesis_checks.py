"""What OpenAPI cannot express about the old API. It runs in schemathesis' environment.

That valid data is accepted is checked by hand, since what a request's parameters may be depends
on each other: both edges or none, the end not before the start, not too many buckets. A day that
its month does not have fits the pattern of a day, and a shift may leave the years there are.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

import schemathesis  # type: ignore[import-not-found,unused-ignore]

_RELATIONS = re.compile(
    r"must not be before|is required with|would have \d+ points and at most|may have at most|"
    r"must have at least"
)


@schemathesis.check  # type: ignore[untyped-decorator,unused-ignore]
def refused_for_a_reason(ctx: Any, response: Any, case: Any) -> None:
    """A refusal of what is valid by itself names a relation, or a day that does not exist."""
    if response.status_code != 400 or not case.meta.generation.mode.is_positive:
        return
    unexplained = [each for each in response.json()["validationErrors"] if not _explained(each)]
    assert not unexplained, f"valid data was refused: {unexplained}"


def _explained(entry: dict[str, Any]) -> bool:
    if _RELATIONS.search(entry["message"]):
        return True
    day = re.match(r"(\d{4})-(\d{2})-(\d{2})", entry["value"] or "")
    if day is None:
        return False
    year, month, number = map(int, day.groups())
    try:
        datetime.date(year, month, number)
    except ValueError:
        return True
    return year in {1, 9999}
