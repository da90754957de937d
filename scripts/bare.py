"""Without any extra: every module imports, but for those that name the extra they lack."""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module

import compat
from compat.cli import main

DOORS = {
    "compat.cli.drawing",
    "compat.cli.syncbar",
    "compat.parity.captures.har",
    "compat.requests",
    "compat.sources.archive",
    "compat.sources.merge",
    *(f"compat.testing.{each}" for each in ("against", "asserting", "plugin", "strategies")),
}
LIGHT = {"compat.archive.errors", "compat.archive.document_codec", "compat.archive.records"}
"""What of the archive needs no database."""

lacking: dict[str, str] = {}
for module in pkgutil.walk_packages(compat.__path__, "compat."):
    try:
        import_module(module.name)
    except ImportError as error:
        lacking[module.name] = str(error)
doors = {name for name in lacking if not name.startswith("compat.archive.")}
if (
    doors != DOORS
    or LIGHT & lacking.keys()
    or not all("pip install" in each for each in lacking.values())
):
    sys.exit(f"other modules than {DOORS} and the archive's lack something, or not said: {lacking}")
if main(["simulate", "--conversations", "10"]) != 2:
    sys.exit("a missing extra must be said")
print("imports without extras")
