"""The archive's schema on both databases, and what is stored in it."""

from __future__ import annotations

import json
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from compat.archive.repository import decompress
from tests.golden import stage
from tests.golden.golden import compare, masked, without

POSTGRES: Final = os.environ.get(
    "COMPAT_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test"
)
"""A server on which tests may make schemas and drop them again."""

_CLOCK: Final = frozenset({"seen", "as_of", "applied_at", "beat", "who", "marked", "since"})
"""Columns that hold the time of the run, and its process."""

_WORDS: Final = {
    "conversation": ("type", "status", "state"),
    "conversation_tag": ("type", "status", "state"),
    "known": ("layer",),
    "menu": ("kind",),
    "menu_item": ("kind", "type", "color"),
}
"""Columns whose texts are a closed set of words."""

_COLUMNS: Final = """
SELECT table_name, column_name, data_type, is_nullable, column_default
FROM information_schema.columns WHERE table_schema = current_schema()
ORDER BY table_name, ordinal_position
"""
_INDEXES: Final = """
SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes
WHERE schemaname = current_schema() ORDER BY indexdef
"""

Rows = list[dict[str, Any]]
Query = Callable[[str], Rows]


@pytest.fixture(scope="module")
def sqlite_archive(
    base_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Query]]:
    path = tmp_path_factory.mktemp("golden") / "archive.db"
    _sync(base_url, str(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row

        def query(text: str) -> Rows:
            return [dict(row) for row in connection.execute(text)]

        yield str(path), query


@pytest.fixture(scope="module")
def postgresql_archive(base_url: str) -> Iterator[tuple[str, Query]]:
    with _schema() as url:
        _sync(base_url, url)
        engine = sa.create_engine(url)
        try:
            with engine.connect() as connection:

                def query(text: str) -> Rows:
                    return [dict(row) for row in connection.execute(sa.text(text)).mappings()]

                yield url, query
                connection.rollback()
        finally:
            engine.dispose()


def test_the_schema_in_sqlite_is_what_it_was(sqlite_archive: tuple[str, Query]) -> None:
    _, query = sqlite_archive
    made = query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name")
    compare("database/sqlite.sql", "".join(f"{row['sql']};\n" for row in made))
    settings = ("journal_mode", "user_version", "application_id", "encoding", "auto_vacuum")
    (found,) = zip(*(query(f"PRAGMA {name}") for name in settings), strict=True)
    compare("database/sqlite-pragmas.json", [pair for row in found for pair in row.items()])


def test_the_schema_in_postgresql_is_what_it_was(
    postgresql_archive: tuple[str, Query],
) -> None:
    _, query = postgresql_archive
    columns = [" | ".join(str(each) for each in row.values()) for row in query(_COLUMNS)]
    indexes = [next(iter(row.values())) for row in query(_INDEXES)]
    compare("database/postgresql.txt", "\n".join([*columns, "", *indexes, ""]))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_is_stored_is_what_it_was(database: str, request: pytest.FixtureRequest) -> None:
    _, query = request.getfixturevalue(f"{database}_archive")
    compare("database/stored.json", _stored(query))


def test_notes_of_a_sealed_and_of_a_slim_archive_are_what_they_were(
    base_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "archive.db"
    kept = stage.settings(base_url, COMPAT_ARCHIVE=str(path))
    commands: list[Sequence[str]] = [
        ("sync", "--slim"),
        ("archive", "seal", "--at", "2020"),
        ("archive", "forget", "--customer", "900001"),
        ("archive", "forget", "--keep", "99y"),
    ]
    for each in commands:
        done = stage.run(*each, variables=kept)
        assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        tables = ("state", "note", "forgotten", "known")
        read = {name: [dict(row) for row in _rows(connection, name)] for name in tables}
        read["known"] = _coverage(read["known"])
        found = {name: list(map(_row, rows)) for name, rows in read.items()}
        for note in found["note"]:
            if note["name"] == "key of erased addresses":  # drawn at random
                note["value"] = "<str>"
        found["document"] = [
            dict(row) for row in connection.execute("SELECT count(*) AS rows FROM document")
        ]
    compare("database/sealed-and-slim.json", without(found, frozenset({"surrogate"})))


def test_what_the_archive_prints_is_what_it_was(sqlite_archive: tuple[str, Query]) -> None:
    path, _ = sqlite_archive
    kept = stage.settings("http://127.0.0.1:9/v2", COMPAT_ARCHIVE=path)
    exported = masked(stage.run("archive", "export", variables=kept).stdout).splitlines()
    status = json.loads(stage.run("archive", "status", "--json", variables=kept).stdout)
    status |= {"where": "PATH", "size": "BYTES"}
    for covered in status["covered"]:
        covered |= {name: re.sub(r"\d", "0", covered[name]) for name in ("last", "as_of")}
        covered["age"] = "SECONDS"
    compare(
        "database/printed.json",
        {"export: lines": len(exported), "export: first": exported[0], "status": status},
    )


def test_what_sync_prints_as_json_is_what_it_was(base_url: str, tmp_path: Path) -> None:
    archive = str(tmp_path / "archive.db")
    # Workers side by side would begin and end in any order.
    kept = stage.settings(base_url, COMPAT_ARCHIVE=archive, COMPAT_PARALLEL="1")
    printed = []
    for options in ((), ("--verify",)):
        time.sleep(1.1)  # the second run begins in a later second, so that there is one to read
        done = stage.run("sync", "--json", *options, variables=kept)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        printed.append([_event(each) for each in events if each.get("event") != "page"])
    compare("database/sync.json", {"first": printed[0], "again, with --verify": printed[1]})


def _sync(base_url: str, archive: str) -> None:
    done = stage.run("sync", variables=stage.settings(base_url, COMPAT_ARCHIVE=archive))
    assert done.returncode == 0, done.stderr


@contextmanager
def _schema() -> Iterator[str]:
    """The URL of a schema of its own on the server; without a server the test is skipped."""
    name = f"golden_{secrets.token_hex(6)}"
    server = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    try:
        try:
            with server.connect() as connection:
                connection.execute(sa.schema.CreateSchema(name))
        except sa.exc.OperationalError as error:
            reason = f"no PostgreSQL at COMPAT_TEST_POSTGRES or its default: {error}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        yield (
            sa.make_url(POSTGRES)
            .update_query_dict({"options": f"-csearch_path={name}"})
            .render_as_string(hide_password=False)
        )
        with server.connect() as connection:
            connection.execute(sa.schema.DropSchema(name, cascade=True))
    finally:
        server.dispose()


def _stored(query: Query) -> dict[str, Any]:
    """How many rows each table has, its first two, and the words that stand in it."""
    found: dict[str, Any] = {}
    for table, order in _ORDER.items():
        rows = query(f'SELECT * FROM "{table}" ORDER BY {order}')  # noqa: S608
        rows = _coverage(rows) if table == "known" else rows
        words = {
            column: sorted({str(row[column]) for row in rows}) for column in _WORDS.get(table, ())
        }
        shown = rows if table in {"note", "known", "state", "archive_schema"} else rows[:2]
        found[table] = {"rows": len(rows), "words": words, "first": [_row(row) for row in shown]}
    return found


_ORDER: Final = {
    "archive_schema": "version",
    "chunk": "number",
    "conversation": "id",
    "conversation_tag": "tag, created, conversation",
    "document": "conversation",
    "forgotten": "customer",
    "gone": "conversation",
    "holder": "who",
    "known": "layer, first",
    "menu": "kind, parent",
    "menu_item": "kind, parent, position",
    "note": "name",
    "state": "version",
    "thread": "id",
}
"""Every table, and an order of its rows."""


def _coverage(rows: Rows) -> Rows:
    """Coverage without when it was read, which depends on how fast this machine is."""
    joined: Rows = []
    for row in rows:
        if (
            joined
            and joined[-1]["layer"] == row["layer"]
            and joined[-1]["last"] + 1 == row["first"]
        ):
            joined[-1] = {**row, "first": joined[-1]["first"]}
        else:
            joined.append(row)
    return joined


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _cell(name, value) for name, value in row.items()}


def _rows(connection: sqlite3.Connection, table: str) -> sqlite3.Cursor:
    return connection.execute(f"SELECT * FROM {table} ORDER BY {_ORDER[table]}")  # noqa: S608


def _cell(name: str, value: Any) -> Any:
    """A value as JSON; of what the clock and the amount of work decide, a mark."""
    if name in _CLOCK and value is not None:
        return f"<{type(value).__name__}>"
    if isinstance(value, bytes | memoryview):
        return json.loads(masked(decompress(bytes(value)).decode()))
    if name == "version" and value > 2:
        return "<count>"
    if isinstance(value, int) and -10_000_000_000 < value < -1:
        return "<long ago>"
    return "<now>" if re.fullmatch(r"1[6-9]\d{8}|[23]\d{9}", str(value)) else value


def _event(event: dict[str, Any]) -> dict[str, Any]:
    """An event without times, and without how much work it was."""
    text = re.sub(r'"20[2-9]\d-[^"]*"', '"TIME"', json.dumps(event))
    counted = {"requests": "COUNT", "read": "COUNT"}
    return {
        name: counted[name] if name in counted else _cell(name, value)
        for name, value in json.loads(text).items()
    }
