"""How friendly the simulated API is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PLAN_LIMITS = {"standard": 200, "plus": 400, "pro": 800}
"""Requests a minute by the account's plan."""

Plan = Literal["standard", "plus", "pro"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The choices that the documentation leaves open, and the faults to be expected.

    Attributes:
        page_size: rows on a page of conversations.
        empty: an empty list has an empty array, or no ``_embedded`` at all.
        past_end: a page past the last one is empty, or a 404.
        all_lists_spam: ``status=all`` includes spam.
        index_fractions: the index keeps milliseconds of the creation time: ranges and order
            see them, payloads do not.
        token_lifetime: seconds until a token expires.
        bad_client_status: how a wrong client id or secret is answered.
        rate_limit: requests a minute; ``"plan"`` goes by the plan, None is no limit and no
            headers about one.
        empty_page_with_total_every: every n-th list of conversations that has rows comes empty
            while its total says otherwise; 0 is never.
        repeat_rows: now and then a page shows one of its rows twice.
        fail_rate: the share of requests, from 0 to 1, that is answered 500, 502, 503 or 504.
        drop_rate: the share whose connection is closed before the body is complete.
        truncate_rate: the share whose body is cut short or garbled, though HTTP is well-formed.
        latency: seconds that every answer waits.
        seed: chooses which requests the faults hit.
    """

    page_size: int = 25
    empty: Literal["array", "absent"] = "array"
    past_end: Literal["empty", "not_found"] = "empty"
    all_lists_spam: bool = True
    index_fractions: bool = False
    token_lifetime: int = 172_800
    bad_client_status: Literal[400, 401] = 401
    rate_limit: int | Literal["plan"] | None = "plan"
    empty_page_with_total_every: int = 0
    repeat_rows: bool = False
    fail_rate: float = 0.0
    drop_rate: float = 0.0
    truncate_rate: float = 0.0
    latency: float = 0.0
    seed: int = 1

    def limit(self, plan: Plan) -> int | None:
        """Requests a minute on this plan; None is no limit."""
        return PLAN_LIMITS[plan] if self.rate_limit == "plan" else self.rate_limit
