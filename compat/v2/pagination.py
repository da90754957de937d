"""Walking the conversations created in a window while the account lives.

Pages by number lose rows: whatever is removed shifts the rows behind it, and one can slip over a
page boundary unseen. So a walk goes by key. It always asks for the first page, oldest first, and
begins the next request at the second of the last row it saw. What is selected by time cannot be
shifted, so each conversation that is there throughout the walk is seen.

A walk hands on *sightings*: rows come again where requests overlap. Whoever collects them unites
them by id, the later one winning.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Generic, TypeVar

from compat.v2.client import Answer, Client
from compat.v2.errors import InconsistentData, RequestRefused
from compat.v2.models import Conversation, Page, PageFacts
from compat.v2.search import created_between, modified_since, spelled

R = TypeVar("R", bound=Conversation)

_READINGS_OF_A_SECOND: Final = 3
_PAGES_THAT_PAY: Final = 20
_MOST_PARTS: Final = 8


@dataclass(frozen=True)
class Selection:
    """What a walk looks at, beside the time.

    Attributes:
        mailboxes: Only conversations in one of these; all visible ones if empty.
        folder: Only conversations that this folder shows.
        status: `all`, or `spam` for what `all` may hide.
        modified_since: Only what was modified in this second, epoch UTC, or later.
    """

    mailboxes: tuple[int, ...] = ()
    folder: int | None = None
    status: str = "all"
    modified_since: int | None = None

    def params(self, first: int, last: int, sort: str, page: int) -> dict[str, str]:
        """The parameters of one request for what was created from `first` to `last`."""
        params = {
            "status": self.status,
            "query": self._query(first, last),
            "sortField": sort,
            "sortOrder": "asc",
            "page": str(page),
        }
        if self.mailboxes:
            params["mailbox"] = ",".join(map(str, self.mailboxes))
        if self.folder is not None:
            params["folder"] = str(self.folder)
        return params

    def _query(self, first: int, last: int) -> str:
        if self.modified_since is None:
            return created_between(first, last)
        return modified_since(self.modified_since, first, last)


@dataclass(frozen=True)
class Window:
    """Seconds of creation, epoch UTC, both ends included."""

    first: int
    last: int


def second_of(row: Conversation) -> int:
    """The whole second in which a conversation was created, as its payload shows it."""
    return math.floor(row.created_at.timestamp())


@dataclass(frozen=True)
class Opening(Generic[R]):
    """The first answer of a walk.

    Attributes:
        rows: The rows on it.
        rest: What is still to be walked, cut into parts that can be walked side by side.
        expected: How many rows the whole window holds, roughly.
        asked_at: When it was asked, epoch seconds by upstream's clock.
    """

    rows: Sequence[R]
    rest: tuple[Window, ...]
    expected: int
    asked_at: int


@dataclass(frozen=True)
class Sightings(Generic[R]):
    """What one page of a walk shows.

    Attributes:
        rows: The rows on it; some may have been seen before, or lie outside of the window.
        complete: Up to this second, included, the walk has now seen everything.
        expected: How many rows are left from this page on, roughly.
        asked_at: When it was asked, epoch seconds by upstream's clock.
    """

    rows: Sequence[R]
    complete: int
    expected: int
    asked_at: int


class Walk(Generic[R]):
    """One selection, to be walked through any number of windows.

    Args:
        client: The line to upstream.
        selection: What to look at.
        model: How a page is read.
        on_request: Called before each request; raises to stop the walk.
    """

    def __init__(
        self,
        client: Client,
        selection: Selection,
        model: type[Page[R]],
        on_request: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._selection = selection
        self._model = model
        self._on_request = on_request

    def open(self, window: Window) -> Opening[R]:
        """Ask for the first page, and plan the rest by what it says."""
        answer = self._from_key(window.first, window.last)
        rows, pages = answer.value.rows, answer.value.page.total_pages
        rest: tuple[Window, ...] = ()
        if pages > 1:
            rest = cut(Window(_last_second(rows, window.first), window.last), pages)
        return Opening(rows, rest, answer.value.page.total_elements, answer.asked_at)

    def rest(self, window: Window) -> Iterator[Sequence[R]]:
        """All sightings of what was created in a window, page by page, oldest first.

        Raises:
            UpstreamError: Upstream fails, or its answers stay incoherent.
        """
        return (seen.rows for seen in self.pages(window))

    def pages(self, window: Window) -> Iterator[Sightings[R]]:
        """The same, each page with how far the walk has come by it.

        Raises:
            UpstreamError: Likewise.
        """
        key = window.first
        while key <= window.last:
            answer = self._from_key(key, window.last)
            rows, page = answer.value.rows, answer.value.page
            last = _last_second(rows, key)
            complete = window.last if page.total_pages <= 1 else min(last - 1, window.last)
            yield Sightings(rows, complete, page.total_elements, answer.asked_at)
            if page.total_pages <= 1:
                return
            if last == key or _crowded(rows, last):
                # Of a second that is itself the key there are surely two pages.
                yield from self._whole_second(last, probe=2 if last == key else 1)
                yield Sightings((), min(last, window.last), 0, answer.asked_at)
                last += 1
            key = last

    def _from_key(self, key: int, last: int) -> Answer[Page[R]]:
        # One second more than wanted: the index may hold fractions that payloads do not show.
        return self._ask(
            self._selection.params(key, last + 1, "createdAt", 1),
            lambda answer: _check_ascending(answer, key),
        )

    def _whole_second(self, second: int, *, probe: int) -> Iterator[Sightings[R]]:
        """A second with more conversations than may fit on a page: by page number after all.

        Sorted by number and read from the last page to the first, a removal moves rows towards
        pages that are still to be read. An arrival in the middle moves them the other way, so a
        reading during which the second grew is made again. The probe tells which page is last,
        and what is new on it when it is read again.
        """
        for _ in range(_READINGS_OF_A_SECOND):
            answer = self._page_of(second, probe)
            yield _within(second, answer)
            first = answer.value
            last = max(first.page.total_pages, 1)
            read = [(probe, first)] if probe == last else []
            for number in range(last - len(read), 0, -1):
                answer = self._page_of(second, number)
                yield _within(second, answer)
                read.append((number, answer.value))
            if _settled(read) and not _arrivals(first, probe, read):
                return
        raise InconsistentData(
            f"the conversations created at {spelled(second)} kept changing while they were read"
        )

    def _page_of(self, second: int, number: int) -> Answer[Page[R]]:
        try:
            return self._ask(
                self._selection.params(second, second + 1, "number", number),
                lambda answer: _check_not_missing(answer, number),
            )
        except RequestRefused as refusal:
            if refusal.status != 404 or number == 1:
                raise
            # Removals took the last page away.
            return Answer(self._model(page=_NOTHING), refusal.asked_at)

    def _ask(self, params: dict[str, str], check: Callable[[Page[R]], None]) -> Answer[Page[R]]:
        self._on_request()
        return self._client.get("/conversations", params, self._model, check=check)


_NOTHING: Final = PageFacts(totalElements=0, totalPages=0)


def cut(window: Window, pages: int) -> tuple[Window, ...]:
    """Cut what is left of a window into parts worth walking side by side.

    Each part costs about one request more than the whole would, so short walks stay whole.
    """
    seconds = window.last - window.first + 1
    parts = max(1, min(_MOST_PARTS, pages // _PAGES_THAT_PAY, seconds))
    edges = [window.first + seconds * part // parts for part in range(parts + 1)]
    return tuple(Window(first, after - 1) for first, after in pairwise(edges))


def _within(second: int, answer: Answer[Page[R]]) -> Sightings[R]:
    """A page of a second that is not yet known to be complete."""
    page = answer.value
    return Sightings(page.rows, second - 1, page.page.total_elements, answer.asked_at)


def _last_second(rows: Iterable[Conversation], key: int) -> int:
    return max((second_of(row) for row in rows), default=key)


def _crowded(rows: Sequence[Conversation], second: int) -> bool:
    """Whether so many rows share a second that they are likely to go on behind the page.

    To ask for that second alone then costs less than to begin the next page with it.
    """
    return sum(second_of(row) == second for row in rows) > len(rows) // 3 > 1


def _settled(read: Sequence[tuple[int, Page[Conversation]]]) -> bool:
    """Whether nothing came in between while pages were read from the last to the first.

    Where removals took the last pages away and arrivals brought them back, totals show nothing;
    but then there is a page behind the first that had rows.
    """
    shown = [(number, answer.page) for number, answer in read if answer.rows]
    totals = [page.total_elements for _, page in shown]
    nothing_behind = all(page.total_pages <= shown[0][0] for _, page in shown)
    return nothing_behind and totals == sorted(totals, reverse=True)


def _arrivals(
    first: Page[Conversation], probe: int, read: Sequence[tuple[int, Page[Conversation]]]
) -> bool:
    """Whether an arrival has moved rows from page to page since the probe.

    A removal at the same moment leaves the totals as they were, so that they alone do not tell.
    But then the probed page shows rows that were neither there nor behind it, and others have
    left it without turning up before it. (A row that upstream merely repeats is still there.)
    """
    before = {row.id for row in first.rows}
    ids = {number: {row.id for row in answer.rows} for number, answer in read}
    again = ids.get(probe, before)
    behind: set[int] = set().union(*(ids[number] for number in ids if number > probe))
    ahead: set[int] = set().union(*(ids[number] for number in ids if number < probe))
    return bool(again - before - behind) and bool(before - again - ahead)


def _check_not_missing(answer: Page[Conversation], number: int) -> None:
    """Rows must be there, unless removals made the page number lie past the end."""
    past_the_end = number > max(1, answer.page.total_pages)
    if not answer.rows and answer.page.total_elements and not past_the_end:
        raise InconsistentData("a page of conversations is empty although its total is not")


def _check_ascending(answer: Page[Conversation], key: int) -> None:
    """What goes by key depends on the order: rows from the key on must come oldest first.

    Upstream may repeat a row on a page, or show one from before the key; neither does harm.
    """
    _check_not_missing(answer, 1)
    rows = answer.rows
    times_seen = Counter(row.id for row in rows)
    seconds = [second_of(row) for row in rows if times_seen[row.id] == 1]
    in_order = [second for second in seconds if second >= key]
    if in_order != sorted(in_order):
        raise InconsistentData("conversations do not come in the order asked for")
    if answer.page.total_pages > 1 and _last_second(rows, key - 1) < key:
        raise InconsistentData("conversations come from outside of the time asked for")
