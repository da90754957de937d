"""Threads in an archive: its status, seal, export, import and erasure."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from compat.archive.admin import (
    CannotSeal,
    archive_status,
    export,
    import_lines,
    seal,
    threads_status,
)
from compat.archive.database import Archive, open_archive
from compat.archive.locks import SyncLock
from compat.archive.records import INDEX_LAG
from compat.cli.archive import _state_as_text
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Interval
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.synced_account import DAY, Clock, Staged, sample_account, staged
from tests.unit.archive.sync.true_threads import held_threads, known_until, unread


@pytest.fixture
def stage(upstream_server: Upstream, url: str) -> Staged:
    """A small account, and an archive that has all of its threads."""
    clock = Clock()
    made = staged(upstream_server, url, sample_account(clock, 60, 5), clock)
    made.sync(threads=True)
    return made


@contextmanager
def opened(stage: Staged) -> Iterator[tuple[Archive, SyncLock]]:
    with open_archive(stage.url, create=True) as archive, archive.lock() as lock:
        yield archive, lock


def exported(stage: Staged) -> bytes:
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        return b"".join(export(snapshot))


def imported(stage: Staged, lines: bytes, place: Path) -> Staged:
    """A new archive with these lines."""
    url = f"sqlite:///{place}/imported.db"
    settings = stage.settings.model_copy(update={"archive": SecretStr(url)})
    new = Staged(stage.account, stage.clock, stage.simulator, settings, stage.upstream_server)
    last = int(stage.clock.now) - INDEX_LAG - 5
    with opened(new) as (archive, lock):
        import_lines(
            archive, lock, io.BytesIO(lines), (FIRST_SECOND, last), int(stage.clock.now) - 5
        )
    return new


def as_text(stage: Staged) -> str:
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        return _state_as_text(archive_status(archive, snapshot, stage.settings))


def test_what_is_exported_and_imported_has_the_same_threads(stage: Staged, tmp_path: Path) -> None:
    new = imported(stage, exported(stage), tmp_path)
    assert held_threads(new) == held_threads(stage)
    assert any(each.rating for some in held_threads(new).values() for each in some)
    assert unread(new) == set()
    assert known_until(new) == int(stage.clock.now) - 5 - INDEX_LAG
    assert exported(new) == exported(stage)


def test_of_threads_an_export_holds_the_texts_of_ratings_alone(stage: Staged) -> None:
    lines = [json.loads(line) for line in exported(stage).splitlines()]
    threads = [each for line in lines for each in line["_embedded"]["threads"]]
    assert threads
    assert not any("body" in each or "email" in each["createdBy"] for each in threads)
    ratings = [each["rating"] for each in threads if "rating" in each]
    assert any(each["comments"] for each in ratings)
    assert all(each["_userName"] for each in ratings)


def test_threads_of_lines_that_have_none_are_to_be_read(stage: Staged, tmp_path: Path) -> None:
    lines = exported(stage).splitlines()
    bare = json.loads(lines[7])
    del bare["_embedded"], bare["_threads"]
    new = imported(stage, b"\n".join([*lines[:7], *lines[8:]]), tmp_path)
    last = int(stage.clock.now) - INDEX_LAG - 4
    with opened(new) as (archive, lock):
        whole = b"\n".join([*lines[:7], json.dumps(bare).encode(), *lines[8:]])
        import_lines(archive, lock, io.BytesIO(whole), (FIRST_SECOND, last), last + INDEX_LAG)
    assert unread(new) == {bare["id"]}
    assert known_until(new) is None
    new.sync()
    assert held_threads(new) == held_threads(stage)
    assert known_until(new) is not None


def test_an_archive_of_conversations_alone_stays_one(stage: Staged, tmp_path: Path) -> None:
    stage.sync(threads=False)
    new = imported(stage, exported(stage), tmp_path)
    assert (held_threads(new), unread(new)) == ({}, set())


def test_threads_must_be_known_before_the_archive_is_sealed(stage: Staged) -> None:
    at = int(stage.clock.now) - INDEX_LAG - 5
    row = next(row for row in stage.account.conversations() if row.type == "chat" and row.listed)
    with opened(stage) as (archive, lock):
        with archive.writing(lock) as writer:
            writer.keep_threads(kept=False)
            writer.keep_threads(kept=True)
        with pytest.raises(CannotSeal, match="does not have all threads"):
            seal(archive, lock, at)
    assert row.id in unread(stage)
    stage.sync()
    with opened(stage) as (archive, lock):
        seal(archive, lock, at)
        with archive.reading() as snapshot:
            known = [each.interval for each in snapshot.activity_coverage()]
    assert known == [Interval(FIRST_SECOND, LAST_SECOND)]


def test_the_status_says_until_when_threads_are_known(stage: Staged) -> None:
    assert "all threads are known that were created until 2015-06-16T" in as_text(stage)
    with opened(stage) as (archive, lock):
        with archive.writing(lock) as writer:
            writer.keep_threads(kept=True)
        with archive.reading() as snapshot:
            held = snapshot.conversation_count()
            assert threads_status(snapshot).unread == held
    assert f"those of {held} conversations are still to be read" in as_text(stage)


def test_the_status_says_why_an_archive_without_old_conversations_knows_no_threads(
    stage: Staged,
) -> None:
    with opened(stage) as (archive, lock), archive.writing(lock) as writer:
        writer.set_kept_since(int(stage.clock.now) - 90 * DAY)
    assert "conversations before some time are not in the archive" in as_text(stage)


def test_customers_are_as_many_after_one_is_erased_and_stays_erased(stage: Staged) -> None:
    def customers() -> set[int]:
        return {each.author for some in held_threads(stage).values() for each in some}

    before = customers()
    row = next(row for row in stage.account.conversations() if row.listed)
    with opened(stage) as (archive, lock), archive.writing(lock) as writer:
        writer.erase_customers([row.customer_id])
    for _ in range(2):
        assert row.customer_id not in customers()
        assert len(customers()) == len(before)
        stage.account.write(row.id)
        stage.clock.advance(3600)
        stage.sync()
