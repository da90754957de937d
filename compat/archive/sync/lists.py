"""Mailboxes, folders and tags; and what becomes of a mailbox that vanished."""

from __future__ import annotations

from contextlib import suppress

from compat.archive.sync import queries
from compat.archive.sync.session import WHOLE, SyncSession
from compat.archive.sync.totals import shows_mailbox
from compat.core.models import ListItem, ListQuery
from compat.upstream import fetch_list
from compat.v2.errors import AccessRefused
from compat.v2.lists import Missing, get_mailbox

_BATCH = 500


def read_menus(work: SyncSession) -> None:
    """Read what fills filters. The first answer also tells what time it is.

    Raises:
        LossAhead: A mailbox that the archive has conversations of is not shown any more.
    """
    listed = [mailbox.id for mailbox in _read(work, ListQuery("mailboxes"))]
    work.now = work.latest
    with work.reading() as snapshot:
        held = queries.mailboxes(snapshot)
    unlisted = [mailbox for mailbox in held if mailbox not in listed]
    lost = [mailbox for mailbox in unlisted if not is_shown(work, mailbox)]
    work.loss.vanished({mailbox: held[mailbox] for mailbox in lost})
    work.lost = frozenset(lost)
    for mailbox in listed:
        _read(work, ListQuery("folders", mailbox))
    for mailbox in unlisted:
        if mailbox not in work.lost:
            _read_folders_of_unlisted(work, mailbox)
    _read(work, ListQuery("tags"))


def is_shown(work: SyncSession, mailbox: int) -> bool:
    """Whether Help Scout shows a mailbox that its list of mailboxes does not mention.

    The list may leave it out, and so may its own address. Only where no list of conversations
    shows any of it either is it not shown.

    Raises:
        UpstreamError: Upstream fails.
    """
    work.progress.check()
    found = get_mailbox(work.client, mailbox)
    work.moment(found.requested_at)
    return not isinstance(found, Missing) or shows_mailbox(work, mailbox)


def revisit_mailboxes(work: SyncSession) -> None:
    """Settle what the run left open: mailboxes that are lost, and mailboxes that turned up late.

    Raises:
        UpstreamError: Upstream fails.
    """
    _drop_lost_mailboxes(work)
    _read_late_folders(work)


def _drop_lost_mailboxes(work: SyncSession) -> None:
    """Take out what was in mailboxes that are lost; by now that is accepted.

    They are looked for once more, since they may have come back. What was moved out of them in
    time was modified, and has been seen elsewhere. What the run has seen in them stays.
    """
    for mailbox in sorted(work.lost):
        if is_shown(work, mailbox):
            continue
        with work.reading() as snapshot:
            held = snapshot.conversation_ids(WHOLE, mailbox=mailbox)
        ids = [id_ for id_ in held if id_ not in work.seen_of_lost]
        for first in range(0, len(ids), _BATCH):
            work.progress.check()
            with work.writing() as writer:
                work.counts.removed += writer.remove(ids[first : first + _BATCH], work.latest)
        with work.writing() as writer:
            writer.set_list_items(ListQuery("folders", mailbox), None, work.latest)
        work.hear("mailbox gone", mailbox=mailbox, conversations=len(ids))


def _read_late_folders(work: SyncSession) -> None:
    """Read the folders of mailboxes that turned up while the run went on."""
    with work.reading() as snapshot:
        late = [
            mailbox
            for mailbox in queries.mailboxes(snapshot)
            if mailbox not in work.lost
            and snapshot.list_seen_at(ListQuery("folders", mailbox)) is None
        ]
    for mailbox in late:
        _read_folders_of_unlisted(work, mailbox)


def _read_folders_of_unlisted(work: SyncSession, mailbox: int) -> None:
    """Read the folders of a mailbox; where they may not be seen, what was known of them stays.

    Its conversations are shown, so it is no reason to stop.
    """
    with suppress(AccessRefused):
        _read(work, ListQuery("folders", mailbox))


def _read(work: SyncSession, menu: ListQuery) -> tuple[ListItem, ...]:
    work.progress.check()
    items, asked_at = fetch_list(work.client, menu)
    seen = work.moment(asked_at)
    with work.writing() as writer:
        writer.set_list_items(menu, items, seen)
    return items or ()
