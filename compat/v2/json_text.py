"""JSON from outside as text that parsers and databases take."""

from __future__ import annotations

import codecs
import re
from typing import Final

_REPLACEMENT: Final = r"\ufffd"
_PAIR: Final = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF: Final = r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_NUL: Final = r"\\u0000"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPE: Final = re.compile(rf"({_PAIR})|({_HALF})|({_NUL})|\\.", re.DOTALL)
_NEEDS_REPAIR: Final = re.compile(rf"{_HALF}|{_NUL}")


def json_text(body: bytes) -> str:
    """The text of a JSON body in UTF-8.

    A byte order mark before it is skipped. Halves of surrogate pairs become U+FFFD, in escapes and
    as bytes. NUL characters are left out, which PostgreSQL does not store.

    Raises:
        UnicodeDecodeError: Other bytes are not UTF-8: the body was damaged on its way.
    """
    text = body.removeprefix(codecs.BOM_UTF8).decode(errors="surrogatepass").replace("\0", "")
    text = _SURROGATE.sub("\ufffd", text)
    # A backslash that is itself escaped begins no escape: so all escapes are looked at in order.
    return _ESCAPE.sub(_repaired, text) if _NEEDS_REPAIR.search(text) else text


def _repaired(escape: re.Match[str]) -> str:
    _pair, half, nul = escape.groups()
    if nul:
        return ""
    return _REPLACEMENT if half else escape[0]
