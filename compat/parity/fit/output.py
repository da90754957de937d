"""A fit told: as TOML with comments for a person, and as JSON for a program."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from compat.config.conventions import Conventions
from compat.config.settings import variable_name
from compat.parity.fit.candidates import Candidate
from compat.parity.fit.disambiguate import Separating
from compat.parity.fit.result import Findings
from compat.parity.fit.search import Near
from compat.v1.datetimes import format_epoch

_SHOWN: Final = 12
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")

_VERDICTS: Final = {
    "fits": "The conventions in force explain the captures: there is nothing to adopt.",
    "adopt": "Other conventions explain the captures, and those in force do not: adopt them.",
    "undecided": "Other conventions explain the captures. Which of them these captures do not "
    "tell, so nothing is recommended.",
    "none": "None of the conventions that were tried explains the captures: nothing is "
    "recommended.",
}


def as_toml(findings: Findings, account: str) -> str:
    """The settings to adopt as TOML for the file of accounts; all else as comments in it."""
    fit = findings.fit
    comments = [
        _VERDICTS[fit.outcome],
        "",
        *_counts(findings),
        *_unconfirmed(fit.unconfirmed, complete=fit.complete),
        *_class(findings),
        *_separating(findings.separating),
        *_nearest(fit.nearest),
        *_filtered(findings),
    ]
    lines = [f"# {line}".rstrip() for line in comments]
    return "\n".join([*lines, *_table(fit.recommended, account)]) + "\n"


def as_json(findings: Findings) -> str:
    """The whole of it as one JSON object."""
    fit, filtered = findings.fit, findings.filtered
    told = {
        "outcome": fit.outcome,
        "recommended": _plain(fit.recommended),
        "environment": _environment(fit.recommended),
        "unconfirmed": _plain(fit.unconfirmed),
        "class": [_plain(dict(each.changes)) for each in fit.members],
        "separatingRequests": [_request(each) for each in findings.separating],
        "gone": round(fit.gone, 4),
        "captures": {
            "fitted": fit.fitted,
            "confirming": fit.confirming,
            "exact": fit.exact,
            "filteredEqual": filtered.equal,
            "filteredDifferent": filtered.different,
            "filteredByFolder": filtered.apart,
            "aside": Counter(each.reason for each in findings.aside),
        },
        "hints": [
            {"set": _plain({name: value}), "more": more} for name, value, more in filtered.hints
        ],
        "tried": fit.tried,
        "complete": fit.complete,
        "nearest": [_near(each) for each in fit.nearest],
    }
    return json.dumps(told, indent=2)


def _counts(findings: Findings) -> Iterator[str]:
    fit = findings.fit
    yield f"{fit.tried} conventions tried on {fit.fitted} captures, held against {fit.confirming}."
    if not fit.complete:
        yield "There was no time for all of them, so nothing counts as identified: give it more."
    if not fit.confirming or not fit.fitted:
        yield "There are too few captures to find with one half and confirm with the other."
    if fit.members:
        yield (
            f"{fit.exact} captures agree exactly; in all, {fit.gone:.1%} of the conversations "
            "have gone since."
        )
    for reason, number in Counter(each.reason for each in findings.aside).items():
        places = [each.place for each in findings.aside if each.reason == reason]
        yield f"{number} captures say nothing ({reason}): {_few(places)}"


def _unconfirmed(values: Mapping[str, Any], *, complete: bool) -> Iterator[str]:
    if values:
        yield ""
        why = "one half of the captures alone shows it" if complete else "the search was cut short"
        yield f"Likely, and not recommended, because {why}: {_spelled(values)}"


def _class(findings: Findings) -> Iterator[str]:
    members = findings.fit.members
    if len(members) < 2:
        return
    yield ""
    yield f"These captures do not tell {len(members)} conventions apart, {_SHOWN} at most shown:"
    for each in members[:_SHOWN]:
        yield f"  {_named(each)}"
    yield "What is open:"
    for name, values in _open(members).items():
        yield f"  {name}: {_few([_toml(value) for value in values])}"


def _open(members: Sequence[Candidate]) -> dict[str, list[Any]]:
    """The fields on which the members of a class do not agree, and their values."""
    values = {
        name: list(dict.fromkeys(getattr(each.conventions, name) for each in members))
        for name in Conventions.model_fields
    }
    return {name: each for name, each in values.items() if len(each) > 1}


def _separating(requests: Sequence[Separating]) -> Iterator[str]:
    if not requests:
        return
    yield ""
    yield "The recorded answer to a request like one of these would tell more:"
    for each in requests:
        yield f"  {each.target}"
        for group, answer in zip(each.groups, each.answers, strict=True):
            yield f"    {_few([_named(member) for member in group], 3)}: {_answer(answer)}"


def _nearest(nearest: Sequence[Near]) -> Iterator[str]:
    if not nearest:
        return
    yield ""
    yield "What comes nearest, and is refuted:"
    for near in nearest:
        yield f"  {_named(near.candidate)}: by {len(near.refuted_by)} of {near.of} captures"
        for record, refuted in near.refuted_by[:2]:
            yield f"    {record.place}: {refuted.path} was {refuted.old}, would be {refuted.new}"


def _filtered(findings: Findings) -> Iterator[str]:
    filtered = findings.filtered
    if filtered.equal or filtered.different or filtered.apart:
        yield ""
        yield (
            f"Filtered by tag, mailbox or folder, so not fitted: {filtered.equal} captures equal, "
            f"{filtered.different} different, {filtered.apart} by folder."
        )
    for name, value, more in filtered.hints:
        yield f"A hint, not a finding: {name} = {_toml(value)} would make {more} more equal."


def _table(recommended: Mapping[str, Any], account: str) -> Iterator[str]:
    if not recommended:
        return
    name = account if _BARE.fullmatch(account) else json.dumps(account)
    yield "#"
    yield "# As environment variables:"
    for key, value in _environment(recommended).items():
        yield f"#   {key}={value}"
    if "company_time_zone" in recommended:
        yield "# The zone stands for all that showed the same time as it throughout the captures."
    yield "# In the file of accounts:"
    yield ""
    yield f"[{name}.conventions]"
    for field, value in recommended.items():
        yield f"{field} = {_toml(value)}"


def _named(candidate: Candidate) -> str:
    return _spelled(dict(candidate.changes)) if candidate.changes else "the conventions in force"


def _spelled(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_toml(value)}" for name, value in values.items())


def _few(texts: Sequence[str], most: int = _SHOWN) -> str:
    shown = ", ".join(texts[:most])
    return f"{shown} and {len(texts) - most} more" if len(texts) > most else shown


def _answer(answer: Any) -> str:
    if answer is None:
        return "refused"
    return json.dumps(_points(answer), separators=(",", ":"))


def _points(answer: Iterable[tuple[str, Iterable[tuple[int, int]]]]) -> dict[str, Any]:
    return {
        name: [{"start": format_epoch(at), "count": count} for at, count in points]
        for name, points in answer
    }


def _request(separating: Separating) -> dict[str, Any]:
    answers: Any = separating.answers
    return {
        "target": separating.target,
        "groups": [
            {
                "conventions": [_plain(dict(member.changes)) for member in group],
                "answer": None if answer is None else _points(answer),
            }
            for group, answer in zip(separating.groups, answers, strict=True)
        ],
    }


def _near(near: Near) -> dict[str, Any]:
    return {
        "changes": _plain(dict(near.candidate.changes)),
        "of": near.of,
        "refutedBy": [
            {"place": record.place, "path": no.path, "old": no.old, "new": no.new}
            for record, no in near.refuted_by
        ],
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def _toml(value: Any) -> str:
    return "none" if value is None else json.dumps(_value(value))


def _environment(values: Mapping[str, Any]) -> dict[str, str]:
    return {variable_name(name): _variable(_value(value)) for name, value in values.items()}


def _variable(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
