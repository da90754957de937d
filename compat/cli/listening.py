"""Listening on a port with uvicorn until told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from socket import socket
from typing import TYPE_CHECKING, Any, Final

from compat.cli.logs import Log, log_as, tell

if TYPE_CHECKING:
    from uvicorn import Config, Server

_LOGGERS: Final = {"uvicorn": {"handlers": [], "propagate": True}}
_CONFIG: Final[dict[str, Any]] = {
    "log_config": {"version": 1, "disable_existing_loggers": False, "loggers": _LOGGERS},
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "ws": "none",
    "timeout_graceful_shutdown": 10,
}
"""How uvicorn is run; its log lines go where all others go."""


def listen(
    app: object,
    *,
    host: str,
    port: int,
    what: str,
    stopping: Callable[[], None] = lambda: None,
    malformed: Callable[[], bytes] | None = None,
    reload: Callable[[], None] | None = None,
    log: Log = "text",
    **options: object,
) -> None:
    """Serve until a signal says stop; requests under way are answered first.

    Args:
        app: An ASGI application.
        host: The address to listen on.
        port: The port; 0 for any that is free.
        what: What listens, for the line on standard error that says where.
        stopping: Called when the signal has come, before requests under way are waited for.
        malformed: The whole response to what is no HTTP; uvicorn's own text if not given.
        reload: Called on SIGHUP, where the system has it.
        log: How to log, if `log_as` has not said so before.
        **options: More of uvicorn's own settings.

    Raises:
        ImportError: uvicorn is not installed.
        SystemExit: The port cannot be listened on; status 3.
    """
    try:
        import uvicorn
    except ImportError:
        raise ImportError("this needs uvicorn: pip install 'helpscout-v1-compat[server]'") from None

    log_as(log)
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=host,
        port=port,
        http=_answering(malformed) if malformed else "auto",
        **_CONFIG,
        **options,  # type: ignore[arg-type]
    )
    # uvicorn raises the signal again once it has stopped; a stop that was asked for is no failure.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        _server(config, lambda url: tell(f"{what} on {url}", log), stopping, reload).run()


def _server(
    config: Config,
    tell: Callable[[str], None],
    stopping: Callable[[], None],
    reload: Callable[[], None] | None,
) -> Server:
    """Uvicorn's server, but for what it says once it listens, and does on signals."""
    from uvicorn import Server

    class Ours(Server):
        async def startup(self, sockets: list[socket] | None = None) -> None:
            await super().startup(sockets)
            if reload and hasattr(signal, "SIGHUP"):
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
            for server in self.servers:
                for listener in server.sockets:
                    tell(_url(listener, secure=config.is_ssl))

        async def shutdown(self, sockets: list[socket] | None = None) -> None:
            stopping()
            await super().shutdown(sockets)

    return Ours(config)


def _url(listener: Any, *, secure: bool) -> str:
    address, number = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    return f"{'https' if secure else 'http'}://{shown}:{number}"


def _answering(malformed: Callable[[], bytes]) -> type[asyncio.Protocol]:
    """Uvicorn's protocol, but for what it says to a request that it cannot read."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as Protocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import (  # type: ignore[assignment]
            H11Protocol as Protocol,
        )

    class Answering(Protocol):
        def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
            self.transport.write(malformed())
            self.transport.close()

    return Answering
