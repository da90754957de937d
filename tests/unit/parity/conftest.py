"""A service on a source double, as in tests/unit/server."""

from tests.unit.server.conftest import fake_source, reports

__all__ = ["fake_source", "reports"]
