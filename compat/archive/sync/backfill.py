"""Reads what the archive does not cover yet: the newest months first, one window at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from compat.archive.records import LAYERS
from compat.archive.sync import queries
from compat.archive.sync.deletions import remove_missing
from compat.archive.sync.queries import Part
from compat.archive.sync.session import SyncSession
from compat.core import intervals
from compat.core.calendar import month_start, months_before, within_calendar
from compat.core.intervals import Coverage, Interval
from compat.v2.pagination import creation_second
from compat.v2.search import Selection

ROWS: Final = 2_000
"""About how many conversations a window holds. Each window costs a few requests more than its
conversations, so a small account is read in few windows."""

STATUS: Final[Mapping[str, str]] = {"spam": "spam", "all": "all", "spam-again": "spam"}
"""The list that is read for each layer."""

READ: Final = "read"
"""The layer that says when all lists of an interval were last read, and what is gone removed.
Answers do not depend on it."""

LISTED: Final[Mapping[str, str]] = {layer: f"listed {layer}" for layer in LAYERS}
"""For each layer, one that says when its list was read, while the reading of the interval is not
finished. The coverage of the layer itself becomes younger when what was modified is read, although
most conversations are not seen then."""

_MONTH: Final = 31 * 86_400
_MOST_MONTHS: Final = 12 * 10_000


class WindowPlan(NamedTuple):
    """How a gap in the coverage is cut into windows.

    Attributes:
        gap: The gap, in seconds of creation.
        oldest: The second in which its first conversation was created.
        months: How many months make a window.
    """

    gap: Interval
    oldest: int
    months: int


def fill_gaps(session: SyncSession) -> None:
    """Read everything that is wanted and not covered.

    Raises:
        LossAhead: Too much of what the archive holds there is missing.
    """
    plan: WindowPlan | None = None
    while gaps := _gaps(session):
        gap = gaps[-1]
        if plan is None or gap.last > plan.gap.last or gap.first < plan.gap.first:
            plan = _plan(session, gap)
        session.emit("window", first=gap.first, last=gap.last)
        read_window(session, newest_window(gap, plan))


def read_window(session: SyncSession, window: Interval, *, again: bool = False) -> None:
    """Read all conversations created in a window, and remove those that are gone.

    The lists of the three layers are read one after the other. Each page is committed together
    with the coverage that it proves, so a killed run loses at most one page.

    Args:
        session: The run.
        window: Seconds of creation.
        again: Whether what is covered already is read as well.

    Raises:
        LossAhead: Too much is missing.
    """
    spam = dict.fromkeys(LAYERS, 0)
    same_seconds = True
    for layer in LAYERS:
        parts = intervals.difference([window], [] if again else _listed(session, layer))
        same_seconds &= parts == [window]
        for part in reversed(parts):
            for page in session.pages(Selection(status=STATUS[layer]), part):
                with session.writing() as writer:
                    session.write_rows(writer, page.rows, page.requested_at)
                    if proven := page.covered(page.window):
                        session.add_coverage(writer, layer, proven)
                        session.add_coverage(writer, LISTED[layer], proven)
                session.page_written(page)
                spam[layer] += page.spam
    note_spam(session, spam, same_seconds=same_seconds)
    with session.reading() as snapshot:
        as_of = min(
            (
                known.as_of
                for layer in LISTED.values()
                for known in snapshot.layer_coverage(layer)
                if intervals.overlaps(known.interval, window)
            ),
            default=None,
        )
    if as_of is None:  # all of it are seconds of conversations that are not stored
        return
    remove_missing(session, Part(window), as_of)
    with session.writing() as writer:
        writer.add_coverage(READ, Coverage(window, as_of))
        writer.remove_coverage(window, LISTED.values())


def _listed(session: SyncSession, layer: str) -> list[Interval]:
    """The intervals of a layer that are covered, and whose list was read."""
    with session.reading() as snapshot:
        covered = snapshot.layer_coverage(layer)
        both = intervals.intersection(covered, snapshot.layer_coverage(LISTED[layer]))
    return [known.interval for known in both]


def note_spam(session: SyncSession, spam: Mapping[str, int], *, same_seconds: bool) -> None:
    """Note whether the list of `all` shows spam, if that is certain after all layers were read.

    Args:
        session: The run.
        spam: How many conversations of the pages of each layer were spam.
        same_seconds: Whether the same seconds were read for all layers. If not, the list of
            `all` may have shown no spam because it was not asked for those seconds.
    """
    if spam["all"]:
        note_all_lists_spam(session, shown=True)
    elif same_seconds and spam["spam"] and spam["spam-again"]:
        note_all_lists_spam(session, shown=False)


def note_all_lists_spam(session: SyncSession, *, shown: bool) -> None:
    """Note whether the list of `all` shows spam."""
    with session.reading() as snapshot:
        noted = queries.all_lists_spam(snapshot)
    if noted is not shown:
        with session.writing() as writer:
            writer.set_note(queries.ALL_LISTS_SPAM, shown)


def newest_window(gap: Interval, plan: WindowPlan) -> Interval:
    """The end of a gap, from the first second of a month on.

    The whole gap if no conversation was created before that month.
    """
    first = within_calendar(months_before(month_start(gap.last), plan.months - 1))
    return gap if first <= max(gap.first, plan.oldest) else Interval(first, gap.last)


def _gaps(session: SyncSession) -> list[Interval]:
    """What is wanted and not covered, in ascending order, and can be covered by this run."""
    if session.wanted is None:
        return []
    with session.reading() as snapshot:
        covered = [known.interval for known in snapshot.coverage()]
    return intervals.difference([session.wanted], [*covered, *session.seconds_not_stored])


def _plan(session: SyncSession, gap: Interval) -> WindowPlan:
    """A plan by how many conversations the gap has; a short gap is one window."""
    if gap.last - gap.first < _MONTH:
        return WindowPlan(gap, gap.first, 1)
    page = session.first_page(Selection(), gap)
    if not page.rows:
        return WindowPlan(gap, gap.last, _MOST_MONTHS)
    oldest, total = min(map(creation_second, page.rows)), page.page.total_elements
    session.expected = total
    months = max((gap.last - oldest) // _MONTH, 1)
    return WindowPlan(gap, oldest, max(1, min(ROWS * months // max(total, 1), _MOST_MONTHS)))
