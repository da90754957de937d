"""A simulator whose account can be replaced while it runs, and a server in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from compat.simulator.server import serving

APP_ID: Final = "demo-app"
APP_SECRET: Final = "demo-secret"  # noqa: S105 - accepted by every simulator


@dataclass(frozen=True)
class Stage:
    """A running simulator of Mailbox API 2.0.

    Attributes:
        simulator: The simulator.
        base_url: Its address, ending in `/v2`. Sign in as `demo-app` with the secret
            `demo-secret`.
    """

    simulator: Simulator
    base_url: str

    @property
    def account(self) -> Account:
        """The account that it shows; conversations can be added and changed."""
        return self.simulator.account

    def show(self, account: Account) -> None:
        """Show another account from the next request on; tokens stay valid."""
        self.simulator.show(account)

    @property
    def settings(self) -> Settings:
        """Settings for this simulator; nothing is cached between two questions."""
        return Settings(
            app_id=APP_ID,
            app_secret=SecretStr(APP_SECRET),
            base_url=self.base_url,
            recent_age=0,
            max_age=0,
        )


@contextmanager
def simulator_stage(
    account: Account | None = None, behaviour: Behaviour | None = None, port: int = 0
) -> Iterator[Stage]:
    """Run a simulator for the length of a `with` block.

    Args:
        account: The account that it shows first; an empty account if not given.
        behaviour: Its behaviour and faults; without a rate limit if not given.
        port: The port on loopback; 0 for any free port.

    Raises:
        ImportError: uvicorn is not installed.
        OSError: The port is in use.
    """
    simulator = Simulator(account or Account(), behaviour or Behaviour(rate_limit=None))
    with serving(simulator, port) as origin:
        yield Stage(simulator, f"{origin}/v2")


@contextmanager
def server_stage(stage: Stage, conventions: Conventions | None = None) -> Iterator[str]:
    """Run a server of the old API in front of a simulator; any API key is accepted.

    Yields:
        Its base address, which ends in `/v1/`.
    """
    settings = stage.settings.model_copy(update={"conventions": conventions or Conventions()})
    with LegacyReports(settings) as reports, serving(create_app(reports)) as origin:
        yield f"{origin}/v1/"
