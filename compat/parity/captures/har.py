"""Reads captures from HAR 1.2, as browsers and proxies save recorded traffic."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, BinaryIO, Final
from urllib.parse import urlsplit

import httpx
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from compat.extras import missing
from compat.json_lines import BOM
from compat.parity.captures.models import Capture, Unreadable, make_capture, taken_second

try:
    import ijson
except ImportError:
    raise missing("a HAR file", "ijson", "parity") from None

_MAX_BODY_BYTES: Final = 16 * 1024 * 1024
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")


class _HarObject(BaseModel):
    """Null means absent; what does not change the answer is read as absent if it is wrong."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


def _none_if_wrong(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


def _only_objects(value: Any) -> list[Any]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


_Text = Annotated[str | None, WrapValidator(_none_if_wrong)]
"""A text that is not needed."""


class _Request(_HarObject):
    method: str | None = None
    url: str


class _Header(_HarObject):
    name: _Text = None
    value: _Text = None


class _Content(_HarObject):
    text: str | None = None
    encoding: _Text = None


class _Response(_HarObject):
    status: int
    headers: Annotated[tuple[_Header, ...], BeforeValidator(_only_objects)] = ()
    content: _Content | None = None


class _Entry(_HarObject):
    request: _Request
    response: _Response
    started: Annotated[datetime | None, WrapValidator(_none_if_wrong)] = Field(
        default=None, alias="startedDateTime"
    )


def read_har(stream: BinaryIO, name: str) -> Iterator[Capture | Unreadable]:
    """The captures among the entries of a HAR file, one at a time.

    Entries whose path does not begin with `/v1/` belong to other sites and are skipped. If the
    file is no JSON from some place on, or goes on after its JSON, the last item says so.

    Args:
        stream: The file's bytes.
        name: The file's name in places, before the number of the entry, which starts at 1.
    """
    number = 0
    try:
        for number, entry in enumerate(_entries(stream), 1):
            if _is_below_v1(entry):
                yield _read_entry(entry, f"{name}#{number}")
    except (ijson.JSONError, UnicodeDecodeError):
        reason = (
            "from here on the file is not read, because it is no JSON: it has broken off, or "
            "another file was appended"
        )
        yield Unreadable(f"{name}#{number + 1}", reason, damaged=True)


def _entries(stream: BinaryIO) -> Iterator[Any]:
    head = stream.read(len(BOM))
    source = ijson.from_iter(_chunks(b"" if head == BOM else head, stream))
    yield from ijson.items(source, "log.entries.item", use_float=True)


def _chunks(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield head or b" "
    while chunk := stream.read(65_536):
        yield chunk


def _is_below_v1(entry: Any) -> bool:
    """Whether an entry's path is below `/v1/`. An entry without a URL is not skipped."""
    try:
        return bool(urlsplit(str(entry["request"]["url"])).path.startswith("/v1/"))
    except (KeyError, TypeError):
        return True
    except ValueError:
        return False


def _read_entry(entry: Any, place: str) -> Capture | Unreadable:
    try:
        read_entry = _Entry.model_validate(entry)
        body = _body(read_entry.response)
    except ValidationError as error:
        faults = error.errors(include_input=False)
        wrong = {".".join(map(str, fault["loc"])) or "the entry" for fault in faults}
        return Unreadable(place, f"{', '.join(sorted(wrong))} is missing or cannot be used")
    except ValueError as error:
        return Unreadable(place, str(error))
    try:
        taken_at = taken_second(read_entry.started)
    except ValueError:
        taken_at = None
    # For a 304 a browser saves the body that it had in its cache.
    status = 200 if read_entry.response.status == 304 else read_entry.response.status
    return make_capture(
        place=place,
        url=read_entry.request.url,
        status=status,
        body=body,
        taken_at=taken_at,
        method=read_entry.request.method or "GET",
    )


def _body(response: _Response) -> bytes:
    """The body without any encoding, as the calling program received it.

    Raises:
        ValueError: There is no answer, or its body has an encoding that is not supported.
    """
    if response.status <= 0:  # browsers and proxies write 0 or -1 for it
        raise ValueError("there was no answer")
    content = response.content or _Content()
    raw = _saved_body(content.text or "", (content.encoding or "").strip().lower())
    encodings = ",".join(
        each.value
        for each in response.headers
        if each.name and each.value and each.name.lower() == "content-encoding"
    )
    # Browsers save bodies decoded and keep the header; some proxies save them as they were sent.
    return raw if not raw or not encodings or _is_plain(raw) else _decoded(raw, encodings)


def _saved_body(text: str, encoding: str) -> bytes:
    """The bytes of a saved text. The encoding that a program writes beside it may be wrong.

    Raises:
        ValueError: The text is in none of the known encodings.
    """
    raw = text.encode("utf-8", "surrogatepass")
    if _is_plain(raw):
        return raw
    try:
        decoded = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        if encoding == "base64":
            raise ValueError("its body is no base64") from None
        return raw
    return decoded if encoding == "base64" or _is_plain(decoded) else raw


def _decoded(raw: bytes, encoding: str) -> bytes:
    response = httpx.Response(
        200, headers={"Content-Encoding": encoding}, stream=httpx.ByteStream(raw)
    )
    decoded = bytearray()
    try:
        for part in response.iter_bytes():
            decoded += part
            if len(decoded) > _MAX_BODY_BYTES:
                raise ValueError(f"its body is larger than {_MAX_BODY_BYTES // 1024**2} MiB")
    except httpx.DecodingError:
        if _is_text(raw):
            return raw
        raise ValueError(f"its body is not what its content encoding says: {encoding}") from None
    if bytes(decoded) == raw and not _is_text(raw):
        raise ValueError(f"its content encoding is not read here: {encoding}")
    return bytes(decoded)


def _is_plain(raw: bytes) -> bool:
    """Whether bytes are JSON, or a page of HTML or XML, and so not encoded."""
    text = raw.removeprefix(BOM).strip()
    if text.startswith(b"<"):
        return _is_text(text)
    try:
        # A bare word or number could as well be base64.
        return text[:1] in {b"{", b"["} and json.loads(text) is not None
    except (ValueError, RecursionError):
        return False


def _is_text(raw: bytes) -> bool:
    """Whether bytes are text in UTF-8; those of a compressed body are not."""
    try:
        return not _CONTROL.search(raw.decode())
    except UnicodeDecodeError:
        return False
