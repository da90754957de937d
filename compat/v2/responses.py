"""Understanding an answer of upstream's: what it says, and when it was asked for."""

from __future__ import annotations

import math
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ValidationError

from compat.v2 import errors
from compat.v2.models import Refused
from compat.v2.transport import LOOP_HEADER, LOOP_STATUS

if TYPE_CHECKING:
    import httpx

_TRANSIENT: Final = frozenset({408, 425, 429})
_OUTCOMES: Final = {2: "answered", 3: "redirected", 4: "refused"}
"""What became of a request, by the first digit of its answer's status."""

M = TypeVar("M", bound=BaseModel)


def read(response: httpx.Response, model: type[M]) -> M:
    """Read a body.

    Raises:
        Incoherent: It is cut short, or lacks a key that is documented as always there.
    """
    try:
        return model.model_validate_json(response.content)
    except ValidationError as faults:
        first = faults.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise errors.InconsistentData(
            f"an answer of Mailbox API 2.0 cannot be read: {place or 'body'}: {first['msg']}",
            status=response.status_code,
            correlation_id=response.headers.get("Correlation-Id"),
        ) from None


def refusal(response: httpx.Response, asked_at: int = 0) -> errors.UpstreamError:
    """The error that an answer other than 200 stands for."""
    status = response.status_code
    kind, message = _kind(response)
    return kind(
        f"{message} (status {status})",
        status=status,
        correlation_id=response.headers.get("Correlation-Id"),
        asked_at=asked_at,
        location=response.headers.get("Location", ""),
        faults=_faults(response) if status == 400 else (),
    )


def _faults(response: httpx.Response) -> tuple[errors.Fault, ...]:
    """The parameters that an error names; none if it cannot be read."""
    try:
        named = Refused.model_validate_json(response.content).embedded.errors
    except ValidationError:
        return ()
    return tuple(errors.Fault(each.path, each.message, each.text) for each in named)


def _kind(response: httpx.Response) -> tuple[type[errors.UpstreamError], str]:
    status = response.status_code
    if status == LOOP_STATUS and LOOP_HEADER in response.headers:
        return errors.RequestLoop, "the address of Mailbox API 2.0 leads back to this server"
    if status in _TRANSIENT or status >= 500:
        return errors.Overloaded, "Mailbox API 2.0 cannot answer now"
    if status == 401:  # tokens may be revoked as fast as they are handed out
        return errors.Unreachable, "Mailbox API 2.0 does not accept a token that it just handed out"
    if status == 403:
        return errors.AccessRefused, "Mailbox API 2.0 does not let this application see that"
    if 300 <= status < 400:
        return errors.Redirected, "Mailbox API 2.0 answered with a redirect"
    return errors.RequestRefused, "Mailbox API 2.0 refuses the request"


def asked_at(response: httpx.Response, wall: float, took: float) -> int:
    """When the request was sent, by upstream's clock if it shows one, never later than true."""
    try:
        answered = parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except ValueError:
        return math.floor(wall)
    return math.floor(answered) - math.ceil(took)


def outcome(response: httpx.Response | None) -> str:
    """What became of a request, in a word."""
    if response is None:
        return "unreachable"
    status = response.status_code
    return "limited" if status == 429 else _OUTCOMES.get(status // 100, "failed")
