"""Verdicts and fits as JSON. `compat.parity.verdicts` defines the published format of verdicts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, TextIO

from compat.config.settings import variable_name
from compat.parity.fit.disambiguate import SeparatingRequest
from compat.parity.fit.evaluate import Answer
from compat.parity.fit.result import Findings, NearCandidate
from compat.parity.verdicts import FORMAT, Summary, Verdict
from compat.v1.datetimes import format_epoch


class JsonWriter:
    """Writes verdicts as one object of the published format.

    Args:
        stream: Where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._before = f'{{"format": "{FORMAT}", "verdicts": [\n'

    def add(self, verdict: Verdict) -> None:
        """Write one verdict."""
        self._stream.write(self._before + verdict.model_dump_json(exclude_unset=True))
        self._before = ",\n"

    def finish(self, summary: Summary) -> None:
        """Write the summary and the end of the object."""
        if self._before != ",\n":
            self._stream.write(self._before)
        self._stream.write(f'\n], "summary": {summary.model_dump_json()}}}\n')


def fit_as_json(findings: Findings) -> str:
    """All findings of a fit as one JSON object."""
    fit, filtered = findings.fit, findings.filtered
    values = {
        "outcome": fit.outcome,
        "recommended": plain_values(fit.recommended),
        "environment": environment(fit.recommended),
        "unconfirmed": plain_values(fit.unconfirmed),
        "class": [plain_values(dict(each.changes)) for each in fit.members],
        "separatingRequests": [_separating_request(each) for each in findings.separating],
        "gone": round(fit.gone, 4),
        "captures": {
            "fitted": fit.fitted,
            "confirming": fit.confirming,
            "exact": fit.exact,
            "filteredEqual": filtered.equal,
            "filteredDifferent": filtered.different,
            "filteredByFolder": filtered.by_folder,
            "aside": Counter(each.reason for each in findings.aside),
        },
        "hints": [
            {"set": plain_values({name: value}), "more": more}
            for name, value, more in filtered.hints
        ],
        "tried": fit.tried,
        "complete": fit.complete,
        "untried": list(fit.untried),
        "nearest": [_near_candidate(each) for each in fit.nearest],
    }
    return json.dumps(values, indent=2)


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the conventions with values that JSON has."""
    return {name: plain_value(value) for name, value in values.items()}


def plain_value(value: Any) -> Any:
    """A value of a convention as JSON has it: sets become sorted lists."""
    return sorted(value) if isinstance(value, frozenset) else value


def environment(values: Mapping[str, Any]) -> dict[str, str]:
    """Fields of the conventions as environment variables."""
    return {
        variable_name(name): _variable_value(plain_value(value)) for name, value in values.items()
    }


def _variable_value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _separating_request(request: SeparatingRequest) -> dict[str, Any]:
    return {
        "target": request.target,
        "groups": [
            {
                "conventions": [plain_values(dict(member.changes)) for member in group],
                "answer": None if answer is None else _series(answer),
            }
            for group, answer in zip(request.groups, request.answers, strict=True)
        ],
    }


def _series(answer: Answer) -> dict[str, Any]:
    return {
        name: [{"start": format_epoch(start), "count": count} for start, count in points]
        for name, points in answer
    }


def _near_candidate(near: NearCandidate) -> dict[str, Any]:
    return {
        "changes": plain_values(dict(near.candidate.changes)),
        "of": near.of,
        "refutedBy": [
            {"place": record.place, "path": no.path, "old": no.old, "new": no.new}
            for record, no in near.refuted_by
        ],
    }
