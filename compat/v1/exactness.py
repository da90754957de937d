"""How exactly each field of an answer can be computed, as a table.

The headers of answers, a page of the reference, the fields named with known differences, and the
grades in the OpenAPI document are made from it, by `compat.v1.grades`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from compat.v1.circumstances import (
    ALWAYS,
    CHATS_ALONE,
    CUSTOMERS_EVER_KNOWN,
    FROM_TOTALS,
    IN_OFFICE_HOURS,
    OF_TEAMS,
    SLIM_ALONE,
    SLIM_THREADS,
    USER_UNKNOWN,
    WITHOUT_CHATS,
    Condition,
)

Grade = Literal["E", "E*", "A", "N"]

GRADES: Final[Mapping[Grade, str]] = {
    "E": "Exact.",
    "E*": "Exact if rules that were never documented are understood correctly.",
    "A": "Approximate: it can differ from what the old API answered.",
    "N": "It cannot be derived. The key is present, because programs expect it, but its value "
    "means nothing.",
}

SOURCES: Final[Mapping[str, str]] = {
    "request": "the request itself",
    "list": "lists of Mailbox API 2.0",
    "threads": "the threads of conversations",
    "setting": "a setting",
    "decided": "a rule of this project alone",
}
"""Where values come from, by the words in the table."""


class FieldExactness(NamedTuple):
    """How exactly a field of a report can be computed, if a condition holds.

    Attributes:
        report: The report, as in `compat.v1.routes.Route`.
        path: The keys that lead to the field, joined by dots, without the indices of arrays.
        sources: Where the value comes from: keys of `SOURCES`.
        grade: How exact it is.
        reasons: Titles of `DIFFERENCES` and `DECISIONS` that say why it is not simply exact.
        condition: When this is so.
    """

    report: str
    path: str
    sources: tuple[str, ...]
    grade: Grade
    reasons: tuple[str, ...]
    condition: Condition


class _FieldGroup(NamedTuple):
    """Fields that differ by their names alone; blanks separate names, and sources."""

    sources: str
    grade: Grade
    names: str
    reasons: tuple[str, ...] = ()
    condition: Condition = ALWAYS


def _rows(reports: str, below: str, *groups: _FieldGroup) -> Iterator[FieldExactness]:
    """A row for each field of some reports, which blanks separate, below the keys of a path."""
    for report in reports.split():
        for each in groups:
            for name in each.names.split():
                yield FieldExactness(
                    report,
                    below + name,
                    tuple(each.sources.split()),
                    each.grade,
                    each.reasons,
                    each.condition,
                )


_SLIM: Final = ("A slim archive",)
_ROW_NAMES: Final = ("Names of people in rows",)
_USER_NAMES: Final = ("Names of users and teams",)
_TEAM_NAMES: Final = ("Names of teams",)
_COLOURS: Final = ("Colours of tags",)
_LISTED_CUSTOMERS: Final = ("Customers of a conversation",)
_NOBODY: Final = ("A user who does not exist",)
_RATING_TIME: Final = ("When a reply was rated",)
_CHAT_RATINGS: Final = ("Ratings of chats",)
_RATED_CUSTOMERS: Final = ("The customers in a report on ratings",)
_HANDLED: Final = ("What a user handled",)
_HANDLE_TIME: Final = ("Handle times",)
_OFFICE_HOURS: Final = ("Office hours",)
_REPLY: Final = ("What a reply is",)
_HELPED: Final = ("Customers who were helped", *_REPLY)
_DAYS: Final = ("The days of a range",)
_WAITS: Final = ("What response times are about", "A wait", *_REPLY)
_RESOLVED: Final = ("When a conversation is resolved", "Who resolved a conversation")
_HISTORY: Final = ("Rows of a conversation history",)

_PEOPLE: Final = (
    _FieldGroup("list", "N", "firstName lastName fullName email photoUrl", _SLIM, SLIM_ALONE),
    _FieldGroup("list", "E", "firstName lastName email timezone photoUrl createdAt"),
    _FieldGroup("list decided", "E*", "fullName role modifiedAt type", _USER_NAMES),
)
_TEAMS: Final = (
    _FieldGroup("list", "N", "photoUrl", _SLIM, SLIM_ALONE),
    _FieldGroup("decided", "N", "lastName email", _TEAM_NAMES),
    _FieldGroup("list", "E", "id firstName timezone photoUrl createdAt"),
    _FieldGroup("list decided", "E*", "fullName role modifiedAt type", _USER_NAMES),
)
_TEAMS_IF_ASKED: Final = (
    _FieldGroup("decided", "N", "lastName email", _TEAM_NAMES, OF_TEAMS),
    _FieldGroup("list", "E", "firstName", condition=OF_TEAMS),
    _FieldGroup("list decided", "E*", "fullName", _USER_NAMES, OF_TEAMS),
)
_ID: Final = _FieldGroup("list", "E", "id")
_MAILBOX: Final = (
    _FieldGroup("list", "N", "email", _SLIM, SLIM_ALONE),
    _FieldGroup("list", "E", "id slug name email createdAt modifiedAt"),
)
_FOLDER: Final = (
    _FieldGroup("list", "E", "id name userId totalCount activeCount modifiedAt"),
    _FieldGroup("list decided", "E*", "type", ("Folders of teams",)),
)
_PAGE: Final = _FieldGroup("request", "E", "page")
_COUNTED: Final = _FieldGroup("list", "E", "pages count")

_RATED: Final = (
    "great okay notGood greatCount okayCount notGoodCount ratingsCount happinessScore "
    "totalCustomersWithRatings ratingsPercent"
)


def _by_ratings(names: str, *others: str) -> tuple[_FieldGroup, ...]:
    """What depends on the ratings that belong to a range, and perhaps on something else."""
    return (
        _FieldGroup("threads", "N", names, _CHAT_RATINGS, CHATS_ALONE),
        _FieldGroup("threads", "A", names, (*_RATING_TIME, *others), WITHOUT_CHATS),
        _FieldGroup("threads", "A", names, (*_RATING_TIME, *_CHAT_RATINGS, *others)),
    )


FIELDS: Final[Sequence[FieldExactness]] = (
    # Reports on conversations.
    *_rows(
        "new_conversations",
        "current.",
        _FieldGroup("request", "E", "start"),
        _FieldGroup(
            "list",
            "A",
            "count",
            ("Totals in place of conversations, if you choose them",),
            FROM_TOTALS,
        ),
        _FieldGroup("list", "E", "count"),
    ),
    *_rows(
        "new_ids",
        "current.",
        _FieldGroup("request", "E", "start"),
        _FieldGroup("list", "E", "count ids"),
    ),
    *_rows("new_drilldown", "conversations.", _PAGE, _COUNTED),
    *_rows(
        "new_drilldown",
        "conversations.results.",
        _FieldGroup(
            "list",
            "N",
            "subject preview customerName customerEmail assignedName",
            _SLIM,
            SLIM_ALONE,
        ),
        _FieldGroup(
            "list", "E", "id number type mailboxid subject status threadCount preview customerEmail"
        ),
        _FieldGroup("list", "E", "tags.id tags.name"),
        _FieldGroup("list decided", "E*", "customerName assignedid assignedName", _ROW_NAMES),
        _FieldGroup("decided", "N", "attachments", ("Attachments in a drilldown",)),
        _FieldGroup("list", "A", "customerIds", _LISTED_CUSTOMERS),
        _FieldGroup("list decided", "A", "modifiedAt", ("When a conversation was modified",)),
        _FieldGroup("list decided", "A", "waitingSince waitingSinceType", ("Waiting since",)),
        _FieldGroup("list decided", "A", "tags.color", _COLOURS),
    ),
    *_rows(
        "busy_times",
        "",
        _FieldGroup("list setting", "E*", "day hour count", ("Hours of the week",)),
    ),
    *_rows(
        "received_messages",
        "current.",
        _FieldGroup("request", "E", "date"),
        _FieldGroup("threads", "E*", "messages", ("What a received message is",)),
    ),
    # Reports on happiness.
    *_rows(
        "happiness user_happiness",
        "current.",
        *_by_ratings(_RATED.removesuffix(" ratingsPercent")),
        *_by_ratings("ratingsPercent", *_RATED_CUSTOMERS),
        _FieldGroup("threads decided", "A", "totalCustomers", _RATED_CUSTOMERS),
    ),
    *_rows("user_happiness user", "filterTags.", _FieldGroup("list", "E", "id name")),
    *_rows("happiness_ratings user_ratings", "", _PAGE, *_by_ratings("pages count")),
    *_rows(
        "happiness_ratings user_ratings",
        "results.",
        _FieldGroup(
            "threads",
            "N",
            "ratingComments ratingCustomerName ratingUserName",
            _SLIM,
            SLIM_THREADS,
        ),
        _FieldGroup("list", "E", "number id type"),
        _FieldGroup("threads", "E", "threadid threadCreatedAt ratingId ratingComments"),
        _FieldGroup("threads", "E", "ratingCustomerId"),
        _FieldGroup("threads", "E*", "ratingUserId ratingCustomerName ratingUserName", _ROW_NAMES),
        _FieldGroup("decided", "N", "ratingCreatedAt", _RATING_TIME),
    ),
    # Reports on a user or a team.
    *_rows(
        "user",
        "user.",
        _FieldGroup("list", "N", "name hasPhoto createdAt photoUrl", _NOBODY, USER_UNKNOWN),
        _FieldGroup("list", "N", "name hasPhoto photoUrl", _SLIM, SLIM_ALONE),
        _FieldGroup("list", "E", "id hasPhoto createdAt photoUrl"),
        _FieldGroup("list decided", "E*", "name", _USER_NAMES),
        _FieldGroup(
            "threads",
            "A",
            "totalCustomersHelped",
            ("Customers helped at any time",),
            CUSTOMERS_EVER_KNOWN,
        ),
        _FieldGroup("threads", "N", "totalCustomersHelped", ("Customers helped at any time",)),
    ),
    *_rows(
        "user",
        "current.",
        _FieldGroup("request", "E", "startDate endDate"),
        _FieldGroup("request decided", "E*", "totalDays", _DAYS),
        _FieldGroup("list", "E", "conversationsCreated"),
        _FieldGroup("threads", "E*", "totalReplies", _REPLY),
        _FieldGroup("threads", "E*", "repliesPerDay", (*_REPLY, *_DAYS)),
        _FieldGroup("threads", "E*", "customersHelped", _HELPED),
        _FieldGroup("threads", "E*", "closed", ("When a conversation is closed",)),
        _FieldGroup("threads", "E*", "resolved resolvedOnFirstReply repliesToResolve", _RESOLVED),
        _FieldGroup(
            "threads",
            "E*",
            "percentResolvedOnFirstReply",
            ("The share resolved on the first reply", *_RESOLVED),
        ),
        _FieldGroup(
            "threads setting",
            "A",
            "responseTime resolutionTime averageFirstResponseTime",
            _OFFICE_HOURS,
            IN_OFFICE_HOURS,
        ),
        _FieldGroup("threads", "E*", "responseTime", _WAITS),
        _FieldGroup(
            "threads",
            "E*",
            "averageFirstResponseTime",
            ("The first response time of a user", *_WAITS),
        ),
        _FieldGroup("threads", "E*", "resolutionTime", _RESOLVED),
        _FieldGroup("threads decided", "A", "totalConversations conversationsPerDay", _HANDLED),
        _FieldGroup("threads setting decided", "A", "busiestDay", _HANDLED),
        *_by_ratings("happinessScore"),
        _FieldGroup("decided", "N", "handleTime", _HANDLE_TIME),
    ),
    *_rows("user", "deltas.", _FieldGroup("threads decided", "A", "activeConversations", _HANDLED)),
    *_rows(
        "user_replies user_customers_helped user_resolutions",
        "current.",
        _FieldGroup("request", "E", "date"),
    ),
    *_rows("user_replies", "current.", _FieldGroup("threads", "E*", "replies", _REPLY)),
    *_rows("user_customers_helped", "current.", _FieldGroup("threads", "E*", "customers", _HELPED)),
    *_rows("user_resolutions", "current.", _FieldGroup("threads", "E*", "resolved", _RESOLVED)),
    *_rows(
        "user_conversation_history",
        "",
        _PAGE,
        _FieldGroup("threads", "E*", "pages count", _HISTORY),
    ),
    *_rows(
        "user_conversation_history",
        "results.",
        _FieldGroup("list", "N", "customers.name", _SLIM, SLIM_ALONE),
        _FieldGroup("list", "E", "number id status"),
        _FieldGroup("list", "A", "customers.id customers.name", _LISTED_CUSTOMERS),
        _FieldGroup(
            "threads setting",
            "A",
            "responseTime firstResponseTime resolveTime",
            _OFFICE_HOURS,
            IN_OFFICE_HOURS,
        ),
        _FieldGroup("threads", "E*", "responseTime firstResponseTime", (*_WAITS, *_HISTORY)),
        _FieldGroup("threads", "E*", "resolveTime", (*_RESOLVED, *_HISTORY)),
        _FieldGroup("threads", "E*", "repliesSent", (*_REPLY, *_HISTORY)),
        _FieldGroup("decided", "N", "avgHandleTime", _HANDLE_TIME),
    ),
    # Lists.
    *_rows("mailboxes folders tags users teams team_members", "", _PAGE, _COUNTED),
    *_rows(
        "mailbox_users",
        "",
        _PAGE,
        _FieldGroup("list", "A", "pages count", ("Users who see a mailbox",)),
    ),
    *_rows("mailboxes", "items.", *_MAILBOX),
    *_rows("one_mailbox", "item.", *_MAILBOX),
    *_rows("one_mailbox", "item.folders.", *_FOLDER),
    *_rows("folders", "items.", *_FOLDER),
    *_rows(
        "tags",
        "items.",
        _FieldGroup("list", "E", "id slug tag count createdAt modifiedAt"),
        _FieldGroup("list", "A", "color", _COLOURS),
        _FieldGroup("list decided", "E*", "name", ("The name of a tag",)),
    ),
    *_rows("users mailbox_users", "items.", _ID, *_TEAMS_IF_ASKED, *_PEOPLE),
    *_rows("team_members", "items.", _ID, *_PEOPLE),
    *_rows("one_user", "item.", _ID, *_PEOPLE),
    *_rows("teams", "items.", *_TEAMS),
    *_rows("one_team", "item.", *_TEAMS),
    *_rows(
        "me",
        "item.",
        _FieldGroup("list decided", "E*", "id", ("The user `me`",)),
        _FieldGroup("list", "E", "companyId"),
        *_PEOPLE,
    ),
)
"""Every field of every report. Of several rows for a field, the first one whose condition holds
applies.

What is in `current` applies to `previous` and `deltas` as well, unless they have rows of their own.
"""
