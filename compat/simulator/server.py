"""An HTTP server for the simulator, in a thread of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from compat.simulator.app import Simulator

LOOPBACK = "127.0.0.1"


@contextmanager
def running(app: Simulator) -> Iterator[str]:
    """Serve on a free port of loopback while the block runs; several may run at once.

    Yields:
        The base address, which ends in ``/v2``.

    Raises:
        ImportError: uvicorn is not installed.
    """
    with serving(app) as origin:
        yield f"{origin}/v2"


@contextmanager
def serving(app: Callable[..., Any], port: int = 0) -> Iterator[str]:
    """Serve any ASGI application on loopback while the block runs.

    Args:
        app: the ASGI application.
        port: the port; 0 for any that is free.

    Yields:
        Scheme, address and port, without a slash at the end.

    Raises:
        ImportError: uvicorn is not installed.
        OSError: the port is taken.
    """
    uvicorn = _uvicorn()
    config = uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_level="critical",
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.create_server((LOOPBACK, port), backlog=256) as listener:
        # The socket listens before the server starts: early callers wait instead of failing.
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _uvicorn() -> ModuleType:
    try:
        import uvicorn  # noqa: PLC0415 - uvicorn is installed only with an extra
    except ImportError as error:
        from compat.extras import missing  # noqa: PLC0415 - for an error alone

        raise missing("serving", "uvicorn", "server") from error
    return uvicorn
