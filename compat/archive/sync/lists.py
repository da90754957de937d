"""Mailboxes, folders and tags; and what becomes of a mailbox that vanished."""

from __future__ import annotations

from compat.archive.sync import queries
from compat.archive.sync.session import WHOLE, SyncSession
from compat.core.models import ListItem, ListQuery
from compat.upstream import fetch_items

_BATCH = 500


def read_menus(work: SyncSession) -> None:
    """Read what fills filters. The first answer also tells what time it is.

    Raises:
        LossAhead: A mailbox that the archive has conversations of is not shown any more.
    """
    mailboxes = _read(work, ListQuery("mailboxes"))
    work.now = work.latest
    shown = {mailbox.id for mailbox in mailboxes}
    with work.reading() as snapshot:
        held = queries.mailboxes(snapshot)
    work.loss.vanished({id_: many for id_, many in held.items() if id_ not in shown})
    for mailbox in mailboxes:
        _read(work, ListQuery("folders", mailbox.id))
    _read(work, ListQuery("tags"))


def drop_lost_mailboxes(work: SyncSession) -> None:
    """Take out what is in mailboxes that are not there any more; by now that is accepted.

    What was moved out of them in time was modified, and has been seen elsewhere.
    """
    with work.reading() as snapshot:
        shown = {mailbox.id for mailbox in snapshot.menu(ListQuery("mailboxes")) or ()}
        lost = [id_ for id_ in queries.mailboxes(snapshot) if id_ not in shown]
    for mailbox in lost:
        with work.reading() as snapshot:
            ids = snapshot.ids(WHOLE, mailbox=mailbox)
        for first in range(0, len(ids), _BATCH):
            work.progress.check()
            with work.writing() as writer:
                work.counts.removed += writer.remove(ids[first : first + _BATCH], work.latest)
        work.hear("mailbox gone", mailbox=mailbox, conversations=len(ids))


def _read(work: SyncSession, menu: ListQuery) -> tuple[ListItem, ...]:
    work.progress.check()
    items, asked_at = fetch_items(work.client, menu)
    seen = work.moment(asked_at)
    with work.writing() as writer:
        writer.set_menu(menu, items, seen)
    return items or ()
