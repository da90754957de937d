"""Asking a candidate and this project the same, until the smallest case is found that differs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from compat.config.conventions import Conventions
from compat.parity.compare import Difference, differences
from compat.simulator import Account
from compat.testing.queries import REPORTS
from compat.testing.reference import Payload, Reference, payloads
from compat.testing.stage import Stage
from compat.testing.strategies import Case, cases

Candidate = Callable[..., Any]
"""From an old query, and the conversations where no simulator is given, to an old answer.

The query is the target of a request, `/v1/reports/…?start=…`. The answer may be what JSON stands
for (then the status is 200), a pair of status and that, its text or bytes, or any object with
`status_code` and `content`, or `status` and `body`.
"""

_SHOWN: Final = ("id", "createdAt", "status", "state", "type", "mailboxId", "folderId", "tags")
_MOST_DIFFERENCES: Final = 6


class ParityFailed(AssertionError):
    """A candidate answers otherwise, in the smallest case that was found.

    Attributes:
        case: The case, as it was drawn.
        query: What was asked.
        conversations: All conversations of the account, as Mailbox API 2.0 shows them.
        expected: This project's status and body.
        answered: The candidate's.
        differences: What differs, `old` being what was expected.
    """

    def __init__(
        self,
        case: Case,
        conversations: Sequence[Payload],
        expected: tuple[int, bytes],
        answered: tuple[int, bytes],
        found: Sequence[Difference],
    ) -> None:
        self.case = case
        self.query = case.query
        self.conversations = conversations
        self.expected = expected
        self.answered = answered
        self.differences = found
        super().__init__(_told(self))


def assert_parity(
    candidate: Candidate,
    *,
    simulator: Stage | None = None,
    reports: tuple[str, ...] = REPORTS[:1],
    conventions: Conventions | None = None,
    examples: int = 300,
    conversations: int = 12,
    refusals: bool = True,
    seed: int | None = None,
) -> None:
    """Ask a candidate what this project can answer; both must say the same.

    Of a request that the old API refuses only the status is compared: its sentences were never
    written down. Everything else is compared place by place, the order of keys included.

    Args:
        candidate: Called with the query, and with the conversations where no simulator is given.
        simulator: Where the candidate itself fetches conversations: its account is exchanged
            before every question, so the candidate must remember nothing.
        reports: Which reports are asked for, such as `conversations/new`.
        conventions: The rules that nobody documented, as the candidate reads them.
        examples: How many questions are asked while nothing differs.
        conversations: How many an account has at most.
        refusals: Whether some requests are such as the old API refused.
        seed: Chooses the questions; others each time if not given.

    Raises:
        ParityFailed: With the smallest case that was found.
    """
    # Where hypothesis is missing, `strategies` has said so.
    import hypothesis as h  # noqa: PLC0415

    @h.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(h.Phase.generate, h.Phase.shrink),
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(h.HealthCheck),
    )
    @h.given(case=cases(conversations, reports=reports, refusals=refusals))
    def agree(case: Case) -> None:
        if (failed := both.ask(case)) is not None:
            raise failed

    with Reference(conventions) as reference:
        both = _Both(candidate, simulator, reference)
        try:
            (agree if seed is None else h.seed(seed)(agree))()
        except ParityFailed as failed:
            raise both.smallest(failed) from None


class _Both:
    """The candidate and the reference, asked side by side."""

    def __init__(self, candidate: Candidate, simulator: Stage | None, reference: Reference) -> None:
        self._candidate = candidate
        self._simulator = simulator
        self._reference = reference

    def ask(self, case: Case) -> ParityFailed | None:
        account = case.account
        reference = self._reference.answer(case.query, payloads(account))
        expected = (reference.status, reference.body)
        answered = read_answer(self._of_candidate(case.query, account))
        found = compared(expected, answered)
        if not found:
            return None
        return ParityFailed(case, payloads(account), expected, answered, found)

    def smallest(self, failed: ParityFailed) -> ParityFailed:
        """What hypothesis shrank, shrunk to the end: nothing of it can be left out."""
        smaller = (self.ask(case) for case in failed.case.simpler())
        while (found := next(filter(None, smaller), None)) is not None:
            failed = found
            smaller = (self.ask(case) for case in failed.case.simpler())
        return failed

    def _of_candidate(self, query: str, account: Account) -> Any:
        if self._simulator is None:
            return self._candidate(query, payloads(account))
        self._simulator.show(account)
        return self._candidate(query)


def compared(expected: tuple[int, bytes], answered: tuple[int, bytes]) -> tuple[Difference, ...]:
    """What differs between two answers, each a status and a body."""
    if expected[0] != answered[0]:
        return (Difference("status", "status", expected[0], answered[0]),)
    return differences(expected[1], answered[1]) if expected[0] == 200 else ()


def read_answer(answer: Any) -> tuple[int, bytes]:
    """Status and body of whatever a candidate gave.

    Raises:
        TypeError: It is no answer.
    """
    for status, body in (("status_code", "content"), ("status", "body")):
        if hasattr(answer, status) and hasattr(answer, body):
            return int(getattr(answer, status)), _bytes(getattr(answer, body))
    if isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], int):
        return answer[0], _bytes(answer[1])
    return 200, _bytes(answer)


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    try:
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()
    except TypeError:
        raise TypeError(f"a candidate's answer cannot be a {type(body).__name__}") from None


def _told(failed: ParityFailed) -> str:
    lines = ["the candidate answers otherwise", f"query: {failed.query}"]
    lines.append(f"conversations: {len(failed.conversations) or 'none'}")
    lines += [f"  {json.dumps(essence(each))}" for each in failed.conversations]
    lines += [
        f"expected: {failed.expected[0]} {_text(failed.expected[1])}",
        f"answered: {failed.answered[0]} {_text(failed.answered[1])}",
    ]
    shown = failed.differences[:_MOST_DIFFERENCES]
    lines += [f"  {each.path}: {each.old!r} expected, {each.new!r} answered" for each in shown]
    if more := len(failed.differences) - len(shown):
        lines.append(f"  and {more} more")
    return "\n".join(lines)


def essence(conversation: Payload) -> Payload:
    """What counting goes by, of a conversation; tags by their ids."""
    essence = {key: conversation[key] for key in _SHOWN if key in conversation}
    return essence | {"tags": [tag["id"] for tag in conversation["tags"]]}


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
