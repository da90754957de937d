"""What goes wrong between a client and a server, on purpose and repeatably."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from compat.simulator.messages import JSON, TEXT, Response, answer

if TYPE_CHECKING:
    from compat.simulator.behaviour import Behaviour
    from compat.simulator.records import Conversation

FAILURES = (500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer on its way.

    Attributes:
        response: what was answered.
        arrives: how many bytes of its body arrive before the connection closes; None for all.
        dropped: the connection closes before anything arrives.
        delay: seconds before it is sent.
    """

    response: Response
    arrives: int | None = None
    dropped: bool = False
    delay: float = 0.0


class Faults:
    """Draws, request by request, what goes wrong."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.become(behaviour)

    def become(self, behaviour: Behaviour) -> None:
        """From the next request on it is like this; the draw begins anew."""
        self._behaviour = behaviour
        self._rng = Random(behaviour.seed)

    def failure(self) -> Response | None:
        """The answer of a server in trouble, for the share of requests that gets one."""
        if not self._hit(self._behaviour.fail_rate):
            return None
        status = self._rng.choice(FAILURES)
        if status == 502:
            return Response(502, b"<html><body>Bad Gateway</body></html>", TEXT)
        return answer({"message": "Something went wrong", "status": status}, status, JSON)

    def deliver(self, response: Response) -> Delivery:
        """The answer as it arrives: whole, damaged, late or broken off."""
        says = self._behaviour
        if self._hit(says.truncate_rate):
            response = replace(response, body=response.body[: len(response.body) // 2])
        if self._hit(says.garble_rate):
            response = replace(response, body=_garbled(response.body))
        half = len(response.body) // 2 if self._hit(says.cut_rate) else None
        delay = says.latency + says.latency_spread * self._rng.random()
        return Delivery(response, half, dropped=self._hit(says.drop_rate), delay=delay)

    def limits(self) -> bool:
        """Whether this request is over a limit that it has not reached."""
        return self._hit(self._behaviour.limit_rate)

    def revokes(self) -> bool:
        """Whether all tokens are taken back before this request."""
        return self._hit(self._behaviour.revoke_rate)

    def hides_page(self, total: int) -> bool:
        """Whether this list comes empty although its total is positive."""
        return total > 0 and self._hit(self._behaviour.empty_page_rate)

    def repeated(self, rows: list[Conversation]) -> list[Conversation]:
        """The rows of a page, now and then with one of them twice; none goes missing."""
        if not rows or not self._hit(self._behaviour.repeat_rate):
            return rows
        at = self._rng.randrange(len(rows))
        return [*rows[: at + 1], *rows[at:]]

    def _hit(self, rate: float) -> bool:
        return rate > 0 and self._rng.random() < rate


def _garbled(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + b"\x00<!-- \xff" + body[middle:]
