"""A report of each kind, with hostile texts, with and without what can be missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from compat.v1 import models
from compat.v1.query import ReportQuery
from compat.v1.routes import ROUTES

REPORTS = [route for route in ROUTES if route.query_type is ReportQuery]
HOSTILE = "<script>alert('&amp;')</script>\"\x00\x1b[31m\ufffe\U0001f600"
NEW_YEAR = datetime(2015, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BIG = 2**53 + 1
"""A number that a float does not hold."""


def series(days: int, previous: int | None = None) -> models.NewConversations:
    """New Conversations by day: 0, 1, 2… in each range."""
    ranges = [
        None
        if length is None
        else tuple(models.Bucket(start=start + at * DAY, count=at) for at in range(length))
        for start, length in ((NEW_YEAR, days), (NEW_YEAR - 365 * DAY, previous))
    ]
    return models.NewConversations.model_validate({"current": ranges[0], "previous": ranges[1]})


def drilldown(*tags: str, **others: Any) -> models.Drilldown:
    """A page with one conversation, which has these tags."""
    row = models.DrilldownRow(
        id=BIG,
        number=1,
        type="email",
        mailboxid=1,
        attachments=True,
        subject=HOSTILE,
        status="active",
        threadCount=1,
        preview="",
        customerName="",
        customerEmail="",
        customerIds=(1, BIG),
        modifiedAt=NEW_YEAR,
        assignedid=0,
        tags=tuple(
            models.RowTag(id=at, name=name, color="none") for at, name in enumerate(tags, 1)
        ),
        **others,
    )
    return models.Drilldown(
        conversations=models.DrilldownPage(pages=2, page=1, count=2, results=(row,))
    )


def empty(model: type[BaseModel]) -> BaseModel | None:
    """A report that found nothing; None for figures, which are never empty."""
    if model is models.BusyTimes:
        return models.BusyTimes(root=())
    nothing: dict[str, Any] = {"pages": 0, "page": 1, "count": 0, "results": ()}
    if "results" in model.model_fields:
        return model.model_validate(nothing)
    if "conversations" in model.model_fields:
        return model.model_validate({"conversations": nothing})
    return None if "deltas" in model.model_fields else model.model_validate({"current": ()})
