"""What an archive must hold of a simulated account's threads, read naively from the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compat.archive.database import open_archive
from compat.core.intervals import Interval
from compat.core.models import Rating, Thread
from compat.simulator import Account
from compat.simulator.layout import Layout
from compat.simulator.thread import Thread as SimulatedThread
from tests.unit.archive.sync.synced_account import EVER, Staged
from tests.unit.ratings import expected_rating


def true_threads(account: Account, *, slim: bool = False) -> dict[int, tuple[Thread, ...]]:
    """The threads of each conversation that lists may show, by its id.

    Args:
        account: The account.
        slim: Whether the archive is slim: it keeps no texts of ratings.
    """
    kept = _without_texts if slim else lambda thread: thread
    return {
        row.id: tuple(sorted(kept(true_thread(each, threads, account.layout)) for each in threads))
        for row, threads in account.histories()
        if row.listed
    }


def true_thread(
    thread: SimulatedThread, threads: Sequence[SimulatedThread], layout: Layout
) -> Thread:
    """A thread of a conversation of the account as the contract says that it is read."""
    return Thread(
        created=thread.created,
        id=thread.id,
        type=thread.type,
        state=thread.state or "",
        status=None if thread.status == "nochange" else thread.status,
        by=thread.by,
        author=thread.author_id,
        customer=thread.customer_id,
        action=thread.action,
        source=thread.source,
        saved_reply=thread.saved_reply_id,
        rating=expected_rating(thread, threads, layout),
        attachments=bool(thread.attachments),
    )


def _without_texts(thread: Thread) -> Thread:
    rating = thread.rating
    return thread._replace(rating=rating and Rating(rating.value, rating.customer))


def held_threads(stage: Staged) -> dict[int, tuple[Thread, ...]]:
    """The threads that the archive holds, by the id of their conversation."""
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        ids = [row.id for row in snapshot.rows([EVER])]
        return snapshot.threads_of(ids)


def unread(stage: Staged) -> set[int]:
    """The ids of the conversations whose threads the archive does not know completely."""
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        return {id_ for id_, _ in snapshot.unread_threads(1_000_000)}


def known_time(stage: Staged) -> Interval | None:
    """The interval of thread time of which the archive knows all; None if there is none."""
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        known = snapshot.activity_coverage()
    return known[0].interval if known else None


def known_until(stage: Staged) -> int | None:
    """The last second of thread time of which the archive knows all; None if there is none."""
    known = known_time(stage)
    return known.last if known else None


def within(
    time: Interval, threads: Mapping[int, tuple[Thread, ...]]
) -> dict[int, tuple[int, Thread]]:
    """The threads of an interval with their conversation, by the thread's id."""
    return {
        each.id: (id_, each)
        for id_, some in threads.items()
        for each in some
        if time.first <= each.created <= time.last
    }
