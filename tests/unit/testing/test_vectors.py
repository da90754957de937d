"""The golden vectors, read as another implementation would."""

from __future__ import annotations

import dataclasses
import json
import re
from hashlib import sha256

import pytest

from compat.testing import Reference, Vector, golden_vectors
from compat.testing.reference import VECTORS_FORMAT
from tests.integration.docs.pages import ROOT
from tests.unit.testing.candidate import BUGS, Candidate

VECTORS = golden_vectors()
FILE = ROOT / "compat" / "testing" / "vectors.json"
PAGE = ROOT / "docs" / "how-to" / "test-my-own-implementation.md"
PUBLISHED = {"1.0.0": "85046fd5ab78d10a524d2e2ff2bc95d9b9d71c1cab021e26b7efb84b09ec4d38"}
"""The SHA-256 of each version's vectors, as JSON without spaces."""


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


def test_a_version_does_not_change() -> None:
    """Whoever changes the vectors raises their version, and adds it here."""
    content = json.loads(FILE.read_text(encoding="utf-8"))
    text = json.dumps(content["vectors"], separators=(",", ":")).encode()
    assert sha256(text).hexdigest() == PUBLISHED[content["version"]]


def test_the_page_documents_every_field_and_the_format() -> None:
    content = json.loads(FILE.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8").partition("## Golden vectors")[2].partition("\n## ")[0]
    assert content["format"] == VECTORS_FORMAT
    assert f"`format` is `{VECTORS_FORMAT}`" in page
    fields = [each.name for each in dataclasses.fields(Vector)]
    assert list(content["vectors"][0]) == fields
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == fields


def test_names_are_unique() -> None:
    assert len({vector.id for vector in VECTORS}) == len(VECTORS)


def passes(candidate: Candidate, vector: Vector) -> bool:
    content = candidate(vector.query, list(vector.conversations))
    status, answer = content if isinstance(content, tuple) else (200, content)
    if status != vector.status:
        return False
    # As text: 1.0 is not 1.
    return status != 200 or json.dumps(answer) == json.dumps(vector.answer)


def complete(conversation: dict[str, object]) -> dict[str, object]:
    return conversation | {"subject": "", "threads": 1}
