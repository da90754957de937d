"""How customers rated the replies of a range: rules shared by the reports on ratings.

Upstream does not show when a reply was rated. So a rating belongs to the range in which the reply
was created (decided).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from compat.core.activity import IMPORTED, customers_helped, is_published
from compat.core.counting import RatingCounts
from compat.core.intervals import Interval
from compat.core.models import UNKNOWN_RATING, UnknownValue

if TYPE_CHECKING:
    from compat.config.conventions import Conventions
    from compat.core.models import Activity, Rating, Thread


def rated_within(
    activity: Activity, within: Interval, users: Collection[int] = ()
) -> list[tuple[Thread, Rating]]:
    """The threads of a range that were rated, with their ratings, in order of time.

    Drafts, hidden and imported threads are left out.

    Args:
        activity: The conversation.
        within: The range, epoch seconds UTC, both ends included.
        users: Only what one of these users wrote; all if empty.

    Raises:
        UnknownValue: A rating is none that is known, or the state of a rated thread is unknown.
    """
    found = []
    for thread in activity.threads:
        if (
            thread.rating is not None
            and within.first <= thread.created <= within.last
            and thread.action not in IMPORTED
            and (not users or (thread.by == "user" and thread.author in users))
            and is_published(activity, thread)
        ):
            if thread.rating.value == UNKNOWN_RATING:
                raise UnknownValue.of_thread(activity.row.id, thread, "rating")
            found.append((thread, thread.rating))
    return found


def rater(activity: Activity, thread: Thread, rating: Rating) -> int:
    """The id of the customer who rated: if it is unknown, the one that the thread belongs to.

    Returns:
        0 if that is unknown as well.
    """
    return rating.customer or thread.customer or activity.customer


class RatingTally:
    """Adds up the ratings of a range; a customer counts once, in however many conversations.

    Args:
        within: The range, epoch seconds UTC, both ends included.
        conventions: Whether automatic replies help a customer.
        users: Only what one of these users wrote; all if empty.

    Attributes:
        ratings: How many replies have a rating, by its value.
        raters: The ids of the customers who rated one.
        helped: The ids of the customers who got a reply.
    """

    def __init__(
        self, within: Interval, conventions: Conventions, users: Collection[int] = ()
    ) -> None:
        self._within = within
        self._conventions = conventions
        self._users = users
        self.ratings: Counter[int] = Counter()
        self.raters: set[int] = set()
        self.helped: set[int] = set()

    def add(self, activity: Activity) -> None:
        """Add a conversation that counts. What its threads outside the range are, does not matter.

        Raises:
            UnknownValue: As in `rated_within`, and in `compat.core.activity.talk`.
        """
        first, last = self._within
        own = tuple(each for each in activity.threads if first <= each.created <= last)
        within = activity._replace(threads=own)
        for thread, rating in rated_within(within, self._within, self._users):
            self.ratings[rating.value] += 1
            self.raters.add(rater(activity, thread, rating))
        self.helped |= customers_helped(within, self._within, self._conventions, self._users)

    def counts(self) -> RatingCounts:
        """The numbers so far."""
        great, okay, not_good = (self.ratings[value] for value in (1, 2, 3))
        return RatingCounts(great, okay, not_good, len(self.raters - {0}), len(self.helped - {0}))


def count_ratings(
    activities: Iterable[Activity],
    within: Interval,
    conventions: Conventions,
    users: Collection[int] = (),
) -> RatingCounts:
    """The numbers of some conversations, as `RatingTally` adds them up.

    Raises:
        UnknownValue: As in `rated_within`, and in `compat.core.activity.talk`.
    """
    tally = RatingTally(within, conventions, users)
    for activity in activities:
        tally.add(activity)
    return tally.counts()
