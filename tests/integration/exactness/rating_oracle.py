"""What the answers about ratings must be: every thread of the account is looked at.

Nothing here may come from the code under test, or their mistakes would agree.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from typing import Any

from compat.simulator import Account, Conversation
from compat.simulator.history import threads_of
from compat.simulator.people import customer_email, customer_name
from compat.simulator.thread import Thread
from tests.integration.exactness.oracle import Asked, matches, text

HAPPINESS = "/v1/reports/happiness.json"
RATINGS = "/v1/reports/happiness/ratings.json"
USER_HAPPINESS = "/v1/reports/user/happiness.json"
USER_RATINGS = "/v1/reports/user/ratings.json"
PAGE = 25
VALUES = {"great": 1, "okay": 2, "not_good": 3}
Json = dict[str, Any]
Sent = tuple[Conversation, Thread]
"""A reply, and the conversation that has it."""


def users_of(id_: int, account: Account) -> set[int]:
    """The members of the team with an id; else the user with it, shown in a list or not."""
    team = account.layout.team_by_id.get(id_)
    return {id_} if team is None else set(team.user_ids)


def happiness(asked: Asked, account: Account, users: Collection[int] | None = None) -> Json:
    """The counts of each range and the percentages as fractions; of some users if any are given."""
    spans = {"current": (asked.start, asked.end)}
    if asked.previous:
        spans["previous"] = asked.previous
    return {name: _figures(asked, account, span, users) for name, span in spans.items()}


def _figures(
    asked: Asked, account: Account, span: tuple[int, int], users: Collection[int] | None
) -> Json:
    sent = _sent(asked, account, span, users)
    rated = [(row, thread) for row, thread in sent if thread.rating]
    words = [thread.rating for _, thread in rated]
    raters = {_rater(row, thread) for row, thread in rated} - {0}
    helped = {
        thread.customer_id or row.customer_id
        for row, thread in sent
        if thread.by == "user" and thread.type in ("message", "chat", "beaconchat")
    } - {0}

    def percent(word: str) -> Fraction:
        return Fraction(100 * words.count(word), len(words)) if words else Fraction(0)

    return {
        "ratingsPercent": Fraction(100 * len(raters), len(helped)) if helped else Fraction(0),
        "okay": percent("okay"),
        "great": percent("great"),
        "happinessScore": percent("great") - percent("not_good"),
        "okayCount": words.count("okay"),
        "totalCustomersWithRatings": len(raters),
        "notGoodCount": words.count("not_good"),
        "ratingsCount": len(words),
        "notGood": percent("not_good"),
        "greatCount": words.count("great"),
        "totalCustomers": len(helped),
    }


def ratings(
    asked: Asked,
    account: Account,
    users: Collection[int] | None = None,
    rating: int = 0,
    page: int = 1,
) -> Json:
    """One page of the list, the latest reply first."""
    rated = [
        (row, thread)
        for row, thread in _sent(asked, account, (asked.start, asked.end), users)
        if thread.rating and rating in (0, VALUES[thread.rating])
    ]
    rated.sort(key=lambda pair: (-pair[1].created, -pair[1].id))
    pages = [rated[at : at + PAGE] for at in range(0, len(rated), PAGE)]
    shown = pages[page - 1] if page <= len(pages) else []
    return {
        "pages": len(pages),
        "page": page,
        "count": len(rated),
        "results": [_row(row, thread, account) for row, thread in shown],
    }


def _sent(
    asked: Asked, account: Account, span: tuple[int, int], users: Collection[int] | None
) -> list[Sent]:
    """What is published, not imported, and of the range; of some users if any are given."""
    first, last = span
    return [
        (row, thread)
        for row in account.conversations()
        if matches(row, asked, account)
        for thread in threads_of(row, account.layout)
        if first <= thread.created <= last
        and thread.state == "published"
        and "imported" not in thread.action
        and (users is None or (thread.by == "user" and thread.author_id in users))
    ]


def _rater(row: Conversation, thread: Thread) -> int:
    return thread.rater_id or thread.customer_id or row.customer_id


def _row(row: Conversation, thread: Thread, account: Account) -> Json:
    user = account.layout.user_by_id.get(thread.author_id)
    return {
        "number": row.number,
        "id": row.id,
        "type": row.type,
        "threadid": thread.id,
        "threadCreatedAt": text(thread.created),
        "ratingId": VALUES[thread.rating],
        "ratingCustomerId": _rater(row, thread),
        "ratingComments": thread.comments,
        "ratingCreatedAt": text(thread.created),
        "ratingCustomerName": _name(row, thread, account),
        "ratingUserId": thread.author_id,
        "ratingUserName": f"{user.first} {user.last}" if user else "",
    }


def _name(row: Conversation, thread: Thread, account: Account) -> str:
    """The name of the customer who rated, or the address; empty if no thread shows who that is."""
    rater = _rater(row, thread)
    each = threads_of(row, account.layout)
    shown = {other.customer_id for other in each}
    shown |= {other.author_id for other in each if other.by == "customer"}
    if rater not in shown:
        return ""
    return " ".join(customer_name(rater)).strip() or customer_email(rater)
