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
from compat.core.activity import Closing
from compat.core.counting import Filter
from compat.core.facts import Wait, read
from compat.core.intervals import Interval
from compat.core.models import Activity, Thread

PLAIN = Conventions()
REPLIED = Conventions(response_base="replied")
COUNTED = Filter(PLAIN.counted_states, PLAIN.uncounted_statuses)


def waits_within(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int] = ()
) -> list[Wait]:
    """The waits of a range."""
    return read(activity, conventions).waits_within(within, users)


def resolved_within(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int] = ()
) -> int | None:
    """When a conversation was resolved in a range."""
    return read(activity, conventions).resolved_within(within, users)


@dataclass(frozen=True)
class Way:
    """One way to read threads; the real one unless a part is replaced."""

    counts: Callable[[Activity], bool] = lambda activity: COUNTED.matches(activity.row)
    messages: Callable[[Activity], Sequence[Thread]] = rules.customer_messages
    waits: Callable[..., Sequence[Wait]] = waits_within
    closings: Callable[[Activity], Sequence[Closing]] = rules.closings
    resolved: Callable[..., int | None] = resolved_within
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
            reply
            for each in counted
            for reply in rules.replies_within(each, within, conventions, users)
        ]
        helped = [rules.customers_helped(each, within, conventions, users) for each in counted]
        ended = [self.waits(each, within, conventions, users) for each in counted]
        found = [(each, self.resolved(each, within, conventions, users)) for each in counted]
        resolved = [(each, moment) for each, moment in found if moment is not None]
        needed = [read(each, conventions).replies_to_resolve() for each, _ in resolved]
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
            "customersHelped": len(frozenset().union(*helped)),
            "totalUsers": len({reply.author for reply in sent}),
            "days": rules.total_days(asked),
            "repliesPerDay": rules.per_day(len(sent), asked),
            "resolvedPerDay": rules.per_day(len(resolved), asked),
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
            "responseTime": office_hours.whole_seconds(mean(response)),
            "firstResponseTime": office_hours.whole_seconds(mean(first)),
        }


def spans(waits: Sequence[Wait]) -> float:
    """The mean length of some waits."""
    found = office_hours.mean_seconds([(wait.opened, wait.ended) for wait in waits], PLAIN)
    assert found is not None
    return found


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0
