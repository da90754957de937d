"""Pages of lists of conversations, of several windows side by side, for the thread of the run.

Several workers fetch and parse pages. The thread of the run alone writes them, changes the session
and reports events. It commits all pages that wait for it in one transaction. A worker makes its
next request when its page is committed, so a killed run loses at most one page for each worker.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from compat.archive.sync.session import SyncSession
from compat.core import intervals
from compat.core.intervals import Coverage, Interval
from compat.v2.lanes import Lane, LanePage, UnreadWindow, read_lanes
from compat.v2.models import FullConversation
from compat.v2.pagination import creation_second
from compat.v2.search import Selection


@dataclass(frozen=True)
class WindowPage:
    """A page of one list of the conversations that were created in a window.

    It says itself what it proves, so pages of several windows may be written in turn.

    Attributes:
        lane: Who reads the window; the pages of a lane come in the order of their requests.
        layer: The name of the list.
        window: The window, in seconds of creation. It may become shorter until the last page.
        rows: The conversations. One may be on several pages; the later page is right.
        requested_at: When the page was asked for, epoch seconds by upstream's clock.
        began: When the first page of this list was asked for in this window, by the same clock.
        complete: Up to this second, included, all conversations of the window have been on this
            page of the list or an earlier one.
        left: About how many conversations of the list there are from this page on.
        is_first: Whether it is the first page of a window that was waiting.
        is_last: Whether all lists of the window are complete with it.
    """

    lane: Lane
    layer: str
    window: Interval
    rows: Sequence[FullConversation]
    requested_at: int
    began: int
    complete: int
    left: int
    is_first: bool
    is_last: bool

    @property
    def spam(self) -> set[tuple[int, int]]:
        """The second of creation and the id of each conversation that is spam."""
        return {(creation_second(row), row.id) for row in self.rows if row.status == "spam"}

    def covered(self, interval: Interval) -> Coverage | None:
        """The part of an interval that this page and the earlier ones prove to be covered.

        None if they prove nothing of it yet.
        """
        first = max(interval.first, self.window.first)
        last = min(interval.last, self.complete)
        return Coverage(Interval(first, last), self.began) if first <= last else None


def read_pages(
    session: SyncSession,
    lists: Mapping[str, Selection],
    windows: Iterable[UnreadWindow],
    *,
    within: Sequence[Interval] = (),
) -> Generator[Sequence[WindowPage], None, None]:
    """Fetch the conversations created in some windows page by page, oldest first in each.

    The caller gets all pages that wait for it, at most one of each lane. It writes their rows, and
    the coverage that they prove, in one transaction, and calls `page_written` for each before it
    takes the next ones. If it does not take all pages, it closes the generator, and the run cannot
    make further requests.

    Args:
        session: The run.
        lists: The lists to read in each window, one after the other, by their names.
        windows: The windows, the one to begin first.
        within: Only conversations created in these intervals are on the pages; all if empty.

    Raises:
        UpstreamError: The first error of any request; the others are stopped.
    """
    names, times = list(lists), _Times(session.requested_at)
    paginators = [session.paginator(selection) for selection in lists.values()]
    reading = read_lanes(
        paginators, windows, workers=session.parallel, on_stop=session.client.close
    )
    with closing(reading) as groups:
        for group in groups:
            yield [_window_page(session, names[page.stage], page, times, within) for page in group]


def rows_of(pages: Iterable[WindowPage]) -> list[tuple[FullConversation, int]]:
    """The rows of some pages, and when each was asked for: what `SyncSession.write_rows` takes."""
    return [(row, page.requested_at) for page in pages for row in page.rows]


def _window_page(
    session: SyncSession,
    layer: str,
    page: LanePage[FullConversation],
    times: _Times,
    within: Sequence[Interval],
) -> WindowPage:
    window = Interval(page.lane.first, page.lane.last)
    kept = [
        Interval(max(each.first, window.first), min(each.last, window.last))
        for each in intervals.union(within) or [window]
        if intervals.overlaps(each, window)
    ]
    is_first = times.is_new(page.lane) and not page.lane.taken_over
    requested_at, began = times.note(page.lane, page.stage, page.batch.requested_at)
    session.note_time(requested_at)
    return WindowPage(
        lane=page.lane,
        layer=layer,
        window=window,
        rows=[row for row in page.batch.rows if _in(kept, creation_second(row))],
        requested_at=requested_at,
        began=began,
        complete=page.batch.complete_until,
        left=page.batch.expected,
        is_first=is_first,
        is_last=page.is_last,
    )


class _Times:
    """When the pages of each lane were requested, never before an earlier page of the same lane.

    Upstream's clock shows whole seconds and its servers differ by some. The requests of a lane
    are made one after the other, and all of them after those that were made before the reading.
    Requests of different lanes have no order, and need none: no conversation is on pages of two
    lanes, except where one has taken over from the other, and the margin for the lag of
    upstream's index is larger than what its clocks differ by.

    Args:
        since: When the last request before the reading was made.
    """

    def __init__(self, since: int) -> None:
        self._since = since
        self._latest: dict[Lane, int] = {}
        self._began: dict[tuple[Lane, int], int] = {}

    def is_new(self, lane: Lane) -> bool:
        """Whether no page of a lane was noted."""
        return lane not in self._latest

    def note(self, lane: Lane, stage: int, requested_at: int) -> tuple[int, int]:
        """Note a page; returns when it and the first one of its list were requested."""
        latest = max(requested_at, self._latest.get(lane, self._since))
        self._latest[lane] = latest
        return latest, self._began.setdefault((lane, stage), latest)


def _in(spans: Sequence[Interval], second: int) -> bool:
    return any(interval.first <= second <= interval.last for interval in spans)
