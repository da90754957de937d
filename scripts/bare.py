"""Without any extra: every module imports, but for those that name the extra they lack."""

from __future__ import annotations

import pkgutil
import sys
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO

import compat
from compat.cli import main

DOORS = {
    "compat.cli.table",
    "compat.parity.captures.har",
    "compat.requests",
    "compat.sources.archive",
    "compat.sources.merge",
    *(
        f"compat.testing.{each}"
        for each in ("assertions", "http_candidate", "plugin", "strategies")
    ),
}
LIGHT = {"compat.archive.errors", "compat.archive.document_codec", "compat.archive.records"}
"""What of the archive needs no database."""
COMMAND_LINE = {
    "archive",
    "commands",
    "options",
    "parity",
    "parity_against",
    "parity_fit",
    "report",
    "serve",
    "simulate",
    "sync",
}
"""Modules that need click; the command says so before it imports any of them."""

lacking: dict[str, str] = {}
for module in pkgutil.walk_packages(compat.__path__, "compat."):
    try:
        import_module(module.name)
    except ImportError as error:
        lacking[module.name] = str(error)
for name in COMMAND_LINE:
    if "click" not in lacking.pop(f"compat.cli.{name}", ""):
        sys.exit(f"compat.cli.{name} lacks no click")
doors = {name for name in lacking if not name.startswith("compat.archive.")}
if (
    doors != DOORS
    or LIGHT & lacking.keys()
    or not all("pip install" in each for each in lacking.values())
):
    sys.exit(f"other modules than {DOORS} and the archive's lack something, or not said: {lacking}")
error = StringIO()
with redirect_stderr(error):
    status = main(["simulate", "--conversations", "10"])
if status != 2 or "pip install 'helpscout-v1-compat[cli]'" not in error.getvalue():
    sys.exit(f"that click is missing must be said, not: {error.getvalue()}")
print("imports without extras")
