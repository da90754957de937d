"""Random conversations with threads of a few people, and a way to store them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from compat.archive.database import Archive
from compat.archive.records import ConversationRecord, ShownThreads
from compat.core.counting import CountQuery
from compat.core.intervals import Interval
from compat.core.models import UNKNOWN_RATING, Activity, ConversationQuery, Rating, Thread
from tests.unit.archive.count_queries import filters, rows
from tests.unit.archive.samples import CREATED

USERS = (1, 2, 3)
CUSTOMERS = (0, 91, 92, 93, -7)
"""0 is nobody; a negative one was erased."""
SPANS = (Interval(CREATED, CREATED + 14), Interval(CREATED + 10, CREATED + 29))
_TYPES = ("customer", "message", "message", "message", "chat", "beaconchat", "phone", "note")
_STATES = ("published", "published", "published", "draft", "hidden", "review")
_ACTIONS = ("default", "default", "default", "imported", "importedExternal", "manual-workflow")
_IDS = range(100, 105)

ratings = st.tuples(st.integers(1, 3), st.sampled_from(CUSTOMERS)).map(lambda each: Rating(*each))
any_ratings = ratings | st.just(Rating(UNKNOWN_RATING))


@st.composite
def _threads(draw: st.DrawFn, id_: int, *, unknown: bool) -> Thread:
    nothing = [""] if unknown else []
    return Thread(
        CREATED + draw(st.integers(-5, 35)),
        id_,
        draw(st.sampled_from((*_TYPES, *nothing))),
        draw(st.sampled_from((*_STATES, *nothing))),
        by=draw(st.sampled_from(["customer", "user", "user", *nothing])),
        author=draw(st.sampled_from([0, *USERS])),
        customer=draw(st.sampled_from(CUSTOMERS)),
        action=draw(st.sampled_from(_ACTIONS)),
        source=draw(st.sampled_from(["email", "email", "workflows"])),
        rating=draw(st.none() | (any_ratings if unknown else ratings)),
    )


@st.composite
def activities(draw: st.DrawFn, *, unknown: bool = False) -> list[Activity]:
    """Conversations; with unknown values in them if so wished."""
    found = []
    for number, id_ in enumerate(_IDS[: draw(st.integers(0, 4))]):
        row = draw(rows(CREATED + draw(st.integers(-50, 30)), id_))
        fields: dict[str, Any] = {}
        if unknown:
            names = st.sampled_from(["mailbox", "folder", "type", "tags"])
            fields = dict.fromkeys(draw(st.sets(names, max_size=1)))
        ids = range(10 * number, 10 * number + draw(st.integers(0, 5)))
        own = sorted(draw(_threads(id_, unknown=unknown)) for id_ in ids)
        closed = draw(st.none() | st.integers(CREATED - 5, CREATED + 35))
        people = {
            name: draw(st.sampled_from([0, 0, *USERS])) for name in ("created_by", "closed_by")
        }
        customer = draw(st.sampled_from(CUSTOMERS))
        found.append(
            Activity(
                row._replace(**fields), tuple(own), customer, closed=closed, number=number, **people
            )
        )
    return found


@st.composite
def rating_queries(draw: st.DrawFn, which: Sequence[Interval] = SPANS) -> CountQuery:
    """Any question about ratings in some ranges."""
    needed = ConversationQuery(
        tuple(which),
        draw(st.sampled_from([frozenset(), frozenset({1}), frozenset({2, 9})])),
        draw(st.sampled_from([frozenset(), frozenset({10, 21})])),
    )
    return CountQuery(
        needed,
        draw(filters()),
        tuple((first, last + 1) for first, last in which),
        "ratings",
        draw(st.frozensets(st.sampled_from(USERS), max_size=2)),
        draw(st.booleans()),
    )


def refill(archive: Archive, held: Iterable[Activity]) -> None:
    """Put these conversations in place of all others that were drawn."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
        writer.remove(_IDS, 0)
        writer.save(
            ConversationRecord(
                each.row,
                0,
                closed=each.closed,
                closed_by=each.closed_by,
                number=each.number,
                created_by=each.created_by or each.customer,
                by_user=int(each.created_by > 0),
                customer=each.customer,
                shown=ShownThreads(each.threads, complete=True, seen=0),
            )
            for each in held
        )
