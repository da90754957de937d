"""What Mailbox API 2.0 does where its pages are silent, found out by asking a few times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from compat.v2.client import Answer, Client
from compat.v2.lists import Gone, look_up
from compat.v2.models import Conversation, ConversationsAnswer, Page
from compat.v2.pagination import Selection, second_of
from compat.v2.search import FIRST_SECOND

ALL: Final = Selection()
SPAM: Final = Selection(status="spam")
_TRIES: Final = 3


def first_page(
    client: Client, selection: Selection, first: int, last: int
) -> Answer[Page[Conversation]]:
    """The oldest of the conversations created from one second to another, both included."""
    params = selection.params(first, last, "createdAt", 1)
    return client.get("/conversations", params, ConversationsAnswer)


def all_lists_spam(client: Client, until: int) -> bool | None:
    """Whether the list of `all` shows spam, by spam created before `until`; None: nothing tells."""
    rows = first_page(client, SPAM, FIRST_SECOND, until).value.rows
    for row in [row for row in rows if row.status == "spam"][:_TRIES]:
        second = second_of(row)
        beside = Selection((row.mailbox_id,))
        found = first_page(client, beside, second, second + 1).value
        shown = {each.id for each in found.rows}
        if row.id in shown:
            return True
        # It may have gone since, or be further behind in a crowded second. A page that comes
        # without the rows that it counts shows nothing either way.
        whole = found.page.total_pages <= 1 and len(shown) >= found.page.total_elements
        if whole and _still_spam(client, row.id):
            return False
    return None


def _still_spam(client: Client, conversation: int) -> bool:
    found = look_up(client, conversation, Conversation)
    return not isinstance(found, Gone) and found.value.status == "spam"


def of_other_seconds(rows: Iterable[Conversation], many: int) -> list[Conversation]:
    """A few conversations, each of another second."""
    each = {second_of(row): row for row in rows}
    return list(each.values())[:many]


@dataclass(frozen=True)
class Seconds:
    """Whether a list of exactly one second shows the conversations that were created in it.

    Attributes:
        shown: How many were.
        hidden: How many were not, and were in a list of one second more: the index keeps
            fractions of their second, which the end of the list lies before.
    """

    shown: int
    hidden: int


def one_second_lists(client: Client, rows: Iterable[Conversation]) -> Seconds:
    """Ask for some conversations by the second that their payload shows, until one is hidden."""
    shown = 0
    for row in rows:
        second = second_of(row)
        status = "spam" if row.status == "spam" else "all"
        selection = Selection((row.mailbox_id,), status=status)
        exactly = first_page(client, selection, second, second).value
        if any(each.id == row.id for each in exactly.rows):
            shown += 1
        elif exactly.page.total_pages <= 1:
            more = first_page(client, selection, second, second + 1).value
            if any(each.id == row.id for each in more.rows):
                return Seconds(shown, 1)
    return Seconds(shown, 0)


@dataclass(frozen=True)
class Home:
    """What the list of a home folder shows, beside what payloads say.

    Attributes:
        compared: How many conversations were.
        strayed: Those of them that the folder's list shows, and that name another folder.
        missed: Those of them that name the folder, and that its list does not show.
    """

    compared: int
    strayed: Sequence[int]
    missed: Sequence[int]


def home_list(client: Client, folder: int, mailbox: int, status: str, until: int) -> Home:
    """Compare the oldest conversations of a home folder with what payloads say.

    Args:
        client: The line to upstream.
        folder: The folder.
        mailbox: Whose it is.
        status: The list to compare: `all`, or `spam` for the folder of spam.
        until: Only what was created before this second.
    """
    selection = Selection((mailbox,), folder, status)
    listed = first_page(client, selection, FIRST_SECOND, until).value
    since = second_of(listed.rows[0]) if listed.rows else FIRST_SECOND
    beside = first_page(client, Selection((mailbox,), status=status), since, until).value
    # Where a page is not the last, what is behind its last second is not known.
    end = min(_complete(listed), _complete(beside))
    ids = {row.id for row in listed.rows}
    named = [row for row in beside.rows if row.folder_id == folder and second_of(row) < end]
    strayed = [row.id for row in listed.rows if row.folder_id != folder]
    missed = [row.id for row in named if row.id not in ids]
    return Home(len(ids | {row.id for row in named}), strayed, missed)


def _complete(page: Page[Conversation]) -> float:
    """Before which second the page shows all there is."""
    if page.page.total_pages <= 1:
        return math.inf
    return max((second_of(row) for row in page.rows), default=-math.inf)
