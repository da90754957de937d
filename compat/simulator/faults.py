"""Fault injection: what goes wrong between client and server, repeatably."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from compat.simulator.messages import JSON, TEXT, Response, json_response

if TYPE_CHECKING:
    from compat.simulator.behaviour import Behaviour
    from compat.simulator.conversation import Conversation

FAILURES = (500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a response is sent.

    Attributes:
        response: the response.
        bytes_sent: how many bytes of its body are sent before the connection closes; None for all.
        dropped: the connection closes before anything is sent.
        delay: seconds before it is sent.
    """

    response: Response
    bytes_sent: int | None = None
    dropped: bool = False
    delay: float = 0.0


class Faults:
    """Draws the faults of each request."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.set_behaviour(behaviour)

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Use this behaviour from the next request on; the draws start again."""
        self._behaviour = behaviour
        self._rng = Random(behaviour.seed)

    def failure(self) -> Response | None:
        """A 5xx response, for the share of requests that gets one."""
        if not self._draw(self._behaviour.fail_rate):
            return None
        status = self._rng.choice(FAILURES)
        if status == 502:
            return Response(502, b"<html><body>Bad Gateway</body></html>", TEXT)
        return json_response({"message": "Something went wrong", "status": status}, status, JSON)

    def deliver(self, response: Response) -> Delivery:
        """How the response is sent: complete, damaged, late or cut."""
        behaviour = self._behaviour
        if self._draw(behaviour.truncate_rate):
            response = replace(response, body=response.body[: len(response.body) // 2])
        if self._draw(behaviour.garble_rate):
            response = replace(response, body=_garble(response.body))
        half = len(response.body) // 2 if self._draw(behaviour.cut_rate) else None
        delay = behaviour.latency + behaviour.latency_spread * self._rng.random()
        return Delivery(response, half, dropped=self._draw(behaviour.drop_rate), delay=delay)

    def exceeds_rate_limit(self) -> bool:
        """Whether this request gets a 429 although the limit is not reached."""
        return self._draw(self._behaviour.limit_rate)

    def revokes_tokens(self) -> bool:
        """Whether all tokens are revoked before this request."""
        return self._draw(self._behaviour.revoke_rate)

    def empties_page(self, total: int) -> bool:
        """Whether this page is empty although its total is positive."""
        return total > 0 and self._draw(self._behaviour.empty_page_rate)

    def with_repeated_row(self, rows: list[Conversation]) -> list[Conversation]:
        """The rows of a page, sometimes with one of them twice; none is missing."""
        if not rows or not self._draw(self._behaviour.repeat_rate):
            return rows
        at = self._rng.randrange(len(rows))
        return [*rows[: at + 1], *rows[at:]]

    def _draw(self, rate: float) -> bool:
        return rate > 0 and self._rng.random() < rate


def _garble(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + b"\x00<!-- \xff" + body[middle:]
