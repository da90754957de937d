"""Faults of the archive under a server: it answers 503, says what is wrong, and recovers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from compat.archive import connections
from compat.archive.database import open_archive
from compat.config.settings import SettingsError
from compat.service import LegacyReports
from tests.integration.archived.offline_service import ask, service
from tests.integration.exactness.oracle import Asked, text
from tests.unit.archive.sync.synced_account import DAY, NOW, SINCE, Staged
from tests.unit.service.doubles import basic

FIRST = int(SINCE.timestamp())
LAST = int(NOW.timestamp()) - DAY
DRILLDOWN = "/v1/reports/conversations/new-drilldown.json"
Fault = Callable[[Staged], AbstractContextManager[str]]
_asked = count(1)


def path_of(stage: Staged) -> Path:
    return Path(stage.url.removeprefix("sqlite:///"))


@contextmanager
def elsewhere(stage: Staged, in_its_place: bytes | None) -> Iterator[None]:
    """Within the block, another file, or none, is where the archive was."""
    path, aside = path_of(stage), path_of(stage).with_suffix(".aside")
    path.rename(aside)
    if in_its_place is not None:
        path.write_bytes(in_its_place)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        aside.rename(path)


@contextmanager
def missing(stage: Staged) -> Iterator[str]:
    with elsewhere(stage, None):
        yield "could not be opened"


@contextmanager
def damaged(stage: Staged) -> Iterator[str]:
    with elsewhere(stage, b"no database at all " * 500):
        yield "is damaged"


@contextmanager
def executed(stage: Staged, statement: str, afterwards: str) -> Iterator[None]:
    """Within the block, the database executed a statement; afterwards it executes another."""
    engine = sa.create_engine(stage.url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        yield
        with engine.connect() as connection:
            connection.exec_driver_sql(afterwards)
    finally:
        engine.dispose()


@contextmanager
def of_a_newer_version(stage: Staged) -> Iterator[str]:
    newer = "INSERT INTO archive_schema (version, applied_at) VALUES (99, '')"
    with executed(stage, newer, "DELETE FROM archive_schema WHERE version = 99"):
        yield "upgrade this program"


@contextmanager
def without_its_tables(stage: Staged) -> Iterator[str]:
    away = "ALTER TABLE conversation RENAME TO conversation_away"
    with executed(stage, away, "ALTER TABLE conversation_away RENAME TO conversation"):
        yield "look into its log"


def another_question() -> str:
    """A question that nobody has asked: no cache has the answer."""
    return Asked(FIRST, LAST - next(_asked), view_by="month").target()


def another_list() -> str:
    """A list of conversations, which is always read from the database."""
    return f"{DRILLDOWN}?start={text(FIRST)}&end={text(LAST - next(_asked))}"


def check_fails_and_recovers(stage: Staged, fault: Fault) -> None:
    with service(stage, offline=True) as reports:
        assert ask(reports, another_question()).status == 200
        with fault(stage) as said:
            answer = ask(reports, another_list())
            assert answer.status == 503, answer
            assert said in answer.body.decode(), answer
            assert int(dict(answer.headers)["Retry-After"]) > 0
        assert ask(reports, another_question()).status == 200


@pytest.mark.parametrize("fault", [of_a_newer_version, without_its_tables])
def test_a_database_that_changed_is_reported_and_recovers(stage: Staged, fault: Fault) -> None:
    check_fails_and_recovers(stage, fault)


@pytest.mark.parametrize("fault", [missing, damaged])
def test_a_file_that_went_away_is_reported_and_recovers(stage: Staged, fault: Fault) -> None:
    if not stage.url.startswith("sqlite"):
        pytest.skip("a matter of files")
    check_fails_and_recovers(stage, fault)


@pytest.mark.parametrize("fault", [of_a_newer_version, missing, damaged])
def test_no_server_starts_on_what_it_cannot_read(stage: Staged, fault: Fault) -> None:
    if not stage.url.startswith("sqlite") and fault is not of_a_newer_version:
        pytest.skip("a matter of files")
    with fault(stage), pytest.raises(SettingsError, match="COMPAT_ARCHIVE"):
        LegacyReports(stage.settings.model_copy(update={"offline": True}))


def test_another_file_in_its_place_is_read_from_then_on(stage: Staged) -> None:
    if not stage.url.startswith("sqlite"):
        pytest.skip("a matter of files")
    path = path_of(stage)
    with open_archive(stage.url) as archive:
        archive.vacuum()  # all of it is in the file itself
    backup = path.read_bytes()
    with service(stage, offline=True) as reports:
        before = counts(reports)
        stage.clock.advance(60)
        for row in [each for each in stage.account.conversations() if each.counts][:3]:
            stage.account.delete(row.id)
        stage.sync(accept_loss=True)
        assert counts(reports) != before
        path.rename(path.with_suffix(".old"))
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        path.write_bytes(backup)
        assert counts(reports) == before


def counts(reports: LegacyReports) -> int:
    """How many conversations there are in all."""
    answer = ask(reports, another_question())
    assert answer.status == 200
    return sum(bucket["count"] for bucket in json.loads(answer.body)["current"])


def test_connections_that_were_dropped_are_made_anew(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stage.url.startswith("sqlite"):
        pytest.skip("a matter of connections")
    monkeypatch.setattr(connections, "application_name", lambda: "compat test of the dropped")
    engine = sa.create_engine(stage.url, isolation_level="AUTOCOMMIT")
    end = sa.text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE application_name = 'compat test of the dropped'"
    )
    with service(stage, offline=True) as reports:
        assert ask(reports, another_question()).status == 200
        with engine.connect() as connection:
            assert connection.execute(end).scalar_one() > 0
        assert ask(reports, another_question()).status == 200
    engine.dispose()


def test_a_table_that_somebody_locks_is_waited_for_and_reported(stage: Staged) -> None:
    if stage.url.startswith("sqlite"):
        pytest.skip("readers of SQLite wait for nobody")
    engine = sa.create_engine(stage.url)
    with service(stage, offline=True) as reports:
        target = another_question()
        with engine.begin() as connection:
            connection.exec_driver_sql("LOCK TABLE conversation IN ACCESS EXCLUSIVE MODE")
            answer = reports.answer(target, authorization=basic(), patience=0.2)
            assert answer.status == 503, answer
        assert ask(reports, target).status == 200
    engine.dispose()


def test_a_document_that_is_damaged_is_reported(stage: Staged) -> None:
    with (
        service(stage, offline=True) as reports,
        executed(stage, "UPDATE document SET packed = CAST('x' AS BYTEA)", "SELECT 1"),
    ):
        answer = ask(reports, f"{DRILLDOWN}?start={text(FIRST)}&end={text(LAST)}")
    assert answer.status == 503
    assert "is damaged" in answer.body.decode()
