"""Retries without waiting, and servers to talk to: those of the client's own tests."""

from tests.unit.v2.conftest import client, quick, stage_and_client, upstream

__all__ = ["client", "quick", "stage_and_client", "upstream"]
