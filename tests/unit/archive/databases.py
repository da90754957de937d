"""Places for archives: SQLite files, and schemas of a real PostgreSQL server."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

POSTGRES = os.environ.get(
    "COMPAT_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test"
)
"""A server on which the tests may make schemas and drop them again."""


@contextmanager
def place(kind: str, directory: Path) -> Iterator[str]:
    """The URL of a place where no archive is yet; what is made there goes away after."""
    if kind == "sqlite":
        yield f"sqlite:///{directory}/archive.db"
        return
    schema = f"archive_{secrets.token_hex(6)}"
    server = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    try:
        try:
            with server.connect() as connection:
                connection.execute(sa.schema.CreateSchema(schema))
        except sa.exc.OperationalError as error:
            _no_server(error)
        yield (
            sa.make_url(POSTGRES)
            # A commit that does not wait for the disk looks the same, and takes half the time.
            .update_query_dict({"options": f"-csearch_path={schema} -csynchronous_commit=off"})
            .render_as_string(hide_password=False)
        )
        with server.connect() as connection:
            connection.execute(sa.schema.DropSchema(schema, cascade=True))
    finally:
        server.dispose()


def _no_server(error: Exception) -> None:
    """Without a server the tests say so; where all must hold, that is a failure."""
    reason = f"no PostgreSQL at {POSTGRES} (COMPAT_TEST_POSTGRES names another): {error}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
