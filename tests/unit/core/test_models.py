"""Which rows a query admits, and what is unknown of them."""

from __future__ import annotations

import pytest

from compat.core.models import (
    UPSTREAM_KEYS,
    ConversationQuery,
    NotCovered,
    Row,
    UnknownValue,
    in_order_of_creation,
)

ROW = Row(5, 77, 1, 11, "email", "active", "published", ())
IN_BOTH = ConversationQuery((), mailboxes=frozenset({1, 2}), folders=frozenset({11, 12}))


def test_rows_are_sorted_by_creation_and_then_by_id() -> None:
    rows = [
        ROW._replace(created=created, id=number) for created, number in [(2, 1), (1, 9), (1, 3)]
    ]
    assert [row[:2] for row in in_order_of_creation(rows)] == [(1, 3), (1, 9), (2, 1)]


def test_rows_of_one_conversation_keep_their_order_whatever_is_unknown_of_them() -> None:
    rows = [ROW._replace(mailbox=None), ROW, ROW._replace(tags=None)]
    assert in_order_of_creation(rows) == rows


@pytest.mark.parametrize(
    ("row", "admitted"),
    [
        (ROW, True),
        (ROW._replace(mailbox=3), False),
        (ROW._replace(folder=13), False),
        (ROW._replace(mailbox=None), True),
        (ROW._replace(folder=None), True),
        (ROW._replace(mailbox=None, folder=13), False),
        (ROW._replace(mailbox=3, folder=None), False),
    ],
)
def test_a_query_admits_rows_that_are_in_its_mailboxes_and_folders_or_may_be(
    row: Row, admitted: bool
) -> None:
    assert IN_BOTH.admits(row) is admitted


def test_a_query_without_mailboxes_and_folders_admits_every_row() -> None:
    everything = ConversationQuery(())
    for row in (ROW, ROW._replace(mailbox=None, folder=None)):
        assert everything.admits(row)
        assert everything.undecided([row]) == {}


def test_of_undecided_rows_the_unknown_field_is_named() -> None:
    rows = [
        ROW,
        ROW._replace(id=1, folder=None),
        ROW._replace(id=2, mailbox=None),
        ROW._replace(id=3, mailbox=None, folder=None),
    ]
    assert IN_BOTH.undecided(rows) == {1: "folder", 2: "mailbox", 3: "mailbox"}


@pytest.mark.parametrize(("field", "key"), UPSTREAM_KEYS.items())
def test_an_unknown_value_names_the_conversation_and_the_key_of_upstream(
    field: str, key: str
) -> None:
    error = UnknownValue.of(77, field)
    assert (error.conversation, error.key) == (77, key)
    assert f"`{key}` of conversation 77" in str(error)


def test_an_unknown_value_without_a_conversation_has_neither_id_nor_key() -> None:
    error = UnknownValue("a text")
    assert (str(error), error.conversation, error.key) == ("a text", 0, "")


def test_what_the_archive_does_not_hold_can_be_read_from_the_error() -> None:
    error = NotCovered(folders=frozenset({11}), obstacle="older not read")
    assert (error.missing, error.covered) == ((), ())
    assert error.folders == {11}
    assert error.obstacle == "older not read"
