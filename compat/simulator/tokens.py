"""OAuth 2.0 access tokens: they are issued, expire and can be revoked."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING

from compat.simulator.messages import JSON, Response, json_response

if TYPE_CHECKING:
    from compat.simulator.behaviour import Behaviour
    from compat.simulator.messages import Request

NO_STORE = (("Cache-Control", "no-store"),)


class Tokens:
    """The tokens of one application.

    Args:
        client_id: the application's id.
        client_secret: the application's secret.
        behaviour: returns the current behaviour.
        clock: the current time in epoch seconds.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        behaviour: Callable[[], Behaviour],
        clock: Callable[[], float],
    ) -> None:
        self._client = (client_id, client_secret)
        self._behaviour = behaviour
        self._clock = clock
        self._expires: dict[str, float] = {}
        self._lock = Lock()

    def issue(self, request: Request) -> Response:
        """Issue a token to a caller that has the secret; without rate-limit headers."""
        try:
            fields = request.fields()
        except ValueError:
            return _error(400, "invalid_request", "The body cannot be read")
        if fields.get("grant_type") != "client_credentials":
            return _error(400, "unsupported_grant_type", "Only client_credentials is supported")
        if not self._is_client(fields.get("client_id", ""), fields.get("client_secret", "")):
            status = self._behaviour().bad_client_status
            return _error(status, "invalid_client", "Client authentication failed")
        token, lifetime = token_hex(20), self._behaviour().token_lifetime
        with self._lock:
            self._expires[token] = self._clock() + lifetime
        token_fields = {"token_type": "bearer", "access_token": token, "expires_in": int(lifetime)}
        return json_response(token_fields, kind=JSON, headers=NO_STORE)

    def is_valid(self, request: Request) -> bool:
        """Whether the request carries a token that has not expired."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expires = self._expires.get(token.strip(), 0.0)
        return scheme.lower() == "bearer" and self._clock() < expires

    def revoke(self) -> None:
        """Make all tokens invalid."""
        with self._lock:
            self._expires.clear()

    def _is_client(self, client_id: str, client_secret: str) -> bool:
        sent, known = f"{client_id}\n{client_secret}", "\n".join(self._client)
        return hmac.compare_digest(sent.encode(), known.encode())


def unauthorized() -> Response:
    """The response to a request without a valid token."""
    return _error(401, "invalid_token", "The access token is missing, unknown or expired")


def _error(status: int, error: str, description: str) -> Response:
    payload = {"error": error, "error_description": description}
    return json_response(payload, status, JSON, NO_STORE)
