"""`tags.json`: the account's tags."""

from __future__ import annotations

from compat.conventions import Conventions
from compat.needs import Listed, Menu, MenuItem
from compat.reports.menu import page_of
from compat.v1.instants import from_epoch
from compat.v1.models import Envelope, TagItem
from compat.v1.query import MenuQuery


def needs(_query: MenuQuery, _conventions: Conventions) -> Menu:
    """All tags."""
    return Menu("tags")


def answer(query: MenuQuery, found: Listed, _conventions: Conventions) -> Envelope[TagItem]:
    """One page of them."""
    return page_of(query, found, _item)


def _item(item: MenuItem) -> TagItem:
    return TagItem(
        id=item.id,
        slug=item.slug,
        name=item.name,
        tag=item.name,
        count=item.total,
        color=item.color,
        createdAt=from_epoch(item.created),
        modifiedAt=from_epoch(item.modified),
    )
