"""An account that changes behind a hostile upstream, and which answers are right at a moment."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Conversation, Simulator
from compat.v2.rate_limit import RateLimiter
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import DAY
from tests.unit.service.doubles import ManualClock, only_account

SLACK = 4
"""Seconds by which an answer may call itself older than it is."""

Versions = dict[int, list[Conversation | None]]


class Watched(Simulator):
    """A simulator that remembers when it showed which state of the account.

    Attributes:
        shown: For each list of conversations when it was asked for, and how many of the
            account's changes it showed.
    """

    def __init__(self, account: Account, behaviour: Behaviour) -> None:
        super().__init__(account, behaviour)
        self.shown: list[tuple[float, int]] = []

    def respond(self, request: Any) -> Any:
        delivery = super().respond(request)
        if request.path == "/v2/conversations":
            self.shown.append((self.account.clock(), self.indexed))
        return delivery

    def oldest_since(self, moment: float) -> int:
        """The earliest state of the account that was shown from a moment on."""
        positions = [position for at, position in self.shown if at >= moment]
        return min(positions, default=len(self.account.changes))


class AdvancingEvent(threading.Event):
    """An event for which nobody waits: `wait` moves the clock instead."""

    def __init__(self, manual_clock: ManualClock) -> None:
        super().__init__()
        self._manual_clock = manual_clock

    def wait(self, timeout: float | None = None) -> bool:
        self._manual_clock.now += timeout or 0
        return self.is_set()


def with_manual_clock(reports: LegacyReports, manual_clock: ManualClock) -> LegacyReports:
    """The same service; when it has to wait for the rate limit, the clock is moved."""
    client: Any = only_account(reports)._source._client  # type: ignore[attr-defined]
    client.rate_limiter = RateLimiter(0.1, clock=lambda: manual_clock.now)
    client._closed = AdvancingEvent(manual_clock)
    return reports


def versions(account: Account, since: int) -> Versions:
    """Every state of every conversation since so many changes; None where there was none."""
    found: Versions = defaultdict(list)
    for row in account.conversations():
        found[row.id].append(row)
    for change in reversed(account.changes[since:]):
        found[change.id].append(change.before)
    return found


def bounds(
    asked: Asked, simulator: Watched, ages: Settings, began: float, as_of: float
) -> tuple[set[int], set[int]]:
    """What an answer must count, and what it may count.

    It must count what matched all the time, and may count what matched at some moment, from the
    moment it says it is as of; and that moment may not lie further back than was promised.

    Args:
        asked: The question.
        simulator: Shows the account.
        ages: How old what is known may be.
        began: When the question was asked.
        as_of: What the answer says about its age.
    """
    account = simulator.account
    must, may = set(), set()
    for recent, age in ((True, ages.recent_age), (False, max(ages.recent_age, ages.max_age))):
        since = simulator.oldest_since(max(as_of, began - age - SLACK))
        for row_id, states in versions(account, since).items():
            if (account[row_id].created > began - DAY) is recent:
                fits = [bool(row) and oracle.matches(row, asked, account) for row in states if row]
                if len(fits) == len(states) and all(fits):
                    must.add(row_id)
                if any(fits):
                    may.add(row_id)
    return must, may


def spans(asked: Asked) -> dict[str, tuple[int, int]]:
    """The ranges asked for, by the names they have in answers."""
    current = {"current": (asked.start, asked.end)}
    return current | {"previous": asked.previous} if asked.previous else current


def check(
    content: dict[str, Any], asked: Asked, account: Account, must: set[int], may: set[int]
) -> None:
    """Each bucket counts at least what it must, and at most what it may."""
    ranges = spans(asked)
    assert set(content) == set(ranges)
    for name, span in ranges.items():
        least, most = (
            oracle.counted([account[each] for each in ids], *span, asked.view_by)
            for ids in (must, may)
        )
        for bucket, (opens, low), (_, high) in zip(content[name], least, most, strict=True):
            assert bucket["start"] == opens
            assert low <= bucket["count"] <= high, (name, bucket, low, high)


def check_ids(
    content: dict[str, Any], asked: Asked, account: Account, must: set[int], may: set[int]
) -> None:
    """The same of the conversations behind the counts, which cannot make up for each other."""
    for name, (start, end) in spans(asked).items():
        ids = [each for bucket in content[name] for each in bucket["ids"]]
        inside = {row.id for row in account.conversations() if start <= row.created <= end}
        assert len(ids) == len(set(ids))
        assert must & inside <= set(ids) <= may & inside, name
