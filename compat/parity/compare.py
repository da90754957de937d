"""What differs between two answers to the same question, place by place.

Two bodies of JSON are compared as values of JSON, exactly: `7` is neither `7.0` nor `"7"`, and an
absent key is not null. How numbers and texts are spelled and where blanks stand makes no
difference. The order of keys does: programs of that time printed answers as they came.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn

Kind = Literal["value", "type", "missing", "extra", "length", "order", "body", "status"]
"""In which way two answers differ in a place.

`value`: both are of one type and not equal. `type`: they are of different types. `missing`: only
the old answer has the key. `extra`: only the new one has it. `length`: lists of different lengths;
what both have is compared as well. `order`: the same keys in another order. `body`: one of the
two is no JSON. `status`: another HTTP status; for those who compare more than bodies.
"""


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = _Absent()
"""Stands for what is not there, which null does not."""

WHOLE: Final = "body"
"""The path of an answer as a whole."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two answers differ.

    Attributes:
        path: Where, such as `current[3].count`; `body` for the whole.
        kind: In which way.
        old: The value there as recorded, or `ABSENT`; of a list the length, of an object whose
            order differs the keys, of what is no JSON the text.
        new: Likewise in the answer of today.
    """

    path: str
    kind: Kind
    old: object
    new: object


def differences(old: bytes, new: bytes) -> tuple[Difference, ...]:
    """Compare two bodies; nothing if they say the same.

    Two bodies of which at least one is no JSON are equal only to the byte.
    """
    try:
        before, after = read(old), read(new)
    except ValueError:
        if old == new:
            return ()
        return (Difference(WHOLE, "body", _text(old), _text(new)),)
    return tuple(_compared("", before, after))


def deltas(old: bytes, new: bytes) -> Mapping[str, int]:
    """How much larger the new total of each series is: negative where conversations went.

    A series is a list of objects with a whole `count`: `current`, `previous`, or `[]` where
    the list is the whole answer. One that only one answer has is compared with nothing in it;
    a body that is no JSON has none.
    """
    before, after = _totals(old), _totals(new)
    return {name: after.get(name, 0) - before.get(name, 0) for name in before | after}


def read(body: bytes) -> Any:
    """A body's value.

    Raises:
        ValueError: It is no JSON, or nested so deeply that nobody meant it.
    """
    try:
        return json.loads(body.decode(), parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _compared(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if type(old) is not type(new):
        yield Difference(path or WHOLE, "type", old, new)
    elif isinstance(old, dict):
        yield from _objects(path, old, new)
    elif isinstance(old, list):
        yield from _lists(path, old, new)
    elif old != new:
        yield Difference(path or WHOLE, "value", old, new)


def _objects(path: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Difference]:
    for key in old | new:
        place = f"{path}.{key}" if path else key
        if key not in new:
            yield Difference(place, "missing", old[key], ABSENT)
        elif key not in old:
            yield Difference(place, "extra", ABSENT, new[key])
        else:
            yield from _compared(place, old[key], new[key])
    if old.keys() == new.keys() and list(old) != list(new):
        yield Difference(path or WHOLE, "order", tuple(old), tuple(new))


def _lists(path: str, old: list[Any], new: list[Any]) -> Iterator[Difference]:
    if len(old) != len(new):
        yield Difference(path or WHOLE, "length", len(old), len(new))
    for at, (before, after) in enumerate(zip(old, new, strict=False)):
        yield from _compared(f"{path}[{at}]", before, after)


def _totals(body: bytes) -> dict[str, int]:
    try:
        value = read(body)
    except ValueError:
        return {}
    named = value if isinstance(value, dict) else {"[]": value}
    counts = {name: _counts(series) for name, series in named.items()}
    return {name: sum(each) for name, each in counts.items() if each is not None}


def _counts(series: Any) -> list[int] | None:
    """The counts of a series; None for anything else."""
    if not isinstance(series, list):
        return None
    points = [point for point in series if isinstance(point, dict)]
    # type() and not isinstance(): true is no count.
    counts = [point["count"] for point in points if type(point.get("count")) is int]
    return counts if len(counts) == len(series) else None


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
