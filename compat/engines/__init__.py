"""Engines compute the answer to a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

EngineName = Literal["computed", "totals", "relayed"]
"""Counted here from conversations, counted from the totals of upstream's lists, or translated
from the successor's own report."""


@dataclass(frozen=True)
class EngineAnswer:
    """An answer, and the age of its data.

    Attributes:
        answer: The report in the old API's form.
        body: The same report as JSON in UTF-8.
        as_of: Epoch seconds by upstream's clock: no data in the answer is older.
        fresh_until: Seconds of `compat.clock.elapsed`: from then on the answer is too old to be
            used again.
        engine: The engine that computed it.
    """

    answer: BaseModel
    body: bytes
    as_of: int
    fresh_until: float
    engine: EngineName
