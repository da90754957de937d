"""Compares a candidate with this project, and finds the smallest case in which they differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from compat.config.conventions import Conventions
from compat.parity.compare import Difference, differences
from compat.simulator import Account
from compat.testing import REPORTS
from compat.testing.reference import Payload, Reference, payloads
from compat.testing.stage import Stage
from compat.testing.strategies import Case, cases

Candidate = Callable[..., Any]
"""An implementation to test: called with an old query, it returns an answer.

Without a simulator it is called with the conversations as well. The query is the target of a
request, `/v1/reports/…?start=…`. The answer may be a JSON value, text or bytes (then the status
is 200), a pair of status and one of these, or an object with `status_code` and `content`, or with
`status` and `body`.
"""

_COUNTED_BY: Final = ("id", "createdAt", "status", "state", "type", "mailboxId", "folderId", "tags")
_MAX_DIFFERENCES: Final = 6


class ParityFailed(AssertionError):
    """A candidate gives another answer than this project.

    Attributes:
        case: The smallest case that was found.
        query: The old query.
        conversations: All conversations of the account, as Mailbox API 2.0 lists them.
        expected: Status and body of this project.
        answered: Status and body of the candidate.
        differences: Where they differ; `old` is the expected value.
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
        super().__init__(_message(self))


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
    """Check that a candidate and this project give equal answers to drawn questions.

    For a request that the old API refuses only the status is compared: the messages were never
    documented. Everything else is compared place by place, with the order of keys.

    Args:
        candidate: Called with the query and, without a simulator, with the conversations.
        simulator: Where the candidate itself fetches conversations. Its account is replaced
            before every question, so the candidate must not cache.
        reports: The reports to ask for, such as `conversations/new`.
        conventions: The rules that were never documented, as the candidate applies them.
        examples: How many questions are asked if nothing differs.
        conversations: How many conversations an account has at most.
        refusals: Whether some requests are ones that the old API refused.
        seed: Equal seeds give equal questions; other questions each time if not given.

    Raises:
        ParityFailed: The answers differ; it contains the smallest case that was found.
    """
    # If hypothesis is not installed, the import of `strategies` has raised an error.
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
        if (failed := comparison.compare(case)) is not None:
            raise failed

    with Reference(conventions) as reference:
        comparison = _Comparison(candidate, simulator, reference)
        try:
            (agree if seed is None else h.seed(seed)(agree))()
        except ParityFailed as failed:
            raise comparison.smallest(failed) from None


class _Comparison:
    """A candidate and the reference, which get the same questions."""

    def __init__(self, candidate: Candidate, simulator: Stage | None, reference: Reference) -> None:
        self._candidate = candidate
        self._simulator = simulator
        self._reference = reference

    def compare(self, case: Case) -> ParityFailed | None:
        account = case.account
        reference = self._reference.answer(case.query, payloads(account))
        expected = (reference.status, reference.body)
        answered = read_answer(self._candidate_answer(case.query, account))
        found = compare_answers(expected, answered)
        if not found:
            return None
        return ParityFailed(case, payloads(account), expected, answered, found)

    def smallest(self, failed: ParityFailed) -> ParityFailed:
        """The case that hypothesis found, made smaller until nothing can be left out."""
        smaller = (self.compare(case) for case in failed.case.simpler())
        while (found := next(filter(None, smaller), None)) is not None:
            failed = found
            smaller = (self.compare(case) for case in failed.case.simpler())
        return failed

    def _candidate_answer(self, query: str, account: Account) -> Any:
        if self._simulator is None:
            return self._candidate(query, payloads(account))
        self._simulator.show(account)
        return self._candidate(query)


def compare_answers(
    expected: tuple[int, bytes], answered: tuple[int, bytes]
) -> tuple[Difference, ...]:
    """The differences between two answers, each a status and a body."""
    if expected[0] != answered[0]:
        return (Difference("status", "status", expected[0], answered[0]),)
    return differences(expected[1], answered[1]) if expected[0] == 200 else ()


def read_answer(answer: Any) -> tuple[int, bytes]:
    """Status and body of a candidate's answer in any of its forms.

    Raises:
        TypeError: It is not an answer.
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


def _message(failed: ParityFailed) -> str:
    lines = ["the candidate answers otherwise", f"query: {failed.query}"]
    lines.append(f"conversations: {len(failed.conversations) or 'none'}")
    lines += [f"  {json.dumps(counted_fields(each))}" for each in failed.conversations]
    lines += [
        f"expected: {failed.expected[0]} {_text(failed.expected[1])}",
        f"answered: {failed.answered[0]} {_text(failed.answered[1])}",
    ]
    shown = failed.differences[:_MAX_DIFFERENCES]
    lines += [f"  {each.path}: {each.old!r} expected, {each.new!r} answered" for each in shown]
    if more := len(failed.differences) - len(shown):
        lines.append(f"  and {more} more")
    return "\n".join(lines)


def counted_fields(conversation: Payload) -> Payload:
    """The fields of a conversation that matter for counting; tags as their ids."""
    fields = {key: conversation[key] for key in _COUNTED_BY if key in conversation}
    return fields | {"tags": [tag["id"] for tag in conversation["tags"]]}


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
