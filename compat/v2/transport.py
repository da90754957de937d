"""How a client of httpx's must reach upstream: with which trust, through which proxy."""

from __future__ import annotations

import ipaddress
import ssl
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR, socket
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    import httpx

_CONNECT: Final = 10.0
"""Seconds in which a connection must come about; what waits for it cannot be woken."""


def named(address: Address) -> dict[str, Any]:
    """The extensions by which httpx asks for the right certificate at another place."""
    return {"sni_hostname": address.tls_name} if address.tls_name else {}


def reaching(*, timeout: float, proxy: str | None, ca_file: str | None) -> dict[str, Any]:
    """How any client of httpx's, synchronous or not, must reach upstream; its own options.

    Args:
        timeout: Seconds to connect, or to wait for the next bytes.
        proxy: The URL of a proxy to go through.
        ca_file: A PEM file of certificate authorities to trust beside the usual ones.

    Raises:
        ValueError: The proxy or the file cannot be used.
    """
    import httpx  # noqa: PLC0415 - slow to import, and not needed before

    return {
        "timeout": httpx.Timeout(timeout, connect=min(timeout, _CONNECT)),
        "follow_redirects": False,
        "trust_env": False,
        "verify": _trust(ca_file),
        "proxy": _proxy(proxy) if proxy else None,
        "limits": httpx.Limits(max_connections=32, max_keepalive_connections=16),
    }


def hang_up(connection: socket) -> None:
    """Closing alone would leave a thread that waits for a silent upstream waiting."""
    with suppress(OSError):
        connection.shutdown(SHUT_RDWR)


def _trust(ca_file: str | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    import httpx  # noqa: PLC0415 - slow to import, and not needed before

    trust = httpx.create_ssl_context(trust_env=False)
    try:
        trust.load_verify_locations(cafile=ca_file)
    except (OSError, ValueError):
        raise ValueError("the file of certificate authorities cannot be read as PEM") from None
    return trust


def _proxy(url: str) -> httpx.Proxy:
    import httpx  # noqa: PLC0415 - slow to import, and not needed before

    # What httpx says of a URL that it cannot read repeats parts of it, and it may hold a password.
    try:
        proxy = httpx.Proxy(url)
        usable = proxy.url.scheme in {"http", "https"} and bool(proxy.url.host)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise ValueError("the proxy must look like http://host:3128")
    return proxy


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


LOOP_HEADER: Final = "Compat-Upstream"
LOOP_STATUS: Final = 508
