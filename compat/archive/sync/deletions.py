"""Conversations that upstream does not show any more: which are removed, and when a run stops.

A conversation is removed only when upstream answers for its id that it is gone, or when the user
accepts that its mailbox is lost. Too many missing conversations look like lost rights, not like
deletions: the run stops before it removes more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from compat.archive.errors import LossAhead
from compat.archive.records import ShownThreads, to_record
from compat.archive.sync import queries
from compat.archive.sync.queries import Part
from compat.archive.sync.session import SyncSession
from compat.v2.client import ApiResponse
from compat.v2.errors import InconsistentData
from compat.v2.lists import Missing, follow_merges
from compat.v2.models import FullConversation
from compat.v2.threads import ConversationWithThreads, list_threads

_SHARE: Final = 100
"""One conversation in so many may be missing."""

_LOOK_UPS: Final = 4
"""How often a conversation is followed that is merged again while its threads are listed."""

_PAGE: Final = 25
"""So many may always be missing, however small the account is: a page of conversations."""


def remove_missing(session: SyncSession, part: Part, since: int) -> None:
    """Look up the conversations that a list did not show, and remove those that are gone.

    Args:
        session: The run.
        part: The conversations that were listed.
        since: When the reading of the list began, epoch seconds by upstream's clock. What was
            not seen since then is missing.

    Raises:
        LossAhead: Too many are missing.
    """
    with session.reading() as snapshot:
        missing = queries.not_seen_since(snapshot, part, since)
    look_up(session, missing)


def look_up(session: SyncSession, missing: Sequence[int]) -> None:
    """Look up conversations that are missing somewhere, and remove those that are gone.

    If threads are kept, a conversation that was merged into another is removed in the transaction
    that writes the other one: its threads are there now, and none is ever missing in the archive.

    Raises:
        LossAhead: Too many are missing.
        InconsistentData: Conversations are merged faster than they can be read.
    """
    check_loss(session, len(missing))
    session.rows_missing += len(missing)
    for id_ in missing:
        found = session.look_up(id_)
        if isinstance(found, Missing):
            target, threads = _merged_into(session, found)
            with session.writing() as writer:
                if target is not None:
                    shown = [(target.value, target.requested_at)]
                    session.write_rows(writer, shown, modified=True, current=True)
                if target is not None and threads is not None:
                    writer.save_threads(target.value.id, threads)
                elif target is not None and not _shows_threads(target):
                    # The recent threads of the missing one are nowhere in the archive then.
                    writer.forget_recent_threads()
                session.rows_removed += writer.remove([id_], found.requested_at)
            session.emit("gone", conversation=id_, why=found.reason, into=found.merged_into)
        else:
            with session.writing() as writer:
                session.write_rows(writer, [(found.value, found.requested_at)], current=True)
            session.rows_missing -= 1


def _shows_threads(found: ApiResponse[FullConversation]) -> bool:
    """Whether a conversation shows all of its threads, and they can be read."""
    shown = to_record(found.value, found.requested_at, modified=True, current=True).shown
    return shown is not None and shown.complete


def _merged_into(
    session: SyncSession, missing: Missing
) -> tuple[ApiResponse[FullConversation] | None, ShownThreads | None]:
    """The conversation that has a missing one's threads now, and its threads.

    Lists may show for minutes how it was before. If its threads were left for later, such a list
    could be taken for all of them.

    Returns:
        No conversation if it is gone, too, or no threads are kept. No threads if the conversation
        shows them all, or their list cannot be read.
    """
    for _ in range(_LOOK_UPS if session.keeps_threads else 0):
        target = follow_merges(missing, session.look_up)
        if isinstance(target, Missing):
            return None, None
        found = target.value
        if not isinstance(found, ConversationWithThreads) or found.are_all_shown:
            return target, None
        listed = list_threads(session.client, found.id, session.check_stopped)
        if not isinstance(listed, Missing):
            session.note_time(listed.requested_at)
            return target, session.known_threads(found.id, listed, target.requested_at)
        missing = replace(listed, merged_into=found.id)  # it was merged as well: follow it
    if session.keeps_threads:
        raise InconsistentData("conversations are merged faster than they can be read")
    return None, None


def check_loss(session: SyncSession, more: int) -> None:
    """Stop the run if so many more missing conversations are too many.

    Raises:
        LossAhead: They are.
    """
    missing = session.rows_missing + more
    if missing <= max(session.rows_at_start // _SHARE, _PAGE) or session.options.accept_loss:
        return
    with session.reading() as snapshot:  # a fill has added many since the run began
        held = max(session.rows_at_start, snapshot.conversation_count())
    if missing > max(held // _SHARE, _PAGE):
        raise LossAhead(
            f"{missing:,} of the archive's {held:,} conversations are missing at Help Scout, "
            "more than one in a hundred. Look whether the user who made the "
            "application may still see all mailboxes; if those conversations are truly gone, "
            "run `helpscout-v1 sync --accept-loss` once. The archive keeps them until then"
        )


def check_lost_mailboxes(session: SyncSession, conversations: dict[int, int]) -> None:
    """Stop the run if upstream does not show some mailboxes any more.

    Args:
        session: The run.
        conversations: How many conversations the archive holds of each, by the mailbox's id.

    Raises:
        LossAhead: There is such a mailbox, and the user does not accept its loss.
    """
    if conversations and not session.options.accept_loss:
        named = ", ".join(f"{id_} ({many:,} conversations)" for id_, many in conversations.items())
        raise LossAhead(
            f"Help Scout does not show these mailboxes any more: {named}. If only the rights "
            "of the user who made the application changed, give them back; if the mailboxes "
            "are truly gone, run `helpscout-v1 sync --accept-loss` once. The archive keeps "
            "their conversations until then"
        )
