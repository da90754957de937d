"""Somebody else's implementation, held against ours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from compat import Conventions
from compat.testing import REPORTS, ParityFailed, Reference, Stage, assert_parity
from tests.profiles import THOROUGH
from tests.unit.testing.candidate import BUGS, Candidate
from tests.unit.testing.http_candidates import Fetching

pytest_plugins = ("compat.testing.plugin",)

FEW = 2
SLOW = {"untagged", "php", "backwards", "right-closed", "all-tags"}
"""Bugs that take many questions to be met; the quick half leaves them to the thorough one."""

MET = [bug for bug, name in BUGS.items() if THOROUGH or name not in SLOW]


@pytest.fixture(scope="module")
def ours() -> Any:
    with Reference() as reference:
        yield reference


def test_an_implementation_without_bugs_passes() -> None:
    assert_parity(Candidate(), examples=400)


@pytest.mark.parametrize("bug", MET)
def test_a_planted_bug_is_caught_with_a_small_example(bug: str) -> None:
    with pytest.raises(ParityFailed) as caught:
        assert_parity(Candidate(BUGS[bug]), examples=5000, seed=2)
    assert len(caught.value.conversations) <= FEW, caught.value
    assert caught.value.differences


def test_a_failure_shows_conversations_query_and_both_answers() -> None:
    with pytest.raises(ParityFailed) as caught:
        assert_parity(Candidate("spam"), examples=2000)
    content = str(caught.value)
    assert '"status": "spam"' in content
    assert "query: /v1/reports/conversations/new.json?start=" in content
    assert 'expected: 200 {"current":' in content
    assert "current[0].count: 0 expected, 1 answered" in content


@pytest.mark.parametrize("report", REPORTS)
def test_every_report_can_be_asked_for(ours: Reference, report: str) -> None:
    asked: list[str] = []

    def candidate(query: str, conversations: Any) -> Any:
        asked.append(query)
        return ours.answer(query, conversations)

    assert_parity(candidate, reports=(report,), examples=30)
    assert asked
    assert all(query.startswith(f"/v1/reports/{report}.json?") for query in asked)


def test_a_candidate_may_fetch_from_a_simulator(helpscout_simulator: Stage) -> None:
    with Fetching(helpscout_simulator.base_url) as candidate:
        assert_parity(candidate, simulator=helpscout_simulator, examples=40)
        assert candidate.signed_in == 1


def test_a_bug_of_a_candidate_that_fetches_is_caught_with_a_small_example(
    helpscout_simulator: Stage,
) -> None:
    with (
        Fetching(helpscout_simulator.base_url, "spam") as candidate,
        pytest.raises(ParityFailed) as caught,
    ):
        assert_parity(candidate, simulator=helpscout_simulator, examples=400, seed=1)
    assert [each["status"] for each in caught.value.conversations] == ["spam"]


def test_conventions_can_be_those_of_the_candidate() -> None:
    assert_parity(Candidate("end"), conventions=Conventions(end_included=False), examples=400)
    assert_parity(
        Candidate("thirty"), conventions=Conventions(month_step="thirty-days"), examples=400
    )


def test_refusals_can_be_left_out() -> None:
    assert_parity(Candidate("backwards"), refusals=False, examples=400)


def as_text(status: int, body: bytes) -> Any:
    return body.decode() if status == 200 else (status, "")


def as_pair(status: int, body: bytes) -> Any:
    return status, body


def as_response(status: int, body: bytes) -> Any:
    return SimpleNamespace(status_code=status, content=body)


def as_answer(status: int, body: bytes) -> Any:
    return SimpleNamespace(status=status, body=body)


@pytest.mark.parametrize("shape", [as_text, as_pair, as_response, as_answer])
def test_an_answer_may_have_any_usual_shape(ours: Reference, shape: Any) -> None:
    def candidate(query: str, conversations: Any) -> Any:
        answer = ours.answer(query, conversations)
        return shape(answer.status, answer.body)

    assert_parity(candidate, examples=40)


def test_a_value_that_is_not_an_answer_is_an_error() -> None:
    with pytest.raises(TypeError, match="cannot be a set"):
        assert_parity(lambda _query, _conversations: {1}, examples=5)


def test_a_candidate_may_change_its_arguments() -> None:
    def candidate(query: str, conversations: Any) -> Any:
        answer = Candidate()(query, conversations)
        conversations.clear()
        return answer

    assert_parity(candidate, examples=100)
