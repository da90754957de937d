"""What one run does, step by step; each step leaves an archive that can be answered from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from compat.archive.sync.backfill import fill
from compat.archive.sync.incremental import catch_up, catch_up_at_last
from compat.archive.sync.lists import read_menus, revisit_mailboxes
from compat.archive.sync.reconcile import compare
from compat.archive.sync.reread import reread
from compat.archive.sync.session import SyncSession


class Step(NamedTuple):
    """A step, and what it is told as."""

    what: str
    do: Callable[[SyncSession], None]


STEPS: Final[Sequence[Step]] = (
    # Mailboxes, folders and tags. A mailbox that vanished stops the run here.
    Step("menus", read_menus),
    # What was modified since the archive was last true.
    Step("modified", catch_up),
    # What is not covered yet, newest months first; later on this is what came since.
    Step("new", fill),
    # All again with --verify; else the part whose turn it is.
    Step("reread", reread),
    # The same, if that was left for now or all this took long.
    Step("modified at last", catch_up_at_last),
    # A mailbox that vanished, and was given up with --accept-loss; and one that turned up late.
    Step("lost mailboxes", revisit_mailboxes),
    # What modification does not show: totals that differ lead to it.
    Step("totals", compare),
)


def run(work: SyncSession) -> None:
    """Take all steps.

    Raises:
        UpstreamError: Upstream fails.
        ArchiveError: The archive fails, or more is missing than may go without a word.
    """
    for what, do in STEPS:
        work.begin(what)
        do(work)
