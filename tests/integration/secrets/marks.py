"""Secrets that are recognised wherever they turn up, however they are spelled there."""

from __future__ import annotations

from base64 import b16encode, b32encode, b64encode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import quote

KINDS = (
    *("app-secret", "first-key", "other-key", "token"),
    *("proxy-password", "bearer", "their-secret", "database-password"),
)


def mark(kind: str) -> str:
    """A secret of a kind, with characters that many spellings change."""
    return f"{core(kind)}+/=%&<\N{LATIN SMALL LETTER U WITH DIAERESIS}>"


def core(kind: str) -> str:
    """The part of a secret that no usual escaping touches; tokens may be that alone."""
    return f"Zq{sha256(kind.encode()).hexdigest()[:16]}"


SECRETS = {kind: mark(kind) for kind in KINDS}


def found_in(text: str | bytes, kinds: Iterable[str] = KINDS) -> set[str]:
    """The kinds of secrets that stand in a text: plain, in base64, escaped, in any case."""
    seen = (text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")).lower()
    return {kind for kind in kinds if any(each in seen for each in _spellings(kind))}


def _spellings(kind: str) -> set[bytes]:
    plain = core(kind).encode()
    fully = "".join(f"%{byte:02x}" for byte in plain)
    shapes = {plain, quote(plain).encode(), fully.encode(), b16encode(plain), plain[::-1]}
    for encode in (b64encode, urlsafe_b64encode, b32encode):
        shapes |= {_middle(encode, bytes(shift) + plain, shift) for shift in range(5)}
    return {each.lower() for each in shapes}


def _middle(encode: object, padded: bytes, shift: int) -> bytes:
    """What of an encoded text depends on neither what stands before it nor what follows."""
    block, letters = (5, 8) if encode is b32encode else (3, 4)
    whole = encode(padded).rstrip(b"=")  # type: ignore[operator]
    first = -(-shift // block) * letters if shift else 0
    last = len(padded) // block * letters
    return bytes(whole[first:last])
