"""The name by which `compat.cli.logs` finds `hide_retries`."""

from __future__ import annotations

from compat.cli.output import hide_retries as hush_retries

__all__ = ["hush_retries"]
