"""The simulated API as an ASGI application."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from compat.simulator.behaviour import Behaviour, Plan
from compat.simulator.churn import Churn
from compat.simulator.faults import Delivery, Faults
from compat.simulator.messages import JSON, TEXT, ApiError, Request, Response, json_response
from compat.simulator.rate_limit import RateLimit
from compat.simulator.resources import Resources, find_route
from compat.simulator.tokens import Tokens, unauthorized

if TYPE_CHECKING:
    from compat.simulator.store import Account

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Hook = Callable[["Account", str], None]

TOKEN_PATH = "/v2/oauth2/token"  # noqa: S105 - an address, no secret
REMEMBERED_TARGETS = 10_000
_log = logging.getLogger(__name__)


class Simulator:
    """Mailbox API 2.0 of one account, for any ASGI server.

    Args:
        account: the account it serves; it may change at any time, from any thread.
        behaviour: its options and its faults; can be replaced at any time.
        plan: the account's plan, which decides on the rate limit and on reports.
        client_id: the application that may authenticate.
        client_secret: its secret.
        refresh_token: a refresh token that is always valid. The real API gives a first one to an
            application that a user has authorized in a browser.
        clock: the current time in epoch seconds; default the account's clock.
        before_request: called with the account and with path and decoded query before each
            list of conversations or of threads is answered; may change the account. Can also be
            set later.

    Attributes:
        requests: how often each path was requested, with any result.
        targets: path and decoded query of the latest ten thousand requests, oldest first.
    """

    def __init__(
        self,
        account: Account,
        behaviour: Behaviour | None = None,
        *,
        plan: Plan = "standard",
        client_id: str = "demo-app",
        client_secret: str = "demo-secret",  # noqa: S107 - the demonstration has no secrets
        refresh_token: str = "demo-refresh",  # noqa: S107 - likewise
        clock: Callable[[], float] | None = None,
        before_request: Hook | None = None,
    ) -> None:
        self._behaviour = behaviour or Behaviour()
        self.before_request = before_request
        self.requests: Counter[str] = Counter()
        self.targets: deque[str] = deque(maxlen=REMEMBERED_TARGETS)
        self._clock = clock or account.clock
        self._tokens = Tokens(
            client_id, client_secret, refresh_token, self._current_behaviour, self._clock
        )
        self._rate_limit = RateLimit(self._current_behaviour, plan, self._clock)
        self._faults = Faults(self._behaviour)
        self._plan: Plan = plan
        self._response_numbers = count(1)
        self.show(account)

    def show(self, account: Account) -> None:
        """Serve another account from the next request on; tokens and the clock do not change."""
        self.account = account
        account.ratings_modify = self._behaviour.ratings_modify
        self._churn = Churn(account, self._behaviour)
        self._resources = Resources(
            account, self._current_behaviour, self._plan, self._faults, self._before_list
        )

    @property
    def behaviour(self) -> Behaviour:
        """Options and faults; a new value applies from the next request on."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self.account.ratings_modify = behaviour.ratings_modify
        self._faults.set_behaviour(behaviour)
        self._churn.set_behaviour(behaviour)

    @property
    def indexed(self) -> int:
        """How many of the account's changes the latest list showed."""
        return self._resources.conversation_list.indexed.position

    def revoke_tokens(self) -> None:
        """Make all access tokens invalid that were issued so far; refresh tokens stay valid."""
        self._tokens.revoke()

    def reset(self) -> None:
        """Clear `requests` and `targets`."""
        self.requests.clear()
        self.targets.clear()

    def respond(self, request: Request) -> Delivery:
        """The response to one request, with the faults of its delivery."""
        self.requests[request.path] += 1
        self.targets.append(request.target)
        try:
            if self._faults.revokes_tokens():
                self.revoke_tokens()
            response = self._faults.failure() or self._route(request)
        except ApiError as refusal:
            response = refusal.response()
        except Exception:  # noqa: BLE001 - a hook may raise anything; a server still answers
            _log.exception("the simulator failed at %s", request.target)
            response = json_response({"message": "Internal Server Error"}, 500, JSON)
        return self._faults.deliver(response)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        request = await _read(scope, receive)
        delivery = self.respond(request)
        if delivery.delay:
            await asyncio.sleep(delivery.delay)
        if delivery.dropped and _close_connection(send):
            await receive()
            return None
        return await self._send(request, delivery, send)

    def _current_behaviour(self) -> Behaviour:
        return self._behaviour

    def _route(self, request: Request) -> Response:
        if request.resource == TOKEN_PATH:
            return self._tokens.issue(request) if request.method == "POST" else _wrong_method()
        if self._faults.exceeds_rate_limit():
            return self._rate_limit.exceeded()
        found = find_route(request.resource)
        if found is None:
            return Response(404, b"Unknown URL", TEXT)
        if request.method != "GET":
            return _wrong_method()
        if not self._tokens.is_valid(request):
            return unauthorized()
        handler, arguments = found
        return self._rate_limit.acquire() or handler(self._resources, request, *arguments)

    def _before_list(self, target: str) -> None:
        self._churn.before_list()
        if self.before_request is not None:
            self.before_request(self.account, target)

    async def _send(self, request: Request, delivery: Delivery, send: Send) -> None:
        response, bytes_sent = delivery.response, delivery.bytes_sent
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            ("Date", formatdate(self._clock(), usegmt=True)),
            ("Correlation-Id", f"{uuid4()}#{next(self._response_numbers)}"),
            *(() if request.resource == TOKEN_PATH else self._rate_limit.headers()),
            *response.headers,
        ]
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": response.status, "headers": raw})
        # A server closes the connection if the application returns before its body is complete.
        if bytes_sent is None and not delivery.dropped:
            await send({"type": "http.response.body", "body": response.body})
        elif bytes_sent:
            part = response.body[:bytes_sent]
            await send({"type": "http.response.body", "body": part, "more_body": True})


def _close_connection(send: Send) -> bool:
    """Close a connection before any response, for which ASGI has no message.

    It works if the server is uvicorn, whose `send` is a method of an object with the transport.
    Other servers close the connection after the head of the response.

    Returns:
        Whether it was closed.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        return False
    transport.close()
    return True


def _wrong_method() -> Response:
    return json_response({"message": "Request method is not supported"}, 400, JSON)


async def _read(scope: Message, receive: Receive) -> Request:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in scope["headers"]}
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        base=f"{scope.get('scheme', 'http')}://{headers.get('host', 'localhost')}",
    )


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
