"""Loads conversations from the local archive, completed from upstream where needed.

What the archive covers and is young enough comes from one committed state of it. What is covered
but too old is corrected by what was modified since. What is not covered is fetched. The answer is
as of the oldest of these.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from compat.archive.database import Archive
from compat.archive.errors import ArchiveError
from compat.archive.index import CountIndex
from compat.archive.reader import Snapshot
from compat.core import intervals
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.counting import BucketCounts, CountQuery, CountResult, Filter
from compat.core.intervals import Coverage, Interval, MaxAges
from compat.core.models import (
    ActivityQuery,
    ActivitySet,
    ConversationQuery,
    Document,
    ListItems,
    ListQuery,
    MissingTexts,
    NotCovered,
    Progress,
    RowSet,
    SourceStats,
    UnknownValue,
    in_order_of_creation,
)
from compat.sources.activity_merge import ActivityCompleter, Changes, knows_all_older
from compat.sources.archive_activity import KnownActivity, activity_query, obstacle
from compat.sources.archive_lists import stored_list
from compat.sources.live import LiveSource
from compat.sources.merge import Completer, Patch, ReadPlan, plan_read, unchanged
from compat.v2 import lists
from compat.v2.client import Client
from compat.v2.errors import InconsistentData

_ATTEMPTS: Final = 8
"""How often an archive that changes meanwhile is compared with upstream for one question."""

_ANY_AGE: Final = MaxAges(1 << 62, 1 << 62)


class ArchiveSource:
    """Loads and counts rows from an archive; safe to share between threads.

    Args:
        archive: The archive; closed with the source.
        live: Loads what the archive does not have; None to refuse such queries. Closed with the
            source.
        ages: How old rows of the archive may be. Not used without `live`: then any age will do.
    """

    def __init__(self, archive: Archive, live: LiveSource | None, ages: MaxAges) -> None:
        self._archive = archive
        self._index = CountIndex(archive)
        self._live = live
        self._ages = ages if live else _ANY_AGE
        self._homes: tuple[int, Set[int]] = (-1, frozenset())
        self._completer = Completer(archive, live, ages) if live else None
        self._activity_completer = ActivityCompleter(archive, live, ages) if live else None

    @property
    def client(self) -> Client:
        """The client of Mailbox API 2.0.

        Raises:
            AttributeError: There is none.
        """
        if self._live is None:
            raise AttributeError("client")
        return self._live.client

    @property
    def ready(self) -> bool:
        """False while upstream, if it is used, refuses the account's credentials."""
        return self._live is None or self._live.ready

    def seconds_for(self, pages: float, others: float = 0.0) -> float:
        """An estimate of the seconds in which so many more pages are fetched from upstream."""
        return self._live.seconds_for(pages, others) if self._live else 0.0

    def check(self) -> None:
        """Open the archive, and send one request to upstream if it is used.

        Raises:
            UpstreamError: Upstream does not answer, or refuses it.
            ArchiveError: The archive fails.
        """
        with self._archive.reading():
            pass
        if self._live:
            self._live.check()

    def stats(self) -> SourceStats:
        """Requests made, requests left, rows in memory, and as of when the archive is."""
        stats = self._live.stats() if self._live else SourceStats()
        archive, threads = self._as_of()
        return replace(
            stats,
            rows=stats.rows + self._index.rows_in_memory(),
            archive_as_of=archive,
            threads_as_of=threads,
        )

    def _as_of(self) -> tuple[int | None, int | None]:
        """As of when the newest conversations and the threads are, where the archive can tell."""
        try:
            with self._archive.reading() as snapshot:
                known = snapshot.coverage(), snapshot.activity_coverage()
        except ArchiveError:
            return None, None  # readiness and answers say what is wrong
        archive, threads = (covered[-1].as_of if covered else None for covered in known)
        return archive, threads

    def close(self) -> None:
        """Close the archive and all connections."""
        self._index.close()
        self._archive.close()
        if self._live:
            self._live.close()

    def rows(self, query: ConversationQuery, progress: Progress) -> RowSet:
        """The conversations that a query needs.

        Raises:
            NotCovered: The archive does not cover them, and upstream is not used.
            UpstreamError: Upstream fails, or its answers contradict each other.
            ArchiveError: The archive fails.
        """
        if live := self._live_for_views(query):
            return live.rows(query, progress)
        with self._state(query, progress) as (snapshot, patch):
            held = snapshot.rows(patch.held, mailboxes=query.mailboxes)
            changed = patch.changed(snapshot)
        rows = [row for row in held if row.id not in changed]
        rows = in_order_of_creation(filter(query.admits, (*rows, *changed.values(), *patch.beside)))
        return RowSet(rows, patch.as_of, patch.fresh_until, query.undecided(rows))

    def count(self, tally: CountQuery, progress: Progress) -> CountResult | None:
        """The counts; None if they need the rows.

        They do where only upstream knows what a folder shows, and where a conversation whose
        values are unknown in the archive was modified since.

        Raises:
            UnknownValue: The query filters by a value that is unknown.
            NotCovered: The archive does not cover them, and upstream is not used.
            UpstreamError: Upstream fails, or its answers contradict each other.
            ArchiveError: The archive fails.
        """
        query = tally.conversations
        if self._live_for_views(query):
            return None
        if tally.counted != "conversations":
            return self._count_in_threads(tally, progress)
        counts = BucketCounts(tally)
        with self._state(query, progress) as (snapshot, patch):
            changed = patch.changed(snapshot)
            try:
                for interval in patch.held:
                    counts.add_interval(interval, lambda part: self._index.count(snapshot, part))
            except UnknownValue:
                if changed:
                    return None
                raise
            outdated = snapshot.rows_by_id(sorted(changed))
        for rows, sign in ((outdated, -1), (changed.values(), 1), (patch.beside, 1)):
            for row in rows:
                if tally.matches(row):
                    counts.add_conversation(row.created, sign)
        return CountResult(counts.values, patch.as_of, patch.fresh_until)

    def activity(self, query: ActivityQuery, progress: Progress) -> ActivitySet:
        """Conversations with their threads: from the archive, completed from upstream if need be.

        Raises:
            NotCovered: The archive does not know all of that time, and upstream is not used.
            UpstreamError: Upstream fails, or its answers contradict each other.
            ArchiveError: The archive fails.
        """
        with self._known_activity(query, progress) as known:
            return known.activity(query, progress)

    def customers_helped(
        self, users: frozenset[int], which: Filter, progress: Progress, *, automatic_replies: bool
    ) -> int | None:
        """How many customers ever got a reply of one of some users, each counted once.

        Until now, or without upstream until when the archive knows all threads.

        Returns:
            The number; None if the archive does not know the threads of all time.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
            ArchiveError: The archive fails.
        """
        with self._archive.reading() as snapshot:
            known = snapshot.activity_coverage()
            is_alone = self._live_beside(snapshot) is None
        if not knows_all_older(known):
            return None
        last = known[0].interval.last if is_alone else int(time.time())
        ever = Interval(FIRST_SECOND, last)
        tally = CountQuery(
            ConversationQuery((ever,), spam="spam" not in which.excluded_statuses),
            which,
            ((FIRST_SECOND, LAST_SECOND + 1),),
            "ratings",
            users,
            automatic_replies,
        )
        with self._known_activity(activity_query(tally), progress) as found:
            return found.customers_helped(tally) if isinstance(found, KnownActivity) else None

    def list_items(self, query: ListQuery) -> ListItems:
        """A list, or one item of it: from upstream if it is used.

        An archive of a closed account has it itself.

        Raises:
            NotCovered: The list was never read, and upstream is not used.
        """
        with self._archive.reading() as snapshot:
            live = self._live_beside(snapshot)
            if live is None:
                return stored_list(snapshot, query)
        return live.list_items(query)

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        """A few complete conversations, in the order of the ids; deleted ones are left out.

        If upstream is not used, a slim archive has them without texts and names.
        """
        with self._archive.reading() as snapshot:
            live = self._live_beside(snapshot)
            kept = self._usable_documents(snapshot, ids)
        lacking = [each for each in ids if each not in kept]
        if live and lacking:
            kept |= {each.id: each for each in live.documents(lacking, progress)}
        return [kept[each] for each in ids if each in kept]

    def missing_texts(self) -> MissingTexts:
        """Those that a slim archive leaves out, as far as they are not fetched from upstream."""
        with self._archive.reading() as snapshot:
            alone = self._live_beside(snapshot) is None
            return MissingTexts(snapshot.slim and alone, snapshot.slim and snapshot.keeps_threads)

    def _usable_documents(self, snapshot: Snapshot, ids: Sequence[int]) -> dict[int, Document]:
        """The conversations that the archive has complete and young enough, by their ids."""
        if self._live_beside(snapshot) is None:
            return {each.id: each for each in snapshot.documents(ids)}
        young = intervals.usable(snapshot.coverage(), int(time.time()), self._ages)
        fit = [
            row.id
            for row in snapshot.rows_by_id(ids)
            if any(interval.first <= row.created <= interval.last for interval, _ in young)
        ]
        kept = snapshot.raw_documents(fit)
        return {each.id: each for each in snapshot.documents(list(kept))}

    @contextmanager
    def _state(
        self, query: ConversationQuery, progress: Progress
    ) -> Iterator[tuple[Snapshot, Patch]]:
        """A committed state of the archive, and the patch to apply to its rows."""
        with self._archive.reading() as snapshot:
            plan = self._plan(snapshot, snapshot.coverage(), query.created)
            if plan.whole:
                yield snapshot, unchanged(plan)
                return
            alone = self._live_beside(snapshot) is None
        if alone or self._completer is None:
            raise NotCovered(plan.gaps, [interval for interval, _ in plan.covered])
        for _ in range(_ATTEMPTS):
            patch = self._completer.complete(plan, query, progress)
            with self._archive.reading() as snapshot:
                covered = [interval for interval, _ in snapshot.coverage()]
                if intervals.difference(patch.held, covered):
                    raise InconsistentData(
                        "the archive was cut back while a question was answered from it"
                    )
                if self._completer.proves(patch, snapshot):
                    yield snapshot, patch
                    return
        raise InconsistentData("the archive changes faster than it can be compared with Help Scout")

    def _count_in_threads(self, tally: CountQuery, progress: Progress) -> CountResult | None:
        with self._known_activity(activity_query(tally), progress) as known:
            if not isinstance(known, KnownActivity):
                return None
            if tally.counted == "messages":
                return known.count_messages(tally)
            return known.count_ratings(tally)

    @contextmanager
    def _known_activity(
        self, query: ActivityQuery, progress: Progress
    ) -> Iterator[KnownActivity | LiveSource]:
        """What knows all conversations with their threads that a query needs."""
        rows = ConversationQuery(query.touched, query.mailboxes, query.folders)
        if live := self._live_for_views(rows):
            yield live
            return
        with self._archive.reading() as snapshot:
            known = snapshot.activity_coverage()
            plan = self._plan(snapshot, known, query.touched)
            if plan.whole:
                patch = unchanged(plan)
                yield KnownActivity(snapshot, Changes(), patch.as_of, patch.fresh_until)
                return
            live = self._live_beside(snapshot)
            reason = None if known else obstacle(snapshot)
            unread = [] if known else snapshot.unread_threads(1)
        if live is None or self._activity_completer is None:
            covered = [interval for interval, _ in plan.covered]
            raise NotCovered(
                plan.gaps, covered, obstacle=reason, unread=unread[0][0] if unread else 0
            )
        for _ in range(_ATTEMPTS):
            changed = self._activity_completer.complete(query, progress)
            if changed is None:
                break
            with self._archive.reading() as snapshot:
                if self._activity_completer.proves(changed, snapshot):
                    changes = changed.changes(snapshot)
                    yield KnownActivity(snapshot, changes, changed.as_of, changed.fresh_until)
                    return
        yield live

    def _plan(
        self, snapshot: Snapshot, covered: Sequence[Coverage], wanted: Iterable[Interval]
    ) -> ReadPlan:
        sealed = snapshot.sealed_at is not None
        ages = _ANY_AGE if sealed else self._ages
        return plan_read(covered, wanted, int(time.time()), ages)

    def _live_for_views(self, query: ConversationQuery) -> LiveSource | None:
        """The live source if the archive does not know what the folders show; else None.

        Raises:
            NotCovered: The archive does not know it, and upstream is not used.
        """
        if not query.folders:
            return None
        with self._archive.reading() as snapshot:
            others = query.folders - self._homes_in(snapshot)
            live = self._live_beside(snapshot)
        if others and live is None:
            raise NotCovered(folders=others)
        return live if others else None

    def _homes_in(self, snapshot: Snapshot) -> Set[int]:
        """The home folders, read once for each version of the archive."""
        version, homes = self._homes
        if version != snapshot.version:
            homes = {
                folder
                for folder, type_ in snapshot.folder_types().items()
                if type_ in lists.HOME_FOLDER_TYPES
            }
            self._homes = snapshot.version, homes
        return homes

    def _live_beside(self, snapshot: Snapshot) -> LiveSource | None:
        """The live source; None if it is not used or the account is closed."""
        return self._live if snapshot.sealed_at is None else None
