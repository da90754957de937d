"""Golden vectors: conversations, a query and its answer, for implementations in any language."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

FORMAT: Final = 1
"""The version of the file's form; a reader must refuse any other."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One question, and what is right.

    Attributes:
        id: Its name, which stays the same for as long as the vector does.
        about: What it is there for.
        conversations: All conversations of the account as Mailbox API 2.0 shows them, as far as
            they matter.
        query: The target of the old request.
        status: The status of the answer.
        answer: Its body, read; of a status other than 200 None, since sentences may differ.
        oracle: The body by an arithmetic that shares no code with this project's; None likewise.
    """

    id: str
    about: str
    conversations: tuple[dict[str, Any], ...]
    query: str
    status: int
    answer: Any
    oracle: Any


@cache
def golden_vectors() -> tuple[Vector, ...]:
    """All vectors, in the order of the file."""
    return tuple(_read())


def _read() -> Iterator[Vector]:
    text = files("compat.testing").joinpath("vectors.json").read_text(encoding="utf-8")
    for each in json.loads(text)["vectors"]:
        yield Vector(**each | {"conversations": tuple(each["conversations"])})
