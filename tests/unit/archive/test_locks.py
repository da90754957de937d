"""One writer at a time; a writer that lost the lock cannot write."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from compat.archive import connections, locks, schema
from compat.archive.database import Archive, open_archive
from compat.archive.errors import LockLost, SyncUnderWay
from compat.archive.locks import SyncLock
from compat.core.intervals import Interval
from tests.unit.archive.databases import place
from tests.unit.archive.lock_holder import holding
from tests.unit.archive.samples import record, rows

LEASE = 1.0
SENDER = "archive-lock"


@pytest.fixture
def server_url(tmp_path: Path) -> Iterator[str]:
    with place("postgresql", tmp_path) as url:
        open_archive(url, create=True).close()
        yield url


def lock_soon(archive: Archive, seconds: float = 30.0) -> SyncLock:
    """The lock, as soon as it is to be had."""
    until = time.monotonic() + seconds
    while True:
        try:
            return archive.lock()
        except SyncUnderWay:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def write(archive: Archive, lock: SyncLock, id_: int) -> None:
    with archive.writing(lock) as writer:
        writer.save([record(id_)])


def subjects(archive: Archive) -> dict[int, str]:
    with archive.reading() as snapshot:
        ids = snapshot.conversation_ids(Interval(0, 2**40))
        return {each.id: each.subject for each in snapshot.documents(ids)}


def test_a_second_writer_is_refused_with_the_name_of_the_first(archive: Archive) -> None:
    with archive.lock():
        with pytest.raises(SyncUnderWay, match=rf"process {os.getpid()} on .*since \S+\+00:00"):
            archive.lock()
        assert rows(archive) == []


def test_the_lock_is_free_once_it_is_released(archive: Archive) -> None:
    first = archive.lock()
    first.release()
    first.release()
    with archive.lock() as second:
        assert second.epoch == first.epoch + 1
        write(archive, second, 1)


def test_of_several_writers_at_once_one_gets_the_lock(archive: Archive) -> None:
    together = threading.Barrier(4)
    got: list[SyncLock | None] = []

    def take() -> None:
        together.wait()
        try:
            got.append(archive.lock())
        except SyncUnderWay:
            got.append(None)

    takers = [threading.Thread(target=take) for _ in range(4)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert sum(lock is not None for lock in got) == 1
    for lock in filter(None, got):
        lock.release()


def test_a_holder_that_has_not_stored_its_name_yet_ends_no_other_connection(
    server_url: str,
) -> None:
    url = connections.parse_url(server_url)
    stranger, first = sa.create_engine(url), sa.create_engine(url)
    with open_archive(server_url) as archive, stranger.connect() as other, first.connect() as lock:
        assert other.exec_driver_sql("SHOW application_name").scalar() == ""
        assert lock.exec_driver_sql(locks._TRY_LOCK).scalar()
        with pytest.raises(SyncUnderWay, match="nobody"):
            archive.lock()
        assert other.exec_driver_sql("SELECT 1").scalar() == 1
    stranger.dispose()
    first.dispose()


def test_a_writer_that_lost_the_lock_cannot_write(archive: Archive) -> None:
    lock = archive.lock()
    with archive._engine.begin() as connection:
        connection.execute(schema.state.update().values(epoch=schema.state.c.epoch + 1))
    with pytest.raises(LockLost, match="took over"):
        write(archive, lock, 1)
    assert rows(archive) == []
    lock.release()


def test_the_lock_of_a_process_that_is_killed_is_free(archive_url: str) -> None:
    open_archive(archive_url, create=True).close()
    with open_archive(archive_url) as archive, holding(archive_url, 60.0) as holder:
        holder.send("5")
        assert holder.next_line() == "writing"
        with pytest.raises(SyncUnderWay, match=f"process {holder.process.pid} "):
            archive.lock()
        holder.process.kill()
        holder.process.wait()
        with lock_soon(archive) as lock:
            write(archive, lock, 6)
        assert [row.id for row in rows(archive)] == [6]


def test_a_process_that_is_paused_for_too_long_loses_the_lock(server_url: str) -> None:
    with open_archive(server_url, lease=LEASE) as archive, holding(server_url, LEASE) as holder:
        os.kill(holder.process.pid, signal.SIGSTOP)
        with lock_soon(archive) as lock:
            write(archive, lock, 6)
            os.kill(holder.process.pid, signal.SIGCONT)
            holder.send("5")
            assert holder.next_line() == "writing"
            holder.send("")
            assert holder.next_line() == "LockLost"
            write(archive, lock, 7)
        assert [row.id for row in rows(archive)] == [6, 7]


def test_a_process_paused_while_it_writes_does_not_block_others(server_url: str) -> None:
    with open_archive(server_url, lease=LEASE) as archive, holding(server_url, LEASE) as holder:
        holder.send("5")
        assert holder.next_line() == "writing"
        os.kill(holder.process.pid, signal.SIGSTOP)
        with lock_soon(archive) as lock:
            write(archive, lock, 5)
            os.kill(holder.process.pid, signal.SIGCONT)
            holder.send("")
            assert holder.next_line() == "LockLost"
        assert subjects(archive) == {5: "Subject of Ada"}


def test_a_running_process_keeps_the_lock_beyond_the_lease(server_url: str) -> None:
    with open_archive(server_url, lease=LEASE) as archive, holding(server_url, LEASE) as holder:
        until = time.monotonic() + 2.5 * LEASE
        while time.monotonic() < until:
            with pytest.raises(SyncUnderWay):
                archive.lock()
            time.sleep(0.2)
        holder.send("5")
        holder.send("")
        assert [holder.next_line(), holder.next_line()] == ["writing", "written"]
        assert [row.id for row in rows(archive)] == [5]


def test_on_a_server_the_lock_is_free_once_it_is_released(server_url: str) -> None:
    with open_archive(server_url) as archive, open_archive(server_url) as other:
        archive.lock().release()
        with other.lock() as lock:
            write(other, lock, 1)


def test_what_sends_heartbeats_has_a_name_and_keeps_no_process_alive(server_url: str) -> None:
    with open_archive(server_url) as archive:
        with archive.lock():
            assert [each.daemon for each in threading.enumerate() if each.name == SENDER] == [True]
        assert SENDER not in {each.name for each in threading.enumerate()}


def test_a_lock_is_released_without_an_error_if_its_connection_was_ended(server_url: str) -> None:
    with open_archive(server_url) as archive:
        with archive.lock(), archive._engine.connect() as connection:
            connection.execute(locks._TERMINATE_CONNECTIONS, {"name": archive._application_name})
        lock_soon(archive).release()


def test_a_holder_that_lost_its_lease_has_a_moment_to_release_the_lock(server_url: str) -> None:
    holder = sa.create_engine(connections.parse_url(server_url), poolclass=sa.NullPool)
    with open_archive(server_url, lease=LEASE) as archive, holder.connect() as held:
        assert held.exec_driver_sql(locks._TRY_LOCK).scalar()
        with archive._engine.begin() as connection:
            connection.execute(schema.holder.update().values(marked="has ended", beat=0))
        ending = threading.Timer(0.3, held.invalidate)
        ending.start()
        archive.lock().release()
        ending.join()


def test_only_the_owner_may_read_the_lock_file(tmp_path: Path) -> None:
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as archive, archive.lock():
        assert re.fullmatch("0o100600", oct((tmp_path / "a.db.lock").stat().st_mode))
