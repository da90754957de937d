"""A simulated account with its own clock, an archive of it, and runs that synchronise it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from compat.archive.database import Archive, open_archive
from compat.archive.records import INDEX_LAG
from compat.archive.sync.run import Sync, SyncEvent, SyncOptions, SyncResult
from compat.archive.sync.session import SyncSession
from compat.config.settings import Settings
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Coverage, Interval
from compat.core.models import Row
from compat.simulator import Account, Behaviour, Conversation, Simulator, make_account
from compat.upstream import client_from_settings
from tests.integration.exactness.simulated_upstream import Upstream

SINCE = datetime(2014, 1, 1, tzinfo=UTC)
NOW = datetime(2015, 6, 15, 12, 30, 45, tzinfo=UTC)
DAY = 86_400
QUIET = Behaviour(rate_limit=None)
EVER = Interval(FIRST_SECOND, LAST_SECOND)


@dataclass
class Clock:
    """The account's clock; it stands still until `advance` is called.

    Attributes:
        now: Epoch seconds.
    """

    now: float = NOW.timestamp()

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def sample_account(clock: Clock, conversations: int = 300, burst: int = 60) -> Account:
    """A random account, with more conversations in one second than fit on a page."""
    account = make_account(conversations, 5, NOW, SINCE, clock)
    rng = random.Random(5)
    for _ in range(burst):
        account.add(
            int(datetime(2015, 3, 1, tzinfo=UTC).timestamp()),
            mailbox_id=rng.choice(account.layout.mailboxes).id,
            status=rng.choice(["active", "closed", "spam"]),
            millis=rng.randrange(1000),
        )
    clock.advance(DAY)
    return account


@dataclass
class Staged:
    """An account, the API that shows it, and an archive of it.

    Attributes:
        account: The account.
        clock: Its clock, and the API's.
        simulator: The API.
        settings: The settings that lead to both.
        upstream_server: The server that shows the API.
        events: The events of the latest run, without those of pages.
        on_event: Called with each event of a run, pages included.
    """

    account: Account
    clock: Clock
    simulator: Simulator
    settings: Settings
    upstream_server: Upstream
    events: list[SyncEvent] = field(default_factory=list)
    on_event: Callable[[SyncEvent], None] = lambda _: None

    def sync(self, **options: Any) -> SyncResult:
        """Run once, with a request log of its own."""
        self.simulator.reset()
        self.events.clear()
        return Sync(self.settings, SyncOptions(**options), self._on_event).run()

    def limit_requests(self, parallel: int) -> None:
        """Let runs make at most so many requests at a time."""
        self.settings = self.settings.model_copy(update={"parallel": parallel})

    def rows(self, span: Interval = EVER) -> dict[int, Row]:
        """What the archive holds, by id."""
        with open_archive(self.url) as archive, archive.reading() as snapshot:
            return {row.id: row for row in snapshot.rows([span])}

    def coverage(self) -> list[Coverage]:
        """What the archive covers."""
        with open_archive(self.url) as archive, archive.reading() as snapshot:
            return snapshot.coverage()

    def truth(self, span: Interval = EVER) -> dict[int, Row]:
        """What the account holds that lists may show, by id."""
        return {
            row.id: true_row(row)
            for row in self.account.conversations()
            if row.listed and span.first <= row.created <= span.last
        }

    def covered_truth(self) -> dict[int, Row]:
        """The part of the truth that a run which begins now must write."""
        return self.truth(Interval(FIRST_SECOND, int(self.clock.now) - INDEX_LAG - 2))

    def environment(self, **others: str) -> dict[str, str]:
        """The environment variables that lead a process to the API and the archive."""
        return {
            "HELPSCOUT_APP_ID": "demo-app",
            "HELPSCOUT_APP_SECRET": "demo-secret",
            "HELPSCOUT_BASE_URL": self.settings.base_url,
            "COMPAT_ARCHIVE": self.url.removeprefix("sqlite:///"),
            "COMPAT_RATE_RESERVE": "0",
            **others,
        }

    def lose_mailbox(self) -> int:
        """Hide a mailbox from the application's user from now on; returns its id."""
        layout = self.account.layout
        lost = layout.mailboxes[-1].id
        layout.mailboxes = layout.mailboxes[:-1]
        del layout.mailbox_by_id[lost]
        for row in self.account.conversations():
            if row.mailbox_id == lost:
                self.account._rows[row.id] = replace(row, state="deleted")
        self.simulator = Simulator(self.account, self.simulator.behaviour)
        self.upstream_server.show(self.simulator)
        return lost

    def asked(self) -> int:
        """How many requests the latest run made, without sign-ins."""
        asked = self.simulator.requests
        return sum(many for path, many in asked.items() if not path.endswith("/token"))

    def reported(self, name: str) -> list[Mapping[str, Any]]:
        """The facts of the latest run's events of a name."""
        return [event.facts for event in self.events if event.name == name]

    @property
    def url(self) -> str:
        """The archive's URL."""
        assert self.settings.archive is not None
        return self.settings.archive.get_secret_value()

    def _on_event(self, event: SyncEvent) -> None:
        if event.name != "page":
            self.events.append(event)
        self.on_event(event)


def true_row(row: Conversation) -> Row:
    """A conversation of the account as counting sees it."""
    return Row(
        row.created,
        row.id,
        row.mailbox_id,
        row.folder_id,
        row.type,
        row.status,
        row.state,
        row.tag_ids,
    )


def staged(
    upstream_server: Upstream,
    url: str,
    account: Account,
    clock: Clock,
    behaviour: Behaviour = QUIET,
) -> Staged:
    """Show an account, with an archive at a place."""
    simulator = Simulator(account, behaviour)
    settings = upstream_server.show(simulator).model_copy(update={"archive": SecretStr(url)})
    return Staged(account, clock, simulator, settings, upstream_server)


def make_unreadable(stage: Staged, conversation: int) -> None:
    """Let upstream show the threads of a conversation without their ids."""
    nameless: Any = {"id": None}
    history = tuple(each._replace(**nameless) for each in stage.account.threads(conversation))
    stage.account.change(conversation, history=history)


@contextmanager
def opened_archive(stage: Staged) -> Iterator[Archive]:
    """The archive of a stage, which is made if there is none."""
    with open_archive(stage.url, create=True) as archive:
        yield archive


@contextmanager
def opened_session(stage: Staged, **options: Any) -> Iterator[SyncSession]:
    """A run whose steps the test takes itself, with one request at a time and its own log."""
    stage.simulator.reset()
    stage.events.clear()
    with (
        closing(client_from_settings(stage.settings)) as client,
        opened_archive(stage) as archive,
        archive.lock() as lock,
    ):
        yield SyncSession(
            archive,
            lock,
            client,
            SyncOptions(**options),
            parallel=1,
            on_event=stage._on_event,
            check_stopped=lambda: None,
        )


@contextmanager
def interrupted(stage: Staged, after: int) -> Iterator[None]:
    """Runs end, as by a power cut, after so many pages and one more."""
    left = after

    def on_event(event: SyncEvent) -> None:
        nonlocal left
        left -= event.name == "page"
        if left < 0:
            raise PowerCut

    stage.on_event = on_event
    try:
        yield
    finally:
        stage.on_event = lambda _: None


class PowerCut(Exception):
    """The run ends here."""
