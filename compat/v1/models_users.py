"""The answers of the old reports on a user or a team as models."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import Field

from compat.v1.models_base import Answer, Instant, TabularReport, absent_if_none
from compat.v1.models_ratings import FilterTag

# The keys of all models here are in the order of the documented examples.


class ReplyPoint(Answer):
    """One bucket of a series.

    Attributes:
        replies: How many replies were sent in it.
        date: Its first second, aware.
    """

    replies: int = Field(ge=0)
    date: Instant


class CustomerPoint(Answer):
    """One bucket of a series.

    Attributes:
        customers: How many customers got a reply in it, each counted once.
        date: Its first second, aware.
    """

    customers: int = Field(ge=0)
    date: Instant


class ResolutionPoint(Answer):
    """One bucket of a series.

    Attributes:
        resolved: How many conversations were resolved in it.
        date: Its first second, aware.
    """

    resolved: int = Field(ge=0)
    date: Instant


Point = TypeVar("Point", bound=Answer)


class Series(Answer, TabularReport, Generic[Point]):
    """The buckets of one or two ranges.

    Attributes:
        previous: Those of the range to compare with. None if none was requested; the key is then
            left out, as on the vendor's page.
        current: Those of the requested range.
    """

    previous: tuple[Point, ...] | None = absent_if_none()
    current: tuple[Point, ...]


RepliesSent = Series[ReplyPoint]
CustomersHelped = Series[CustomerPoint]
Resolutions = Series[ResolutionPoint]


class ReportUser(Answer):
    """The user or team that a report is about.

    Attributes:
        createdAt: Empty if no list shows this user or team.
        name: First and last name of a user; the name of a team; empty like `createdAt`.
        totalCustomersHelped: How many customers ever got a reply; fewer if the threads of all
            time are not known.
        photoUrl: None if there is no picture.
    """

    id: int
    hasPhoto: bool  # noqa: N815
    createdAt: Instant | Literal[""]  # noqa: N815
    name: str
    totalCustomersHelped: int = Field(ge=0)  # noqa: N815
    photoUrl: str | None  # noqa: N815


class UserFigures(Answer):
    """What a user or a team did in a range. Times are in seconds.

    Attributes:
        startDate: The first second of the range, aware.
        endDate: Its last second, aware.
        totalDays: Its whole days.
        resolved: Conversations that were resolved and that the user had replied to by then.
        conversationsCreated: Conversations that the user began.
        closed: Conversations that the user closed, also without a reply.
        totalReplies: Replies that the user sent.
        resolvedOnFirstReply: How many of the resolved conversations needed one reply.
        percentResolvedOnFirstReply: Their share, as a fraction or a percentage.
        repliesToResolve: The mean number of replies, of anybody, until a resolution.
        handleTime: Always 0.0: Mailbox API 2.0 does not show how long a reply was written.
        happinessScore: From -100 to 100, as in `user/happiness.json`.
        responseTime: The mean of the conversations' mean waits, without its fraction.
        resolutionTime: The mean time from the creation to the resolution.
        repliesPerDay: `totalReplies` divided by `totalDays`, or by 1 if that is 0.
        customersHelped: Customers who got a reply, each counted once.
        totalConversations: Conversations in which the user did something.
        conversationsPerDay: `totalConversations` divided by `totalDays`, or by 1 if that is 0.
        busiestDay: The weekday with the most replies, 1 for Monday to 7 for Sunday; 0 without a
            reply. None in the range to compare with; the key is then left out.
        averageFirstResponseTime: As `responseTime`, of the first wait alone.
    """

    startDate: Instant  # noqa: N815
    endDate: Instant  # noqa: N815
    totalDays: int  # noqa: N815
    resolved: int
    conversationsCreated: int  # noqa: N815
    closed: int
    totalReplies: int  # noqa: N815
    resolvedOnFirstReply: int  # noqa: N815
    percentResolvedOnFirstReply: float  # noqa: N815
    repliesToResolve: float  # noqa: N815
    handleTime: float  # noqa: N815
    happinessScore: float  # noqa: N815
    responseTime: int  # noqa: N815
    resolutionTime: float  # noqa: N815
    repliesPerDay: float  # noqa: N815
    customersHelped: int  # noqa: N815
    totalConversations: int  # noqa: N815
    conversationsPerDay: float  # noqa: N815
    busiestDay: int | None = absent_if_none()  # noqa: N815
    averageFirstResponseTime: int  # noqa: N815


class UserDeltas(Answer):
    """By how many percent these figures have changed; of the score, the difference.

    Attributes:
        activeConversations: The same as `totalConversations`.
    """

    totalConversations: float  # noqa: N815
    customersHelped: float  # noqa: N815
    happinessScore: float  # noqa: N815
    repliesPerDay: float  # noqa: N815
    resolvedOnFirstReply: float  # noqa: N815
    handleTime: float  # noqa: N815
    conversationsPerDay: float  # noqa: N815
    resolved: float
    repliesToResolve: float  # noqa: N815
    activeConversations: float  # noqa: N815
    totalReplies: float  # noqa: N815
    closed: float
    responseTime: float  # noqa: N815
    resolutionTime: float  # noqa: N815
    conversationsCreated: float  # noqa: N815


class UserReport(Answer, TabularReport):
    """The answer of `user.json`.

    Attributes:
        filterTags: All tags by which reports can be filtered.
        user: The user or team.
        current: The figures of the requested range.
        previous: Those of the range to compare with. None if none was requested; this key and the
            next are then left out.
        deltas: The changes.
    """

    filterTags: tuple[FilterTag, ...]  # noqa: N815
    user: ReportUser
    current: UserFigures
    previous: UserFigures | None = absent_if_none()
    deltas: UserDeltas | None = absent_if_none()


class HistoryCustomer(Answer):
    """The customer of a conversation; the name is the e-mail address of one without a name."""

    id: int
    name: str


class HistoryRow(Answer):
    """A reply of a user, with the times of its whole conversation, in whole seconds.

    Attributes:
        responseTime: The mean wait of the customer, no matter who replied; 0 without a wait.
        firstResponseTime: The first wait; 0 if there was none, or a user began the conversation.
        resolveTime: The time from the creation to the resolution, whatever the range; 0 if it is
            not resolved.
        repliesSent: All replies of the conversation.
        avgHandleTime: Always 0.0: Mailbox API 2.0 does not show how long a reply was written.
    """

    number: int
    responseTime: int  # noqa: N815
    firstResponseTime: int  # noqa: N815
    resolveTime: int  # noqa: N815
    repliesSent: int  # noqa: N815
    id: int
    status: str
    customers: tuple[HistoryCustomer, ...]
    avgHandleTime: float  # noqa: N815


class ConversationHistory(Answer, TabularReport):
    """The answer of `user/conversation-history.json`: one page of a list.

    Attributes:
        pages: The number of pages; 0 for an empty list.
        page: The number of this page.
        count: How many rows the whole list has.
        results: The rows on this page; empty after the last page.
    """

    pages: int
    page: int
    count: int
    results: tuple[HistoryRow, ...]
