"""The account's mailboxes, folders and tags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from compat.v2.client import Answer, Client
from compat.v2.errors import AccessRefused, Redirected, RequestRefused
from compat.v2.models import CatalogueAnswer, Conversation, ConversationDocument, ListEntry

HOMES: Final = frozenset({"open", "assigned", "closed", "spam", "drafts"})
"""The types of the folders that conversations are at home in; all others are views."""


@dataclass(frozen=True)
class Catalogue:
    """All entries of a list, and when the first of its pages was asked for (epoch seconds)."""

    rows: tuple[ListEntry, ...]
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
    rows: dict[int, ListEntry] = {}
    began: list[int] = []
    number, last = 1, 1
    while number <= last:
        answer = client.get(path, {"page": str(number)}, CatalogueAnswer)
        rows |= {row.id: row for row in answer.value.rows}
        began.append(answer.asked_at)
        number, last = number + 1, answer.value.page.total_pages
    return Catalogue(tuple(rows.values()), began[0])


C = TypeVar("C", bound=Conversation | ConversationDocument)

Why = Literal["merged", "deleted", "hidden"]

_MERGED: Final = 301
_HIDDEN: Final = 403
_GONE: Final = 404
_DELETED: Final = "deleted"
_INTO: Final = re.compile(r"/conversations/([0-9]{1,18})/?(?:[?#].*)?\Z")


@dataclass(frozen=True)
class Gone:
    """A conversation or a mailbox that is not shown any more.

    Attributes:
        why: `merged` into another, `deleted`, or `hidden` from the application's user.
        asked_at: When it was asked for, epoch seconds by upstream's clock.
        into: What it was merged into; 0 if it was not.
    """

    why: Why
    asked_at: int
    into: int = 0


def look_up(client: Client, conversation: int, model: type[C]) -> Answer[C] | Gone:
    """One conversation as it is now, or why it is not there.

    Args:
        client: The line to upstream.
        conversation: Its id.
        model: How it is read.

    Raises:
        UpstreamError: Upstream fails, or redirects to something that is no conversation.
    """
    try:
        found = client.get(f"/conversations/{conversation}", {}, model)
    except Redirected as moved:
        # A proxy's page for signing in is no conversation: such a redirect says nothing.
        into = _INTO.search(moved.location)
        if moved.status != _MERGED or into is None:
            raise
        return Gone("merged", moved.asked_at, int(into[1]))
    except (RequestRefused, AccessRefused) as refusal:
        return _gone(refusal)
    if found.value.state == _DELETED:
        return Gone("deleted", found.asked_at)
    return found


def look_up_mailbox(client: Client, mailbox: int) -> Answer[ListEntry] | Gone:
    """One mailbox as it is now, or why it is not shown: `deleted` or `hidden`.

    Args:
        client: The line to upstream.
        mailbox: Its id.

    Raises:
        UpstreamError: Upstream fails, which says nothing about the mailbox.
    """
    try:
        return client.get(f"/mailboxes/{mailbox}", {}, ListEntry)
    except (RequestRefused, AccessRefused) as refusal:
        return _gone(refusal)


def _gone(refusal: RequestRefused | AccessRefused) -> Gone:
    """What a refusal means; one that means nothing is raised again."""
    if refusal.status not in {_GONE, _HIDDEN}:
        raise refusal
    return Gone("deleted" if refusal.status == _GONE else "hidden", refusal.asked_at)
