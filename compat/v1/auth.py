"""The API key in Basic authentication: the user name, with any password."""

from __future__ import annotations

import binascii
import hmac
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_BASIC: Final = re.compile(rb"\s*basic\s+([A-Za-z0-9+/_-]+)=*\s*", re.IGNORECASE)
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


def parse_api_key(authorization: str | bytes | None) -> bytes | None:
    """The API key in an `Authorization` header, as the bytes that were sent.

    The password is ignored: clients were observed to send `X`, `x` and whole sentences. Padding
    may be missing, because one client removes it. Without a colon the whole text is the key.

    Returns:
        None if the header is missing, has another scheme or invalid base64, or if the user name
        is empty.
    """
    if isinstance(authorization, str):
        authorization = authorization.encode("ascii", "replace")
    found = _BASIC.fullmatch(authorization or b"")
    if found is None:
        return None
    credentials = found[1].translate(_URL_SAFE)
    try:
        decoded = binascii.a2b_base64(credentials + b"==")  # padding that is too much is ignored
    except binascii.Error:
        return None
    return decoded.partition(b":")[0] or None


def is_known_key(key: bytes, known: Iterable[bytes]) -> bool:
    """Whether a key is one of the known keys.

    Every known key is compared in constant time, so the duration reveals nothing about a key.
    """
    return any([hmac.compare_digest(key, each) for each in known])  # noqa: C419 - compare all
