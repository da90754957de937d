"""Compares two answers to the same question, place by place.

Two bodies of JSON are compared as values of JSON, exactly: `7` is neither `7.0` nor `"7"`, and an
absent key is not null. The spelling of numbers and texts, and white space, make no difference.
The order of keys does: old programs printed keys in the order in which they arrived.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn

Kind = Literal["value", "type", "missing", "extra", "length", "order", "body", "status"]
"""In which way two answers differ in a place.

`value`: both are of one type and not equal. `type`: they are of different types. `missing`: only
the old answer has the key. `extra`: only the new answer has it. `length`: lists of different
lengths; the items that both have are compared as well. `order`: the same keys in another order.
`body`: one of the two is not JSON. `status`: another HTTP status; `differences` does not use it.
"""


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = _Absent()
"""The value of an absent key, which is not the same as null."""

WHOLE: Final = "body"
"""The path of a whole answer."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two answers differ.

    Attributes:
        path: Where, such as `current[3].count`; `body` for the whole answer.
        kind: In which way they differ.
        old: The recorded value, or `ABSENT`. For `length` it is the length of the list, for
            `order` the keys, for `body` the text.
        new: The same for the answer of today.
    """

    path: str
    kind: Kind
    old: object
    new: object


def differences(old: bytes, new: bytes) -> tuple[Difference, ...]:
    """All differences between two bodies; empty if they are equal.

    If one of them is not JSON, only the same bytes are equal.
    """
    try:
        before, after = read_json(old), read_json(new)
    except ValueError:
        if old == new:
            return ()
        return (Difference(WHOLE, "body", _text(old), _text(new)),)
    return tuple(_in_values("", before, after))


def deltas(old: bytes, new: bytes) -> Mapping[str, int]:
    """How much larger the new total of each series is; negative if less is counted now.

    A series is a list of objects with an integer `count`: `current`, `previous`, or `[]` if the
    list is the whole answer. A series that one answer lacks has the total 0 there. A body that is
    not JSON has no series.
    """
    before, after = _totals(old), _totals(new)
    return {name: after.get(name, 0) - before.get(name, 0) for name in before | after}


def read_json(body: bytes) -> Any:
    """The value of a JSON body.

    Raises:
        ValueError: It is not JSON, or nested too deeply.
    """
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _in_values(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if type(old) is not type(new):
        yield Difference(path or WHOLE, "type", old, new)
    elif isinstance(old, dict):
        yield from _in_objects(path, old, new)
    elif isinstance(old, list):
        yield from _in_lists(path, old, new)
    elif old != new:
        yield Difference(path or WHOLE, "value", old, new)


def _in_objects(path: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Difference]:
    for key in old | new:
        place = f"{path}.{key}" if path else key
        if key not in new:
            yield Difference(place, "missing", old[key], ABSENT)
        elif key not in old:
            yield Difference(place, "extra", ABSENT, new[key])
        else:
            yield from _in_values(place, old[key], new[key])
    if old.keys() == new.keys() and list(old) != list(new):
        yield Difference(path or WHOLE, "order", tuple(old), tuple(new))


def _in_lists(path: str, old: list[Any], new: list[Any]) -> Iterator[Difference]:
    if len(old) != len(new):
        yield Difference(path or WHOLE, "length", len(old), len(new))
    for at, (before, after) in enumerate(zip(old, new, strict=False)):
        yield from _in_values(f"{path}[{at}]", before, after)


def _totals(body: bytes) -> dict[str, int]:
    try:
        value = read_json(body)
    except ValueError:
        return {}
    named = value if isinstance(value, dict) else {"[]": value}
    counts = {name: _counts(series) for name, series in named.items()}
    return {name: sum(each) for name, each in counts.items() if each is not None}


def _counts(series: Any) -> list[int] | None:
    """The counts of a series; None if it is not a series."""
    if not isinstance(series, list):
        return None
    points = [point for point in series if isinstance(point, dict)]
    # type() and not isinstance(): `true` is not a count.
    counts = [point["count"] for point in points if type(point.get("count")) is int]
    return counts if len(counts) == len(series) else None


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
