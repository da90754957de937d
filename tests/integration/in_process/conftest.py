"""A service on a source double, for what needs no account behind it: that of the doors."""

from tests.doors.conftest import reports, shelf

__all__ = ["reports", "shelf"]
