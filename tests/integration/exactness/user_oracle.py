"""What the reports on a user or a team must be: every thread is tried for each field.

Nothing here may come from the code under test, or their mistakes would agree. Questions, filters
and buckets are those of the other oracle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from compat.simulator import Account, Conversation
from compat.simulator.history import threads_of
from compat.simulator.people import customer_email, customer_name
from compat.simulator.thread import Thread
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked

Json = dict[str, Any]
ROOT = "/v1/reports/user"
SERIES = {
    "replies": f"{ROOT}/replies.json",
    "customers": f"{ROOT}/customers-helped.json",
    "resolved": f"{ROOT}/resolutions.json",
}
"""The paths of the series by the key of their numbers."""

ROWS = 25
RELATIVE = (
    *("resolved", "conversationsCreated", "closed", "totalReplies", "resolvedOnFirstReply"),
    *("repliesToResolve", "handleTime", "responseTime", "resolutionTime", "repliesPerDay"),
    *("customersHelped", "totalConversations", "conversationsPerDay"),
)


@dataclass(frozen=True)
class Told:
    """A conversation with its threads in the order of time, without imported ones."""

    row: Conversation
    threads: Sequence[Thread]

    @property
    def replies(self) -> list[Thread]:
        """What users sent to customers."""
        return [
            each
            for each in self.threads
            if each.state == "published"
            and each.by == "user"
            and each.type in {"message", "chat", "beaconchat"}
        ]

    @property
    def waits(self) -> list[tuple[int, Thread]]:
        """When each wait began, and the reply that ended it."""
        found = []
        for at, reply in enumerate(self.threads):
            if reply not in self.replies:
                continue
            waiting = None
            for earlier in self.threads[:at]:
                if earlier in self.replies:
                    waiting = None
                elif oracle.is_message(earlier) and waiting is None:
                    waiting = earlier.created
            if waiting is not None:
                found.append((waiting, reply))
        return found

    @property
    def first_wait(self) -> tuple[int, Thread] | None:
        """The first of them, unless a user began the conversation."""
        return None if self.row.created_by else next(iter(self.waits), None)

    @property
    def closings(self) -> list[Thread]:
        """The threads after which it was closed, and before which it was not."""
        shown = [
            each
            for each in self.threads
            if each.status != "nochange"
            and (each.state == "published" or (each.type == "lineitem" and each.state is None))
        ]
        return [
            each
            for at, each in enumerate(shown)
            if each.status == "closed" and (at == 0 or shown[at - 1].status != "closed")
        ]

    @property
    def resolved(self) -> int | None:
        """When it was last closed, if it is closed now and there had been a reply."""
        closed = self.row.closed
        if self.row.status != "closed" or closed is None:
            return None
        return closed if any(each.created <= closed for each in self.replies) else None


def told(asked: Asked, account: Account) -> list[Told]:
    """The conversations that are asked for, as the account is now."""
    return [
        Told(
            row,
            [each for each in threads_of(row, account.layout) if "imported" not in each.action],
        )
        for row in account.conversations()
        if oracle.matches(row, asked, account)
    ]


def members(user: int, account: Account) -> frozenset[int]:
    """The users who are meant by the id of a user or a team."""
    team = account.layout.team_by_id.get(user)
    return frozenset({user}) if team is None else team.user_ids


def report(asked: Asked, user: int, account: Account) -> Json:
    """The figures of `user.json`, without the user, the tags and the dates of ranges."""
    each, users = told(asked, account), members(user, account)
    now = figures(each, users, asked.start, asked.end)
    content = {"current": now | {"busiestDay": busiest_day(each, users, asked.start, asked.end)}}
    if asked.previous is not None:
        before = figures(each, users, *asked.previous)
        content |= {"previous": before, "deltas": _changes(now, before)}
    return content


def _changes(now: Json, before: Json) -> Json:
    deltas = {
        name: (now[name] / before[name] - 1) * 100 if before[name] else 0.0 for name in RELATIVE
    }
    deltas["activeConversations"] = deltas["totalConversations"]
    return deltas | {"happinessScore": now["happinessScore"] - before["happinessScore"]}


def figures(each: Iterable[Told], users: frozenset[int], start: int, end: int) -> Json:
    """What some users did in a range."""

    def inside(second: int) -> bool:
        return start <= second <= end

    each = list(each)
    days = int(timedelta(seconds=end - start) / timedelta(days=1))
    sent = sent_replies(each, users, start, end)
    acted = [
        one
        for one in each
        if any(
            inside(thread.created) and thread.author_id in users and thread.by == "user"
            for thread in one.threads
            if thread.state != "draft"
        )
    ]
    resolved = resolutions(each, users, start, end)
    needed = [len([reply for reply in one.replies if reply.created <= at]) for one, at in resolved]
    means, firsts = [], []
    for one, _ in resolved:
        own = [(opened, reply) for opened, reply in one.waits if reply.author_id in users]
        if own:
            total = sum(reply.created - opened for opened, reply in own)
            means.append(Fraction(total, len(own)))
        first = one.first_wait
        if first is not None and first in own:
            firsts.append(Fraction(first[1].created - first[0]))
    ratings = [reply.rating for _, reply in sent if reply.rating]
    great, bad = ratings.count("great"), ratings.count("not_good")
    return {
        "totalDays": days,
        "resolved": len(resolved),
        "conversationsCreated": sum(
            one.row.created_by in users and inside(one.row.created) for one in each
        ),
        "closed": sum(
            any(
                inside(end_.created) and end_.by == "user" and end_.author_id in users
                for end_ in one.closings
            )
            for one in each
        ),
        "totalReplies": len(sent),
        "resolvedOnFirstReply": needed.count(1),
        "percentResolvedOnFirstReply": needed.count(1) / len(needed) if needed else 0.0,
        "repliesToResolve": sum(needed) / len(needed) if needed else 0.0,
        "handleTime": 0.0,
        "happinessScore": (
            great / len(ratings) * 100 - bad / len(ratings) * 100 if ratings else 0.0
        ),
        "responseTime": int(sum(means) / len(means)) if means else 0,
        "resolutionTime": (
            sum(at - one.row.created for one, at in resolved) / len(resolved) if resolved else 0.0
        ),
        "repliesPerDay": len(sent) / max(days, 1),
        "customersHelped": len(_customers(sent)),
        "totalConversations": len(acted),
        "conversationsPerDay": len(acted) / max(days, 1),
        "averageFirstResponseTime": int(sum(firsts) / len(firsts)) if firsts else 0,
    }


def _customers(sent: Iterable[tuple[Told, Thread]]) -> set[int]:
    return {reply.customer_id or one.row.customer_id for one, reply in sent} - {0}


def sent_replies(
    each: Iterable[Told], users: frozenset[int], start: int, end: int
) -> list[tuple[Told, Thread]]:
    """The replies of some users in a range."""
    return [
        (one, reply)
        for one in each
        for reply in one.replies
        if start <= reply.created <= end and reply.author_id in users
    ]


def resolutions(
    each: Iterable[Told], users: frozenset[int], start: int, end: int
) -> list[tuple[Told, int]]:
    """What some users helped to resolve in a range, and when that was."""
    return [
        (one, at)
        for one in each
        if (at := one.resolved) is not None and start <= at <= end
        if any(reply.created <= at and reply.author_id in users for reply in one.replies)
    ]


def busiest_day(each: Iterable[Told], users: frozenset[int], start: int, end: int) -> int:
    """The weekday with the most replies, in UTC; the first one of several, 0 without any."""
    days = [
        datetime.fromtimestamp(reply.created, UTC).isoweekday()
        for _, reply in sent_replies(each, users, start, end)
    ]
    return min(days, key=lambda day: (-days.count(day), day), default=0)


def series(asked: Asked, user: int, account: Account, key: str) -> Json:
    """The whole answer about one of the series."""
    each, users = told(asked, account), members(user, account)
    spans = {"current": (asked.start, asked.end)}
    if asked.previous is not None:
        spans["previous"] = asked.previous
    content = {}
    for name, (start, end) in spans.items():
        dates = [date for date, _ in oracle.counted([], start, end, asked.view_by)]
        opens = [int(datetime.fromisoformat(date).timestamp()) for date in dates]
        closes = [second - 1 for second in opens[1:]] + [end]
        content[name] = [
            {key: _number(key, each, users, *span), "date": date}
            for date, *span in zip(dates, opens, closes, strict=True)
        ]
    return content


def _number(key: str, each: Iterable[Told], users: frozenset[int], start: int, end: int) -> int:
    if key == "resolved":
        return len(resolutions(each, users, start, end))
    sent = sent_replies(each, users, start, end)
    return len(sent) if key == "replies" else len(_customers(sent))


def history(asked: Asked, user: int, account: Account) -> list[Json]:
    """All rows of the history, sorted by number, reply and ids."""
    sent = sent_replies(told(asked, account), members(user, account), asked.start, asked.end)
    sent.sort(key=lambda pair: (pair[0].row.number, pair[1].created, pair[1].id))
    return [_row(one) for one, _ in sent]


def _row(one: Told) -> Json:
    waits = [reply.created - opened for opened, reply in one.waits]
    first, resolved, row = one.first_wait, one.resolved, one.row
    return {
        "number": row.number,
        "responseTime": sum(waits) // len(waits) if waits else 0,
        "firstResponseTime": first[1].created - first[0] if first else 0,
        "resolveTime": 0 if resolved is None else resolved - row.created,
        "repliesSent": len(one.replies),
        "id": row.id,
        "status": row.status,
        "customers": [{"id": row.customer_id, "name": _name(row.customer_id)}]
        if row.customer_id
        else [],
        "avgHandleTime": 0.0,
    }


def _name(customer: int) -> str:
    return " ".join(part for part in customer_name(customer) if part) or customer_email(customer)


def customers_ever(user: int, account: Account) -> int:
    """How many customers of conversations that count ever got a reply."""
    each = told(Asked(0, 0), account)
    return len(_customers(sent_replies(each, members(user, account), 0, 10**12)))
