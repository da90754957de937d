"""JSON from outside: as text that parsers and databases take, and as models."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

import httpx
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from compat.v2 import errors

M = TypeVar("M", bound=BaseModel)

_REPLACEMENT: Final = r"\ufffd"
_PAIR: Final = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF: Final = r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_NUL: Final = r"\\u0000"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPE: Final = re.compile(rf"({_PAIR})|({_HALF})|({_NUL})|\\.", re.DOTALL)
_NEEDS_REPAIR: Final = re.compile(rf"{_HALF}|{_NUL}")
_DEPTH_OF_A_ROW: Final = 3
"""How many steps lead from a page to one of its conversations."""

_RUN: Final = 256
_ESCAPES: Final = 8
"""A text is short that has at most so many escapes, and characters before and after each."""

_LONGEST_SHORT: Final = (_ESCAPES + 1) * _RUN + 2 * _ESCAPES
_QUOTE: Final = b'"'
_SHORT_TEXTS: Final = re.compile(
    rb'(?:[^"]*+"[^"\\]{0,%d}+(?:\\.[^"\\]{0,%d}+){0,%d}+")*+' % (_RUN, _RUN, _ESCAPES), re.DOTALL
)
_NO_QUOTE: Final = re.compile(rb'[^"]*+')
_TEXT: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_KEPT: Final = re.compile(rb'(?<!\\)"(?:comments|first|last|email|rating)":\Z')
"""The keys whose texts stay, however long: a rating, what a customer wrote with it, and names. Even
a short name is a long text in JSON that escapes each of its characters. A quote after a backslash
is part of a longer key."""
_LONGEST_KEY: Final = len(b'\\"comments":')
_BLANKS: Final = b" \t\r\n"


def json_text(body: bytes) -> str:
    """The text of a JSON body in UTF-8.

    A byte order mark before it is skipped. Halves of surrogate pairs become U+FFFD, in escapes and
    as bytes. NUL characters are left out, which PostgreSQL does not store.

    Raises:
        UnicodeDecodeError: Other bytes are not UTF-8: the body was damaged on its way.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = _SURROGATE.sub("\ufffd", body.decode(errors="surrogatepass"))
    text = text.replace("\0", "")
    # Most bodies have no escape of this kind, and this is seen faster than by an expression.
    if "\\u" not in text or not _NEEDS_REPAIR.search(text):
        return text
    # A backslash that is itself escaped begins no escape: so all escapes are looked at in order.
    return _ESCAPE.sub(_repaired, text)


def without_long_texts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A JSON body as it arrives, with the empty text in place of each long one.

    So a body may be larger than the memory that it takes. Ids, instants and words are short, and
    stay; so do comments on ratings, and names. A body that is cut short stays so.
    """
    rest, in_long_text, kept, key = b"", False, False, b""
    for chunk in chunks:
        data, at = rest + chunk, 0
        while True:
            if in_long_text:
                start, at = at, _end(_TEXT, data, at)
                if kept:
                    yield data[start:at]
                if not data.startswith(_QUOTE, at):
                    break  # the text goes on in the next chunk
                in_long_text, key = False, b""
                yield _QUOTE
                at += 1
            start, at = at, _end(_SHORT_TEXTS, data, at)
            yield data[start:at]
            key += data[max(start, at - _LONGEST_KEY) : at]
            start, at = at, _end(_NO_QUOTE, data, at)
            yield data[start:at]
            key = (key + data[start:at].translate(None, _BLANKS))[-_LONGEST_KEY:]
            if len(data) - at <= _LONGEST_SHORT + 1:
                break  # the end of the text, if there is one, may be in the next chunk
            kept = bool(_KEPT.search(key))
            yield _QUOTE
            at, in_long_text = at + 1, True
        rest = data[at:]
    yield rest


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    found = pattern.match(data, at)
    return found.end() if found else at


def _repaired(escape: re.Match[str]) -> str:
    _pair, half, nul = escape.groups()
    if nul:
        return ""
    return _REPLACEMENT if half else escape[0]


def parse_body(response: httpx.Response, model: type[M]) -> M:
    """The body of a response as a model.

    Raises:
        InconsistentData: It is cut short, or damaged.
        MalformedData: It lacks a key that is documented as always there.
    """
    try:
        text = json_text(response.content)
        return model.model_validate_json(text)
    except UnicodeDecodeError:
        raise errors.InconsistentData(
            "an answer of Mailbox API 2.0 cannot be read: body: it is not UTF-8",
            status=response.status_code,
            correlation_id=response.headers.get("Correlation-Id"),
        ) from None
    except ValidationError as invalid:
        first = invalid.errors()[0]
        is_json = first["type"] != "json_invalid"
        kind = errors.MalformedData if is_json else errors.InconsistentData
        where = _where(text, first["loc"]) if is_json else "body"
        raise kind(
            f"an answer of Mailbox API 2.0 cannot be read: {where}: {first['msg']}",
            status=response.status_code,
            correlation_id=response.headers.get("Correlation-Id"),
        ) from None


def _where(text: str, location: Sequence[str | int]) -> str:
    """Which key is wrong, and of which conversation."""
    value, owner, path = from_json(text), "", list(location)
    if isinstance(value, dict) and type(value.get("id")) is int:
        owner = f"conversation {value['id']}: "
    elif path[:2] == ["_embedded", "conversations"] and len(path) > _DEPTH_OF_A_ROW:
        row = value["_embedded"]["conversations"][path[2]]
        if isinstance(row, dict) and type(row.get("id")) is int:
            owner, path = f"conversation {row['id']}: ", path[_DEPTH_OF_A_ROW:]
    return owner + ".".join(map(str, path or ["body"]))
