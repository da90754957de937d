"""Query parameters of list requests: how they are parsed and validated."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

from compat.simulator.conversation import parse_timestamp
from compat.simulator.evaluation import limits
from compat.simulator.messages import InvalidParameter, validation_error
from compat.simulator.search import And, Between, Equals, Node, SearchSyntaxError, parse

STATUSES = ("active", "all", "closed", "open", "pending", "spam")
SORT_FIELDS = (
    *("createdAt", "customerEmail", "customerName", "mailboxid", "modifiedAt"),
    *("number", "score", "status", "subject", "waitingSince"),
)


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A request for a list of conversations.

    Attributes:
        filters: Names and values of the filters, except the creation time.
        low: The lowest creation time, epoch milliseconds, included.
        high: The highest creation time, included.
        sort_field: The field to sort by.
        descending: Whether the highest value comes first.
        page: The page's number, counted from 1.
        threads: Whether threads are embedded.
    """

    filters: tuple[tuple[str, Hashable], ...]
    low: float
    high: float
    sort_field: str
    descending: bool
    page: int
    threads: bool


def parse_id(text: str) -> int:
    """Parse a positive number of at most eighteen ASCII digits; ValueError for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0):
        raise ValueError("must be a positive number")
    return int(text)


def parse_ids(text: str) -> frozenset[int]:
    """Parse positive numbers separated by commas."""
    return frozenset(parse_id(part.strip()) for part in text.split(","))


def parse_date(text: str) -> int:
    """Parse a date in the API's only format, to epoch seconds."""
    try:
        return parse_timestamp(text)
    except ValueError:
        raise ValueError("must be a date like 2015-01-31T23:59:59Z") from None


def one_of(*allowed: str) -> Callable[[str], str]:
    """A parser that accepts one of these words."""

    def parse_word(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return parse_word


_PARSERS: dict[str, Callable[[str], Hashable]] = {
    "status": one_of(*STATUSES),
    "mailbox": parse_ids,
    "folder": parse_id,
    "tag": str.lower,
    "query": parse,
    "modifiedSince": parse_date,
    "assigned_to": parse_id,
    "number": parse_id,
    "sortField": one_of(*SORT_FIELDS),
    "sortOrder": one_of("asc", "desc"),
    "embed": one_of("threads"),
    "page": parse_id,
}
_FILTERS = ("status", "mailbox", "folder", "tag", "modifiedSince", "assigned_to", "number")


def parse_list_request(parameters: dict[str, str]) -> ListRequest:
    """Parse the parameters of a list request; unknown ones are ignored.

    Raises:
        ApiError: a parameter is wrong; it has an entry for each of them.
    """
    values = parse_each(parameters, _PARSERS)
    tree = values.get("query")
    parts = list(_and_parts(tree)) if isinstance(tree, Node) else []
    bounds = [_creation_limits(part) for part in parts if _is_creation_time(part)]
    rest = tuple(part for part in parts if not _is_creation_time(part))
    filters = [(name, values[name]) for name in _FILTERS if name in values]
    if "status" not in values:
        filters.append(("status", "active"))
    if rest:
        filters.append(("query", And(rest)))
    page = values.get("page", 1)
    return ListRequest(
        filters=tuple(filters),
        low=max((low for low, _ in bounds), default=-math.inf),
        high=min((high for _, high in bounds), default=math.inf),
        sort_field=str(values.get("sortField", "createdAt")),
        descending=values.get("sortOrder", "desc") == "desc",
        page=page if isinstance(page, int) else 1,
        threads="embed" in values,
    )


def parse_each(
    parameters: dict[str, str], parsers: dict[str, Callable[[str], Hashable]]
) -> dict[str, Hashable]:
    """Parse each parameter that has a parser; an ApiError names every wrong one."""
    values: dict[str, Hashable] = {}
    problems: list[InvalidParameter] = []
    for name, parser in parsers.items():
        if name not in parameters:
            continue
        try:
            values[name] = parser(parameters[name])
        except ValueError as error:
            problems.append(InvalidParameter(name, str(error), parameters[name]))
    if problems:
        raise validation_error(*problems)
    return values


def _and_parts(tree: Node) -> Iterator[Node]:
    if isinstance(tree, And):
        for part in tree.parts:
            yield from _and_parts(part)
    else:
        yield tree


def _is_creation_time(part: Node) -> bool:
    return isinstance(part, Equals | Between) and part.field == "createdAt"


def _creation_limits(part: Node) -> tuple[float, float]:
    try:
        match part:
            case Between(field, low, high):
                return limits(field, low, high)
            case Equals(field, value):
                return limits(field, value, value)
    except SearchSyntaxError as error:
        raise validation_error(InvalidParameter("query", str(error))) from error
    return -math.inf, math.inf


def split_names(text: str, known: Iterable[str]) -> set[str]:
    """Split a list of names at commas. Names may contain commas; the longest known one wins."""
    parts, names, found = [part.strip() for part in text.split(",")], set(known), set()
    at = 0
    while at < len(parts):
        ends = range(len(parts), at, -1)
        end = next((end for end in ends if ", ".join(parts[at:end]) in names), at + 1)
        found.add(", ".join(parts[at:end]))
        at = end
    return found
