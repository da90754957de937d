"""Without any extra: every module imports, but those that name the extra they lack."""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module

import compat
from compat.cli import main

for module in pkgutil.walk_packages(compat.__path__, "compat."):
    import_module(module.name)
if "uvicorn" in sys.modules:
    sys.exit("this environment has the extras")
if main(["simulate", "--conversations", "10"]) != 2:
    sys.exit("a missing extra must be said")
print("imports without extras")
