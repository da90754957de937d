"""A service on a source double, for what needs no account behind it: that of tests/unit/server."""

from tests.unit.server.conftest import fake_source, reports

__all__ = ["fake_source", "reports"]
