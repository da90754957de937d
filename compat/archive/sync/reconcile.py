"""Finds what modification does not show, such as deletions: compares totals with the archive.

The totals of the lists `all` and `spam` are compared for each listed mailbox, and then for all
mailboxes together. Where a total differs from what the archive holds, the interval is halved
until few conversations are left in it, and those are read again. A difference that stays while
nothing changes is upstream's way of counting. It is noted as an offset and accepted from then on.
Totals that agree prove nothing: `compat.archive.sync.reread` is for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import Final, NamedTuple

from compat.archive.sync import queries
from compat.archive.sync.backfill import note_all_lists_spam
from compat.archive.sync.deletions import check_loss, remove_missing
from compat.archive.sync.pages import read_pages, rows_of
from compat.archive.sync.queries import ALL_MAILBOXES, Offset, Part
from compat.archive.sync.session import SyncSession
from compat.core import intervals
from compat.core.intervals import Interval
from compat.core.models import ListQuery
from compat.upstream import to_window
from compat.v2.lanes import UnreadWindow
from compat.v2.search import Selection

FEW: Final = 25
"""So many conversations are read and not halved: they fit on a page."""

_READINGS: Final = 3
"""So often, at most, what differs is read again in one run, until the difference is stable."""

_TRIES: Final = 50
"""So many seconds are tried when a second without conversations is looked for."""


class ComparedList(NamedTuple):
    """A list that is compared.

    Attributes:
        mailbox: The mailbox's id, or `ALL_MAILBOXES`.
        spam: Whether it is the list of spam; else that of `all`.
    """

    mailbox: int
    spam: bool

    def selection(self) -> Selection:
        """The same for upstream."""
        mailboxes = () if self.mailbox == ALL_MAILBOXES else (self.mailbox,)
        return Selection(mailboxes, status="spam" if self.spam else "all")


def compare_totals(session: SyncSession) -> None:
    """Compare the totals of all that is covered, and read again what differs.

    Raises:
        LossAhead: Too much is missing.
    """
    with session.reading() as snapshot:
        spans = intervals.union(known.interval for known in snapshot.coverage())
        mailboxes = [mailbox.id for mailbox in snapshot.list_items(ListQuery("mailboxes")) or ()]
    # Spam first: where `all` shows it as well, what is read again corrects both lists.
    # All mailboxes together last: this is how mailboxes are compared that are not listed.
    lists = [
        (ComparedList(mailbox, spam=spam), interval)
        for interval in spans
        for spam in (True, False)
        for mailbox in (*mailboxes, ALL_MAILBOXES)
    ]
    cut = [
        (compared, within)
        for compared, interval in lists
        if (within := _Comparison(session, compared).cut_end(interval))
    ]
    pages = session.first_pages([(compared.selection(), within) for compared, within in cut])
    totals = {key: page.page.total_elements for key, page in zip(cut, pages, strict=True)}
    for compared, interval in lists:
        comparison = _Comparison(session, compared)
        if within := comparison.cut_end(interval):
            total = totals.get((compared, within))
            if total is None or not comparison.agrees(within, total):
                comparison.run(within)


class _Comparison:
    """Compares one list with the archive.

    Args:
        session: The run.
        compared: The list.
    """

    def __init__(self, session: SyncSession, compared: ComparedList) -> None:
        self._session = session
        self._compared = compared
        with session.reading() as snapshot:
            self._all_lists_spam = bool(queries.all_lists_spam(snapshot))

    def cut_end(self, interval: Interval) -> Interval | None:
        """An interval up to a second without a conversation; None if there is none near its end."""
        last = self._second_without_rows(interval, interval.last)
        return None if last is None else Interval(interval.first, last)

    def agrees(self, interval: Interval, total: int) -> bool:
        """Whether a total is what the archive holds, and what is accepted."""
        return self._difference(interval, total) == remainder(
            self._offsets(), self._compared, interval
        )

    def run(self, interval: Interval) -> None:
        """Compare a covered interval, and read again what differs."""
        accepted = remainder(self._offsets(), self._compared, interval)
        differs = self._difference(interval) - accepted
        if not differs:
            return
        if self._is_explained(interval, differs):
            self._accept_remainder(interval, differs + accepted)
            return
        check_loss(self._session, -differs)
        self._session.emit("differs", **self._compared._asdict(), rows=differs)
        left = self._read_until_stable(
            interval,
            differs + accepted,
            (0, accepted),
            lambda difference: self._narrow(interval, difference - accepted),
        )
        if left is not None:
            self._accept_remainder(interval, left)

    def _is_explained(self, interval: Interval, differs: int) -> bool:
        """Whether all mailboxes together differ by the sum of the mailboxes' own offsets."""
        if self._compared.mailbox != ALL_MAILBOXES:
            return False
        by_mailbox = together = 0
        for each in queries.offsets_within(self._offsets(), interval, spam=self._compared.spam):
            if each.mailbox == ALL_MAILBOXES:
                together += each.rows
            else:
                by_mailbox += each.rows
        return together + differs == by_mailbox

    def _narrow(self, interval: Interval, differs: int) -> bool:
        """Find the parts of an interval in which the totals differ, and read those again.

        Args:
            interval: The interval.
            differs: By how many conversations its total differs.

        Returns:
            Whether what differs in the parts is known: it was found, or it is accepted.
        """
        with self._session.reading() as snapshot:
            rows = queries.count(snapshot, self._part(interval))
        pages = rows // FEW
        cut = None
        if pages and abs(differs) * pages.bit_length() < pages:  # else reading costs less
            cut = self._cut(interval, rows)
        if cut is None:
            return self._read_again(interval, differs)
        older, younger = Interval(interval.first, cut), Interval(cut + 1, interval.last)
        in_older = self._difference(older)
        known = True
        for half, difference in ((younger, differs - in_older), (older, in_older)):
            if difference:
                known = self._narrow(half, difference) and known
        return known

    def _read_again(self, interval: Interval, differs: int) -> bool:
        """Read an interval, remove what is gone, and accept what differs after that.

        Returns:
            Whether it could be accepted.
        """
        known = sum_of_parts(self._offsets(), self._compared, interval)
        left = self._read_until_stable(
            interval, differs, (0, -known), lambda _: self._read_once(interval)
        )
        if left is None:
            return False
        self._accept(with_part(self._offsets(), self._compared, interval, left + known))
        return True

    def _read_until_stable(
        self,
        interval: Interval,
        differs: int,
        settled: tuple[int, int],
        read: Callable[[int], bool],
    ) -> int | None:
        """Read again until the difference that is left cannot come from a change meanwhile.

        A conversation that is deleted after it was read and before the next total looks the same
        as upstream's way of counting. The next reading finds it, in this run or in the next.

        Args:
            interval: The interval.
            differs: The difference before the first reading.
            settled: The differences that are known to be right: none, and the accepted one.
            read: Reads the interval again; gets the difference, and returns whether it checked
                all that the archive holds.

        Returns:
            The difference that is left; None if it is not stable, so that the next run tries again.
        """
        session = self._session
        for _ in range(_READINGS):
            before, changes = differs, session.rows_changed + session.rows_removed
            complete = read(before)
            differs = self._difference(interval)
            unchanged = session.rows_changed + session.rows_removed == changes
            if differs in settled or (complete and unchanged and differs == before):
                return differs
        return None

    def _read_once(self, interval: Interval) -> bool:
        """Read an interval, and remove what is gone.

        Returns:
            Whether each conversation that the archive holds was shown, or looked up. One that the
            same run saw in the second in which this reading began is not looked up.
        """
        session, part = self._session, self._part(interval)
        shown: set[int] = set()
        began: list[int] = []
        lists = {"compared": self._compared.selection()}
        windows = [UnreadWindow(to_window(interval))]
        with closing(read_pages(session, lists, windows)) as groups:
            for pages in groups:
                with session.writing() as writer:
                    session.write_rows(writer, rows_of(pages))
                for page in pages:
                    session.page_written(len(page.rows), page.left)
                    began.append(page.began)
                    shown |= {row.id for row in page.rows}
                    if page.spam and not self._compared.spam:
                        note_all_lists_spam(session, shown=True)
                        self._all_lists_spam = True
                        part = self._part(interval)
        with session.reading() as snapshot:
            held = queries.not_seen_since(snapshot, part, session.requested_at + 1)
            looked_up = queries.not_seen_since(snapshot, part, min(began))
        remove_missing(session, part, min(began))
        return shown.union(looked_up).issuperset(held)

    def _difference(self, interval: Interval, total: int | None = None) -> int:
        """By how many conversations upstream's total exceeds the archive's and the offsets."""
        if total is None:
            page = self._session.first_page(self._compared.selection(), interval)
            total = page.page.total_elements
        with self._session.reading() as snapshot:
            held = queries.count(snapshot, self._part(interval))
        return total - held - sum_of_parts(self._offsets(), self._compared, interval)

    def _part(self, interval: Interval) -> Part:
        """What the archive holds of the list."""
        spam_of_all = None if self._all_lists_spam else False
        spam = True if self._compared.spam else spam_of_all
        return Part(interval, self._compared.mailbox or None, spam)

    def _cut(self, interval: Interval, rows: int) -> int | None:
        """A second in the middle of an interval's conversations, to cut after; None if too close.

        Args:
            interval: The interval.
            rows: How many conversations the archive holds of it.
        """
        with self._session.reading() as snapshot:
            middle = queries.creation_of_nth(snapshot, self._part(interval), rows // 2)
        if middle is None:
            return None
        cut = self._second_without_rows(interval, middle - 1)
        if cut is None:
            return None
        return cut_beside_parts(self._offsets(), self._compared, interval, cut)

    def _second_without_rows(self, interval: Interval, second: int) -> int | None:
        """The last second up to this one without a conversation of the list; None if too far.

        Upstream's index may hold fractions of a second that its answers do not show. In a
        second with conversations it would be unclear on which side of a limit they are.
        """
        with self._session.reading() as snapshot:
            for each in range(second, max(interval.first, second - _TRIES) - 1, -1):
                if not queries.count(snapshot, self._part(Interval(each, each))):
                    return each
        return None

    def _offsets(self) -> list[Offset]:
        with self._session.reading() as snapshot:
            return queries.accepted_offsets(snapshot)

    def _accept_remainder(self, interval: Interval, rows: int) -> None:
        self._accept(with_remainder(self._offsets(), self._compared, interval, rows))

    def _accept(self, offsets: Sequence[Offset]) -> None:
        if list(offsets) != self._offsets():
            with self._session.writing() as writer:
                writer.set_note(queries.ACCEPTED_OFFSETS, offsets)


def sum_of_parts(offsets: Iterable[Offset], compared: ComparedList, interval: Interval) -> int:
    """The sum of a list's offsets that belong to parts of an interval."""
    return sum(each.rows for each in offsets if _is_part(each, compared, interval))


def remainder(offsets: Iterable[Offset], compared: ComparedList, interval: Interval) -> int:
    """The offset of a list's total of an interval that belongs to no part of it."""
    return sum(each.rows for each in offsets if _is_remainder(each, compared, interval))


def with_part(
    offsets: Iterable[Offset], compared: ComparedList, interval: Interval, rows: int
) -> list[Offset]:
    """The offsets after an interval got one of so many rows, in place of those of its parts."""
    kept = [each for each in offsets if not _is_part(each, compared, interval)]
    return sorted([*kept, *([Offset(*compared, *interval, rows)] if rows else [])], key=repr)


def with_remainder(
    offsets: Iterable[Offset], compared: ComparedList, interval: Interval, rows: int
) -> list[Offset]:
    """The offsets after the remainder of an interval became so many rows."""
    kept = [each for each in offsets if not _is_remainder(each, compared, interval)]
    new = [Offset(*compared, interval.first, None, rows)] if rows else []
    return sorted([*kept, *new], key=repr)


def cut_beside_parts(
    offsets: Iterable[Offset], compared: ComparedList, interval: Interval, cut: int
) -> int | None:
    """The second near a cut after which no interval with an offset would be cut in two.

    Both sides of the cut have at least a second; None if there is no such second.
    """
    for each in offsets:
        part = _is_part(each, compared, interval)
        if part and each.last is not None and each.first <= cut < each.last:
            cut = each.first - 1 if each.first > interval.first else each.last
    return cut if interval.first <= cut < interval.last else None


def _is_part(offset: Offset, compared: ComparedList, interval: Interval) -> bool:
    return (
        (offset.mailbox, offset.spam) == compared
        and offset.last is not None
        and interval.first <= offset.first
        and offset.last <= interval.last
    )


def _is_remainder(offset: Offset, compared: ComparedList, interval: Interval) -> bool:
    return (
        (offset.mailbox, offset.spam) == compared
        and offset.last is None
        and offset.first == interval.first
    )
