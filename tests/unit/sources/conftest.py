"""Retries without waiting, and servers to talk to: those of the client's own tests."""

from tests.unit.v2.conftest import client, retries_without_waiting, stage_and_client, upstream

__all__ = ["client", "retries_without_waiting", "stage_and_client", "upstream"]
