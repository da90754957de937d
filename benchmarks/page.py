"""The page of figures: each measurement's part of it is written by itself."""

from __future__ import annotations

import re
from typing import Final

_END: Final = "<!-- /measured -->"


def written(page: str, name: str, text: str) -> str:
    """The page with a measurement's part anew, or added behind the others.

    Raises:
        ValueError: The page has no place for measurements.
    """
    part = f"<!-- {name} -->\n{text}\n<!-- /{name} -->"
    old = re.compile(rf"<!-- {re.escape(name)} -->\n.*?\n<!-- /{re.escape(name)} -->", re.DOTALL)
    if old.search(page):
        return old.sub(lambda _: part, page)
    if _END not in page:
        raise ValueError(f"the page has no {_END}")
    return page.replace(_END, f"{part}\n\n{_END}")
