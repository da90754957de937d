"""Both engines asked the same, within a number of requests to Help Scout."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self, cast

from compat import error_mapping
from compat.config.settings import Settings
from compat.core.buckets import starts
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Progress, Row
from compat.engines.range_splitting import split_range
from compat.parity.captures.models import Capture
from compat.parity.live_grid import GridQuestion, questions
from compat.reports.created import range_interval
from compat.service import LegacyReports
from compat.sources.live import LiveSource, live_source_from_settings
from compat.v1.datetimes import format_epoch, to_epoch
from compat.v1.errors import LegacyError, ValidationFailed
from compat.v1.models import NewConversations
from compat.v1.parameters import RANGE
from compat.v1.query import parse_values
from compat.v2.errors import UpstreamError

_KEPT: Final = 6 * 3600
"""Seconds for which fetched conversations serve: all comparisons are about one sight of them."""

_ROWS_A_REQUEST: Final = 20
"""A page holds 25; some are met twice, and spam and drafts are fetched without being counted."""

_FOR_OPENING: Final = 12
"""Requests that a walk may take beyond its pages."""


class Spent(Exception):
    """The requests allowed are used up."""


@dataclass(frozen=True)
class Sight:
    """What a comparison is about.

    Attributes:
        window: The seconds of creation; the end of what was asked for, where all of it would have
            taken too many requests.
        rows: The conversations created in it.
    """

    window: Interval
    rows: tuple[Row, ...]

    @property
    def since(self) -> str:
        """The first second, as the old API spells it."""
        return format_epoch(self.window.first)


class Both:
    """Both engines of one account, on one line to Help Scout.

    Attributes:
        computed: The service that counts here.
        trouble: Why Help Scout could not be asked to the end, if that was so.

    Args:
        settings: The account's settings, whatever engine they choose.
        most: How many requests may be made in all.

    Raises:
        SettingsError: Help Scout cannot be reached with them, or its own reports cannot honour
            the conventions.
    """

    def __init__(self, settings: Settings, most: int) -> None:
        kept = {"recent_age": _KEPT, "max_age": _KEPT}
        self._source: LiveSource = live_source_from_settings(settings.model_copy(update=kept))
        self.computed, self._relayed = (
            LegacyReports(
                settings.model_copy(update={**kept, "engine": engine}), source=self._source
            )
            for engine in ("computed", "relayed")
        )
        self._conventions = settings.conventions
        self._most = most
        self.trouble: str | None = None

    @property
    def used(self) -> int:
        """Requests made so far."""
        return sum(self._source.client.outcomes().values())

    def range(self, start: str | None, end: str | None) -> Interval:
        """The range that two texts of the old API's mean, by the account's conventions.

        Raises:
            ValidationFailed: They mean none.
        """
        named = (("start", start), ("end", end))
        pairs = [(name, text) for name, text in named if text]
        return range_interval(parse_values(pairs, RANGE, self._conventions)["current"])

    def look(self, wanted: Interval) -> Sight:
        """See what was created in a range, or in as many days of its end as can be afforded.

        Raises:
            Spent: Not even a day of it can.
            LegacyError: Help Scout refuses, or fails.
        """
        window = self._affordable(wanted)
        progress = Progress(check=lambda: self._spare(1))
        try:
            found = self._source.rows(ConversationQuery(created=(window,)), progress)
        except UpstreamError as error:
            raise error_mapping.to_legacy_error(error) from error
        return Sight(window, tuple(found.rows))

    def captures(self, sight: Sight, seed: int = 1) -> Iterator[Capture]:
        """The successor's answers to questions about what was seen, as long as requests are left.

        They end before that where Help Scout fails, which `trouble` then tells.
        """
        for number, asked in enumerate(questions(sight.rows, sight.window, seed), 1):
            try:
                self._spare(self._cost(asked))
                told = self._relayed.compute("new_conversations", asked.pairs())
            except Spent:
                return
            except ValidationFailed:
                continue  # by this account's rules it is no question for the successor
            except LegacyError as error:
                self.trouble = error.message
                return
            yield Capture(f"grid:{number}", asked.target(), 200, told.body, told.as_of)

    def close(self) -> None:
        """Drop all connections."""
        self.computed.close()
        self._relayed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _affordable(self, wanted: Interval) -> Interval:
        """The last days of a range whose conversations half of the requests left can fetch."""
        asked = GridQuestion(wanted, "day")
        self._spare(self._cost(asked))
        told = self._relayed.compute("new_conversations", asked.pairs()).answer
        left = (self._most - self.used) // 2 - _FOR_OPENING
        first = None
        for day in reversed(cast("NewConversations", told).current):
            left -= math.ceil(day.count / _ROWS_A_REQUEST)
            if left < 0:
                break
            first = to_epoch(day.start)
        if first is None:
            raise Spent
        return Interval(first, wanted.last)

    def _cost(self, asked: GridQuestion) -> int:
        """How many requests the successor takes for a question."""
        rules = self._conventions
        view_by = asked.view_by or rules.default_view_by
        return sum(
            len(
                split_range(
                    *span, starts(*span, view_by, rules.month_step), view_by, rules.month_step
                )
            )
            for span in asked.ranges
        )

    def _spare(self, requests: int) -> None:
        if self.used + requests > self._most:
            raise Spent
