"""Compares both engines of an account, within a limit on requests to Help Scout.

Two engines that divide or count differently show it where a conversation was created in the first
or last second of a range or bucket, or one second beside it. So the questions are drawn around
such seconds; other questions rarely show a difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Self, cast, get_args

from compat import error_mapping
from compat.config.conventions import ViewBy
from compat.config.settings import Settings
from compat.core import buckets, calendar
from compat.core.calendar import DAY
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Progress, Row
from compat.engines.relay_client import split_range
from compat.parity.captures.models import Capture, OldQuestion
from compat.reports.created import range_interval
from compat.service import LegacyReports
from compat.sources.live import LiveSource, live_source_from_settings
from compat.v1.datetimes import format_epoch, to_epoch
from compat.v1.errors import LegacyError, ValidationFailed
from compat.v1.models import NewConversations
from compat.v1.parameters import RANGE
from compat.v1.query import parse_values
from compat.v2.errors import UpstreamError

_MAX_AGE: Final = 6 * 3600
"""Seconds for which fetched conversations are used: all comparisons are about one snapshot."""

_ROWS_PER_REQUEST: Final = 20
"""A page has 25 rows; some come twice, and spam and drafts are fetched without being counted."""

_OVERHEAD: Final = 12
"""Requests that fetching a range may take in addition to its pages."""

REPORT: Final = "conversations/new"
_MODULE: Final = "new_conversations"
_LENGTHS: Final = (
    *(0, 1, DAY - 1, DAY, 7 * DAY - 1, 7 * DAY),
    *(31 * DAY, 59 * DAY, 62 * DAY, 200 * DAY),
)
_VIEWS: Final = (*get_args(ViewBy), None)
_FILTERS: Final = ((), (), ("mailboxes",), ("tags",), ("types",), ("mailboxes", "tags"))
_MAX_REPEATS: Final = 200
"""After so many questions in a row that were drawn before, there is nothing more to ask."""


class TooFewRequests(Exception):
    """The limit on requests is reached."""


@dataclass(frozen=True)
class LiveSample:
    """The conversations that a comparison is about.

    Attributes:
        window: The seconds of creation. If all of the wanted range would take too many requests,
            it is the end of that range.
        rows: The conversations created in it, sorted by creation.
    """

    window: Interval
    rows: tuple[Row, ...]

    @property
    def since(self) -> str:
        """The first second, as the old API formats it."""
        return format_epoch(self.window.first)


class EngineComparison:
    """Asks both engines of one account the same questions, over one connection to Help Scout.

    Attributes:
        computed: The service that counts here.
        failure: Why the questions ended early, if Help Scout failed.

    Args:
        settings: The account's settings; the engine that they choose does not matter.
        max_requests: How many requests may be made in all.

    Raises:
        SettingsError: A setting is missing, or Help Scout's own reports cannot follow the
            conventions.
    """

    def __init__(self, settings: Settings, max_requests: int) -> None:
        ages = {"recent_age": _MAX_AGE, "max_age": _MAX_AGE}
        self._source: LiveSource = live_source_from_settings(settings.model_copy(update=ages))
        self.computed, self._relayed = (
            LegacyReports(
                settings.model_copy(update={**ages, "engine": engine}), source=self._source
            )
            for engine in ("computed", "relayed")
        )
        self._conventions = settings.conventions
        self._max_requests = max_requests
        self.failure: str | None = None

    @property
    def requests(self) -> int:
        """How many requests were made so far."""
        return sum(self._source.client.request_counts().values())

    def parse_range(self, start: str | None, end: str | None) -> Interval:
        """The range from `start` to `end` as the old API reads them.

        Raises:
            ValidationFailed: They are not a valid range.
        """
        named = (("start", start), ("end", end))
        pairs = [(name, text) for name, text in named if text]
        return range_interval(parse_values(pairs, RANGE, self._conventions)["current"])

    def fetch_sample(self, wanted: Interval) -> LiveSample:
        """Fetch the conversations created in a range, or in its last days if it is too large.

        Raises:
            TooFewRequests: The limit does not allow a single day.
            LegacyError: Help Scout refuses, or fails.
        """
        window = self._affordable(wanted)
        progress = Progress(check=lambda: self._require(1))
        try:
            found = self._source.rows(ConversationQuery(created=(window,)), progress)
        except UpstreamError as error:
            raise error_mapping.to_legacy_error(error) from error
        return LiveSample(window, tuple(found.rows))

    def captures(self, sample: LiveSample, seed: int = 1) -> Iterator[Capture]:
        """Answers of Help Scout's own report to drawn questions, until the limit is reached.

        If Help Scout fails they end earlier, and `failure` says why.
        """
        drawn = draw_questions(sample.rows, sample.window, seed)
        for number, question in enumerate(drawn, 1):
            try:
                self._require(self._cost(question))
                answer = self._relayed.compute(_MODULE, question.pairs())
            except TooFewRequests:
                return
            except ValidationFailed:
                continue  # under this account's conventions the relayed engine cannot answer it
            except LegacyError as error:
                self.failure = error.message
                return
            yield Capture(f"grid:{number}", question.target(), 200, answer.body, answer.as_of)

    def close(self) -> None:
        """Close all connections."""
        self.computed.close()
        self._relayed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _affordable(self, wanted: Interval) -> Interval:
        """The last days of a range that half of the remaining requests can fetch."""
        question = OldQuestion(REPORT, *wanted, view_by="day")
        self._require(self._cost(question))
        answer = self._relayed.compute(_MODULE, question.pairs()).answer
        left = (self._max_requests - self.requests) // 2 - _OVERHEAD
        first = None
        for day in reversed(cast("NewConversations", answer).current):
            left -= math.ceil(day.count / _ROWS_PER_REQUEST)
            if left < 0:
                break
            first = to_epoch(day.start)
        if first is None:
            raise TooFewRequests
        return Interval(first, wanted.last)

    def _cost(self, question: OldQuestion) -> int:
        """How many requests the relayed engine makes for a question."""
        step = self._conventions.month_step
        view_by = question.view_by or self._conventions.default_view_by
        return sum(
            len(split_range(*each, buckets.starts(*each, view_by, step), view_by, step))
            for each in question.ranges
        )

    def _require(self, requests: int) -> None:
        if self.requests + requests > self._max_requests:
            raise TooFewRequests


def draw_questions(rows: Sequence[Row], window: Interval, seed: int = 1) -> Iterator[OldQuestion]:
    """Different questions about a window; equal seeds give equal questions.

    First comes the whole window, then ranges around conversations, until nothing new is drawn.

    Args:
        rows: The conversations created in the window, sorted by creation.
        window: The limits of all ranges.
        seed: Starts the random numbers.
    """
    drawn: set[str] = set()
    repeats = 0
    for question in _draw(rows, window, Random(seed)):  # noqa: S311 - not used for secrets
        target = question.target()
        repeats = repeats + 1 if target in drawn else 0
        if repeats == _MAX_REPEATS:
            return
        if target not in drawn:
            drawn.add(target)
            yield question


def _draw(rows: Sequence[Row], window: Interval, rng: Random) -> Iterator[OldQuestion]:
    yield from (OldQuestion(REPORT, *window, view_by=view_by) for view_by in _VIEWS)
    while rows:
        row, view_by = rng.choice(rows), rng.choice(_VIEWS)
        edge = row.created + rng.choice((-1, 0, 1))
        if current := _clip(_range_at(edge, view_by, rng), window):
            before = current.first - rng.choice((0, 1, current.last - current.first + 1))
            previous = Interval(before - (current.last - current.first), before)
            filters = _filters(row, rng)
            compared = _clip(previous, window) if rng.random() < 1 / 4 else None
            yield OldQuestion(REPORT, *current, compared, view_by, filters)


def _range_at(edge: int, view_by: ViewBy | None, rng: Random) -> Interval:
    """A range that starts or ends in a second, or one of whose buckets starts in it."""
    length = rng.choice(_LENGTHS)
    match rng.choice(("start", "end", "bucket", "bucket")):
        case "start":
            return Interval(edge, edge + length)
        case "end":
            return Interval(edge - length, edge)
        case _:
            first = _buckets_before(edge, rng.randint(1, 3), view_by or "week")
            return Interval(first, edge + length)


def _buckets_before(second: int, steps: int, view_by: ViewBy) -> int:
    """The second so many buckets before another; by month the day is cut to the month's last."""
    if view_by != "month":
        return second - steps * {"day": 1, "week": 7}[view_by] * DAY
    return calendar.within_calendar(calendar.months_before(second, steps))


def _clip(span: Interval, window: Interval) -> Interval | None:
    """The part of a span inside the window, if there is one."""
    first, last = max(span.first, window.first), min(span.last, window.last)
    return Interval(first, last) if first <= last else None


def _filters(row: Row, rng: Random) -> dict[str, tuple[int | str, ...]]:
    """No filters, or filters that the conversation passes, perhaps with more values."""
    tags = row.tags or (1,)
    by_name: dict[str, tuple[int | str, ...]] = {
        "mailboxes": () if row.mailbox is None else (row.mailbox,),
        "tags": tuple(sorted({*tags[:1], rng.choice((1, *tags))})),
        "types": () if row.type is None else (row.type,),
    }
    return {name: by_name[name] for name in rng.choice(_FILTERS) if by_name[name]}
