"""A service on a source double, as at the doors."""

from tests.doors.conftest import reports, shelf

__all__ = ["reports", "shelf"]
