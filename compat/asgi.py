"""The old API as an ASGI application, for uvicorn or any other server.

Run it under a server of your own with the factory: `uvicorn --factory compat.asgi:create_app`.
"""

from __future__ import annotations

from compat.server.app import create_app

__all__ = ["create_app"]
