"""Probes: a few requests that show how API 2.0 behaves where its documentation says nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from compat.v2.client import ApiResponse, Client
from compat.v2.lists import Missing, get_conversation
from compat.v2.models import Conversation, ConversationPage, Page
from compat.v2.pagination import creation_second
from compat.v2.search import FIRST_SECOND, Selection

ALL: Final = Selection()
SPAM: Final = Selection(status="spam")
_MAX_SPAM_PROBES: Final = 3


def oldest_conversations(
    client: Client, selection: Selection, first: int, last: int
) -> ApiResponse[Page[Conversation]]:
    """The first page of the conversations created in an interval, oldest first.

    Args:
        client: The API client.
        selection: The filters, except the creation time.
        first: The first second of creation, epoch UTC, included.
        last: The last second of creation, included.
    """
    params = selection.params(first, last, "createdAt", 1)
    return client.get("/conversations", params, ConversationPage)


def check_access(client: Client) -> None:
    """Request conversations once, of two seconds in which there are none.

    Raises:
        UpstreamError: Upstream does not answer, or refuses it.
    """
    params = ALL.params(FIRST_SECOND, FIRST_SECOND + 1, "createdAt", 1)
    client.get("/conversations", params, ConversationPage, attempts=1)


def all_includes_spam(client: Client, until: int) -> bool | None:
    """Whether the list with status `all` includes spam; None if no spam shows it.

    Args:
        client: The API client.
        until: Only spam created up to this second is used, epoch UTC.
    """
    rows = oldest_conversations(client, SPAM, FIRST_SECOND, until).value.rows
    for row in [row for row in rows if row.status == "spam"][:_MAX_SPAM_PROBES]:
        second = creation_second(row)
        same_mailbox = _in_mailbox_of(row)
        found = oldest_conversations(client, same_mailbox, second, second + 1).value
        shown = {each.id for each in found.rows}
        if row.id in shown:
            return True
        # The row may have been removed since, or be on a later page of a crowded second. A page
        # with fewer rows than its total shows nothing either way.
        is_complete = len(shown) >= found.page.total_elements
        if is_complete and _is_still_spam(client, row.id):
            return False
    return None


def _in_mailbox_of(row: Conversation, status: str = "all") -> Selection:
    """A list of a conversation's mailbox; of all mailboxes where its payload names none."""
    return Selection(() if row.mailbox_id is None else (row.mailbox_id,), status=status)


def _is_still_spam(client: Client, conversation: int) -> bool:
    found = get_conversation(client, conversation, Conversation)
    return not isinstance(found, Missing) and found.value.status == "spam"


def one_per_second(rows: Iterable[Conversation], limit: int) -> list[Conversation]:
    """A few conversations, no two of them created in the same second."""
    by_second = {creation_second(row): row for row in rows}
    return list(by_second.values())[:limit]


@dataclass(frozen=True)
class OneSecondProbe:
    """Whether a list of exactly one second shows the conversations created in it.

    Attributes:
        shown: How many conversations such a list showed.
        hidden: How many it did not show although a list of one second more did: the index keeps
            fractions of a second that are after the end of the list.
    """

    shown: int
    hidden: int


def probe_one_second_lists(client: Client, rows: Iterable[Conversation]) -> OneSecondProbe:
    """List the creation second of each conversation, until one conversation is hidden."""
    shown = 0
    for row in rows:
        second = creation_second(row)
        status = "spam" if row.status == "spam" else "all"
        selection = _in_mailbox_of(row, status)
        exact = oldest_conversations(client, selection, second, second).value
        if any(each.id == row.id for each in exact.rows):
            shown += 1
        elif exact.page.total_pages <= 1:
            longer = oldest_conversations(client, selection, second, second + 1).value
            if any(each.id == row.id for each in longer.rows):
                return OneSecondProbe(shown, 1)
    return OneSecondProbe(shown, 0)


@dataclass(frozen=True)
class HomeFolderProbe:
    """Whether the list of a home folder agrees with `folderId` in payloads.

    Attributes:
        compared: How many conversations were compared.
        unexpected: Ids that the folder's list shows and whose payload names another folder.
        unlisted: Ids whose payload names the folder and that its list does not show.
    """

    compared: int
    unexpected: Sequence[int]
    unlisted: Sequence[int]


def probe_home_folder(
    client: Client, folder: int, mailbox: int, status: str, until: int
) -> HomeFolderProbe:
    """Compare the oldest conversations of a home folder with what payloads say.

    Args:
        client: The API client.
        folder: The folder's id.
        mailbox: Its mailbox's id.
        status: The list to compare: `all`, or `spam` for the folder of spam.
        until: Only what was created up to this second, epoch UTC.
    """
    in_folder = Selection((mailbox,), folder, status)
    listed = oldest_conversations(client, in_folder, FIRST_SECOND, until).value
    since = creation_second(listed.rows[0]) if listed.rows else FIRST_SECOND
    in_mailbox = Selection((mailbox,), status=status)
    others = oldest_conversations(client, in_mailbox, since, until).value
    # Where a page is not the last, it may lack rows of its last second and after.
    end = min(_complete_before(listed), _complete_before(others))
    ids = {row.id for row in listed.rows}
    expected = [
        row for row in others.rows if row.folder_id == folder and creation_second(row) < end
    ]
    unexpected = [row.id for row in listed.rows if row.folder_id not in {folder, None}]
    unlisted = [row.id for row in expected if row.id not in ids]
    return HomeFolderProbe(len(ids | {row.id for row in expected}), unexpected, unlisted)


def _complete_before(page: Page[Conversation]) -> float:
    """The second before which the page shows everything."""
    if page.page.total_pages <= 1:
        return math.inf
    return max((creation_second(row) for row in page.rows), default=-math.inf)
