"""One run of a synchronisation: what all of its steps share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from compat.archive.database import Archive
from compat.archive.errors import ArchiveError
from compat.archive.locks import SyncLock
from compat.archive.reader import Snapshot
from compat.archive.records import INDEX_LAG, ShownThreads, to_record
from compat.archive.sync import queries
from compat.archive.writer import Writer
from compat.core import intervals
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Coverage, Interval
from compat.upstream import to_threads
from compat.v2.client import ApiResponse, Client
from compat.v2.errors import MalformedData
from compat.v2.lists import Missing, get_conversation
from compat.v2.models import (
    LARGEST_ID,
    ConversationPage,
    ConversationWithDocument,
    FullConversation,
    FullConversationPage,
    Page,
    PageWithDocuments,
)
from compat.v2.pagination import Paginator, creation_second
from compat.v2.search import Selection
from compat.v2.threads import (
    ConversationWithThreads,
    ConversationWithThreadsAndDocument,
    PageWithThreads,
    PageWithThreadsAndDocuments,
    ThreadList,
)

T = TypeVar("T")
R = TypeVar("R")

WHOLE: Final = Interval(FIRST_SECOND, LAST_SECOND)
"""All seconds of creation."""

_MODELS: Final[
    Mapping[tuple[bool, bool], tuple[type[Page[FullConversation]], type[FullConversation]]]
] = {
    (False, False): (PageWithDocuments, ConversationWithDocument),
    (False, True): (PageWithThreadsAndDocuments, ConversationWithThreadsAndDocument),
    (True, False): (FullConversationPage, FullConversation),
    (True, True): (PageWithThreads, ConversationWithThreads),
}
"""The models of a page and of a conversation, by whether the archive is slim, and whether it keeps
threads."""


@dataclass(frozen=True)
class SyncOptions:
    """What a run is asked to do.

    Attributes:
        within: Returns the seconds of creation to cover, both ends included. Its argument is the
            present second by upstream's clock, epoch UTC.
        verify: Whether everything that is covered is read again.
        accept_loss: Whether conversations that are missing upstream are removed, however many.
        reread_days: In how many days everything that is covered is read again once.
        slim: Whether a new archive keeps no subjects, previews, names and addresses. For an
            archive that exists, what it must be; None accepts both, and makes a full one.
        threads: Whether the archive keeps threads from now on; None leaves it as it is.
    """

    within: Callable[[int], Interval] = lambda _: WHOLE
    verify: bool = False
    accept_loss: bool = False
    reread_days: int = 90
    slim: bool | None = None
    threads: bool | None = None


@dataclass(frozen=True)
class SyncEvent:
    """Something that happened in a run, and how far the run was then.

    Attributes:
        name: `step` (a step begins), `window` (a window is read next), `page` (a page has been
            committed), `gone` (a conversation was removed), `not stored` (the id of a conversation
            is too large for databases), `threads unreadable` (what Help Scout answers about a
            conversation's threads cannot be read), `mailbox gone` (the conversations of a mailbox
            were removed), `differs` (a total differs from the archive's), `list refused`
            (upstream does not show a list of users or teams, or the folders of a mailbox) or `list
            unreadable` (an item of a list lacks its id, or the list contradicts its total).
        facts: What happened, by names; values that JSON can hold.
        received: How many conversations the step has read so far.
        expected: About how many it will have read at its end; 0 if that is not known.
        requests: How many requests the run has made, sign-ins included.
        rate_left: Requests left this minute to all programs of the account, as upstream said
            last; None before it has said so.
    """

    name: str
    facts: Mapping[str, int | str]
    received: int
    expected: int
    requests: int
    rate_left: int | None


class SyncSession:
    """One run: the archive, the API client, the options, and what the steps share.

    One thread takes all steps, and alone changes what is here. Other threads fetch pages for it.

    Args:
        archive: The archive to write to.
        lock: The lock on the archive.
        client: The API client.
        options: What the run is asked to do.
        parallel: The number of simultaneous requests where windows or several lists are read.
        on_event: Called with each event.
        check_stopped: Raises if the run is to stop; called before each request, from any thread.

    Attributes:
        keeps_threads: Whether the archive keeps threads.
        as_of_at_start: The lowest *as of* of what was covered when the run began; None if nothing.
        started_at: When the run began, epoch seconds by upstream's clock; 0 before the first
            answer.
        requested_at: When the last request was made, by the same clock.
        rows_at_start: How many conversations the archive held when the run began.
        rows_missing: How many of these upstream did not show.
        lost_mailboxes: Mailboxes that upstream does not show any more; the user accepts that.
        seen_in_lost_mailboxes: Conversations of these mailboxes that the run has seen.
        not_stored: Conversations whose ids are too large for databases, and when each was created,
            epoch seconds UTC. Their seconds stay uncovered.
        expected: About how many conversations the present step will read; 0 if not known.
        received: How many it has read so far.
        rows_read: How many conversations were read in the run; one counts each time it is read.
        rows_changed: How many of these were new or changed.
        rows_removed: How many conversations were removed.

    Raises:
        ArchiveError: The archive is sealed.
    """

    def __init__(
        self,
        archive: Archive,
        lock: SyncLock,
        client: Client,
        options: SyncOptions,
        *,
        parallel: int,
        on_event: Callable[[SyncEvent], None],
        check_stopped: Callable[[], None],
    ) -> None:
        self._archive = archive
        self._lock = lock
        self.client = client
        self.options = options
        self.parallel = parallel
        self._on_event = on_event
        self.check_stopped = check_stopped
        self.started_at = self.requested_at = 0
        self.rows_missing = 0
        self.lost_mailboxes: frozenset[int] = frozenset()
        self.seen_in_lost_mailboxes: set[int] = set()
        self.not_stored: dict[int, int] = {}
        self.expected = self.received = 0
        self.rows_read = self.rows_changed = self.rows_removed = 0
        with self.reading() as snapshot:
            if snapshot.sealed_at is not None:
                raise ArchiveError(
                    "the archive is sealed: what is in it is final, and nothing is fetched for "
                    "it any more"
                )
            self.rows_at_start = snapshot.conversation_count()
            self._kept_since = snapshot.kept_since
            slim = snapshot.slim
            self.keeps_threads = snapshot.keeps_threads
            self.as_of_at_start = min((each.as_of for each in snapshot.coverage()), default=None)
        self._page_model, self._model = _MODELS[slim, self.keeps_threads]

    @property
    def wanted(self) -> Interval | None:
        """The seconds of creation to cover; None if the options leave none.

        Upstream's index may lag, so what is younger than the margin is left for a later run.
        """
        first, last = self.options.within(self.started_at)
        first = max(first, FIRST_SECOND if self._kept_since is None else self._kept_since)
        last = min(last, self.started_at - INDEX_LAG)
        return Interval(first, last) if first <= last else None

    def reading(self) -> AbstractContextManager[Snapshot]:
        """A snapshot of the archive as it is now."""
        return self._archive.reading()

    def writing(self) -> AbstractContextManager[Writer]:
        """A transaction: all of it is committed at the end of the block, or nothing."""
        return self._archive.writing(self._lock)

    def emit(self, name: str, **facts: int | str) -> None:
        """Report an event."""
        requests = sum(self.client.request_counts().values())
        left = self.client.rate_left
        self._on_event(SyncEvent(name, facts, self.received, self.expected, requests, left))

    def begin_step(self, name: str) -> None:
        """Count what is read from 0 on again, and report the step."""
        self.expected = self.received = 0
        self.emit("step", step=name)

    def note_time(self, requested_at: int) -> int:
        """Note when a request was made; returns the second, never before an earlier request.

        Upstream's clock shows whole seconds and its servers differ by some. Requests that are made
        side by side, such as those for lists, are noted in the order in which they are listed.
        """
        self.requested_at = max(self.requested_at, requested_at)
        return self.requested_at

    def first_page(self, selection: Selection, interval: Interval) -> ConversationPage:
        """The first page of a list, with the total of all its pages.

        Args:
            selection: The list.
            interval: Only conversations created in these seconds.
        """
        (page,) = self.first_pages([(selection, interval)])
        return page

    def first_pages(
        self, lists: Sequence[tuple[Selection, Interval]]
    ) -> Sequence[ConversationPage]:
        """The first pages of several lists, requested side by side, as `first_page`."""

        def fetch(each: tuple[Selection, Interval]) -> ApiResponse[ConversationPage]:
            selection, (first, last) = each
            params = selection.params(first, last, "createdAt", 1)
            return self.client.get("/conversations", params, ConversationPage)

        answers = self.side_by_side(fetch, lists)
        for answer in answers:
            self.note_time(answer.requested_at)
        return [answer.value for answer in answers]

    def side_by_side(self, fetch: Callable[[T], R], wanted: Sequence[T]) -> list[R]:
        """Fetch several things in threads, as many at a time as the setting allows.

        Args:
            fetch: Fetches one of them.
            wanted: What to fetch.

        Returns:
            What was fetched, in the same order.

        Raises:
            UpstreamError: The first error in this order; requests that were not begun are not made.
        """

        def checked(each: T) -> R:
            self.check_stopped()
            return fetch(each)

        if len(wanted) == 1:
            return [checked(wanted[0])]
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="side-by-side") as pool:
            return list(pool.map(checked, wanted))  # an error cancels what was not begun

    def paginator(self, selection: Selection) -> Paginator[FullConversation]:
        """Fetches a list of conversations; may be used by several threads."""
        selection = replace(selection, threads=self.keeps_threads)
        return Paginator(self.client, selection, self._page_model, self.check_stopped)

    def look_up(self, conversation: int) -> ApiResponse[FullConversation] | Missing:
        """Request one conversation as it is now.

        Returns:
            The conversation, or why it is missing; `requested_at` is never before an earlier
            request.
        """
        self.check_stopped()
        threads = self.keeps_threads
        found = get_conversation(self.client, conversation, self._model, threads=threads)
        return replace(found, requested_at=self.note_time(found.requested_at))

    def write_rows(
        self,
        writer: Writer,
        rows: Sequence[tuple[FullConversation, int]],
        *,
        modified: bool = False,
        current: bool = False,
    ) -> None:
        """Write conversations as upstream showed them.

        Args:
            writer: The transaction.
            rows: Each conversation, and when it was asked for, epoch seconds by upstream's clock.
                One may come several times; the later one is right.
            modified: Whether they were listed because they were modified.
            current: Whether each was looked up by itself.
        """
        self.seen_in_lost_mailboxes |= {
            row.id for row, _ in rows if row.mailbox_id in self.lost_mailboxes
        }
        too_large = [row for row, _ in rows if abs(row.id) > LARGEST_ID]
        if too_large:
            self._leave_uncovered(writer, too_large)
        self.rows_changed += writer.save(
            [
                to_record(row, requested_at, modified=modified, current=current)
                for row, requested_at in rows
            ]
        )

    def add_coverage(self, writer: Writer, layer: str, coverage: Coverage) -> None:
        """Write that an interval is covered, except seconds of conversations that are not stored.

        Args:
            writer: The transaction.
            layer: The layer.
            coverage: What is covered, if all of it could be stored.
        """
        for part in intervals.difference([coverage.interval], self.seconds_not_stored):
            writer.add_coverage(layer, Coverage(part, coverage.as_of))

    @property
    def seconds_not_stored(self) -> list[Interval]:
        """The seconds of creation of conversations that the run could not store."""
        return [Interval(second, second) for second in sorted(set(self.not_stored.values()))]

    def _leave_uncovered(self, writer: Writer, rows: Sequence[FullConversation]) -> None:
        """Remove the coverage of the seconds of conversations that cannot be stored."""
        for row in rows:
            second = creation_second(row)
            writer.remove_coverage(Interval(second, second))
            if row.id not in self.not_stored:
                self.not_stored[row.id] = second
                self.emit("not stored", conversation=row.id, created=second)
        with self.reading() as snapshot:
            noted = queries.not_stored(snapshot)
        writer.set_note(queries.NOT_STORED, sorted((noted | self.not_stored).items()))

    def known_threads(self, conversation: int, found: ThreadList, seen: int) -> ShownThreads | None:
        """The threads of a conversation, as they were listed after it was seen.

        Args:
            conversation: Its id.
            found: The list.
            seen: When it was seen, epoch seconds by upstream's clock. Threads that were created
                later are left out.

        Returns:
            None if the list cannot be read, which is reported.
        """
        try:
            threads = to_threads(conversation, found.threads)
        except MalformedData as error:
            self.emit("threads unreadable", conversation=conversation, why=str(error))
            return None
        known = tuple(thread for thread in threads if thread.created <= seen)
        return ShownThreads(known, complete=True, seen=seen, current=True)

    def threads_written(self, conversation: int) -> None:
        """Count and report a conversation whose threads have been committed."""
        self.received += 1
        self.emit("page", conversation=conversation)

    def page_written(self, rows: int, left: int) -> None:
        """Count and report a page that has been committed.

        Args:
            rows: How many conversations were on it.
            left: About how many conversations there are in its window, from this page on.
        """
        self.rows_read += rows
        self.expected = max(self.expected, self.received + left)
        self.received += rows
        self.emit("page", rows=rows)
