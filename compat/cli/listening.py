"""Listening on a port with uvicorn until told to stop."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from socket import socket
from typing import Any


def listen(
    app: object,
    *,
    host: str,
    port: int,
    what: str,
    stopping: Callable[[], None] = lambda: None,
    **options: object,
) -> None:
    """Serve until a signal says stop; requests under way are answered first.

    Args:
        app: An ASGI application.
        host: The address to listen on.
        port: The port; 0 for any that is free.
        what: What listens, for the line on standard error that says where.
        stopping: Called when the signal has come, before requests under way are waited for.
        **options: More of uvicorn's own settings.

    Raises:
        ImportError: uvicorn is not installed.
        SystemExit: The port cannot be listened on; status 1.
    """
    try:
        import uvicorn
    except ImportError:
        raise ImportError("this needs uvicorn: pip install 'helpscout-v1-compat[server]'") from None

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket] | None = None) -> None:
            await super().startup(sockets)
            for server in self.servers:
                for listener in server.sockets:
                    print(f"{what} on {_url(listener)}", file=sys.stderr, flush=True)

        async def shutdown(self, sockets: list[socket] | None = None) -> None:
            stopping()
            await super().shutdown(sockets)

    def _url(listener: Any) -> str:
        address, number = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        return f"{'https' if options.get('ssl_certfile') else 'http'}://{shown}:{number}"

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=10,
        **options,  # type: ignore[arg-type]
    )
    # uvicorn raises the signal again once it has stopped; a stop that was asked for is no failure.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        Server(config).run()
