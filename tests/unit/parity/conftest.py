"""A service on a source double, as in tests/unit/server."""

from tests.unit.server.conftest import reports, shelf

__all__ = ["reports", "shelf"]
