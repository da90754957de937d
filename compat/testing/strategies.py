"""Accounts, conversations and old queries, drawn where implementations go wrong: at edges.

Instants are months' ends and midnights, moved by whole buckets and then by a second at most, and
conversations and queries draw from the same ones, so that they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import permutations
from typing import Any, Final

from compat.config.conventions import ViewBy
from compat.core import buckets, calendar
from compat.simulator import Account
from compat.simulator.layout import Layout
from compat.testing.queries import REPORTS, STYLES, OldQuestion, spoilt

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError(
        "compat.testing needs hypothesis: pip install 'helpscout-v1-compat[testing]'"
    ) from error

ANCHORS: Final = tuple(
    int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    for text in ("2015-01-01", "2015-01-31", "2016-02-29T13:30", "2014-12-31T23:59:59")
)
"""A plain day, and days from which months and years go wrong; epoch seconds UTC."""

_UNITS: Final[tuple[ViewBy, ...]] = ("day", "week", "month")
_STEPS: Final = tuple((unit, steps) for steps in (0, 1, 3, 2) for unit in _UNITS)
_LENGTHS: Final = tuple((unit, steps) for steps in (1, 2, 3, 0) for unit in _UNITS)
"""Of ranges, in buckets. What comes first is what smallest examples have, where it fails too."""

_UNKNOWN: Final = 999_999
_FEW: Final = 3
_KINDS: Final = (
    ("active", "published"),
    ("closed", "published"),
    ("spam", "published"),
    ("active", "draft"),
    ("pending", "published"),
    ("active", "hidden"),
)
_TYPES: Final = ("email", "chat", "phone")
_TAGS: Final = ((), (0,), (1,), (0, 1), (2,))


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is chosen of a conversation; all else about it is made up.

    Attributes:
        created: The second of its creation, epoch UTC.
        mailbox: Which of the account's mailboxes, from 0 on.
        tags: Which of its tags, likewise.
        assigned: Whether somebody is assigned, which decides about its home folder.
    """

    created: int
    status: str = "active"
    state: str = "published"
    type: str = "email"
    mailbox: int = 0
    tags: tuple[int, ...] = ()
    assigned: bool = False


@cache
def conversations(anchors: tuple[int, ...] = ANCHORS) -> st.SearchStrategy[Sketch]:
    """One conversation; the simplest is published and active, and without tags.

    Args:
        anchors: Seconds, epoch UTC, near which it was created, or some whole buckets later.
    """
    return _sketches(st.sampled_from(_moments(anchors)))


def accounts(most: int = 12) -> st.SearchStrategy[Account]:
    """A simulated account.

    Args:
        most: How many conversations it has at most.
    """
    return st.lists(conversations(), max_size=most).map(account_of)


def account_of(sketches: Iterable[Sketch]) -> Account:
    """The account in which these conversations, and no others, happened."""
    account = Account(clock=lambda: float(ANCHORS[0]))
    layout = account.layout
    for each in sketches:
        account.add(
            each.created,
            mailbox_id=layout.mailboxes[each.mailbox].id,
            tags=[layout.tags[at].id for at in each.tags],
            status=each.status,
            state=each.state,
            type=each.type,
            assignee_id=layout.users[0].id if each.assigned else 0,
        )
    return account


def old_queries(
    *,
    reports: tuple[str, ...] = REPORTS[:1],
    refusals: bool = True,
    anchors: tuple[int, ...] = ANCHORS,
) -> st.SearchStrategy[str]:
    """The target of an old request about a drawn account, spelled as one client or another did.

    Args:
        reports: Which of `REPORTS` it may ask for.
        refusals: Whether, now and then, it is one that the old API refused.
        anchors: Seconds, epoch UTC, near which its ranges begin.
    """
    asked = _questions(reports, anchors)
    return st.builds(lambda each, spell: spell(each), asked, _spellings(refusals=refusals))


@dataclass(frozen=True)
class Case:
    """Conversations, and a query about the account in which they happened."""

    sketches: tuple[Sketch, ...]
    query: str

    @property
    def account(self) -> Account:
        """The account; another one each time, so that nothing is left of changes to it."""
        return account_of(self.sketches)

    def simpler(self) -> Iterator[Case]:
        """Every case with one conversation less, then every one with one thing less about one."""
        for at, each in enumerate(self.sketches):
            yield self._with(at)
            plain = Sketch(each.created)
            for name in Sketch.__slots__:
                if getattr(each, name) != getattr(plain, name):
                    yield self._with(at, replace(each, **{name: getattr(plain, name)}))

    def _with(self, at: int, *instead: Sketch) -> Case:
        return Case((*self.sketches[:at], *instead, *self.sketches[at + 1 :]), self.query)


@st.composite
def cases(
    draw: st.DrawFn,
    most: int = 12,
    *,
    reports: tuple[str, ...] = REPORTS[:1],
    refusals: bool = True,
) -> Case:
    """An account and a query that meet at the same edges.

    Args:
        draw: Given by hypothesis.
        most: How many conversations there are at most.
        reports: Which of `REPORTS` the query may ask for.
        refusals: Whether, now and then, it is one that the old API refused.
    """
    anchors = (draw(st.sampled_from(ANCHORS)),)
    asked = draw(_questions(reports, anchors))
    query = draw(_spellings(refusals=refusals))(asked)
    # Edges of what is asked come first: a conversation there moves with it when it is shrunk.
    edges = [edge + off for edge in asked.edges for off in (0, -1, 1)]
    created = st.sampled_from([*edges, *_moments(anchors)])
    return Case(tuple(draw(st.lists(_sketches(created), max_size=most))), query)


def _spellings(*, refusals: bool) -> st.SearchStrategy[Callable[[OldQuestion], str]]:
    return st.sampled_from([*STYLES * 2, spoilt] if refusals else STYLES)


def _sketches(created: st.SearchStrategy[int]) -> st.SearchStrategy[Sketch]:
    return st.builds(
        lambda created, kind, *others: Sketch(created, *kind, *others),
        created,
        st.sampled_from(_KINDS),
        st.sampled_from(_TYPES),
        st.integers(0, _FEW - 1),
        st.sampled_from(_TAGS),
        st.booleans(),
    )


@cache
def _questions(
    reports: tuple[str, ...], anchors: tuple[int, ...]
) -> st.SearchStrategy[OldQuestion]:
    ranges = st.sampled_from(_ranges(anchors))
    return st.builds(
        lambda report, current, *others: OldQuestion(report, current[0], current[1], *others),
        st.sampled_from(reports),
        ranges,
        st.one_of(st.none(), ranges),
        st.sampled_from((None, *_UNITS)),
        _filters(),
    )


def _filters() -> st.SearchStrategy[dict[str, tuple[Any, ...]]]:
    layout = Layout()
    mailboxes = [mailbox.id for mailbox in layout.mailboxes[:_FEW]]
    tags = [tag.id for tag in layout.tags[:_FEW]]
    homes = [each.id for each in layout.folders_of(mailboxes[0]) if not each.user_id]
    return st.one_of(
        st.just({}),
        st.fixed_dictionaries(
            {},
            optional={
                "tags": _some([1, *tags, _UNKNOWN]),
                "types": _some(list(_TYPES)),
                "mailboxes": _some([*mailboxes, _UNKNOWN]),
                "folders": _some([*homes[2:], _UNKNOWN]),
            },
        ),
    )


def _some(values: list[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """One of these, or two in either order."""
    return st.sampled_from([*((each,) for each in values), *permutations(values, 2)])


@cache
def _moments(anchors: tuple[int, ...]) -> list[int]:
    """Anchors, what lies some whole buckets behind them, and the seconds beside all that."""
    whole = [_later(anchor, *each) for each in _STEPS for anchor in anchors]
    return list(dict.fromkeys(moment + off for off in (0, -1, 1) for moment in whole))


@cache
def _ranges(anchors: tuple[int, ...]) -> list[tuple[int, int]]:
    """First and last second: a whole number of buckets, a second beside one, or no length."""
    starts = [anchor + off for off in (0, -1, 1) for anchor in anchors]
    return list(
        dict.fromkeys(
            (start, max(start, _later(start, *each) + off))
            for start in starts
            for off in (0, -1, 1)
            for each in _LENGTHS
        )
    )


def _later(start: int, unit: ViewBy, steps: int) -> int:
    """The beginning of the bucket so many steps after the first."""
    far = start + (steps + 1) * 31 * calendar.DAY
    return buckets.starts(start, far, unit)[steps]
