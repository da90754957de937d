"""Verdicts as lines of text, and a fit as TOML with comments, for people."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TextIO

from compat.config.conventions import Conventions
from compat.parity.fit.candidates import Candidate
from compat.parity.fit.disambiguate import SeparatingRequest
from compat.parity.fit.evaluate import Answer
from compat.parity.fit.result import Findings, FitOutcome, NearCandidate
from compat.parity.output.json import environment, plain_value
from compat.parity.verdicts import Outcome, Place, Summary, Verdict
from compat.v1.datetimes import format_epoch

KEY: Final = "YOUR_OLD_KEY"
SERVER: Final = "http://127.0.0.1:8080"
_MAX_PLACES: Final = 5
_MAX_LENGTH: Final = 60
_MAX_LISTED: Final = 12
_MAX_IN_GROUP: Final = 3
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")

WORDS: Final[dict[Outcome, str]] = {
    "equal": "equal",
    "different": "different",
    "ignored": "different for a known reason",
    "elsewhere": "for other routes",
    "inconclusive": "inconclusive",
    "unasked": "not asked",
    "unreadable": "unreadable",
    "damaged": "damaged",
}
"""The outcomes as words of a sentence, after a number or a place."""

_FIT_OUTCOMES: Final[dict[FitOutcome, str]] = {
    "fits": "The conventions in force explain the captures: there is nothing to adopt.",
    "adopt": "Other conventions explain the captures, and those in force do not: adopt them.",
    "undecided": "Other conventions explain the captures. The captures do not decide which of "
    "them is right, so nothing is recommended.",
    "none": "None of the conventions that were tried explains the captures: nothing is "
    "recommended.",
}


class TextWriter:
    """Writes verdicts as lines of text; those that are equal only count.

    Args:
        stream: Where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def add(self, verdict: Verdict) -> None:
        """Write one verdict."""
        if verdict.outcome != "equal":
            self._stream.writelines(f"{_CONTROL.sub('�', line)}\n" for line in _lines(verdict))

    def finish(self, summary: Summary) -> None:
        """Write the summary."""
        counts = [
            f"{number:,} {WORDS[outcome]}" for outcome, number in summary.outcomes.items() if number
        ]
        noun = "capture" if summary.captures == 1 else "captures"
        self._stream.write(f"{summary.captures:,} {noun}: {', '.join(counts) or 'nothing to do'}\n")
        self._stream.write(f"{summary.conclusion}\n")


def curl(target: str, server: str = SERVER) -> str:
    """The command that sends the same request to a server, with a placeholder for the key."""
    return f"curl -u {KEY}:X {shlex.quote(server + target)}"


def difference_line(place: Place) -> str:
    """A difference as one line."""
    old, new = format_value(place, "old"), format_value(place, "new")
    ignored = f", ignored: {place.ignored}" if place.ignored else ""
    return f"{place.path}: {place.kind}, {old} was recorded, {new} is answered{ignored}"


def format_value(place: Place, side: Literal["old", "new"]) -> str:
    """One value of a difference as JSON, shortened if it is long."""
    if side not in place.model_fields_set:
        return "nothing"
    text = json.dumps(getattr(place, side), ensure_ascii=False)
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"


def format_deltas(verdict: Verdict) -> str:
    """How much more or less is counted now, for each series."""
    return ", ".join(f"{name} {delta:+d}" for name, delta in verdict.deltas.items() if delta)


def fit_as_toml(findings: Findings, account: str) -> str:
    """The settings to adopt as TOML for the file of accounts; everything else as comments.

    Args:
        findings: What the fit found.
        account: The account's name in that file.
    """
    fit = findings.fit
    comments = [
        _FIT_OUTCOMES[fit.outcome],
        "",
        *_counts(findings),
        *_unconfirmed(fit.unconfirmed, complete=fit.complete),
        *_class(fit.members),
        *_separating(findings.separating),
        *_nearest(fit.nearest),
        *_filtered(findings),
    ]
    lines = [f"# {_CONTROL.sub('�', line)}".rstrip() for line in comments]
    return "\n".join([*lines, *_settings(fit.recommended, account)]) + "\n"


def _lines(verdict: Verdict) -> Iterator[str]:
    why = verdict.reason or format_deltas(verdict)
    yield f"{verdict.place}: {WORDS[verdict.outcome]}{f' ({why})' if why else ''}"
    if verdict.differences:
        yield f"    {verdict.target}"
    for place in verdict.differences[:_MAX_PLACES]:
        yield f"    {difference_line(place)}"
    if (more := len(verdict.differences) - _MAX_PLACES) > 0:
        yield f"    and {more:,} more"


def _counts(findings: Findings) -> Iterator[str]:
    fit = findings.fit
    yield f"{fit.tried} conventions tried on {fit.fitted} captures, held against {fit.confirming}."
    if fit.untried:
        yield f"Not tried, because no request depends on them: {', '.join(fit.untried)}."
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
        yield f"{number} captures say nothing ({reason}): {_list(places)}"


def _unconfirmed(values: Mapping[str, Any], *, complete: bool) -> Iterator[str]:
    if values:
        yield ""
        why = "one half of the captures alone shows it" if complete else "the search was cut short"
        yield f"Likely, and not recommended, because {why}: {_format_rules(values)}"


def _class(members: Sequence[Candidate]) -> Iterator[str]:
    if len(members) < 2:
        return
    yield ""
    shown = f", {_MAX_LISTED} at most shown" if len(members) > _MAX_LISTED else ""
    yield f"These captures do not decide between {len(members)} conventions{shown}:"
    for each in members[:_MAX_LISTED]:
        yield f"  {_format_candidate(each)}"
    yield "What is open:"
    for name in Conventions.model_fields:
        values = list(dict.fromkeys(getattr(each.conventions, name) for each in members))
        if len(values) > 1:
            yield f"  {name}: {_list([_toml(value) for value in values])}"


def _separating(requests: Sequence[SeparatingRequest]) -> Iterator[str]:
    if not requests:
        return
    yield ""
    yield "The recorded answer to one of these requests would decide more. Below each are the"
    yield "rules, and the counts that they predict where the predictions differ:"
    for each in requests:
        yield f"  {each.target}"
        for group, excerpt in zip(each.groups, _excerpts(each.answers), strict=True):
            named = _list([_format_candidate(member) for member in group], _MAX_IN_GROUP, "; ")
            yield f"    {named}: {excerpt}"


def _excerpts(answers: Sequence[Answer | None]) -> list[str]:
    """The buckets of each answer that set it apart from the others, as few as needed."""
    counts = [_counts_by_bucket(answer) for answer in answers]
    chosen: list[tuple[str, int]] = []
    distinct = 1
    for bucket in sorted({bucket for each in counts if each for bucket in each}):
        buckets = [*chosen, bucket]
        found = {tuple(map(each.get, buckets)) for each in counts if each is not None}
        if len(found) > distinct:
            chosen, distinct = buckets, len(found)
    return ["refused" if each is None else _excerpt(each, chosen) for each in counts]


def _excerpt(counts: Mapping[tuple[str, int], int], chosen: Sequence[tuple[str, int]]) -> str:
    cells = (
        f"{name} {format_epoch(start)} {counts.get((name, start), 'not listed')}"
        for name, start in chosen
    )
    return ", ".join(cells) or "not refused"


def _counts_by_bucket(answer: Answer | None) -> dict[tuple[str, int], int] | None:
    if answer is None:
        return None
    return {(name, start): count for name, points in answer for start, count in points}


def _nearest(nearest: Sequence[NearCandidate]) -> Iterator[str]:
    if not nearest:
        return
    yield ""
    yield "What comes nearest, and is refuted:"
    for near in nearest:
        named = _format_candidate(near.candidate)
        yield f"  {named}: by {len(near.refuted_by)} of {near.of} captures"
        for record, refuted in near.refuted_by[:2]:
            yield f"    {record.place}: {refuted.path} was {refuted.old}, would be {refuted.new}"


def _filtered(findings: Findings) -> Iterator[str]:
    filtered = findings.filtered
    if filtered.equal or filtered.different or filtered.by_folder:
        yield ""
        yield (
            f"Filtered by tag, mailbox or folder, so not fitted: {filtered.equal} captures equal, "
            f"{filtered.different} different, {filtered.by_folder} by folder."
        )
    for name, value, more in filtered.hints:
        yield f"A hint, not a finding: {name} = {_toml(value)} would make {more} more equal."


def _settings(recommended: Mapping[str, Any], account: str) -> Iterator[str]:
    if not recommended:
        return
    name = account if _BARE_KEY.fullmatch(account) else json.dumps(account)
    yield "#"
    yield "# As environment variables:"
    for key, value in environment(recommended).items():
        yield f"#   {key}={value}"
    if "company_time_zone" in recommended:
        yield "# The zone stands for all that showed the same time as it throughout the captures."
    yield "# In the file of accounts:"
    yield ""
    yield f"[{name}.conventions]"
    for field, value in recommended.items():
        yield f"{field} = {_toml(value)}"


def _format_candidate(candidate: Candidate) -> str:
    if not candidate.changes:
        return "the conventions in force"
    return _format_rules(dict(candidate.changes))


def _format_rules(values: Mapping[str, Any]) -> str:
    return " and ".join(f"{name} = {_toml(value)}" for name, value in values.items())


def _list(texts: Iterable[str], most: int = _MAX_LISTED, separator: str = ", ") -> str:
    listed = list(texts)
    more = [f"{len(listed) - most} more"] if len(listed) > most else []
    return separator.join([*listed[:most], *more])


def _toml(value: Any) -> str:
    return "none" if value is None else json.dumps(plain_value(value))
