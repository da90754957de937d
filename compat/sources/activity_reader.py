"""Reads conversations with their threads from Mailbox API 2.0 while the account changes.

What is promised: a thread that exists all the while, on conversations that the question selects,
is in the result exactly once, whatever happens to the conversations. It is read in two steps.

1. *The walk*: all conversations modified since the first second asked for, by creation time. A
   conversation that stays in the list all the while is seen. But a merge can move a thread from
   a conversation that is not read yet to one that was read already, or was not listed then.
2. *What changed meanwhile*: the conversations modified since the walk began, less the time that
   upstream's index lags. A merge modifies the conversation that gets the threads, so that one is
   among them. They are read by the time of modification: first those modified before some second,
   a list that conversations only leave, to be listed among the later ones; then the later ones,
   which are one page, and so as they were at one time. Each conversation is either in that page,
   or was not modified since it was read. So all are known as they were when that page was read.

Lists come from upstream's index, which lags; the list of one conversation's threads does not. What
such a list shows must not be lost again, so the index is not trusted alone where the two differ:

- A conversation that is gone by then was merged, or deleted. The index may not show for minutes
  where its threads are. So it is looked up, and upstream names the one that it was merged into.
- A listed conversation without threads that were seen in it before may be an old state of it. So
  the list of its threads is read.
- A conversation that the index does not show as modified may be one whose new threads such a list
  has shown. So it is looked up before it counts as deleted.

A conversation's threads are replaced as a unit by those of a later sighting, and a thread is where
it was seen last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Final, TypeAlias

from compat.archive.records import INDEX_LAG
from compat.core.models import Progress, Row, Thread
from compat.sources.sightings import Sighting, compared_with, completed_with, to_sighting
from compat.upstream import to_threads
from compat.v2.changes import ChangesReader
from compat.v2.client import ApiResponse, Client
from compat.v2.errors import AccessRefused, InconsistentData
from compat.v2.lanes import UnreadWindow, read_lanes
from compat.v2.lists import Missing, follow_merges, get_conversation
from compat.v2.pagination import Batch, Paginator
from compat.v2.search import FIRST_SECOND, LAST_SECOND, Selection, Window
from compat.v2.threads import ConversationWithThreads, PageWithThreads, list_threads

_EVER: Final = Window(FIRST_SECOND, LAST_SECOND)
"""When the conversations were created. A merge can move an old thread to a conversation that was
created after it, even after the time that a question is about."""

_MIN_PAGES: Final = 80
"""How many pages a worker has left, at least, if another takes over a part of them. So reading
side by side costs few requests more, as one page after the other does."""

_ALL: Final = ("all",)
_WITH_SPAM: Final = ("spam", "all", "spam")
"""What is marked as spam, or unmarked, while these lists are read is still met in one of them."""

_LOOK_UPS: Final = 4
"""How often a conversation is followed that is merged again while its threads are listed."""

_ROWS_PER_LIST: Final = 25
"""As how many conversations a list of threads counts in the progress, for its request."""

HeldThreads: TypeAlias = Callable[[Sequence[int]], Mapping[int, Sequence[Thread]]]
"""The threads that are known of some conversations, by the conversation's id."""


class ActivityReader:
    """Reads the activity for one question.

    Args:
        client: The client of Mailbox API 2.0.
        selection: The filters of the list, apart from times.
        needed: Whether the threads of a conversation must be complete.
        progress: Counts conversations; its `check` is called before each request.
        workers: How many requests run at the same time.
        known: What was seen before. It is not changed.
        spam: Whether conversations marked as spam are needed.
        held: The threads that were seen before, apart from those in `known`.

    Attributes:
        sightings: What was seen, by the id of the conversation: `known`, and what was read since.
        read: The ids of the conversations that upstream listed, or showed by themselves.
    """

    def __init__(
        self,
        client: Client,
        selection: Selection,
        needed: Callable[[Row], bool],
        progress: Progress,
        *,
        workers: int,
        known: Mapping[int, Sighting] | None = None,
        spam: bool = False,
        held: HeldThreads = lambda _: {},
    ) -> None:
        self._client = client
        self._selection = replace(selection, threads=True)
        self._needed = needed
        self._progress = progress
        self._workers = workers
        self._changed_lists = _WITH_SPAM if spam else _ALL
        self._held = held
        self.sightings = dict(known or {})
        self.read: set[int] = set()
        self._listed = 0
        self._incomplete = 0
        self._lists_expected = 0

    def read_since(self, since: int, *, with_spam: bool) -> int:
        """Read all that was modified since a second, epoch UTC, of spam as well if asked for.

        Returns:
            When the first request was made, epoch seconds by upstream's clock. All threads
            created before it are known, apart from those that upstream's index did not show yet.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        walks = [self._walk(since, status) for status in (_WITH_SPAM[:2] if with_spam else _ALL)]
        started = min(started for started, _ in walks)
        at_one_time = len(walks) == 1 and walks[0][1]
        self.complete()
        if not at_one_time:
            self._read_changes(started)
        return started

    def complete(self) -> None:
        """Complete the threads that are needed.

        A conversation that is not there any more is replaced by the one that has its threads.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        incomplete = [
            each
            for each in self.sightings.values()
            if not each.complete and self._needed(each.activity.row)
        ]
        self._expect_lists(len(incomplete))
        self._incomplete = self._lists_expected = 0
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="threads")
        gone: list[int] = []
        try:
            found = pool.map(self._completed, incomplete)
            for before, after in zip(incomplete, found, strict=True):
                self._progress.received += _ROWS_PER_LIST
                self._progress.pages += 1
                id_ = before.activity.row.id
                if isinstance(after, Missing):
                    del self.sightings[id_]
                    gone.append(id_)
                else:
                    self.sightings[id_] = after
        finally:
            pool.shutdown(cancel_futures=True)
        # One after the other, when all lists are read: the last sighting of a thread counts.
        for id_ in gone:
            self._look_up(id_)

    def look_up(self, ids: Iterable[int]) -> None:
        """Read conversations by themselves that lists do not show, as they are now.

        One that was merged is replaced by the one that has its threads. One that is not there any
        more is left as it was seen, and is not in `read`.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        for id_ in ids:
            self._look_up(id_)

    def _read_changes(self, started: int) -> None:
        """Read what changed since a reading began, until all is known as it was at one time."""
        for status in self._changed_lists:
            self._read_modified(started - INDEX_LAG, status)
        self.complete()

    def _walk(self, since: int, status: str) -> tuple[int, bool]:
        """Read a list by creation time.

        Returns:
            When the first request was made, and whether one request was enough.
        """
        paginator = self._paginator(since, status=status)
        requested_at: list[int] = []
        window = UnreadWindow(_EVER)
        groups = read_lanes([paginator], [window], workers=self._workers, min_pages=_MIN_PAGES)
        with closing(groups):
            for page in chain.from_iterable(groups):
                if not requested_at:
                    self._progress.expected += page.batch.expected
                    self._listed += page.batch.expected
                requested_at.append(page.batch.requested_at)
                self._add(page.batch)
        return min(requested_at), len(requested_at) == 1

    def _read_modified(self, since: int, status: str) -> None:
        """Read all of a list that was modified since a second, as it is at one time."""
        ChangesReader(partial(self._paginator, status=status), self._add).read(since)

    def _paginator(
        self, since: int, until: int = LAST_SECOND, status: str = "all"
    ) -> Paginator[ConversationWithThreads]:
        selection = replace(
            self._selection, modified_since=since, modified_until=until, status=status
        )
        return Paginator(self._client, selection, PageWithThreads, self._progress.check)

    def _add(self, batch: Batch[ConversationWithThreads]) -> None:
        before = len(self.read)
        held = self._held([conversation.id for conversation in batch.rows])
        for conversation in batch.rows:
            seen = to_sighting(conversation, batch.requested_at)
            earlier = self.sightings.get(conversation.id)
            seen = compared_with(seen, earlier, held.get(conversation.id, ()))
            if conversation.id not in self.read and not seen.complete:
                self._incomplete += self._needed(seen.activity.row)
            self.read.add(conversation.id)
            self.sightings[conversation.id] = seen
        self._progress.received += len(self.read) - before
        self._progress.pages += 1
        # Among those that are not read yet there are as many, in proportion.
        share = self._incomplete / max(len(self.read), 1)
        self._expect_lists(round(share * max(self._listed, len(self.read))))

    def _expect_lists(self, lists: int) -> None:
        """Expect so many lists of threads, in place of those that were expected until now."""
        self._progress.expected += _ROWS_PER_LIST * (lists - self._lists_expected)
        self._lists_expected = lists

    def _completed(self, sighting: Sighting) -> Sighting | Missing:
        """A sighting with the threads that upstream lists; or why the conversation is missing."""
        conversation = sighting.activity.row.id
        found = list_threads(self._client, conversation, self._progress.check)
        if isinstance(found, Missing):
            if found.reason == "hidden":
                raise AccessRefused(
                    f"Mailbox API 2.0 does not show the threads of conversation {conversation}",
                    status=403,
                )
            return found
        return completed_with(sighting, to_threads(conversation, found.threads), found.requested_at)

    def _look_up(self, conversation: int) -> None:
        """Read a conversation by itself, or the one that it was merged into.

        Nothing is read if that was deleted, or is not shown to the application.
        """
        for _ in range(_LOOK_UPS):
            found = self._request(conversation)
            if isinstance(found, Missing):
                found = follow_merges(found, self._request)
            if isinstance(found, Missing):
                return
            conversation = found.value.id
            shown = to_sighting(found.value, found.requested_at)
            shown = replace(shown, current_at=found.requested_at)
            is_known = shown.complete or not self._needed(shown.activity.row)
            seen = shown if is_known else self._completed(shown)
            if not isinstance(seen, Missing):
                self.read.add(conversation)
                self.sightings[conversation] = seen
                return
        raise InconsistentData("conversations are merged faster than they can be read")

    def _request(self, conversation: int) -> ApiResponse[ConversationWithThreads] | Missing:
        self._progress.check()
        return get_conversation(self._client, conversation, ConversationWithThreads, threads=True)
