"""The conversations that the search counts again and again, fetched once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import product
from typing import Final, get_args

from compat import error_mapping
from compat.account import Account
from compat.config.conventions import MAX_CLOCK_SHIFT, Conventions
from compat.core.calendar import DAY, within_calendar
from compat.core.intervals import Interval, union
from compat.core.models import ConversationQuery, Progress, Row
from compat.parity.fit.records import Pairs
from compat.parity.fit.recount import Recount
from compat.reports.created import range_interval

_BLINK: Final = 0.2
"""Seconds between two looks at how far the fetching has come."""

_BEFORE: Final = 8 * DAY + 60 * MAX_CLOCK_SHIFT
_AFTER: Final = 60 * MAX_CLOCK_SHIFT
"""How far candidates move the edges of a range: back to a Monday somewhere, or with a clock."""


def needed(requests: Iterable[Pairs], base: Conventions) -> ConversationQuery:
    """All conversations that any candidate could count in any of these requests."""
    spans = [_widened(asked) for pairs in requests for asked in _ranges(pairs, base)]
    return ConversationQuery(tuple(union(spans)), spam=True)


def fetch(
    account: Account, need: ConversationQuery, watch: Callable[[Progress], None] | None
) -> Sequence[Row]:
    """Bring the rows of a need; an interrupt closes the account.

    Args:
        account: Whose conversations they are.
        need: Which.
        watch: Called a few times a second while they are fetched.

    Raises:
        compat.v1.errors.LegacyError: Upstream fails, or its answers do not settle.
    """
    if not need.created:
        return ()
    progress = Progress()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(account.rows, need, progress)
        try:
            while wait([future], _BLINK).not_done:
                if watch:
                    watch(progress)
        except KeyboardInterrupt:
            account.close()  # the pool waits for its thread, which may wait for an hour
            raise
        try:
            return future.result().rows
        except Exception as error:
            raise error_mapping.to_legacy_error(error) from error


def _ranges(pairs: Pairs, base: Conventions) -> Iterator[Interval]:
    for repeated, end in product(_values("repeated_parameter"), _values("date_only_end")):
        reading = base.model_copy(update={"repeated_parameter": repeated, "date_only_end": end})
        query = Recount(()).query(pairs, reading)
        if query is not None:
            yield from (range_interval(asked) for asked in (query.current, query.previous) if asked)


def _values(name: str) -> tuple[object, ...]:
    return get_args(Conventions.model_fields[name].annotation)


def _widened(asked: Interval) -> Interval:
    return Interval(within_calendar(asked.first - _BEFORE), within_calendar(asked.last + _AFTER))
