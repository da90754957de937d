"""Old requests with the answers that were recorded for them, from wherever they come."""

from __future__ import annotations

from dataclasses import dataclass

from compat.v1.redaction import redact_target


@dataclass(frozen=True, slots=True)
class Capture:
    """An old request and the answer that was recorded for it.

    Attributes:
        place: Where it was read: `old.jsonl:12` is a line, `site.har#3` an entry.
        target: Path and query as sent; no origin, no fragment, no credentials.
        status: That of the recorded answer.
        body: That of the recorded answer, decoded from any transfer and content encoding.
        taken_at: When it was recorded, epoch seconds UTC; None if unknown.
        method: The HTTP method, in capitals.
    """

    place: str
    target: str
    status: int
    body: bytes
    taken_at: int | None = None
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What should have been a capture.

    Attributes:
        place: Where it stands.
        reason: Why it cannot be read; never what it holds.
    """

    place: str
    reason: str


def captured(
    *, place: str, url: str, status: int, body: bytes, taken_at: int | None, method: str
) -> Capture | Unreadable:
    """A capture, if it is one: without a body of a GET there is nothing to compare."""
    method = method.upper()
    if method == "GET" and not body.strip():
        return Unreadable(place, "the answer's body is empty, or was not saved")
    try:
        return Capture(place, redact_target(url), status, body, taken_at, method)
    except ValueError as error:
        return Unreadable(place, str(error))
