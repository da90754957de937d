"""Retries without waiting, and servers to talk to: those of the client's own tests."""

from tests.unit.v2.conftest import client, quick, theatre, upstream

__all__ = ["client", "quick", "theatre", "upstream"]
