"""An archive with the threads of a team: who wrote, who closed, and how customers rated."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from benchmarks.archive_peers import DAY, FIRST, YEARS, conversations
from compat.archive.database import Archive
from compat.archive.records import LAYERS, THREADS_KNOWN, ConversationRecord, ShownThreads
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Coverage, Interval
from compat.core.models import Rating, Row, Thread

THREADS: Final = 5
USERS: Final = range(1, 26)
_CUSTOMERS_PER_CONVERSATION: Final = 3
_FIRST_CUSTOMER: Final = 1_000_000
_BATCH: Final = 20_000
_KINDS: Final = (
    ("customer", "customer"),
    ("message", "user"),
    ("note", "user"),
    ("lineitem", "user"),
)


def fill(archive: Archive, size: int) -> None:
    """Store so many conversations of five years in an empty archive, with five threads each.

    The archive knows all threads of that time.
    """
    rows = conversations(size)
    now = FIRST + YEARS + DAY
    with archive.lock() as lock:
        with archive.writing(lock) as writer:
            writer.keep_threads(kept=True)
        records = _records(rows)
        for _ in range(0, len(rows), _BATCH):
            with archive.writing(lock) as writer:
                writer.save(islice(records, _BATCH))
        with archive.writing(lock) as writer:
            for layer in LAYERS:
                writer.add_coverage(layer, Coverage(Interval(FIRST_SECOND, now), now))
            writer.set_note(THREADS_KNOWN, now)


def _records(rows: Sequence[Row]) -> Iterator[ConversationRecord]:
    """Most threads are in the days after the creation, and most conversations are closed."""
    rng = random.Random(2)
    for row in rows:
        customer = _FIRST_CUSTOMER + rng.randrange(max(1, len(rows) // _CUSTOMERS_PER_CONVERSATION))
        threads = _threads(rng, row, customer)
        is_closed = row.status == "closed"
        by_user = threads[0].by == "user"
        yield ConversationRecord(
            row,
            1,
            closed=threads[-1].created if is_closed else None,
            closed_by=threads[-1].author if is_closed and threads[-1].by == "user" else 0,
            created_by=threads[0].author,
            by_user=int(by_user),
            customer=customer,
            shown=ShownThreads(threads, complete=True, seen=1),
        )


def _threads(rng: random.Random, row: Row, customer: int) -> tuple[Thread, ...]:
    seconds = [row.created]
    for _ in range(THREADS - 1):
        later = int(rng.expovariate(1 / (3 * DAY))) + 1
        seconds.append(min(seconds[-1] + later, FIRST + YEARS - 1))
    return tuple(_thread(rng, row, customer, at, second) for at, second in enumerate(seconds))


def _thread(rng: random.Random, row: Row, customer: int, at: int, second: int) -> Thread:
    weights = (90, 10, 0, 0) if at == 0 else (30, 45, 10, 15)
    type_, by = rng.choices(_KINDS, weights)[0]
    is_last = at == THREADS - 1
    return Thread(
        second,
        row.id * THREADS + at,
        "chat" if row.type == "chat" and type_ in {"customer", "message"} else type_,
        "draft" if rng.random() < 0.02 else "published",
        row.status if is_last and row.status != "spam" else rng.choice([None, "active", "closed"]),
        by,
        customer if by == "customer" else rng.choice(USERS),
        customer,
        "imported" if rng.random() < 0.01 else "default",
        "workflows" if by == "user" and rng.random() < 0.05 else "email",
        rating=Rating(rng.choices((1, 2, 3), (80, 8, 12))[0], customer)
        if type_ == "message" and rng.random() < 0.15
        else None,
    )
