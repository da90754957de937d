"""`tags.json`: the account's tags."""

from __future__ import annotations

from compat.config.conventions import Conventions
from compat.core.models import ListItem, ListItems, ListQuery
from compat.reports import list_page
from compat.v1.datetimes import from_epoch
from compat.v1.models import Envelope, TagItem
from compat.v1.query import ListPageQuery


def required_data(_query: ListPageQuery, _conventions: Conventions) -> ListQuery:
    """All tags."""
    return ListQuery("tags")


def answer(query: ListPageQuery, found: ListItems, _conventions: Conventions) -> Envelope[TagItem]:
    """One page of them."""
    return list_page(query, found, _item)


def _item(item: ListItem) -> TagItem:
    return TagItem(
        id=item.id,
        slug=item.slug,
        tag=item.name,
        count=item.total,
        color=item.color,
        createdAt=from_epoch(item.created),
        modifiedAt=from_epoch(item.modified),
        name=item.name,
    )
