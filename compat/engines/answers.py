"""What every engine gives: an answer, how old it is, and which engine it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.core.models import Progress
from compat.v1.query import Query
from compat.v1.routes import Route

EngineName = Literal["computed", "totals", "relayed"]
"""Counted here from conversations, put together from upstream's totals, or translated from the
successor's own report."""


@dataclass(frozen=True)
class EngineAnswer:
    """An answer, and the age of what it rests on.

    Attributes:
        answer: The report, in the old API's shape.
        body: The same as the JSON that goes over the wire.
        as_of: Epoch seconds by upstream's clock: nothing in the answer is older than this.
        fresh_until: When it becomes too old to be given again, by `compat.clock.elapsed`.
        engine: Which engine it is from.
    """

    answer: BaseModel
    body: bytes
    as_of: int
    fresh_until: float
    engine: EngineName


Engine = Callable[[Route, Query, Conventions, Progress], EngineAnswer]
"""Answers a query by some conventions, and shows how far it has come."""
