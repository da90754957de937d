"""OAuth 2.0 tokens: they are issued, expire, and can be refreshed and revoked."""

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

GRANTS = ("client_credentials", "refresh_token")
NO_STORE = (("Cache-Control", "no-store"),)


class Tokens:
    """The tokens of one application.

    Args:
        client_id: the application's id.
        client_secret: the application's secret.
        refresh_token: a refresh token that is always valid; those issued are valid once.
        behaviour: returns the current behaviour.
        clock: the current time in epoch seconds.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        behaviour: Callable[[], Behaviour],
        clock: Callable[[], float],
    ) -> None:
        self._client = (client_id, client_secret)
        self._behaviour = behaviour
        self._clock = clock
        self._expires: dict[str, float] = {}
        self._first_refresh_token = refresh_token
        self._refresh_tokens: set[str] = set()
        self._lock = Lock()

    def issue(self, request: Request) -> Response:
        """Issue a token to a caller that has the secret; without rate-limit headers.

        In exchange for a refresh token there is a new refresh token as well.
        """
        try:
            fields = request.fields()
        except ValueError:
            return _error(400, "invalid_request", "The body cannot be read")
        grant = fields.get("grant_type")
        if grant not in GRANTS:
            return _error(400, "unsupported_grant_type", f"Supported are {' and '.join(GRANTS)}")
        if not self._is_client(fields.get("client_id", ""), fields.get("client_secret", "")):
            status = self._behaviour().bad_client_status
            return _error(status, "invalid_client", "Client authentication failed")
        refreshed: dict[str, object] = {}
        if grant == "refresh_token":
            if not self._use_refresh_token(fields.get("refresh_token", "")):
                return _error(400, "invalid_request", "Invalid refresh_token")
            refreshed = {"refresh_token": self._new_refresh_token()}
        token, lifetime = token_hex(20), self._behaviour().token_lifetime
        with self._lock:
            self._expires[token] = self._clock() + lifetime
        token_fields = {"token_type": "bearer", "access_token": token, "expires_in": int(lifetime)}
        return json_response(refreshed | token_fields, kind=JSON, headers=NO_STORE)

    def is_valid(self, request: Request) -> bool:
        """Whether the request carries a token that has not expired."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expires = self._expires.get(token.strip(), 0.0)
        return scheme.lower() == "bearer" and self._clock() < expires

    def revoke(self) -> None:
        """Make all access tokens invalid."""
        with self._lock:
            self._expires.clear()

    def _use_refresh_token(self, token: str) -> bool:
        """Whether a refresh token is valid; one that was issued is invalid afterwards."""
        if token == self._first_refresh_token:
            return True
        with self._lock:
            known = token in self._refresh_tokens
            self._refresh_tokens.discard(token)
        return known

    def _new_refresh_token(self) -> str:
        token = token_hex(20)
        with self._lock:
            self._refresh_tokens.add(token)
        return token

    def _is_client(self, client_id: str, client_secret: str) -> bool:
        sent, known = f"{client_id}\n{client_secret}", "\n".join(self._client)
        return hmac.compare_digest(sent.encode(), known.encode())


def unauthorized() -> Response:
    """The response to a request without a valid token."""
    return _error(401, "invalid_token", "The access token is missing, unknown or expired")


def _error(status: int, error: str, description: str) -> Response:
    payload = {"error": error, "error_description": description}
    return json_response(payload, status, JSON, NO_STORE)
