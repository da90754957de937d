"""What happened in a conversation, read from its threads: rules shared by the old reports.

Each function takes one conversation and returns plain values, which a report counts or averages.
Whether a conversation counts at all is the business of `compat.core.counting.Filter`.

Imported threads are skipped, because imported replies were observed not to count. Drafts, hidden
threads and those in review are no messages and change no status.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from compat.core.calendar import DAY
from compat.core.models import UnknownValue

if TYPE_CHECKING:
    from compat.config.conventions import Conventions
    from compat.core.intervals import Interval
    from compat.core.models import Activity, Thread

IMPORTED: Final = frozenset({"imported", "importedExternal", "imported-external"})
"""Actions of threads that are skipped."""

FROM_CUSTOMERS: Final = frozenset({"customer", "chat", "beaconchat", "phone"})
_FROM_USERS: Final = frozenset({"message", "chat", "beaconchat"})
"""Types of threads that are messages; their authors decide whose."""

_CLOSED: Final = "closed"


class Wait(NamedTuple):
    """The time in which a customer waited for a reply.

    Attributes:
        opened: When the customer wrote, epoch seconds UTC.
        ended: When the reply was sent, epoch seconds UTC.
        user: The id of the user who replied; 0 if unknown.
        first: Whether the reply was the first response: not in a conversation that a user began.
    """

    opened: int
    ended: int
    user: int
    first: bool


class Closing(NamedTuple):
    """A change of a conversation's status to closed.

    Attributes:
        at: When, epoch seconds UTC.
        user: The id of the user who closed it; 0 if no user did.
        thread: The id of the thread that shows it.
    """

    at: int
    user: int
    thread: int


def customer_messages(activity: Activity) -> list[Thread]:
    """The messages of customers that were received, in order of time.

    They are the published threads of customers, and what customers wrote in chats or said on the
    phone.

    Raises:
        UnknownValue: Upstream does not show who wrote in a chat.
    """
    return [thread for thread, kind in _messages(activity) if kind == "customer"]


def replies(activity: Activity, conventions: Conventions) -> list[Thread]:
    """The replies of users, in order of time, with the first message of a user's conversation.

    They are published messages by e-mail and chat (the vendor's page counts "new conversation
    email threads"); notes, phone calls and forwarded messages are none. A convention leaves out
    what workflows sent.

    Raises:
        UnknownValue: Upstream does not show who wrote in a chat.
    """
    found = _messages(activity, conventions.automatic_replies_count)
    return [thread for thread, kind in found if kind == "user"]


def waits(activity: Activity, conventions: Conventions) -> list[Wait]:
    """The waits that a reply ended, in order of time.

    A wait opens with the first message of a customer after the last reply; further messages do
    not open another one (decided).

    Raises:
        UnknownValue: Upstream does not show who wrote in a chat.
    """
    found: list[Wait] = []
    opened: int | None = None
    for thread, kind in _messages(activity, conventions.automatic_replies_count):
        if kind == "customer":
            opened = thread.created if opened is None else opened
        elif opened is not None:
            first = not found and not activity.created_by
            found.append(Wait(opened, thread.created, _user(thread), first))
            opened = None
    return found


def closings(activity: Activity) -> list[Closing]:
    """The changes of the status to closed, in order of time, whatever caused them.

    A thread has the status that the conversation has after it, which need not be a change. So the
    threads are followed from the oldest on. A first thread that is closed is a closing (decided).
    """
    found = []
    status: str | None = None
    for thread in activity.threads:
        if thread.status is None or not _takes_effect(thread):
            continue
        if thread.status == _CLOSED != status:
            found.append(Closing(thread.created, _user(thread), thread.id))
        status = thread.status
    return found


def resolved_at(activity: Activity, conventions: Conventions) -> int | None:
    """When a conversation was resolved, epoch seconds UTC; None if it was not.

    It needs a reply, and counts once (by the vendor's page). A convention says which closing
    counts: the last one, if it is closed now, or the first one after a reply. Where upstream does
    not show when it was last closed, the threads say so.

    Raises:
        UnknownValue: Upstream does not show who wrote in a chat.
    """
    answered = next(iter(replies(activity, conventions)), None)
    if answered is None:
        return None
    if conventions.resolved_at == "first-closing":
        first = (answered.created, answered.id)
        later = (each.at for each in closings(activity) if (each.at, each.thread) >= first)
        return next(later, None)
    if activity.row.status != _CLOSED:
        return None
    closed = activity.closed
    if closed is None:
        closed = max((each.at for each in closings(activity)), default=None)
    return closed if closed is not None and answered.created <= closed else None


def replies_to_resolve(activity: Activity, conventions: Conventions) -> int:
    """How many replies were sent until a conversation was resolved; 0 if it was not.

    It was resolved on the first reply if this is 1: "exactly one reply", by the vendor's page.
    """
    resolved = resolved_at(activity, conventions)
    if resolved is None:
        return 0
    return sum(reply.created <= resolved for reply in replies(activity, conventions))


def resolved_by(activity: Activity, conventions: Conventions) -> frozenset[int]:
    """The ids of the users who helped to resolve a conversation; empty if it was not resolved.

    They are those who replied until then, at any time and whoever closed it: in recorded answers
    users have more resolutions than closings, and more than replies in the range.
    """
    resolved = resolved_at(activity, conventions)
    if resolved is None:
        return frozenset()
    sent = replies(activity, conventions)
    return frozenset(_user(reply) for reply in sent if reply.created <= resolved) - {0}


def resolved_within(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int] = ()
) -> int | None:
    """When a conversation was resolved, if it counts as resolved in a range; else None.

    Args:
        activity: The conversation.
        within: The range, epoch seconds UTC, both ends included.
        conventions: With the base `replied`, a reply must have been sent in the range, too.
        users: Only what one of these users helped to resolve; whoever did if empty.
    """
    resolved = resolved_at(activity, conventions)
    if resolved is None or not _contains(within, resolved):
        return None
    if users and not resolved_by(activity, conventions) & {*users}:
        return None
    if conventions.response_base == "resolved":
        return resolved
    return resolved if replies_within(activity, within, conventions, users) else None


def waits_within(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int] = ()
) -> list[Wait]:
    """The waits of a conversation that count in a range; their mean is its response time there.

    With the base `resolved` these are all of its waits, if it was resolved in the range; with
    `replied`, those that ended in the range.

    Args:
        activity: The conversation.
        within: The range, epoch seconds UTC, both ends included.
        conventions: The base.
        users: Only waits that one of these users ended, of what they helped to resolve if that is
            the base; all if empty.
    """
    found = [each for each in waits(activity, conventions) if not users or each.user in users]
    if conventions.response_base == "replied":
        return [each for each in found if _contains(within, each.ended)]
    resolved = resolved_within(activity, within, conventions, users)
    return [] if resolved is None else found


def replies_within(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int] = ()
) -> list[Thread]:
    """The replies that were sent in a range; those of some users if any are given."""
    return [
        reply
        for reply in replies(activity, conventions)
        if _contains(within, reply.created) and (not users or _user(reply) in users)
    ]


def customers_helped(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int] = ()
) -> frozenset[int]:
    """The ids of the customers who got a reply in a range, of some users if any are given.

    Customers who are unknown are left out.
    """
    sent = replies_within(activity, within, conventions, users)
    return frozenset(reply.customer or activity.customer for reply in sent) - {0}


def is_touched(activity: Activity, within: Interval) -> bool:
    """Whether a conversation was created in a range, or has a thread from it.

    Drafts do not touch a conversation; hidden threads and line items do (decided). Changes that
    leave no thread, such as of tags, are not seen.
    """
    seconds = (
        thread.created
        for thread in activity.threads
        if thread.state != "draft" and thread.action not in IMPORTED
    )
    return any(_contains(within, second) for second in (activity.row.created, *seconds))


def total_days(asked: Interval) -> int:
    """The whole days of a range (observed): 30 for 31 days that end at 23:59:59."""
    return (asked.last - asked.first) // DAY


def per_day(count: int, asked: Interval) -> float:
    """A count for each whole day of a range; ranges shorter than a day count as one (decided)."""
    return count / max(total_days(asked), 1)


def first_reply_share(on_first_reply: int, resolved: int, conventions: Conventions) -> float:
    """The share of resolved conversations that needed one reply; 0.0 if none was resolved.

    A convention says whether it is a fraction or a percentage.
    """
    whole = {"fraction": 1, "percent": 100}[conventions.first_reply_share]
    return on_first_reply / resolved * whole if resolved else 0.0


def _messages(
    activity: Activity, automatic_replies: bool = True
) -> Iterator[tuple[Thread, Literal["customer", "user"]]]:
    """The messages of customers and the replies of users, in order of time."""
    for thread in activity.threads:
        if thread.state != "published" or thread.action in IMPORTED:
            continue
        side = _side(thread, activity)
        if side == "customer" and thread.type in FROM_CUSTOMERS:
            yield thread, "customer"
        elif side == "user" and thread.type in _FROM_USERS:
            if _is_automatic(thread) and not automatic_replies:
                continue
            yield thread, "user"


def _side(thread: Thread, activity: Activity) -> str:
    """Whose message a thread is, if it is one: `customer` or `user`."""
    if thread.type == "customer":
        return "customer"
    if thread.by or thread.type not in FROM_CUSTOMERS:
        return thread.by or "user"
    raise UnknownValue(
        f"Help Scout does not show who wrote thread {thread.id} of conversation {activity.row.id}",
        conversation=activity.row.id,
        key="createdBy",
    )


def _takes_effect(thread: Thread) -> bool:
    """Whether a thread can change the status. Line items may have no state at all (observed)."""
    if thread.action in IMPORTED:
        return False
    if thread.type == "lineitem":
        return thread.state not in {"draft", "hidden"}
    return thread.state == "published"


def _is_automatic(thread: Thread) -> bool:
    return thread.source == "workflows" or "workflow" in thread.action


def _user(thread: Thread) -> int:
    return thread.author if thread.by == "user" else 0


def _contains(interval: Interval, second: int) -> bool:
    return interval.first <= second <= interval.last
