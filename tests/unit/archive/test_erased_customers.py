"""Whom an erasure finds, and what it says and remembers of them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from compat.archive import erasure, repository, schema
from compat.archive.database import Archive
from compat.archive.erasure import find_customers, load_erased, without_erased
from compat.archive.personal_data import address_digest
from compat.archive.records import ConversationRecord, ShownThreads
from compat.core.models import Activity, ListItem, ListQuery, Thread
from tests.unit.archive.samples import CREATED, SEEN, record, save_all


def forget(archive: Archive, *customers: int, addresses: Sequence[str] = ()) -> dict[int, int]:
    """Erase customers; returns how many conversations were their own."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        return writer.erase_customers(customers, addresses)


def found(archive: Archive, text: str) -> list[int]:
    """The customers whom a text names."""
    with archive.reading() as snapshot:
        return find_customers(snapshot, text)


def remembered(archive: Archive) -> dict[int, tuple[int, bool]]:
    """The surrogate of each erased customer, and whether a user has the same id."""
    with archive.reading() as snapshot:
        table = schema.forgotten.c
        rows = snapshot.execute(sa.select(table.customer, table.surrogate, table.is_user)).all()
    return {row.customer: (row.surrogate, bool(row.is_user)) for row in rows}


def digests(archive: Archive) -> set[str]:
    """The digests of addresses of erased customers."""
    with archive.reading() as snapshot:
        return set(load_erased(snapshot).addresses)


def digest(archive: Archive, address: str) -> str:
    """The digest of an address with the archive's key."""
    with archive.reading() as snapshot:
        return address_digest(load_erased(snapshot).key, address)


def shown(id_: int = 1, *, customer: int = 92, **document: Any) -> ConversationRecord:
    """The record of somebody's conversation with something else in its document."""
    facts = record(id_, customer=customer, name=f"C{customer}")
    return replace(
        facts, document=json.dumps(json.loads(facts.document or b"") | document).encode()
    )


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        *(("91", [91]), ("1", [1]), (str(2**63 - 1), [2**63 - 1])),
        *((text, []) for text in ("", "Ada", "-91", "٣", str(2**63), "9" * 5000)),
        ("0", []),  # stands for no customer, in the conversations of many
    ],
)
def test_a_text_without_an_at_sign_names_a_customer_if_it_is_a_number(
    archive: Archive, text: str, ids: list[int]
) -> None:
    assert found(archive, text) == ids


@pytest.mark.parametrize("address", ["c91@example.org", " C91@Example.ORG "])
def test_an_address_names_each_customer_who_is_shown_with_it(
    archive: Archive, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_BATCH", 2)
    same = {"first": "Eve", "email": " C91@example.org"}
    save_all(archive, [shown(1, customer=92), shown(2, customer=91), shown(3, customer=91)])
    save_all(archive, [shown(4, createdBy={"id": 1, **same}), shown(5, cc=["c91@example.org"])])
    save_all(archive, [shown(6, createdBy={"id": 5, "type": "user", **same})])
    save_all(archive, [shown(7, customer=93, createdBy={"id": 2, "email": "xc91@example.org"})])
    assert found(archive, address) == [1, 91]


def test_an_address_without_a_number_beside_it_names_nobody(archive: Archive) -> None:
    save_all(archive, [shown(1, createdBy={"email": "ada@example.org"})])
    assert found(archive, "ada@example.org") == []


def test_a_customer_who_was_erased_is_not_found_by_the_surrogate(archive: Archive) -> None:
    save_all(archive, [shown(1, createdBy={"id": -7, "email": "ada@example.org"})])
    assert found(archive, "ada@example.org") == []


def test_an_erasure_says_how_many_conversations_were_whose(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_BATCH", 2)
    customers = {1: 91, 2: 92, 3: 91, 4: 93, 5: 91}
    save_all(archive, [shown(id_, customer=whose) for id_, whose in customers.items()])
    assert forget(archive, 91, 92, 94) == {91: 3, 92: 1, 94: 0}


def test_conversations_of_whom_an_address_alone_names_are_counted_under_zero(
    archive: Archive,
) -> None:
    save_all(archive, [shown(1), shown(2, primaryCustomer={"email": "ada@example.org"})])
    assert forget(archive, 95, addresses=["ada@example.org"]) == {95: 0, 0: 1}


def test_a_slim_record_of_an_erased_customer_counts_as_their_own(archive: Archive) -> None:
    save_all(archive, [replace(record(1, customer=91), document=None)])
    assert forget(archive, 91) == {91: 1}


def test_a_customer_who_is_erased_again_keeps_the_surrogate(archive: Archive) -> None:
    forget(archive, 91)
    before = remembered(archive)
    assert forget(archive, 91, 92) == {91: 0, 92: 0}
    after = remembered(archive)
    assert after[91] == before[91]
    assert len({surrogate for surrogate, _ in after.values()}) == 2
    assert all(-(2**48) <= surrogate < 0 for surrogate, _ in after.values())


def test_a_surrogate_is_always_negative(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "randbelow", lambda _limit: 0)
    forget(archive, 91)
    assert remembered(archive)[91][0] == -1


def test_digests_have_a_random_key(archive: Archive) -> None:
    forget(archive, 91)
    with archive.reading() as snapshot:
        assert len(load_erased(snapshot).key) == 32


def test_the_key_of_digests_stays(archive: Archive) -> None:
    forget(archive, 91, addresses=["ada@example.org"])
    before = digests(archive)
    forget(archive, 92, addresses=["bob@example.org", "ADA@example.org"])
    assert before < digests(archive)
    assert digests(archive) == {digest(archive, f"{each}@example.org") for each in ("ada", "bob")}


def test_an_address_that_is_given_belongs_to_the_customer_of_the_same_erasure(
    archive: Archive,
) -> None:
    forget(archive, 91, addresses=["ada@example.org"])
    with archive.reading() as snapshot:
        assert set(load_erased(snapshot).addresses.values()) == {remembered(archive)[91][0]}


def test_all_addresses_that_are_shown_with_the_number_are_remembered(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_BATCH", 1)
    save_all(archive, [shown(1, customer=91), shown(2, customer=92)])
    save_all(archive, [shown(3, createdBy={"id": 91, "email": "two@example.org"})])
    forget(archive, 91)
    expected = {digest(archive, each) for each in ("c91@example.org", "two@example.org")}
    assert digests(archive) == expected


def test_addresses_that_one_call_shows_later_are_all_remembered(archive: Archive) -> None:
    forget(archive, 91)
    addresses = ["one@example.org", "two@example.org"]
    persons = [{"id": 91, "email": each} for each in addresses]
    save_all(archive, [shown(id_, createdBy=each) for id_, each in enumerate(persons, 1)])
    assert digests(archive) == {digest(archive, each) for each in addresses}


def test_an_address_is_erased_in_all_that_one_call_saves(archive: Archive) -> None:
    forget(archive, 91)
    save_all(archive, [shown(1, cc=["c91@example.org"]), shown(2, customer=91)])
    with archive.reading() as snapshot:
        assert json.loads(snapshot.raw_documents([1])[1])["cc"] == []


def test_an_address_is_erased_in_what_is_saved_later_in_the_same_transaction(
    archive: Archive,
) -> None:
    forget(archive, 91)
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.save([shown(2, customer=91)])
        writer.save([shown(1, cc=["c91@example.org"])])
    with archive.reading() as snapshot:
        assert json.loads(snapshot.raw_documents([1])[1])["cc"] == []


def test_the_address_of_a_mailbox_that_is_shown_later_is_not_erased(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        mailbox = ListItem(1, "Support", "support", "c91@example.org")
        writer.set_list_items(ListQuery("mailboxes"), [mailbox], SEEN)
    forget(archive, 91)
    save_all(archive, [shown(2, customer=91), shown(1, cc=["c91@example.org"])])
    assert digests(archive) == set()


@pytest.mark.parametrize(
    ("query", "item"),
    [
        (ListQuery("users"), ListItem(91, "Uma")),
        (ListQuery("folders", 1), ListItem(3, "x", user=91)),
    ],
    ids=["a user", "the owner of a folder"],
)
def test_a_customer_with_the_number_of_a_listed_user_is_marked(
    archive: Archive, query: ListQuery, item: ListItem
) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(query, [item], SEEN)
    forget(archive, 91, 92)
    marks = {customer: is_user for customer, (_, is_user) in remembered(archive).items()}
    assert marks == {91: True, 92: False}


def test_a_customer_with_the_number_of_a_user_in_a_document_is_marked(archive: Archive) -> None:
    save_all(archive, [shown(1, assignee={"id": 91, "type": "user", "first": "Uma"})])
    forget(archive, 91)
    assert remembered(archive)[91][1]


def test_without_a_document_who_is_assigned_is_a_user(archive: Archive) -> None:
    save_all(archive, [replace(record(1), assignee=91, document=None)])
    forget(archive, 91)
    assert remembered(archive)[91][1]


def test_with_a_document_the_column_does_not_say_who_is_a_user(archive: Archive) -> None:
    save_all(archive, [replace(shown(1), assignee=91)])
    forget(archive, 91)
    assert not remembered(archive)[91][1]


def test_addresses_are_erased_in_names_of_tags_and_folders_alone(archive: Archive) -> None:
    named = {ListQuery("tags"): "a tag", ListQuery("folders", 2): "a folder"}
    others = {ListQuery("mailboxes"): "a mailbox", ListQuery("users"): "a user"}
    with archive.lock() as lock, archive.writing(lock) as writer:
        for query, name in (named | others).items():
            items = [ListItem(1, "first"), ListItem(2, f"{name} of ada@example.org")]
            writer.set_list_items(query, items, SEEN)
    forget(archive, addresses=["ada@example.org"])
    with archive.reading() as snapshot:
        left = {
            query: [each.name for each in snapshot.list_items(query) or ()]
            for query in named | others
        }
    assert left == {
        **{query: ["first", f"{name} of [erased]"] for query, name in named.items()},
        **{query: ["first", f"{name} of ada@example.org"] for query, name in others.items()},
    }


def test_documents_of_others_are_erased_batch_by_batch(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_BATCH", 2)
    save_all(archive, [shown(each, cc=["ada@example.org"], bcc=["x"]) for each in range(1, 6)])
    forget(archive, addresses=["ada@example.org"])
    with archive.reading() as snapshot:
        left = snapshot.raw_documents(range(1, 6))
    assert [json.loads(left[each])["cc"] for each in range(1, 6)] == [[]] * 5
    assert {json.loads(each)["bcc"][0] for each in left.values()} == {"x"}


def test_columns_that_name_an_erased_customer_have_the_surrogate(archive: Archive) -> None:
    bare = replace(record(1, customer=92), document=None, created_by=91, closed_by=91, assignee=5)
    save_all(archive, [bare, replace(record(2, customer=91), document=None)])
    forget(archive, 91)
    surrogate, _ = remembered(archive)[91]
    names = ("customer", "created_by", "closed_by", "assignee")
    with archive.reading() as snapshot:
        columns = repository.conversations(snapshot._connection, [1, 2])
    assert [columns[1][name] for name in names] == [92, surrogate, surrogate, 5]
    assert [columns[2][name] for name in names] == [surrogate, 0, 0, 0]


def test_what_was_read_beside_the_archive_stays_if_nobody_was_erased(archive: Archive) -> None:
    activity = Activity(record(1).row, (Thread(CREATED, 5, "customer"),), customer=91)
    with archive.reading() as snapshot:
        assert without_erased(snapshot, iter([activity])) == [activity]


def test_what_was_read_beside_the_archive_has_the_surrogate(archive: Archive) -> None:
    forget(archive, 91)
    activity = Activity(record(1).row, (), customer=91)
    other = Activity(record(2).row, (), customer=92)
    with archive.reading() as snapshot:
        after = without_erased(snapshot, [activity, other])
    assert after == [activity._replace(customer=remembered(archive)[91][0]), other]


def test_the_chunk_that_begins_where_conversations_are_kept_does_not_change(
    archive: Archive,
) -> None:
    since = 700 << schema.CHUNK_BITS
    save_all(archive, [record(1, created=since - 1), record(2, created=since)])
    with archive.lock() as lock, archive.writing(lock) as writer:
        assert erasure.delete_before(writer._connection, since) == {699}


def test_of_conversations_too_old_nothing_is_left(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
    threads = [ShownThreads((Thread(CREATED, each, "customer"),), True, SEEN) for each in (5, 6)]
    save_all(archive, [replace(record(1, tags=(3,)), shown=threads[0]), record(2, tags=(3,))])
    save_all(archive, [replace(record(3, tags=(3,)), shown=threads[1]), record(4, tags=(3,))])
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_kept_since(CREATED + 3)
    with archive.reading() as snapshot:
        left = {
            name: sorted(snapshot.execute(sa.select(schema.TABLES[name].c[column])).scalars())
            for name, column in {
                "conversation": "id",
                "conversation_tag": "conversation",
                "document": "conversation",
                "thread": "conversation",
                "unread_threads": "conversation",
            }.items()
        }
    assert left == {
        "conversation": [3, 4],
        "conversation_tag": [3, 4],
        "document": [3, 4],
        "thread": [3],
        "unread_threads": [4],
    }
