"""The result of a check, as data. The JSON of these models is a published format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from compat.parity.compare import Kind

FORMAT: Final = "helpscout-v1-parity/1"
"""The name of the published format. The number changes when readers of it have to change."""

Outcome = Literal[
    "equal",
    "different",
    "ignored",
    "elsewhere",
    "inconclusive",
    "unasked",
    "unreadable",
    "damaged",
]

OUTCOMES: Final[Mapping[Outcome, str]] = {
    "equal": "The answer of today says the same as the recorded one.",
    "different": "It does not, and no rule says that this is all right.",
    "ignored": "It does not, and a rule gives a reason for each difference.",
    "elsewhere": "The request is for another route than those that are answered.",
    "inconclusive": "The recorded answer says nothing of the question: a refused key, a rate "
    "limit, a redirect or a page of HTML.",
    "unasked": "No answer could be had today.",
    "unreadable": "It is no capture.",
    "damaged": "The file is damaged here: there may be more captures that were not read.",
}
"""All outcomes, with their meaning."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(_Model):
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


class Verdict(_Model):
    """What came of one capture."""

    place: str = Field(description="Where it was read: `old.jsonl:12`, `site.har#3`.")
    target: str | None = Field(description="Path and query; null if unreadable or damaged.")
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


class RuleUsed(_Model):
    """A rule by which differences are ignored, and whether it still is of use."""

    reason: str
    place: str | None
    target: str | None
    path: str | None
    kind: Kind | None
    matched: int = Field(description="Differences that it matched; a rule with 0 has to go.")


class Summary(_Model):
    """The whole check in numbers."""

    captures: int = Field(description="How many there were, of every outcome.")
    outcomes: dict[Outcome, int] = Field(description="How many of each; all are listed.")
    exit_status: Literal[0, 1, 2, 3] = Field(
        description="0 equal, 1 different, 2 nothing was compared, a rule matched nothing or a "
        "file is damaged, 3 some could not be asked."
    )
    conclusion: str = Field(description="The same as a sentence.")
    asked_at: datetime = Field(description="When the check began.")
    engine: str | None = Field(description="The engine that was chosen, if one was.")
    rules: tuple[RuleUsed, ...]


class Report(_Model):
    """What `helpscout-v1 parity check` says of some captures."""

    format: Literal["helpscout-v1-parity/1"]
    verdicts: tuple[Verdict, ...] = Field(description="In the order of the captures.")
    summary: Summary


class VerdictWriter(Protocol):
    """Writes verdicts in one format."""

    def add(self, verdict: Verdict) -> None:
        """Write one verdict."""

    def finish(self, summary: Summary) -> None:
        """Write the summary; nothing is added afterwards."""


_COMPARED: Final = frozenset({"equal", "different", "ignored", "unasked"})


class VerdictCounts:
    """Counts verdicts and summarises them. It can be shown as progress.

    Attributes:
        received: How many verdicts were counted.
        expected: Always 0: the number of captures is not known in advance.

    Args:
        engine: The engine that was chosen, if one was.
    """

    def __init__(self, engine: str | None = None) -> None:
        self._engine = engine
        self._began = datetime.now(UTC).replace(microsecond=0)
        self._counts: Counter[Outcome] = Counter()
        self.received = 0
        self.expected = 0

    def count(self, verdict: Verdict) -> None:
        """Count a verdict."""
        self._counts[verdict.outcome] += 1
        self.received += 1

    def summary(self, rules: Sequence[RuleUsed] = ()) -> Summary:
        """The summary of all verdicts counted so far.

        The first fault that applies decides the exit status. A difference is certain, so it comes
        first. Answers that could not be had and damaged files come before idle rules, because a
        rule may be idle for that reason alone.

        Args:
            rules: The rules for differences, with how often each matched.
        """
        counts = self._counts
        idle = [rule.reason for rule in rules if not rule.matched]
        faults: tuple[tuple[bool, Any, str], ...] = (
            (bool(counts["different"]), 1, "Some answers differ."),
            (bool(counts["unasked"]), 3, "Some could not be asked."),
            (bool(counts["damaged"]), 2, "Some files are damaged and were not read completely."),
            (bool(idle), 2, f"Some rules ignored nothing and have to go: {'; '.join(idle)}."),
            (not counts.keys() & _COMPARED, 2, "Nothing could be compared."),
        )
        found = [(status, sentence) for applies, status, sentence in faults if applies]
        if not found:
            known = "All differences are ignored for a reason."
            found = [(0, known if counts["ignored"] else "All answers are equal.")]
        return Summary(
            captures=counts.total(),
            outcomes={outcome: counts[outcome] for outcome in OUTCOMES},
            exit_status=found[0][0],
            conclusion=" ".join(sentence for _, sentence in found),
            asked_at=self._began,
            engine=self._engine,
            rules=tuple(rules),
        )


def schema() -> dict[str, Any]:
    """The published JSON schema of a report."""
    model = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model}
