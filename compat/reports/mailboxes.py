"""`mailboxes.json`: the account's mailboxes."""

from __future__ import annotations

from compat.conventions import Conventions
from compat.needs import Listed, Menu, MenuItem
from compat.reports.menu import page_of
from compat.v1.instants import from_epoch
from compat.v1.models import Envelope, MailboxItem
from compat.v1.query import MenuQuery


def needs(_query: MenuQuery, _conventions: Conventions) -> Menu:
    """All mailboxes."""
    return Menu("mailboxes")


def answer(query: MenuQuery, found: Listed, _conventions: Conventions) -> Envelope[MailboxItem]:
    """One page of them."""
    return page_of(query, found, _item)


def _item(item: MenuItem) -> MailboxItem:
    return MailboxItem(
        id=item.id,
        name=item.name,
        slug=item.slug,
        email=item.email,
        createdAt=from_epoch(item.created),
        modifiedAt=from_epoch(item.modified),
    )
