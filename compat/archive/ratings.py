"""Counts ratings, and customers who got a reply, in the database.

The rules are those of `compat.core.ratings` and `compat.core.activity`. What the indexes need is a
constant in the text of a statement; the migrations have the same text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from compat.archive.connections import sa
from compat.archive.statements import (
    Parameters,
    among,
    conversation_conditions,
    fetch,
    is_uncertain,
    tag_conditions,
)
from compat.core.counting import CountQuery

_NOT_IMPORTED: Final = "t.action NOT IN ('imported', 'imported-external', 'importedExternal')"
_IS_REPLY: Final = (
    "t.state = 'published' AND t.type IN ('message', 'chat', 'beaconchat')"
    f" AND {_NOT_IMPORTED}"
    " AND (t.author_type = 'user' OR t.author_type = '' AND t.type = 'message')"
)
"""The same as `compat.core.activity.replies`, if all authors are known. An index has the same
condition, so the columns that occur nowhere else are not read."""
_IS_MANUAL: Final = "t.source <> 'workflows' AND replace(t.action, 'workflow', '') = t.action"
_IS_RATED: Final = f"t.rating <> 0 AND t.state = 'published' AND {_NOT_IMPORTED}"
"""The same as `compat.core.ratings.rated_within`."""

_HELPED: Final = "coalesce(nullif(t.customer, 0), c.customer)"
_RATER: Final = "coalesce(nullif(t.rating_customer, 0), nullif(t.customer, 0), c.customer)"


class CountedRatings(NamedTuple):
    """The ratings of a range.

    Attributes:
        ratings: How many replies have a rating, by its value.
        raters: The ids of the customers who rated one; 0 among them if one is unknown.
        helped: The ids of the customers who got a reply; 0 among them if one is unknown.
    """

    ratings: Mapping[int, int]
    raters: Collection[int]
    helped: Collection[int]


def count(
    connection: sa.Connection, query: CountQuery, without: Collection[int] = ()
) -> list[CountedRatings] | None:
    """Count the ratings of a query, range by range.

    Args:
        connection: In a transaction.
        query: The query.
        without: The ids of conversations that do not count.

    Returns:
        None if that may depend on a value that is unknown.
    """
    if is_uncertain(connection, query, rated=True):
        return None
    found = []
    for edges in query.ranges:
        ratings: Counter[int] = Counter()
        raters = set()
        for value, customer in _rated(connection, query, edges, without):
            ratings[value] += 1
            raters.add(customer)
        found.append(CountedRatings(ratings, raters, _helped(connection, query, edges, without)))
    return found


def customers_helped(
    connection: sa.Connection, query: CountQuery, without: Collection[int] = ()
) -> set[int] | None:
    """The ids of the customers who got a reply in the ranges of a query.

    Args:
        connection: In a transaction.
        query: The query.
        without: The ids of conversations that do not count.

    Returns:
        None if that may depend on a value that is unknown. 0 is among them if one is unknown.
    """
    if is_uncertain(connection, query):
        return None
    return {
        customer
        for edges in query.ranges
        for customer in _helped(connection, query, edges, without)
    }


def _rated(
    connection: sa.Connection, query: CountQuery, edges: tuple[int, ...], without: Collection[int]
) -> Iterator[tuple[Any, ...]]:
    """The value of each rating, and who rated: grouping them takes longer than reading all."""
    parameters = Parameters(connection)
    conditions = [_IS_RATED, *_conditions(query, edges, without, parameters)]
    statement = f"SELECT t.rating, {_RATER} FROM {_from(conditions)}"  # noqa: S608 (no values)
    return fetch(connection, statement, parameters)


def _helped(
    connection: sa.Connection, query: CountQuery, edges: tuple[int, ...], without: Collection[int]
) -> set[int]:
    parameters = Parameters(connection)
    conditions = [_IS_REPLY, *_conditions(query, edges, without, parameters)]
    if not query.automatic_replies:
        conditions.append(_IS_MANUAL)
    statement = f"SELECT DISTINCT {_HELPED} FROM {_from(conditions)}"  # noqa: S608 (no values)
    return {customer for (customer,) in fetch(connection, statement, parameters)}


def _from(conditions: Collection[str]) -> str:
    return (
        "thread AS t JOIN conversation AS c ON c.id = t.conversation"
        f" WHERE {' AND '.join(conditions)}"
    )


def _conditions(
    query: CountQuery, edges: tuple[int, ...], without: Collection[int], parameters: Parameters
) -> Iterator[str]:
    """What holds of the threads of a range, rated or not, and of their conversations."""
    yield f"t.created >= {parameters.add(edges[0])} AND t.created < {parameters.add(edges[-1])}"
    if query.users:
        yield f"t.author_type = 'user' AND {among('t.author', sorted(query.users), parameters)}"
    if without:
        yield f"t.conversation NOT IN {parameters.add_list(without)}"
    yield from conversation_conditions(query, parameters)
    yield from tag_conditions(query, parameters)
