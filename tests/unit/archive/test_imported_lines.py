"""A line that is imported proves as much as a list that was read when the file was made."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from compat.archive.admin import import_lines
from compat.archive.database import Archive
from compat.archive.records import INDEX_LAG, ShownThreads
from compat.core.models import Thread
from tests.unit.archive.samples import CREATED, SEEN, instant, record, save_all

HELD = tuple(Thread(CREATED, id_, "customer", status="active", by="customer") for id_ in (5, 6))


@pytest.mark.parametrize(
    ("threads", "number"), [([6], 2), ([6], 1)], ids=["some are shown", "all are shown"]
)
def test_threads_that_a_line_does_not_show_are_kept(
    archive: Archive, threads: Sequence[int], number: int
) -> None:
    """They are read again only if the line says that all are shown: one of them may be gone."""
    held = ShownThreads(HELD, complete=True, seen=SEEN - 1)
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
    save_all(archive, [replace(record(1, seen=SEEN - 1), threads=number, shown=held)])
    shown = [
        {
            "id": id_,
            "type": "customer",
            "state": "published",
            "status": "active",
            "createdAt": instant(CREATED),
            "createdBy": {"type": "customer"},
        }
        for id_ in threads
    ]
    document = json.loads(record(1).document or b"")
    line = {**document, "folderId": 11, "tags": [], "threads": number}
    text = json.dumps({**line, "_embedded": {"threads": shown}}).encode()
    with archive.lock() as lock:
        import_lines(archive, lock, io.BytesIO(text), (0, SEEN - INDEX_LAG), SEEN)
    with archive.reading() as snapshot:
        assert snapshot.threads_of([1]) == {1: HELD}
        assert [id_ for id_, _ in snapshot.unread_threads(5)] == ([] if number == 2 else [1])
