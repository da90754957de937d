"""What happened in a conversation, found out once: what reports on users and replies count.

`read` goes through the threads; the methods of `Facts` then answer questions about ranges.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from compat.core.activity import Closing, closings, sender, talk

if TYPE_CHECKING:
    from compat.config.conventions import Conventions, ResponseBase
    from compat.core.intervals import Interval
    from compat.core.models import Activity, Thread

_CLOSED = "closed"


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


class Facts(NamedTuple):
    """What happened in one conversation.

    Attributes:
        activity: The conversation.
        replies: As in `compat.core.activity.replies`.
        waits: The waits that a reply ended, in order of time. A wait opens with the first message
            of a customer after the last reply; further messages do not open another one (decided).
        closings: As in `compat.core.activity.closings`.
        resolved: When it was resolved, epoch seconds UTC; None if it was not.
        base: Which waits and resolutions count in a range, as the convention says.
    """

    activity: Activity
    replies: list[Thread]
    waits: list[Wait]
    closings: list[Closing]
    resolved: int | None
    base: ResponseBase

    def replies_to_resolve(self) -> int:
        """How many replies were sent until it was resolved; 0 if it was not.

        It was resolved on the first reply if this is 1: "exactly one reply", by the vendor's page.
        """
        resolved = self.resolved
        if resolved is None:
            return 0
        return sum(reply.created <= resolved for reply in self.replies)

    def is_resolved_by(self, users: Collection[int]) -> bool:
        """Whether one of some users helped to resolve it.

        Those did who had replied by then, at any time, no matter who closed it: in recorded answers
        users have more resolutions than closings, and more than replies in the range.
        """
        resolved = self.resolved
        return resolved is not None and any(
            each.created <= resolved and sender(each) in users for each in self.replies
        )

    def resolved_within(self, within: Interval, users: Collection[int] = ()) -> int | None:
        """When it was resolved, if it counts as resolved in a range; else None.

        With the base `replied`, a reply must have been sent in the range, too.

        Args:
            within: The range, epoch seconds UTC, both ends included.
            users: Only what one of these users helped to resolve; of all users if empty.
        """
        resolved = self.resolved
        if resolved is None or not within.first <= resolved <= within.last:
            return None
        if users and not self.is_resolved_by(users):
            return None
        if self.base == "resolved" or self.replies_within(within, users):
            return resolved
        return None

    def waits_within(self, within: Interval, users: Collection[int] = ()) -> list[Wait]:
        """The waits that count in a range; their mean is the conversation's response time there.

        With the base `resolved` these are all of its waits, if it was resolved in the range; with
        `replied`, those that ended in the range.

        Args:
            within: The range, epoch seconds UTC, both ends included.
            users: Only waits that one of these users ended, of what they helped to resolve if that
                is the base; all if empty.
        """
        first, last = within
        if self.base == "replied":
            found = [each for each in self.waits if first <= each.ended <= last]
        else:
            found = [] if self.resolved_within(within, users) is None else self.waits
        return [each for each in found if each.user in users] if users else found

    def replies_within(self, within: Interval, users: Collection[int] = ()) -> list[Thread]:
        """The replies that were sent in a range; those of some users if any are given."""
        first, last = within
        return [
            each
            for each in self.replies
            if first <= each.created <= last and (not users or sender(each) in users)
        ]

    def closed_within(self, within: Interval, users: Collection[int] = ()) -> bool:
        """Whether it was closed in a range, for whatever reason; or by one of some users."""
        first, last = within
        return any(
            first <= each.at <= last and (not users or each.user in users) for each in self.closings
        )


def read(activity: Activity, conventions: Conventions) -> Facts:
    """What happened in a conversation.

    Raises:
        UnknownValue: As in `compat.core.activity.talk` and `closings`.
    """
    replies: list[Thread] = []
    waits: list[Wait] = []
    opened: int | None = None
    for thread, is_reply in talk(activity, conventions.automatic_replies_count):
        if is_reply:
            replies.append(thread)
            if opened is not None:
                first = not waits and not activity.created_by
                waits.append(Wait(opened, thread.created, sender(thread), first))
                opened = None
        elif opened is None:
            opened = thread.created
    closed = closings(activity)
    resolved = _resolved(activity, replies, closed, conventions) if replies else None
    return Facts(activity, replies, waits, closed, resolved, conventions.response_base)


def _resolved(
    activity: Activity, replies: list[Thread], closed: list[Closing], conventions: Conventions
) -> int | None:
    """When a conversation that had a reply was resolved, epoch seconds UTC; None if it was not.

    It counts once (by the vendor's page). A convention says which closing counts: the last one, if
    it is closed now, or the first one after a reply. Where upstream does not show when it was last
    closed, the threads say so.
    """
    answered = replies[0]
    if conventions.resolved_at == "first-closing":
        reply = (answered.created, answered.id)
        return next((each.at for each in closed if (each.at, each.thread) >= reply), None)
    if activity.row.status != _CLOSED:
        return None
    last = activity.closed
    if last is None:
        last = max((each.at for each in closed), default=None)
    return last if last is not None and answered.created <= last else None
