"""Run an ASGI application with uvicorn until a signal stops it."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from threading import Lock, Thread
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from compat.config.environment import SettingsError, reason
from compat.extras import missing
from compat.server.asgi_types import Application
from compat.server.logs import Log, announce, configure_logging

if TYPE_CHECKING:
    from uvicorn import Server

MAX_HEAD: Final = 64 * 1024
"""Bytes that the request line and the headers of a request may have together."""

HTTP_OPTIONS: Final[dict[str, Any]] = {
    # h11 limits the size of heads and stops reading while a request is answered, which uvicorn's
    # faster parser does not, and it accepts header lines that end with a bare LF.
    "http": "h11",
    "h11_max_incomplete_event_size": MAX_HEAD,
    "server_header": False,
    "ws": "none",
}
"""Uvicorn's options for the protocol."""

_LOGGERS: Final = {"uvicorn": {"handlers": [], "propagate": True}}
_OPTIONS: Final[dict[str, Any]] = {
    **HTTP_OPTIONS,
    "log_config": {"version": 1, "disable_existing_loggers": False, "loggers": _LOGGERS},
    "log_level": "warning",
    "access_log": False,
    "timeout_graceful_shutdown": 10,
}
_MAX_FILES: Final = 65_536

_ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""Error numbers of an address, or of a whole protocol, that this machine does not have."""


def run(
    app: Application,
    *,
    host: str,
    port: int,
    label: str,
    on_stop: Callable[[], None] = lambda: None,
    reload: Callable[[], None] | None = None,
    log: Log = "text",
    pages: Mapping[str, str] = MappingProxyType({}),
    **options: object,
) -> None:
    """Serve until SIGTERM or SIGINT; requests in progress are answered first.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port; 0 for any that is free.
        label: What listens, for the line on standard error that says where.
        on_stop: Called after the signal, before requests in progress are waited for.
        reload: Called in a thread of its own on SIGHUP, where the system has it; never twice at
            the same time.
        log: How to log, if `configure_logging` has not been called before.
        pages: Paths for people with a browser by their labels; a line for each says where it is.
        **options: More of uvicorn's own settings.

    Raises:
        ImportError: uvicorn is not installed.
        OSError: The address cannot be listened on; the message says why. `errno` is EADDRINUSE if
            its port is taken.
    """
    try:
        import uvicorn  # noqa: PLC0415 - an extra
    except ImportError:
        raise missing("serving", "uvicorn", "server") from None

    started = False

    async def notified() -> None:
        """Uvicorn calls this as soon as it listens, and again twice a minute."""
        nonlocal started
        if not started:
            started = True
            _handle_signals(server, on_stop, reload)
            for page, path in {label: "", **pages}.items():
                for url in _urls(server):
                    announce(f"{page} on {url}{path}", log)

    configure_logging(log)
    _raise_file_limit()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        callback_notify=notified,
        **{**_OPTIONS, "http": _protocol(), **options},
    )
    server = uvicorn.Server(config)
    sockets = _listen(host, port)
    # For a signal that comes before uvicorn listens: it raises that again once it has stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        server.run(sockets)


def _protocol() -> type[asyncio.Protocol]:
    """Uvicorn's protocol with h11, where a request that is refused is not answered once more.

    Uvicorn refuses a body that is no HTTP. It then lets the application answer the request, whose
    head was in order, and that ends with a traceback in the log.
    """
    import h11  # noqa: PLC0415 - an extra
    from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415 - an extra

    class Protocol(H11Protocol):
        def send_400_response(self, msg: str) -> None:
            if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
                self.transport.close()  # an answer is under way
                return
            super().send_400_response(msg)
            if self.cycle is not None:
                self.cycle.disconnected = True

    return Protocol


def check_certificate(certificate: str | None, key: str | None) -> None:
    """Check the files for TLS before anything is served.

    Args:
        certificate: The PEM file of the chain; None for plain HTTP.
        key: The PEM file of its private key; None if it is in the chain's file.

    Raises:
        SettingsError: A file is missing, cannot be read, or does not fit the other.
    """
    if certificate is None:
        if key is not None:
            raise SettingsError("--ssl-keyfile needs the certificate: name it with --ssl-certfile")
        return
    for option, path in (("--ssl-certfile", certificate), ("--ssl-keyfile", key)):
        if path is not None:
            _check_readable(option, path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(certificate)
    except ssl.SSLError:
        raise SettingsError(
            f"--ssl-certfile: {certificate} holds no certificate that can be read: give it as PEM"
        ) from None
    try:
        context.load_cert_chain(certificate, key, password=_refuse_encrypted)
    except (OSError, ValueError) as error:
        raise SettingsError(_key_fault(certificate, key, error)) from None


def _check_readable(option: str, path: str) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise SettingsError(
            f"{option}: {path} cannot be read ({reason(error)}): check its path, and the rights of "
            "the user who runs this"
        ) from None


def _refuse_encrypted() -> str:
    """In place of the question for a password, which a service cannot answer.

    Raises:
        ValueError: Always.
    """
    raise ValueError("the key is encrypted")


def _key_fault(certificate: str, key: str | None, error: Exception) -> str:
    """Why a private key cannot be used with a certificate."""
    where = f"--ssl-keyfile: {key}" if key else f"--ssl-certfile: {certificate}"
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return f"{where}: the key is encrypted: store it without a password (`openssl pkey`)"
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return f"{where} is not the key of the certificate in {certificate}: name the right one"
    if key is None:
        return f"{where} holds no private key that can be read: name its file with --ssl-keyfile"
    return f"{where} holds no private key that can be read: give it as PEM"


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine can reach what listens on a host.

    Raises:
        OSError: There is no such host.
    """
    return all(
        ipaddress.ip_address(address[0].partition("%")[0]).is_loopback
        for *_, address in _addresses(host, 0)
    )


def _listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on all addresses of a host name.

    Raises:
        OSError: None of them can be listened on, or a port is taken.
    """
    found = _addresses(host, port)
    with ExitStack() as opened:
        sockets = [opened.enter_context(each) for each in _open_all(host, port, found)]
        opened.pop_all()
        return sockets


def _addresses(host: str, port: int) -> Sequence[Any]:
    """All addresses of a host name, as `getaddrinfo` has them; an empty one means every address.

    Raises:
        OSError: There is no such host.
    """
    try:
        return socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        raise OSError(
            errno.EADDRNOTAVAIL, f"{host} is no known host name: name an address of this machine"
        ) from None


def _open_all(host: str, port: int, found: Iterable[Any]) -> Iterable[socket.socket]:
    """A socket for each address; those of a protocol that the machine lacks are left out.

    Raises:
        OSError: An address cannot be listened on.
    """
    lacking: OSError | None = None
    opened = 0
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            listener = socket.create_server(address, family=family)
        except OSError as error:
            lacking = OSError(error.errno, _address_fault(host, port, error))
            if error.errno not in _ABSENT:
                raise lacking from None
            continue
        opened += 1
        yield listener
    if lacking is not None and not opened:
        raise lacking


def _address_fault(host: str, port: int, error: OSError) -> str:
    where = f"port {port} of {host or 'this machine'}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"{where} is taken (address already in use): stop what listens there, or choose another"
        )
    if error.errno == errno.EACCES:
        return f"{where} is not allowed to this user: choose a port above 1023, or grant the right"
    if error.errno in _ABSENT:
        return f"{host} is no address of this machine: name one, or 0.0.0.0 for all"
    return f"{where} cannot be listened on: {os.strerror(error.errno or 0)}"


def _handle_signals(
    server: Server, on_stop: Callable[[], None], reload: Callable[[], None] | None
) -> None:
    """Set the handlers of this process; the event loop calls them between two of its steps."""

    def stop(number: int) -> None:
        if not server.should_exit:
            on_stop()
        elif number == signal.SIGINT:
            server.force_exit = True
        server.should_exit = True

    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # on Windows; uvicorn's own handlers stay in place
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop, number)
        if reload:
            loop.add_signal_handler(signal.SIGHUP, _in_background(reload))


def _in_background(work: Callable[[], None]) -> Callable[[], None]:
    """Starts work in a thread, after earlier work has ended; the process does not wait for it."""
    lock = Lock()

    def locked() -> None:
        with lock:
            work()

    return lambda: Thread(target=locked, name="reload", daemon=True).start()


def _raise_file_limit() -> None:
    """Allow more open files: each connection is one, and many systems allow only 1,024."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
        if 0 <= soft < allowed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _urls(server: Server) -> list[str]:
    scheme = "https" if server.config.is_ssl else "http"
    names = [each.getsockname() for listening in server.servers for each in listening.sockets]
    return [
        f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"
        for address, port, *_ in names
    ]
