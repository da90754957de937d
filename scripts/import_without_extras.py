"""Check that without extras every module can be imported, except those that name their extra."""

from __future__ import annotations

import pkgutil
import sys
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO

import compat
from compat.cli import main

NEED_AN_EXTRA = {
    "compat.archive",
    "compat.cli",
    "compat.parity.captures.har",
    "compat.requests",
    "compat.sources.activity_merge",
    "compat.sources.archive",
    "compat.sources.archive_activity",
    "compat.sources.archive_lists",
    "compat.sources.merge",
    "compat.testing",
}
"""Modules that may need an extra, and packages with such modules in them."""

NEED_NO_DATABASE = {
    "compat.archive.errors",
    "compat.archive.records",
}
"""Modules of the archive that can be imported without a database library."""

missing: dict[str, str] = {}
for module in pkgutil.walk_packages(compat.__path__, "compat."):
    try:
        import_module(module.name)
    except ImportError as error:
        missing[module.name] = str(error)

covered = {
    allowed: {name for name in missing if f"{name}.".startswith(f"{allowed}.")}
    for allowed in NEED_AN_EXTRA
}
if others := missing.keys() - set().union(*covered.values(), NEED_AN_EXTRA):
    sys.exit(f"these modules must not need an extra: {others}")
if unused := [allowed for allowed, names in covered.items() if not names]:
    sys.exit(f"nothing in these needs an extra any more: {unused}")
if wrong := NEED_NO_DATABASE & missing.keys():
    sys.exit(f"these modules must not need a database library: {wrong}")
for name, message in missing.items():
    # The command names the extra before it imports a module of the command line, and a report
    # does before it imports the tables.
    of_command = name.startswith("compat.cli.") and ("click" in message or "rich" in message)
    if "pip install" not in message and not of_command:
        sys.exit(f"{name} does not say which extra to install: {message}")
error = StringIO()
with redirect_stderr(error):
    status = main(["simulate", "--conversations", "10"])
if status != 2 or "'helpscout-v1-compat[cli]'" not in error.getvalue():
    sys.exit(f"the command must say that click is missing, not: {error.getvalue()}")
print("imports without extras")
