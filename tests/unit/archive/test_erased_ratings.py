"""Of an erased customer's ratings only their values stay; all other ratings are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compat.archive import repository, schema
from compat.archive.database import Archive, open_archive
from compat.archive.erasure import find_customers, without_erased
from compat.archive.records import ShownThreads
from compat.core.models import Activity, Rating, Thread
from tests.unit.archive.samples import CREATED, SEEN, record
from tests.unit.archive.test_erased_mentions import (
    ADDRESS,
    NUMBER,
    empty_all,
    everything,
    put,
    raw_files,
    thread,
)

OTHER: Final = 92
USER: Final = 5
COMMENT: Final = "Quagmire of a reply, honestly"
THEIRS: Final = Rating(3, NUMBER, "Zebedee Quillfeather", "Uma Staff", COMMENT)
OF_OTHER: Final = Rating(1, OTHER, "Bob Olds", "Uma Staff", "Fine")


@pytest.fixture
def archive(archive: Archive) -> Archive:
    """An archive that keeps threads."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
    return archive


def reply(id_: int, customer: int, rating: Rating | None) -> Thread:
    """A reply to a customer."""
    return Thread(
        CREATED + id_, id_, "message", by="user", author=USER, customer=customer, rating=rating
    )


def save(archive: Archive, id_: int, threads: Sequence[Thread], *, customer: int = OTHER) -> int:
    """Save a conversation of a customer."""
    facts = record(id_, customer=customer, name=f"Customer{customer}")
    shown = ShownThreads(tuple(threads), complete=True, seen=SEEN)
    with archive.lock() as lock, archive.writing(lock) as writer:
        return writer.save([replace(facts, shown=shown)])


def forget(archive: Archive, *customers: int, addresses: Sequence[str] = ()) -> None:
    """Erase customers."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.erase_customers(customers, addresses)


def ratings(archive: Archive, id_: int = 1) -> list[Rating | None]:
    """The ratings of a conversation's threads."""
    with archive.reading() as snapshot:
        return [each.rating for each in snapshot.threads_of([id_])[id_]]


def surrogate(archive: Archive) -> int:
    """The number that replaces the only erased customer's."""
    with archive.reading() as snapshot:
        return int(snapshot.execute(sa.select(schema.forgotten.c.surrogate)).scalar_one())


def test_a_rating_by_an_erased_customer_keeps_its_value_alone(archive: Archive) -> None:
    save(archive, 1, [reply(1, OTHER, THEIRS), reply(2, OTHER, OF_OTHER)])
    forget(archive, NUMBER)
    erased = Rating(3, surrogate(archive), "", "Uma Staff", "")
    assert ratings(archive) == [erased, OF_OTHER]


def test_ratings_and_threads_of_an_erased_customer_have_one_surrogate(archive: Archive) -> None:
    save(archive, 1, [reply(1, OTHER, THEIRS), reply(2, NUMBER, THEIRS)])
    forget(archive, NUMBER)
    with archive.reading() as snapshot:
        first, second = snapshot.threads_of([1])[1]
    assert first.rating is not None
    assert first.rating.customer == second.customer == surrogate(archive)


def test_what_others_write_of_a_reply_to_an_erased_customer_is_erased(archive: Archive) -> None:
    save(archive, 1, [reply(1, NUMBER, OF_OTHER)])
    forget(archive, NUMBER)
    assert ratings(archive) == [Rating(1, OTHER, "", "Uma Staff", "")]


def test_what_others_write_in_an_erased_customers_conversation_is_erased(archive: Archive) -> None:
    save(archive, 1, [reply(1, OTHER, OF_OTHER)], customer=NUMBER)
    forget(archive, NUMBER)
    assert ratings(archive) == [Rating(1, OTHER, "", "Uma Staff", "")]


def test_a_rating_of_others_in_a_conversation_without_a_customer_stays(archive: Archive) -> None:
    save(archive, 1, [reply(1, OTHER, OF_OTHER)], customer=0)
    forget(archive, NUMBER)
    assert ratings(archive) == [OF_OTHER]


def test_an_erased_address_is_removed_from_the_comments_of_others(archive: Archive) -> None:
    save(archive, 1, [reply(1, OTHER, OF_OTHER._replace(comments=f"Ask {ADDRESS}!"))])
    forget(archive, addresses=[ADDRESS])
    assert ratings(archive) == [OF_OTHER._replace(comments="Ask [erased]!")]


def test_a_customer_is_recognised_by_the_address_that_stands_for_the_name(archive: Archive) -> None:
    save(archive, 1, [reply(1, OTHER, THEIRS._replace(customer=93, customer_name=ADDRESS.upper()))])
    forget(archive, NUMBER, addresses=[ADDRESS])
    assert ratings(archive) == [Rating(3, surrogate(archive), "", "Uma Staff", "")]


def test_a_user_with_the_same_number_keeps_the_name(archive: Archive) -> None:
    by_user = reply(1, OTHER, OF_OTHER)._replace(author=NUMBER)
    save(archive, 1, [by_user, by_user._replace(created=CREATED + 2, id=2, by="customer")])
    forget(archive, NUMBER)
    assert ratings(archive) == [OF_OTHER, OF_OTHER._replace(user_name="")]


@pytest.mark.parametrize("customer", [OTHER, NUMBER])
def test_an_erased_rating_that_is_read_again_stays_erased_and_looks_unchanged(
    archive: Archive, customer: int
) -> None:
    threads = [reply(1, OTHER, THEIRS), reply(2, OTHER, OF_OTHER)]
    save(archive, 1, threads, customer=customer)
    forget(archive, NUMBER)
    with archive.reading() as snapshot:
        before, version = ratings(archive), snapshot.version
    save(archive, 1, threads, customer=customer)
    with archive.reading() as snapshot:
        assert (ratings(archive), snapshot.version) == (before, version)
    with archive.lock() as lock, archive.writing(lock) as writer:
        assert writer.save_threads(1, ShownThreads(tuple(threads), complete=True, seen=SEEN))
    assert ratings(archive) == before


def test_a_rating_that_was_read_beside_the_archive_is_erased_as_in_it(archive: Archive) -> None:
    threads = (
        reply(1, OTHER, THEIRS),
        reply(2, OTHER, OF_OTHER._replace(comments=f"Ask {ADDRESS}!")),
    )
    rows = [(1, OTHER), (2, NUMBER)]
    for id_, customer in rows:
        moved = [each._replace(id=each.id + 10 * id_) for each in threads]
        save(archive, id_, moved, customer=customer)
    forget(archive, NUMBER, addresses=[ADDRESS])
    read = [
        Activity(record(id_).row, tuple(each._replace(id=each.id + 10 * id_) for each in threads))
        for id_, _ in rows
    ]
    own = [each._replace(customer=customer) for each, (_, customer) in zip(read, rows, strict=True)]
    with archive.reading() as snapshot:
        cleaned = without_erased(snapshot, own)
        held = snapshot.threads_of([1, 2])
    assert {each.row.id: each.threads for each in cleaned} == held


def test_ratings_are_erased_batch_by_batch(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_BATCH", 2)
    ids = [1, 2, 3, 4, 5]
    save(archive, 1, [reply(each, OTHER, THEIRS) for each in ids])
    forget(archive, NUMBER)
    assert ratings(archive) == [Rating(3, surrogate(archive), "", "Uma Staff")] * len(ids)


def test_a_rating_whose_conversation_is_not_stored_is_erased(
    archive: Archive, archive_url: str
) -> None:
    """As another version may have left it."""
    put(archive_url, schema.thread, thread(7, OTHER, USER, "user") | {"rating_customer": NUMBER})
    forget(archive, NUMBER)
    assert ratings(archive, 2) == [Rating(2, surrogate(archive))]


def test_the_files_contain_no_comment_and_no_name_of_an_erased_customer(
    archive: Archive, archive_url: str, tmp_path: Path
) -> None:
    kept = OF_OTHER._replace(comments="A comment that stays")
    save(archive, 1, [reply(1, OTHER, THEIRS), reply(2, OTHER, kept)])
    save(archive, 2, [reply(3, NUMBER, OF_OTHER._replace(comments=f"{COMMENT} 2"))])
    save(archive, 3, [reply(4, OTHER, OF_OTHER._replace(comments=f"{COMMENT} 3"))], customer=NUMBER)
    save(archive, 4, [reply(5, OTHER, kept._replace(comments=f"from {ADDRESS}"))])
    numbers = NUMBER.to_bytes(4, "big" if archive_url.startswith("sqlite") else "little")
    marks = [COMMENT.encode(), b"Quillfeather", ADDRESS.encode(), numbers]
    before = raw_files(archive_url, tmp_path)
    assert [each for each in marks if each not in before] == []
    forget(archive, NUMBER, addresses=[ADDRESS])
    archive.vacuum()
    after = raw_files(archive_url, tmp_path)
    assert [each for each in marks if each in after] == []
    assert b"A comment that stays" in after


def test_no_rating_of_an_age_that_is_not_kept_is_left(
    archive: Archive, archive_url: str, tmp_path: Path
) -> None:
    save(archive, 1, [reply(1, OTHER, THEIRS)])
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_kept_since(CREATED + 10)
    archive.vacuum()
    assert COMMENT.encode() not in raw_files(archive_url, tmp_path)


def test_a_slim_archive_keeps_who_rated_how_and_no_texts(tmp_path: Path) -> None:
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True, slim=True) as archive:
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.keep_threads(kept=True)
        save(archive, 1, [reply(1, OTHER, THEIRS)])
        assert ratings(archive) == [Rating(3, NUMBER)]
        files = raw_files("sqlite", tmp_path)
        assert not [each for each in (b"Quagmire", b"Quillfeather", b"Uma Staff") if each in files]
        with archive.reading() as snapshot:
            version = snapshot.version
        save(archive, 1, [reply(1, OTHER, THEIRS)])
        with archive.reading() as snapshot:
            assert snapshot.version == version


people = st.sampled_from([NUMBER, OTHER, 93])
NAMES: Final = {NUMBER: "Zebedee Quillfeather", OTHER: "Bob Olds", 93: "Cleo Park"}
comments = st.sampled_from(["", "Fine", COMMENT])
some_ratings = st.none() | st.builds(
    lambda value, who, comment: Rating(value, who, NAMES[who], "Uma Staff", comment),
    st.sampled_from([1, 2, 3]),
    people,
    comments,
)
conversations = st.lists(st.tuples(people, st.lists(st.tuples(people, some_ratings), max_size=3)))


@settings(
    max_examples=min(settings().max_examples, 400),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(conversations, st.booleans())
def test_nothing_of_erased_customers_ratings_is_left_and_all_of_others(
    archive: Archive, some: list[tuple[int, list[tuple[int, Rating | None]]]], seen_after: bool
) -> None:
    """Whether the customer was erased before the ratings were read, or after."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        empty_all(writer)
    if seen_after:
        forget(archive, NUMBER)
    for id_, (customer, threads) in enumerate(some, 1):
        shown = [reply(10 * id_ + at, *each) for at, each in enumerate(threads)]
        save(archive, id_, shown, customer=customer)
    if not seen_after:
        forget(archive, NUMBER)
    assert str(NUMBER) not in everything(archive)
    assert "quillfeather" not in everything(archive)
    for id_, (customer, threads) in enumerate(some, 1):
        expected = [
            rating and _erased(rating, surrogate(archive), own=NUMBER in {customer, whose})
            for whose, rating in threads
        ]
        assert (ratings(archive, id_) if threads else []) == expected


def _erased(rating: Rating, number: int, *, own: bool) -> Rating:
    """A rating as it has to be after erasing."""
    if rating.customer == NUMBER:
        return Rating(rating.value, number, "", rating.user_name, "")
    return rating._replace(customer_name="", comments="") if own else rating


def test_a_name_that_is_an_address_finds_nobody(archive: Archive) -> None:
    """Whom a command erases by address is looked up in documents alone."""
    save(archive, 1, [reply(1, OTHER, THEIRS._replace(customer_name=ADDRESS))])
    with archive.reading() as snapshot:
        assert find_customers(snapshot, ADDRESS) == []
