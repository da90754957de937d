"""What becomes of threads and their ratings as Mailbox API 2.0 shows them."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.archive.threads import to_payload
from compat.core.models import UNKNOWN_RATING, Rating, Thread
from compat.upstream import to_threads
from compat.v2.json_text import parse_body
from compat.v2.threads import ThreadPage
from compat.v2.transport import receive

ADA: Final = {"id": 91, "type": "customer", "first": "Ada", "last": "Best", "email": "a@b.example"}
BOB: Final = {"id": 92, "type": "customer", "first": "", "last": None, "email": "bob@b.example"}
UMA: Final = {"id": 5, "type": "user", "first": "Uma", "last": "Staff", "email": "uma@acme.example"}


def shown(**fields: Any) -> dict[str, Any]:
    """A reply of Uma to Ada."""
    at = {"id": 7, "type": "message", "createdAt": "2020-01-01T00:00:00Z", "state": "published"}
    return at | {"customer": ADA, "createdBy": UMA} | fields


def read(*threads: dict[str, Any]) -> tuple[Thread, ...]:
    """Threads as they are read from a list."""
    content = json.dumps({"_embedded": {"threads": threads}}).encode()
    page = parse_body(
        receive(httpx.Response(200, content=iter([content])), 60.0, short=True), ThreadPage
    )
    return to_threads(1, page.rows)


def rating(thread: dict[str, Any], *others: dict[str, Any]) -> Rating | None:
    """The rating that is read of a thread."""
    return next(each.rating for each in read(*others, thread) if each.id == thread["id"])


def test_a_rating_says_who_rated_whom_and_what_was_written() -> None:
    given = {"customerId": 91, "rating": "not_good", "comments": "Slow"}
    assert rating(shown(rating=given)) == Rating(3, 91, "Ada Best", "Uma Staff", "Slow")


@pytest.mark.parametrize("comments", [{}, {"comments": None}, {"comments": ""}, {"comments": 4}])
def test_a_rating_may_have_no_comments(comments: dict[str, Any]) -> None:
    found = rating(shown(rating={"customerId": 91, "rating": "great", **comments}))
    assert found == Rating(1, 91, "Ada Best", "Uma Staff", "")


@pytest.mark.parametrize("odd", [{}, {"customerId": None}, {"customerId": "x"}, {"customerId": 0}])
def test_a_rating_is_the_threads_customers_if_it_does_not_say_whose(odd: dict[str, Any]) -> None:
    assert rating(shown(rating={"rating": "okay", **odd})) == Rating(2, 91, "Ada Best", "Uma Staff")


def test_a_rating_of_an_unknown_customer_has_no_name() -> None:
    assert rating(shown(customer=None, rating={"rating": "okay"})) == Rating(2, 0, "", "Uma Staff")


def test_an_address_stands_for_a_customer_without_a_name() -> None:
    found = rating(shown(customer=BOB, rating={"customerId": 92, "rating": "okay"}))
    assert found == Rating(2, 92, "bob@b.example", "Uma Staff")


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ({"first": "Ada"}, "Ada"),
        ({"last": "Best"}, "Best"),
        ({"first": " ", "last": "Best"}, "Best"),
        ({}, ""),
    ],
)
def test_a_name_is_what_there_is_of_first_and_last(names: dict[str, str], name: str) -> None:
    person = {"id": 91, "type": "customer", **names}
    user = {"id": 5, "type": "user", **names}
    found = rating(shown(customer=person, createdBy=user, rating={"rating": "great"}))
    assert found == Rating(1, 91, name, name)


@pytest.mark.parametrize(
    "other",
    [
        {"customer": BOB},
        {"type": "customer", "customer": None, "createdBy": BOB},
    ],
    ids=["a thread to them", "a thread by them"],
)
def test_another_customer_who_rated_is_known_by_another_thread(other: dict[str, Any]) -> None:
    rated = shown(rating={"customerId": 92, "rating": "great"})
    assert rating(rated, shown(id=6, **other)) == Rating(1, 92, "bob@b.example", "Uma Staff")


@pytest.mark.parametrize("other", [{"createdBy": {**UMA, "id": 92}}, {}])
def test_the_name_of_another_customer_who_rated_may_be_unknown(other: dict[str, Any]) -> None:
    rated = shown(rating={"customerId": 92, "rating": "great"})
    assert rating(rated, shown(id=6, **other)) == Rating(1, 92, "", "Uma Staff")


@pytest.mark.parametrize("none", [None, {}, {"rating": None}, {"rating": ""}, {"comments": "Hi"}])
def test_what_has_no_value_is_no_rating(none: Any) -> None:
    assert rating(shown(rating=none)) is None


@pytest.mark.parametrize("unknown", ["splendid", 5, {"rating": "splendid"}, {"rating": 3}])
def test_a_rating_of_an_unknown_value_is_unknown(unknown: Any) -> None:
    found = rating(shown(rating=unknown))
    assert found is not None
    assert found.value == UNKNOWN_RATING


@pytest.mark.parametrize(
    ("comments", "kept"), [("a\0b", "ab"), ("\ud83d!", "\ufffd!"), ("\ud83d\ude00", "\U0001f600")]
)
def test_comments_are_kept_as_databases_store_them(comments: str, kept: str) -> None:
    found = rating(shown(body="x" * 5000, rating={"rating": "great", "comments": comments}))
    assert found is not None
    assert found.comments == kept


long_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=300)


@given(long_texts.filter(str.strip), st.booleans())
def test_long_comments_and_names_are_read_whole(text: str, is_name: bool) -> None:
    comments = "Short" if is_name else text
    customer = {**ADA, "first": text, "last": ""} if is_name else ADA
    found = rating(
        shown(customer=customer, rating={"rating": "great", "comments": comments}),
        shown(id=6, body=text),
    )
    assert found is not None
    assert (found.comments, found.customer_name) == (
        comments,
        text.strip() if is_name else "Ada Best",
    )


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
ratings = st.builds(
    Rating,
    st.sampled_from([1, 2, 3]),
    st.integers(-(2**63), 2**63 - 1).filter(bool),
    texts,
    texts,
    texts,
)


@given(ratings, st.sampled_from([0, 91]), st.sampled_from([0, 5]))
def test_an_exported_rating_is_read_as_it_was(found: Rating, customer: int, author: int) -> None:
    thread = Thread(1_577_836_800, 7, "message", by="user", author=author, customer=customer)
    rated = thread._replace(rating=found)
    assert read(to_payload(rated)) == (rated,)


exported_threads = st.builds(
    Thread,
    st.integers(1_420_070_400, 1_577_836_800),
    st.integers(1, 2**31),
    st.sampled_from(["customer", "message", "note", "lineitem", "chat", "phone", ""]),
    st.sampled_from(["published", "draft", "hidden", "review", ""]),
    st.sampled_from([None, "active", "closed", "pending", "spam"]),
    st.sampled_from(["customer", "user"]),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from(["", "default", "imported", "manual-workflow"]),
    st.sampled_from(["", "email", "web", "api", "workflows"]),
    st.integers(0, 3),
    st.none() | ratings | st.just(Rating(UNKNOWN_RATING, 91)),
    st.booleans(),
)


def test_a_thread_of_no_customer_is_exported_without_one() -> None:
    assert "customer" not in to_payload(Thread(0, 1, "lineitem"))


@given(st.lists(exported_threads, max_size=3, unique_by=lambda each: each.id))
def test_exported_threads_are_read_as_they_were(threads: list[Thread]) -> None:
    assert read(*map(to_payload, threads)) == tuple(sorted(threads))
