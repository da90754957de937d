"""Looking for what modification does not show: totals of `all` and of `spam`.

They are compared for each mailbox that is listed, and then for all conversations together.

Where upstream's total differs from what the archive holds, the stretch that differs is halved
until few conversations are left in it, and those are read again. A difference that stays is
upstream's way of counting; it is remembered, and accepted from then on. That totals agree proves
nothing; `compat.archive.sync.reread` is for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from compat.archive.sync import offsets, queries
from compat.archive.sync.offsets import Compared, Offset
from compat.archive.sync.queries import Part
from compat.archive.sync.session import SyncSession
from compat.archive.sync.totals import total
from compat.archive.sync.window_reader import ALL_LISTS_SPAM, note_spam, settle
from compat.core import intervals
from compat.core.intervals import Interval
from compat.core.models import ListQuery

FEW: Final = 25
"""So many conversations are read, not halved: they fit on a page."""

_TRIES: Final = 50


def compare(work: SyncSession) -> None:
    """Compare all totals of what is covered, and mend what differs.

    Raises:
        LossAhead: Too much is missing.
    """
    with work.reading() as snapshot:
        spans = intervals.union(known.interval for known in snapshot.coverage())
        mailboxes = [mailbox.id for mailbox in snapshot.list_items(ListQuery("mailboxes")) or ()]
    for span in spans:
        # Spam first: where `all` lists it as well, what is mended there is mended for both.
        for spam in (True, False):
            # All together last: that is how mailboxes count which the list of them leaves out.
            for mailbox in (*mailboxes, offsets.EVERY):
                _Comparison(work, Compared(mailbox, spam=spam)).mend(span)


class _Comparison:
    """One list of one mailbox, or of all together, compared.

    Args:
        work: The run.
        compared: The list.
    """

    def __init__(self, work: SyncSession, compared: Compared) -> None:
        self._work = work
        self._compared = compared
        with work.reading() as snapshot:
            self._all_lists_spam = bool(snapshot.get_note(ALL_LISTS_SPAM))

    def mend(self, span: Interval) -> None:
        """Compare a covered span, and read again what differs."""
        last = self._quiet(span, span.last)
        if last is None:
            return
        span = Interval(span.first, last)
        differs = self._differs(span) - offsets.rest(self._offsets(), self._compared, span)
        if not differs:
            return
        if self._is_explained(span, differs):
            found = self._offsets()
            rest = differs + offsets.rest(found, self._compared, span)
            self._accept(offsets.with_rest(found, self._compared, span, rest))
            return
        self._work.loss.foreseen(-differs)
        self._work.hear("differs", **self._compared._asdict(), rows=differs)
        self._narrow(span, differs)
        left = self._differs(span)
        self._accept(offsets.with_rest(self._offsets(), self._compared, span, left))

    def _is_explained(self, span: Interval, differs: int) -> bool:
        """Whether all mailboxes together differ by what each of them was found to differ by."""
        if self._compared.mailbox != offsets.EVERY:
            return False
        by_mailbox = every = 0
        for each in offsets.inside(self._offsets(), span, spam=self._compared.spam):
            if each.mailbox == offsets.EVERY:
                every += each.rows
            else:
                by_mailbox += each.rows
        return every + differs == by_mailbox

    def _narrow(self, span: Interval, differs: int) -> None:
        """Find the stretches of a span whose totals differ by so many, and read those."""
        with self._work.reading() as snapshot:
            rows = queries.held(snapshot, self._part(span))
        pages = rows // FEW
        cut = None
        if pages and abs(differs) * pages.bit_length() < pages:  # else reading costs less
            cut = self._cut(span, rows)
        if cut is None:
            self._read(span)
            return
        older, younger = Interval(span.first, cut), Interval(cut + 1, span.last)
        in_older = self._differs(older)
        for half, rest in ((younger, differs - in_older), (older, in_older)):
            if rest:
                self._narrow(half, rest)

    def _read(self, span: Interval) -> None:
        """Walk a stretch again, settle what is missing, and accept what differs still."""
        walked = self._work.walk(self._compared.selection(), span)
        if walked.spam and not self._compared.spam:
            note_spam(self._work, shown=True)
            self._all_lists_spam = True
        settle(self._work, self._part(span), walked.began)
        found = self._offsets()
        left = self._differs(span) + offsets.within(found, self._compared, span)
        self._accept(offsets.with_part(found, self._compared, span, left))

    def _differs(self, span: Interval) -> int:
        """By how much upstream's total exceeds ours and what is accepted of it."""
        theirs = total(self._work, self._compared.selection(), span)
        with self._work.reading() as snapshot:
            ours = queries.held(snapshot, self._part(span))
        return theirs - ours - offsets.within(self._offsets(), self._compared, span)

    def _part(self, span: Interval) -> Part:
        """What we hold of the list."""
        of_all = None if self._all_lists_spam else False
        return Part(span, self._compared.mailbox or None, True if self._compared.spam else of_all)

    def _cut(self, span: Interval, rows: int) -> int | None:
        """A second in the middle of a span's rows; none if they crowd too much."""
        with self._work.reading() as snapshot:
            middle = queries.nth(snapshot, self._part(span), rows // 2)
        if middle is None:
            return None
        cut = self._quiet(span, middle - 1)
        if cut is not None:
            cut = offsets.clear_of(self._offsets(), self._compared, span, cut)
        return cut if cut is not None and span.first <= cut < span.last else None

    def _quiet(self, span: Interval, second: int) -> int | None:
        """The last second up to this one in which we know of no conversation on the list.

        The index may hold fractions that payloads do not show: a bound in a second that has
        conversations would not tell on which side they are.
        """
        with self._work.reading() as snapshot:
            for each in range(second, max(span.first, second - _TRIES) - 1, -1):
                if not queries.held(snapshot, self._part(Interval(each, each))):
                    return each
        return None

    def _offsets(self) -> Sequence[Offset]:
        with self._work.reading() as snapshot:
            return offsets.read(snapshot.get_note(offsets.NOTE))

    def _accept(self, accepted: Sequence[Offset]) -> None:
        if list(accepted) != list(self._offsets()):
            with self._work.writing() as writer:
                writer.set_note(offsets.NOTE, accepted)
