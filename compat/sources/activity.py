"""Loads conversations with their threads from Mailbox API 2.0, and keeps them in a cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from compat.core.activity import takes_part
from compat.core.intervals import Interval, MaxAges
from compat.core.models import Activity, ActivityQuery, ActivitySet, Progress, Row
from compat.sources.activity_cache import ActivityCache, KeptThreads, Reading
from compat.sources.activity_reader import ActivityReader, HeldThreads
from compat.sources.folders import MOST_MAILBOXES_NAMED, Folders
from compat.sources.row_cache import Scope
from compat.sources.sightings import Sighting
from compat.v2.client import Client
from compat.v2.errors import RequestRefused
from compat.v2.search import Selection


@dataclass(frozen=True)
class ShownConversations:
    """Which conversations a question selects, apart from times, types and tags.

    Attributes:
        scope: Those of this scope.
        homes: Those in these home folders; all if None.
        ids: Those with these ids; all if None.
        undecided: Ids of which it is not certain, with the name of the field that is unknown.
    """

    scope: Scope = field(default_factory=Scope)
    homes: frozenset[int] | None = None
    ids: frozenset[int] | None = None
    undecided: Mapping[int, str] = field(default_factory=dict)

    def contain(self, row: Row) -> bool:
        """Whether a conversation is among them, or may be."""
        return (
            self.scope.contains(row)
            and (self.homes is None or row.folder is None or row.folder in self.homes)
            and (self.ids is None or row.id in self.ids)
        )

    def unknown_field(self, row: Row) -> str | None:
        """The field that is unknown if nobody can say whether they contain a conversation."""
        if self.scope.mailboxes and row.mailbox is None:
            return "mailbox"
        if self.homes is not None and row.folder is None:
            return "folder"
        return self.undecided.get(row.id)


class ActivityLoader:
    """Loads conversations with their threads; safe to share between threads.

    Args:
        client: The client of Mailbox API 2.0.
        folders: The folders of the account.
        ages: How old kept data may be.
        workers: How many requests of one query run at the same time.
        most: How many conversations and threads are kept, together.
    """

    def __init__(
        self, client: Client, folders: Folders, ages: MaxAges, *, workers: int, most: int
    ) -> None:
        self._client = client
        self._folders = folders
        self._ages = ages
        self._workers = workers
        self._cache = ActivityCache(ages, most)

    @property
    def conversation_count(self) -> int:
        """The number of conversations kept."""
        return self._cache.conversation_count

    def load(
        self, query: ActivityQuery, shown: ShownConversations, progress: Progress
    ) -> ActivitySet:
        """The conversations of a query.

        Args:
            query: The query; `shown` stands for its mailboxes and folders.
            shown: Which conversations it selects.
            progress: Counts conversations, and can cancel the work.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        threads = Interval(min(query.touched).first, max(each.last for each in query.touched))

        def is_needed(row: Row) -> bool:
            return shown.contain(row) and is_selected(row, query)

        loaded = self._kept(shown.scope, threads, is_needed)
        if loaded is None:
            with self._cache.loading(progress.check):
                loaded = self._kept(shown.scope, threads, is_needed)
                loaded = loaded or self._load(shown.scope, threads, is_needed, progress)
        found = [
            each.activity
            for each in loaded.sightings.values()
            if shown.contain(each.activity.row) and is_touched(each.activity, query)
        ]
        found.sort(key=lambda activity: activity.row[:2])
        undecided = {each.row.id: shown.unknown_field(each.row) for each in found}
        return ActivitySet(
            found,
            loaded.reading.as_of,
            loaded.reading.at + self._ages.recent,
            {id_: name for id_, name in undecided.items() if name},
        )

    def load_modified(
        self,
        since: int,
        is_needed: Callable[[Row], bool],
        progress: Progress,
        known: Mapping[int, Sighting],
        held: HeldThreads,
        *,
        spam: bool,
    ) -> tuple[dict[int, Sighting], int]:
        """All conversations modified since a second, spam included; they are not kept here.

        Args:
            since: The second, epoch UTC by upstream's clock.
            is_needed: Whether the threads of a conversation must be complete.
            progress: Counts conversations, and can cancel the work.
            known: What was seen before, by the id of the conversation.
            held: Other threads that were seen before.
            spam: Whether conversations marked as spam are needed.

        Returns:
            The conversations, by their ids; and when reading them began, epoch seconds by
            upstream's clock.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        reader = self._reader(Scope(spam=spam), is_needed, progress, known, held)
        as_of = reader.read_since(since, with_spam=True)
        there = reader.read & reader.sightings.keys()
        return {id_: reader.sightings[id_] for id_ in there}, as_of

    def _kept(
        self, scope: Scope, threads: Interval, is_needed: Callable[[Row], bool]
    ) -> KeptThreads | None:
        """What is kept, if it is complete and young enough."""
        kept = self._cache.find(scope, threads)
        if kept is None or kept.read_again_since is not None:
            return None
        incomplete = (each for each in kept.sightings.values() if not each.complete)
        return None if any(is_needed(each.activity.row) for each in incomplete) else kept

    def _load(
        self,
        scope: Scope,
        threads: Interval,
        is_needed: Callable[[Row], bool],
        progress: Progress,
    ) -> KeptThreads:
        kept = self._cache.find(scope, threads)
        if kept is None:
            return self._load_whole(scope, threads.first, is_needed, progress)
        known = self._cache.sightings()
        reader = self._reader(Scope(spam=scope.spam), is_needed, progress, known)
        if kept.read_again_since is None:
            # Only threads of conversations that earlier questions left out are missing.
            reader.complete()
            return kept._replace(sightings=self._cache.put_completed(reader.sightings))
        started, since = self._cache.elapsed(), kept.read_again_since
        reading = Reading(reader.read_since(since, with_spam=True), started)
        reader.look_up(self._cache.unlisted(Scope(spam=True), since, reading, reader.read))
        sightings = self._cache.put_changes(since, reading, reader.sightings, reader.read)
        return KeptThreads(sightings, reading, None)

    def _load_whole(
        self,
        scope: Scope,
        since: int,
        is_needed: Callable[[Row], bool],
        progress: Progress,
    ) -> KeptThreads:
        started = self._cache.elapsed()
        reader = self._reader(scope, is_needed, progress, {}, self._cache.threads_of)
        try:
            as_of = reader.read_since(since, with_spam=scope.spam)
        except RequestRefused as refusal:
            existing = self._folders.existing_of_refused(scope.mailboxes, refusal)
            as_of = refusal.requested_at
            if existing:
                reader = self._reader(
                    Scope(existing, scope.spam), is_needed, progress, {}, self._cache.threads_of
                )
                as_of = reader.read_since(since, with_spam=scope.spam)
        reading = Reading(as_of, started)
        reader.look_up(self._cache.unlisted(scope, since, reading, reader.read))
        sightings = self._cache.put_whole(scope, since, reading, reader.sightings, reader.read)
        return KeptThreads(sightings, reading, None)

    def _reader(
        self,
        scope: Scope,
        is_needed: Callable[[Row], bool],
        progress: Progress,
        known: Mapping[int, Sighting],
        held: HeldThreads = lambda _: {},
    ) -> ActivityReader:
        # Where the list of mailboxes is too long for a URL, the payloads decide alone.
        named = scope.mailboxes if len(scope.mailboxes) <= MOST_MAILBOXES_NAMED else ()
        return ActivityReader(
            self._client,
            Selection(tuple(sorted(named))),
            is_needed,
            progress,
            workers=self._workers,
            known=known,
            spam=scope.spam,
            held=held,
        )


def is_selected(row: Row, query: ActivityQuery) -> bool:
    """Whether a conversation counts, and has one of the types and tags of a query, or may have."""
    has_type = not query.types or row.type is None or row.type in query.types
    has_tag = not query.tags or row.tags is None or not query.tags.isdisjoint(row.tags)
    return (query.spam or row.status != "spam") and has_type and has_tag


def is_touched(activity: Activity, query: ActivityQuery) -> bool:
    """Whether one of its threads is in the intervals of a query, or it began or ended there.

    If the query names users, one of them must have taken part, at any time, or nobody knows that.
    If it asks for ratings, one of those threads must be rated.
    """
    if query.users and not takes_part(activity, query.users):
        return False
    if query.rated:
        instants = {each.created for each in activity.threads if each.rating}
    else:
        instants = {activity.row.created, *(each.created for each in activity.threads)}
        if activity.closed is not None:
            instants.add(activity.closed)
    return any(first <= at <= last for first, last in query.touched for at in instants)
