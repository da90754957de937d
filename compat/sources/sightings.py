"""Conversations with their threads, as upstream showed them at some time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from compat.core.models import Activity, Thread
from compat.upstream import to_activity, to_threads
from compat.v2.errors import MalformedData
from compat.v2.models import waiting_time
from compat.v2.threads import ConversationWithThreads

_NUMBERS: Final = count()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A conversation with its threads, as upstream showed it.

    Attributes:
        activity: The conversation with the threads that were shown.
        number: Greater for later sightings.
        requested_at: When it was requested, epoch seconds by upstream's clock.
        state: What changes if the conversation does.
        published: How many threads it has, as upstream counts them; None if it is unknown.
        complete: Whether all threads are known, or all that upstream lists.
        final: Whether the list of threads need not be read again while `state` stays the same.
        current_at: When threads were requested that lists of conversations may not show yet; None
            if these have shown all of it.
    """

    activity: Activity
    number: int
    requested_at: int
    state: tuple[object, ...]
    published: int | None
    complete: bool
    final: bool = False
    current_at: int | None = None


def to_sighting(conversation: ConversationWithThreads, requested_at: int) -> Sighting:
    """What a page shows of a conversation."""
    complete = conversation.are_all_shown
    try:
        threads = to_threads(conversation.id, conversation.shown_threads)
    except MalformedData:  # it fails questions that need this conversation, and no others
        threads, complete = (), False
    activity = to_activity(conversation, threads)
    state = () if complete else (activity, conversation.threads, *_changing_values(conversation))
    return Sighting(
        activity, next(_NUMBERS), requested_at, state, conversation.threads, complete, complete
    )


def _changing_values(conversation: ConversationWithThreads) -> tuple[object, ...]:
    waiting_since = waiting_time(conversation.waiting_since)
    assignee = conversation.assignee and conversation.assignee.id
    return conversation.updated_at, waiting_since, assignee


def completed_with(sighting: Sighting, listed: tuple[Thread, ...], requested_at: int) -> Sighting:
    """A sighting with its threads, of those that were listed later, at some second.

    If the list has fewer than the conversation's number, that is all there is to know, until the
    conversation changes.
    """
    shown = {thread.id for thread in sighting.activity.threads}
    at_the_time = sighting.requested_at
    threads = tuple(each for each in listed if each.created <= at_the_time or each.id in shown)
    return replace(
        sighting,
        activity=sighting.activity._replace(threads=threads),
        number=next(_NUMBERS),
        complete=True,
        final=len(threads) == len(listed),
        current_at=requested_at,
    )


def compared_with(sighting: Sighting, before: Sighting | None, held: Sequence[Thread]) -> Sighting:
    """A sighting on a list of conversations, given what was seen before.

    Args:
        sighting: The sighting.
        before: The one before it; None if there is none.
        held: The threads that were seen before, if there is none.

    Returns:
        With the threads that were listed before, if nothing has changed since. Incomplete, if
        threads are missing that were seen before: the list may show an old state.
    """
    if before is not None and not sighting.complete and before.final:
        sighting = _with_list(sighting, before)
    known = held if before is None else before.activity.threads
    lost = {each.id for each in known}.difference(each.id for each in sighting.activity.threads)
    fewer = before is not None and (before.published or 0) > (sighting.published or 0)
    return replace(sighting, complete=False, final=False) if lost or fewer else sighting


def _with_list(sighting: Sighting, before: Sighting) -> Sighting:
    if before.state != sighting.state:
        return sighting
    return replace(
        sighting,
        activity=sighting.activity._replace(threads=before.activity.threads),
        complete=True,
        final=True,
        current_at=before.current_at,
    )
