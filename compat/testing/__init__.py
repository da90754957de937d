"""Tests for other implementations of the old reports, against this one.

    def test_mine() -> None:
        assert_parity(my_answer)

`assert_parity` asks both, and shows the smallest set of conversations and query that differ. The
strategies draw accounts and queries for tests of your own. `compat.testing.plugin` has fixtures for
pytest: a simulator on a free port, a server in front of it, and a client. Needs the extra
`testing`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from compat.testing.assertions import ParityFailed, assert_parity
    from compat.testing.reference import Payload, Reference, Vector, golden_vectors, payloads
    from compat.testing.stage import Stage, simulator_stage
    from compat.testing.strategies import accounts, cases, conversations, old_queries

__all__ = [
    "REPORTS",
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

REPORTS: Final = ("conversations/new", "conversations/busy-times", "conversations/new-drilldown")
"""The reports that queries can ask for; New Conversations comes first."""

_MODULES = {
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
    "Vector": "reference",
    "golden_vectors": "reference",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
