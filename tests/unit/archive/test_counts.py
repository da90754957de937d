"""The database counts the same as a loop over the rows."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from compat.archive import schema
from compat.archive.database import Archive, open_archive
from compat.archive.records import ConversationRecord
from compat.core.counting import UNTAGGED, CountQuery, Filter
from compat.core.intervals import Interval
from compat.core.models import UPSTREAM_KEYS, ConversationQuery, Row, UnknownValue
from tests.unit.archive.count_queries import count_cases
from tests.unit.archive.samples import CREATED, SEEN, record, save_all

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


def count(archive: Archive, query: CountQuery) -> list[list[int]]:
    with archive.reading() as snapshot:
        return snapshot.count(query)


@EXAMPLES
@given(drawn=count_cases())
def test_the_database_counts_what_a_loop_over_the_rows_counts(
    archive: Archive, drawn: tuple[list[Row], CountQuery, list[list[int]] | None]
) -> None:
    rows, query, counts = drawn
    refill(archive, rows)
    assert count(archive, query) == counts


@EXAMPLES
@given(drawn=count_cases(unknown=True))
def test_the_database_refuses_what_depends_on_an_unknown_value_and_nothing_else(
    archive: Archive, drawn: tuple[list[Row], CountQuery, list[list[int]] | None]
) -> None:
    rows, query, counts = drawn
    refill(archive, rows)
    assert count_or_refusal(archive, query) == counts


def count_or_refusal(archive: Archive, query: CountQuery) -> list[list[int]] | None:
    """The counts; None if they depend on an unknown value."""
    try:
        return count(archive, query)
    except UnknownValue:
        return None


@pytest.mark.parametrize("field", schema.CAN_BE_UNKNOWN)
def test_a_refusal_names_the_conversation_and_the_key(archive: Archive, field: str) -> None:
    unknown: dict[str, Any] = {field: None}
    save_all(archive, [record(1), record(2, **unknown), record(3)])
    need = replace(NEED, mailboxes=frozenset({1}), folders=frozenset({11}))
    which = replace(COUNTED, types=frozenset({"email"}), tags=frozenset({UNTAGGED}))
    with pytest.raises(UnknownValue) as refusal:
        count(archive, CountQuery(need, which, (DAY,)))
    assert (refusal.value.conversation, refusal.value.key) == (2, UPSTREAM_KEYS[field])
    assert count(archive, CountQuery(NEED, COUNTED, (DAY,))) == [[3]]
    elsewhere = ((DAY[0], CREATED + 2), (CREATED + 3, DAY[1]))
    assert count(archive, CountQuery(need, which, elsewhere)) == [[1], [1]]


@pytest.mark.parametrize(
    ("second", "counts"),
    [(0, None), (9, None), (15, None), (19, None), (-1, [[0, 0]]), (20, [[0, 0]])],
)
def test_an_unknown_value_matters_in_each_bucket_and_nowhere_else(
    archive: Archive, second: int, counts: list[list[int]] | None
) -> None:
    save_all(archive, [record(1, created=CREATED + second, tags=None)])
    tagged = replace(COUNTED, tags=frozenset({3}))
    edges = (CREATED, CREATED + 10, CREATED + 20)
    assert count_or_refusal(archive, CountQuery(NEED, tagged, (edges,))) == counts


def test_a_refusal_names_the_conversation_that_was_created_first(archive: Archive) -> None:
    unknown = [(4, 3), (5, 3), (9, 1)]
    save_all(archive, [record(id_, created=CREATED + at, tags=None) for id_, at in unknown])
    with pytest.raises(UnknownValue) as refusal:
        count(archive, CountQuery(NEED, replace(COUNTED, tags=frozenset({3})), (DAY,)))
    assert refusal.value.conversation == 9


def test_a_value_that_becomes_known_is_counted(archive: Archive) -> None:
    tagged = CountQuery(NEED, replace(COUNTED, tags=frozenset({3})), (DAY,))
    save_all(archive, [record(1, tags=None)])
    assert count_or_refusal(archive, tagged) is None
    save_all(archive, [record(1, tags=(3,), seen=SEEN + 1)])
    assert count_or_refusal(archive, tagged) == [[1]]
    save_all(archive, [record(1, tags=None, seen=SEEN + 2)])
    assert count_or_refusal(archive, tagged) is None
    with archive.reading() as snapshot:
        assert snapshot.unknown_values() == {"tags": (1, 1)}


def test_a_changed_conversation_counts_with_its_new_values(archive: Archive) -> None:
    def tagged(*tags: int) -> int:
        which = Filter(COUNTED.states, COUNTED.excluded_statuses, tags=frozenset(tags))
        return count(archive, CountQuery(NEED, which, (DAY,)))[0][0]

    save_all(archive, [record(1, tags=(3, 4)), record(2, tags=()), record(3, tags=(3, 3))])
    assert [tagged(3), tagged(4), tagged(UNTAGGED)] == [2, 1, 1]
    save_all(archive, [record(1, tags=(), seen=SEEN + 1), record(2, tags=(4,), seen=SEEN + 1)])
    assert [tagged(3), tagged(4), tagged(UNTAGGED)] == [1, 1, 1]
    save_all(archive, [record(3, tags=(3,), created=DAY[1] + 5, seen=SEEN + 2)])
    assert [tagged(3), tagged(4), tagged(UNTAGGED)] == [0, 1, 1]
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.remove([1, 2], SEEN + 2)
    assert [tagged(3), tagged(4), tagged(UNTAGGED)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("tags", "any_of_them", "all_of_them"),
    [({3}, 3, 3), ({3, 4}, 4, 2), ({4, 5}, 3, 2), ({3, 4, 5}, 4, 1), ({UNTAGGED, 3}, 4, 0)],
)
def test_a_conversation_with_several_of_the_tags_counts_once(
    archive: Archive, tags: set[int], any_of_them: int, all_of_them: int
) -> None:
    every = [(3, 4), (3,), (3, 4, 5), (4, 5), ()]
    save_all(archive, [record(id_, tags=own) for id_, own in enumerate(every, 1)])
    for all_tags, counted in ((False, any_of_them), (True, all_of_them)):
        which = replace(COUNTED, tags=frozenset(tags), all_tags=all_tags)
        assert count(archive, CountQuery(NEED, which, (DAY,))) == [[counted]]


def test_the_table_for_counting_by_tag_agrees_with_the_conversations(archive: Archive) -> None:
    save_all(archive, [record(id_, tags=(3,) * (id_ % 2) + (4,) * (id_ % 3)) for id_ in range(20)])
    save_all(archive, [record(id_, tags=(5, 4), seen=SEEN + 1) for id_ in range(0, 20, 3)])
    save_all(archive, [record(id_, tags=None, seen=SEEN + 2) for id_ in range(0, 20, 4)])
    with archive.reading() as snapshot:
        rows = snapshot.rows([Interval(0, 2**40)])
        kept = snapshot._connection.execute(
            sa.select(schema.conversation_tag.c.tag, schema.conversation_tag.c.conversation)
        ).all()
    expected = {
        (tag, row.id) for row in rows if row.tags is not None for tag in row.tags or (UNTAGGED,)
    }
    assert sorted(map(tuple, kept)) == sorted(expected)


@pytest.mark.parametrize("tags", [(), (3,), (3, 4)])
@pytest.mark.parametrize("all_tags", [False, True])
def test_sqlite_counts_on_a_covering_index(
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
