"""One run at work: the archive, the line to upstream, and what all steps share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from compat.archive.database import Archive
from compat.archive.errors import ArchiveError
from compat.archive.locks import SyncLock
from compat.archive.reader import Snapshot
from compat.archive.records import INDEX_LAG, to_record
from compat.archive.sync.loss_guard import LossGuard
from compat.archive.writer import Writer
from compat.core import intervals
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Interval
from compat.core.models import Progress
from compat.upstream import to_window
from compat.v2.client import Client
from compat.v2.models import (
    ConversationWithDocument,
    FullConversation,
    FullConversationPage,
    PageWithDocuments,
)
from compat.v2.pagination import Paginator, creation_second
from compat.v2.search import Selection

WHOLE: Final = Interval(FIRST_SECOND, LAST_SECOND)


@dataclass(frozen=True)
class SyncOptions:
    """What a run is asked to do.

    Attributes:
        within: Which seconds of creation to cover, told the present second by upstream's clock.
        verify: Whether everything covered is read again.
        accept_loss: Whether conversations may be taken out however many are missing.
        reread_days: In how many days everything is read again by and by.
    """

    within: Callable[[int], Interval] = lambda _: WHOLE
    verify: bool = False
    accept_loss: bool = False
    reread_days: int = 90


@dataclass
class SyncCounts:
    """What a run has done so far."""

    read: int = 0
    changed: int = 0
    removed: int = 0


class Walked(NamedTuple):
    """A walk that came to its end.

    Attributes:
        began: The second by upstream's clock at which it began.
        spam: How many of its sightings were of spam.
    """

    began: int
    spam: int


Then = Callable[[Writer, int, int], None]
"""Called in the transaction of each page: up to which second the walk is complete, and when it
began."""


@dataclass
class SyncSession:
    """What the steps of one run share.

    Attributes:
        archive: The archive.
        lock: The right to write to it.
        client: The line to upstream.
        wish: What is asked for.
        hear: Told what happens: a word for it, and the facts.
        progress: How far the step under way has come; its `check` stops the run.
        now: When the run began, by upstream's clock; known once it has answered.
        latest: When it was last asked.
        lost: The mailboxes that are not shown any more; that they are lost was accepted.
        seen_of_lost: The conversations of these that the run has seen.
    """

    archive: Archive
    lock: SyncLock
    client: Client
    wish: SyncOptions
    hear: Callable[..., None]
    progress: Progress
    now: int = 0
    latest: int = 0
    counts: SyncCounts = field(default_factory=SyncCounts)
    lost: frozenset[int] = frozenset()
    seen_of_lost: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        with self.reading() as snapshot:
            if snapshot.sealed_at is not None:
                raise ArchiveError(
                    "the archive is sealed: what is in it is final, and nothing is fetched for "
                    "it any more"
                )
            self.loss = LossGuard(snapshot.conversation_count(), accepted=self.wish.accept_loss)
            self._kept_since = snapshot.kept_since
            slim = snapshot.slim
        self._page = FullConversationPage if slim else PageWithDocuments
        self.single = FullConversation if slim else ConversationWithDocument

    @property
    def wanted(self) -> Interval | None:
        """The seconds of creation to cover; None if the wish leaves none.

        Upstream's index may lag, so what is younger than the margin is left for a later run.
        """
        first, last = self.wish.within(self.now)
        first = max(first, FIRST_SECOND if self._kept_since is None else self._kept_since)
        last = min(last, self.now - INDEX_LAG)
        return Interval(first, last) if first <= last else None

    def begin(self, step: str) -> None:
        """A step begins."""
        self.progress.expected = self.progress.received = 0
        self.hear("step", step=step)

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """The archive as it is now."""
        with self.archive.reading() as snapshot:
            yield snapshot

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """One transaction."""
        with self.archive.writing(self.lock) as writer:
            yield writer

    def see(self, writer: Writer, rows: Sequence[FullConversation], seen: int) -> int:
        """Write conversations down as they were seen in a second, by upstream's clock.

        Returns:
            How many are new or changed.
        """
        self.seen_of_lost |= {row.id for row in rows if row.mailbox_id in self.lost}
        return writer.save([to_record(row, seen) for row in rows])

    def moment(self, asked_at: int) -> int:
        """When a request was made, never before an earlier one.

        Upstream's clock shows whole seconds and its servers differ by some; requests here are
        made one after the other.
        """
        self.latest = max(self.latest, asked_at)
        return self.latest

    def walk(
        self,
        selection: Selection,
        window: Interval,
        then: Then = lambda *_: None,
        *,
        spans: Sequence[Interval] = (),
    ) -> Walked:
        """Walk a window, and put down what each page shows in a transaction of its own.

        Args:
            selection: What to look at.
            window: What was created when.
            then: Does more in the same transaction.
            spans: Only what was created in these is kept; the window if empty.
        """
        kept = intervals.union(spans) or [window]
        began, spam = None, 0
        walk = Paginator(self.client, selection, self._page, self.progress.check)
        for page in walk.batches(to_window(window)):
            seen = self.moment(page.requested_at)
            began = seen if began is None else began
            rows = [row for row in page.rows if _in(kept, creation_second(row))]
            spam += sum(row.status == "spam" for row in rows)
            with self.writing() as writer:
                changed = self.see(writer, rows, seen)
                then(writer, page.complete_until, began)
            self._took(len(rows), changed, page.expected)
        if began is None:  # an empty window
            raise ArchiveError("a window without a second in it cannot be walked")
        return Walked(began, spam)

    def _took(self, rows: int, changed: int, left: int) -> None:
        self.counts.read += rows
        self.counts.changed += changed
        self.progress.received += rows
        self.progress.expected = max(self.progress.expected, self.progress.received - rows + left)
        self.hear("page", rows=rows)


def _in(spans: Sequence[Interval], second: int) -> bool:
    return any(span.first <= second <= span.last for span in spans)
