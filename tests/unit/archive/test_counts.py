"""Counts out of the database are those of the rows, one by one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from compat.archive import schema
from compat.archive.database import Archive, open_archive
from compat.archive.records import ConversationRecord
from compat.core.counting import UNTAGGED, CountQuery, Filter
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Row
from tests.unit.archive.tallying import tallies
from tests.unit.archive.telling import CREATED, SEEN, sighting, tell

EXAMPLES = settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
COUNTED = Filter(frozenset({"published"}), frozenset({"spam"}))
DAY = (CREATED, CREATED + 86_400)
NEED = ConversationQuery((Interval(DAY[0], DAY[1] - 1),))


def refill(archive: Archive, rows: list[Row]) -> None:
    """Put these rows in place of all others."""
    with archive.reading() as snapshot:
        held = snapshot.conversation_ids(Interval(-(2**60), 2**60))
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.remove(held, 0)
        writer.save(ConversationRecord(row, 0) for row in rows)


def count(archive: Archive, tally: CountQuery) -> list[list[int]]:
    with archive.reading() as snapshot:
        return snapshot.count(tally)


@EXAMPLES
@given(drawn=tallies())
def test_the_database_counts_what_a_loop_over_the_rows_counts(
    archive: Archive, drawn: tuple[list[Row], CountQuery, list[list[int]]]
) -> None:
    rows, tally, counts = drawn
    refill(archive, rows)
    assert count(archive, tally) == counts


def test_what_changes_counts_as_what_it_is_now(archive: Archive) -> None:
    def tagged(*tags: int) -> int:
        which = Filter(COUNTED.states, COUNTED.excluded_statuses, tags=frozenset(tags))
        return count(archive, CountQuery(NEED, which, (DAY,)))[0][0]

    tell(archive, [sighting(1, tags=(3, 4)), sighting(2, tags=()), sighting(3, tags=(3, 3))])
    assert [tagged(3), tagged(4), tagged(UNTAGGED)] == [2, 1, 1]
    tell(archive, [sighting(1, tags=(), seen=SEEN + 1), sighting(2, tags=(4,), seen=SEEN + 1)])
    assert [tagged(3), tagged(4), tagged(UNTAGGED)] == [1, 1, 1]
    tell(archive, [sighting(3, tags=(3,), created=DAY[1] + 5, seen=SEEN + 2)])
    assert [tagged(3), tagged(4), tagged(UNTAGGED)] == [0, 1, 1]
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.remove([1, 2], SEEN + 2)
    assert [tagged(3), tagged(4), tagged(UNTAGGED)] == [0, 0, 0]


def test_what_counting_by_tags_reads_is_what_the_conversations_say(archive: Archive) -> None:
    tell(archive, [sighting(id_, tags=(3,) * (id_ % 2) + (4,) * (id_ % 3)) for id_ in range(20)])
    tell(archive, [sighting(id_, tags=(5, 4), seen=SEEN + 1) for id_ in range(0, 20, 3)])
    with archive.reading() as snapshot:
        rows = snapshot.rows([Interval(0, 2**40)])
        kept = snapshot._connection.execute(
            sa.select(schema.conversation_tag.c.tag, schema.conversation_tag.c.conversation)
        ).all()
    expected = {(tag, row.id) for row in rows for tag in row.tags or (UNTAGGED,)}
    assert sorted(map(tuple, kept)) == sorted(expected)


@pytest.mark.parametrize("tags", [(), (3,), (3, 4)])
@pytest.mark.parametrize("all_tags", [False, True])
def test_sqlite_counts_on_an_index_that_holds_all_it_reads(
    tmp_path: Path, tags: tuple[int, ...], all_tags: bool
) -> None:
    which = Filter(
        COUNTED.states, COUNTED.excluded_statuses, tags=frozenset(tags), all_tags=all_tags
    )
    need = ConversationQuery(NEED.created, frozenset({1}), frozenset({11}))
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as archive:
        statements: list[tuple[str, tuple[object, ...]]] = []
        sa.event.listen(
            archive._engine,
            "before_cursor_execute",
            lambda *seen: statements.append((seen[2], seen[3])),
        )
        count(archive, CountQuery(need, which, (DAY,)))
    statement, parameters = statements[-1]
    assert "json_each" in statement
    with sqlite3.connect(tmp_path / "a.db") as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    connection.close()
    reads = [step for step in plan if step.startswith(("SEARCH", "SCAN conv"))]
    index = "PRIMARY KEY" if tags else "COVERING INDEX conversation_counting"
    assert reads
    assert all(index in step for step in reads), plan
