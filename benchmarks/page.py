"""The page of figures: replace the section of one benchmark in it."""

from __future__ import annotations

import re
from typing import Final

_END: Final = "<!-- /measured -->"


def with_section(page: str, name: str, text: str) -> str:
    """Return the page with the section of a benchmark replaced, or added after the others.

    Raises:
        ValueError: The page has no mark for benchmarks.
    """
    part = f"<!-- {name} -->\n{text}\n<!-- /{name} -->"
    old = re.compile(rf"<!-- {re.escape(name)} -->\n.*?\n<!-- /{re.escape(name)} -->", re.DOTALL)
    if old.search(page):
        return old.sub(lambda _: part, page)
    if _END not in page:
        raise ValueError(f"the page has no {_END}")
    return page.replace(_END, f"{part}\n\n{_END}")
