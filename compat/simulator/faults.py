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
REPEAT_EVERY = 3


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer, and how many bytes of its body arrive before the connection closes."""

    response: Response
    arrives: int | None = None


class Faults:
    """Draws, request by request, what goes wrong."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._rng = Random(behaviour.seed)
        self._lists = 0

    def failure(self) -> Response | None:
        """The answer of a server in trouble, for the share of requests that gets one."""
        if self._rng.random() >= self._behaviour.fail_rate:
            return None
        status = self._rng.choice(FAILURES)
        if status == 502:
            return Response(502, b"<html><body>Bad Gateway</body></html>", TEXT)
        return answer({"message": "Something went wrong", "status": status}, status, JSON)

    def deliver(self, response: Response) -> Delivery:
        """The answer as it arrives: whole, damaged or broken off."""
        if self._rng.random() < self._behaviour.truncate_rate:
            response = replace(response, body=self._damaged(response.body))
        if self._rng.random() < self._behaviour.drop_rate:
            return Delivery(response, self._rng.choice((0, len(response.body) // 2)))
        return Delivery(response)

    def hides_page(self, total: int) -> bool:
        """Whether this list comes empty although its total is positive."""
        if not total:
            return False
        self._lists += 1
        every = self._behaviour.empty_page_with_total_every
        return bool(every) and self._lists % every == 0

    def repeated(self, rows: list[Conversation]) -> list[Conversation]:
        """The rows of a page, now and then with one of them twice; none goes missing."""
        if not self._behaviour.repeat_rows or not rows or self._rng.randrange(REPEAT_EVERY):
            return rows
        at = self._rng.randrange(len(rows))
        return [*rows[: at + 1], *rows[at:]]

    def _damaged(self, body: bytes) -> bytes:
        middle = len(body) // 2
        if self._rng.random() < 0.5:
            return body[:middle]
        return body[:middle] + b"\x00<!-- \xff" + body[middle:]
