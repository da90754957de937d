"""Which parts of a conversation's JSON are an erased customer's, and what is left of them."""

from __future__ import annotations

from typing import Any, Final

import pytest

from compat.archive.personal_data import (
    ErasedCustomers,
    People,
    address_digest,
    customer_addresses,
    staff_ids,
    to_json,
)
from compat.core.models import Rating, Thread

KEY: Final = b"a key"
ADDRESS: Final = "ada@best.example"
ADA: Final = {"id": 91, "type": "customer", "first": "Ada", "email": ADDRESS}
BOB: Final = {"id": 92, "type": "customer", "first": "Bob", "email": "bob@olds.example"}
USER: Final = {"id": 5, "type": "user", "first": "Uma", "email": "uma@acme.example"}
ERASED: Final = ErasedCustomers(
    numbers={91: -7, 94: -8},
    addresses={address_digest(KEY, ADDRESS): -7},
    users=frozenset({94}),
    key=KEY,
)
"""Ada, and a customer 94 who has the same id as a user."""


def cleaned(**document: Any) -> Any:
    """What is left of a document of Bob's conversation."""
    people, left = ERASED.remove_from(People(customer=92), {"primaryCustomer": BOB, **document})
    assert people.customer == 92
    assert left is not None
    return {key: value for key, value in left.items() if key != "primaryCustomer"}


def test_nobody_was_erased_if_there_is_neither_a_number_nor_an_address() -> None:
    assert not ErasedCustomers({}, {}, frozenset(), KEY)
    assert ErasedCustomers({91: -7}, {}, frozenset(), KEY)
    assert ErasedCustomers({}, {"digest": -7}, frozenset(), KEY)


def test_a_document_that_names_nobody_who_was_erased_stays_the_same_object() -> None:
    document = {"primaryCustomer": BOB, "assignee": USER, "_links": {"self": "x"}}
    people = People(92, 92, 5, 5)
    after, left = ERASED.remove_from(people, document)
    assert after == people
    assert left is document


def test_of_an_erased_customers_own_conversation_no_document_is_left() -> None:
    assert ERASED.remove_from(People(customer=91), {"primaryCustomer": ADA}) == (People(-7), None)


def test_a_conversation_is_an_erased_customers_own_if_the_document_alone_says_so() -> None:
    by_address = {"type": "customer", "email": ADDRESS}
    _, left = ERASED.remove_from(People(), {"primaryCustomer": by_address})
    assert left is None


def test_a_conversation_is_an_erased_customers_own_if_the_column_alone_says_so() -> None:
    assert ERASED.remove_from(People(customer=91), {"primaryCustomer": BOB}) == (People(-7), None)


def test_without_a_document_columns_are_erased_by_number() -> None:
    people = People(customer=91, created_by=91, closed_by=91, assignee=5)
    assert ERASED.remove_from(people, None) == (People(-7, -7, -7, 5), None)


def test_without_a_document_a_number_that_a_user_has_as_well_is_the_customers_alone() -> None:
    people = People(customer=94, created_by=94, closed_by=94)
    assert ERASED.remove_from(people, None)[0] == People(-8, -8, 94)


def test_without_a_document_a_number_of_another_author_that_a_user_has_stays() -> None:
    assert ERASED.remove_from(People(92, 94, 94), None)[0] == People(92, 94, 94)


def test_without_a_document_somebody_elses_conversation_that_the_customer_began_is_erased() -> None:
    assert ERASED.remove_from(People(92, 91, 91), None)[0] == People(92, -7, -7)


def test_a_document_decides_whether_a_number_in_a_column_is_a_users() -> None:
    user = {**USER, "id": 91}
    document = {"primaryCustomer": BOB, "createdBy": user, "assignee": user, "closedBy": 5}
    people = People(customer=92, created_by=91, assignee=91, closed_by=5)
    assert ERASED.remove_from(people, document)[0] == people


def test_a_person_of_a_document_is_erased_in_the_column_as_well() -> None:
    document = {"primaryCustomer": BOB, "createdBy": ADA, "assignee": {**ADA, "id": 94}}
    after, _ = ERASED.remove_from(People(customer=92, created_by=91, assignee=94), document)
    assert after == People(customer=92, created_by=-7, assignee=-8)


def test_a_column_that_disagrees_with_its_document_is_erased_by_number() -> None:
    after, _ = ERASED.remove_from(
        People(customer=92, created_by=91), {"primaryCustomer": BOB, "createdBy": USER}
    )
    assert after.created_by == -7


@pytest.mark.parametrize(
    "key", ["assignee", "closedByUser", "createdBy", "createdByCustomer", "customer"]
)
def test_of_an_erased_person_the_type_and_a_surrogate_are_left(key: str) -> None:
    assert cleaned(**{key: ADA}) == {key: {"type": "customer", "id": -7}}


def test_of_an_erased_person_without_a_type_a_surrogate_is_left() -> None:
    assert cleaned(customer={"id": 91, "first": "Ada"}) == {"customer": {"id": -7}}


def test_an_erased_person_in_a_list_is_replaced() -> None:
    assert cleaned(customers=[ADA, BOB]) == {"customers": [{"type": "customer", "id": -7}, BOB]}


@pytest.mark.parametrize("field", ["first", "firstName", "last", "lastName", "photoUrl"])
def test_a_person_under_another_key_is_known_by_its_fields(field: str) -> None:
    assert cleaned(other={"id": 91, field: "x"}) == {"other": {"id": -7}}


def test_an_object_that_is_no_person_keeps_its_id() -> None:
    assert cleaned(other={"id": 91, "name": ADDRESS}) == {"other": {"id": 91, "name": "[erased]"}}


@pytest.mark.parametrize("kind", ["user", "team"])
def test_a_user_or_team_with_the_same_number_and_address_stays(kind: str) -> None:
    staff = {**ADA, "type": kind}
    assert cleaned(createdBy=staff, _links={}) == {"createdBy": staff, "_links": {}}


@pytest.mark.parametrize(
    "emails",
    [
        {"email": ADDRESS},
        {"emails": [ADDRESS]},
        {"emails": [{"value": "a@b.example"}, {"value": ADDRESS}]},
        {"_embedded": {"emails": [{"value": ADDRESS}]}},
        {"email": None, "emails": [{}, 5, ADDRESS]},
    ],
    ids=repr,
)
def test_a_person_without_a_number_is_known_by_any_of_its_addresses(emails: Any) -> None:
    assert cleaned(customer={"type": "customer", **emails}) == {
        "customer": {"type": "customer", "id": -7}
    }


def test_an_id_that_is_no_number_is_no_id() -> None:
    person = {"id": True, "type": "customer", "first": "Eve"}
    assert ErasedCustomers({1: -9}, {}, frozenset(), KEY).remove_from(
        People(), {"customer": person}
    ) == (People(), {"customer": person})


@pytest.mark.parametrize(
    ("key", "value", "left"),
    [
        ("customer", 91, -7),
        ("customerId", 91, -7),
        ("customerIds", [91, 92], [-7, 92]),
        ("customers", [92, 94], [92, -8]),
        ("primaryCustomerId", 94, -8),
        ("createdBy", 91, -7),
        ("closedBy", 91, -7),
        ("createdBy", 94, 94),
        ("closedBy", 94, 94),
        ("number", 91, 91),
        ("threads", [91], [91]),
        ("customerId", True, True),
    ],
)
def test_a_number_is_a_customers_where_its_key_says_so(key: str, value: Any, left: Any) -> None:
    assert cleaned(**{key: value}) == {key: left}


def test_what_equals_a_number_and_is_none_stays() -> None:
    erased = ErasedCustomers({1: -9}, {}, frozenset(), KEY)
    document = {"customerId": True, "customerIds": [True]}
    assert erased.remove_from(People(), document) == (People(), document)


def test_who_closed_a_conversation_is_erased_with_the_person_of_the_same_number() -> None:
    found = cleaned(closedBy=94, closedByUser={"id": 94, "type": "customer"})
    assert found == {"closedBy": -8, "closedByUser": {"id": -8, "type": "customer"}}


def test_who_closed_a_conversation_stays_if_the_person_beside_it_is_another() -> None:
    found = cleaned(closedBy=94, closedByUser=ADA)
    assert found == {"closedBy": 94, "closedByUser": {"id": -7, "type": "customer"}}


@pytest.mark.parametrize("closer", [None, {}, {"id": None}, "x", 5], ids=repr)
def test_nobody_beside_who_closed_a_conversation_changes_nothing(closer: Any) -> None:
    assert cleaned(closedByUser=closer, customerId=91) == {
        "closedByUser": closer,
        "customerId": -7,
    }


@pytest.mark.parametrize("key", ["to", "cc", "bcc"])
def test_an_erased_recipient_is_removed_from_the_list(key: str) -> None:
    assert cleaned(**{key: [f"Ada <{ADDRESS}>", "c@c.example"]}) == {key: ["c@c.example"]}


def test_an_address_in_another_list_is_replaced() -> None:
    assert cleaned(tags=[ADDRESS, "x"]) == {"tags": ["[erased]", "x"]}


def test_texts_by_an_erased_customer_are_emptied() -> None:
    thread = {"createdBy": ADA, "body": "a", "preview": "b", "subject": "c", "text": "d", "to": []}
    left = {"body": "", "preview": "", "subject": "", "text": "", "to": []}
    assert cleaned(thread=thread)["thread"] == {
        "createdBy": {"type": "customer", "id": -7},
        **left,
    }


def test_what_is_no_text_under_the_key_of_a_text_stays() -> None:
    left = cleaned(thread={"createdBy": ADA, "body": {"id": 3}, "subject": None})["thread"]
    assert (left["body"], left["subject"]) == ({"id": 3}, None)


def test_texts_by_somebody_else_stay() -> None:
    thread = {"createdBy": BOB, "customer": ADA, "body": "Dear Ada"}
    assert cleaned(thread=thread)["thread"]["body"] == "Dear Ada"


def test_a_document_that_is_changed_loses_its_links() -> None:
    assert cleaned(customerId=91, _links={"x": 1}, other=[{"_links": 1, "a": 2}]) == {
        "customerId": -7,
        "other": [{"a": 2}],
    }


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"to {ADDRESS}.", "to [erased]."),
        (f"to {ADDRESS.upper()}!", "to [erased]!"),
        (f"mailto:{ADDRESS}", "mailto:[erased]"),
        (f"'{ADDRESS}'", "'[erased]'"),
        (f"<{ADDRESS}>", "<[erased]>"),
        (f"?to={ADDRESS.replace('@', '%40')}&x=1", "?to=[erased]&x=1"),
        (f"a=b&to={ADDRESS}", "a=b&to=[erased]"),
        (f"{ADDRESS} and {ADDRESS}", "[erased] and [erased]"),
        (f"x{ADDRESS}", f"x{ADDRESS}"),
        (f"{ADDRESS}.org", f"{ADDRESS}.org"),
        ("bob@olds.example", "bob@olds.example"),
        ("https://x.example/customers/91", "https://x.example/customers/-7"),
        ("https://x.example/customers/91/2", "https://x.example/customers/-7/2"),
        ("https://x.example/customers/911", "https://x.example/customers/911"),
        ("https://x.example/users/91", "https://x.example/users/91"),
        ("91", "91"),
    ],
)
def test_addresses_and_links_of_erased_customers_are_replaced_in_texts(
    text: str, left: str
) -> None:
    assert ERASED.remove_from_text(text) == left


@pytest.mark.parametrize(
    "address", [f" {ADDRESS} ", ADDRESS.upper(), ADDRESS.replace("@", "%40")], ids=repr
)
def test_an_address_has_one_digest_however_it_is_written(address: str) -> None:
    assert address_digest(KEY, address) == address_digest(KEY, ADDRESS)


def test_a_digest_depends_on_the_key_and_the_address() -> None:
    found = {address_digest(key, each) for key in (KEY, b"other") for each in (ADDRESS, "b@c.d")}
    assert len(found) == 4
    assert {len(each) for each in found} == {32}


def test_half_of_a_surrogate_pair_has_a_digest() -> None:
    assert len(address_digest(KEY, "\ud83d@x.example")) == 32


def test_new_addresses_are_those_of_erased_customers_that_are_not_known() -> None:
    document = {
        "primaryCustomer": {**ADA, "emails": ["new@best.example"]},
        "createdBy": {"id": 94, "type": "customer", "email": "four@x.example"},
        "assignee": {**USER, "id": 91, "email": "uma@acme.example"},
        "customers": [BOB, {"email": "nobody@x.example"}],
    }
    assert ERASED.new_addresses(document) == {
        address_digest(KEY, "new@best.example"): -7,
        address_digest(KEY, "four@x.example"): -8,
    }


def test_customers_are_found_with_their_addresses_at_any_depth() -> None:
    document = {
        "primaryCustomer": BOB,
        "other": [{"deep": {"customer": {"email": ADDRESS}}}],
        "createdBy": USER,
    }
    assert list(customer_addresses(document)) == [(92, "bob@olds.example"), (0, ADDRESS)]


def test_customers_in_a_list_are_known_by_its_key() -> None:
    document = {"customers": [{"id": 91, "email": ADDRESS}], "others": [{"email": "x@y.example"}]}
    assert list(customer_addresses(document)) == [(91, ADDRESS)]


@pytest.mark.parametrize("id_", ["91", True, None, 91.0])
def test_a_customer_whose_id_is_no_number_has_none(id_: object) -> None:
    assert list(customer_addresses({"customer": {"id": id_, "email": ADDRESS}})) == [(0, ADDRESS)]


def test_users_and_teams_are_found_at_any_depth() -> None:
    team = {"id": 6, "type": "team", "first": "Sales"}
    document = {"a": [{"assignee": USER}, team], "customer": ADA, "createdBy": {"type": "user"}}
    assert list(staff_ids(document)) == [5, 6]


def test_json_is_compact() -> None:
    assert to_json({"a": [1, {"b": None}]}) == b'{"a":[1,{"b":null}]}'


THREAD: Final = Thread(1, 2, "message", by="user", author=5, customer=92)


def test_a_thread_of_an_erased_customer_has_the_surrogate() -> None:
    thread = THREAD._replace(by="customer", author=91, customer=91)
    assert ERASED.remove_from_thread(thread, own=False) == thread._replace(author=-7, customer=-7)


def test_a_thread_of_another_customer_stays() -> None:
    thread = THREAD._replace(by="customer", author=92)
    assert ERASED.remove_from_thread(thread, own=False) == thread


@pytest.mark.parametrize("by", ["user", "team"])
def test_the_author_of_a_thread_stays_if_it_is_a_user_or_team(by: str) -> None:
    thread = THREAD._replace(by=by, author=91)
    assert ERASED.remove_from_thread(thread, own=False) == thread


RATING: Final = Rating(3, 92, "Bob Olds", "Uma Staff", "Slow")


def rated(rating: Rating, *, own: bool = False, **thread: Any) -> Rating | None:
    """What is left of a thread's rating."""
    return ERASED.remove_from_thread(THREAD._replace(rating=rating, **thread), own=own).rating


def test_a_rating_of_others_stays() -> None:
    assert rated(RATING) == RATING


def test_a_rating_by_an_erased_customer_keeps_its_value_and_the_user() -> None:
    assert rated(RATING._replace(customer=91)) == Rating(3, -7, "", "Uma Staff", "")


def test_a_rating_by_somebody_with_an_erased_address_in_place_of_a_name_is_erased() -> None:
    assert rated(RATING._replace(customer_name=ADDRESS)) == Rating(3, -7, "", "Uma Staff", "")


def test_an_erased_address_is_replaced_in_the_texts_of_a_rating() -> None:
    texts = RATING._replace(customer_name=f"Bob for {ADDRESS}", comments=f"Ask {ADDRESS}")
    assert rated(texts) == RATING._replace(
        customer_name="Bob for [erased]", comments="Ask [erased]"
    )


@pytest.mark.parametrize("where", [{"own": True}, {"customer": 91}], ids=["own", "a reply"])
def test_what_others_wrote_to_an_erased_customer_is_erased(where: dict[str, Any]) -> None:
    assert rated(RATING, **where) == RATING._replace(customer_name="", comments="")


def test_the_name_of_a_rated_user_is_erased_if_the_author_is_an_erased_customer() -> None:
    assert rated(RATING, by="", author=91) == RATING._replace(user_name="")
