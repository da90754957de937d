"""The layout of an account: mailboxes, folders, users, teams and tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

OWNERLESS_FOLDERS = (
    ("open", "Unassigned"),
    ("needs_attn", "Needs Attention"),
    ("drafts", "Drafts"),
    ("assigned", "Assigned"),
    ("closed", "Closed"),
    ("spam", "Spam"),
)
MAILBOX_NAMES = ("Support", "Sales", "Billing & Accounts", "Partners")
USERS = (
    ("Amara", "Okafor", "owner", "Africa/Lagos"),
    ("Björn", "Lindqvist", "admin", "Europe/Stockholm"),
    ("Chiara", "Rossi", "user", "Europe/Rome"),
    ("Dmitri", "Volkov", "user", "Etc/UTC"),
    ("Esther", "Nakamura", "user", "America/New_York"),
    ("Farid", "Haddad", "user", "Australia/Adelaide"),
)
"""First and last name, role and time zone."""
INVITED = ("Greta", "Holm", "user", "Etc/UTC")
"""A user who has not accepted the invitation: listed, and without folders."""
FIRST_USER = 4101
TEAM_MEMBERS = (("Tier Two", (0, 1, 2)), ("Payments", (3, 4)))
TAG_NAMES = (
    *("billing", "bug", "feature request", "how to", "refund", "login", "shipping", "vip"),
    *("billing, invoices", "urgent", "api", "mobile app", "returns, exchanges", "feedback"),
    *("password reset", "upgrade", "cancellation", "integration", "outage", "gdpr"),
    *("discount", "onboarding", "export", "import, csv", "webhooks", "translation", "tax"),
    *("duplicate", "partner", "press", "hiring", "legal", "black friday", "beta", "docs"),
)
SAVED_REPLY_NAMES = ("Thank you", "Where is my parcel", "Refund made", "More questions, please")
COLORS = ("none", "blue", "brown", "green", "grey", "orange", "pink", "purple", "red", "yellow")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox."""

    id: int
    name: str
    slug: str
    email: str


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of a mailbox; ``user_id`` is its user or team, 0 where it has none."""

    id: int
    mailbox_id: int
    type: str
    name: str
    user_id: int


@dataclass(frozen=True, slots=True)
class User:
    """One user of the account."""

    id: int
    first: str
    last: str
    email: str
    role: str = "user"
    timezone: str = "Etc/UTC"


@dataclass(frozen=True, slots=True)
class Team:
    """A team and the ids of its users."""

    id: int
    name: str
    user_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class SavedReply:
    """A prepared text of a mailbox; threads that were made from it keep its id for ever."""

    id: int
    mailbox_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag; the name is lower case, and may hold commas and spaces."""

    id: int
    name: str
    color: str


def slug_of(text: str) -> str:
    """A text's letters and digits, joined by dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


class Layout:
    """All of an account except its conversations, and ways to look it up.

    Attributes:
        users: Users who have accepted their invitation.
        authors: The ids of the first users, who wrote what is made up; they never change.
        invited: Users who have not. Lists show them after the others.
        saved_replies: The saved replies of all mailboxes; may be changed.
        unlisted: Ids of mailboxes that the list of mailboxes leaves out. Their address, their
            folders and their conversations are shown as those of all others.
        hidden: Ids of mailboxes that the user may not see: the list leaves them out, and their
            address is a 403. Their conversations are still shown.
    """

    def __init__(self, mailbox_names: tuple[str, ...] = MAILBOX_NAMES) -> None:
        self.users = tuple(_user(FIRST_USER + 3 * at, *each) for at, each in enumerate(USERS))
        self.authors = tuple(user.id for user in self.users)
        self.invited: tuple[User, ...] = (_user(FIRST_USER + 3 * len(USERS), *INVITED),)
        self.teams = tuple(
            Team(4901 + at, name, frozenset(self.users[member].id for member in members))
            for at, (name, members) in enumerate(TEAM_MEMBERS)
        )
        self.mailboxes = tuple(
            Mailbox(8501 + 7 * at, name, slug_of(name), f"{slug_of(name)}@example.com")
            for at, name in enumerate(mailbox_names)
        )
        self._folder_ids = count(72001, 5)
        self.folders = tuple(
            folder for mailbox in self.mailboxes for folder in self._make_folders(mailbox)
        )
        self.unlisted: set[int] = set()
        self.hidden: set[int] = set()
        self.tags = [self._make_tag(at, name) for at, name in enumerate(TAG_NAMES)]
        self.saved_replies = [
            SavedReply(saved_reply_id(mailbox.id, at), mailbox.id, name)
            for mailbox in self.mailboxes
            for at, name in enumerate(SAVED_REPLY_NAMES)
        ]
        self.user_by_id = {user.id: user for user in (*self.users, *self.invited)}
        self.team_by_id = {team.id: team for team in self.teams}
        self.mailbox_by_id = {mailbox.id: mailbox for mailbox in self.mailboxes}
        self.folder_by_id = {folder.id: folder for folder in self.folders}
        self.tag_by_id = {tag.id: tag for tag in self.tags}
        self.tag_by_name = {tag.name: tag for tag in self.tags}
        self._ownerless = _ownerless_ids(self.folders)

    def add_user(self, user: User) -> User:
        """Add a user without folders; one with the same id is replaced."""
        self.users = (*(each for each in self.users if each.id != user.id), user)
        self.user_by_id[user.id] = user
        return user

    def remove_user(self, user_id: int) -> None:
        """Remove a user; what the user wrote stays, with an id that has no name any more."""
        self.users = tuple(each for each in self.users if each.id != user_id)
        self.invited = tuple(each for each in self.invited if each.id != user_id)
        del self.user_by_id[user_id]

    def add_mailbox(self, name: str) -> Mailbox:
        """Add a mailbox with its folders."""
        slug = slug_of(name)
        mailbox = Mailbox(max(self.mailbox_by_id) + 7, name, slug, f"{slug}@example.com")
        folders = tuple(self._make_folders(mailbox))
        self.mailboxes += (mailbox,)
        self.folders += folders
        self.mailbox_by_id[mailbox.id] = mailbox
        self.folder_by_id |= {folder.id: folder for folder in folders}
        self._ownerless |= _ownerless_ids(folders)
        return mailbox

    def remove_mailbox(self, mailbox_id: int) -> Mailbox:
        """Remove a mailbox: no list shows it, and its address is a 404.

        Its conversations do not change.
        """
        self.mailboxes = tuple(each for each in self.mailboxes if each.id != mailbox_id)
        return self.mailbox_by_id.pop(mailbox_id)

    def listed_mailboxes(self) -> list[Mailbox]:
        """The mailboxes that the list of mailboxes shows."""
        not_shown = self.unlisted | self.hidden
        return [mailbox for mailbox in self.mailboxes if mailbox.id not in not_shown]

    def folder_id(self, mailbox_id: int, folder_type: str) -> int:
        """The id of a mailbox's folder of a type without an owner; KeyError if unknown."""
        return self._ownerless[mailbox_id, folder_type]

    def folders_of(self, mailbox_id: int) -> list[Folder]:
        """The folders of one mailbox."""
        return [folder for folder in self.folders if folder.mailbox_id == mailbox_id]

    def tag_named(self, name: str) -> Tag:
        """The tag of this name, in any case; it is added if there is none."""
        known = self.tag_by_name.get(name.lower())
        if known:
            return known
        return self._keep(self._make_tag(len(self.tags), name.lower()))

    def add_tag(self, tag_id: int, name: str) -> Tag:
        """The tag of this id; it is added with this name if there is none."""
        return self.tag_by_id.get(tag_id) or self._keep(Tag(tag_id, name.lower(), "none"))

    def _keep(self, tag: Tag) -> Tag:
        self.tags.append(tag)
        self.tag_by_id[tag.id] = self.tag_by_name[tag.name] = tag
        return tag

    def _make_tag(self, at: int, name: str) -> Tag:
        return Tag(6001 + 11 * at, name, COLORS[at % len(COLORS)])

    def _make_folders(self, mailbox: Mailbox) -> Iterator[Folder]:
        ids = self._folder_ids
        for folder_type, name in OWNERLESS_FOLDERS:
            yield Folder(next(ids), mailbox.id, folder_type, name, 0)
        for user in self.users:
            yield Folder(next(ids), mailbox.id, "mytickets", "Mine", user.id)
        for team in self.teams:
            yield Folder(next(ids), mailbox.id, "team", team.name, team.id)


def saved_reply_id(mailbox_id: int, at: int) -> int:
    """The id of a mailbox's first saved replies, counted from 0."""
    return mailbox_id * 10 + at


def _user(user_id: int, first: str, last: str, role: str, timezone: str) -> User:
    email = f"{slug_of(first + '.' + last)}@example.com"
    return User(user_id, first, last, email, role, timezone)


def _ownerless_ids(folders: Iterable[Folder]) -> dict[tuple[int, str], int]:
    return {(folder.mailbox_id, folder.type): folder.id for folder in folders if not folder.user_id}
