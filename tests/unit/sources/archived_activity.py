"""An account, and an archive that knows all of its threads until some second."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import pairwise

from compat.archive.database import Archive
from compat.archive.records import LAYERS, THREADS_KNOWN, ConversationRecord, ShownThreads
from compat.archive.sync.queries import ALL_LISTS_SPAM
from compat.config.conventions import Conventions
from compat.core.calendar import FIRST_SECOND
from compat.core.counting import CountQuery, Filter, RatingCounts
from compat.core.intervals import Coverage, Interval, MaxAges
from compat.core.models import Activity, ActivityQuery, ConversationQuery
from compat.core.ratings import count_ratings
from compat.simulator import Account, Conversation
from compat.sources.archive import ArchiveSource
from tests.unit.sources.activity_scene import (
    AGES,
    Scene,
    expected_activity,
    touched,
    with_sorted_tags,
)

COUNTED = Filter(frozenset({"published"}), frozenset({"spam"}))


class Archived:
    """A scene with an archive.

    Attributes:
        scene: The account, which the source asks for what the archive does not know.
        archive: The archive.
        source: Answers from both.
    """

    def __init__(self, scene: Scene, archive: Archive, ages: MaxAges = AGES) -> None:
        self.scene = scene
        self.archive = archive
        self.source = ArchiveSource(archive, scene.source, ages)
        self.offline = ArchiveSource(archive, None, ages)

    @property
    def account(self) -> Account:
        return self.scene.account

    def now(self) -> int:
        return int(self.account.clock())

    def synchronise(self, *, threads: bool = True) -> None:
        """Write all that the account has, as a run does that nothing disturbs."""
        now = self.now()
        with self.archive.lock() as lock, self.archive.writing(lock) as writer:
            writer.keep_threads(kept=threads)
            writer.set_note(ALL_LISTS_SPAM, self.scene.simulator.behaviour.all_lists_spam)
            writer.save(self.records(now, lambda _: True))
            for layer in LAYERS:
                writer.add_coverage(layer, Coverage(Interval(FIRST_SECOND, now), now))
            writer.set_note(THREADS_KNOWN, now)

    def write(self, ids: Collection[int]) -> None:
        """Write some conversations as they are now, as a run does until it is complete."""
        now = self.now()
        with self.account.lock:
            rows = [self.account[id_] for id_ in ids]
            gone = {row.id for row in rows if not row.listed}
            holders = {row.id for row in map(self._holder, rows)}
            records = list(self.records(now, lambda row: row.id in holders))
        with self.archive.lock() as lock, self.archive.writing(lock) as writer:
            writer.save(records)
            writer.remove(gone, now)

    def records(
        self, seen: int, predicate: Callable[[Conversation], bool]
    ) -> Iterable[ConversationRecord]:
        """The listed conversations that fulfil a condition, with their threads."""
        for row, threads in self.account.histories():
            if predicate(row):
                yield _record(expected_activity(row, threads, self.account.layout), seen)

    def _holder(self, row: Conversation) -> Conversation:
        """The conversation that has the threads of this one now."""
        while row.merged_into is not None:
            row = self.account[row.merged_into]
        return row

    def found(
        self, query: ActivityQuery, source: ArchiveSource | None = None
    ) -> dict[int, Activity]:
        """The conversations of an answer that have a thread in its intervals, without spam."""
        answer = (source or self.source).activity(query, self.scene.progress)
        found = {each.row.id: with_sorted_tags(each) for each in answer.activities}
        assert len(found) == len(answer.activities)
        return {id_: each for id_, each in found.items() if _counts(each, query)}

    def expected(self, query: ActivityQuery) -> dict[int, Activity]:
        """The same, as a naive reading of the account finds it."""
        spans = query.touched
        return touched(self.account, spans, lambda row: row.status != "spam")

    def live(self, query: ActivityQuery) -> dict[int, Activity]:
        """The same, as it is loaded without an archive."""
        found = {id_: with_sorted_tags(each) for id_, each in self.scene.found(query).items()}
        return {id_: each for id_, each in found.items() if _counts(each, query)}

    def counted(self, span: Interval, days: int) -> list[list[int]] | None:
        """The messages of customers in parts of so many days."""
        result = self.source.count(count_query(span, days), self.scene.progress)
        return None if result is None else [list(each) for each in result.counts]

    def expected_counts(self, span: Interval, days: int) -> list[list[int]]:
        """The same, as a naive reading of the account finds it."""
        seconds = [
            each.created
            for row, threads in self.account.histories()
            if row.state == "published" and row.status != "spam"
            for each in threads
            if each.state == "published"
            and "imported" not in each.action
            and (
                each.type == "customer"
                or (each.by == "customer" and each.type in {"chat", "beaconchat", "phone"})
            )
        ]
        (edges,) = count_query(span, days).ranges
        return [
            [sum(first <= second < after for second in seconds) for first, after in pairwise(edges)]
        ]

    def users(self) -> list[int]:
        """The users who wrote a thread."""
        histories = self.account.histories()
        return sorted({each.author_id for _, own in histories for each in own if each.by == "user"})

    def of_users(self, query: ActivityQuery) -> dict[int, Activity]:
        """The conversations that a query for some users, or for ratings, finds; as expected."""
        return {
            id_: each for id_, each in self.expected(query).items() if _is_asked_for(each, query)
        }

    def ratings(
        self, span: Interval, users: frozenset[int], *, automatic_replies: bool
    ) -> RatingCounts | None:
        """How the replies of some users were rated."""
        query = CountQuery(
            ConversationQuery((span,)),
            COUNTED,
            ((span.first, span.last + 1),),
            "ratings",
            users,
            automatic_replies,
        )
        result = self.source.count(query, self.scene.progress)
        return None if result is None else RatingCounts(*result.counts[0])

    def expected_ratings(
        self, span: Interval, users: frozenset[int], *, automatic_replies: bool
    ) -> RatingCounts:
        """The same, by the rules for one conversation."""
        conventions = Conventions(automatic_replies_count=automatic_replies)
        found = self.expected(ActivityQuery((span,))).values()
        counted = (each for each in found if COUNTED.matches(each.row))
        return count_ratings(counted, span, conventions, users)


def count_query(span: Interval, days: int) -> CountQuery:
    """Messages in all mailboxes."""
    edges = (*range(span.first, span.last, days * 86_400), span.last + 1)
    return CountQuery(ConversationQuery((span,)), COUNTED, (edges,), "messages")


def _record(activity: Activity, seen: int) -> ConversationRecord:
    return ConversationRecord(
        activity.row,
        seen,
        closed=activity.closed,
        closed_by=activity.closed_by,
        number=activity.number,
        created_by=activity.created_by or activity.customer,
        by_user=int(activity.created_by > 0),
        customer=activity.customer,
        threads=len(activity.threads),
        shown=ShownThreads(activity.threads, complete=True, seen=seen, modified=True),
    )


def _counts(activity: Activity, query: ActivityQuery) -> bool:
    return activity.row.status != "spam" and any(
        span.first <= each.created <= span.last
        for each in activity.threads
        for span in query.touched
    )


def _is_asked_for(activity: Activity, query: ActivityQuery) -> bool:
    people = {activity.created_by, activity.closed_by}
    people |= {each.author for each in activity.threads if each.by == "user"}
    is_rated = any(
        each.rating and span.first <= each.created <= span.last
        for each in activity.threads
        for span in query.touched
    )
    return (not query.users or bool(people & query.users)) and (is_rated or not query.rated)
