"""The account's mailboxes, folders and tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from compat.v2.client import Client
from compat.v2.models import CatalogueAnswer, Listed

HOMES: Final = frozenset({"open", "assigned", "closed", "spam", "drafts"})
"""The types of the folders that conversations are at home in; all others are views."""


@dataclass(frozen=True)
class Catalogue:
    """All entries of a list, and when the first of its pages was asked for (epoch seconds)."""

    rows: tuple[Listed, ...]
    asked_at: int


def mailboxes(client: Client) -> Catalogue:
    """All mailboxes that the application may see."""
    return _all(client, "/mailboxes")


def folders(client: Client, mailbox: int) -> Catalogue:
    """All folders of a mailbox, home folders and views alike.

    Raises:
        RequestRefused: There is no such mailbox; status 404.
    """
    return _all(client, f"/mailboxes/{mailbox}/folders")


def tags(client: Client) -> Catalogue:
    """All tags of the account."""
    return _all(client, "/tags")


def _all(client: Client, path: str) -> Catalogue:
    rows: dict[int, Listed] = {}
    began: list[int] = []
    number, last = 1, 1
    while number <= last:
        answer = client.get(path, {"page": str(number)}, CatalogueAnswer)
        rows |= {row.id: row for row in answer.value.rows}
        began.append(answer.asked_at)
        number, last = number + 1, answer.value.page.total_pages
    return Catalogue(tuple(rows.values()), began[0])
