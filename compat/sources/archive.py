"""Conversations from the local archive, completed from upstream where it does not reach.

What the archive covers and is young enough comes from one committed state of it. What is covered
but too old gets laid over it what was modified since; what is not covered is fetched. The answer
is as of the oldest of these.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from compat import clock
from compat.archive.database import Archive
from compat.archive.index import Index
from compat.archive.reader import Snapshot
from compat.archive.sync import queries
from compat.core import intervals
from compat.core.counting import CountQuery, CountResult, add_interval, empty_counts
from compat.core.intervals import MaxAges
from compat.core.models import (
    ConversationQuery,
    Document,
    ListItems,
    ListQuery,
    NotCovered,
    Progress,
    Row,
    RowSet,
    SourceStats,
)
from compat.sources.live import LiveSource
from compat.sources.merge import Completer, Patch, Plan, local, planned
from compat.v2 import lists
from compat.v2.client import Client
from compat.v2.errors import InconsistentData

_ANY_AGE: Final = MaxAges(1 << 62, 1 << 62)


class ArchiveSource:
    """Brings rows and counts from an archive.

    Args:
        archive: The archive; closed with the source.
        live: Where to ask for what the archive lacks; None for nowhere.
        ages: How old what the archive holds may be while there is somebody to ask.
    """

    def __init__(self, archive: Archive, live: LiveSource | None, ages: MaxAges) -> None:
        self._archive = archive
        self._index = Index(archive)
        self._live = live
        self._ages = ages if live else _ANY_AGE
        self._homes: tuple[int, Set[int]] = (-1, frozenset())
        self._completing = Completer(archive, live, ages) if live else None

    @property
    def client(self) -> Client:
        """The line to upstream.

        Raises:
            AttributeError: There is none.
        """
        if self._live is None:
            raise AttributeError("client")
        return self._live.client

    @property
    def ready(self) -> bool:
        """Whether upstream, where there is one, has not refused the credentials just now."""
        return self._live is None or self._live.ready

    def rate_limit_wait(self) -> float:
        """Seconds until the rate budget lets the next request through."""
        return self._live.rate_limit_wait() if self._live else 0.0

    def stats(self) -> SourceStats:
        """Requests made and left; of rows those in memory."""
        stats = self._live.stats() if self._live else SourceStats()
        return replace(stats, rows=stats.rows + self._index.loaded())

    def close(self) -> None:
        """Close the archive and the line to upstream."""
        self._index.close()
        self._archive.close()
        if self._live:
            self._live.close()

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        """Bring the conversations that a report needs.

        Raises:
            NotKept: The archive does not reach, and there is nobody to ask.
            UpstreamError: Upstream fails, or its answers do not settle.
            ArchiveError: The archive fails.
        """
        if live := self._views(need):
            return live.rows(need, progress)
        with self._state(need, progress) as (snapshot, patch):
            held = snapshot.rows(patch.held, mailboxes=need.mailboxes)
            changed = patch.changed(snapshot)
        rows = [row for row in held if row.id not in changed]
        rows += [row for row in (*changed.values(), *patch.beside) if _in_mailbox(row, need)]
        return RowSet(
            sorted(row for row in rows if _in_folder(row, need)), patch.as_of, patch.fresh_until
        )

    def count(self, tally: CountQuery, progress: Progress) -> CountResult | None:
        """The counts; None where upstream has to be asked what a folder shows.

        Raises:
            NotKept: The archive does not reach, and there is nobody to ask.
            UpstreamError: Upstream fails, or its answers do not settle.
            ArchiveError: The archive fails.
        """
        need = tally.conversations
        if self._views(need):
            return None
        counts = empty_counts(tally)
        with self._state(need, progress) as (snapshot, patch):
            for span in patch.held:
                add_interval(counts, tally, span, lambda part: self._index.count(snapshot, part))
            changed = patch.changed(snapshot)
            outdated = snapshot.rows_of(sorted(changed)) if changed else []
        for rows, sign in ((outdated, -1), (changed.values(), 1), (patch.beside, 1)):
            for row in rows:
                if _in_mailbox(row, need) and _in_folder(row, need) and tally.filter.matches(row):
                    counts.add(row.created, sign)
        return CountResult(counts.values, patch.as_of, patch.fresh_until)

    def list_items(self, menu: ListQuery) -> ListItems:
        """Bring the mailboxes, tags or folders that a menu shows; upstream's if it can be asked.

        Of an account that was closed they are the archive's.

        Raises:
            NotKept: It was never read, and there is nobody to ask.
        """
        with self._archive.reading() as snapshot:
            live = self._live_beside(snapshot)
            if live is None:
                items, seen = snapshot.menu(menu), snapshot.menu_seen(menu)
                missing = seen is None and not _is_no_mailbox(snapshot, menu)
        if live:
            return live.list_items(menu)
        if missing:
            raise NotCovered
        return ListItems(items, seen or 0, clock.elapsed())

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        """A few conversations in full, in the order of their ids given; gone ones left out.

        Where nobody can be asked, a slim archive gives them without texts and names.
        """
        with self._archive.reading() as snapshot:
            live = self._live_beside(snapshot)
            kept = self._fit_to_show(snapshot, ids)
        lacking = [each for each in ids if each not in kept]
        if live and lacking:
            kept |= {each.id: each for each in live.documents(lacking, progress)}
        return [kept[each] for each in ids if each in kept]

    def _fit_to_show(self, snapshot: Snapshot, ids: Sequence[int]) -> dict[int, Document]:
        """What the archive can show of some conversations, as true as what it counts."""
        if self._live_beside(snapshot) is None:
            return {each.id: each for each in snapshot.documents(ids)}
        young = intervals.usable(snapshot.coverage(), int(time.time()), self._ages)
        fit = [
            row.id
            for row in snapshot.rows_of(ids)
            if any(span.first <= row.created <= span.last for span, _ in young)
        ]
        kept = snapshot.raw_documents(fit)
        return {each.id: each for each in snapshot.documents(list(kept))}

    @contextmanager
    def _state(
        self, need: ConversationQuery, progress: Progress
    ) -> Iterator[tuple[Snapshot, Patch]]:
        """One committed state of the archive, and what has to be added to it."""
        with self._archive.reading() as snapshot:
            plan = self._planned(snapshot, need)
            if plan.whole:
                yield snapshot, local(plan)
                return
            alone = self._live_beside(snapshot) is None
        if alone or self._completing is None:
            raise NotCovered(plan.gaps, [span for span, _ in plan.covered])
        patch = self._completing.complete(plan, need, progress)
        with self._archive.reading() as snapshot:
            covered = [span for span, _ in snapshot.coverage()]
            if intervals.difference(patch.held, covered):
                raise InconsistentData(
                    "the archive was cut back while a question was answered from it"
                )
            yield snapshot, patch

    def _planned(self, snapshot: Snapshot, need: ConversationQuery) -> Plan:
        sealed = snapshot.sealed_at is not None
        ages = _ANY_AGE if sealed else self._ages
        return planned(snapshot.coverage(), need.created, int(time.time()), ages)

    def _views(self, need: ConversationQuery) -> LiveSource | None:
        """Whom to ask if the archive does not tell what the folders show; None if it does.

        Raises:
            NotKept: It does not, and there is nobody to ask.
        """
        if not need.folders:
            return None
        with self._archive.reading() as snapshot:
            others = need.folders - self._homes_in(snapshot)
            live = self._live_beside(snapshot)
        if others and live is None:
            raise NotCovered(folders=others)
        return live if others else None

    def _homes_in(self, snapshot: Snapshot) -> Set[int]:
        """The folders whose contents rows tell, looked up once for each version."""
        version, homes = self._homes
        if version != snapshot.version:
            homes = {folder for folder, type_ in snapshot.folders().items() if type_ in lists.HOMES}
            self._homes = snapshot.version, homes
        return homes

    def _live_beside(self, snapshot: Snapshot) -> LiveSource | None:
        """Whom to ask beside a state of the archive: nobody, once the account is closed."""
        return self._live if snapshot.sealed_at is None else None


def _is_no_mailbox(snapshot: Snapshot, menu: ListQuery) -> bool:
    """Whether a list is that of a mailbox which neither the archive's list nor its rows know."""
    if menu.kind != "folders":
        return False
    listed = snapshot.menu(ListQuery("mailboxes"))
    if listed is None or any(mailbox.id == menu.mailbox for mailbox in listed):
        return False
    return not queries.mailboxes(snapshot).get(menu.mailbox)


def _in_mailbox(row: Row, need: ConversationQuery) -> bool:
    return not need.mailboxes or row.mailbox in need.mailboxes


def _in_folder(row: Row, need: ConversationQuery) -> bool:
    return not need.folders or row.folder in need.folders
