"""The answers of the old reports on ratings as models."""

from __future__ import annotations

from pydantic import Field

from compat.v1.models_base import Answer, absent_if_none

# The keys of all models here are in the order of the documented examples.


class HappinessFigures(Answer):
    """How customers rated the replies of a range.

    Attributes:
        ratingsPercent: How many percent of the customers rated a reply.
        okay: How many percent of the ratings are okay.
        great: How many percent of the ratings are great.
        happinessScore: `great` less `notGood`: from -100 to 100.
        totalCustomersWithRatings: How many customers rated a reply.
        notGood: How many percent of the ratings are not good.
        totalCustomers: How many customers got a reply.
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


class Happiness(Answer):
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
