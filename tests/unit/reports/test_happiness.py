"""How customers rated the replies of a range."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.counting import CountQuery, CountResult, Filter, RatingCounts
from compat.core.intervals import Interval
from compat.core.models import (
    Activity,
    ActivityQuery,
    ActivitySet,
    ConversationQuery,
    Rating,
    Thread,
    UnknownValue,
)
from compat.reports import happiness
from compat.v1.models_ratings import Happiness, HappinessFigures
from compat.v1.query import ReportQuery
from tests.unit.core import activity_oracle as oracle
from tests.unit.core.activity_samples import (
    BEFORE,
    FIRST,
    LAST,
    VECTORS,
    Json,
    activities,
    interval,
    payloads,
    vector_payloads,
)
from tests.unit.reports.samples import DAY, query, row, span
from tests.unit.service.doubles import FakeSource, basic, reports_on

PLAIN = Conventions()
EXAMPLES = min(settings().max_examples, 400)
PATH = "/v1/reports/happiness.json"
START = interval().first
EXAMPLE: Json = json.loads((Path(__file__).parent / "data/happiness.json").read_text("utf-8"))
"""The documented answer."""

ZEROS = HappinessFigures(**dict.fromkeys(HappinessFigures.model_fields, 0))


def asked(*, compared: bool = False, **others: Any) -> ReportQuery:
    previous = span(*interval(*BEFORE)) if compared else None
    return query(*interval(), previous=previous, **others)


def answer(
    found: list[Activity],
    conventions: Conventions = PLAIN,
    question: ReportQuery | None = None,
    undecided: dict[int, str] | None = None,
) -> Happiness:
    activity_set = ActivitySet(found, START, 0.0, undecided or {})
    return happiness.answer(question or asked(), activity_set, conventions)


def current(found: list[Activity], *others: Any, **named: Any) -> HappinessFigures:
    return answer(found, *others, **named).current


def rated(second: int = 5, value: int = 1, customer: int = 101, **fields: Any) -> Activity:
    """A conversation with one reply, which customer 101 got and some customer rated."""
    thread = Thread(START + second, 1, "message", by="user", author=1, customer=101)
    thread = thread._replace(rating=Rating(value, customer))
    thread = thread._replace(**fields.pop("thread", {}))
    return Activity(row(START, **fields), (thread,), customer=101)


def test_the_vectors_have_these_figures_and_changes() -> None:
    found = answer(activities(vector_payloads()), question=asked(compared=True))
    assert found.current.model_dump() == VECTORS["happiness"]
    assert found.previous is not None
    assert found.previous.model_dump() == VECTORS["previous_happiness"]
    assert found.deltas is not None
    assert found.deltas.model_dump() == VECTORS["deltas_happiness"]


def test_the_documented_answer_follows_from_its_counts_to_the_last_bit() -> None:
    counts = [
        RatingCounts(
            *(
                EXAMPLE[name][key]
                for key in (
                    "greatCount",
                    "okayCount",
                    "notGoodCount",
                    "totalCustomersWithRatings",
                    "totalCustomers",
                )
            )
        )
        for name in ("current", "previous")
    ]
    result = CountResult(counts, START, 0.0)
    found = happiness.answer_from_counts(asked(compared=True), result, PLAIN)
    answered = json.loads(found.model_dump_json())
    assert answered == EXAMPLE
    assert list(answered) == list(EXAMPLE)
    for part in ("current", "deltas"):
        assert list(answered[part]) == list(EXAMPLE[part])
    # The example has two keys of `previous` in another order than in `current`.
    assert list(answered["previous"]) == list(EXAMPLE["current"])


def test_without_a_range_to_compare_with_there_are_no_changes() -> None:
    assert list(json.loads(answer([]).model_dump_json())) == ["current"]


def test_no_ratings_give_zeros() -> None:
    assert current([]) == ZEROS
    helped = current([rated(thread={"rating": None})])
    assert helped == ZEROS.model_copy(update={"totalCustomers": 1})
    compared = answer([], question=asked(compared=True))
    assert compared.previous == ZEROS
    assert compared.deltas is not None
    assert set(compared.deltas.model_dump().values()) == {0.0}


@pytest.mark.parametrize(("second", "count"), [(-1, 0), (0, 1), (7 * DAY - 1, 1), (7 * DAY, 0)])
def test_a_rating_belongs_to_the_second_of_its_reply(second: int, count: int) -> None:
    found = current([rated(second)])
    assert (found.ratingsCount, found.totalCustomers) == (count, count)


@pytest.mark.parametrize(("included", "count"), [(True, 1), (False, 0)])
def test_a_convention_says_whether_the_last_second_counts(*, included: bool, count: int) -> None:
    found = current([rated(7 * DAY - 1)], Conventions(end_included=included))
    assert (found.ratingsCount, found.totalCustomers) == (count, count)


def test_replies_are_compared_by_the_old_clock() -> None:
    hour_ahead = Conventions(clock_shift_minutes=60)
    assert current([rated(-3600)], hour_ahead).ratingsCount == 1
    assert current([rated(7 * DAY - 3600)], hour_ahead).ratingsCount == 0
    (needed,) = happiness.required_data(asked(), hour_ahead).touched
    assert needed == Interval(START - 3600, interval().last - 3600)
    first, after = happiness.count_query(asked(), hour_ahead).ranges[0]
    assert (first, after) == (START - 3600, interval().last - 3599)


def test_a_customer_counts_once_in_however_many_conversations() -> None:
    found = current([rated(5, id=1), rated(6, 3, id=2), rated(7, 2, customer=102, id=3)])
    assert (found.ratingsCount, found.totalCustomersWithRatings) == (3, 2)
    assert found.totalCustomers == 1


def test_customers_who_are_unknown_are_left_out() -> None:
    nobody = rated(customer=0, thread={"customer": 0})._replace(customer=0)
    found = current([nobody])
    assert (found.ratingsCount, found.totalCustomersWithRatings, found.totalCustomers) == (1, 0, 0)
    assert found.ratingsPercent == 0.0


@pytest.mark.parametrize(
    "thread",
    [{"state": "draft"}, {"state": "hidden"}, {"state": "review"}, {"action": "imported"}],
    ids=str,
)
def test_a_rating_of_what_is_no_sent_reply_does_not_count(thread: dict[str, str]) -> None:
    assert current([rated(thread=thread)]) == ZEROS


def test_a_rating_of_an_automatic_reply_counts_even_if_the_reply_does_not() -> None:
    found = current(
        [rated(thread={"source": "workflows"})], Conventions(automatic_replies_count=False)
    )
    assert (found.ratingsCount, found.totalCustomers, found.ratingsPercent) == (1, 0, 0.0)


@pytest.mark.parametrize("fields", [{"status": "spam"}, {"state": "deleted"}, {"state": "draft"}])
def test_of_spam_and_of_what_is_not_published_nothing_counts(fields: dict[str, Any]) -> None:
    assert current([rated(**fields)]) == ZEROS


@pytest.mark.parametrize(
    ("filters", "count"),
    [({"types": ("chat",)}, 1), ({"tags": (7,)}, 1), ({"tags": (1,)}, 2), ({"tags": (8,)}, 0)],
)
def test_filters_are_about_the_conversation(filters: dict[str, Any], count: int) -> None:
    found = [rated(5, id=1, tags=(7,)), rated(6, id=2), rated(7, id=3, type="chat")]
    assert current(found, question=asked(**filters)).ratingsCount == count


def test_a_value_that_is_filtered_by_and_unknown_is_no_guess() -> None:
    with pytest.raises(UnknownValue, match="`tags` of conversation 5"):
        current([rated(id=5, tags=None)], question=asked(tags=(7,)))
    with pytest.raises(UnknownValue, match="`mailboxId` of conversation 5"):
        current([rated(id=5)], undecided={5: "mailbox"})


def test_where_nothing_was_sent_in_the_range_nothing_needs_to_be_known() -> None:
    old = rated(-1, id=5, tags=None)
    assert current([old], question=asked(tags=(7,)), undecided={5: "mailbox"}) == ZEROS


def test_a_source_may_count_what_the_query_names() -> None:
    question = asked(compared=True, mailboxes=(3,), folders=(4,), types=("chat",), tags=(1, 7))
    touched = (interval(), interval(*BEFORE))
    assert happiness.required_data(question, PLAIN) == ActivityQuery(
        touched, frozenset({3}), frozenset({4}), frozenset({"chat"})
    )
    assert happiness.count_query(question, Conventions(automatic_replies_count=False)) == (
        CountQuery(
            ConversationQuery(touched, frozenset({3}), frozenset({4})),
            Filter(
                PLAIN.counted_states,
                PLAIN.uncounted_statuses,
                frozenset({"chat"}),
                frozenset({-1, 7}),
            ),
            tuple((first, last + 1) for first, last in touched),
            "ratings",
            automatic_replies=False,
        )
    )


@settings(max_examples=EXAMPLES)
@given(
    st.lists(payloads(), max_size=4, unique_by=lambda payload: payload["id"]),
    st.sets(st.sampled_from([1, 2, 3])),
)
def test_every_figure_is_what_the_slowest_count_finds(account: list[Json], users: set[int]) -> None:
    found = ActivitySet(activities(account), START, 0.0)
    (counts,) = happiness.rating_counts(asked(), found, PLAIN, users).counts
    figures = happiness.figures(RatingCounts(*counts)).model_dump()
    expected = oracle.happiness(account, FIRST, LAST, users)
    assert figures == {name: pytest.approx(float(each)) for name, each in expected.items()}


@settings(max_examples=EXAMPLES)
@given(st.lists(payloads(), max_size=4, unique_by=lambda payload: payload["id"]))
def test_the_figures_hold_together(account: list[Json]) -> None:
    found = current(activities(account))
    assert current(activities(account)[::-1]) == found
    assert found.greatCount + found.okayCount + found.notGoodCount == found.ratingsCount
    assert found.happinessScore == found.great - found.notGood
    assert found.totalCustomersWithRatings <= found.ratingsCount
    users = [
        happiness.rating_counts(asked(), ActivitySet(activities(account), 0, 0.0), PLAIN, {user})
        for user in (1, 2, 3)
    ]
    assert sum(sum(each.counts[0][:3]) for each in users) == found.ratingsCount


def test_a_request_is_answered_over_http() -> None:
    fake_source = FakeSource()
    fake_source.activities = activities(vector_payloads())
    with reports_on(fake_source) as reports:
        answered = reports.answer(f"{PATH}?start={FIRST}&end={LAST}", authorization=basic())
    assert (answered.status, json.loads(answered.body)) == (200, {"current": VECTORS["happiness"]})
    assert dict(answered.headers)["Compat-Engine"] == "computed"
    assert fake_source.activity_queries == [ActivityQuery((interval(),))]
