"""The answers of the old reports on ratings as models."""

from __future__ import annotations

from pydantic import Field

from compat.v1.models_base import Answer, Instant, TabularReport, absent_if_none

# The keys of all models here are in the order of the documented examples.


class HappinessFigures(Answer):
    """How customers rated the replies of a range.

    Attributes:
        ratingsPercent: How many percent of the customers rated a reply.
        okay: How many percent of the ratings are okay; `okayCount` is their number.
        great: How many percent of the ratings are great; `greatCount` is their number.
        happinessScore: `great` less `notGood`: from -100 to 100.
        totalCustomersWithRatings: How many customers rated a reply.
        ratingsCount: How many ratings there are. A customer can rate several replies.
        notGood: How many percent of the ratings are not good; `notGoodCount` is their number.
        totalCustomers: How many customers got a reply, each counted once.
    """

    ratingsPercent: float  # noqa: N815
    okay: float
    great: float
    happinessScore: float  # noqa: N815
    okayCount: int = Field(ge=0)  # noqa: N815
    totalCustomersWithRatings: int = Field(ge=0)  # noqa: N815
    notGoodCount: int = Field(ge=0)  # noqa: N815
    ratingsCount: int = Field(ge=0)  # noqa: N815
    notGood: float  # noqa: N815
    greatCount: int = Field(ge=0)  # noqa: N815
    totalCustomers: int = Field(ge=0)  # noqa: N815


class HappinessDeltas(Answer):
    """How these figures have changed since the range to compare with.

    Counts change by so many percent; what is a percentage or a score changes by the difference.
    """

    okay: float
    great: float
    okayCount: float  # noqa: N815
    happinessScore: float  # noqa: N815
    notGoodCount: float  # noqa: N815
    notGood: float  # noqa: N815
    greatCount: float  # noqa: N815


class Happiness(Answer, TabularReport):
    """The answer of `happiness.json`.

    Attributes:
        current: The figures of the requested range.
        previous: Those of the range to compare with. None if none was requested; this key and the
            next are then left out.
        deltas: The changes.
    """

    current: HappinessFigures
    previous: HappinessFigures | None = absent_if_none()
    deltas: HappinessDeltas | None = absent_if_none()


class FilterTag(Answer):
    """A tag by which reports can be filtered."""

    id: int
    name: str


class UserHappiness(Answer, TabularReport):
    """The answer of `user/happiness.json`.

    Attributes:
        filterTags: All tags by which reports can be filtered.
        current: As in `Happiness`.
        previous: As in `Happiness`.
        deltas: As in `Happiness`.
    """

    filterTags: tuple[FilterTag, ...]  # noqa: N815
    current: HappinessFigures
    previous: HappinessFigures | None = absent_if_none()
    deltas: HappinessDeltas | None = absent_if_none()


class RatingRow(Answer):
    """A rating in a list; the keys are spelled as in the old API.

    Attributes:
        number: The number of the conversation that users see; 0 if unknown.
        id: The id of the conversation.
        type: The type of the conversation; empty if unknown.
        threadid: The id of the message that was rated.
        ratingId: 1 great, 2 okay, 3 not good.
        ratingCustomerId: 0 if it is unknown who rated.
        ratingComments: What the customer wrote with the rating; empty if nothing.
        ratingCreatedAt: When the message was sent: upstream does not show when it was rated.
        ratingCustomerName: The e-mail address of a customer without a name.
        ratingUserId: Who wrote the message; 0 if that is no user, or unknown.
    """

    number: int
    id: int
    type: str
    threadid: int
    threadCreatedAt: Instant  # noqa: N815
    ratingId: int = Field(ge=1, le=3)  # noqa: N815
    ratingCustomerId: int  # noqa: N815
    ratingComments: str  # noqa: N815
    ratingCreatedAt: Instant  # noqa: N815
    ratingCustomerName: str  # noqa: N815
    ratingUserId: int  # noqa: N815
    ratingUserName: str  # noqa: N815


class Ratings(Answer, TabularReport):
    """The answer of `happiness/ratings.json` and `user/ratings.json`: one page of the list.

    Attributes:
        pages: The number of pages; 0 for an empty list.
        page: The number of this page.
        count: How many ratings the whole list has.
        results: The ratings on this page; empty after the last page.
    """

    pages: int
    page: int
    count: int
    results: tuple[RatingRow, ...]
