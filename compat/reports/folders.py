"""`mailboxes/{id}/folders.json`: the folders of a mailbox."""

from __future__ import annotations

from typing import Final

from compat.config.conventions import Conventions
from compat.core.models import ListItem, ListItems, ListQuery
from compat.reports import list_page
from compat.v1.datetimes import from_epoch
from compat.v1.models import Envelope, FolderItem
from compat.v1.query import ListPageQuery

_OLD_TYPES: Final = {"mytickets": "mine", "needs_attn": "needsattention", "team": "mine"}
"""Folder types that were renamed in Mailbox API 2.0. A team's folder is `mine`: old clients reject
a type that they do not know, and the old API used teams wherever it used users."""


def required_data(query: ListPageQuery, _conventions: Conventions) -> ListQuery:
    """All folders of the mailbox."""
    return ListQuery("folders", query.mailbox)


def answer(
    query: ListPageQuery, found: ListItems, _conventions: Conventions
) -> Envelope[FolderItem]:
    """One page of them."""
    return list_page(query, found, _item)


def _item(item: ListItem) -> FolderItem:
    return FolderItem(
        id=item.id,
        name=item.name,
        type=_OLD_TYPES.get(item.type, item.type),
        userId=item.user,
        totalCount=item.total,
        activeCount=item.active,
        modifiedAt=from_epoch(item.modified),
    )
