"""Reads what the archive does not cover yet: the newest months first, several windows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Final, NamedTuple

from compat.archive.records import LAYERS
from compat.archive.sync import queries
from compat.archive.sync.deletions import remove_missing
from compat.archive.sync.pages import WindowPage, read_pages, rows_of
from compat.archive.sync.queries import Part
from compat.archive.sync.session import SyncSession
from compat.core import intervals
from compat.core.calendar import month_start, months_before, within_calendar
from compat.core.intervals import Coverage, Interval
from compat.upstream import to_window
from compat.v2.lanes import Lane, UnreadWindow
from compat.v2.pagination import creation_second
from compat.v2.search import Selection

ROWS: Final = 2_000
"""About how many conversations a window holds. Each window costs a few requests more than its
conversations, so a small account is read in few windows."""

LISTS: Final[Mapping[str, Selection]] = {
    "spam": Selection(status="spam"),
    "all": Selection(),
    "spam-again": Selection(status="spam"),
}
"""The list that is read for each layer."""

READ: Final = "read"
"""The layer that says when all lists of an interval were last read, and what is gone removed.
Answers do not depend on it."""

READ_WITH_THREADS: Final = "read with threads"
"""The layer that says when all lists of an interval were last read with threads, in an archive that
keeps them."""

LISTED: Final[Mapping[str, str]] = {layer: f"listed {layer}" for layer in LAYERS}
"""For each layer, one that says when its list was read, while the reading of the interval is not
finished. The coverage of the layer itself becomes younger when what was modified is read, although
most conversations are not seen then."""

_MONTH: Final = 31 * 86_400
_MOST_MONTHS: Final = 12 * 10_000


class WindowPlan(NamedTuple):
    """How gaps in the coverage are cut into windows.

    Attributes:
        oldest: The second in which the first conversation in the gaps or between them was created.
        months: How many months make a window.
    """

    oldest: int
    months: int


def fill_gaps(session: SyncSession, on_read: Callable[[Interval], None] = lambda _: None) -> None:
    """Read everything that is wanted and not covered.

    Args:
        session: The run.
        on_read: Called with each part of a window that was read completely.

    Raises:
        LossAhead: Too much of what the archive holds there is missing.
    """
    _finish_listed(session)
    while gaps := _gaps(session):
        plan = _plan(session, Interval(gaps[0].first, gaps[-1].last))
        windows = [window for gap in reversed(gaps) for window in windows_of(gap, plan)]
        with session.reading() as snapshot:
            listed = {
                layer: _intervals(
                    intervals.intersection(
                        snapshot.layer_coverage(layer), snapshot.layer_coverage(LISTED[layer])
                    )
                )
                for layer in LAYERS
            }
        read_windows(session, windows, listed, on_read)


def read_windows(
    session: SyncSession,
    windows: Iterable[Interval],
    listed: Mapping[str, Sequence[Interval]],
    on_read: Callable[[Interval], None] = lambda _: None,
) -> None:
    """Read all conversations created in some windows, and remove those that are gone.

    The lists of the three layers are read one after the other. Pages are committed together with
    the coverage that they prove.

    Args:
        session: The run.
        windows: Windows in seconds of creation, the one to begin first.
        listed: For each layer, the intervals whose list is not read again.
        on_read: Called with each part of a window that was read completely.

    Raises:
        LossAhead: Too much is missing.
    """
    spam = SpamOnLists(session)
    parts = [part for window in windows for part in _unread(window, listed)]
    with closing(read_pages(session, LISTS, parts)) as groups:
        for pages in groups:
            for page in pages:
                if page.is_first:
                    session.emit("window", first=page.window.first, last=page.window.last)
            _write(session, pages)
            for page in pages:
                session.page_written(len(page.rows), page.left)
                spam.add(page)
                if page.is_last:
                    _finish(session, page.window)
                    on_read(page.window)


def _write(session: SyncSession, pages: Sequence[WindowPage]) -> None:
    """Commit some pages, together with the coverage that they prove."""
    with session.writing() as writer:
        session.write_rows(writer, rows_of(pages))
        for page in pages:
            if proven := page.covered(page.window):
                for layer in (page.layer, LISTED[page.layer]):
                    session.add_coverage(writer, layer, proven)


class SpamOnLists:
    """Notes whether the list of `all` shows spam, where the pages of a window prove it.

    Args:
        session: The run.
    """

    def __init__(self, session: SyncSession) -> None:
        self._session = session
        self._seen: dict[Lane, dict[str, set[tuple[int, int]]]] = {}

    def add(self, page: WindowPage) -> None:
        """Count a page, and note what is certain when its window is complete."""
        seen = self._seen.setdefault(page.lane, {layer: set() for layer in LAYERS})
        seen[page.layer] |= page.spam
        if not page.is_last:
            return
        del self._seen[page.lane]
        throughout = seen["spam"] & seen["spam-again"]
        if seen["all"]:
            note_all_lists_spam(self._session, shown=True)
        # What was taken over by another worker may not have been read in the list of `all`.
        elif any(second <= page.window.last for second, _ in throughout):
            note_all_lists_spam(self._session, shown=False)


def note_all_lists_spam(session: SyncSession, *, shown: bool) -> None:
    """Note whether the list of `all` shows spam."""
    with session.reading() as snapshot:
        noted = queries.all_lists_spam(snapshot)
    if noted is not shown:
        with session.writing() as writer:
            writer.set_note(queries.ALL_LISTS_SPAM, shown)


def windows_of(gap: Interval, plan: WindowPlan) -> Iterator[Interval]:
    """A gap in windows that begin with the first second of a month, the newest first.

    The last one is all that is left where no conversation was created before it.
    """
    while True:
        first = within_calendar(months_before(month_start(gap.last), plan.months - 1))
        if first <= max(gap.first, plan.oldest):
            yield gap
            return
        yield Interval(first, gap.last)
        gap = Interval(gap.first, first - 1)


def _unread(window: Interval, listed: Mapping[str, Sequence[Interval]]) -> list[UnreadWindow]:
    """The parts of a window that are to be read, the newest first, and from which list on."""
    parts, rest = [], [window]
    for stage, layer in enumerate(LAYERS):
        missing = intervals.difference(rest, listed[layer])
        rest = intervals.difference(rest, missing)
        parts += [UnreadWindow(to_window(part), stage) for part in missing]
    return sorted(parts, key=lambda part: part.window.first, reverse=True)


def _gaps(session: SyncSession) -> list[Interval]:
    """What is wanted and not covered, in ascending order, and can be covered by this run."""
    if session.wanted is None:
        return []
    with session.reading() as snapshot:
        covered = _intervals(snapshot.coverage())
    return intervals.difference([session.wanted], [*covered, *session.seconds_not_stored])


def _plan(session: SyncSession, gap: Interval) -> WindowPlan:
    """A plan by how many conversations there are from the first gap to the last one."""
    if gap.last - gap.first < _MONTH:
        return WindowPlan(gap.first, 1)
    page = session.first_page(Selection(), gap)
    if not page.rows:
        return WindowPlan(gap.last, _MOST_MONTHS)
    oldest, total = min(map(creation_second, page.rows)), page.page.total_elements
    session.expected = total
    months = max((gap.last - oldest) // _MONTH, 1)
    return WindowPlan(oldest, max(1, min(ROWS * months // max(total, 1), _MOST_MONTHS)))


def _finish_listed(session: SyncSession) -> None:
    """Finish the intervals of which a run that was killed has read all lists."""
    with session.reading() as snapshot:
        spam, every, spam_again = (snapshot.layer_coverage(layer) for layer in LISTED.values())
    listed = intervals.intersection(intervals.intersection(spam, every), spam_again)
    for window in intervals.union(_intervals(listed)):
        _finish(session, window)


def _finish(session: SyncSession, window: Interval) -> None:
    """Remove what all lists of a window did not show and is gone; then its reading is finished."""
    with session.reading() as snapshot:
        listed = [known for layer in LISTED.values() for known in snapshot.layer_coverage(layer)]
    as_ofs = [known.as_of for known in listed if intervals.overlaps(known.interval, window)]
    if not as_ofs:  # all of it are seconds of conversations that are not stored
        return
    remove_missing(session, Part(window), min(as_ofs))
    with session.writing() as writer:
        for layer in (READ, READ_WITH_THREADS)[: 1 + session.keeps_threads]:
            writer.add_coverage(layer, Coverage(window, min(as_ofs)))
        writer.remove_coverage(window, LISTED.values())


def _intervals(covered: Iterable[Coverage]) -> list[Interval]:
    return [known.interval for known in covered]
