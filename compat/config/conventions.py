"""Rules of the old API that are not documented, each as a field of `Conventions`.

The vendor's pages leave questions open: is `end` included, what is the default `viewBy`, are
empty buckets listed? The default of each field is the most likely answer. A user who knows the
right answer for an account sets the field. The code reads these rules from here only.
"""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from compat.config.office_hours import is_time_zone, parse_office_hours

ViewBy = Literal["day", "week", "month"]
"""How long a bucket is: 24 hours, seven times 24 hours, or one calendar month."""

ResponseBase = Literal["resolved", "replied"]

MonthStep = Literal["clamped", "drifting", "thirty-days"]

StartSnap = Literal["exact", "midnight", "monday"]

_LISTED_STATES: Final = frozenset({"published", "draft", "hidden"})
COUNTING_FIELDS: Final = ("counted_states", "uncounted_statuses")
"""The fields that together must let something count."""

MAX_CLOCK_SHIFT: Final = 24 * 60
"""The most minutes by which the old API's clock may have differed."""

_STATUSES: Final = frozenset({"active", "open", "pending", "closed", "spam"})


class Conventions(BaseModel):
    """Every undocumented rule of the old API, with the project's choice as its default.

    Instances are frozen, hashable and comparable, so they can be part of a cache key.

    Raises:
        pydantic.ValidationError: A value is not among those a field allows, or asks for
            something that Mailbox API 2.0 cannot show (deleted conversations, past statuses).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_view_by: ViewBy = Field(
        default="week",
        description="The length of a bucket if a request has no `viewBy`.",
    )
    end_included: bool = Field(
        default=True,
        description="Whether a conversation created in the second of `end` counts.",
    )
    empty_buckets_listed: bool = Field(
        default=True,
        description="Whether a bucket without conversations is listed, with count 0.",
    )
    month_step: MonthStep = Field(
        default="clamped",
        description=(
            "Where buckets by month begin. `clamped`: calendar months counted from `start`, on "
            "the last day of a month that is too short (31 January, 28 February, 31 March). "
            "`drifting`: one month after the previous bucket (31 January, 28 February, 28 March). "
            "`thirty-days`: thirty times 24 hours."
        ),
    )
    start_snapped: StartSnap = Field(
        default="exact",
        description=(
            "Where a range begins. `exact`: at `start`. `midnight`: at the last midnight before "
            "it, in the company's time zone. `monday`: at midnight of the last Monday."
        ),
    )
    clock_shift_minutes: int = Field(
        default=0,
        ge=-MAX_CLOCK_SHIFT,
        le=MAX_CLOCK_SHIFT,
        description=(
            "By how many minutes the old API's clock was ahead when it compared creation times "
            "with `start` and `end`; less than 0 if it was behind."
        ),
    )
    counted_states: frozenset[str] = Field(
        default=frozenset({"published"}),
        description="The states of conversations that count: of `published`, `draft`, `hidden`.",
    )
    uncounted_statuses: frozenset[str] = Field(
        default=frozenset({"spam"}),
        description=(
            "The statuses that do not count: of `active`, `open`, `pending`, `closed`, `spam`; "
            "or `none`. If `spam` is not among them, spam is read from a second list, because "
            "the list of all conversations may not contain it."
        ),
    )
    judged: Literal["when-asked"] = Field(
        default="when-asked",
        description=(
            "Status, state, tags, mailbox and folder are those at the time of the request. There "
            "is no other choice: Mailbox API 2.0 does not show earlier ones."
        ),
    )
    tags_match: Literal["any", "all"] = Field(
        default="any",
        description="Whether a conversation must have one of the requested tags, or all of them.",
    )
    untagged_tag: int | None = Field(
        default=1,
        ge=1,
        description="The tag id that selects conversations without a tag; none if unset.",
    )
    repeated_parameter: Literal["first", "last"] = Field(
        default="first",
        description="Which value is used if a parameter that is not a list is sent more than once.",
    )
    date_only_end: Literal["midnight", "last-second"] = Field(
        default="midnight",
        description="What an `end` without a time means: 00:00:00 or 23:59:59 of that day.",
    )
    compact_offsets: bool = Field(
        default=True,
        description="Whether an offset without a colon (`+0100`) is accepted.",
    )
    company_time_zone: str = Field(
        default="UTC",
        description=(
            "The company's time zone, with its name in the time zone database, such as "
            "`Europe/Berlin`. It decides weekdays, hours and midnights. Mailbox API 2.0 does not "
            "show it."
        ),
    )
    response_base: ResponseBase = Field(
        default="resolved",
        description=(
            "Which conversations response and resolution times are about. `resolved`: those "
            "resolved in the range, with all of their waits. `replied`: those replied to in the "
            "range, with the waits that ended in it; they count as resolved if they were resolved "
            "in it, too."
        ),
    )
    resolved_at: Literal["last-closing", "first-closing"] = Field(
        default="last-closing",
        description=(
            "When a conversation counts as resolved. `last-closing`: when it was last closed, if "
            "it is closed now. `first-closing`: when it was first closed after a reply, even if "
            "it was opened again."
        ),
    )
    first_reply_share: Literal["fraction", "percent"] = Field(
        default="fraction",
        description=(
            "How `percentResolvedOnFirstReply` is written. `fraction`: from 0 to 1. `percent`: "
            "from 0 to 100."
        ),
    )
    automatic_replies_count: bool = Field(
        default=True,
        description="Whether a reply that a workflow sent counts as a reply of a user.",
    )
    office_hours: str | None = Field(
        default=None,
        description=(
            "The hours of the week in which waits count, if a request has `officeHours=1`: days "
            "with times, separated by commas, and at the end a time zone if it is not the "
            "company's, such as `mon-fri 09:00-12:00, mon-fri 13:00-17:30, sat 10:00-14:00, "
            "Europe/Berlin`. If unset, `officeHours=1` changes nothing, as in accounts without "
            "office hours. Mailbox API 2.0 does not show them."
        ),
    )
    max_buckets: int = Field(
        default=3700,
        ge=1,
        le=1_000_000,
        description="The highest number of buckets in a range; a request for more is refused.",
    )
    max_days_by_day: int | None = Field(
        default=None, ge=1, description="The longest range by day, in days; no limit if unset."
    )
    max_days_by_week: int | None = Field(
        default=None, ge=1, description="The longest range by week, in days; no limit if unset."
    )
    min_days_by_month: int | None = Field(
        default=None, ge=1, description="The shortest range by month, in days; no limit if unset."
    )

    @field_validator("judged", mode="before")
    @classmethod
    def _reject_past_values(cls, value: object) -> object:
        if value != "when-asked":
            raise ValueError(
                "Mailbox API 2.0 shows only the present status, state and tags of a "
                "conversation; 'when-asked' is the one value that can be honoured"
            )
        return value

    @field_validator("company_time_zone")
    @classmethod
    def _check_time_zone(cls, name: str) -> str:
        if not is_time_zone(name):
            raise ValueError(
                "no time zone of that name is known here (where none is, pip install tzdata)"
            )
        return name

    @field_validator("office_hours")
    @classmethod
    def _check_office_hours(cls, text: str | None) -> str | None:
        if text is not None:
            parse_office_hours(text)
        return text

    @field_validator("counted_states")
    @classmethod
    def _check_states(cls, states: frozenset[str]) -> frozenset[str]:
        if "deleted" in states:
            raise ValueError(
                "deleted conversations cannot be counted: Mailbox API 2.0 no longer lists them"
            )
        return _check_choices(states, _LISTED_STATES)

    @field_validator("uncounted_statuses")
    @classmethod
    def _check_statuses(cls, statuses: frozenset[str]) -> frozenset[str]:
        return _check_choices(statuses, _STATUSES)

    @model_validator(mode="after")
    def _check_something_counts(self) -> Self:
        if not self.counted_states or self.uncounted_statuses == _STATUSES:
            raise ValueError("with these states and statuses no conversation could ever count")
        return self


def _check_choices(values: frozenset[str], allowed: frozenset[str]) -> frozenset[str]:
    if not values <= allowed:
        raise ValueError(f"each must be one of {', '.join(sorted(allowed))}")
    return values
