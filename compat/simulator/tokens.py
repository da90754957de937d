"""Signing in: tokens are handed out, expire and can be taken back."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING

from compat.simulator.messages import JSON, Response, answer

if TYPE_CHECKING:
    from compat.simulator.behaviour import Behaviour
    from compat.simulator.messages import Request

NO_STORE = (("Cache-Control", "no-store"),)


class Tokens:
    """The tokens of one application.

    Args:
        client_id: who may sign in.
        client_secret: with which secret.
        manners: the behaviour as it is now.
        clock: the current time in epoch seconds.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        manners: Callable[[], Behaviour],
        clock: Callable[[], float],
    ) -> None:
        self._client = (client_id, client_secret)
        self._manners = manners
        self._clock = clock
        self._expires: dict[str, float] = {}
        self._lock = Lock()

    def issue(self, request: Request) -> Response:
        """A token for who knows the secret; no rate-limit headers come with it."""
        try:
            fields = request.fields()
        except ValueError:
            return _refusal(400, "invalid_request", "The body cannot be read")
        if fields.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type", "Only client_credentials is supported")
        if not self._knows(fields.get("client_id", ""), fields.get("client_secret", "")):
            status = self._manners().bad_client_status
            return _refusal(status, "invalid_client", "Client authentication failed")
        token, lifetime = token_hex(20), self._manners().token_lifetime
        with self._lock:
            self._expires[token] = self._clock() + lifetime
        granted = {"token_type": "bearer", "access_token": token, "expires_in": int(lifetime)}
        return answer(granted, kind=JSON, headers=NO_STORE)

    def admits(self, request: Request) -> bool:
        """Whether the request carries a token that is still good."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expires = self._expires.get(token.strip(), 0.0)
        return scheme.lower() == "bearer" and self._clock() < expires

    def revoke(self) -> None:
        """Every token is worthless from now on."""
        with self._lock:
            self._expires.clear()

    def _knows(self, client_id: str, client_secret: str) -> bool:
        sent, known = f"{client_id}\n{client_secret}", "\n".join(self._client)
        return hmac.compare_digest(sent.encode(), known.encode())


def unauthorized() -> Response:
    """The answer to a request without a good token."""
    return _refusal(401, "invalid_token", "The access token is missing, unknown or expired")


def _refusal(status: int, error: str, description: str) -> Response:
    payload = {"error": error, "error_description": description}
    return answer(payload, status, JSON, NO_STORE)
