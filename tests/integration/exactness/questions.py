"""Questions drawn for an account: at the edges of what happened in it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from compat.simulator import Account
from tests.integration.exactness.oracle import HOMES, Asked

DAY = 86_400
NOBODY_KNOWS = 999_999
RULES: list[dict[str, frozenset[str]]] = [
    {},
    {},
    {"not_counted": frozenset()},
    {"not_counted": frozenset({"closed"}), "states": frozenset({"published", "draft"})},
]
"""Conventions about what counts: mostly the default ones."""


@st.composite
def ranges(draw: st.DrawFn, account: Account) -> tuple[int, int]:
    """A range that begins and ends in, before or after a second in which something happened."""
    created = sorted({row.created for row in account.conversations()})
    near = st.builds(int.__add__, st.sampled_from(created), st.sampled_from([0, -1, 1]))
    start = draw(near)
    lengths = st.sampled_from([0, 1, DAY - 1, DAY, 7 * DAY, 7 * DAY - 1, 31 * DAY, 59 * DAY])
    end = draw(st.one_of(near, lengths.map(lambda length: start + length), st.just(created[-1])))
    return min(start, end), max(start, end)


def some(values: list[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    """A few different ones of these."""
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True).map(tuple)


@st.composite
def filters(
    draw: st.DrawFn, account: Account, folders: st.SearchStrategy[tuple[int, ...]]
) -> dict[str, tuple[int | str, ...]]:
    """Any of the filters, each with a few values; ids that nobody knows among them."""
    mailboxes = [*(mailbox.id for mailbox in account.layout.mailboxes), NOBODY_KNOWS]
    tags = [1, 1, *(tag.id for tag in account.layout.tags[:5]), NOBODY_KNOWS]
    of = {
        "mailboxes": some(mailboxes),
        "tags": some(sorted(set(tags))),
        "types": some(["email", "chat", "phone"], 2),
        "folders": folders,
    }
    names = draw(st.lists(st.sampled_from(sorted(of)), max_size=2, unique=True))
    return {name: draw(of[name]) for name in names}


def any_folders(account: Account) -> st.SearchStrategy[tuple[int, ...]]:
    """Homes, views, and one that does not exist, in any mixture."""
    return some([*(folder.id for folder in account.layout.folders), NOBODY_KNOWS])


def homes(account: Account) -> st.SearchStrategy[tuple[int, ...]]:
    """Several homes."""
    return some([folder.id for folder in account.layout.folders if folder.type in HOMES], 6)


def homes_and_one_view(account: Account) -> st.SearchStrategy[tuple[int, ...]]:
    """Several homes, a single view, or both."""
    views = [folder.id for folder in account.layout.folders if folder.type not in HOMES]
    both = st.tuples(homes(account), some(views, 1)).map(lambda pair: pair[0] + pair[1])
    return st.one_of(homes(account), some(views, 1), both)


@st.composite
def questions(
    draw: st.DrawFn, account: Account, folders: st.SearchStrategy[tuple[int, ...]]
) -> Asked:
    """Any question about an account."""
    start, end = draw(ranges(account))
    return Asked(
        start,
        end,
        previous=draw(st.one_of(st.none(), ranges(account))),
        view_by=draw(st.sampled_from(["day", "week", "month", None])),
        filters=draw(filters(account, folders)),
        **draw(st.sampled_from(RULES)),
    )
