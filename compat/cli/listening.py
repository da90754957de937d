"""Listening on a port with uvicorn until told to stop."""

from __future__ import annotations

import asyncio
import logging
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
    malformed: Callable[[], bytes] | None = None,
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

    _log_to_standard_error()
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=10,
        http=_answering(malformed) if malformed else "auto",
        **options,  # type: ignore[arg-type]
    )
    # uvicorn raises the signal again once it has stopped; a stop that was asked for is no failure.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        Server(config).run()


def _log_to_standard_error() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # A retry that works in the end is no news; one that does not is told by what it leads to.
    logging.getLogger("stamina").setLevel(logging.CRITICAL)


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
