"""Evaluation of search expressions: a tree becomes a predicate over conversations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from compat.simulator import people
from compat.simulator.conversation import parse_timestamp
from compat.simulator.history import threads_of
from compat.simulator.search import And, Between, Equals, Node, Not, Or, SearchSyntaxError, Text

if TYPE_CHECKING:
    from compat.simulator.conversation import Conversation
    from compat.simulator.folder_views import Predicate
    from compat.simulator.layout import Layout

NOBODY = "unassigned"
_DATE_FIELDS = frozenset({"createdAt", "modifiedAt"})
_NUMBERS: dict[str, Callable[[Conversation], int]] = {
    "mailboxid": lambda row: row.mailbox_id,
    "number": lambda row: row.number,
    "id": lambda row: row.id,
    "customerIds": lambda row: row.customer_id,
}

TIMES: dict[tuple[str, bool], Callable[[Conversation], int]] = {
    ("createdAt", False): lambda row: row.created * 1000,
    ("createdAt", True): lambda row: row.created * 1000 + row.millis,
    ("modifiedAt", False): lambda row: row.modified * 1000,
    ("modifiedAt", True): lambda row: row.modified * 1000 + row.millis,
}
"""Times in an index without and with fractions, epoch milliseconds."""


class Evaluator:
    """Turns trees into predicates for one account.

    Args:
        layout: the tags and users that expressions name.
        fractions: whether the index keeps the milliseconds of times.
    """

    def __init__(self, layout: Layout, *, fractions: bool) -> None:
        self._layout = layout
        times = {
            "createdAt": TIMES["createdAt", fractions],
            "modifiedAt": TIMES["modifiedAt", fractions],
        }
        self._numbers = {**_NUMBERS, **times}
        self._texts: dict[str, Callable[[str], Predicate]] = {
            "tag": self._tag,
            "email": lambda text: lambda row: people.customer_email(row.customer_id) == text,
            "subject": lambda text: lambda row: text in row.subject.lower(),
            "body": lambda text: lambda row: text in _body(row),
            "assigned": self._assigned,
            "attachments": _attachments,
            "replyUserIds": self._reply_user,
        }

    def predicate(self, tree: Node) -> Predicate:
        """A predicate for a tree.

        Raises:
            SearchSyntaxError: a value does not fit its field.
        """
        match tree:
            case And(parts):
                every = [self.predicate(part) for part in parts]
                return lambda row: all(holds(row) for holds in every)
            case Or(parts):
                some = [self.predicate(part) for part in parts]
                return lambda row: any(holds(row) for holds in some)
            case Not(part):
                inner = self.predicate(part)
                return lambda row: not inner(row)
            case Between(field, low, high):
                return self._between(field, *limits(field, low, high))
            case Equals(field, value):
                return self._has(field, value)
            case Text(text):
                wanted = text.lower()
                return lambda row: wanted in row.subject.lower() or wanted in _body(row)

    def _has(self, field: str, value: str) -> Predicate:
        if field in self._numbers:
            return self._between(field, *limits(field, value, value))
        return self._texts[field](value.lower())

    def _between(self, field: str, low: float, high: float) -> Predicate:
        number = self._numbers[field]
        return lambda row: low <= number(row) <= high

    def _tag(self, name: str) -> Predicate:
        tag = self._layout.tag_by_name.get(name)
        return lambda row: tag is not None and tag.id in row.tag_ids

    def _assigned(self, name: str) -> Predicate:
        if name == NOBODY:
            return lambda row: not row.assignee_id
        found = {
            user.id
            for user in self._layout.users
            if name in {str(user.id), user.email, f"{user.first} {user.last}".lower()}
        }
        return lambda row: row.assignee_id in found

    def _reply_user(self, text: str) -> Predicate:
        wanted, layout = _number("replyUserIds", text), self._layout
        return lambda row: any(
            each.is_reply and each.author_id == wanted for each in threads_of(row, layout)
        )


def limits(field: str, low: str | None, high: str | None) -> tuple[float, float]:
    """The ends of a range as numbers, both included; dates in epoch milliseconds."""
    return (
        -math.inf if low is None else _number(field, low),
        math.inf if high is None else _number(field, high),
    )


def _number(field: str, text: str) -> int:
    try:
        if field in _DATE_FIELDS:
            return parse_timestamp(text) * 1000
        if text.isascii() and text.isdigit() and len(text) <= 18:
            return int(text)
    except ValueError:
        pass
    raise SearchSyntaxError(f"{text!r} does not fit {field}")


def _body(row: Conversation) -> str:
    return people.preview(row.subject, row.customer_id).lower()


def _attachments(text: str) -> Predicate:
    if text not in {"true", "false"}:
        raise SearchSyntaxError("attachments is true or false")
    return lambda row: row.attachments is (text == "true")
