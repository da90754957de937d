"""An old API for tests: it answers by one set of rules, which a fit does not know.

It counts with datetimes, every conversation against every bucket. Nothing here may come from the
code under test, or their mistakes would agree.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from compat.core.models import Row
from compat.parity.captures.models import Capture
from tests.unit.core import naive

PATH = "/v1/reports/conversations/new.json"
DAY = 86_400
SINCE = int(datetime(2014, 1, 1, tzinfo=UTC).timestamp())
UNTIL = int(datetime(2015, 12, 31, tzinfo=UTC).timestamp())


@dataclass(frozen=True)
class Old:
    """A conversation as it was at the time; it may have gone since."""

    created: int
    id: int
    type: str
    status: str
    state: str
    tags: tuple[int, ...] = ()

    def row(self) -> Row:
        return Row(self.created, self.id, 1, 11, self.type, self.status, self.state, self.tags)


@dataclass(frozen=True)
class Rules:
    """How the old server counted. The defaults are this project's conventions."""

    default_view_by: str = "week"
    end_included: bool = True
    empty_buckets_listed: bool = True
    month_step: str = "clamped"
    states: frozenset[str] = frozenset({"published"})
    spam: bool = False
    last_wins: bool = False
    end_of_day: bool = False
    shift_minutes: int = 0
    snap: str = "exact"
    zone: str = "UTC"
    tags_all: bool = False
    more: Callable[[int], int] = field(default=lambda created: created)
    """A rule that no convention has: from a creation time to the one that is counted."""


@dataclass
class OldServer:
    """Answers old requests by its rules.

    Attributes:
        conversations: All that ever existed.
        rules: How it counts.
    """

    conversations: Sequence[Old]
    rules: Rules
    _known: dict[tuple[str, str], list[int]] = field(default_factory=dict, repr=False)

    def answer(self, target: str) -> bytes:
        sent: dict[str, str] = {}
        for name, value in parse_qsl(urlsplit(target).query):
            if self.rules.last_wins or name not in sent:
                sent[name] = value
        answer = {"current": self._series(sent, "start", "end")}
        if "previousStart" in sent:
            answer["previous"] = self._series(sent, "previousStart", "previousEnd")
        return json.dumps(answer).encode()

    def capture(self, target: str, place: str = "old.jsonl:1") -> Capture:
        return Capture(place, target, 200, self.answer(target))

    def _series(self, sent: dict[str, str], first: str, last: str) -> list[dict[str, Any]]:
        rules = self.rules
        last_text = sent[last]
        if rules.end_of_day and "T" not in last_text:
            last_text += "T23:59:59"
        start, end = _seconds(sent[first]), _seconds(last_text)
        start = naive.snapped(start, rules.snap, rules.zone)  # type: ignore[arg-type]
        view_by: Any = sent.get("viewBy", rules.default_view_by)
        step: Any = rules.month_step
        openings = naive.starts(start, end, view_by, step)
        near = [moment for moment in self._moments(sent) if start <= moment <= end]
        counts = naive.count(near, openings, end, rules.end_included)
        return [
            {"start": text(opening), "count": count}
            for opening, count in zip(openings, counts, strict=True)
            if count or rules.empty_buckets_listed
        ]

    def _moments(self, sent: dict[str, str]) -> list[int]:
        wanted = (sent.get("types", ""), sent.get("tags", ""))
        if wanted not in self._known:
            self._known[wanted] = [
                self.rules.more(each.created) + 60 * self.rules.shift_minutes
                for each in self.conversations
                if self._counts(each, sent)
            ]
        return self._known[wanted]

    def _counts(self, each: Old, sent: dict[str, str]) -> bool:
        if each.state not in self.rules.states:
            return False
        if each.status == "spam" and not self.rules.spam:
            return False
        if "types" in sent and each.type not in sent["types"].split(","):
            return False
        wanted = [int(tag) for tag in sent["tags"].split(",")] if "tags" in sent else []
        found = [tag in each.tags if tag != 1 else not each.tags for tag in wanted]
        return not wanted or (all(found) if self.rules.tags_all else any(found))


def _seconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def text(seconds: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


def history(number: int = 3_000, seed: int = 1) -> list[Old]:
    """Two years of conversations, oldest first."""
    rng = random.Random(seed)
    return [
        Old(
            created,
            id_,
            rng.choice(["email", "email", "chat", "phone"]),
            rng.choice(["active", "closed", "closed", "pending", "closed", "spam"]),
            rng.choice(["published"] * 8 + ["draft", "hidden"]),
            tuple(rng.sample([7, 8, 9], rng.choice([0, 1, 1, 2]))),
        )
        for id_, created in enumerate(sorted(rng.sample(range(SINCE, UNTIL), number)), 1)
    ]


def survivors(conversations: Iterable[Old], gone: float = 0.02, seed: int = 2) -> list[Row]:
    """The rows that are left after some were deleted or merged, at random."""
    rng = random.Random(seed)
    return [each.row() for each in conversations if rng.random() >= gone]


def requests(conversations: Sequence[Old], number: int = 260, seed: int = 3) -> list[str]:
    """Requests of all kinds, as dashboards, scripts and people sent them."""
    rng = random.Random(seed)
    return [_request(rng, conversations) for _ in range(number)]


def _request(rng: random.Random, conversations: Sequence[Old]) -> str:
    kinds = [_week_by_day, _months, _no_view, _dates, _until_now, _touching, _second_pair]
    sent = rng.choice(kinds)(rng, conversations)
    if rng.random() < 0.15:
        sent.append(("types", rng.choice(["email", "chat,phone", "phone"])))
    return f"{PATH}?{urlencode(sent, safe=':,')}"


def _midnight(rng: random.Random) -> int:
    return rng.randrange(SINCE + 40 * DAY, UNTIL - 200 * DAY) // DAY * DAY


def _range(start: int, end: int, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("start", text(start)), ("end", text(end)), *more]


def _week_by_day(rng: random.Random, _: Any) -> list[tuple[str, str]]:
    start = _midnight(rng)
    asked = _range(start, start + 7 * DAY - 1, ("viewBy", "day"))
    if rng.random() < 0.5:
        before = start - 7 * DAY
        asked += [("previousStart", text(before)), ("previousEnd", text(start - 1))]
    return asked


def _months(rng: random.Random, _: Any) -> list[tuple[str, str]]:
    day = rng.choice([(1, 31), (3, 31), (5, 31), (8, 31), (2, 1), (6, 15), (4, 30)])
    start = int(datetime(2014, *day, tzinfo=UTC).timestamp())
    return _range(start, start + rng.randrange(70, 330) * DAY - 1, ("viewBy", "month"))


def _no_view(rng: random.Random, _: Any) -> list[tuple[str, str]]:
    start = _midnight(rng) + rng.choice([0, 48_600, 3_600])
    return _range(start, start + rng.randrange(3, 40) * DAY - 1)


def _dates(rng: random.Random, _: Any) -> list[tuple[str, str]]:
    start = _midnight(rng)
    end = start + rng.randrange(2, 12) * DAY
    return [("start", text(start)[:10]), ("end", text(end)[:10]), ("viewBy", "day")]


def _until_now(rng: random.Random, conversations: Sequence[Old]) -> list[tuple[str, str]]:
    """A program that is started by each new conversation."""
    now = rng.choice(conversations[len(conversations) // 6 : -15]).created
    return _range(now - rng.randrange(1, 6) * DAY, now, ("viewBy", "day"))


def _touching(rng: random.Random, conversations: Sequence[Old]) -> list[tuple[str, str]]:
    """From one conversation to a later one."""
    at = rng.randrange(len(conversations) // 6, len(conversations) - 15)
    first, last = conversations[at], conversations[at + rng.randrange(1, 12)]
    return _range(first.created, last.created, ("viewBy", rng.choice(["day", "week"])))


def _second_pair(rng: random.Random, _: Any) -> list[tuple[str, str]]:
    """A program that sends the range to compare with as a second `start` and `end`."""
    start = _midnight(rng) + 3_600 * rng.randrange(24)
    asked = _range(start, start + 5 * DAY, ("viewBy", "day"))
    return asked + _range(start - 30 * DAY, start - 20 * DAY) if rng.random() < 0.4 else asked
