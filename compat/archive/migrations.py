"""Migrations of the schema; the database records which of them were applied.

A released migration never changes: another migration corrects it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from compat.archive import schema
from compat.archive.connections import sa
from compat.archive.errors import ArchiveOutdated, ArchiveTooNew, ArchiveUnreadable

_BASE_TABLES: Final = """
CREATE TABLE state (
    epoch BIGINT NOT NULL, version BIGINT NOT NULL, slim BIGINT NOT NULL,
    sealed_at BIGINT, kept_since BIGINT
);
INSERT INTO state VALUES (0, 0, 0, NULL, NULL);
CREATE TABLE holder (
    who TEXT NOT NULL, since TEXT NOT NULL, marked TEXT NOT NULL, beat BIGINT NOT NULL
);
INSERT INTO holder VALUES ('nobody', '', '', 0);
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE conversation (
    id {key}, created BIGINT NOT NULL, mailbox BIGINT NOT NULL, folder BIGINT NOT NULL,
    type TEXT NOT NULL, status TEXT NOT NULL, state TEXT NOT NULL, tags TEXT NOT NULL,
    seen BIGINT NOT NULL, number BIGINT NOT NULL, closed BIGINT, closed_by BIGINT NOT NULL,
    created_by BIGINT NOT NULL, customer BIGINT NOT NULL, assignee BIGINT NOT NULL,
    threads BIGINT NOT NULL, updated BIGINT, waiting_since BIGINT
);
CREATE INDEX conversation_created ON conversation (created);
CREATE INDEX conversation_customer ON conversation (customer);
CREATE TABLE document (conversation {key}, packed {bytes} NOT NULL);
CREATE TABLE gone (conversation {key}, seen BIGINT NOT NULL);
CREATE TABLE forgotten (customer {key});
CREATE TABLE known (
    layer TEXT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL, as_of BIGINT NOT NULL,
    PRIMARY KEY (layer, first)
);
CREATE TABLE chunk (number {key}, version BIGINT NOT NULL);
CREATE TABLE menu (
    kind TEXT NOT NULL, mailbox BIGINT NOT NULL, seen BIGINT NOT NULL, PRIMARY KEY (kind, mailbox)
);
CREATE TABLE menu_item (
    kind TEXT NOT NULL, mailbox BIGINT NOT NULL, position BIGINT NOT NULL, id BIGINT NOT NULL,
    name TEXT NOT NULL, slug TEXT NOT NULL, email TEXT NOT NULL, type TEXT NOT NULL,
    "user" BIGINT NOT NULL, color TEXT NOT NULL, total BIGINT NOT NULL, active BIGINT NOT NULL,
    created BIGINT NOT NULL, modified BIGINT NOT NULL, PRIMARY KEY (kind, mailbox, position)
);
CREATE TABLE thread (
    id {key}, conversation BIGINT NOT NULL, created BIGINT NOT NULL, type TEXT NOT NULL,
    status TEXT NOT NULL, state TEXT NOT NULL, action TEXT NOT NULL, source TEXT NOT NULL,
    created_by BIGINT NOT NULL, created_by_type TEXT NOT NULL, customer BIGINT NOT NULL,
    saved_reply BIGINT NOT NULL, rating TEXT NOT NULL, attachments BIGINT NOT NULL,
    seen BIGINT NOT NULL
);
CREATE INDEX thread_conversation ON thread (conversation);
"""

# Counting reads only these two, in the order of creation. Conversations without a tag have the tag
# -1.
_COUNTING_TABLES: Final = """
DROP INDEX conversation_created;
CREATE INDEX conversation_counting
    ON conversation (created, state, status, type, mailbox, folder);
CREATE TABLE conversation_tag (
    tag BIGINT NOT NULL, created BIGINT NOT NULL, conversation BIGINT NOT NULL,
    state TEXT NOT NULL, status TEXT NOT NULL, type TEXT NOT NULL, mailbox BIGINT NOT NULL,
    folder BIGINT NOT NULL, PRIMARY KEY (tag, created, conversation)
) {clustered};
INSERT INTO conversation_tag
    SELECT DISTINCT CAST(tag.value AS BIGINT), c.created, c.id, c.state, c.status, c.type,
    c.mailbox, c.folder FROM conversation AS c, {split} WHERE c.tags <> '';
INSERT INTO conversation_tag
    SELECT -1, created, id, state, status, type, mailbox, folder FROM conversation WHERE tags = '';
"""

# Customers that were erased before this migration have the surrogate 0.
_ERASED_CUSTOMERS: Final = """
ALTER TABLE forgotten ADD COLUMN surrogate BIGINT NOT NULL DEFAULT 0;
ALTER TABLE forgotten ADD COLUMN is_user BIGINT NOT NULL DEFAULT 0;
CREATE TABLE forgotten_address (digest TEXT PRIMARY KEY, surrogate BIGINT NOT NULL);
"""

# NULL: Help Scout did not show the value. SQLite drops no constraint, so its tables are made anew.
_UNKNOWN_VALUES: Final = """
{unknown}
CREATE INDEX conversation_no_mailbox ON conversation (created) WHERE mailbox IS NULL;
CREATE INDEX conversation_no_folder ON conversation (created) WHERE folder IS NULL;
CREATE INDEX conversation_no_type ON conversation (created) WHERE type IS NULL;
CREATE INDEX conversation_no_tags ON conversation (created) WHERE tags IS NULL;
"""
_UNKNOWN_ON_SQLITE: Final = """
CREATE TABLE conversation_new (
    id INTEGER PRIMARY KEY, created BIGINT NOT NULL, mailbox BIGINT, folder BIGINT,
    type TEXT, status TEXT NOT NULL, state TEXT NOT NULL, tags TEXT,
    seen BIGINT NOT NULL, number BIGINT NOT NULL, closed BIGINT, closed_by BIGINT NOT NULL,
    created_by BIGINT NOT NULL, customer BIGINT NOT NULL, assignee BIGINT NOT NULL,
    threads BIGINT NOT NULL, updated BIGINT, waiting_since BIGINT
);
INSERT INTO conversation_new
    SELECT id, created, mailbox, folder, type, status, state, tags, seen, number, closed,
    closed_by, created_by, customer, assignee, threads, updated, waiting_since
    FROM conversation ORDER BY id;
DROP TABLE conversation;
ALTER TABLE conversation_new RENAME TO conversation;
CREATE INDEX conversation_counting
    ON conversation (created, state, status, type, mailbox, folder);
CREATE INDEX conversation_customer ON conversation (customer);
CREATE TABLE conversation_tag_new (
    tag BIGINT NOT NULL, created BIGINT NOT NULL, conversation BIGINT NOT NULL,
    state TEXT NOT NULL, status TEXT NOT NULL, type TEXT, mailbox BIGINT, folder BIGINT,
    PRIMARY KEY (tag, created, conversation)
) WITHOUT ROWID;
INSERT INTO conversation_tag_new
    SELECT tag, created, conversation, state, status, type, mailbox, folder
    FROM conversation_tag ORDER BY tag, created, conversation;
DROP TABLE conversation_tag;
ALTER TABLE conversation_tag_new RENAME TO conversation_tag;
"""
_UNKNOWN_ON_POSTGRESQL: Final = """
ALTER TABLE conversation ALTER COLUMN mailbox DROP NOT NULL, ALTER COLUMN folder DROP NOT NULL,
    ALTER COLUMN type DROP NOT NULL, ALTER COLUMN tags DROP NOT NULL;
ALTER TABLE conversation_tag ALTER COLUMN mailbox DROP NOT NULL,
    ALTER COLUMN folder DROP NOT NULL, ALTER COLUMN type DROP NOT NULL;
"""

# No earlier version stored threads. Counting reads the second index alone.
_THREADS: Final = """
DROP TABLE thread;
CREATE TABLE thread (
    id {key}, conversation BIGINT NOT NULL, created BIGINT NOT NULL, type TEXT NOT NULL,
    state TEXT NOT NULL, status TEXT, author_type TEXT NOT NULL, author BIGINT NOT NULL,
    customer BIGINT NOT NULL, action TEXT NOT NULL, source TEXT NOT NULL,
    saved_reply BIGINT NOT NULL, rating BIGINT NOT NULL, attachments BIGINT NOT NULL,
    seen BIGINT NOT NULL
);
CREATE INDEX thread_conversation ON thread (conversation);
CREATE INDEX thread_counting ON thread (created, type, state, author_type, action, conversation);
CREATE INDEX thread_no_author ON thread (author_type, created) WHERE author_type = '';
CREATE TABLE unread_threads (conversation {key}, created BIGINT NOT NULL);
CREATE INDEX conversation_closed ON conversation (closed) WHERE closed IS NOT NULL;
CREATE INDEX unread_threads_created ON unread_threads (created);
ALTER TABLE state ADD COLUMN threads BIGINT NOT NULL DEFAULT 0;
"""

# Users and teams; the parent of a list is a mailbox or a team.
_STAFF: Final = """
ALTER TABLE menu RENAME COLUMN mailbox TO parent;
ALTER TABLE menu_item RENAME COLUMN mailbox TO parent;
ALTER TABLE menu_item ADD COLUMN last TEXT NOT NULL DEFAULT '';
ALTER TABLE menu_item ADD COLUMN role TEXT NOT NULL DEFAULT '';
ALTER TABLE menu_item ADD COLUMN timezone TEXT NOT NULL DEFAULT '';
ALTER TABLE menu_item ADD COLUMN photo TEXT NOT NULL DEFAULT '';
ALTER TABLE menu_item ADD COLUMN company BIGINT NOT NULL DEFAULT 0;
"""

_CREATED_BY_USERS: Final = """
ALTER TABLE conversation ADD COLUMN by_user BIGINT NOT NULL DEFAULT 0;
"""

# What else is known of ratings has to be read. A sealed archive can read nothing any more; there,
# the customer of the reply is taken for the one who rated it.
_RATINGS: Final = """
ALTER TABLE thread ADD COLUMN rating_customer BIGINT NOT NULL DEFAULT 0;
ALTER TABLE thread ADD COLUMN rating_customer_name TEXT NOT NULL DEFAULT '';
ALTER TABLE thread ADD COLUMN rating_user_name TEXT NOT NULL DEFAULT '';
ALTER TABLE thread ADD COLUMN rating_comments TEXT NOT NULL DEFAULT '';
UPDATE thread SET rating_customer = customer WHERE rating <> 0;
INSERT INTO unread_threads SELECT c.id, c.created FROM conversation AS c
    WHERE c.id IN (SELECT conversation FROM thread WHERE rating <> 0)
    AND c.id NOT IN (SELECT conversation FROM unread_threads)
    AND EXISTS (SELECT 1 FROM state WHERE sealed_at IS NULL);
"""

# Who wrote in a conversation, and which customers got a reply, is read in the first two alone.
_THREADS_OF_USERS: Final = """
DROP INDEX thread_conversation;
CREATE INDEX thread_conversation ON thread (conversation, created, author_type, author);
CREATE INDEX thread_reply ON thread (created, conversation, customer, author, author_type)
    WHERE state = 'published' AND type IN ('message', 'chat', 'beaconchat')
    AND action NOT IN ('imported', 'imported-external', 'importedExternal')
    AND (author_type = 'user' OR author_type = '' AND type = 'message');
CREATE INDEX thread_rated ON thread (created, conversation) WHERE rating <> 0;
"""

# Counting asks first whether a value that it needs is unknown in its range.
_UNKNOWN_OF_THREADS: Final = """
CREATE INDEX thread_no_type ON thread (created) WHERE type = '';
CREATE INDEX thread_no_state ON thread (created) WHERE state = '' AND type <> 'lineitem';
CREATE INDEX thread_no_rating ON thread (created) WHERE rating = -1;
"""

MIGRATIONS: Final[Sequence[str]] = (
    _BASE_TABLES,
    _COUNTING_TABLES,
    _ERASED_CUSTOMERS,
    _UNKNOWN_VALUES,
    _THREADS,
    _STAFF,
    _CREATED_BY_USERS,
    _RATINGS,
    _THREADS_OF_USERS,
    _UNKNOWN_OF_THREADS,
)
"""The statements of each migration, in order; a schema's version is how many were applied."""

_CREATE_VERSIONS: Final = "CREATE TABLE archive_schema (version {key}, applied_at TEXT NOT NULL)"
_DIALECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "sqlite": {
        "key": "INTEGER PRIMARY KEY",
        "bytes": "BLOB",
        "clustered": "WITHOUT ROWID",
        "split": "json_each('[' || c.tags || ']') AS tag",
        "unknown": _UNKNOWN_ON_SQLITE,
    },
    "postgresql": {
        "key": "BIGINT PRIMARY KEY",
        "bytes": "BYTEA",
        "clustered": "",
        "split": "unnest(string_to_array(c.tags, ',')) AS tag (value)",
        "unknown": _UNKNOWN_ON_POSTGRESQL,
    },
}
_VERSION: Final = sa.select(sa.func.max(schema.applied.c.version))
_MIGRATION_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('compat.archive.migrations'))"


def migrate(connection: sa.Connection, migrations: Sequence[str] = MIGRATIONS) -> int:
    """Apply the migrations that a database lacks, in the current transaction.

    Returns:
        How many were applied.

    Raises:
        ArchiveTooNew: The database has migrations that this program does not know.
        ArchiveUnreadable: The database holds something else than an archive.
    """
    dialect = _DIALECTS[connection.dialect.name]
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_MIGRATION_LOCK)
    version = schema_version(connection)
    if version is None:
        _refuse_foreign_tables(connection)
        connection.exec_driver_sql(_CREATE_VERSIONS.format(**dialect))
        version = 0
    _check_not_newer(version, len(migrations))
    for number, migration in enumerate(migrations[version:], version + 1):
        for statement in filter(None, migration.format(**dialect).split(";\n")):
            connection.exec_driver_sql(statement)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        connection.execute(schema.applied.insert().values(version=number, applied_at=now))
    return len(migrations) - version


def check_current(connection: sa.Connection) -> None:
    """Check that a database has the current schema.

    Raises:
        ArchiveOutdated: It lacks a migration.
        ArchiveTooNew: It has migrations that this program does not know.
        ArchiveUnreadable: It holds no archive.
    """
    version = schema_version(connection)
    if version is None:
        raise ArchiveUnreadable(
            "there is a database at this address, but no archive in it: correct the address, or "
            "run `helpscout-v1 sync` to make one there"
        )
    _check_not_newer(version, len(MIGRATIONS))
    if version < len(MIGRATIONS):
        raise ArchiveOutdated(
            f"the archive has version {version} of the schema, this program reads version "
            f"{len(MIGRATIONS)}: run `helpscout-v1 sync` once, which brings it up to date"
        )


def check_not_newer(connection: sa.Connection) -> None:
    """Check that no newer program has migrated the database since it was opened.

    Raises:
        ArchiveTooNew: It has migrations that this program does not know.
    """
    _check_not_newer(_count_applied(connection), len(MIGRATIONS))


def schema_version(connection: sa.Connection) -> int | None:
    """How many migrations were applied to a database; None if it holds no archive."""
    if not sa.inspect(connection).has_table(schema.applied.name):
        return None
    return _count_applied(connection)


def _count_applied(connection: sa.Connection) -> int:
    return int(connection.execute(_VERSION).scalar() or 0)


def _check_not_newer(version: int, known: int) -> None:
    if version > known:
        raise ArchiveTooNew(
            f"the archive has version {version} of the schema, this program knows version "
            f"{known} and older: upgrade this program"
        )


def _refuse_foreign_tables(connection: sa.Connection) -> None:
    found = set(sa.inspect(connection).get_table_names()) & schema.TABLES.keys()
    if found:
        raise ArchiveUnreadable(
            f"there are tables at this address that are not an archive's "
            f"({', '.join(sorted(found))}): give the archive a database or a schema of its own"
        )
