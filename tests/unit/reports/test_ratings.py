"""The ratings of the replies of a range, page by page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.models import (
    Activity,
    ActivityQuery,
    ActivitySet,
    ListItem,
    Rating,
    Thread,
    UnknownValue,
)
from compat.core.report_data import UserActivityQuery
from compat.reports import happiness, happiness_ratings, user_ratings
from compat.v1.models_ratings import Ratings
from compat.v1.query import ReportQuery
from tests.unit.core import activity_oracle as oracle
from tests.unit.core.activity_samples import (
    FIRST,
    LAST,
    VECTORS,
    Json,
    activities,
    interval,
    payloads,
    vector_payloads,
)
from tests.unit.reports.samples import DAY, query, row
from tests.unit.reports.staff import ANN, user_data
from tests.unit.service.doubles import FakeSource, basic, reports_on

PLAIN = Conventions()
EXAMPLES = min(settings().max_examples, 400)
PATH = "/v1/reports/happiness/ratings.json"
START = interval().first
EXAMPLE: Json = json.loads(
    (Path(__file__).parent / "data/happiness-ratings.json").read_text("utf-8")
)
"""The documented answer."""

WORDS = {"great": 1, "okay": 2, "not_good": 3}
NAMES = {101: "Cara One", 102: "Dan Two", 1: "Ann Agent", 2: "Bob Agent"}


def asked(**others: Any) -> ReportQuery:
    newest: dict[str, Any] = {"sort_field": "modifiedAt", "descending": True}
    return query(*interval(), **newest | others)


def page(
    found: Sequence[Activity],
    question: ReportQuery | None = None,
    conventions: Conventions = PLAIN,
    undecided: dict[int, str] | None = None,
) -> Ratings:
    activity_set = ActivitySet(found, START, 0.0, undecided or {})
    return happiness_ratings.answer(question or asked(), activity_set, conventions)


def threads(found: Sequence[Activity], **others: Any) -> list[int]:
    """The ids of the messages on a page."""
    return [each.threadid for each in page(found, asked(**others)).results]


def rated(id_: int = 1, second: int = 5, value: int = 1, **fields: Any) -> Activity:
    """A conversation with one reply, which has the same id and was rated."""
    thread = Thread(START + second, id_, "message", by="user", author=1, customer=101)
    thread = thread._replace(rating=Rating(value, 101))._replace(**fields.pop("thread", {}))
    number = fields.pop("number", 0)
    return Activity(row(START, id=id_, **fields), (thread,), customer=101, number=number)


def with_names(activity: Activity) -> Activity:
    """The vectors' payloads have no names."""

    def named(thread: Thread) -> Thread:
        if thread.rating is None:
            return thread
        rater, user = NAMES.get(thread.rating.customer, ""), NAMES[thread.author]
        rating = thread.rating._replace(customer_name=rater, user_name=user)
        return thread._replace(rating=rating)

    return activity._replace(threads=tuple(map(named, activity.threads)))


def test_the_vectors_have_these_rows() -> None:
    found = list(map(with_names, activities(vector_payloads())))
    answered = json.loads(
        page(found, asked(sort_field="number", descending=False)).model_dump_json()
    )
    assert (answered["pages"], answered["page"], answered["count"]) == (1, 1, 2)
    expected = [
        {**each, "ratingComments": "", "ratingCreatedAt": each["threadCreatedAt"]}
        for each in VECTORS["ratings_rows"]
    ]
    assert answered["results"] == expected


def test_keys_have_the_order_of_the_documented_answer() -> None:
    answered = json.loads(page([rated()]).model_dump_json())
    assert list(answered) == list(EXAMPLE)
    assert list(answered["results"][0]) == list(EXAMPLE["results"][0])
    assert Ratings.model_validate(EXAMPLE).results[0].ratingId == 1


def test_a_row_has_what_is_known_of_the_rating() -> None:
    rating = Rating(3, 102, "dan@customers.example", "Ann Agent", "I had to ask twice.")
    (found,) = page([rated(thread={"rating": rating}, type="chat", number=59504)]).results
    assert json.loads(found.model_dump_json()) == {
        "number": 59504,
        "id": 1,
        "type": "chat",
        "threadid": 1,
        "threadCreatedAt": "2015-01-05T00:00:05Z",
        "ratingId": 3,
        "ratingCustomerId": 102,
        "ratingComments": "I had to ask twice.",
        "ratingCreatedAt": "2015-01-05T00:00:05Z",
        "ratingCustomerName": "dan@customers.example",
        "ratingUserId": 1,
        "ratingUserName": "Ann Agent",
    }


def test_what_is_unknown_is_empty_and_never_missing() -> None:
    thread = {"rating": Rating(1), "by": "", "author": 0, "customer": 0}
    nobody = rated(thread=thread, type=None)._replace(customer=0)
    (found,) = page([nobody]).results
    assert (found.number, found.type, found.ratingCustomerId, found.ratingUserId) == (0, "", 0, 0)
    assert (found.ratingCustomerName, found.ratingUserName, found.ratingComments) == ("", "", "")


def test_an_erased_customer_is_not_shown() -> None:
    (found,) = page([rated(thread={"rating": Rating(1, -7)})]).results
    assert found.ratingCustomerId == 0


def test_no_ratings_are_no_pages() -> None:
    assert page([]) == Ratings(pages=0, page=1, count=0, results=())


@pytest.mark.parametrize(("rating", "ids"), [(0, [3, 2, 1, 4]), (1, [1]), (2, [2, 4]), (3, [3])])
def test_one_kind_of_ratings_may_be_asked_for(rating: int, ids: list[int]) -> None:
    found = [rated(1, 5, 1), rated(2, 6, 2), rated(3, 7, 3), rated(4, 4, 2)]
    assert threads(found, rating=rating) == ids


@pytest.mark.parametrize(
    ("sort_field", "ascending"),
    [("number", [3, 1, 2, 4]), ("modifiedAt", [2, 1, 3, 4]), ("rating", [1, 4, 3, 2])],
)
def test_ratings_are_sorted_by_a_field_and_then_by_the_reply(
    sort_field: str, ascending: list[int]
) -> None:
    found = [
        rated(1, 6, 1, number=20),
        rated(2, 5, 3, number=20),
        rated(3, 7, 2, number=10),
        rated(4, 7, 1, number=30),
    ]
    assert threads(found, sort_field=sort_field, descending=False) == ascending
    assert threads(found[::-1], sort_field=sort_field, descending=True) == ascending[::-1]


def test_a_page_has_twenty_five_ratings_and_those_after_the_last_one_are_empty() -> None:
    found = [rated(id_, id_) for id_ in range(1, 59)]
    pages = [page(found, asked(page=number)) for number in (1, 2, 3, 4)]
    assert [len(each.results) for each in pages] == [25, 25, 8, 0]
    assert {(each.pages, each.count) for each in pages} == {(3, 58)}
    assert [each.page for each in pages] == [1, 2, 3, 4]
    shown = [each.threadid for page_ in pages for each in page_.results]
    assert shown == list(range(58, 0, -1))


@pytest.mark.parametrize(("second", "count"), [(-1, 0), (0, 1), (7 * DAY - 1, 1), (7 * DAY, 0)])
def test_a_rating_belongs_to_the_second_of_its_reply(second: int, count: int) -> None:
    assert page([rated(second=second)]).count == count


def test_replies_are_compared_by_the_old_clock_and_shown_by_the_true_one() -> None:
    (found,) = page([rated(second=-3600)], conventions=Conventions(clock_shift_minutes=60)).results
    assert found.threadCreatedAt.hour == 23


@pytest.mark.parametrize(("included", "count"), [(True, 1), (False, 0)])
def test_a_convention_says_whether_the_last_second_counts(*, included: bool, count: int) -> None:
    last = rated(second=7 * DAY - 1)
    assert page([last], conventions=Conventions(end_included=included)).count == count


@pytest.mark.parametrize("fields", [{"status": "spam"}, {"state": "deleted"}, {"state": "draft"}])
def test_of_spam_and_of_what_is_not_published_nothing_is_listed(fields: dict[str, Any]) -> None:
    assert page([rated(**fields)]).count == 0


@pytest.mark.parametrize("thread", [{"state": "hidden"}, {"action": "imported"}], ids=str)
def test_a_rating_of_what_is_no_sent_reply_is_not_listed(thread: dict[str, str]) -> None:
    assert page([rated(thread=thread)]).count == 0


def test_a_value_that_is_filtered_by_and_unknown_is_no_guess() -> None:
    with pytest.raises(UnknownValue, match="`tags` of conversation 5"):
        page([rated(5, tags=None)], asked(tags=(7,)))
    with pytest.raises(UnknownValue, match="`mailboxId` of conversation 5"):
        page([rated(5)], undecided={5: "mailbox"})
    unrated = rated(5, tags=None, thread={"rating": None})
    assert page([unrated], asked(tags=(7,))).count == 0


def test_who_wrote_in_a_chat_does_not_matter_where_nothing_is_rated() -> None:
    chat = rated(2, thread={"rating": None, "type": "chat", "by": ""})
    assert threads([rated(1), chat]) == [1]


def test_only_rated_conversations_are_needed() -> None:
    question = asked(mailboxes=(3,), user=1)
    needed = ActivityQuery((interval(),), frozenset({3}), rated=True)
    assert happiness_ratings.required_data(question, PLAIN) == needed
    assert user_ratings.required_data(question, PLAIN) == UserActivityQuery(1, needed)


@pytest.mark.parametrize(("users", "ids"), [((1,), [2]), ((2,), [8]), ((1, 2), [8, 2]), ((9,), [])])
def test_a_user_or_team_has_the_ratings_of_its_own_replies(
    users: tuple[int, ...], ids: list[int]
) -> None:
    data = user_data(activities(vector_payloads()), users)
    found = user_ratings.answer(asked(user=1), data, PLAIN)
    assert [each.threadid for each in found.results] == ids


ACCOUNTS = st.lists(payloads(), max_size=4, unique_by=lambda payload: payload["id"])


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS, st.sampled_from([0, 1, 2, 3]), st.sets(st.sampled_from([1, 2, 3])))
def test_the_rows_are_what_the_slowest_search_finds(
    account: list[Json], rating: int, users: set[int]
) -> None:
    found = user_ratings.answer(
        asked(rating=rating, user=1), user_data(activities(account), tuple(users)), PLAIN
    )
    expected = [
        (payload["id"], thread["id"], thread["createdAt"], thread["rating"]["comments"])
        for payload, thread in oracle.ratings(account, FIRST, LAST, users)
        if rating in (0, WORDS[thread["rating"]["rating"]])
    ]
    rows = json.loads(found.model_dump_json())["results"]
    assert sorted(
        (each["id"], each["threadid"], each["threadCreatedAt"], each["ratingComments"])
        for each in rows
    ) == sorted(expected)
    assert found.count == len(expected)
    assert [each["threadCreatedAt"] for each in rows] == sorted(
        (each["threadCreatedAt"] for each in rows), reverse=True
    )


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS)
def test_the_lists_have_as_many_rows_as_the_report_on_happiness_counts(account: list[Json]) -> None:
    found = activities(account)
    counts = happiness.answer(asked(), ActivitySet(found, START, 0.0), PLAIN).current
    listed = [page(found, asked(rating=rating)).count for rating in (0, 1, 2, 3)]
    assert listed == [
        counts.ratingsCount,
        counts.greatCount,
        counts.okayCount,
        counts.notGoodCount,
    ]


def get(target: str, *, users: Sequence[ListItem] = (ANN,)) -> tuple[int, Any]:
    """The status and the body of an answer about the vectors."""
    fake_source = FakeSource()
    fake_source.activities = activities(vector_payloads())
    fake_source.items_of = {"users": users, "teams": None}
    with reports_on(fake_source) as reports:
        answered = reports.answer(target, authorization=basic())
    return answered.status, json.loads(answered.body)


def test_a_request_is_answered_over_http_the_newest_first() -> None:
    status, content = get(f"{PATH}?start={FIRST}&end={LAST}&rating=0")
    assert status == 200
    assert [each["threadid"] for each in content["results"]] == [8, 2]


@pytest.mark.parametrize(
    "spelling", ["sortField=NUMBER&sortOrder=asc", "sortfield=number&SORTORDER=ASC"]
)
def test_names_and_words_may_be_sent_in_any_case(spelling: str) -> None:
    _, content = get(f"{PATH}?start={FIRST}&end={LAST}&rating=0&{spelling}")
    assert [each["number"] for each in content["results"]] == [1, 2]


def test_an_unknown_field_sorts_as_none() -> None:
    _, content = get(f"{PATH}?start={FIRST}&end={LAST}&rating=0&sortfield=customerName")
    assert [each["threadid"] for each in content["results"]] == [8, 2]


def test_which_ratings_must_be_said() -> None:
    for rating in ("", "&rating=4", "&rating=all"):
        status, content = get(f"{PATH}?start={FIRST}&end={LAST}{rating}")
        (fault,) = content["validationErrors"]
        assert (status, fault["property"]) == (400, "rating")


def test_a_users_ratings_are_answered_over_http() -> None:
    target = f"{PATH.replace('happiness', 'user')}?start={FIRST}&end={LAST}&rating=0"
    status, content = get(f"{target}&user=1")
    assert (status, [each["threadid"] for each in content["results"]]) == (200, [2])
    assert get(target)[0] == 400
    assert get(f"{target}&user=9", users=())[1]["results"] == []
