"""How a client of httpx's must reach upstream: with which trust, through which proxy."""

from __future__ import annotations

import ssl
from contextlib import suppress
from socket import SHUT_RDWR, socket
from typing import TYPE_CHECKING, Any, Final

from compat.v2.address import Address

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
