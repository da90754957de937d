"""The figures of a range, made of the rules one by one, as reports make them.

The rules are arguments, so that the same checks judge the real ones and the planted bugs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from compat.config.conventions import Conventions
from compat.core import activity as rules
from compat.core import office_hours
from compat.core.activity import Closing, Wait
from compat.core.counting import Filter
from compat.core.intervals import Interval
from compat.core.models import Activity, Thread

PLAIN = Conventions()
REPLIED = Conventions(response_base="replied")
COUNTED = Filter(PLAIN.counted_states, PLAIN.uncounted_statuses)


def credited_to_repliers(
    activity: Activity, users: Collection[int], resolved: int, conventions: Conventions
) -> bool:
    """Whether one of the users helped to resolve a conversation."""
    sent = rules.replies(activity, conventions)
    return not users or any(each.author in users for each in sent if each.created <= resolved)


@dataclass(frozen=True)
class Way:
    """One way to read threads; the real one unless a part is replaced."""

    counts: Callable[[Activity], bool] = lambda activity: COUNTED.matches(activity.row)
    messages: Callable[[Activity], Sequence[Thread]] = rules.customer_messages
    replies: Callable[[Activity, Conventions], Sequence[Thread]] = rules.replies
    waits: Callable[[Activity, Interval, Conventions], Sequence[Wait]] = rules.waits_within
    closings: Callable[[Activity], Sequence[Closing]] = rules.closings
    resolved: Callable[[Activity, Interval, Conventions], int | None] = rules.resolved_within
    credited: Callable[[Activity, Collection[int], int, Conventions], bool] = credited_to_repliers
    whole: Callable[[float | None], int] = office_hours.whole_seconds
    end_included: bool = True

    def figures(
        self,
        activities: Sequence[Activity],
        asked: Interval,
        conventions: Conventions = PLAIN,
        users: Collection[int] = (),
    ) -> dict[str, Any]:
        """The figures of a range; of some users if any are given."""
        within = asked if self.end_included else Interval(asked.first, asked.last - 1)
        counted = [each for each in activities if self.counts(each)]
        sent = [
            (each, reply)
            for each in counted
            for reply in self.replies(each, conventions)
            if within.first <= reply.created <= within.last and (not users or reply.author in users)
        ]
        ended = [
            [
                wait
                for wait in self.waits(each, within, conventions)
                if not users or wait.user in users
            ]
            for each in counted
        ]
        found = [(each, self.resolved(each, within, conventions)) for each in counted]
        resolved = [
            (each, moment)
            for each, moment in found
            if moment is not None and self.credited(each, users, moment, conventions)
        ]
        needed = [rules.replies_to_resolve(each, conventions) for each, _ in resolved]
        response = [spans(each) for each in ended if each]
        first = [spans([wait]) for each in ended for wait in each if wait.first]
        return {
            "total": sum(rules.is_touched(each, within) for each in counted),
            "messagesReceived": sum(
                within.first <= message.created <= within.last
                for each in counted
                for message in self.messages(each)
            ),
            "repliesSent": len(sent),
            "customersHelped": len(
                frozenset().union(
                    *({reply.customer or each.customer} for each, reply in sent),
                )
            ),
            "totalUsers": len({reply.author for _, reply in sent}),
            "closed": sum(
                any(
                    within.first <= closing.at <= within.last
                    and (not users or closing.user in users)
                    for closing in self.closings(each)
                )
                for each in counted
            ),
            "resolved": len(resolved),
            "resolvedOnFirstReply": needed.count(1),
            "percentFraction": rules.first_reply_share(needed.count(1), len(resolved), conventions),
            "repliesToResolve": mean(needed),
            "resolutionTime": mean([moment - each.row.created for each, moment in resolved]),
            "responseTimes": sorted(response),
            "firstResponseTimes": sorted(first),
            "responseTime": self.whole(mean(response)),
            "firstResponseTime": self.whole(mean(first)),
        }


def spans(waits: Sequence[Wait]) -> float:
    """The mean length of some waits."""
    found = office_hours.mean_seconds([(wait.opened, wait.ended) for wait in waits], PLAIN)
    assert found is not None
    return found


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0
