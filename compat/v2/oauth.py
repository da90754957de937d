"""OAuth 2.0 client credentials: the application, its access token, and its renewal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from compat.v2.errors import CredentialsRefused

_REFUSAL_SECONDS: Final = 30.0
_RENEWAL_SECONDS: Final = 300.0
_MIN_LIFETIME: Final = 1.0


@dataclass(frozen=True)
class Credentials:
    """An application's id and secret, from *Your profile → My apps* at Help Scout."""

    app_id: str
    app_secret: str = field(repr=False)


@dataclass(frozen=True)
class AccessToken:
    """An access token as upstream issues it.

    Attributes:
        token: Its value; never shown in a repr.
        expires_in: Seconds for which it is valid, as upstream says.
    """

    token: str = field(repr=False)
    expires_in: float


class TokenCache:
    """The account's current token; safe to share between threads.

    A token is renewed before it expires (five minutes, or a tenth of a short lifetime). While one
    thread requests a token, the others wait for it. Credentials that were refused are not sent
    again for half a minute.

    Args:
        request_token: Requests a token from upstream; raises CredentialsRefused.
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        request_token: Callable[[], AccessToken],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request_token = request_token
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0
        self._refusal: CredentialsRefused | None = None
        self._refused_until = 0.0

    def current(self) -> str:
        """A token that is valid as far as is known.

        Raises:
            CredentialsRefused: The credentials are refused, or were less than 30 s ago.
        """
        with self._lock:
            if self._token is not None and self._clock() < self._renew_at:
                return self._token
            return self._renew()

    def replace(self, refused: str) -> str:
        """A token other than `refused`: the one that another thread has requested, or a new one.

        Raises:
            CredentialsRefused: The credentials are refused, or were less than 30 s ago.
        """
        with self._lock:
            if self._token is not None and self._token != refused:
                return self._token
            return self._renew()

    @property
    def refused(self) -> bool:
        """Whether the credentials were refused in the last half minute."""
        return self._clock() < self._refused_until

    def _renew(self) -> str:
        if self._refusal is not None and self.refused:
            raise CredentialsRefused(str(self._refusal), status=self._refusal.status)
        self._token = None
        try:
            issued = self._request_token()
        except CredentialsRefused as refusal:
            self._refusal = refusal
            self._refused_until = self._clock() + _REFUSAL_SECONDS
            raise
        lifetime = max(issued.expires_in, _MIN_LIFETIME)
        self._renew_at = self._clock() + lifetime - min(_RENEWAL_SECONDS, lifetime / 10)
        self._token = issued.token
        return issued.token
