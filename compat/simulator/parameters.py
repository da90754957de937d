"""What a list request asks, read from its parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

from compat.simulator.evaluation import limits
from compat.simulator.messages import Problem, invalid
from compat.simulator.records import seconds_of
from compat.simulator.search import All, Between, Is, Node, SearchError, parse

STATUSES = ("active", "all", "closed", "open", "pending", "spam")
SORT_FIELDS = (
    *("createdAt", "customerEmail", "customerName", "mailboxid", "modifiedAt"),
    *("number", "score", "status", "subject", "waitingSince"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """One list request. The window is of creation time, epoch milliseconds, both included."""

    filters: tuple[tuple[str, Hashable], ...]
    low: float
    high: float
    sort_field: str
    descending: bool
    page: int
    threads: bool


def identity(text: str) -> int:
    """A positive number of at most eighteen ASCII digits; ValueError for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0):
        raise ValueError("must be a positive number")
    return int(text)


def identities(text: str) -> frozenset[int]:
    """Numbers separated by commas."""
    return frozenset(identity(part.strip()) for part in text.split(","))


def instant(text: str) -> int:
    """A date in the API's one format, as epoch seconds."""
    try:
        return seconds_of(text)
    except ValueError:
        raise ValueError("must be a date like 2015-01-31T23:59:59Z") from None


def choice(*allowed: str) -> Callable[[str], str]:
    """A reader that takes one of these words."""

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return read


_READERS: dict[str, Callable[[str], Hashable]] = {
    "status": choice(*STATUSES),
    "mailbox": identities,
    "folder": identity,
    "tag": str.lower,
    "query": parse,
    "modifiedSince": instant,
    "assigned_to": identity,
    "number": identity,
    "sortField": choice(*SORT_FIELDS),
    "sortOrder": choice("asc", "desc"),
    "embed": choice("threads"),
    "page": identity,
}
_FILTERS = ("status", "mailbox", "folder", "tag", "modifiedSince", "assigned_to", "number")


def read(parameters: dict[str, str]) -> Question:
    """The question that these parameters ask; those it does not know are ignored.

    Raises:
        Refusal: one entry for each parameter that cannot be read.
    """
    values = read_each(parameters, _READERS)
    tree = values.get("query")
    parts = list(_conjuncts(tree)) if isinstance(tree, Node) else []
    bounds = [_bounds(part) for part in parts if _is_window(part)]
    rest = tuple(part for part in parts if not _is_window(part))
    filters = [(name, values[name]) for name in _FILTERS if name in values]
    if "status" not in values:
        filters.append(("status", "active"))
    if rest:
        filters.append(("query", All(rest)))
    page = values.get("page", 1)
    return Question(
        filters=tuple(filters),
        low=max((low for low, _ in bounds), default=-math.inf),
        high=min((high for _, high in bounds), default=math.inf),
        sort_field=str(values.get("sortField", "createdAt")),
        descending=values.get("sortOrder", "desc") == "desc",
        page=page if isinstance(page, int) else 1,
        threads="embed" in values,
    )


def read_each(
    parameters: dict[str, str], readers: dict[str, Callable[[str], Hashable]]
) -> dict[str, Hashable]:
    """The parameters that have a reader, read; a Refusal names every bad one."""
    values: dict[str, Hashable] = {}
    problems: list[Problem] = []
    for name, reader in readers.items():
        if name not in parameters:
            continue
        try:
            values[name] = reader(parameters[name])
        except ValueError as error:
            problems.append(Problem(name, str(error), parameters[name]))
    if problems:
        raise invalid(*problems)
    return values


def _conjuncts(tree: Node) -> Iterator[Node]:
    if isinstance(tree, All):
        for part in tree.parts:
            yield from _conjuncts(part)
    else:
        yield tree


def _is_window(part: Node) -> bool:
    return isinstance(part, Is | Between) and part.field == "createdAt"


def _bounds(part: Node) -> tuple[float, float]:
    try:
        match part:
            case Between(field, low, high):
                return limits(field, low, high)
            case Is(field, value):
                return limits(field, value, value)
    except SearchError as error:
        raise invalid(Problem("query", str(error))) from error
    return -math.inf, math.inf


def named(text: str, known: Iterable[str]) -> set[str]:
    """The names in a comma list, although names may hold commas: the longest known one wins."""
    parts, names, found = [part.strip() for part in text.split(",")], set(known), set()
    at = 0
    while at < len(parts):
        ends = range(len(parts), at, -1)
        end = next((end for end in ends if ", ".join(parts[at:end]) in names), at + 1)
        found.add(", ".join(parts[at:end]))
        at = end
    return found
