"""Captures as far as the search for the rule can use them: series of counts, and why not.

What a filter by tag, folder or mailbox selects is judged by today's state of a conversation, so
that such a count moves both ways with time. Those captures are kept apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal

from compat.config.conventions import Conventions
from compat.parity.captures.models import Capture, Unreadable
from compat.parity.compare import read
from compat.v1 import routes
from compat.v1.datetimes import parse_instant, to_epoch
from compat.v1.errors import NotFound
from compat.v1.http import LegacyRequest
from compat.v1.query import parse_pairs

REPORT: Final = "new_conversations"
"""The report that is fitted, by the name of its module."""

_MOVING: Final = ("mailboxes", "tags", "folders")
"""Filters that look at what can change."""

Pairs = tuple[tuple[str, str], ...]
Half = Literal["fit", "confirm"]


@dataclass(frozen=True, slots=True)
class FitRecord:
    """A recorded answer of new conversations.

    Attributes:
        place: Where its capture was read.
        target: Path and query as sent.
        pairs: The names and values sent, decoded.
        series: Of each series its buckets, as pairs of start (epoch seconds UTC) and count.
        taken_at: When it was recorded, epoch seconds UTC; None if unknown.
    """

    place: str
    target: str
    pairs: Pairs
    series: Mapping[str, tuple[tuple[int, int], ...]]
    taken_at: int | None = None

    @property
    def half(self) -> Half:
        """Which half of the captures it belongs to; the same for the same target, always."""
        return "confirm" if sha256(self.target.encode()).digest()[0] & 1 else "fit"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A capture that says nothing about the rule.

    Attributes:
        place: Where it was read.
        reason: Why it says nothing, in a few words.
    """

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class SortedCaptures:
    """Captures sorted by what they are good for.

    Attributes:
        fitted: Those that the rule is searched with.
        filtered: Those whose counts move both ways.
        aside: The others.
    """

    fitted: tuple[FitRecord, ...]
    filtered: tuple[FitRecord, ...]
    aside: tuple[SetAside, ...]

    @property
    def compared(self) -> tuple[FitRecord, ...]:
        """All that are held against today's conversations."""
        return self.fitted + self.filtered


def sort(captures: Iterable[Capture | Unreadable]) -> SortedCaptures:
    """Sort captures; those that say the same of the same request are one."""
    records: dict[object, FitRecord] = {}
    aside: list[SetAside] = []
    for capture in captures:
        if isinstance(capture, Unreadable):
            aside.append(SetAside(capture.place, f"unreadable: {capture.reason}"))
            continue
        try:
            record = _record(capture)
        except ValueError as unfit:
            aside.append(SetAside(capture.place, str(unfit)))
        else:
            records.setdefault((capture.target, capture.body, capture.taken_at), record)
    moving = [record for record in records.values() if _moves(record.pairs)]
    still = [record for record in records.values() if not _moves(record.pairs)]
    return SortedCaptures(tuple(still), tuple(moving), tuple(aside))


def _moves(pairs: Pairs) -> bool:
    return any(name.partition("[")[0] in _MOVING and value.strip(",") for name, value in pairs)


def _record(capture: Capture) -> FitRecord:
    request = LegacyRequest.from_target(capture.target)
    try:
        route = routes.find_route(capture.method, request.path)
    except NotFound:
        raise ValueError("another route") from None
    if route.report != REPORT:
        raise ValueError("another report")
    if capture.status != 200:
        raise ValueError(f"status {capture.status}")
    pairs = tuple(route.pairs(request.path, parse_pairs(request.query)))
    series = _series(capture.body)
    return FitRecord(capture.place, capture.target, pairs, series, capture.taken_at)


def _series(body: bytes) -> dict[str, tuple[tuple[int, int], ...]]:
    try:
        value = read(body)
        named = {str(name): tuple(map(_point, points)) for name, points in value.items()}
    except (ValueError, TypeError, AttributeError, KeyError):
        raise ValueError("no answer of this report") from None
    if not {"current"} <= named.keys() <= {"current", "previous"}:
        raise ValueError("no answer of this report")
    return named


def _point(point: Mapping[str, Any]) -> tuple[int, int]:
    start, count = point["start"], point["count"]
    if type(count) is not int or count < 0:
        raise ValueError("no count")
    return to_epoch(parse_instant(start, Conventions(), end=False)), count
