"""The connection to API 2.0: address, TLS, proxy and the detection of request loops."""

from __future__ import annotations

import ipaddress
import math
import re
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR, socket
from typing import Any, Final, Literal, Self
from urllib.parse import SplitResult, urlsplit

import httpx

from compat.v2.errors import Unreachable
from compat.v2.json_text import without_long_texts
from compat.v2.rate_limit import date_header

DEFAULT_BASE_URL: Final = "https://api.helpscout.net/v2"
Option = Literal["base_url", "connect_to", "proxy", "ca_file"]

_LABEL: Final = re.compile("[0-9A-Za-z_-]{1,63}")
_LONGEST_NAME: Final = 253
_PORTS: Final = range(1, 65_536)

_CONNECT_TIMEOUT: Final = 10.0
"""Seconds to connect; closing the client does not interrupt a thread that connects."""

ENCODINGS: Final = ("gzip", "deflate")
"""How a body may be compressed, once."""

_LARGEST_BODY: Final = 256 * 2**20
"""Bytes of a body that are kept: more than a page of conversations or threads can have."""


class UnusableOption(ValueError):
    """A client cannot be made with the value of an option; the message says what is right.

    Attributes:
        option: Its name.
    """

    def __init__(self, option: Option, message: str) -> None:
        super().__init__(message)
        self.option = option


def client_options(*, timeout: float, proxy: str | None, ca_file: str | None) -> dict[str, Any]:
    """Options for an httpx client, synchronous or not, that talks to upstream.

    Args:
        timeout: Seconds to connect, or to wait for the next bytes.
        proxy: The URL of a proxy to use.
        ca_file: A PEM file of certificate authorities to trust beside the usual ones.

    Raises:
        UnusableOption: The proxy or the file cannot be used.
    """
    return {
        "timeout": httpx.Timeout(timeout, connect=min(timeout, _CONNECT_TIMEOUT)),
        "follow_redirects": False,
        "trust_env": False,
        "verify": _trust(ca_file),
        "proxy": _proxy(proxy) if proxy else None,
        "limits": httpx.Limits(max_connections=32, max_keepalive_connections=16),
    }


def tls_extensions(address: Address) -> dict[str, Any]:
    """Extensions of an httpx request: the name to verify where we connect to another host."""
    return {"sni_hostname": address.tls_name}


def shut_down(connection: socket) -> None:
    """Shut down a socket, so that a thread that waits for its next bytes wakes up.

    Closing the socket alone would leave that thread waiting. The method of a TLS socket would
    drop the state that the thread still uses.
    """
    with suppress(OSError):
        socket.shutdown(connection, SHUT_RDWR)


def receive(stream: httpx.Response, seconds: float, *, short: bool) -> httpx.Response:
    """A response with its whole body.

    Args:
        stream: The response, of which the headers have been received.
        seconds: How long its body may take. That the connection is never silent is not enough: a
            body that comes byte by byte would never end.
        short: Whether the long texts of a body of JSON are dropped while it is received.

    Raises:
        Unreachable: The body takes longer, is larger than what could be an answer, or is compressed
            in another way than was asked for, or several times.
        httpx.HTTPError: The connection fails.
    """
    # Not what is decoded: compressed bytes may go on without end, and nothing comes out of them.
    raw = _before(time.monotonic() + seconds, stream.iter_raw())
    headers = stream.headers
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity", *ENCODINGS}:
        raise Unreachable(
            "the Content-Encoding of an answer of Mailbox API 2.0 is none that was asked for"
        )
    chunks = httpx.Response(stream.status_code, headers=headers, content=raw).iter_bytes()
    content = b"".join(_not_too_large(without_long_texts(chunks) if short else chunks))
    kept = [
        (name, value)
        for name, value in headers.multi_items()  # with names in lower case
        if name not in {"content-encoding", "content-length"}
    ]
    return httpx.Response(stream.status_code, headers=kept, content=content)


def _before(deadline: float, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if time.monotonic() > deadline:
            raise Unreachable("an answer of Mailbox API 2.0 has begun, but takes too long to end")
        yield chunk


def _not_too_large(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > _LARGEST_BODY:
            raise Unreachable(
                f"an answer of Mailbox API 2.0 has more than {_LARGEST_BODY // 2**20} MiB"
            )
        yield chunk


def is_untrusted(error: BaseException) -> bool:
    """Whether a request failed because the certificate of the other side is not accepted."""
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(error))


def describe_failure(error: BaseException) -> str:
    """Why a request has no response: the kind of error, and its reason if the system has words.

    The other texts of such errors may repeat headers, and with them a token.
    """
    kind = type(error).__name__
    for each in _causes(error):
        if reason := _reason(each):
            return f"{kind}: {reason}"
    return kind


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what led to it, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted, {error.verify_message.removesuffix('.')}"
    if isinstance(error, ssl.SSLError):  # its reason is a name such as WRONG_VERSION_NUMBER
        return f"TLS failed, {(error.reason or '').lower().replace('_', ' ') or 'no reason given'}"
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or ""
    if isinstance(error, httpx.ProxyError) and str(error)[:3].isdecimal():
        return f"the proxy answers with status {str(error)[:3]}"
    return ""


def _trust(ca_file: str | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    trust = httpx.create_ssl_context(trust_env=False)
    try:
        trust.load_verify_locations(cafile=ca_file)
    except (OSError, ValueError):
        raise UnusableOption(
            "ca_file", "the file has no certificate that can be read: it must be a PEM file"
        ) from None
    return trust


def _proxy(url: str) -> httpx.Proxy:
    # The error of httpx repeats parts of the URL, which may hold a password.
    try:
        proxy = httpx.Proxy(url)
        usable = (
            proxy.url.scheme in {"http", "https"}
            and _is_host(proxy.url.raw_host.decode("ascii"))
            and proxy.url.port in (None, *_PORTS)
        )
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise UnusableOption("proxy", "it must look like http://host:3128")
    return proxy


@dataclass(frozen=True)
class Address:
    """Where requests are sent.

    Attributes:
        url: The base of all requests, without a trailing slash. Its host is the one connected to.
        host: The value of the `Host` header, which is also the name that TLS verifies.
        tls_name: The name that TLS requests and verifies; None over plain http.
    """

    url: str
    host: str
    tls_name: str | None

    @classmethod
    def parse(cls, base_url: str, connect_to: str | None = None) -> Self:
        """Make an address from a base URL.

        Args:
            base_url: The API's base URL; ends in `/v2`; plain http only to loopback.
            connect_to: `host` or `host:port` to connect to instead of the base URL's own, for
                when that name points elsewhere. Name and certificate stay the base URL's.

        Raises:
            UnusableOption: One of the two cannot be used.
        """
        parts = _split(base_url.rstrip("/"))
        name = parts.hostname if parts and parts.username is None else None
        usable = parts is not None and parts.netloc.isascii() and parts.scheme in {"http", "https"}
        if parts is None or not name or not usable or not _is_host(name):
            raise UnusableOption("base_url", "it must look like https://api.helpscout.net/v2")
        if not parts.path.endswith("/v2") or parts.query or parts.fragment:
            raise UnusableOption("base_url", "it must end in /v2")
        if not _has_usable_port(parts):
            raise UnusableOption("base_url", "its port must be from 1 to 65535")
        if parts.scheme == "http" and not _is_loopback(name):
            raise UnusableOption("base_url", "plain http is allowed to loopback only; use https")
        netloc = _host_and_port(connect_to) if connect_to else parts.netloc
        return cls(
            url=f"{parts.scheme}://{netloc}{parts.path}",
            host=parts.netloc,
            tls_name=name if parts.scheme == "https" else None,
        )


def _split(url: str) -> SplitResult | None:
    """The parts of a URL; None if it has none. The error of urlsplit would repeat the URL."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _has_usable_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _host_and_port(connect_to: str) -> str:
    """Check `host` or `host:port`, and return it."""
    try:
        parts = urlsplit(f"//{connect_to}")
        is_host = connect_to.isascii() and _is_host(parts.hostname or "")
        usable = is_host and parts.netloc == connect_to and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in connect_to:
        raise UnusableOption("connect_to", "it must look like 203.0.113.7 or host:443")
    return connect_to


def _is_host(host: str) -> bool:
    """Whether a host can be looked up: an IP address, or a name as the system takes it."""
    return ":" in host or (
        len(host) <= _LONGEST_NAME and all(map(_LABEL.fullmatch, host.removesuffix(".").split(".")))
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def request_time(response: httpx.Response, sent_at: float, took: float) -> int:
    """When the request was sent, by upstream's clock if the response shows it; never too late."""
    shown = date_header(response.headers)
    if shown is None:
        return math.floor(sent_at)
    return math.floor(shown.timestamp()) - math.ceil(took)
