"""Lists as an archive knows them."""

from __future__ import annotations

from compat import clock
from compat.archive.reader import Snapshot
from compat.archive.sync import queries
from compat.core.models import ListItems, ListQuery, NotCovered


def stored_list(snapshot: Snapshot, query: ListQuery) -> ListItems:
    """A list, or one item of it, as it was last read.

    A mailbox that the list of mailboxes leaves out may still be shown: it is certain that there is
    none only if the archive has no conversation of it.

    Raises:
        NotCovered: The list was never read, or it is not certain that there is no such mailbox.
    """
    stored, seen = snapshot.list_items(query), snapshot.list_seen_at(query) or 0
    if stored or (stored is not None and query.item is None):
        return ListItems(stored, seen, clock.elapsed())
    if query.kind in {"mailboxes", "folders"}:
        mailbox = query.parent if query.item is None else query.item
        is_certain = _is_no_mailbox(snapshot, mailbox)
    else:
        is_certain = stored is not None
    if not is_certain:
        raise NotCovered(unknown_list=query)
    return ListItems(None, seen, clock.elapsed())


def _is_no_mailbox(snapshot: Snapshot, mailbox: int) -> bool:
    """Whether neither the archive's list of mailboxes nor its rows contain a mailbox."""
    listed = snapshot.list_items(ListQuery("mailboxes"))
    if listed is None or any(each.id == mailbox for each in listed):
        return False
    return not queries.count_by_mailbox(snapshot).get(mailbox)
