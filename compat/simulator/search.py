"""Search expressions of the ``query`` parameter: grammar and parser.

The grammar, loosest binding first; AND is implied between words::

    either   = both { "OR" both }
    both     = negation { [ "AND" ] negation }
    negation = { "NOT" } atom
    atom     = "(" either ")" | field ":" ( range | value ) | value
    range    = "[" limit "TO" limit "]"
    value    = word | quoted
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FIELDS = frozenset(
    (
        *("createdAt", "modifiedAt", "tag", "mailboxid", "number", "id", "customerIds"),
        *("email", "subject", "body", "assigned", "attachments", "replyUserIds"),
    )
)
RANGED = frozenset({"createdAt", "modifiedAt", "mailboxid", "number", "id"})
MAX_DEPTH = 60


class SearchSyntaxError(ValueError):
    """A search expression is not valid; the text says why."""


@dataclass(frozen=True, slots=True)
class Equals:
    """A field has a value."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Between:
    """A field lies in a range, both ends included; None is an open end."""

    field: str
    low: str | None
    high: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """A text occurs in the subject or in the body."""

    text: str


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Node


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; without parts it is always true."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Node, ...]


Node = Equals | Between | Text | Not | And | Or
"""One node of an expression's tree."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<field>[A-Za-z]+):\s*
    | (?P<mark>[()\[\]{}])
    | "(?P<quoted>(?:[^"\\]|\\.)*)"
    | (?P<word>[^\s()\[\]{}":]+(?::[^\s()\[\]{}":]+)*)
    | (?P<wrong>\S)
    )""",
    re.VERBOSE,
)
_END = ("end", "")


def parse(text: str) -> Node:
    """Parse an expression to a tree.

    Raises:
        SearchSyntaxError: unbalanced, unknown field, braces, a field that cannot be searched.
    """
    parser = _Parser(_tokens(text))
    tree = parser.either(0)
    if parser.next != _END:
        raise SearchSyntaxError(f"unexpected {parser.next[1]!r}")
    return tree


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup in {None, "wrong"}:
            raise SearchSyntaxError(f"unexpected {text[at:].strip()[:1]!r}")
        kind = match.lastgroup or ""
        value = match[kind]
        found.append((kind, re.sub(r"\\(.)", r"\1", value) if kind == "quoted" else value))
        at = match.end()
    return [*found, _END]


class _Parser:
    """A recursive-descent parser with one method per rule."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def next(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def take(self) -> tuple[str, str]:
        self._at += self.next != _END
        return self._tokens[self._at - 1] if self._at else _END

    def skip(self, token: tuple[str, str]) -> bool:
        found = self.next == token
        self._at += found
        return found

    def either(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise SearchSyntaxError("nested too deeply")
        parts = [self.both(depth)]
        while self.skip(("word", "OR")):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, depth: int) -> Node:
        parts = [self.negation(depth)]
        while self.skip(("word", "AND")) or self._continues():
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _continues(self) -> bool:
        return self.next not in {_END, ("mark", ")"), ("word", "OR")}

    def negation(self, depth: int) -> Node:
        negative = False
        while self.skip(("word", "NOT")):
            negative = not negative
        part = self.atom(depth)
        return Not(part) if negative else part

    def atom(self, depth: int) -> Node:
        if self.skip(("mark", "(")):
            inner = self.either(depth + 1)
            if not self.skip(("mark", ")")):
                raise SearchSyntaxError("a parenthesis is not closed")
            return inner
        if self.next[0] == "field":
            return self.term(self.take()[1])
        return Text(self.value())

    def term(self, field: str) -> Node:
        if field not in FIELDS:
            raise SearchSyntaxError(f"there is no field {field!r}")
        if not self.skip(("mark", "[")):
            return Equals(field, self.value())
        if field not in RANGED:
            raise SearchSyntaxError(f"{field!r} has no ranges")
        low = self.value()
        if not self.skip(("word", "TO")):
            raise SearchSyntaxError("a range needs a TO")
        high = self.value()
        if not self.skip(("mark", "]")):
            raise SearchSyntaxError("a range is not closed")
        return Between(field, None if low == "*" else low, None if high == "*" else high)

    def value(self) -> str:
        kind, text = self.next
        if kind not in {"word", "quoted"} or (kind, text) in _RESERVED:
            raise SearchSyntaxError(
                f"unexpected {text!r}" if text else "something is missing at the end"
            )
        return self.take()[1]


_RESERVED = {("word", word) for word in ("AND", "OR", "NOT", "TO")}
