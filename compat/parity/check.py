"""Checking captures: each is asked again, compared and judged, a few at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, TypeGuard

from compat.parity.captures.models import Capture, Unreadable
from compat.parity.compare import ABSENT, Difference, deltas, differences, read
from compat.parity.ignore_rules import Rules
from compat.parity.replay import TROUBLE, Replayer, Unasked
from compat.parity.verdicts import OUTCOMES, Outcome, Place, Summary, Verdict
from compat.v1.errors import NotFound
from compat.v1.http import LegacyResponse

_AT_ONCE: Final = 4
_BATCH: Final = 512
"""Captures that are held at once, and whose conversations are fetched together."""

_COMPARED: Final = frozenset({"equal", "different", "ignored", "unasked"})
_MOST_LEVELS: Final = 50
_OF_COUNTS: Final = frozenset({"value", "length", "missing", "extra"})
"""Kinds of differences between answers whose totals can still be compared."""

Asked = LegacyResponse | Exception | None


def check(
    captures: Iterable[Capture | Unreadable], asking: Replayer, rules: Rules
) -> Iterator[Verdict]:
    """The verdicts on some captures, in their order; an interrupt closes what asks.

    Args:
        captures: They may be any number: a few hundred are held at a time.
        asking: Asks them again.
        rules: Say which differences are ignored; they count what they match.
    """
    whole = iter(captures)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="parity") as pool:
        try:
            while batch := list(islice(whole, _BATCH)):
                asking.prepare(each for each in batch if _is_conclusive(each))
                asked = pool.map(lambda each: _ask(each, asking), batch)
                for each, answer in zip(batch, asked, strict=True):
                    yield _judge(each, answer, rules)
        except KeyboardInterrupt:
            asking.close()  # the pool waits for its threads, which may wait for an hour
            raise


class VerdictCounts:
    """Counts verdicts, and says what follows from them.

    Attributes:
        received: How many were counted.
        expected: Always 0: how many there will be is not known.

    Args:
        rules: Those that the verdicts were given by.
        engine: The engine that was chosen, if one was.
    """

    def __init__(self, rules: Rules, engine: str | None = None) -> None:
        self._rules = rules
        self._engine = engine
        self._began = datetime.now(UTC).replace(microsecond=0)
        self._counts: Counter[Outcome] = Counter()
        self.received = 0
        self.expected = 0

    def count(self, verdict: Verdict) -> None:
        """Take a verdict into account."""
        self._counts[verdict.outcome] += 1
        self.received += 1

    def summary(self) -> Summary:
        """What all verdicts counted so far come to.

        Of all that is amiss the first decides. A difference is certain. Then comes what could
        not be asked, since rules may have matched nothing for that reason alone.
        """
        rules = self._rules.used()
        counts = self._counts
        idle = [rule.reason for rule in rules if not rule.matched]
        faults: tuple[tuple[bool, Any, str], ...] = (
            (bool(counts["different"]), 1, "Some answers differ."),
            (bool(counts["unasked"]), 3, "Some could not be asked."),
            (bool(idle), 2, f"Some rules ignored nothing and have to go: {'; '.join(idle)}."),
            (not counts.keys() & _COMPARED, 2, "Nothing could be compared."),
        )
        told = [(status, sentence) for applies, status, sentence in faults if applies]
        if not told:
            known = "All differences are ignored for a reason."
            told = [(0, known if counts["ignored"] else "All answers are equal.")]
        return Summary(
            captures=counts.total(),
            outcomes={outcome: counts[outcome] for outcome in OUTCOMES},
            exit_status=told[0][0],
            conclusion=" ".join(sentence for _, sentence in told),
            asked_at=self._began,
            engine=self._engine,
            rules=rules,
        )


def _is_conclusive(each: Capture | Unreadable) -> TypeGuard[Capture]:
    return isinstance(each, Capture) and each.status not in TROUBLE


def _ask(each: Capture | Unreadable, asking: Replayer) -> Asked:
    """What it is answered now, or why it is not; nothing where that would tell nothing."""
    if not _is_conclusive(each):
        return None
    try:
        return asking.ask(each)
    except (NotFound, Unasked) as error:
        return error


def _judge(each: Capture | Unreadable, asked: Asked, rules: Rules) -> Verdict:
    if isinstance(each, Unreadable):
        return _uncompared(each, "unreadable", each.reason)
    if each.status in TROUBLE:
        return _uncompared(each, "inconclusive", f"what was recorded is a {each.status}")
    if isinstance(asked, NotFound):
        return _uncompared(each, "elsewhere", f"not answered here: {each.method} {asked.path}")
    if not isinstance(asked, LegacyResponse):
        return _uncompared(each, "unasked", str(asked))
    if asked.status in TROUBLE:
        return _uncompared(each, "unasked", f"answered with {asked.status}: {_sentence(asked)}")
    return _compared(each, asked, rules)


def _compared(capture: Capture, answer: LegacyResponse, rules: Rules) -> Verdict:
    if capture.status != answer.status:
        found: tuple[Difference, ...] = (
            Difference("status", "status", capture.status, answer.status),
        )
    elif capture.body == answer.body:
        found = ()
    else:
        found = differences(capture.body, answer.body)
    if not found:
        return _verdict(capture, outcome="equal")
    places = tuple(_place(each, rules.reason(capture, each)) for each in found)
    comparable = all(each.kind in _OF_COUNTS for each in found)
    return _verdict(
        capture,
        outcome="ignored" if all(place.ignored for place in places) else "different",
        reason=None if answer.status == 200 else f"{answer.status}: {_sentence(answer)}",
        differences=places,
        deltas=dict(deltas(capture.body, answer.body)) if comparable else {},
        old=_value(capture.body),
        new=_value(answer.body),
    )


def _place(found: Difference, ignored: str | None) -> Place:
    both = {"old": found.old, "new": found.new}
    there = {name: _clean(value) for name, value in both.items() if value is not ABSENT}
    return Place(path=_clean(found.path), kind=found.kind, ignored=ignored, **there)


def _uncompared(each: Capture | Unreadable, outcome: Outcome, reason: str) -> Verdict:
    return _verdict(each, outcome=outcome, reason=reason)


def _verdict(each: Capture | Unreadable, **said: Any) -> Verdict:
    capture = each if isinstance(each, Capture) else None
    taken_at = capture.taken_at if capture else None
    plain: dict[str, Any] = {
        "place": each.place,
        "target": capture.target if capture else None,
        "taken_at": None if taken_at is None else datetime.fromtimestamp(taken_at, UTC),
        "reason": None,
        "differences": (),
        "deltas": {},
    }
    return Verdict(**plain | said)


def _sentence(answer: LegacyResponse) -> str:
    """What an error of ours says; a refusal of parameters names them."""
    body = json.loads(answer.body)
    faults = " ".join(each["message"] for each in body.get("validationErrors", ()))
    return f"{body['error']}: {faults}" if faults else str(body["error"])


def _value(body: bytes) -> Any:
    try:
        return _clean(read(body))
    except ValueError:
        return body.decode("utf-8", "replace")


def _clean(value: Any, levels: int = _MOST_LEVELS) -> Any:
    """The same without halves of characters, which no file can hold, and not too deep."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict() | list() | tuple() if not levels:
            return "…"
        case dict():
            return {_clean(name): _clean(each, levels - 1) for name, each in value.items()}
        case list() | tuple():
            return [_clean(each, levels - 1) for each in value]
    return value
