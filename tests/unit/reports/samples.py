"""Queries and rows for the reports' own tests: nothing here is fetched."""

from __future__ import annotations

from typing import Any

from compat.config.conventions import Conventions
from compat.core.models import Row, RowSet
from compat.reports import new_conversations
from compat.v1.datetimes import from_epoch
from compat.v1.models import Bucket
from compat.v1.query import Range, ReportQuery

FIRST = 1_420_070_400
"""2015-01-01T00:00:00Z, a Thursday."""

DAY = 86_400


def query(first: int = FIRST, last: int = FIRST + 7 * DAY - 1, **others: Any) -> ReportQuery:
    """A question about a range of seconds; a week by default."""
    return ReportQuery(span(first, last), **others)


def span(first: int, last: int) -> Range:
    """A range from seconds."""
    return Range(from_epoch(first), from_epoch(last))


def row(created: int = FIRST, **others: Any) -> Row:
    """A published, active email without tags, unless given otherwise."""
    plain = Row(created, created, 1, 11, "email", "active", "published", ())
    return plain._replace(**others)


def found(*created: int) -> RowSet:
    """Rows of these seconds as a source brings them."""
    return RowSet([row(second) for second in sorted(created)], FIRST, 0.0)


def counts(asked: ReportQuery, conventions: Conventions, *created: int) -> list[int]:
    """The numbers of the current series."""
    return [bucket.count for bucket in current(asked, conventions, *created)]


def current(asked: ReportQuery, conventions: Conventions, *created: int) -> tuple[Bucket, ...]:
    """The current series."""
    return new_conversations.answer(asked, found(*created), conventions).current
