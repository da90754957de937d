"""Pages of the lists of mailboxes, folders and tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from compat.core.models import ListItem, ListItems
from compat.v1.errors import ItemNotFound
from compat.v1.models import Envelope, Item
from compat.v1.query import ListPageQuery

_ITEMS_PER_PAGE: Final = 50
"""From the vendor's page."""


def list_page(
    query: ListPageQuery, found: ListItems, item: Callable[[ListItem], Item]
) -> Envelope[Item]:
    """One page of a list; a page after the last one is empty.

    Raises:
        ItemNotFound: There is no such mailbox.
    """
    if found.items is None:
        raise ItemNotFound
    first = (query.page - 1) * _ITEMS_PER_PAGE
    return Envelope(
        page=query.page,
        pages=-(-len(found.items) // _ITEMS_PER_PAGE),
        count=len(found.items),
        items=tuple(map(item, found.items[first : first + _ITEMS_PER_PAGE])),
    )
