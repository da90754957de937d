"""Random queries to count, and a slow and obvious way to count them.

The rules of what counts stand here once more on purpose: this is the oracle for the database and
for the index in memory.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from compat.core.counting import UNTAGGED, CountQuery, Filter
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Row
from tests.strategies import Case, cases, previous_ranges
from tests.unit.core import naive

STATES = ("published", "draft", "hidden", "unheard-of")
STATUSES = ("active", "pending", "closed", "spam", "unheard-of")
TYPES = ("email", "chat", "phone")
TAGS = (3, 4, 5, 1_000_000_007)


@st.composite
def rows(draw: st.DrawFn, created: int, id_: int) -> Row:
    """A conversation created in that second; most of them count."""
    mailbox = draw(st.sampled_from([1, 1, 2]))
    return Row(
        created,
        id_,
        mailbox,
        10 * mailbox + draw(st.sampled_from([0, 0, 1])),
        draw(st.sampled_from(TYPES)),
        draw(st.sampled_from(STATUSES)),
        draw(st.sampled_from([*["published"] * 4, *STATES])),
        draw(st.sampled_from([(), (3,), (4, 3), (5,), (3, 4, 5), TAGS])),
    )


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    """Any filter that a query and the conventions can produce."""
    tags = draw(st.frozensets(st.sampled_from([*TAGS, UNTAGGED, 6]), max_size=3))
    return Filter(
        states=draw(st.sampled_from([frozenset({"published"}), frozenset(STATES[:3])])),
        excluded_statuses=draw(
            st.sampled_from([frozenset({"spam"}), frozenset(), frozenset(STATUSES[:2])])
        ),
        types=draw(st.sampled_from([frozenset(), frozenset({"email"}), frozenset(TYPES[1:])])),
        tags=tags,
        all_tags=draw(st.booleans()),
    )


@st.composite
def count_cases(
    draw: st.DrawFn, *, unknown: bool = False
) -> tuple[list[Row], CountQuery, list[list[int]] | None]:
    """Rows, a query, and its counts; None if unknown values decide about them.

    Args:
        draw: Draws.
        unknown: Whether values of some rows are unknown.
    """
    case = draw(cases())
    kept = [draw(rows(created, 100 + at)) for at, created in enumerate(case.instants)]
    if unknown:
        kept = [draw(_with_unknown(row)) for row in kept]
    which = draw(filters())
    need: dict[str, Any] = {
        "mailboxes": draw(st.sampled_from([frozenset(), frozenset({1}), frozenset({2, 9})])),
        "folders": draw(st.sampled_from([frozenset(), frozenset({10, 21}), frozenset({11})])),
    }
    spans = [(case.start, case.end), *draw(st.lists(previous_ranges(case), max_size=1))]
    verdicts = [(row.created, _counts(row, which, **need)) for row in kept]
    counted = [created for created, verdict in verdicts if verdict]
    query = CountQuery(
        ConversationQuery(tuple(Interval(*span) for span in spans), **need),
        which,
        tuple(_edges(*span, case) for span in spans),
    )
    open_questions = [created for created, verdict in verdicts if verdict is None]
    if any(map(sum, (_naive(open_questions, *span, case) for span in spans))):
        return kept, query, None
    return kept, query, [_naive(counted, *span, case) for span in spans]


@st.composite
def _with_unknown(draw: st.DrawFn, row: Row) -> Row:
    fields = draw(st.sets(st.sampled_from(["mailbox", "folder", "type", "tags"]), max_size=2))
    unknown: dict[str, Any] = dict.fromkeys(fields)
    return row._replace(**unknown)


def _edges(first: int, last: int, case: Case) -> tuple[int, ...]:
    starts = naive.starts(first, last, case.view_by, case.month_step)
    return (*starts, last + 1 if case.end_included else last)


def _naive(created: list[int], first: int, last: int, case: Case) -> list[int]:
    starts = naive.starts(first, last, case.view_by, case.month_step)
    return naive.count(created, starts, last, case.end_included)


def _counts(
    row: Row, which: Filter, mailboxes: frozenset[int], folders: frozenset[int]
) -> bool | None:
    """Whether a conversation counts, rule by rule; None if that depends on an unknown value."""
    if row.state not in which.states or row.status in which.excluded_statuses:
        return False
    verdicts = [
        _is_one_of(row.type, which.types),
        _is_one_of(row.mailbox, mailboxes),
        _is_one_of(row.folder, folders),
        _has_tags(row.tags, which),
    ]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _is_one_of(value: int | str | None, chosen: frozenset[Any]) -> bool | None:
    if not chosen:
        return True
    return None if value is None else value in chosen


def _has_tags(tags: tuple[int, ...] | None, which: Filter) -> bool | None:
    if not which.tags:
        return True
    if tags is None:
        return None
    has = [(tag == UNTAGGED and tags == ()) or tag in tags for tag in which.tags]
    return False not in has if which.all_tags else True in has
