"""Where Mailbox API 2.0 is, and the rule that a token is sent nowhere else."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

DEFAULT_BASE_URL: Final = "https://api.helpscout.net/v2"


@dataclass(frozen=True)
class Address:
    """The one place that requests go to.

    Attributes:
        url: The base of all requests, without a trailing slash. Its host is the one connected to.
        host: The value of the `Host` header, which is also the name that TLS verifies.
        tls_name: The name that TLS asks for and verifies; none over plain http.
    """

    url: str
    host: str
    tls_name: str | None

    @classmethod
    def of(cls, base_url: str, connect_to: str | None = None) -> Self:
        """Work out the address from the settings.

        Args:
            base_url: The API's base URL; ends in `/v2`; plain http only to loopback.
            connect_to: `host` or `host:port` to connect to in place of the base URL's own, for
                when that name was pointed elsewhere. Name and certificate stay the base URL's.

        Raises:
            ValueError: One of the two cannot be used; the message says which and why.
        """
        parts = _parted(base_url.rstrip("/"))
        name = parts.hostname if parts and parts.username is None else None
        if parts is None or not name or parts.scheme not in {"http", "https"}:
            raise ValueError("the base URL must look like https://api.helpscout.net/v2")
        if not parts.path.endswith("/v2") or parts.query or parts.fragment:
            raise ValueError("the base URL must end in /v2")
        if not _has_usable_port(parts):
            raise ValueError("the base URL's port must be from 1 to 65535")
        if parts.scheme == "http" and not _is_loopback(name):
            raise ValueError("plain http is allowed to loopback only; use https")
        place = _place(connect_to) if connect_to else parts.netloc
        return cls(
            url=f"{parts.scheme}://{place}{parts.path}",
            host=parts.netloc,
            tls_name=name if parts.scheme == "https" else None,
        )


def _parted(url: str) -> SplitResult | None:
    """The parts of a URL; what urlsplit says of one that has none would repeat it."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _has_usable_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _place(connect_to: str) -> str:
    """Check `host` or `host:port`."""
    try:
        parts = urlsplit(f"//{connect_to}")
        usable = bool(parts.hostname) and parts.netloc == connect_to and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in connect_to:
        raise ValueError("the address to connect to must look like 203.0.113.7 or host:443")
    return connect_to


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
