"""The account's mailboxes and folders."""

from __future__ import annotations

from collections.abc import Iterator

from compat.v2.client import Client
from compat.v2.models import CatalogueAnswer, Folder, Mailbox


def mailboxes(client: Client) -> tuple[Mailbox, ...]:
    """All mailboxes that the application may see."""
    return tuple(row for page in _pages(client, "/mailboxes") for row in page.mailboxes)


def folders(client: Client, mailbox: int) -> tuple[Folder, ...]:
    """All folders of a mailbox, home folders and views alike."""
    pages = _pages(client, f"/mailboxes/{mailbox}/folders")
    return tuple(row for page in pages for row in page.folders)


def _pages(client: Client, path: str) -> Iterator[CatalogueAnswer]:
    number, last = 1, 1
    while number <= last:
        page = client.get(path, {"page": str(number)}, CatalogueAnswer).value
        yield page
        number, last = number + 1, page.page.total_pages
