"""The committed states of an archive while it is synchronised, as answers to some questions.

Run by itself, it synchronises in a process of its own and prints the answers of all states.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

from pydantic import SecretStr

from compat.archive.database import Archive
from compat.archive.sync.run import Sync, SyncOptions
from compat.config.settings import Settings
from compat.core.models import Row
from compat.simulator import Conversation
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.unit.archive.sync.synced_account import DAY, EVER, NOW, SINCE

_FIRST, _LAST = int(SINCE.timestamp()), int(NOW.timestamp()) - DAY
QUESTIONS = (
    Asked(_FIRST, _LAST, view_by="month"),
    Asked(_FIRST, _LAST, (_FIRST, _LAST - 90 * DAY), "week"),
    Asked(_FIRST, _LAST, view_by="month", filters={"tags": (1, 6001)}),
    Asked(_FIRST, _LAST, view_by="week", filters={"types": ("email", "chat")}),
)

State = tuple[Row, ...]
"""What is counted in an archive."""


def answers(state: State) -> tuple[str, ...]:
    """The expected answers to all questions, counted in the slowest way."""
    seen = [
        cast(
            "Conversation",
            SimpleNamespace(
                **row._asdict(), mailbox_id=row.mailbox, tag_ids=row.tags, folder_id=row.folder
            ),
        )
        for row in state
    ]
    account: Any = SimpleNamespace(conversations=lambda: seen)
    return tuple(json.dumps(oracle.answer(asked, account)) for asked in QUESTIONS)


def read(archive: Archive) -> State:
    """The state an archive is in."""
    with archive.reading() as snapshot:
        return tuple(snapshot.rows([EVER]))


@contextmanager
def recorded(report: Callable[[State], None]) -> Iterator[None]:
    """Within the block, a function gets each state once it is committed in this process."""
    writing = Archive.writing

    @contextmanager
    def writing_and_reporting(archive: Archive, lock: Any) -> Iterator[Any]:
        with writing(archive, lock) as writer:
            yield writer
        report(read(archive))

    Archive.writing = writing_and_reporting  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Archive.writing = writing  # type: ignore[method-assign]


def main() -> None:
    """Synchronise as standard input says, and print the answers of all committed states."""
    app_secret, archive, base_url = json.load(sys.stdin)
    settings = Settings(
        app_id="demo-app",
        app_secret=SecretStr(app_secret),
        archive=SecretStr(archive),
        base_url=base_url,
    )
    states: set[State] = set()
    with recorded(states.add):
        Sync(settings, SyncOptions(accept_loss=True)).run()
    json.dump([answers(state) for state in states], sys.stdout)


if __name__ == "__main__":
    main()
