"""Options of the simulated API: what the documentation leaves open, and faults."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PLAN_LIMITS = {"standard": 200, "plus": 400, "pro": 800}
"""Requests a minute by the account's plan."""

DESCRIPTION = "description"
"""The key of a field's metadata for its description."""

Plan = Literal["standard", "plus", "pro"]
ChangeKind = Literal[
    "arrive", "vanish", "merge", "return", "spam", "unspam", "close", "reopen", "assign", "move",
    "retag", "publish", "touch", "write", "reply", "note", "edit", "send", "erase", "rate",
]  # fmt: skip
"""Kinds of random changes."""


def _option(default: object, description: str) -> Any:
    """A field with its description; a rate is a share of requests, 0 to 1."""
    return field(default=default, metadata={DESCRIPTION: description})


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What the documentation leaves open, and the faults to inject.

    Each field has a description in its metadata. Equal seeds draw equal faults for equal
    requests in equal order.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    page_size: int = _option(25, "rows on a page of conversations")
    empty: Literal["array", "absent"] = _option(
        "array", "whether an empty list has an empty array or no _embedded at all"
    )
    past_end: Literal["empty", "not_found"] = _option(
        "empty", "whether a page past the last one is empty or a 404"
    )
    all_lists_spam: bool = _option(True, "whether status=all includes spam")
    report_end: Literal["included", "excluded"] = _option(
        "included", "whether reports count what was created in the very second of end"
    )
    report_rows: Literal["documented", "recorded"] = _option(
        "documented",
        "whether a drilldown's row has the keys of the vendor's page or those of a recording",
    )
    company_zone: str = _option("UTC", "the time zone of weekdays and hours in reports")
    index_fractions: bool = _option(
        False,
        "whether the index keeps the milliseconds of the times of creation and modification: "
        "ranges and order see them, payloads do not",
    )
    index_lag: float = _option(
        0.0, "seconds after which lists show a change; a single GET is current"
    )
    index_lag_lists: int = _option(0, "the same, counted in lists of conversations")
    embedded_chats: Literal["threads", "bodies", "whole"] = _option(
        "threads",
        "what conversations with their threads lose of a chat: all threads but the latest, the "
        "most of each text, or nothing",
    )
    embedded_threads: int | None = _option(
        None, "how many threads are shown inside a conversation at most, the latest ones"
    )
    ratings_modify: bool = _option(
        True, "whether a rating, which comes later than its reply, sets modifiedAt"
    )
    token_lifetime: float = _option(172_800, "seconds until a token expires")
    bad_client_status: Literal[400, 401] = _option(
        401, "the status for a wrong client id or secret"
    )
    revoke_rate: float = _option(0.0, "the share of requests before which all tokens are revoked")
    rate_limit: int | Literal["plan"] | None = _option(
        "plan",
        "requests a minute; plan goes by the plan, none is no limit and no headers about one",
    )
    limit_rate: float = _option(0.0, "the share answered 429 below the rate limit")
    limit_headers: Literal["both", "vendor", "standard", "none"] = _option(
        "both",
        "where a 429 says how long to wait: X-RateLimit-Retry-After, Retry-After, both, none",
    )
    limit_wait: int | None = _option(
        None, "the seconds that a 429 says to wait; none is to the end of the minute"
    )
    empty_page_rate: float = _option(
        0.0, "the share of lists with rows that come empty, their total still positive"
    )
    repeat_rate: float = _option(0.0, "the share of pages that show one of their rows twice")
    fail_rate: float = _option(0.0, "the share answered 500, 502, 503 or 504")
    drop_rate: float = _option(0.0, "the share whose connection is closed before any answer")
    cut_rate: float = _option(0.0, "the share whose connection is closed within the body")
    truncate_rate: float = _option(0.0, "the share whose JSON ends early in well-formed HTTP")
    garble_rate: float = _option(0.0, "the share whose JSON is damaged in well-formed HTTP")
    latency: float = _option(0.0, "seconds that every answer waits")
    latency_spread: float = _option(0.0, "further seconds at most, drawn for each answer")
    churn: float = _option(
        0.0, "how many changes are made before each list of conversations or threads, on average"
    )
    churn_of: tuple[ChangeKind, ...] = _option(
        get_args(ChangeKind), "the kinds of these changes, separated by commas"
    )
    seed: int = _option(1, "equal seeds draw equal data and equal faults")

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value, least = getattr(self, name), 1 if name == "page_size" else 0
            if name.endswith("_rate") and not 0 <= value <= 1:
                raise ValueError(f"{name} is a share from 0 to 1, not {value}")
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} is a finite number, not {value}")
            if isinstance(value, int | float) and value < least:
                raise ValueError(f"{name} is at least {least}, not {value}")
        try:
            ZoneInfo(self.company_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"company_zone knows no {self.company_zone}") from None
        if unknown := set(self.churn_of) - set(get_args(ChangeKind)):
            raise ValueError(f"churn_of knows no {', '.join(sorted(unknown))}")

    def limit(self, plan: Plan) -> int | None:
        """Requests a minute on this plan; None is no limit."""
        return PLAN_LIMITS[plan] if self.rate_limit == "plan" else self.rate_limit
