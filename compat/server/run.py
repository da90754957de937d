"""Run an ASGI application with uvicorn until a signal stops it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from compat.server.logs import Log, announce, configure_logging
from compat.server.protocol import Application

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


def run(
    app: Application,
    *,
    host: str,
    port: int,
    label: str,
    on_stop: Callable[[], None] = lambda: None,
    reload: Callable[[], None] | None = None,
    log: Log = "text",
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
        **options: More of uvicorn's own settings.

    Raises:
        ImportError: uvicorn is not installed.
        SystemExit: The port cannot be listened on; status 3.
    """
    try:
        import uvicorn  # noqa: PLC0415 - an extra
    except ImportError:
        raise ImportError("this needs uvicorn: pip install 'helpscout-v1-compat[server]'") from None

    started = False

    async def notified() -> None:
        """Uvicorn calls this as soon as it listens, and again twice a minute."""
        nonlocal started
        if not started:
            started = True
            _handle_signals(server, on_stop, reload)
            for url in _urls(server):
                announce(f"{label} on {url}", log)

    configure_logging(log)
    _raise_file_limit()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        callback_notify=notified,
        **_OPTIONS,
        **options,  # type: ignore[arg-type]
    )
    server = uvicorn.Server(config)
    # For a signal that comes before uvicorn listens: it raises that again once it has stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        server.run()


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
