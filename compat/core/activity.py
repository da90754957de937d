"""What happened in a conversation, read from its threads: rules shared by the old reports.

Each function takes one conversation and returns plain values, which a report counts or averages.
`compat.core.facts` has the rules of waits and resolutions, which need all threads.
Whether a conversation counts at all is the business of `compat.core.counting.Filter`.

Imported threads are skipped, because imported replies were observed not to count. Drafts, hidden
threads and those in review are no messages and change no status. A thread whose type or state is
unknown fails what depends on it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, NamedTuple

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

CHATS: Final = FROM_CUSTOMERS & _FROM_USERS
"""Types of messages that can be a customer's or a user's: without its author one may be either."""

_SPOKEN: Final = FROM_CUSTOMERS | _FROM_USERS
_MAY_BE_SPOKEN: Final = _SPOKEN | {""}
_MAY_BE_A_CUSTOMERS: Final = FROM_CUSTOMERS | {""}
_MAY_BE_A_USERS: Final = _FROM_USERS | {""}
_MAY_BE_A_CHAT: Final = CHATS | {""}

_CLOSED: Final = "closed"


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
        UnknownValue: As in `talk`.
    """
    found = talk(activity, among=_MAY_BE_A_CUSTOMERS)
    return [thread for thread, is_reply in found if not is_reply]


def replies(activity: Activity, conventions: Conventions) -> list[Thread]:
    """The replies of users, in order of time, with the first message of a user's conversation.

    They are published messages by e-mail and chat (the vendor's page counts "new conversation
    email threads"); notes, phone calls and forwarded messages are none. A convention leaves out
    what workflows sent.

    Raises:
        UnknownValue: As in `talk`.
    """
    found = talk(activity, conventions.automatic_replies_count, _MAY_BE_A_USERS)
    return [thread for thread, is_reply in found if is_reply]


def closings(activity: Activity) -> list[Closing]:
    """The changes of the status to closed, in order of time, whatever caused them.

    A thread has the status that the conversation has after it, which need not be a change. So the
    threads are followed from the oldest on. A first thread that is closed is a closing (decided).

    Raises:
        UnknownValue: The state of a thread with a status is unknown.
    """
    found = []
    status: str | None = None
    for thread in activity.threads:
        if thread.status is None or not _takes_effect(activity, thread):
            continue
        if thread.status == _CLOSED != status:
            found.append(Closing(thread.created, sender(thread), thread.id))
        status = thread.status
    return found


def replies_within(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int] = ()
) -> list[Thread]:
    """The replies that were sent in a range; those of some users if any are given."""
    return [
        reply
        for reply in replies(activity, conventions)
        if _contains(within, reply.created) and (not users or sender(reply) in users)
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


def is_touched_by(activity: Activity, within: Interval, users: Collection[int]) -> bool:
    """Whether one of some users did something in a range that touched a conversation.

    Raises:
        UnknownValue: The state of such a thread is unknown.
    """
    first, last = within
    return any(
        first <= thread.created <= last
        and sender(thread) in users
        and thread.action not in IMPORTED
        and _state(activity, thread) != "draft"
        for thread in activity.threads
    )


def takes_part(activity: Activity, users: Collection[int]) -> bool:
    """Whether one of some users began a conversation, wrote a thread of it, or last closed it.

    A message in a chat may be theirs if upstream does not show who wrote it, and so may a thread
    of unknown type. So reports on users need its conversation, to refuse an answer that depends on
    it.
    """
    return (
        activity.created_by in users
        or activity.closed_by in users
        or any(
            sender(thread) in users or (not thread.by and thread.type in _MAY_BE_A_CHAT)
            for thread in activity.threads
        )
    )


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


def talk(
    activity: Activity,
    automatic_replies: bool = True,
    among: Collection[str] = _MAY_BE_SPOKEN,
) -> list[tuple[Thread, bool]]:
    """The messages of customers and the replies of users, in order of time.

    Args:
        activity: The conversation.
        automatic_replies: Whether what workflows sent is a reply.
        among: Only threads of these types; the empty text stands for an unknown one.

    Returns:
        Each thread, and whether it is a reply.

    Raises:
        UnknownValue: Upstream does not show who wrote in a chat, or the type of a thread, or
            whether a message was published.
    """
    found = []
    for thread in activity.threads:
        type_, by = thread.type, thread.by
        if type_ not in among or thread.action in IMPORTED or not is_published(activity, thread):
            continue
        if not type_:
            raise UnknownValue.of_thread(activity.row.id, thread, "type")
        if type_ == "customer":
            found.append((thread, False))
        elif not by and type_ in FROM_CUSTOMERS:
            raise UnknownValue.of_thread(activity.row.id, thread, "createdBy")
        elif by == "customer":
            if type_ in FROM_CUSTOMERS:
                found.append((thread, False))
        elif type_ in _FROM_USERS and (automatic_replies or not _is_automatic(thread)):
            found.append((thread, True))
    return found


def sender(thread: Thread) -> int:
    """The id of the user who wrote a thread; 0 if no user did, or it is unknown."""
    return thread.author if thread.by == "user" else 0


def _takes_effect(activity: Activity, thread: Thread) -> bool:
    """Whether a thread can change the status. Line items may have no state at all (observed)."""
    if thread.action in IMPORTED:
        return False
    if thread.type == "lineitem":
        return thread.state not in {"draft", "hidden"}
    return is_published(activity, thread)


def is_published(activity: Activity, thread: Thread) -> bool:
    """Whether a thread is no draft, not hidden and not in review; line items are not published.

    Raises:
        UnknownValue: Its state is unknown.
    """
    return _state(activity, thread) == "published"


def _state(activity: Activity, thread: Thread) -> str:
    """The state of a thread; empty only for line items.

    Raises:
        UnknownValue: It is unknown.
    """
    if not thread.state and thread.type != "lineitem":
        raise UnknownValue.of_thread(activity.row.id, thread, "state")
    return thread.state


def _is_automatic(thread: Thread) -> bool:
    return thread.source == "workflows" or "workflow" in thread.action


def _contains(interval: Interval, second: int) -> bool:
    return interval.first <= second <= interval.last
