"""Hypothesis strategies for accounts, conversations and old queries, at edges where bugs show.

Instants are ends of months and midnights, moved by whole buckets and then by one second at most.
Conversations and queries draw from the same instants, so that they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import permutations
from typing import Any, Final
from urllib.parse import quote, urlencode

from compat.config.conventions import ViewBy
from compat.core import buckets, calendar
from compat.extras import missing
from compat.parity.captures.models import OldQuestion
from compat.simulator import Account
from compat.simulator.layout import Layout
from compat.testing import REPORTS
from compat.v1.datetimes import format_epoch

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise missing("compat.testing", "hypothesis", "testing") from error

ANCHORS: Final = tuple(
    int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    for text in ("2015-01-01", "2015-01-31", "2016-02-29T13:30", "2014-12-31T23:59:59")
)
"""An ordinary day, and days from which wrong steps by month or year show; epoch seconds UTC."""

_UNITS: Final[tuple[ViewBy, ...]] = ("day", "week", "month")
_STEPS: Final = tuple((unit, steps) for steps in (0, 1, 3, 2) for unit in _UNITS)
_LENGTHS: Final = tuple((unit, steps) for steps in (1, 2, 3, 0) for unit in _UNITS)
"""Lengths of ranges in buckets. The smallest examples have the first one that fails."""

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
    """The properties of a conversation that are drawn; the simulator chooses all others.

    Attributes:
        created: The second of its creation, epoch UTC.
        mailbox: Its mailbox, as an index into those of the account.
        tags: Its tags, as indices into those of the account.
        assigned: Whether a user is assigned, which decides its folder.
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
    """One conversation; the simplest is published and active, without tags.

    Args:
        anchors: It is created near one of these seconds (epoch UTC), or some buckets later.
    """
    return _sketches(st.sampled_from(_moments(anchors)))


def accounts(most: int = 12) -> st.SearchStrategy[Account]:
    """A simulated account.

    Args:
        most: The largest number of conversations.
    """
    return st.lists(conversations(), max_size=most).map(account_of)


def account_of(sketches: Iterable[Sketch]) -> Account:
    """A simulated account with these conversations."""
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
    """The target of an old request about a drawn account, in the style of some client.

    Args:
        reports: The reports that it may ask for, some of `REPORTS`.
        refusals: Whether some are requests that the old API refused.
        anchors: Its ranges start near these seconds, epoch UTC.
    """
    questions = _questions(reports, anchors)
    return st.builds(lambda each, style: style(each), questions, _styles(refusals=refusals))


@dataclass(frozen=True)
class Case:
    """Conversations, and a query about an account with them."""

    sketches: tuple[Sketch, ...]
    query: str

    @property
    def account(self) -> Account:
        """The account; a new one each time, without earlier changes."""
        return account_of(self.sketches)

    def simpler(self) -> Iterator[Case]:
        """All cases with one conversation less, or with one simpler property of a conversation."""
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
    """An account and a query with conversations at the edges of its ranges.

    Args:
        draw: Given by hypothesis.
        most: The largest number of conversations.
        reports: The reports that the query may ask for, some of `REPORTS`.
        refusals: Whether some queries are ones that the old API refused.
    """
    anchors = (draw(st.sampled_from(ANCHORS)),)
    question = draw(_questions(reports, anchors))
    query = draw(_styles(refusals=refusals))(question)
    # Edges come first: when hypothesis shrinks the question, such a conversation moves with it.
    edges = [edge + beside for edge in question.edges for beside in (0, -1, 1)]
    created = st.sampled_from([*edges, *_moments(anchors)])
    return Case(tuple(draw(st.lists(_sketches(created), max_size=most))), query)


def _styles(*, refusals: bool) -> st.SearchStrategy[Callable[[OldQuestion], str]]:
    return st.sampled_from([*STYLES * 2, refused_query] if refusals else STYLES)


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
    """Anchors, instants some whole buckets later, and the seconds before and after each."""
    whole = [_later(anchor, *each) for each in _STEPS for anchor in anchors]
    return list(dict.fromkeys(moment + beside for beside in (0, -1, 1) for moment in whole))


@cache
def _ranges(anchors: tuple[int, ...]) -> list[tuple[int, int]]:
    """First and last seconds: whole numbers of buckets, a second less or more, or no length."""
    starts = [anchor + beside for beside in (0, -1, 1) for anchor in anchors]
    return list(
        dict.fromkeys(
            (start, max(start, _later(start, *each) + beside))
            for start in starts
            for beside in (0, -1, 1)
            for each in _LENGTHS
        )
    )


def _later(start: int, unit: ViewBy, steps: int) -> int:
    """The start of the bucket so many steps after the first."""
    far = start + (steps + 1) * 31 * calendar.DAY
    return buckets.starts(start, far, unit)[steps]


_HOUR: Final = 3600


def refused_query(question: OldQuestion) -> str:
    """A request that the old API refused; the question decides for which fault."""
    edges = (question.start, question.end, question.end + 1)
    first, last, after = map(format_epoch, edges)
    faults = (
        f"end={last}",
        f"start={first}",
        f"start={after}&end={last}",
        f"start={first}&end=2015-02-30",
        f"start={first}&end={last}&tags=1,x",
        f"start={first}&end={last}&types=fax",
    )
    return f"{question.path}?{faults[(question.start + question.end) % len(faults)]}"


def _percent_encoded(question: OldQuestion) -> str:
    return f"{question.path}?{urlencode(question.pairs(), quote_via=quote, safe='')}"


def _as_php(question: OldQuestion) -> str:
    items = [
        (f"{name}[{at}]", str(each))
        for name, many in question.filters.items()
        for at, each in enumerate(many)
    ]
    return f"{question.path}?{urlencode([*items, *question.scalars(_with_fraction)])}&"


def _with_repeated_names(question: OldQuestion) -> str:
    items = [(name, str(each)) for name, many in question.filters.items() for each in many]
    pairs = [*question.scalars(_one_hour_east), ("page", "1"), ("office_hours", ""), *items]
    return f"{question.path}?{urlencode(pairs)}"


def _without_zone(question: OldQuestion) -> str:
    pairs = [*question.lists(), *question.scalars(lambda second: format_epoch(second)[:-1])]
    return f"{question.path}?{urlencode(pairs, safe=':,')}"


def _with_fraction(second: int) -> str:
    return format_epoch(second)[:-1] + ".000Z"


def _one_hour_east(second: int) -> str:
    return format_epoch(second + _HOUR)[:-1] + "+01:00"


STYLES: Final = (
    OldQuestion.target,
    _percent_encoded,
    _as_php,
    _with_repeated_names,
    _without_zone,
)
"""How clients of the time wrote the same question, the plainest first."""
