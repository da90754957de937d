"""The reports of threads, counted in the slowest way from payloads of Mailbox API 2.0.

A payload is a conversation of the list with `embed=threads`, as parsed JSON. Instants are compared
as texts or as `datetime`; everything is tried against everything. Nothing here may come from the
code under test, or their mistakes would agree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Schedule = Sequence[tuple[int, str, str]]
"""Weekdays (0 is Monday) with the first minute and the minute after the last, as `09:00`."""


def at(text: str) -> datetime:
    """An instant of a payload; fractions are dropped."""
    return datetime.fromisoformat(text).replace(microsecond=0)


def inside(text: str, first: str, last: str) -> bool:
    """Whether an instant lies in a range; both ends belong to it."""
    return at(first) <= at(text) <= at(last)


def counts(payload: Json) -> bool:
    """Published, not spam, not deleted."""
    return bool(payload["state"] == "published" and payload["status"] != "spam")


def threads(payload: Json) -> list[Json]:
    """The threads in the order of time; imported ones are passed over."""
    found = list(payload.get("_embedded", {}).get("threads", []))
    found.sort(key=lambda thread: (at(thread["createdAt"]), thread["id"]))
    imported = ("imported", "importedExternal", "imported-external")
    return [thread for thread in found if thread.get("action", {}).get("type") not in imported]


def author(thread: Json) -> tuple[str, int]:
    """What the author is, and the id."""
    found = thread.get("createdBy") or {}
    return found.get("type", ""), found.get("id") or 0


def from_customer(thread: Json) -> bool:
    """Whether it is a message that was received."""
    if thread["state"] != "published":
        return False
    if thread["type"] == "customer":
        return True
    return thread["type"] in ("chat", "beaconchat", "phone") and author(thread)[0] == "customer"


def from_user(thread: Json, automatic: bool = True) -> bool:
    """Whether it is a reply that was sent."""
    by_workflow = thread.get("source", {}).get("type") == "workflows"
    by_workflow |= "workflow" in thread.get("action", {}).get("type", "")
    if thread["state"] != "published" or (by_workflow and not automatic):
        return False
    return thread["type"] in ("message", "chat", "beaconchat") and author(thread)[0] == "user"


def received(payload: Json) -> list[str]:
    """When each message of the customer was received."""
    return [thread["createdAt"] for thread in threads(payload) if from_customer(thread)]


def replies(payload: Json, automatic: bool = True) -> list[Json]:
    """The replies that were sent."""
    return [thread for thread in threads(payload) if from_user(thread, automatic)]


def waits(payload: Json, automatic: bool = True) -> list[tuple[str, str, int]]:
    """For each reply that ended a wait: when the wait began, when it ended, who replied."""
    talk = [each for each in threads(payload) if from_customer(each) or from_user(each, automatic)]
    found = []
    for place, thread in enumerate(talk):
        if from_customer(thread):
            continue
        before = []
        for earlier in reversed(talk[:place]):
            if not from_customer(earlier):
                break
            before.append(earlier["createdAt"])
        if before:
            found.append((before[-1], thread["createdAt"], author(thread)[1]))
    return found


def first_wait(payload: Json, automatic: bool = True) -> tuple[str, str, int] | None:
    """The wait for the first response; none if a user began the conversation."""
    if (payload.get("createdBy") or {}).get("type") == "user":
        return None
    return next(iter(waits(payload, automatic)), None)


def closings(payload: Json) -> list[tuple[str, int]]:
    """When the status became closed, and the id of the user who did it."""
    shown = [
        thread
        for thread in threads(payload)
        if thread.get("status") not in (None, "nochange")
        and (
            thread["state"] == "published"
            or (thread["type"] == "lineitem" and thread["state"] not in ("draft", "hidden"))
        )
    ]
    statuses = [None, *(thread["status"] for thread in shown)]
    return [
        (thread["createdAt"], author(thread)[1] if author(thread)[0] == "user" else 0)
        for thread, before in zip(shown, statuses, strict=False)
        if thread["status"] == "closed" and before != "closed"
    ]


def resolved(payload: Json, automatic: bool = True) -> str | None:
    """When it was last closed, if it is closed and had a reply by then."""
    closed = payload.get("closedAt")
    if payload["status"] != "closed" or closed is None:
        return None
    before = [each for each in replies(payload, automatic) if at(each["createdAt"]) <= at(closed)]
    return closed if before else None


def first_resolved(payload: Json, automatic: bool = True) -> str | None:
    """The other reading: when it was first closed after a reply, or with it."""
    earlier: list[Json] = []
    for thread in threads(payload):
        before = closings(_with_threads(payload, earlier))
        earlier.append(thread)
        until = _with_threads(payload, earlier)
        if len(closings(until)) > len(before) and replies(until, automatic):
            return str(thread["createdAt"])
    return None


def _with_threads(payload: Json, kept: list[Json]) -> Json:
    return {**payload, "_embedded": {"threads": kept}}


def replies_to_resolve(payload: Json, automatic: bool = True) -> int:
    """How many replies it had until then."""
    closed = resolved(payload, automatic)
    sent = replies(payload, automatic)
    return sum(at(each["createdAt"]) <= at(closed) for each in sent) if closed else 0


def helped(payload: Json, first: str, last: str) -> set[int]:
    """The customers who got a reply in a range."""
    return {
        (thread.get("customer") or payload["primaryCustomer"])["id"]
        for thread in replies(payload)
        if inside(thread["createdAt"], first, last)
    }


def ratings(
    payloads: Iterable[Json], first: str, last: str, users: Collection[int] = ()
) -> list[tuple[Json, Json]]:
    """The conversations that count, with each reply of a range that was rated."""
    return [
        (payload, thread)
        for payload in payloads
        if counts(payload)
        for thread in threads(payload)
        if thread.get("rating")
        and thread["state"] == "published"
        and inside(thread["createdAt"], first, last)
        and (not users or author(thread) in [("user", user) for user in users])
    ]


def happiness(payloads: Sequence[Json], first: str, last: str, users: Collection[int] = ()) -> Json:
    """The counts of the report on happiness, and its figures as fractions."""
    rated = ratings(payloads, first, last, users)
    words = [thread["rating"]["rating"] for _, thread in rated]
    raters = {
        thread["rating"].get("customerId")
        or (thread.get("customer") or payload["primaryCustomer"])["id"]
        for payload, thread in rated
    }
    helped = {
        (thread.get("customer") or payload["primaryCustomer"])["id"]
        for payload in payloads
        if counts(payload)
        for thread in replies(payload)
        if inside(thread["createdAt"], first, last) and (not users or author(thread)[1] in users)
    }
    return {
        "ratingsCount": len(words),
        "greatCount": words.count("great"),
        "okayCount": words.count("okay"),
        "notGoodCount": words.count("not_good"),
        "great": _share(words.count("great"), len(words)),
        "okay": _share(words.count("okay"), len(words)),
        "notGood": _share(words.count("not_good"), len(words)),
        "happinessScore": _share(words.count("great") - words.count("not_good"), len(words)),
        "totalCustomersWithRatings": len(raters),
        "totalCustomers": len(helped),
        "ratingsPercent": _share(len(raters), len(helped)),
    }


def _share(part: int, whole: int) -> Fraction:
    """How many percent, exactly."""
    return Fraction(100 * part, whole) if whole else Fraction(0)


def touched(payload: Json, first: str, last: str) -> bool:
    """Whether something happened in a range that left a thread, or it was created then."""
    moments = [each["createdAt"] for each in threads(payload) if each["state"] != "draft"]
    return any(inside(moment, first, last) for moment in [payload["createdAt"], *moments])


def length(first: str, last: str) -> int:
    """Seconds from one instant to another."""
    return int((at(last) - at(first)).total_seconds())


def per_day(moments: Iterable[str], first: str, last: str) -> list[int]:
    """How many instants are in each day of a range; the first day begins where the range does."""
    found: list[int] = []
    opens = at(first)
    while not found or opens < at(last):
        closes = opens + timedelta(days=1)
        final = closes >= at(last)
        found.append(
            sum(
                opens <= at(each) and (at(each) <= at(last) if final else at(each) < closes)
                for each in moments
            )
        )
        opens = closes
    return found


def productivity(
    payloads: Iterable[Json],
    first: str,
    last: str,
    base: str = "resolved",
    users: Collection[int] = (),
) -> Json:
    """The figures of replies, waits and resolutions of a range; of some users if any are given."""

    def his(user: int) -> bool:
        return not users or user in users

    each = [payload for payload in payloads if counts(payload)]
    sent = [
        (payload, thread)
        for payload in each
        for thread in replies(payload)
        if inside(thread["createdAt"], first, last) and his(author(thread)[1])
    ]
    answered = [payload for payload in each if any(payload is other for other, _ in sent)]
    closed_in_range = [
        payload
        for payload in (answered if base == "replied" else each)
        if (moment := resolved(payload)) and inside(moment, first, last)
        if any(
            his(author(thread)[1]) and at(thread["createdAt"]) <= at(moment)
            for thread in replies(payload)
        )
    ]
    response, first_response = [], []
    for payload in closed_in_range if base == "resolved" else answered:
        ended = [
            wait
            for wait in waits(payload)
            if his(wait[2]) and (base == "resolved" or inside(wait[1], first, last))
        ]
        if ended:
            response.append(mean([length(wait[0], wait[1]) for wait in ended]))
        response_one = first_wait(payload)
        if response_one in ended and response_one:
            first_response.append(length(response_one[0], response_one[1]))
    needed = [replies_to_resolve(payload) for payload in closed_in_range]
    return {
        "resolved": len(closed_in_range),
        "resolvedOnFirstReply": needed.count(1),
        "repliesToResolve": mean(needed),
        "resolutionTime": mean(
            [length(each["createdAt"], str(resolved(each))) for each in closed_in_range]
        ),
        "responseTimes": sorted(response),
        "firstResponseTimes": sorted(first_response),
        "closed": sum(
            any(inside(moment, first, last) and his(user) for moment, user in closings(payload))
            for payload in each
        ),
        "repliesSent": len(sent),
        "customersHelped": len(
            {
                (thread.get("customer") or payload["primaryCustomer"])["id"]
                for payload, thread in sent
            }
        ),
        "users": len({author(thread)[1] for _, thread in sent}),
    }


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def open_minutes(first: str, last: str, schedule: Schedule, zone: str) -> int:
    """Minutes of a range that a clock shows within a schedule: each of them is looked at."""
    moment, found = at(first), 0
    while moment < at(last):
        local = moment.astimezone(ZoneInfo(zone))
        shown = f"{local:%H:%M}"
        found += any(
            day == local.weekday() and opens <= shown < closes for day, opens, closes in schedule
        )
        moment += timedelta(minutes=1)
    return found


Selected = Callable[[Json], bool]


def received_per_day(
    payloads: Iterable[Json], first: str, last: str, selected: Selected = lambda _: True
) -> list[int]:
    """Messages received on each day, of the conversations that count and are selected."""
    chosen = [payload for payload in payloads if counts(payload) and selected(payload)]
    return per_day([moment for payload in chosen for moment in received(payload)], first, last)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds(text: str) -> int:
    """Seconds since 1970."""
    since = at(text) - EPOCH
    return since.days * 86_400 + since.seconds
