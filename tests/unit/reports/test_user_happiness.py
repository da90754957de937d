"""How customers rated the replies of a user or a team."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.core.counting import CountResult, RatingCounts
from compat.core.models import ActivityQuery, ListItem, ListQuery
from compat.core.report_data import UserActivityQuery, UserData, UserOrTeam
from compat.reports import happiness, user_happiness
from compat.v1.models_ratings import FilterTag, UserHappiness
from compat.v1.query import ReportQuery
from tests.unit.core.activity_samples import (
    BEFORE,
    FIRST,
    LAST,
    VECTORS,
    Json,
    activities,
    interval,
    vector_payloads,
)
from tests.unit.reports.samples import query, span
from tests.unit.reports.staff import ANN, AS_OF, user_data
from tests.unit.service.doubles import FakeSource, basic, reports_on

PLAIN = Conventions()
PATH = "/v1/reports/user/happiness.json"
EXAMPLE: Json = json.loads((Path(__file__).parent / "data/user-happiness.json").read_text("utf-8"))
"""The documented answer."""

TAGS = [ListItem(9, "later"), ListItem(7, "earlier")]


def asked(**others: Any) -> ReportQuery:
    return query(*interval(), user=1, previous=span(*interval(*BEFORE)), **others)


def answer(users: tuple[int, ...], conventions: Conventions = PLAIN) -> UserHappiness:
    data = user_data(activities(vector_payloads()), users, tags=TAGS)
    return user_happiness.answer(asked(), data, conventions)


@pytest.mark.parametrize("user", [1, 2])
def test_a_user_has_the_figures_of_the_vectors(user: int) -> None:
    assert answer((user,)).current.model_dump() == VECTORS[f"happiness_user{user}"]


@pytest.mark.parametrize("user", [1, 2])
def test_the_score_is_that_of_the_vectors_in_both_ranges(user: int) -> None:
    found = answer((user,))
    assert found.current.happinessScore == VECTORS[f"user{user}"]["happinessScore"]
    assert found.previous is not None
    assert found.previous.happinessScore == VECTORS[f"previous_user{user}"]["happinessScore"]


def test_a_rating_is_of_who_wrote_the_reply() -> None:
    assert answer((2,)).previous == answer((1, 2)).previous
    previous = answer((1,)).previous
    assert previous is not None
    assert previous.ratingsCount == 0


def test_a_team_of_everybody_has_the_figures_of_the_company() -> None:
    found = answer((1, 2))
    assert found.current.model_dump() == VECTORS["happiness"]
    assert found.deltas is not None
    assert found.deltas.model_dump() == VECTORS["deltas_happiness"]


def test_a_team_without_members_has_zeros() -> None:
    found = answer((4901,))
    assert set(found.current.model_dump().values()) == {0}


def test_all_tags_are_listed_as_upstream_lists_them_after_the_one_for_untagged() -> None:
    expected = (FilterTag(id=1, name=""), FilterTag(id=9, name="later"))
    assert answer((1,)).filterTags == (*expected, FilterTag(id=7, name="earlier"))


@pytest.mark.parametrize(("untagged", "ids"), [(5, [5, 9, 7]), (None, [9, 7])])
def test_the_tag_for_untagged_is_the_one_that_filters(untagged: int | None, ids: list[int]) -> None:
    found = answer((1,), Conventions(untagged_tag=untagged))
    assert [tag.id for tag in found.filterTags] == ids


def test_the_answer_is_that_of_the_company_after_the_tags() -> None:
    counts = [RatingCounts(41, 34, 35, 39, 109), RatingCounts(340, 392, 342, 967, 3019)]
    data = UserData(
        UserOrTeam(ANN, frozenset({1})),
        [[ListItem(123, "sample-tag")]],
        CountResult(counts, AS_OF, 0.0),
        None,
        AS_OF,
        0.0,
    )
    found = user_happiness.answer_from_counts(asked(), data, PLAIN)
    answered = json.loads(found.model_dump_json())
    assert list(answered) == list(EXAMPLE)
    assert answered.pop("filterTags") == [{"id": 1, "name": ""}, *EXAMPLE["filterTags"]]
    company = happiness.answer_from_counts(asked(), data.found, PLAIN)
    assert json.dumps(answered) == json.dumps(json.loads(company.model_dump_json()))
    assert answered == {name: EXAMPLE[name] for name in answered}


def test_the_conversations_of_the_company_are_needed_and_the_tags() -> None:
    question = asked(mailboxes=(3,))
    assert user_happiness.required_data(question, PLAIN) == UserActivityQuery(
        1, happiness.required_data(question, PLAIN), (ListQuery("tags"),)
    )
    assert user_happiness.count_query(question, PLAIN) == happiness.count_query(question, PLAIN)


def test_a_request_is_answered_over_http() -> None:
    fake_source = FakeSource()
    fake_source.activities = activities(vector_payloads())
    fake_source.items_of = {"users": [ANN], "tags": TAGS}
    with reports_on(fake_source) as reports:
        answered = reports.answer(f"{PATH}?start={FIRST}&end={LAST}&user=1", authorization=basic())
    assert answered.status == 200
    content = json.loads(answered.body)
    assert list(content) == ["filterTags", "current"]
    assert content["current"] == VECTORS["happiness_user1"]
    assert fake_source.activity_queries == [ActivityQuery((interval(),), users=frozenset({1}))]


def test_the_user_is_required_and_zeros_are_the_answer_for_an_unknown_one() -> None:
    fake_source = FakeSource()
    fake_source.items_of = {"users": (), "teams": None, "members": None, "tags": ()}
    with reports_on(fake_source) as reports:
        target = f"{PATH}?start={FIRST}&end={LAST}"
        missing, unknown = (
            reports.answer(each, authorization=basic()) for each in (target, f"{target}&user=9")
        )
    (fault,) = json.loads(missing.body)["validationErrors"]
    assert (missing.status, fault["property"]) == (400, "user")
    assert (unknown.status, json.loads(unknown.body)["current"]["ratingsCount"]) == (200, 0)
