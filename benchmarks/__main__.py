"""Run benchmarks and print their tables; `scripts/bench` installs what they need."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, get_args

from benchmarks import cases
from benchmarks.harness import Scale
from benchmarks.page import with_section

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "how-fast.md"


def main() -> int:
    """Run the named benchmarks, or all, and return the exit status."""
    known = {
        module.name: f"{cases.__name__}.{module.name}" for module in iter_modules(cases.__path__)
    }
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)}; all by default"
    )
    parser.add_argument("--scale", choices=get_args(Scale), default="full", help="(%(default)s)")
    parser.add_argument("--quick", dest="scale", action="store_const", const="quick")
    parser.add_argument(
        "--write", action="store_true", help=f"write the results into docs/explanation/{PAGE.name}"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - known.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}: choose from {', '.join(known)}")
    for name in options.names or known:
        case = import_module(known[name])
        if lacking := [each for each in case.NEEDS if find_spec(each) is None]:
            print(f"{name} needs {', '.join(lacking)}: run it with scripts/bench", file=sys.stderr)
            return 1
        text = section(case, options.scale)
        print(text, end="\n\n", flush=True)
        if options.write:
            PAGE.write_text(with_section(PAGE.read_text("utf-8"), name, text), "utf-8")
    return 0


def section(case: Any, scale: Scale) -> str:
    """A benchmark's section of the page: description, table, and machine."""
    title, _, text = case.__doc__.strip().partition("\n\n")
    table = case.measure(scale)
    return f"### {title.rstrip('.')}\n\n{text}\n\n{table}\n\n*{machine()}; scale {scale}*"


def machine() -> str:
    """The Python, the system and the number of processors."""
    system = f"{platform.system()} on {platform.machine()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {system}, {os.cpu_count()} processors"


if __name__ == "__main__":
    sys.exit(main())
