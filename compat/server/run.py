"""Listening on a port with uvicorn until told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from socket import socket
from typing import TYPE_CHECKING, Any, Final

from compat.cli.logs import Log, log_as, tell

from compat.cli.connections import Refusal, guarded, look_at

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

_TICKS: Final = 5
"""Tenths of a second between two looks at the connections."""

_MANY_FILES: Final = 65_536


def listen(
    app: object,
    *,
    host: str,
    port: int,
    what: str,
    stopping: Callable[[], None] = lambda: None,
    refusal: Refusal | None = None,
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
        refusal: Makes the response to what is no HTTP, is too large or comes too slowly; if not
            given uvicorn's own text is, and it knows no limits.
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
    _open_many_files()
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=host,
        port=port,
        http=guarded(refusal) if refusal else "auto",
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
                # The loop calls it between two callbacks, so it may take locks, unlike a handler.
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
            for server in self.servers:
                for listener in server.sockets:
                    tell(_url(listener, secure=config.is_ssl))

        async def on_tick(self, counter: int) -> bool:
            if counter % _TICKS == 0 and config.http != "auto":
                look_at(self.server_state.connections, asyncio.get_running_loop().time())
            return await super().on_tick(counter)

        async def shutdown(self, sockets: list[socket] | None = None) -> None:
            stopping()
            await super().shutdown(sockets)

    return Ours(config)


def _open_many_files() -> None:
    """Each connection is a file to the system, and many let a process have no more than 1024."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = _MANY_FILES if most == resource.RLIM_INFINITY else min(most, _MANY_FILES)
        if 0 <= few < allowed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


def _url(listener: Any, *, secure: bool) -> str:
    address, number = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    return f"{'https' if secure else 'http'}://{shown}:{number}"
