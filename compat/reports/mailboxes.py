"""`mailboxes.json`: the account's mailboxes."""

from __future__ import annotations

from compat.config.conventions import Conventions
from compat.core.models import ListItem, ListItems, ListQuery
from compat.reports import list_page
from compat.v1.datetimes import from_epoch
from compat.v1.models import Envelope, MailboxItem
from compat.v1.query import ListPageQuery


def required_data(_query: ListPageQuery, _conventions: Conventions) -> ListQuery:
    """All mailboxes."""
    return ListQuery("mailboxes")


def answer(
    query: ListPageQuery, found: ListItems, _conventions: Conventions
) -> Envelope[MailboxItem]:
    """One page of them."""
    return list_page(query, found, _item)


def _item(item: ListItem) -> MailboxItem:
    return MailboxItem(
        id=item.id,
        slug=item.slug,
        name=item.name,
        email=item.email,
        createdAt=from_epoch(item.created),
        modifiedAt=from_epoch(item.modified),
    )
