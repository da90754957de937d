"""For those who write another implementation of the old reports, and test it against this one.

    def test_mine() -> None:
        assert_parity(my_answer)

`assert_parity` asks both, and shows the smallest set of conversations and query that differ. The
strategies draw accounts and queries for tests of your own; the pytest plugin brings fixtures: a
simulator on a free port, a server in front of it, and a client. Needs the extra `testing`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compat.testing.assertions import ParityFailed, assert_parity
    from compat.testing.reference import Payload, Reference, payloads
    from compat.testing.stage import Stage, simulator_stage
    from compat.testing.strategies import accounts, cases, conversations, old_queries
    from compat.testing.vectors import Vector, golden_vectors

__all__ = [
    "ParityFailed",
    "Payload",
    "Reference",
    "Stage",
    "Vector",
    "accounts",
    "assert_parity",
    "cases",
    "conversations",
    "golden_vectors",
    "old_queries",
    "payloads",
    "simulator_stage",
]

_HOMES = {
    "ParityFailed": "assertions",
    "assert_parity": "assertions",
    "Payload": "reference",
    "Reference": "reference",
    "payloads": "reference",
    "Stage": "stage",
    "simulator_stage": "stage",
    "accounts": "strategies",
    "cases": "strategies",
    "conversations": "strategies",
    "old_queries": "strategies",
    "Vector": "vectors",
    "golden_vectors": "vectors",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
