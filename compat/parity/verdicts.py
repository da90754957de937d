"""What a check says, as data: the JSON of these models is a published format."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from compat.parity.compare import Kind

FORMAT: Final = "helpscout-v1-parity/1"
"""Names the published format; another number when its readers would have to change."""

Outcome = Literal[
    "equal", "different", "ignored", "elsewhere", "inconclusive", "unasked", "unreadable"
]

OUTCOMES: Final[Mapping[Outcome, str]] = {
    "equal": "The answer of today says the same as the recorded one.",
    "different": "It does not, and no rule says that this is all right.",
    "ignored": "It does not, and a rule gives a reason for each difference.",
    "elsewhere": "The request is for another route than those that are answered.",
    "inconclusive": "The recorded answer is an error that says nothing of the question, such as "
    "a refused key or a rate limit.",
    "unasked": "No answer could be had today.",
    "unreadable": "It is no capture.",
}
"""What can come of a capture."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(_Told):
    """A place where two answers differ."""

    path: str = Field(description="Where, such as `current[3].count`.")
    kind: Kind = Field(
        description="In which way: `value` or `type` is another, the key is `missing` now or is "
        "`extra`, the `length` of a list or the `order` of keys is another, a `body` is no JSON, "
        "or the HTTP `status` is another."
    )
    old: JsonValue = Field(
        default=None, description="What was recorded; not there where only today's answer has it."
    )
    new: JsonValue = Field(
        default=None, description="What is answered now; not there where only the old one has it."
    )
    ignored: str | None = Field(description="The reason of the rule that ignores it, if one does.")


class Verdict(_Told):
    """What came of one capture."""

    place: str = Field(description="Where it was read: `old.jsonl:12`, `site.har#3`.")
    target: str | None = Field(description="Path and query; null if unreadable.")
    taken_at: datetime | None = Field(description="When it was recorded; null if unknown.")
    outcome: Outcome = Field(description="What came of it.")
    reason: str | None = Field(
        description="Why it could not be compared; or what an error of today says."
    )
    differences: tuple[Place, ...] = Field(description="All of them, also those ignored.")
    deltas: dict[str, int] = Field(
        description="Of each series, by how much the new total is larger."
    )
    old: JsonValue = Field(default=None, description="The recorded answer, if today's differs.")
    new: JsonValue = Field(default=None, description="The answer of today, if it differs.")


class RuleUsed(_Told):
    """A rule by which differences are ignored, and whether it still is of use."""

    reason: str
    place: str | None
    target: str | None
    path: str | None
    kind: Kind | None
    matched: int = Field(description="Differences that it matched; a rule with 0 has to go.")


class Summary(_Told):
    """The whole check in numbers."""

    captures: int = Field(description="How many there were, of every outcome.")
    outcomes: dict[Outcome, int] = Field(description="How many of each; all are listed.")
    exit_status: Literal[0, 1, 2, 3] = Field(
        description="0 equal, 1 different, 2 nothing was compared or a rule matched nothing, "
        "3 some could not be asked."
    )
    conclusion: str = Field(description="The same as a sentence.")
    asked_at: datetime = Field(description="When the check began.")
    engine: str | None = Field(description="The engine that was chosen, if one was.")
    rules: tuple[RuleUsed, ...]


class Report(_Told):
    """What `helpscout-v1 parity check` says of some captures."""

    format: Literal["helpscout-v1-parity/1"]
    verdicts: tuple[Verdict, ...] = Field(description="In the order of the captures.")
    summary: Summary


class VerdictWriter(Protocol):
    """Tells verdicts as they come, in some form."""

    def add(self, verdict: Verdict) -> None:
        """Tell one verdict."""

    def finish(self, summary: Summary) -> None:
        """Tell what all of them come to; nothing is added afterwards."""


def schema() -> dict[str, Any]:
    """The published JSON schema of a report."""
    made = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
