"""Captures that are filtered by what may have changed since: shown, and never fitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compat.conventions import Conventions
from compat.parity.judging import visible
from compat.parity.records import Record
from compat.parity.recounting import Recount


@dataclass(frozen=True, slots=True)
class Filtered:
    """How captures with filters by tag, mailbox or folder compare with today.

    Attributes:
        equal: How many are equal.
        different: How many are not; tags, mailboxes and folders change, so that says little.
        apart: How many are filtered by folder, which a recount cannot tell.
        hints: Rules of tags under which more of those filtered by tag would be equal: the
            field, the value, and how many more. A hint, and no recommendation.
    """

    equal: int = 0
    different: int = 0
    apart: int = 0
    hints: tuple[tuple[str, Any, int], ...] = ()


def compare(records: Sequence[Record], recount: Recount, conventions: Conventions) -> Filtered:
    """Recount filtered captures under the conventions that were found."""
    queries = [(record, recount.query(record.pairs, conventions)) for record in records]
    comparable = [record for record, query in queries if query and not query.folders]
    tagged = [record for record, query in queries if query and query.tags and not query.folders]
    equal = _equal(comparable, recount, conventions)
    return Filtered(
        equal,
        len(comparable) - equal,
        len(records) - len(comparable),
        tuple(_hints(tagged, recount, conventions)),
    )


def _hints(
    tagged: Sequence[Record], recount: Recount, conventions: Conventions
) -> Iterable[tuple[str, Any, int]]:
    as_set = _equal(tagged, recount, conventions)
    for name, value in _others(conventions):
        other = conventions.model_copy(update={name: value})
        if (more := _equal(tagged, recount, other) - as_set) > 0:
            yield name, value, more


def _others(conventions: Conventions) -> Iterable[tuple[str, Any]]:
    choices: Mapping[str, tuple[Any, ...]] = {
        "tags_match": ("any", "all"),
        "untagged_tag": (1, None),
    }
    for name, values in choices.items():
        yield from ((name, value) for value in values if value != getattr(conventions, name))


def _equal(records: Sequence[Record], recount: Recount, conventions: Conventions) -> int:
    seen = (visible(recount.predict(each.pairs, conventions), conventions) for each in records)
    recorded = (tuple(each.series.items()) for each in records)
    return sum(one == other for one, other in zip(seen, recorded, strict=True))
