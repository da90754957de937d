"""What is said where a library of an extra is not installed."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec
from typing import Final

DISTRIBUTION: Final = "helpscout-v1-compat"


def missing(what: str, library: str, extra: str) -> ImportError:
    """The error for a library that is not installed.

    The command in its message needs no copy of this package: pip and uv take the installed one, and
    add the libraries that it lacks.

    Args:
        what: The part that needs the library, as the subject of a sentence.
        library: The name of the library.
        extra: The extra that the library belongs to.
    """
    python = shlex.quote(sys.executable or "python")
    install = f"{python} -m pip install"
    if find_spec("pip") is None:  # uv makes environments without pip
        install = f"uv pip install --python {python}"
    return ImportError(f"{what} needs {library}: {install} '{DISTRIBUTION}[{extra}]'")
