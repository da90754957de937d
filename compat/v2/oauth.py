"""Signing in with client credentials, and keeping the token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from compat.v2.errors import CredentialsRefused

_REFUSAL_REMEMBERED: Final = 30.0
_AHEAD: Final = 300.0
_SHORTEST_LIFE: Final = 1.0


@dataclass(frozen=True)
class Grant:
    """A token as upstream hands it out.

    Attributes:
        token: The access token; never shown in a repr.
        expires_in: Seconds for which it is valid, as upstream says.
    """

    token: str = field(repr=False)
    expires_in: float


class Tokens:
    """The account's current token; one object for all threads.

    A token is renewed ahead of its end (five minutes, or a tenth of a short life). While one
    thread signs in the others wait for its result. Credentials that were refused are not sent
    again for half a minute.

    Args:
        sign_in: Asks upstream for a token; raises SignInRefused when it is refused.
        clock: Seconds on a clock that never goes back.
    """

    def __init__(
        self, sign_in: Callable[[], Grant], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sign_in = sign_in
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0
        self._refusal: CredentialsRefused | None = None
        self._refused_until = 0.0

    def current(self) -> str:
        """A token that is valid as far as is known.

        Raises:
            SignInRefused: The credentials are refused, or were less than 30 s ago.
        """
        with self._lock:
            if self._token is not None and self._clock() < self._renew_at:
                return self._token
            return self._renew()

    def replace(self, refused: str) -> str:
        """A token other than `refused`: one that another thread has brought, or a new one."""
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
            grant = self._sign_in()
        except CredentialsRefused as refusal:
            self._refusal = refusal
            self._refused_until = self._clock() + _REFUSAL_REMEMBERED
            raise
        life = max(grant.expires_in, _SHORTEST_LIFE)
        self._renew_at = self._clock() + life - min(_AHEAD, life / 10)
        self._token = grant.token
        return grant.token
