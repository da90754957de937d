"""A server for simulated accounts, over real HTTP, and services that fetch from it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import SecretStr

from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Account, Conversation, Simulator, make_account
from tests.integration.exactness.oracle import Asked
from tests.unit.server.threaded_server import LOOPBACK, Stage, serving
from tests.unit.service.doubles import only_account

SINCE = datetime(2019, 3, 1, tzinfo=UTC)
NOW = datetime(2019, 6, 15, 12, 30, 45, tzinfo=UTC)
BURST = int(datetime(2019, 5, 1, tzinfo=UTC).timestamp())
KINDS = ("email", "chat", "phone")


class Upstream(Stage):
    """A server whose simulated account can be changed for another.

    Attributes:
        port: Where it listens.
    """

    port = 0

    def show(self, simulator: Simulator) -> Settings:
        """From now on it shows this one; the settings to reach it."""
        self.app = simulator
        return Settings(
            app_id="demo-app",
            app_secret=SecretStr("demo-secret"),
            base_url=f"http://{LOOPBACK}:{self.port}/v2",
            timeout=20,
        )


@contextmanager
def upstream() -> Iterator[Upstream]:
    """A server for simulated accounts."""
    empty = Upstream()
    with serving(empty, lifespan="off", date_header=False) as port:
        empty.port = port
        yield empty


def busy_account(conversations: int = 220, burst: int = 60, seed: int = 5) -> Account:
    """An account with a past, and a second in which more happened than fits on a page."""
    account = make_account(conversations, seed, NOW, SINCE)
    rng = random.Random(seed)
    for _ in range(burst):
        add(account, rng, BURST)
    return account


def add(account: Account, rng: random.Random, created: int) -> Conversation:
    """A conversation with anything about it."""
    return account.add(
        created,
        mailbox_id=rng.choice(account.layout.mailboxes).id,
        tags=rng.sample([tag.id for tag in account.layout.tags[:5]], rng.choice([0, 0, 1, 2])),
        type=rng.choice(KINDS),
        status=rng.choice(["active", "pending", "closed", "spam"]),
        state=rng.choice(["published", "published", "published", "draft"]),
        assignee_id=rng.choice([0, *(user.id for user in account.layout.users)]),
        millis=rng.randrange(1000),
    )


def conventions_of(asked: Asked) -> Conventions:
    """The conventions by which a question is to be judged."""
    return Conventions(counted_states=asked.states, uncounted_statuses=asked.not_counted)


def judged_by(reports: LegacyReports, asked: Asked) -> LegacyReports:
    """The same service, by other conventions; it shares the source and is not to be closed."""
    account = only_account(reports)
    settings = account.settings.model_copy(update={"conventions": conventions_of(asked)})
    return LegacyReports(settings, source=account._source)
