"""The vectors: conversations with threads, and the values that follow from the rules.

Every bug that the vectors are known to find is planted, and must be found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.core import activity as rules
from compat.core import buckets, office_hours
from compat.core.facts import Wait, read
from compat.core.intervals import Interval
from compat.core.models import Activity, Thread
from compat.v1.datetimes import format_epoch
from tests.unit.core import activity_oracle as oracle
from tests.unit.core.activity_figures import PLAIN, REPLIED, Way, waits_within
from tests.unit.core.activity_samples import (
    BEFORE,
    FIRST,
    LAST,
    VECTORS,
    activities,
    interval,
    vector_payloads,
)

PAYLOADS = vector_payloads()
ACTIVITIES = activities(PAYLOADS)
BY_ID = {str(each.row.id): each for each in ACTIVITIES}
BLOCKS = {"all_resolved": PLAIN, "all_kb46": REPLIED}
SHARED = (
    *("total", "messagesReceived", "repliesSent", "customersHelped", "totalUsers", "closed"),
    *("resolved", "resolvedOnFirstReply", "percentFraction", "repliesToResolve"),
    *("resolutionTime", "responseTime", "firstResponseTime"),
    *("days", "repliesPerDay", "resolvedPerDay"),
)
"""Figures that the vectors have under the same name."""

OF_USERS = {
    "totalDays": "days",
    "totalReplies": "repliesSent",
    "repliesPerDay": "repliesPerDay",
    "percentResolvedOnFirstReply": "percentFraction",
    "resolved": "resolved",
    "closed": "closed",
    "resolvedOnFirstReply": "resolvedOnFirstReply",
    "repliesToResolve": "repliesToResolve",
    "responseTime": "responseTime",
    "resolutionTime": "resolutionTime",
    "customersHelped": "customersHelped",
}
"""The names of a user's figures in the vectors, and here."""


def wrong_figures(way: Way, activities: Sequence[Activity] = ACTIVITIES) -> list[str]:
    """The names of the figures in which a way differs from the vectors."""
    wrong = []
    for block, conventions in BLOCKS.items():
        found = way.figures(activities, interval(), conventions)
        wrong += [f"{block} {name}" for name in SHARED if found[name] != VECTORS[block][name]]
    found = way.figures(activities, interval(*BEFORE))
    wrong += [f"previous {name}" for name in SHARED if found[name] != VECTORS["previous_all"][name]]
    for user, prefix, asked in (
        (1, "", interval()),
        (2, "", interval()),
        (1, "previous_", interval(*BEFORE)),
        (2, "previous_", interval(*BEFORE)),
    ):
        block = f"{prefix}user{user}"
        found = way.figures(activities, asked, PLAIN, {user})
        wrong += [
            f"{block} {name}"
            for name, ours in OF_USERS.items()
            if found[ours] != VECTORS[block][name]
        ]
    return wrong


def test_every_figure_of_the_vectors_follows() -> None:
    assert wrong_figures(Way()) == []


@pytest.mark.parametrize("id_", VECTORS["waits"])
def test_the_waits_of_a_conversation(id_: str) -> None:
    found = [
        [format_epoch(wait.ended), wait.ended - wait.opened, wait.user]
        for wait in read(BY_ID[id_], PLAIN).waits
    ]
    assert found == VECTORS["waits"][id_]


@pytest.mark.parametrize("id_", VECTORS["closes"])
def test_the_closings_of_a_conversation(id_: str) -> None:
    found = [[format_epoch(each.at), each.user] for each in rules.closings(BY_ID[id_])]
    assert found == VECTORS["closes"][id_]


def test_when_conversations_were_resolved() -> None:
    found = {id_: read(each, PLAIN).resolved for id_, each in BY_ID.items()}
    assert {
        id_: format_epoch(moment) for id_, moment in found.items() if moment is not None
    } == VECTORS["resolvedAt"]


@pytest.mark.parametrize("row", VECTORS["history_user1"], ids=lambda row: str(row["id"]))
def test_the_times_of_one_conversation(row: dict[str, Any]) -> None:
    activity = BY_ID[str(row["id"])]
    spans = [(wait.opened, wait.ended) for wait in read(activity, PLAIN).waits]
    resolved = read(activity, PLAIN).resolved
    assert {
        "repliesSent": len(rules.replies(activity, PLAIN)),
        "responseTime": office_hours.mean_seconds(spans, PLAIN),
        "firstResponseTime": office_hours.mean_seconds(spans[:1], PLAIN),
        "resolveTime": 0 if resolved is None else resolved - activity.row.created,
    } == {
        name: row[name]
        for name in ("repliesSent", "responseTime", "firstResponseTime", "resolveTime")
    }


def replies_of(activity: Activity) -> list[int]:
    return [reply.created for reply in rules.replies(activity, PLAIN)]


def messages_of(activity: Activity) -> list[int]:
    return [message.created for message in rules.customer_messages(activity)]


def resolutions_of(activity: Activity) -> list[int]:
    moment = read(activity, PLAIN).resolved
    return [] if moment is None else [moment]


@pytest.mark.parametrize(
    ("series", "moments"),
    [
        ("series_replies_day", replies_of),
        ("series_messages_day", messages_of),
        ("series_resolved_day", resolutions_of),
    ],
)
def test_a_series_by_day(series: str, moments: Callable[[Activity], list[int]]) -> None:
    counted = [each for each in ACTIVITIES if Way().counts(each)]
    starts = buckets.starts(*interval(), "day")
    found = buckets.count(
        sorted(moment for each in counted for moment in moments(each)), starts, interval().last
    )
    assert [
        {"date": format_epoch(start), "v": count}
        for start, count in zip(starts, found, strict=True)
    ] == VECTORS[series]


def test_customers_are_helped_once_in_each_bucket() -> None:
    counted = [each for each in ACTIVITIES if Way().counts(each)]
    found = []
    for start in buckets.starts(*interval(), "day"):
        day = Interval(start, start + 86_399)
        helped = frozenset[int]().union(
            *(rules.customers_helped(each, day, PLAIN) for each in counted)
        )
        found.append({"date": format_epoch(start), "v": len(helped)})
    assert found == VECTORS["series_customers_day"]


def test_the_oracle_agrees_with_the_vectors() -> None:
    for block, base in (("all_resolved", "resolved"), ("all_kb46", "replied")):
        found = oracle.productivity(PAYLOADS, FIRST, LAST, base)
        expected = VECTORS[block]
        for name in found.keys() & set(SHARED):
            assert found[name] == expected[name], name
        assert oracle.mean(found["responseTimes"]) == expected["responseTime_avg"]
        assert oracle.mean(found["firstResponseTimes"]) == expected["firstResponseTime_avg"]
    days = oracle.received_per_day(PAYLOADS, FIRST, LAST)
    assert days == [each["v"] for each in VECTORS["series_messages_day"]]


# Bugs that the vectors are known to find.


def with_threads(change: Callable[[Thread], Thread]) -> list[Activity]:
    return [each._replace(threads=tuple(map(change, each.threads))) for each in ACTIVITIES]


def drafts_are_sent(thread: Thread) -> Thread:
    return thread._replace(state="published")


def notes_are_replies(thread: Thread) -> Thread:
    return thread._replace(type="message") if thread.type == "note" else thread


def waits_begin_anew(activity: Activity, *rest: Any) -> list[Wait]:
    """A wait begins with the last message of the customer."""
    written = [message.created for message in rules.customer_messages(activity)]
    return [
        wait._replace(opened=max(moment for moment in written if moment <= wait.ended))
        for wait in waits_within(activity, *rest)
    ]


def closed_only_if_replied(activity: Activity) -> list[rules.Closing]:
    return rules.closings(activity) if rules.replies(activity, PLAIN) else []


def resolved_by_closer(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int] = ()
) -> int | None:
    if users and activity.closed_by not in users:
        return None
    return read(activity, conventions).resolved_within(within)


PLANTED: dict[str, tuple[Way, Sequence[Activity]]] = {
    "spam counts": (
        Way(counts=lambda each: each.row.state == "published"),
        ACTIVITIES,
    ),
    "deleted conversations count": (
        Way(counts=lambda each: each.row.status != "spam"),
        ACTIVITIES,
    ),
    "a draft is a reply": (Way(), with_threads(drafts_are_sent)),
    "a note is a reply": (Way(), with_threads(notes_are_replies)),
    "another message begins the wait anew": (Way(waits=waits_begin_anew), ACTIVITIES),
    "only what was replied to is closed": (Way(closings=closed_only_if_replied), ACTIVITIES),
    "the last second does not count": (Way(end_included=False), ACTIVITIES),
    "the closer resolves": (Way(resolved=resolved_by_closer), ACTIVITIES),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(name: str) -> None:
    assert wrong_figures(*PLANTED[name])


def test_whole_seconds_are_cut_and_not_rounded_as_in_the_documented_example() -> None:
    assert office_hours.whole_seconds(71_944_794 / 14) == 5_138_913
    assert office_hours.whole_seconds(None) == 0
