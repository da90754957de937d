"""Counts the records again under each candidate, and judges the candidate by them.

A recount takes the same steps as `compat.reports.new_conversations`. Each step's result is kept
under the conventions that it depends on: thousands of records under thousands of candidates share
nearly all of their counts.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple

from compat import error_mapping
from compat.config.conventions import Conventions, ViewBy
from compat.core import buckets
from compat.core.counting import matching_rows
from compat.core.models import ConversationQuery, Row, UnknownValue
from compat.parity.fit.candidates import Candidate
from compat.parity.fit.inputs import FitRecord, Pairs, parse_request
from compat.parity.fit.likelihood import (
    Cell,
    Cells,
    Judgement,
    Prediction,
    RecountedSeries,
    Refuted,
    judge,
)
from compat.reports.created import count_filter, range_interval
from compat.v1.query import Range, ReportQuery

_PARSED_BY: Final = attrgetter(
    *("default_view_by", "repeated_parameter", "date_only_end", "start_snapped"),
    *("company_time_zone", "compact_offsets", "month_step", "max_buckets"),
    *("max_days_by_day", "max_days_by_week", "min_days_by_month"),
)
"""The conventions that decide what a request means."""

_SELECTED_BY: Final = attrgetter(
    "counted_states", "uncounted_statuses", "tags_match", "untagged_tag"
)
"""The conventions that decide which conversations count."""

_TAG_RULES: Final[Mapping[str, tuple[Any, ...]]] = {
    "tags_match": ("any", "all"),
    "untagged_tag": (1, None),
}


Answer = tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
"""The name of each series, and its points: start (epoch seconds UTC) and count."""


class Recount:
    """Answers requests under any conventions, from conversations in memory.

    Args:
        rows: All conversations that could count, also spam and drafts, sorted by creation.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._queries: dict[Hashable, ReportQuery | None] = {}
        self._created: dict[Hashable, array[int]] = {}
        self._starts: dict[Hashable, tuple[int, ...]] = {}
        self._series: dict[Hashable, RecountedSeries] = {}

    def predict(self, pairs: Pairs, conventions: Conventions) -> Prediction | None:
        """The series that would answer a request; None if it would be refused."""
        query = self.query(pairs, conventions)
        if query is None:
            return None
        series = {"current": self._count(query, query.current, conventions)}
        if query.previous:
            series["previous"] = self._count(query, query.previous, conventions)
        return series

    def query(self, pairs: Pairs, conventions: Conventions) -> ReportQuery | None:
        """The query that a request means; None if it would be refused."""
        key = (pairs, _PARSED_BY(conventions))
        if key not in self._queries:
            self._queries[key] = parse_request(pairs, conventions)
        return self._queries[key]

    def _count(
        self, query: ReportQuery, period: Range, conventions: Conventions
    ) -> RecountedSeries:
        view_by = query.view_by or conventions.default_view_by
        step = conventions.month_step if view_by == "month" else None
        selection = (_SELECTED_BY(conventions), query.types, query.tags, query.mailboxes)
        ahead = 60 * conventions.clock_shift_minutes
        key = (period, view_by, step, selection, ahead, conventions.end_included)
        if (known := self._series.get(key)) is not None:
            return known
        first, last = range_interval(period)
        starts = self._bucket_starts(first, last, view_by, conventions)
        created = self._selected(query, selection, conventions)
        # The few edges are moved in place of the many conversations.
        edges = [start - ahead for start in starts] if ahead else starts
        counts = buckets.count(created, edges, last - ahead, conventions.end_included)
        series = self._series[key] = RecountedSeries(starts, last, tuple(counts))
        return series

    def _bucket_starts(
        self, first: int, last: int, view_by: ViewBy, conventions: Conventions
    ) -> tuple[int, ...]:
        key = (first, last, view_by, conventions.month_step)
        if key not in self._starts:
            self._starts[key] = tuple(buckets.starts(*key))
        return self._starts[key]

    def _selected(
        self, query: ReportQuery, key: Hashable, conventions: Conventions
    ) -> Sequence[int]:
        if key not in self._created:
            asked = ConversationQuery((), frozenset(query.mailboxes))
            rows = [row for row in self.rows if asked.admits(row)]
            which = count_filter(query, conventions)
            try:
                counted = matching_rows(rows, which, asked.undecided(rows))
            except UnknownValue as error:
                raise error_mapping.to_legacy_error(error) from error
            self._created[key] = array("q", (row.created for row in counted))
        return self._created[key]


def visible(predicted: Prediction | None, conventions: Conventions) -> Answer | None:
    """The answer that a caller would see; None if the request would be refused."""
    if predicted is None:
        return None
    return tuple((name, tuple(_listed(series, conventions))) for name, series in predicted.items())


class Contradiction(NamedTuple):
    """A record that refutes a candidate."""

    record: FitRecord
    refuted: Refuted


class Evaluation:
    """Judges candidates by some records. Judgements are kept.

    Args:
        records: The records; their order makes no difference.
        recount: Predicts the answers.
    """

    def __init__(self, records: Sequence[FitRecord], recount: Recount) -> None:
        self.records = records
        self._recount = recount
        self._order = list(range(len(records)))
        self._judgements: dict[Hashable, Judgement] = {}

    def explains(self, conventions: Conventions) -> bool:
        """Whether no record refutes these conventions."""
        for at, number in enumerate(self._order):
            if isinstance(self._judge(number, conventions), Refuted):
                # A record that refutes one candidate often refutes the next one.
                self._order.insert(0, self._order.pop(at))
                return False
        return True

    def contradictions(self, conventions: Conventions) -> list[Contradiction]:
        """All records that refute these conventions, in order."""
        judged = (self._judge(number, conventions) for number in range(len(self.records)))
        pairs = zip(self.records, judged, strict=True)
        return [Contradiction(record, no) for record, no in pairs if isinstance(no, Refuted)]

    def cells(self, conventions: Conventions) -> Cells:
        """All buckets under conventions that no record refutes."""
        return {
            (number, cell.series, cell.first): cell
            for number in range(len(self.records))
            for cell in self._cells(number, conventions)
        }

    def exact(self, conventions: Conventions) -> int:
        """How many records these conventions explain without any conversation gone."""
        return sum(
            all(cell.old == cell.new for cell in self._cells(number, conventions))
            for number in range(len(self.records))
        )

    def groups(self, candidates: Iterable[Candidate]) -> list[list[Candidate]]:
        """Candidates that no record refutes, grouped by equal judgements on all records."""
        groups: dict[Hashable, list[Candidate]] = {}
        for candidate in candidates:
            numbers = range(len(self.records))
            judged = tuple(self._judge(number, candidate.conventions) for number in numbers)
            groups.setdefault(judged, []).append(candidate)
        return list(groups.values())

    def _cells(self, number: int, conventions: Conventions) -> tuple[Cell, ...]:
        judged = self._judge(number, conventions)
        return () if isinstance(judged, Refuted) else judged

    def _judge(self, number: int, conventions: Conventions) -> Judgement:
        record = self.records[number]
        predicted = self._recount.predict(record.pairs, conventions)
        # The recount keeps its series, so their addresses identify them.
        series = None if predicted is None else tuple(map(id, predicted.values()))
        shift = record.taken_at and conventions.clock_shift_minutes
        key = (number, series, conventions.empty_buckets_listed, shift)
        if key not in self._judgements:
            self._judgements[key] = judge(record, predicted, conventions)
        return self._judgements[key]


@dataclass(frozen=True, slots=True)
class FilteredComparison:
    """How captures with filters by tag, mailbox or folder compare with today's conversations.

    Attributes:
        equal: How many are equal.
        different: How many are not. That says little: tags, mailboxes and folders change.
        by_folder: How many are filtered by folder, which cannot be counted again.
        hints: Rules for tags under which more of those filtered by tag would be equal: the field,
            the value, and how many more. A hint, not a recommendation.
    """

    equal: int = 0
    different: int = 0
    by_folder: int = 0
    hints: tuple[tuple[str, Any, int], ...] = ()


def compare_filtered(
    records: Sequence[FitRecord], recount: Recount, conventions: Conventions
) -> FilteredComparison:
    """Count filtered captures again under the conventions that were found."""
    queries = [(record, recount.query(record.pairs, conventions)) for record in records]
    comparable = [record for record, query in queries if query and not query.folders]
    tagged = [record for record, query in queries if query and query.tags and not query.folders]
    equal = _count_equal(comparable, recount, conventions)
    return FilteredComparison(
        equal,
        len(comparable) - equal,
        len(records) - len(comparable),
        tuple(_hints(tagged, recount, conventions)),
    )


def _hints(
    tagged: Sequence[FitRecord], recount: Recount, conventions: Conventions
) -> Iterable[tuple[str, Any, int]]:
    equal = _count_equal(tagged, recount, conventions)
    for name, values in _TAG_RULES.items():
        for value in values:
            other = conventions.model_copy(update={name: value})
            if (more := _count_equal(tagged, recount, other) - equal) > 0:
                yield name, value, more


def _count_equal(records: Sequence[FitRecord], recount: Recount, conventions: Conventions) -> int:
    seen = (visible(recount.predict(each.pairs, conventions), conventions) for each in records)
    recorded = (tuple(each.series.items()) for each in records)
    return sum(one == other for one, other in zip(seen, recorded, strict=True))


def _listed(series: RecountedSeries, conventions: Conventions) -> list[tuple[int, int]]:
    points = zip(series.starts, series.counts, strict=True)
    return [point for point in points if point[1] or conventions.empty_buckets_listed]
