"""The golden vectors, read as another implementation would."""

from __future__ import annotations

import json

import pytest

from compat.testing import Reference, Vector, golden_vectors
from tests.testing.candidate import BUGS, Candidate

VECTORS = golden_vectors()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: each.id)
def test_reference_and_oracle_agree(vector: Vector) -> None:
    assert vector.answer == vector.oracle
    with Reference() as reference:
        answer = reference.answer(vector.query, [complete(each) for each in vector.conversations])
    assert answer.status == vector.status
    if answer.status == 200:
        assert json.loads(answer.body) == vector.answer


def test_an_implementation_without_bugs_passes_all() -> None:
    assert not [vector.id for vector in VECTORS if not passes(Candidate(), vector)]


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_fails_some(bug: str) -> None:
    assert [vector.id for vector in VECTORS if not passes(Candidate(BUGS[bug]), vector)]


def test_names_are_unique() -> None:
    assert len({vector.id for vector in VECTORS}) == len(VECTORS)


def passes(candidate: Candidate, vector: Vector) -> bool:
    told = candidate(vector.query, list(vector.conversations))
    status, answer = told if isinstance(told, tuple) else (200, told)
    if status != vector.status:
        return False
    # As text: 1.0 is not 1.
    return status != 200 or json.dumps(answer) == json.dumps(vector.answer)


def complete(conversation: dict[str, object]) -> dict[str, object]:
    return conversation | {"subject": "", "threads": 1}
