"""Reading what was modified since a second, also where the index hides parts of a second."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from compat.simulator import Account, Simulator
from compat.v2.changes import ChangesReader
from compat.v2.client import Client
from compat.v2.models import Conversation, ConversationPage
from compat.v2.pagination import Batch, Paginator
from compat.v2.search import Selection
from tests.unit.v2.upstream import FIRST, QUIET, Stage

CONVERSATIONS = 60
SINCE = 30
"""From which second on the tests ask; one conversation is modified in each second."""


def modified_since(client: Client, since: int) -> set[int]:
    """The ids that the reader finds."""
    found: set[int] = set()

    def paginator(first: int, last: int) -> Paginator[Conversation]:
        selection = Selection(modified_since=first, modified_until=last)
        return Paginator(client, selection, ConversationPage, lambda: None)

    def note(batch: Batch[Conversation]) -> None:
        found.update(row.id for row in batch.rows)

    ChangesReader(paginator, note).read(since)
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fractions", [False, True])
def test_what_was_modified_is_found_wherever_it_is_split(
    stage_and_client: tuple[Stage, Client], seed: int, fractions: bool
) -> None:
    stage, client = stage_and_client
    draw = random.Random(seed)
    account = Account(clock=lambda: FIRST + 3600)
    rows = [
        account.add(FIRST + second, millis=draw.randrange(1, 1000))
        for second in range(CONVERSATIONS)
    ]
    stage.playing = Simulator(account, replace(QUIET, index_fractions=fractions, page_size=7))
    found = modified_since(client, FIRST + SINCE)
    assert found >= {row.id for row in rows[SINCE:]}
