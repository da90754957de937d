"""Counts by the totals of upstream's lists in place of conversations, as an option.

A list's total comes with one request, however long the list is. Upstream does not promise that
it is exact, and it includes drafts and whatever else a list has; so this is never the default.
Conversations are fetched as usual if totals cannot answer a query, if undocumented properties of
the lists cannot be found out, or if totals contradict each other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Final

from compat import clock
from compat.core.counting import CountQuery, CountResult
from compat.core.models import Progress
from compat.sources.folders import MOST_MAILBOXES_NAMED
from compat.sources.live import LiveSource
from compat.v2 import probes
from compat.v2.client import Client
from compat.v2.errors import RequestRefused
from compat.v2.models import Conversation, Page
from compat.v2.search import FIRST_SECOND, Selection

_LOG: Final = logging.getLogger("compat")
_PROBE_LIFETIME: Final = 3600.0
_LAG: Final = 900
_PROBED: Final = 4

_LISTS: Final[Mapping[tuple[bool, bool], Mapping[str, int]]] = {
    (False, True): {"all": 1, "spam": -1},
    (False, False): {"all": 1},
    (True, True): {"all": 1},
    (True, False): {"all": 1, "spam": 1},
}
"""By whether spam counts, and whether `all` lists it: the lists, and the factor of each total."""


class TotalsSource(LiveSource):
    """Loads rows as usual, and counts by totals where possible."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lock = threading.Lock()
        self._probed_until = 0.0
        self._spam_in_all: bool | None = None

    def count(self, query: CountQuery, progress: Progress) -> CountResult | None:
        """The counts by totals; None if rows are needed.

        Raises:
            UpstreamError: Upstream fails.
        """
        if not totals_apply(query):
            return None
        spam_in_all = self._probed()
        if spam_in_all is None:
            _log("no conversation shows how its lists treat spam and fractions of seconds")
            return None
        began = clock.elapsed()
        lists = _LISTS["spam" not in query.filter.excluded_statuses, spam_in_all]
        with _totals_client(self.client, self._workers, query, progress) as totals:
            before = progress.expected, progress.received, progress.pages
            try:
                counts = totals.counts(query.ranges, lists)
            except (RequestRefused, _RowsNeeded) as reason:
                progress.expected, progress.received, progress.pages = before
                # A mailbox may not exist; loading rows handles that.
                if isinstance(reason, _RowsNeeded):
                    _log(str(reason))
                return None
        if not totals.asked_at:  # all ranges are empty
            return None
        as_of = min(totals.asked_at)
        return CountResult(counts, as_of, began + self._ages.recent, totals=True)

    def _probed(self) -> bool | None:
        """Whether `all` lists spam, as `probe` found out within the last hour."""
        with self._lock:
            if clock.elapsed() >= self._probed_until:
                self._spam_in_all = probe(self.client)
                self._probed_until = clock.elapsed() + _PROBE_LIFETIME
            return self._spam_in_all


def totals_apply(query: CountQuery) -> bool:
    """Whether the parameters of a list can select the conversations of a query."""
    filter_ = query.filter
    return (
        query.counted == "conversations"
        and not (query.conversations.folders or filter_.types or filter_.tags)
        and filter_.excluded_statuses <= {"spam"}
        and "published" in filter_.states
        and len(query.conversations.mailboxes) <= MOST_MAILBOXES_NAMED
    )


def probe(client: Client) -> bool | None:
    """Whether the list of `all` shows spam.

    None if no conversation shows it, or if lists do not treat seconds as whole.
    """
    oldest = probes.oldest_conversations(client, probes.ALL, FIRST_SECOND, int(time.time()))
    rows = probes.one_per_second(oldest.value.rows, _PROBED)
    seconds = probes.probe_one_second_lists(client, rows)
    if seconds.hidden or not seconds.shown:
        return None
    return probes.all_includes_spam(client, oldest.requested_at - _LAG)


class _RowsNeeded(Exception):
    """Totals would cost more requests, or contradict each other."""


class _TotalsClient:
    """Sends the requests of one query."""

    def __init__(
        self, client: Client, pool: ThreadPoolExecutor, query: CountQuery, progress: Progress
    ) -> None:
        self._client = client
        self._pool = pool
        self._mailboxes = tuple(sorted(query.conversations.mailboxes))
        self._progress = progress
        self.asked_at: list[int] = []

    def counts(self, ranges: Sequence[Sequence[int]], lists: Mapping[str, int]) -> list[list[int]]:
        """The counts of each range's buckets; in the progress, each request counts as a row."""
        ranges_with_seconds = [edges for edges in ranges if edges[0] < edges[-1]]
        self._progress.expected += len(lists) * sum(
            1 + _requests_for_parts(len(edges) - 1) for edges in ranges_with_seconds
        )
        return [
            self._counts(edges, lists) if edges[0] < edges[-1] else [0] * (len(edges) - 1)
            for edges in ranges
        ]

    def _counts(self, edges: Sequence[int], lists: Mapping[str, int]) -> list[int]:
        """The counts of one range's buckets."""
        wholes = {}
        for status in lists:
            wholes[status] = self._page(status, edges[0], edges[-1])
            self._received()
        buckets = list(pairwise(edges))
        empty = sum(not whole.page.total_elements for whole in wholes.values())
        self._progress.expected -= empty * _requests_for_parts(len(buckets))
        _check_costs(list(wholes.values()), len(buckets))
        counts = [0] * len(buckets)
        for status, whole in wholes.items():
            parts = self._parts(status, buckets, whole)
            if sum(parts) != whole.page.total_elements:
                raise _RowsNeeded("its totals of parts do not add up to that of the whole")
            counts = [sum_ + lists[status] * part for sum_, part in zip(counts, parts, strict=True)]
        if min(counts) < 0:
            raise _RowsNeeded("it counts more spam than conversations")
        return counts

    def _parts(
        self, status: str, buckets: Sequence[tuple[int, int]], whole: Page[Conversation]
    ) -> list[int]:
        if len(buckets) == 1 or not whole.page.total_elements:
            return [whole.page.total_elements] + [0] * (len(buckets) - 1)
        parts = []
        for page in self._pool.map(lambda bucket: self._page(status, *bucket), buckets):
            parts.append(page.page.total_elements)
            self._received()
        return parts

    def _received(self) -> None:
        self._progress.received += 1
        self._progress.pages += 1

    def _page(self, status: str, first: int, after: int) -> Page[Conversation]:
        self._progress.check()
        selection = Selection(self._mailboxes, status=status)
        answer = probes.oldest_conversations(self._client, selection, first, after - 1)
        self.asked_at.append(answer.requested_at)
        return answer.value


@contextmanager
def _totals_client(
    client: Client, workers: int, query: CountQuery, progress: Progress
) -> Iterator[_TotalsClient]:
    with ThreadPoolExecutor(workers, thread_name_prefix="totals") as pool:
        try:
            yield _TotalsClient(client, pool, query, progress)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _requests_for_parts(buckets: int) -> int:
    """How many requests a list takes for its buckets, beside the one for the whole range."""
    return buckets if buckets > 1 else 0


def _check_costs(wholes: Sequence[Page[Conversation]], buckets: int) -> None:
    pages = sum(max(whole.page.total_pages, 1) for whole in wholes)
    parts = buckets * sum(whole.page.total_elements > 0 for whole in wholes)
    if pages <= max(parts, len(wholes)):
        raise _RowsNeeded("conversations cost no more requests than totals would")


def _log(reason: str) -> None:
    _LOG.info("conversations are counted one by one, not by Help Scout's totals: %s", reason)
