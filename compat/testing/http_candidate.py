"""A server in any language as a candidate, over HTTP."""

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
_PROBE_QUERY: Final = f"{_PATH}?start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z&viewBy=month"
_PROBE_SECOND: Final = 1_420_500_000
_MAX_WAIT: Final = 60.0
_MAX_PAUSE: Final = 5.0


class CandidateUnusable(Exception):
    """The server cannot be tested; the message says why."""


class CandidateCaches(Exception):
    """The server answers from a cache, so it does not see that the account is replaced."""


@dataclass(frozen=True)
class HttpCandidate:
    """Sends queries to a server that implements the old contract.

    Attributes:
        client: Sends the requests, with an API key.
        origin: The part of the server's address before `/v1/`.
        sleep: Waits some seconds.
    """

    client: httpx.Client
    origin: str
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, query: str) -> httpx.Response:
        """The answer. After a 503 the query is sent again when `Retry-After` allows it.

        Raises:
            CandidateUnusable: There is no answer, or 503 for a whole minute.
        """
        waited = 0.0
        while (answer := self._send(query)).status_code == 503:
            pause = _pause(answer)
            waited += pause
            if waited > _MAX_WAIT:
                raise CandidateUnusable(f"the server went on saying 503: {answer.text}")
            self.sleep(pause)
        return answer

    def _send(self, query: str) -> httpx.Response:
        try:
            return self.client.get(self.origin + query)
        except httpx.HTTPError as error:
            raise CandidateUnusable(
                f"{self.origin} does not answer ({type(error).__name__})"
            ) from error


def probe(candidate: HttpCandidate, stage: Stage) -> None:
    """Check that the server fetches from the simulator, and again for each question.

    Whether it counts correctly does not matter here.

    Raises:
        CandidateUnusable: It does not answer, or not from the simulator's account.
        CandidateCaches: Its answer is out of date.
    """
    first, second = (_probe_with(candidate, stage, size) for size in (2, 3))
    if not first.fetched:
        raise CandidateUnusable(
            f"the server fetched nothing from {stage.base_url}: make that its Mailbox API 2.0, "
            "and let it remember nothing from before"
        )
    if not second.fetched or (first.right and not second.right):
        raise CandidateCaches(
            "the server answers from memory: switch that off and try again (this project's own "
            "server: COMPAT_RECENT_AGE=0 and COMPAT_MAX_AGE=0)"
        )


class _ProbeResult(NamedTuple):
    fetched: bool
    right: bool


def _probe_with(candidate: HttpCandidate, stage: Stage, size: int) -> _ProbeResult:
    """Whether the server fetches and counts so many conversations of one month."""
    account = Account()
    for _ in range(size):
        account.add(_PROBE_SECOND)
    stage.show(account)
    stage.simulator.reset()
    status, body = read_answer(candidate(_PROBE_QUERY))
    if status != 200:
        text = body[:300].decode("utf-8", "replace")
        raise CandidateUnusable(f"the server answers {status} to a plain question: {text}")
    right = b'"count":%d' % size in body.replace(b" ", b"")
    return _ProbeResult(bool(stage.simulator.requests), right)


def _pause(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), _MAX_PAUSE) if text.isascii() and text.isdigit() else 1.0
