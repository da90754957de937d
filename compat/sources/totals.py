"""Counting by upstream's totals in place of conversations, for who chose that.

A list's total comes with one request, however long the list. It is no promise of upstream's, and
counts drafts and whatever else a list holds; so it is never a default. Where a question cannot be
put to it, or what nobody documents about the lists cannot be found out, or they contradict
themselves, conversations are fetched as ever.
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
from compat.sources.live import MOST_MAILBOXES_NAMED, LiveSource
from compat.v2 import probes
from compat.v2.client import Client
from compat.v2.errors import RequestRefused
from compat.v2.models import Conversation, Page
from compat.v2.pagination import Selection
from compat.v2.search import FIRST_SECOND

_LOG: Final = logging.getLogger("compat")
_REMEMBERED: Final = 3600.0
_LAG: Final = 900
_PROBED: Final = 4

_LISTS: Final[Mapping[tuple[bool, bool], Mapping[str, int]]] = {
    (False, True): {"all": 1, "spam": -1},
    (False, False): {"all": 1},
    (True, True): {"all": 1},
    (True, False): {"all": 1, "spam": 1},
}
"""By whether spam counts, and whether `all` lists it: the lists, and what is done with each."""


class TotalsSource(LiveSource):
    """Brings rows as ever, and counts by totals where it can."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lock = threading.Lock()
        self._probed_until = 0.0
        self._spam_in_all: bool | None = None

    def count(self, tally: CountQuery, progress: Progress) -> CountResult | None:
        """The counts by totals; None where it takes the rows.

        Raises:
            UpstreamError: Upstream fails.
        """
        if not can_be_told_by_totals(tally):
            return None
        spam_in_all = self._probed()
        if spam_in_all is None:
            _log("nothing tells how its lists treat spam and fractions of seconds")
            return None
        began = clock.elapsed()
        lists = _LISTS["spam" not in tally.filter.excluded_statuses, spam_in_all]
        with _asking(self.client, self._workers, tally, progress) as asking:
            try:
                counts = [asking.range(edges, lists) for edges in tally.ranges]
            except RequestRefused:  # a mailbox that does not exist, perhaps; rows know about that
                return None
            except _RowsAreBetter as why:
                _log(str(why))
                return None
        if not asking.asked_at:  # no range has a second in it
            return None
        as_of = min(asking.asked_at)
        return CountResult(counts, as_of, began + self._ages.recent, totals=True)

    def _probed(self) -> bool | None:
        """Whether `all` lists spam; None also where seconds are not whole or nothing tells."""
        with self._lock:
            if clock.elapsed() >= self._probed_until:
                self._spam_in_all = probe(self.client)
                self._probed_until = clock.elapsed() + _REMEMBERED
            return self._spam_in_all


def can_be_told_by_totals(tally: CountQuery) -> bool:
    """Whether lists can be told which conversations are meant."""
    which = tally.filter
    return (
        not (tally.conversations.folders or which.types or which.tags)
        and which.excluded_statuses <= {"spam"}
        and "published" in which.states
        and len(tally.conversations.mailboxes) <= MOST_MAILBOXES_NAMED
    )


def probe(client: Client) -> bool | None:
    """Whether the list of `all` shows spam; None if nothing tells, or seconds are not whole."""
    oldest = probes.first_page(client, probes.ALL, FIRST_SECOND, int(time.time()))
    rows = probes.of_other_seconds(oldest.value.rows, _PROBED)
    seconds = probes.one_second_lists(client, rows)
    if seconds.hidden or not seconds.shown:
        return None
    return probes.all_lists_spam(client, oldest.asked_at - _LAG)


class _RowsAreBetter(Exception):
    """Totals would cost more, or contradict each other."""


class _Asking:
    """The requests of one tally."""

    def __init__(
        self, client: Client, pool: ThreadPoolExecutor, tally: CountQuery, progress: Progress
    ) -> None:
        self._client = client
        self._pool = pool
        self._mailboxes = tuple(sorted(tally.conversations.mailboxes))
        self._progress = progress
        self.asked_at: list[int] = []

    def range(self, edges: Sequence[int], lists: Mapping[str, int]) -> list[int]:
        """The counts of one range's buckets."""
        if edges[0] >= edges[-1]:
            return [0] * (len(edges) - 1)
        wholes = {status: self._page(status, edges[0], edges[-1]) for status in lists}
        buckets = list(pairwise(edges))
        _check_that_it_pays(list(wholes.values()), len(buckets))
        counts = [0] * len(buckets)
        for status, whole in wholes.items():
            parts = self._parts(status, buckets, whole)
            if sum(parts) != whole.page.total_elements:
                raise _RowsAreBetter("its totals of parts do not add up to that of the whole")
            counts = [sum_ + lists[status] * part for sum_, part in zip(counts, parts, strict=True)]
        if min(counts) < 0:
            raise _RowsAreBetter("it tells of more spam than there are conversations")
        return counts

    def _parts(
        self, status: str, buckets: Sequence[tuple[int, int]], whole: Page[Conversation]
    ) -> list[int]:
        if len(buckets) == 1 or not whole.page.total_elements:
            return [whole.page.total_elements] + [0] * (len(buckets) - 1)
        pages = self._pool.map(lambda bucket: self._page(status, *bucket), buckets)
        return [page.page.total_elements for page in pages]

    def _page(self, status: str, first: int, after: int) -> Page[Conversation]:
        self._progress.check()
        selection = Selection(self._mailboxes, status=status)
        answer = probes.first_page(self._client, selection, first, after - 1)
        self.asked_at.append(answer.asked_at)
        return answer.value


@contextmanager
def _asking(
    client: Client, workers: int, tally: CountQuery, progress: Progress
) -> Iterator[_Asking]:
    with ThreadPoolExecutor(workers, thread_name_prefix="totals") as pool:
        try:
            yield _Asking(client, pool, tally, progress)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check_that_it_pays(wholes: Sequence[Page[Conversation]], buckets: int) -> None:
    pages = sum(max(whole.page.total_pages, 1) for whole in wholes)
    parts = buckets * sum(whole.page.total_elements > 0 for whole in wholes) if buckets > 1 else 0
    if pages <= max(parts, len(wholes)):
        raise _RowsAreBetter("conversations cost no more requests than totals would")


def _log(why: str) -> None:
    _LOG.info("conversations are counted one by one, not by Help Scout's totals: %s", why)
