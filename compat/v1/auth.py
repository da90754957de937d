"""The API key, as Basic authentication carries it: the user name, with any password."""

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
    """The API key in an `Authorization` header, as the bytes it was sent in.

    The password is ignored: clients were observed to send `X`, `x` and whole sentences. So is
    missing padding, which one client strips. Without a colon the whole is the key.

    Returns:
        None if there is no header, another scheme, no valid base64, or an empty user name.
    """
    if isinstance(authorization, str):
        authorization = authorization.encode("ascii", "replace")
    found = _BASIC.fullmatch(authorization or b"")
    if found is None:
        return None
    credentials = found[1].translate(_URL_SAFE)
    try:
        decoded = binascii.a2b_base64(credentials + b"=" * (-len(credentials) % 4))
    except binascii.Error:
        return None
    return decoded.partition(b":")[0] or None


def is_known_key(key: bytes, known: Iterable[bytes]) -> bool:
    """Whether a key is one of the known ones.

    Every known key is compared, each in a time that does not depend on where the two differ,
    so that an answer's delay tells a stranger nothing.
    """
    return any([hmac.compare_digest(key, each) for each in known])  # noqa: C419 - no early end
