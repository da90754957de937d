"""Lists of mailboxes, folders, tags, users and teams, and single things by their ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeVar

from compat.v2.client import ApiResponse, Client
from compat.v2.errors import AccessRefused, InconsistentData, Redirected, RequestRefused
from compat.v2.models import (
    Conversation,
    ConversationDocument,
    ListEntry,
    ListPage,
    fault_of_page,
    hides_rows,
)

HOME_FOLDER_TYPES: Final = frozenset({"open", "assigned", "closed", "spam", "drafts"})
"""The types of folders that a conversation's `folderId` names; all other folders are views."""

_READINGS: Final = 3
"""How often a list is read that changes from page to page."""

_MERGES: Final = 1_000
"""How many merges, one after the other, are followed."""

_MERGED: Final = 301
_HIDDEN: Final = 403
_NOT_FOUND: Final = 404
_DELETED: Final = "deleted"
_MERGED_INTO: Final = re.compile(r"/conversations/([0-9]{1,18})(?:/threads)?/?(?:[?#].*)?\Z")

C = TypeVar("C", bound=Conversation | ConversationDocument)

MissingReason = Literal["merged", "deleted", "hidden"]


@dataclass(frozen=True)
class EntryList:
    """All entries of a list.

    Attributes:
        rows: The entries.
        requested_at: When its first page was requested, epoch seconds by upstream's clock.
    """

    rows: tuple[ListEntry, ...]
    requested_at: int


def mailboxes(client: Client) -> EntryList:
    """All mailboxes that the application may see."""
    return all_entries(client, "/mailboxes")


def folders(client: Client, mailbox: int) -> EntryList:
    """All folders of a mailbox, home folders and views.

    Raises:
        RequestRefused: There is no such mailbox; status 404.
    """
    return all_entries(client, f"/mailboxes/{mailbox}/folders")


def all_entries(client: Client, path: str, filters: Mapping[str, str] | None = None) -> EntryList:
    """All pages of a list.

    Args:
        client: The API client.
        path: The path of the list, such as `/tags`.
        filters: Further parameters of each request.

    Raises:
        InconsistentData: The list contradicts its total, or keeps changing.
        UpstreamError: Upstream fails.
    """
    for _ in range(_READINGS):
        pages = _read_pages(client, path, filters or {})
        ids = [[row.id for row in page.value.rows] for page in pages]
        if not hides_rows(ids, pages[-1].value.page):
            rows = {row.id: row for page in pages for row in page.value.rows}
            return EntryList(tuple(rows.values()), pages[0].requested_at)
    raise InconsistentData(f"the pages of the list {path} repeat entries, and lack others")


def _read_pages(
    client: Client, path: str, filters: Mapping[str, str]
) -> list[ApiResponse[ListPage]]:
    """One reading of a list."""
    pages: list[ApiResponse[ListPage]] = []
    last = 1
    while len(pages) < last:
        number = len(pages) + 1
        params = {**filters, "page": str(number)}
        pages.append(client.get(path, params, ListPage, check=partial(_check_list, path, number)))
        last = pages[-1].value.total_pages
    return pages


def _check_list(path: str, number: int, found: ListPage) -> None:
    if fault := fault_of_page(number, found.embedded, found.page, len(found.rows)):
        raise InconsistentData(f"a page of the list {path} {fault}")


@dataclass(frozen=True)
class Missing:
    """A conversation or a mailbox that upstream does not show.

    Attributes:
        reason: `merged` into another, `deleted`, or `hidden` from the application's user.
        requested_at: When it was requested, epoch seconds by upstream's clock.
        merged_into: The id of the conversation it was merged into; 0 if it was not.
    """

    reason: MissingReason
    requested_at: int
    merged_into: int = 0


def get_conversation(
    client: Client, conversation: int, model: type[C], *, threads: bool = False
) -> ApiResponse[C] | Missing:
    """One conversation as it is now, or why it is missing.

    Args:
        client: The API client.
        conversation: Its id.
        model: The model of a conversation.
        threads: Whether it is shown with its threads.

    Raises:
        UpstreamError: Upstream fails, or redirects to something that is no conversation.
    """
    params = {"embed": "threads"} if threads else {}
    try:
        found = client.get(f"/conversations/{conversation}", params, model)
    except (Redirected, RequestRefused, AccessRefused) as refusal:
        return missing(refusal)
    if found.value.state == _DELETED:
        return Missing("deleted", found.requested_at)
    return found


def follow_merges(
    missing: Missing, look_up: Callable[[int], ApiResponse[C] | Missing]
) -> ApiResponse[C] | Missing:
    """The conversation that has a missing one's threads now.

    A list may not show for minutes that conversations were merged, and a request for one of them
    shows it at once.

    Args:
        missing: Why the first one is missing.
        look_up: Requests a conversation by its id.

    Returns:
        The conversation; or why the last one is missing that others were merged into.

    Raises:
        InconsistentData: They are merged into one another in a circle.
        UpstreamError: Upstream fails.
    """
    for _ in range(_MERGES):
        if not missing.merged_into:
            return missing
        found = look_up(missing.merged_into)
        if not isinstance(found, Missing):
            return found
        missing = found
    raise InconsistentData("conversations are merged into one another in a circle")


def get_entry(client: Client, path: str) -> EntryList:
    """One mailbox or user, as a list of one.

    Args:
        client: The API client.
        path: Its path, such as `/users/me`.

    Raises:
        RequestRefused: There is none; status 404.
    """
    found = client.get(path, {}, ListEntry)
    return EntryList((found.value,), found.requested_at)


def get_mailbox(client: Client, mailbox: int) -> ApiResponse[ListEntry] | Missing:
    """One mailbox as it is now, or why it is missing: `deleted` or `hidden`.

    Args:
        client: The API client.
        mailbox: Its id.

    Raises:
        UpstreamError: Upstream fails, which says nothing about the mailbox.
    """
    try:
        return client.get(f"/mailboxes/{mailbox}", {}, ListEntry)
    except (RequestRefused, AccessRefused) as refusal:
        return missing(refusal)


def missing(refusal: Redirected | RequestRefused | AccessRefused) -> Missing:
    """What it means that upstream does not show something.

    Raises:
        UpstreamError: It says nothing about that: the refusal itself.
    """
    if isinstance(refusal, Redirected):
        # A redirect to anything else, such as a proxy's login page, says nothing.
        target = _MERGED_INTO.search(refusal.location)
        if refusal.status != _MERGED or target is None:
            raise refusal
        return Missing("merged", refusal.requested_at, int(target[1]))
    if refusal.status not in {_NOT_FOUND, _HIDDEN}:
        raise refusal
    return Missing("deleted" if refusal.status == _NOT_FOUND else "hidden", refusal.requested_at)
