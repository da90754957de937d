"""The lists of the old API, and single items of them: one row of a table for each path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.core.models import ListItem, ListQuery, ListSet
from compat.v1.datetimes import from_epoch
from compat.v1.models import (
    CurrentUserItem,
    Envelope,
    FolderItem,
    MailboxItem,
    MailboxWithFolders,
    SingleItem,
    TagItem,
    UserItem,
)
from compat.v1.query import ListPageQuery, page_of

_ITEMS_PER_PAGE: Final = 50
"""Items on a page of a list, from the vendor's page."""

_OLD_FOLDER_TYPES: Final = {"mytickets": "mine", "needs_attn": "needsattention", "team": "mine"}
"""Folder types that were renamed in Mailbox API 2.0. A team's folder is `mine`: old clients reject
a type that they do not know, and the old API used teams wherever it used users."""

_TEAM_ROLE: Final = "user"
"""The role of a team, as recorded; Mailbox API 2.0 has none."""

Item = TypeVar("Item", bound=BaseModel)
Lists = Sequence[Sequence[ListItem]]


@dataclass(frozen=True)
class ListReport:
    """How a list of the old API is answered, or one item of a list.

    Attributes:
        needs: The lists that a query needs, in the order in which they are loaded. If one does not
            exist, nothing more is loaded, and the answer is a 404.
        make: Makes the answer from a query and its lists.
    """

    needs: Callable[[ListPageQuery], tuple[ListQuery, ...]]
    make: Callable[[ListPageQuery, Lists], BaseModel]

    def required_data(
        self, query: ListPageQuery, _conventions: Conventions
    ) -> tuple[ListQuery, ...]:
        """The lists that a query needs."""
        return self.needs(query)

    def answer(self, query: ListPageQuery, found: ListSet, _conventions: Conventions) -> BaseModel:
        """The answer to a query, from these lists."""
        return self.make(query, found.lists)


def _page(item: Callable[[ListItem], Item]) -> Callable[[ListPageQuery, Lists], Envelope[Item]]:
    """Makes one page of the list that was loaded last; a page after its last one is empty."""

    def make(query: ListPageQuery, lists: Lists) -> Envelope[Item]:
        shown, pages = page_of(query, lists[-1], _ITEMS_PER_PAGE)
        return Envelope(
            page=query.page, pages=pages, count=len(lists[-1]), items=tuple(map(item, shown))
        )

    return make


def _single(item: Callable[[ListItem], Item]) -> Callable[[ListPageQuery, Lists], SingleItem[Item]]:
    """Makes an answer of the only item that was loaded."""
    return lambda _, lists: SingleItem(item=item(lists[0][0]))


def _mailbox(item: ListItem) -> MailboxItem:
    return MailboxItem(
        id=item.id,
        slug=item.slug,
        name=item.name,
        email=item.email,
        createdAt=from_epoch(item.created),
        modifiedAt=from_epoch(item.modified),
    )


def _mailbox_with_folders(_query: ListPageQuery, lists: Lists) -> SingleItem[MailboxWithFolders]:
    (mailbox,), folders = lists
    shown = _mailbox(mailbox)
    return SingleItem(item=MailboxWithFolders(**dict(shown), folders=tuple(map(_folder, folders))))


def _folder(item: ListItem) -> FolderItem:
    return FolderItem(
        id=item.id,
        name=item.name,
        type=_OLD_FOLDER_TYPES.get(item.type, item.type),
        userId=item.user,
        totalCount=item.total,
        activeCount=item.active,
        modifiedAt=from_epoch(item.modified),
    )


def _tag(item: ListItem) -> TagItem:
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


def _user(item: ListItem) -> UserItem:
    """A user or a team."""
    return UserItem(
        id=item.id,
        firstName=item.name,
        lastName=item.last,
        fullName=f"{item.name} {item.last}".strip(),
        email=item.email,
        role=item.role or (_TEAM_ROLE if item.type == "team" else ""),
        timezone=item.timezone,
        photoUrl=item.photo or None,
        createdAt=from_epoch(item.created),
        modifiedAt=from_epoch(item.modified),
        type=item.type or "user",
    )


def _current_user(item: ListItem) -> CurrentUserItem:
    return CurrentUserItem(**dict(_user(item)), companyId=item.company)


def _users_or_teams(query: ListPageQuery, users: ListQuery) -> ListQuery:
    """A list of users, or all teams if the query wants teams.

    Which teams may see a mailbox is not known: Mailbox API 2.0 does not show it.
    """
    return ListQuery("teams") if query.type == "team" else users


LISTS: Final = {
    "mailboxes": ListReport(lambda _: (ListQuery("mailboxes"),), _page(_mailbox)),
    "one_mailbox": ListReport(
        lambda query: (
            ListQuery("mailboxes", item=query.mailbox),
            ListQuery("folders", query.mailbox),
        ),
        _mailbox_with_folders,
    ),
    "folders": ListReport(lambda query: (ListQuery("folders", query.mailbox),), _page(_folder)),
    "mailbox_users": ListReport(
        lambda query: (
            ListQuery("mailboxes", item=query.mailbox),
            _users_or_teams(query, ListQuery("mailbox_users", query.mailbox)),
        ),
        _page(_user),
    ),
    "tags": ListReport(lambda _: (ListQuery("tags"),), _page(_tag)),
    "users": ListReport(lambda query: (_users_or_teams(query, ListQuery("users")),), _page(_user)),
    "one_user": ListReport(lambda query: (ListQuery("users", item=query.user),), _single(_user)),
    "me": ListReport(lambda _: (ListQuery("me"),), _single(_current_user)),
    "teams": ListReport(lambda _: (ListQuery("teams"),), _page(_user)),
    "one_team": ListReport(lambda query: (ListQuery("teams", item=query.team),), _single(_user)),
    "team_members": ListReport(
        lambda query: (ListQuery("teams", item=query.team), ListQuery("members", query.team)),
        _page(_user),
    ),
}
"""Each list by the name in its route."""
