"""Reads lists of mailboxes, folders, tags, users, teams; settles mailboxes that are not listed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from compat.archive.sync import queries
from compat.archive.sync.deletions import check_lost_mailboxes
from compat.archive.sync.session import WHOLE, SyncSession
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval
from compat.core.models import ListItem, ListKind, ListQuery
from compat.upstream import fetch_list
from compat.v2.errors import AccessRefused, InconsistentData, RequestRefused
from compat.v2.lists import Missing, get_mailbox
from compat.v2.search import Selection

_NOT_SHOWN: Final = frozenset({400, 403, 404})
"""The statuses with which upstream may refuse a list that it does not show."""

_BATCH: Final = 500
"""How many conversations are removed in one transaction."""


def read_lists(session: SyncSession) -> None:
    """Read mailboxes, folders and tags. The first answer also says what time it is upstream.

    A mailbox of which the archive holds conversations, and which is not listed, is looked up.

    Raises:
        LossAhead: Such a mailbox is not shown any more.
    """
    (mailboxes,) = _read(session, [ListQuery("mailboxes")])
    listed = [mailbox.id for mailbox in mailboxes or ()]
    session.started_at = session.requested_at
    with session.reading() as snapshot:
        held = queries.count_by_mailbox(snapshot)
    unlisted = [mailbox for mailbox in held if mailbox not in listed]
    lost = [mailbox for mailbox in unlisted if not _is_shown(session, mailbox)]
    check_lost_mailboxes(session, {mailbox: held[mailbox] for mailbox in lost})
    session.lost_mailboxes = frozenset(lost)
    shown = [mailbox for mailbox in unlisted if mailbox not in lost]
    folders = [ListQuery("folders", mailbox) for mailbox in (*listed, *shown)]
    _read(session, [*folders, ListQuery("tags")], optional=frozenset(folders[len(listed) :]))


def read_users(session: SyncSession) -> None:
    """Read users and teams, as far as upstream shows them: not every application may see them.

    No conversation is counted by them, so they are read last: a failure keeps nothing else out.
    """
    with session.reading() as snapshot:
        mailboxes = snapshot.list_items(ListQuery("mailboxes")) or ()
    of_mailboxes = _with_parents(session, "mailbox_users", mailboxes)
    account = [ListQuery("users"), ListQuery("me"), ListQuery("teams")]
    _, _, teams, *_ = _read_if_shown(session, [*account, *of_mailboxes])
    if teams is not None:
        _read_if_shown(session, _with_parents(session, "members", teams))


def remove_lost_mailboxes(session: SyncSession) -> None:
    """Remove the conversations of mailboxes that are lost; the user has accepted that by now.

    Each mailbox is looked up once more, since it may be shown again. A conversation that was
    moved to another mailbox in time was modified, and has been read there. A conversation that
    the run has seen in the lost mailbox stays.
    """
    for mailbox in sorted(session.lost_mailboxes):
        if _is_shown(session, mailbox):
            continue
        with session.reading() as snapshot:
            held = snapshot.conversation_ids(WHOLE, mailbox=mailbox)
        ids = [id_ for id_ in held if id_ not in session.seen_in_lost_mailboxes]
        for first in range(0, len(ids), _BATCH):
            session.check_stopped()
            with session.writing() as writer:
                session.rows_removed += writer.remove(
                    ids[first : first + _BATCH], session.requested_at
                )
        with session.writing() as writer:
            writer.set_list_items(ListQuery("folders", mailbox), None, session.requested_at)
        session.emit("mailbox gone", mailbox=mailbox, conversations=len(ids))


def read_new_folders(session: SyncSession) -> None:
    """Read the folders of mailboxes that were first seen during the run."""
    with session.reading() as snapshot:
        new = [
            mailbox
            for mailbox in queries.count_by_mailbox(snapshot)
            if mailbox not in session.lost_mailboxes
            and snapshot.list_seen_at(ListQuery("folders", mailbox)) is None
        ]
    _read_if_shown(session, [ListQuery("folders", mailbox) for mailbox in new])


def _is_shown(session: SyncSession, mailbox: int) -> bool:
    """Whether upstream shows a mailbox that its list of mailboxes leaves out.

    It is shown if its own address answers, or if a list of conversations has one of it.

    Raises:
        UpstreamError: Upstream fails, which says nothing about the mailbox.
    """
    session.check_stopped()
    found = get_mailbox(session.client, mailbox)
    session.note_time(found.requested_at)
    if not isinstance(found, Missing):
        return True
    return any(_has_conversations(session, mailbox, status) for status in ("all", "spam"))


def _has_conversations(session: SyncSession, mailbox: int, status: str) -> bool:
    """Whether a list has a conversation of a mailbox; not if it refuses the mailbox."""
    everything = Interval(FIRST_SECOND, session.started_at)
    try:
        page = session.first_page(Selection((mailbox,), status=status), everything)
    except (RequestRefused, AccessRefused) as refusal:
        if refusal.status not in _NOT_SHOWN:
            raise
        return False
    if not page.rows:  # a page may come without the conversations that it counts
        return page.page.total_elements > 0
    return any(row.mailbox_id == mailbox for row in page.rows)


def _with_parents(
    session: SyncSession, kind: ListKind, parents: Sequence[ListItem]
) -> list[ListQuery]:
    """A list for each mailbox or team; what is stored of others is removed."""
    ids = [parent.id for parent in parents]
    with session.reading() as snapshot:
        gone = [id_ for id_ in snapshot.list_parents(kind) if id_ not in ids]
    if gone:
        with session.writing() as writer:
            for id_ in gone:
                writer.set_list_items(ListQuery(kind, id_), None, session.requested_at)
    return [ListQuery(kind, id_) for id_ in ids]


def _read_if_shown(
    session: SyncSession, queries: Sequence[ListQuery]
) -> list[tuple[ListItem, ...] | None]:
    """Read lists that upstream may refuse, as `_read`."""
    return _read(session, queries, optional=frozenset(queries))


def _read(
    session: SyncSession,
    queries: Sequence[ListQuery],
    *,
    optional: frozenset[ListQuery] = frozenset(),
) -> list[tuple[ListItem, ...] | None]:
    """Read lists side by side, and store them in one transaction.

    Args:
        session: The run.
        queries: Which lists.
        optional: Those that upstream may refuse. Conversations are shown, so that is no reason to
            stop.

    Returns:
        The items of each list, in this order; None if upstream refuses the list, or it cannot be
        read. What is known of it stays then.

    Raises:
        UpstreamError: Upstream fails, or the list of mailboxes cannot be read; none of these
            lists is stored then.
    """
    fetch = partial(_fetch, session, optional)
    answers = list(zip(queries, session.side_by_side(fetch, queries), strict=True))
    with session.writing() as writer:
        for query, answer in answers:
            read_at = session.note_time(answer.requested_at)
            if answer.is_known:
                writer.set_list_items(query, answer.items, read_at)
    for query, answer in answers:
        if answer.refusal is not None:
            session.emit("list refused", list=query.kind, of=query.parent, status=answer.refusal)
        elif answer.fault:
            session.emit("list unreadable", list=query.kind, of=query.parent, why=answer.fault)
    return [(answer.items or ()) if answer.is_known else None for _, answer in answers]


class _Answer(NamedTuple):
    """What upstream answered when it was asked for a list.

    Attributes:
        items: The items; None if there is no such list, or it was refused.
        requested_at: When it was requested, epoch seconds by upstream's clock; 0 if it could not
            be read.
        refusal: The status with which it was refused; None if it was not.
        fault: Why it could not be read; empty if it could.
    """

    items: tuple[ListItem, ...] | None
    requested_at: int
    refusal: int | None = None
    fault: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the answer says which items there are."""
        return self.refusal is None and not self.fault


def _fetch(session: SyncSession, optional: frozenset[ListQuery], query: ListQuery) -> _Answer:
    try:
        return _Answer(*fetch_list(session.client, query))
    except (RequestRefused, AccessRefused) as refusal:
        if query not in optional or refusal.status not in _NOT_SHOWN:
            raise
        return _Answer(None, refusal.requested_at, refusal.status)
    except InconsistentData as error:
        if query.kind == "mailboxes":  # conversations of one that is not listed may be lost
            raise
        return _Answer(None, 0, fault=str(error))
