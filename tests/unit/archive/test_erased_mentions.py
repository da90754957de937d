"""An erased customer is in no document, column, list or file; all others still are."""

from __future__ import annotations

import json
import random
import string
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compat.archive import migrations, repository, schema
from compat.archive.admin import export
from compat.archive.database import Archive, open_archive
from compat.archive.erasure import find_customers
from compat.archive.records import ConversationRecord
from compat.archive.writer import Writer
from compat.core.models import ListItem, ListKind, ListQuery
from tests.unit.archive.samples import EVERYTHING, SEEN, record, save_all

NUMBER: Final = 918_273_645
ADDRESS: Final = "zebedee.q@marked.example"
PERSON: Final = {
    "id": NUMBER,
    "type": "customer",
    "first": "Zebedee",
    "last": "Quillfeather",
    "email": ADDRESS,
    "photoUrl": "https://photos.example/zebedee.png",
}
OTHER: Final = {
    "id": 92,
    "type": "customer",
    "first": "Bob",
    "last": "Olds",
    "email": "b@o.example",
}
USER: Final = {
    "id": 5,
    "type": "user",
    "first": "Uma",
    "last": "Staff",
    "email": "uma@acme.example",
}
MARKS: Final = (str(NUMBER), "zebedee", "quillfeather", "marked.example")


def seen_with(id_: int = 2, *, seen: int = SEEN, **changed: Any) -> ConversationRecord:
    """Bob's conversation, as a list shows it, with something else in it."""
    facts = record(id_, customer=92, name="Bob", seen=seen)
    document = {
        **json.loads(facts.document or b""),
        "primaryCustomer": OTHER,
        "createdBy": OTHER,
        "closedBy": 5,
        "closedByUser": USER,
        "cc": ["c@c.example"],
        **changed,
    }
    return replace(
        facts,
        created_by=_number(document["createdBy"]),
        closed_by=document["closedBy"],
        assignee=_number(document.get("assignee", 0)),
        customer=_number(document["primaryCustomer"]),
        document=json.dumps(document).encode(),
    )


def _number(person: Any) -> int:
    return int(person["id"] if isinstance(person, dict) else person)


def forget(archive: Archive, wanted: str = str(NUMBER)) -> None:
    """As the command does it."""
    with archive.reading() as snapshot:
        found = find_customers(snapshot, wanted)
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.erase_customers(found, [wanted] if "@" in wanted else [])


def to_document(archive: Archive, id_: int = 2) -> dict[str, Any]:
    """What is kept of a conversation."""
    with archive.reading() as snapshot:
        read: dict[str, Any] = json.loads(snapshot.raw_documents([id_])[id_])
        return read


def column(archive: Archive, name: str) -> list[int]:
    """A column of all conversations."""
    with archive.reading() as snapshot:
        table = schema.conversation.c
        return list(snapshot.execute(sa.select(table[name]).order_by(table.id)).scalars())


def everything(archive: Archive) -> str:
    """All that is kept, decoded; without the list of numbers that are not to be kept."""
    with archive.reading() as snapshot:
        rows = [
            tuple(
                repository.decompress(bytes(each)) if isinstance(each, bytes) else each
                for each in row
            )
            for name, table in schema.TABLES.items()
            if name != "forgotten"
            for row in snapshot.execute(sa.select(table))
        ]
        return f"{rows} {list(export(snapshot))}".casefold()


def exported(archive: Archive) -> list[bytes]:
    """All conversations, as they are exported."""
    with archive.reading() as snapshot:
        return list(export(snapshot))


def put(url: str, table: sa.Table, *rows: dict[str, Any]) -> None:
    """Write rows as another version of this program might."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(table.insert(), list(rows))
    engine.dispose()


def thread(id_: int, customer: int, created_by: int, type_: str) -> dict[str, Any]:
    """A thread's facts."""
    texts = dict.fromkeys(("type", "status", "state", "action", "source"), "")
    names = ("conversation", "created", "saved_reply", "rating", "attachments", "seen")
    numbers = dict.fromkeys((*names, "rating_customer"), 2)
    texts |= dict.fromkeys(("rating_customer_name", "rating_user_name", "rating_comments"), "")
    who = {"customer": customer, "author": created_by, "author_type": type_}
    return {"id": id_, **texts, **numbers, **who}


def raw_files(url: str, directory: Path) -> bytes:
    """The bytes of the database's own files; of PostgreSQL's without that list of numbers."""
    if url.startswith("sqlite"):
        return b"".join(each.read_bytes() for each in directory.iterdir())
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    files = """
        SELECT pg_read_binary_file(pg_relation_filepath(each.oid)) FROM pg_class AS each
        WHERE each.relkind IN ('r', 'i', 't') AND (
            each.relnamespace = current_schema()::regnamespace
            AND each.relname NOT IN ('forgotten', 'forgotten_pkey')
            OR each.oid IN (
                SELECT reltoastrelid FROM pg_class
                WHERE relnamespace = current_schema()::regnamespace
            )
        )"""
    with engine.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        found = b"".join(bytes(each) for each in connection.exec_driver_sql(files).scalars())
    engine.dispose()
    return found


MENTIONS: Final[dict[str, dict[str, Any]]] = {
    "who created it": {"createdBy": PERSON},
    "whom it is assigned to": {"assignee": PERSON},
    "who closed it": {"closedBy": NUMBER, "closedByUser": PERSON},
    "who closed it, without a name": {
        "closedBy": NUMBER,
        "closedByUser": {"id": NUMBER, "type": "customer"},
    },
    "who closed it, by number": {"closedBy": NUMBER, "closedByUser": None},
    "a carbon copy": {"cc": [ADDRESS.upper(), "c@c.example"]},
    "a blind carbon copy": {"bcc": [f"Zebedee Quillfeather <{ADDRESS}>"]},
    "the subject": {"subject": f"Fwd: from {ADDRESS}, see below"},
    "a preview": {"preview": f"Write to mailto:{ADDRESS}. Or '{ADDRESS}'"},
    "a link to write to": {"preview": f"https://x.example/?to={ADDRESS.replace('@', '%40')}"},
    "a field": {"customFields": [{"id": 1, "name": "Mail", "value": ADDRESS}]},
    "a tag": {"tags": [{"id": 3, "color": "red", "tag": ADDRESS}]},
    "a link": {"_links": {"customer": {"href": f"https://api.example/v2/customers/{NUMBER}"}}},
    "customers": {"customers": [PERSON, OTHER], "customerIds": [NUMBER, 92]},
    "threads": {
        "_embedded": {
            "threads": [
                {"id": 1, "type": "customer", "createdBy": PERSON, "body": "Zebedee here"},
                {
                    "id": 2,
                    "type": "message",
                    "customer": PERSON,
                    "createdBy": USER,
                    "to": [ADDRESS],
                },
            ]
        }
    },
    "an address without a number": {"createdBy": {"type": "customer", "email": ADDRESS}},
}


@pytest.mark.parametrize("where", MENTIONS)
def test_a_mention_of_an_erased_customer_is_removed(archive: Archive, where: str) -> None:
    save_all(archive, [_of_person(3), _mentioning(where)])
    forget(archive)
    left = everything(archive)
    assert [mark for mark in MARKS if mark in left] == []
    assert "bob" in left


def _mentioning(where: str) -> ConversationRecord:
    changed = MENTIONS[where]
    if "address without" not in where:
        return seen_with(**changed)
    return replace(seen_with(createdBy={"id": 0, **changed["createdBy"]}), created_by=0)


def _of_person(id_: int) -> ConversationRecord:
    """A conversation of the person's own."""
    return seen_with(id_, primaryCustomer=PERSON, createdBy=PERSON)


def test_the_files_contain_nothing_of_erased_customers(
    archive: Archive, archive_url: str, tmp_path: Path
) -> None:
    mentioning = [_mentioning(each) for each in MENTIONS]
    apart = [
        replace(each, row=each.row._replace(id=10 + at, created=each.row.created + at))
        for at, each in enumerate(mentioning)
    ]
    save_all(archive, [*apart, _of_person(3), seen_with(4)])
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery("tags"), [ListItem(3, f"about {ADDRESS}")], SEEN)
    put(archive_url, schema.thread, thread(1, NUMBER, NUMBER, "customer"))
    documents = [
        repository.compress(each.document) for each in (*apart, _of_person(3)) if each.document
    ]
    of_sqlite = archive_url.startswith("sqlite")
    numbers = NUMBER.to_bytes(4, "big" if of_sqlite else "little")
    before = raw_files(archive_url, tmp_path)
    assert numbers in before
    assert ADDRESS.encode() in before
    assert all(each in before for each in documents)
    forget(archive)
    archive.vacuum()
    after = raw_files(archive_url, tmp_path)
    assert numbers not in after
    assert not [mark for mark in MARKS if mark.encode() in after.lower()]
    assert not [each for each in documents if each in after]
    assert repository.compress(seen_with(4).document or b"") in after


def test_vacuum_removes_copies_that_sqlite_left_of_moved_rows(tmp_path: Path) -> None:
    chance = random.Random(3)
    ids = chance.sample(range(1, 100_000), 3000)
    theirs: list[bytes] = []
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as archive:
        for first in range(0, len(ids), 20):
            some = []
            for id_ in ids[first : first + 20]:
                noise = chance.randbytes(chance.randint(40, 900)).hex()
                who = chance.choice([PERSON, PERSON, OTHER])
                some.append(seen_with(id_, primaryCustomer=who, createdBy=who, preview=noise))
                if who is PERSON:
                    theirs.append(repository.compress(some[-1].document or b""))
            save_all(archive, some)
        forget(archive)
        archive.vacuum()
        files = raw_files("sqlite", tmp_path)
    pieces = {each[at : at + 24] for each in theirs for at in range(200, len(each) - 24, 24)}
    assert pieces.isdisjoint(files[at : at + 24] for at in range(len(files)))


def test_a_longer_address_belongs_to_another_person(archive: Archive) -> None:
    longer = [f"mo{ADDRESS}", f"mo.{ADDRESS}", f"{ADDRESS}.au"]
    save_all(archive, [_of_person(3), seen_with(cc=[*longer, ADDRESS], subject=f"To {longer[1]}")])
    forget(archive)
    assert to_document(archive)["cc"] == longer
    assert to_document(archive)["subject"] == f"To {longer[1]}"


def test_a_user_with_the_same_id_stays(archive: Archive) -> None:
    user = {**USER, "id": NUMBER}
    facts = seen_with(createdBy=user, assignee=user, closedBy=NUMBER, closedByUser=user)
    save_all(archive, [_of_person(3), facts])
    forget(archive)
    assert to_document(archive) == json.loads(facts.document or b"")
    assert column(archive, "closed_by")[0] == NUMBER
    assert column(archive, "created_by")[0] == NUMBER


def test_an_id_without_a_type_that_closed_a_conversation_may_be_a_user(archive: Archive) -> None:
    user = {**USER, "id": NUMBER}
    save_all(archive, [seen_with(1, assignee=user), seen_with(closedBy=NUMBER, closedByUser=None)])
    forget(archive)
    assert column(archive, "closed_by") == [5, NUMBER]


@pytest.mark.parametrize("kind", ["users", "me", "mailbox_users", "members", "teams"])
def test_an_id_that_closed_a_conversation_may_be_that_of_a_listed_user(
    archive: Archive, kind: ListKind
) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery(kind), [ListItem(NUMBER, "Ann")], 5)
    save_all(archive, [seen_with(closedBy=NUMBER, closedByUser=None)])
    forget(archive)
    is_kept = column(archive, "closed_by") == [NUMBER]
    assert is_kept is (kind != "teams")


def test_other_values_equal_to_the_id_stay(archive: Archive) -> None:
    fields = [{"id": NUMBER, "name": "Plan", "value": "gold"}]
    tags = [{"id": NUMBER, "color": "red", "tag": "vip"}]
    save_all(archive, [seen_with(number=NUMBER, customFields=fields, tags=tags, createdBy=PERSON)])
    forget(archive)
    kept = to_document(archive)
    assert (kept["number"], kept["customFields"], kept["tags"]) == (NUMBER, fields, tags)


def test_texts_of_others_stay_and_texts_of_erased_customers_are_removed(archive: Archive) -> None:
    save_all(archive, [seen_with(1, assignee=PERSON), seen_with(2, createdBy=PERSON)])
    forget(archive)
    kept, theirs = to_document(archive, 1), to_document(archive, 2)
    assert (kept["subject"], kept["preview"]) == ("Subject of Bob", "Preview of Bob")
    assert (theirs["subject"], theirs["preview"]) == ("", "")


def test_an_erased_customer_has_one_surrogate_everywhere(
    archive: Archive, archive_url: str
) -> None:
    save_all(
        archive, [seen_with(1, createdBy=PERSON), seen_with(2, assignee=PERSON), _of_person(3)]
    )
    rows = [
        thread(1, NUMBER, NUMBER, "customer"),
        thread(2, 92, 92, "customer"),
        thread(3, NUMBER, NUMBER, "user"),
    ]
    put(archive_url, schema.thread, *rows)
    forget(archive)
    (surrogate,) = {column(archive, "created_by")[0], column(archive, "customer")[2]}
    assert surrogate < 0
    assert to_document(archive, 1)["createdBy"] == {"type": "customer", "id": surrogate}
    assert to_document(archive, 2)["assignee"] == {"type": "customer", "id": surrogate}
    assert column(archive, "assignee")[1] == surrogate
    with archive.reading() as snapshot:
        table = schema.thread.c
        query = sa.select(table.customer, table.author).order_by(table.id)
        assert [tuple(each) for each in snapshot.execute(query)] == [
            (surrogate, surrogate),
            (92, 92),
            (surrogate, NUMBER),
        ]


def test_removing_a_conversation_removes_its_threads(archive: Archive, archive_url: str) -> None:
    save_all(archive, [seen_with(2)])
    put(archive_url, schema.thread, thread(1, 92, 92, "customer"))
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.remove([2], SEEN + 1)
    with archive.reading() as snapshot:
        assert snapshot.execute(sa.select(schema.thread)).all() == []


def test_two_erased_customers_have_different_surrogates(archive: Archive) -> None:
    save_all(archive, [seen_with(1, createdBy=PERSON), seen_with(2)])
    forget(archive)
    forget(archive, "92")
    assert len(set(column(archive, "created_by"))) == 2
    assert max(column(archive, "created_by")) < 0


def test_a_later_record_does_not_restore_erased_customers(archive: Archive) -> None:
    again = [_of_person(3), seen_with(createdBy=PERSON, cc=[ADDRESS])]
    save_all(archive, again)
    forget(archive)
    before = exported(archive)
    assert save_all(archive, [replace(each, seen=SEEN + 9) for each in again]) == 0
    assert exported(archive) == before
    save_all(archive, [seen_with(8, assignee=PERSON, bcc=[ADDRESS])])
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery("tags"), [ListItem(3, ADDRESS)], SEEN)
    left = everything(archive)
    assert [mark for mark in MARKS if mark in left] == []


def test_an_address_that_is_seen_later_is_erased_too(archive: Archive) -> None:
    forget(archive)
    save_all(archive, [_of_person(3)])
    save_all(archive, [seen_with(cc=[ADDRESS, "c@c.example"])])
    assert to_document(archive)["cc"] == ["c@c.example"]


def test_an_address_alone_is_erased(archive: Archive) -> None:
    save_all(archive, [seen_with(cc=[ADDRESS, "c@c.example"])])
    forget(archive, ADDRESS.upper())
    assert to_document(archive)["cc"] == ["c@c.example"]
    save_all(archive, [_of_person(3)])
    assert "zebedee" not in everything(archive)


def test_the_address_of_a_mailbox_is_never_erased(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        mailbox = ListItem(1, "Support", "support", ADDRESS)
        writer.set_list_items(ListQuery("mailboxes"), [mailbox], SEEN)
    save_all(archive, [seen_with(createdBy=PERSON, cc=[ADDRESS])])
    forget(archive)
    assert to_document(archive)["cc"] == [ADDRESS]
    with archive.reading() as snapshot:
        assert snapshot.list_items(ListQuery("mailboxes")) == (mailbox,)


def test_without_documents_the_id_is_erased(tmp_path: Path) -> None:
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True, slim=True) as archive:
        save_all(archive, [_of_person(3), seen_with(createdBy=PERSON)])
        forget(archive)
        assert str(NUMBER) not in everything(archive)
        save_all(archive, [replace(seen_with(4, createdBy=PERSON), document=None)])
        assert str(NUMBER) not in everything(archive)


def test_a_customer_erased_by_an_older_version_stays_erased(archive_url: str) -> None:
    engine = sa.create_engine(archive_url)
    with engine.begin() as connection:
        migrations.migrate(connection, migrations.MIGRATIONS[:2])
        connection.execute(sa.text("INSERT INTO forgotten VALUES (:number)"), {"number": NUMBER})
    engine.dispose()
    with open_archive(archive_url, create=True) as archive:
        save_all(archive, [_of_person(3), seen_with(createdBy=PERSON)])
        assert column(archive, "customer") == [92, 0]
        assert column(archive, "created_by") == [0, 0]
        assert "zebedee" not in everything(archive)


# What a document may contain, each with the place that names a person.
NAMES = st.sampled_from(["person", "person", "other", "user"])
PEOPLE: Final = {"person": PERSON, "other": OTHER, "user": USER}
WORDS = st.text(string.ascii_letters + " .,", max_size=12)
ADDRESSES: Final = {"person": ADDRESS, "other": "b@o.example", "user": "uma@acme.example"}


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Who stands where in a conversation, and its texts."""
    return {
        "primaryCustomer": draw(st.sampled_from(["other", "other", "other", "person"])),
        "createdBy": draw(NAMES),
        "assignee": draw(st.none() | NAMES),
        "closedByUser": draw(st.none() | NAMES),
        "cc": draw(st.lists(NAMES, max_size=3)),
        "bcc": draw(st.lists(NAMES, max_size=2)),
        "customers": draw(st.lists(NAMES, max_size=3)),
        "subject": draw(st.tuples(WORDS, st.none() | NAMES, WORDS)),
        "preview": draw(st.tuples(WORDS, st.none() | NAMES, WORDS)),
        "field": draw(WORDS),
    }


def built(spec: dict[str, Any], id_: int, surrogate: int | None = None) -> dict[str, Any]:
    """The document of a conversation; with a surrogate, as it has to be after erasing."""
    gone = surrogate is not None

    def person(name: str) -> dict[str, Any]:
        erased = gone and name == "person"
        return {"type": "customer", "id": surrogate} if erased else PEOPLE[name]

    def addresses(names: list[str]) -> list[str]:
        return [ADDRESSES[name] for name in names if not (gone and name == "person")]

    def text(parts: tuple[str, str | None, str]) -> str:
        before, name, after = parts
        if gone and spec["createdBy"] == "person":
            return ""
        shown = "" if name is None else ADDRESSES[name]
        return f"{before} {'[erased]' if gone and name == 'person' else shown} {after}"

    document: dict[str, Any] = {
        "id": id_,
        "number": id_,
        "mailboxId": 1,
        "type": "email",
        "status": "active",
        "createdAt": "2015-01-01T00:00:00Z",
        "subject": text(spec["subject"]),
        "preview": text(spec["preview"]),
        "cc": addresses(spec["cc"]),
        "bcc": addresses(spec["bcc"]),
        "customers": [person(name) for name in spec["customers"]],
        "customFields": [{"id": 3, "value": spec["field"]}],
    }
    for key in ("primaryCustomer", "createdBy", "assignee", "closedByUser"):
        if spec[key]:
            document[key] = person(spec[key])
    document["closedBy"] = document.get("closedByUser", {"id": 0})["id"]
    return document


def seen_as(spec: dict[str, Any], id_: int) -> ConversationRecord:
    """A record of such a conversation."""
    document = built(spec, id_)
    facts = record(id_)
    return replace(
        facts,
        customer=document["primaryCustomer"]["id"],
        created_by=document["createdBy"]["id"],
        assignee=document.get("assignee", {"id": 0})["id"],
        closed_by=document["closedBy"],
        document=json.dumps(document).encode(),
    )


@settings(
    max_examples=min(settings().max_examples, 400),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(specs(), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_nothing_of_erased_customers_is_left_and_all_of_others(
    archive: Archive, some: list[dict[str, Any]], by_address: bool, seen_after: bool
) -> None:
    """Compared with the same documents, made without the person from the beginning."""
    records = [seen_as(spec, id_) for id_, spec in enumerate(some, 1)]
    with archive.lock() as lock, archive.writing(lock) as writer:
        empty_all(writer)
        writer.save([] if seen_after else records)
    forget(archive, ADDRESS if by_address else str(NUMBER))
    if seen_after:
        save_all(archive, [_of_person(99)])  # by number alone, the address has to be seen first
        save_all(archive, records)
    with archive.reading() as snapshot:
        kept = snapshot.raw_documents([each.row.id for each in records])
        assert snapshot.rows([EVERYTHING])[: len(some)] == [each.row for each in records]
    left = everything(archive)
    mentioned = by_address or seen_after or _shows_person(some)
    if not mentioned:
        return
    assert [mark for mark in MARKS if mark in left] == []
    for id_, spec in enumerate(some, 1):
        if spec["primaryCustomer"] == "person":
            assert id_ not in kept
        else:
            read = json.loads(kept[id_])
            assert read == built(spec, id_, _surrogate_in(read))


def _shows_person(some: list[dict[str, Any]]) -> bool:
    """Whether the number and the address stand together anywhere."""
    keys = ("primaryCustomer", "createdBy", "assignee", "closedByUser")
    return any("person" in [*(spec[key] for key in keys), *spec["customers"]] for spec in some)


def _surrogate_in(document: dict[str, Any]) -> int:
    people = [each for each in document.values() if isinstance(each, dict)]
    people += document["customers"]
    return next((each["id"] for each in people if each["id"] < 0), -1)


def empty_all(writer: Writer) -> None:
    """Delete everything, between two examples."""
    for table in schema.TABLES.values():
        if table.name not in {"state", "holder", "archive_schema"}:
            writer._connection.execute(table.delete())
