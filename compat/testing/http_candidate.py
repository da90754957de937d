"""Holding a server, in whatever language it is written, against this project over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import httpx

from compat.simulator import Account
from compat.testing.assertions import read_answer
from compat.testing.stage import Stage

_PATH: Final = "/v1/reports/conversations/new.json"
_PROBE: Final = f"{_PATH}?start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z&viewBy=month"
_PROBED: Final = 1_420_500_000
_PATIENCE: Final = 60.0
_LONGEST_WAIT: Final = 5.0


class CannotAsk(Exception):
    """The server cannot be asked, so nothing can be said of its answers."""


class Remembers(Exception):
    """The server answers from memory, so accounts cannot be exchanged under it."""


@dataclass(frozen=True)
class Caller:
    """Asks a server that claims the old contract.

    Attributes:
        client: Carries the requests, and the API key.
        origin: Scheme, host and port, and whatever stands before `/v1/`.
        sleep: Waits some seconds.
    """

    client: httpx.Client
    origin: str
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, query: str) -> httpx.Response:
        """The answer; where the server says 503 it is asked again, as it wishes.

        Raises:
            CannotAsk: There is no answer, or 503 to the end of patience.
        """
        waited = 0.0
        while (answer := self._ask(query)).status_code == 503:
            pause = _pause(answer)
            waited += pause
            if waited > _PATIENCE:
                raise CannotAsk(f"the server went on saying 503: {answer.text}")
            self.sleep(pause)
        return answer

    def _ask(self, query: str) -> httpx.Response:
        try:
            return self.client.get(self.origin + query)
        except httpx.HTTPError as error:
            raise CannotAsk(f"{self.origin} does not answer ({type(error).__name__})") from error


def probe(caller: Caller, stage: Stage) -> None:
    """Find out whether the server fetches from the simulator, and fetches anew each time.

    What it makes of what it fetched is not judged here.

    Raises:
        CannotAsk: It does not answer, or not from the simulator's account.
        Remembers: It gives an answer that is no longer true.
    """
    first, then = (_probed(caller, stage, size) for size in (2, 3))
    if not first.fetched:
        raise CannotAsk(
            f"the server fetched nothing from {stage.base_url}: make that its Mailbox API 2.0, "
            "and let it remember nothing from before"
        )
    if not then.fetched or (first.right and not then.right):
        raise Remembers(
            "the server answers from memory: switch that off and try again (this project's own "
            "server: COMPAT_RECENT_AGE=0 and COMPAT_MAX_AGE=0)"
        )


class _Probed(NamedTuple):
    fetched: bool
    right: bool


def _probed(caller: Caller, stage: Stage, size: int) -> _Probed:
    """What the server did when so many conversations had begun in a month."""
    account = Account()
    for _ in range(size):
        account.add(_PROBED)
    stage.show(account)
    stage.simulator.reset()
    status, body = read_answer(caller(_PROBE))
    if status != 200:
        told = body[:300].decode("utf-8", "replace")
        raise CannotAsk(f"the server answers {status} to a plain question: {told}")
    right = b'"count":%d' % size in body.replace(b" ", b"")
    return _Probed(bool(stage.simulator.requests), right)


def _pause(answer: httpx.Response) -> float:
    told = answer.headers.get("Retry-After", "")
    return min(float(told), _LONGEST_WAIT) if told.isascii() and told.isdigit() else 1.0
