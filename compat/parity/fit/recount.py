"""What old requests would have been answered under other conventions, from rows at hand.

The same steps as in `compat.reports.new_conversations`, each kept under the conventions that it
depends on: thousands of captures under thousands of conventions share nearly all of their counts.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple

from compat.config.conventions import Conventions
from compat.core import buckets
from compat.core.models import Row
from compat.parity.fit.records import REPORT, Pairs
from compat.reports.created import counted_rows, range_interval
from compat.v1 import routes
from compat.v1.errors import ValidationFailed
from compat.v1.query import Range, ReportQuery, parse_query

_READ_BY: Final = (
    *("default_view_by", "repeated_parameter", "date_only_end", "start_snapped"),
    *("company_time_zone", "compact_offsets", "month_step", "max_buckets"),
    *("max_days_by_day", "max_days_by_week", "min_days_by_month"),
)
"""The conventions that decide what a request means."""

_READING: Final = attrgetter(*_READ_BY)

_SELECTED_BY: Final = ("counted_states", "uncounted_statuses", "tags_match", "untagged_tag")
"""Those that decide which conversations count."""

_SELECTING: Final = attrgetter(*_SELECTED_BY)


class RecountedSeries(NamedTuple):
    """A series with all its buckets, empty ones included.

    Attributes:
        starts: Where each begins, epoch seconds UTC.
        last: The last second of the range.
        counts: How many conversations fall into each.
    """

    starts: tuple[int, ...]
    last: int
    counts: tuple[int, ...]


Prediction = Mapping[str, RecountedSeries]
"""The series of an answer by their names."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """Conventions, and the parts of them that keys are made of."""

    conventions: Conventions
    reading: Hashable
    selecting: Hashable

    @classmethod
    def of(cls, conventions: Conventions) -> _Rules:
        return cls(conventions, _READING(conventions), _SELECTING(conventions))


class Recount:
    """Counts again and again; remembers what it has counted.

    Args:
        rows: All conversations that could count, spam, drafts and all, sorted by creation.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._rules: dict[Conventions, _Rules] = {}
        self._queries: dict[Hashable, ReportQuery | None] = {}
        self._created: dict[Hashable, array[int]] = {}
        self._starts: dict[Hashable, tuple[int, ...]] = {}
        self._series: dict[Hashable, RecountedSeries] = {}

    def predict(self, pairs: Pairs, conventions: Conventions) -> Prediction | None:
        """The series that a request would get; None if it would be refused."""
        rules = self._rules.get(conventions) or self._rules.setdefault(
            conventions, _Rules.of(conventions)
        )
        query = self._query(pairs, rules)
        if query is None:
            return None
        series = {"current": self._count(query, query.current, rules)}
        if query.previous:
            series["previous"] = self._count(query, query.previous, rules)
        return series

    def query(self, pairs: Pairs, conventions: Conventions) -> ReportQuery | None:
        """What a request means; None if it would be refused."""
        return self._query(pairs, _Rules.of(conventions))

    def _query(self, pairs: Pairs, rules: _Rules) -> ReportQuery | None:
        key = (pairs, rules.reading)
        if key not in self._queries:
            self._queries[key] = _read(pairs, rules.conventions)
        return self._queries[key]

    def _count(self, query: ReportQuery, asked: Range, rules: _Rules) -> RecountedSeries:
        conventions = rules.conventions
        view_by = query.view_by or conventions.default_view_by
        step = conventions.month_step if view_by == "month" else None
        filters = (query.types, query.tags, query.mailboxes)
        selected = (rules.selecting, filters)
        ahead = 60 * conventions.clock_shift_minutes
        key = (asked, view_by, step, selected, ahead, conventions.end_included)
        if (known := self._series.get(key)) is not None:
            return known
        first, last = range_interval(asked)
        starts = self._cut(first, last, view_by, conventions)
        created = self._selected(query, selected, conventions)
        # Edges are moved and not the conversations, of which there are many more.
        edges = [start - ahead for start in starts] if ahead else starts
        counts = buckets.count(created, edges, last - ahead, conventions.end_included)
        self._series[key] = made = RecountedSeries(starts, last, tuple(counts))
        return made

    def _cut(
        self, first: int, last: int, view_by: Any, conventions: Conventions
    ) -> tuple[int, ...]:
        key = (first, last, view_by, conventions.month_step)
        if key not in self._starts:
            self._starts[key] = tuple(buckets.starts(*key))
        return self._starts[key]

    def _selected(
        self, query: ReportQuery, key: Hashable, conventions: Conventions
    ) -> Sequence[int]:
        if key not in self._created:
            homes = query.mailboxes
            rows = [row for row in self.rows if not homes or row.mailbox in homes]
            unmoved = conventions.model_copy(update={"clock_shift_minutes": 0})
            seconds = (row.created for row in counted_rows(rows, query, unmoved))
            self._created[key] = array("q", seconds)
        return self._created[key]


def _read(pairs: Pairs, conventions: Conventions) -> ReportQuery | None:
    try:
        return parse_query(pairs, routes.route_of_report(REPORT).parameters, conventions)
    except ValidationFailed:
        return None
