"""Reads captures from HAR 1.2, as browsers and proxies save recorded traffic."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compat.parity.captures.models import Capture, Unreadable, make_capture

try:
    import ijson
except ImportError:
    raise ImportError("HAR files need ijson: pip install 'helpscout-v1-compat[parity]'") from None

_MAX_BODY_BYTES: Final = 16 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"


class _HarObject(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Request(_HarObject):
    method: str = "GET"
    url: str


class _Header(_HarObject):
    name: str
    value: str


class _Content(_HarObject):
    text: str | None = None
    encoding: str | None = None


class _Response(_HarObject):
    status: int
    headers: tuple[_Header, ...] = ()
    content: _Content = _Content()


class _Entry(_HarObject):
    request: _Request
    response: _Response
    started: datetime | None = Field(default=None, alias="startedDateTime")


def read_har(stream: BinaryIO, name: str) -> Iterator[Capture | Unreadable]:
    """The captures among the entries of a HAR file, one at a time.

    Entries whose path does not begin with `/v1/` belong to other sites and are skipped.

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
        reason = "from here on the file is no JSON; it may have broken off"
        yield Unreadable(f"{name}#{number + 1}", reason)


def _entries(stream: BinaryIO) -> Iterator[Any]:
    head = stream.read(len(_BOM))
    source = ijson.from_iter(_chunks(b"" if head == _BOM else head, stream))
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
        wrong = {".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False)}
        return Unreadable(place, f"{', '.join(sorted(wrong))} is missing or cannot be used")
    except ValueError as error:
        return Unreadable(place, str(error))
    started = read_entry.started
    if started is not None and started.tzinfo is None:
        started = started.replace(tzinfo=UTC)
    # For a 304 a browser saves the body that it had in its cache.
    status = 200 if read_entry.response.status == 304 else read_entry.response.status
    return make_capture(
        place=place,
        url=read_entry.request.url,
        status=status,
        body=body,
        taken_at=None if started is None else int(started.timestamp()),
        method=read_entry.request.method,
    )


def _body(response: _Response) -> bytes:
    """The body without any encoding, as the calling program received it.

    Raises:
        ValueError: It was not saved, or has an encoding that is not supported.
    """
    if response.status == 0:
        raise ValueError("there was no answer")
    text = response.content.text or ""
    raw = text.encode("utf-8", "surrogatepass")
    if (response.content.encoding or "").lower() == "base64":
        try:
            raw = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("its body is no base64") from None
    encodings = [h.value for h in response.headers if h.name.lower() == "content-encoding"]
    # Browsers save bodies decoded and keep the header; some proxies save them as they were sent.
    return raw if not raw or not encodings or _is_json(raw) else _decoded(raw, ",".join(encodings))


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
        raise ValueError(f"its body is not what its content encoding says: {encoding}") from None
    if bytes(decoded) == raw:
        raise ValueError(f"its content encoding is not read here: {encoding}")
    return bytes(decoded)


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True
