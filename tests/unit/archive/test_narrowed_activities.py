"""Conversations of some users, and rated ones, are chosen in the database."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compat.archive.database import Archive
from compat.core.intervals import Interval
from compat.core.models import Activity, Rating, Row, Thread
from tests.unit.archive.drawn_activities import SPANS, USERS, activities, refill
from tests.unit.archive.samples import CREATED

EXAMPLES = settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@EXAMPLES
@given(
    held=activities(unknown=True),
    spans=st.lists(st.sampled_from(SPANS), max_size=2),
    users=st.frozensets(st.sampled_from(USERS), max_size=2),
    rated=st.booleans(),
    needed=st.sets(st.integers(100, 104)),
)
def test_the_database_chooses_the_conversations_that_a_loop_chooses(  # noqa: PLR0917
    archive: Archive,
    held: list[Activity],
    spans: list[Interval],
    users: frozenset[int],
    rated: bool,
    needed: set[int],
) -> None:
    refill(archive, held)
    chosen = [
        each
        for each in held
        if each.row.id in needed
        and happened(each, spans, rated=rated)
        and (not users or users & people(each) or may_be_anybodys(each))
    ]
    with archive.reading() as snapshot:
        found = snapshot.activities(
            spans, users, rated=rated, is_needed=lambda row: row.id in needed
        )
    assert found == chosen


@EXAMPLES
@given(held=activities(unknown=True), ids=st.sets(st.integers(100, 104)))
def test_conversations_come_by_their_ids_with_all_their_threads(
    archive: Archive, held: list[Activity], ids: set[int]
) -> None:
    refill(archive, held)
    with archive.reading() as snapshot:
        assert snapshot.activities_by_id(ids) == [each for each in held if each.row.id in ids]


def test_what_was_rated_outside_the_intervals_is_not_among_the_rated(archive: Archive) -> None:
    row = Row(CREATED, 100, 1, 11, "email", "active", "published", ())
    rated = Thread(CREATED + 9, 1, "message", by="user", author=1, rating=Rating(1, 91))
    refill(archive, [Activity(row, (rated,))])
    with archive.reading() as snapshot:
        for last, found in ((8, 0), (9, 1)):
            within = [Interval(CREATED, CREATED + last)]
            assert len(snapshot.activities(within, rated=True)) == found
            assert len(snapshot.activities(within)) == 1


def test_of_some_users_are_the_conversations_in_which_they_take_part(archive: Archive) -> None:
    rows = [Row(CREATED, id_, 1, 11, "email", "active", "published", ()) for id_ in (100, 101)]
    note = Thread(CREATED + 9, 1, "note", by="user", author=2)
    held = [Activity(rows[0], (note,)), Activity(rows[1], (), created_by=1)]
    refill(archive, held)
    with archive.reading() as snapshot:
        for users, found in (((), held), ({2}, held[:1]), ({1}, held[1:]), ({3}, [])):
            assert snapshot.activities([Interval(CREATED, CREATED + 9)], users) == found


def happened(activity: Activity, spans: list[Interval], *, rated: bool) -> bool:
    """Whether a thread is in one of the intervals, or the beginning, or the end; or a rating."""
    instants = [each.created for each in activity.threads if each.rating or not rated]
    if not rated:
        instants += [activity.row.created, activity.closed or 0]
    return any(span.first <= at <= span.last for span in spans for at in instants)


def people(activity: Activity) -> set[int]:
    """The users who began a conversation, wrote in it, or last closed it."""
    return {
        activity.created_by,
        activity.closed_by,
        *(each.author for each in activity.threads if each.by == "user"),
    }


def may_be_anybodys(activity: Activity) -> bool:
    """Whether a chat, or what may be one, does not show who wrote in it."""
    return any(not each.by and each.type in {"chat", "beaconchat", ""} for each in activity.threads)
