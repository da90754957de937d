"""A service on a source double, as at the doors."""

from tests.unit.server.conftest import reports, shelf

__all__ = ["reports", "shelf"]
