"""Where a conversation lives, and which folders show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compat.simulator.layout import Folder, Layout
    from compat.simulator.records import Conversation

Predicate = Callable[["Conversation"], bool]
"""Whether a conversation belongs to something."""

HOMES = ("drafts", "spam", "closed", "assigned", "open")
"""The types of folder that a payload's ``folderId`` may name."""


def home_type(state: str, status: str, assignee_id: int) -> str:
    """The type of the one folder in which a conversation lives."""
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
    homes = {layout.folder_id(folder.mailbox_id, home) for home in ("assigned", "closed")}
    return lambda row: row.folder_id in homes and row.assignee_id in members


_SHOWN_BY: dict[str, Callable[[Folder, Layout], Predicate]] = {
    "mytickets": _mine,
    "needs_attn": _needs_attention,
    "team": _team,
}


def shown_by(folder: Folder, layout: Layout) -> Predicate:
    """Whether a folder shows a conversation: its home folder or a view over several."""
    return _SHOWN_BY.get(folder.type, _home)(folder, layout)
