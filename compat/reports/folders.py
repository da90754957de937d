"""`mailboxes/{id}/folders.json`: the folders of a mailbox."""

from __future__ import annotations

from typing import Final

from compat.conventions import Conventions
from compat.needs import Listed, Menu, MenuItem
from compat.reports.menu import page_of
from compat.v1.instants import from_epoch
from compat.v1.models import Envelope, FolderItem
from compat.v1.query import MenuQuery

_OLD_TYPES: Final = {"mytickets": "mine", "needs_attn": "needsattention", "team": "mine"}
"""Types that have another name now; all others kept theirs. What belongs to a team was `mine` too:
the old clients refuse a type they do not know, and a team was somebody like a user."""


def needs(query: MenuQuery, _conventions: Conventions) -> Menu:
    """All folders of the mailbox."""
    return Menu("folders", query.mailbox)


def answer(query: MenuQuery, found: Listed, _conventions: Conventions) -> Envelope[FolderItem]:
    """One page of them."""
    return page_of(query, found, _item)


def _item(item: MenuItem) -> FolderItem:
    return FolderItem(
        id=item.id,
        name=item.name,
        type=_OLD_TYPES.get(item.type, item.type),
        userId=item.user,
        totalCount=item.total,
        activeCount=item.active,
        modifiedAt=from_epoch(item.modified),
    )
