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

A conversation's threads are replaced as a unit by those of a later sighting, and a thread is where
it was seen last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, count
from typing import Final

from compat.archive.records import INDEX_LAG
from compat.core.models import Activity, Progress, Row, Thread
from compat.upstream import to_activity, to_threads
from compat.v2.changes import ChangesReader
from compat.v2.client import Client
from compat.v2.errors import AccessRefused, InconsistentData, MalformedData
from compat.v2.lanes import UnreadWindow, read_lanes
from compat.v2.lists import Missing
from compat.v2.models import waiting_time
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

_ROUNDS: Final = 20
_ROWS_PER_LIST: Final = 25
"""As how many conversations a list of threads counts in the progress, for its request."""

_NUMBERS: Final = count()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A conversation with its threads, as upstream showed it.

    Attributes:
        activity: The conversation with the threads that were shown.
        number: Greater for later sightings.
        requested_at: When it was requested, epoch seconds by upstream's clock.
        state: What changes if the conversation does.
        published: How many threads it has, as upstream counts them; None if it is unknown.
        complete: Whether all threads are known, or all that upstream lists.
        final: Whether the list of threads need not be read again while `state` stays the same.
    """

    activity: Activity
    number: int
    requested_at: int
    state: tuple[object, ...]
    published: int | None
    complete: bool
    final: bool = False


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

    Attributes:
        sightings: What was seen, by the id of the conversation: `known`, and what was read since.
        read: The ids of the conversations that upstream listed.
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
    ) -> None:
        self._client = client
        self._selection = replace(selection, threads=True)
        self._needed = needed
        self._progress = progress
        self._workers = workers
        self._changed_lists = _WITH_SPAM if spam else _ALL
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
        if not self.complete() or not at_one_time:
            self.read_changes(started)
        return started

    def read_changes(self, started: int) -> None:
        """Read what changed since a reading began, until all is known as it was at one time.

        Args:
            started: When it began, epoch seconds by upstream's clock.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        for _ in range(_ROUNDS):
            since = started - INDEX_LAG
            started = min([self._read_modified(since, each) for each in self._changed_lists])
            if self.complete():
                return
        raise InconsistentData("conversations are merged faster than they can be read")

    def complete(self) -> bool:
        """Complete the threads that are needed.

        Returns:
            False if a conversation was not there any more: its threads may be in another one.

        Raises:
            UpstreamError: Upstream fails.
        """
        incomplete = [
            each
            for each in self.sightings.values()
            if not each.complete and self._needed(each.activity.row)
        ]
        self._expect_lists(len(incomplete))
        self._incomplete = self._lists_expected = 0
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="threads")
        all_there = True
        try:
            found = pool.map(self._completed, incomplete)
            for before, after in zip(incomplete, found, strict=True):
                self._progress.received += _ROWS_PER_LIST
                self._progress.pages += 1
                all_there &= after is not None
                if after is None:
                    del self.sightings[before.activity.row.id]
                else:
                    self.sightings[after.activity.row.id] = after
        finally:
            pool.shutdown(cancel_futures=True)
        return all_there

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

    def _read_modified(self, since: int, status: str) -> int:
        """Read all of a list that was modified since a second, as it is at one time.

        Returns:
            When the first request was made, epoch seconds by upstream's clock.
        """
        changes = ChangesReader(partial(self._paginator, status=status), self._add)
        return changes.read(since)

    def _paginator(
        self, since: int, until: int = LAST_SECOND, status: str = "all"
    ) -> Paginator[ConversationWithThreads]:
        selection = replace(
            self._selection, modified_since=since, modified_until=until, status=status
        )
        return Paginator(self._client, selection, PageWithThreads, self._progress.check)

    def _add(self, batch: Batch[ConversationWithThreads]) -> None:
        before = len(self.read)
        for conversation in batch.rows:
            seen = _sighting(conversation, batch.requested_at)
            seen = _with_list(seen, self.sightings.get(conversation.id))
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

    def _completed(self, sighting: Sighting) -> Sighting | None:
        """A sighting with the threads that upstream lists; None if the conversation is gone."""
        conversation = sighting.activity.row.id
        found = list_threads(self._client, conversation, self._progress.check)
        if isinstance(found, Missing):
            if found.reason == "hidden":
                raise AccessRefused(
                    f"Mailbox API 2.0 does not show the threads of conversation {conversation}",
                    status=403,
                )
            return None
        return _completed_with(sighting, to_threads(conversation, found.threads))


def _sighting(conversation: ConversationWithThreads, requested_at: int) -> Sighting:
    """What a page shows of a conversation."""
    complete = conversation.are_all_shown
    try:
        threads = to_threads(conversation.id, conversation.shown_threads)
    except MalformedData:  # it fails questions that need this conversation, and no others
        threads, complete = (), False
    activity = to_activity(conversation, threads)
    state = () if complete else (activity, conversation.threads, *_changing_values(conversation))
    return Sighting(
        activity, next(_NUMBERS), requested_at, state, conversation.threads, complete, complete
    )


def _changing_values(conversation: ConversationWithThreads) -> tuple[object, ...]:
    waiting_since = waiting_time(conversation.waiting_since)
    assignee = conversation.assignee and conversation.assignee.id
    return conversation.updated_at, waiting_since, assignee


def _completed_with(sighting: Sighting, listed: tuple[Thread, ...]) -> Sighting:
    """A sighting with its threads, of those that were listed later.

    If the list has fewer than the conversation's number, that is all there is to know, until the
    conversation changes.
    """
    shown = {thread.id for thread in sighting.activity.threads}
    at_the_time = sighting.requested_at
    threads = tuple(each for each in listed if each.created <= at_the_time or each.id in shown)
    return replace(
        sighting,
        activity=sighting.activity._replace(threads=threads),
        number=next(_NUMBERS),
        complete=True,
        final=len(threads) == len(listed),
    )


def _with_list(sighting: Sighting, before: Sighting | None) -> Sighting:
    """A sighting with the threads that were listed before, if nothing has changed since."""
    if before is None or sighting.complete or not before.final or before.state != sighting.state:
        return sighting
    return replace(
        sighting,
        activity=sighting.activity._replace(threads=before.activity.threads),
        complete=True,
        final=True,
    )
