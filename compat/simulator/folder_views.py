"""Home folders of conversations, and which conversations a folder shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compat.simulator.conversation import Conversation
    from compat.simulator.layout import Folder, Layout

Predicate = Callable[["Conversation"], bool]
"""Whether a conversation is selected."""

HOME_FOLDER_TYPES = ("drafts", "spam", "closed", "assigned", "open")
"""The types of folder that a payload's ``folderId`` may name."""


def home_folder_type(state: str, status: str, assignee_id: int) -> str:
    """The type of a conversation's home folder."""
    if state == "draft":
        return "drafts"
    if status in {"spam", "closed"}:
        return status
    return "assigned" if assignee_id else "open"


def _home(folder: Folder, _layout: Layout) -> Predicate:
    return lambda row: row.folder_id == folder.id


def _mine(folder: Folder, layout: Layout) -> Predicate:
    assigned = layout.folder_id(folder.mailbox_id, "assigned")
    return lambda row: row.folder_id == assigned and row.assignee_id == folder.user_id


def _needs_attention(folder: Folder, layout: Layout) -> Predicate:
    unassigned = layout.folder_id(folder.mailbox_id, "open")
    return lambda row: row.folder_id == unassigned and row.status == "active"


def _team(folder: Folder, layout: Layout) -> Predicate:
    members = layout.team_by_id[folder.user_id].user_ids
    folder_ids = {layout.folder_id(folder.mailbox_id, each) for each in ("assigned", "closed")}
    return lambda row: row.folder_id in folder_ids and row.assignee_id in members


_VIEWS: dict[str, Callable[[Folder, Layout], Predicate]] = {
    "mytickets": _mine,
    "needs_attn": _needs_attention,
    "team": _team,
}


def folder_shows(folder: Folder, layout: Layout) -> Predicate:
    """A predicate: whether a folder, a home folder or a view, shows a conversation."""
    return _VIEWS.get(folder.type, _home)(folder, layout)
