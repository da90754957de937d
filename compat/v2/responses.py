"""The error for a response of Mailbox API 2.0 that is none of the documented successes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from compat.v2.errors import (
    LOOP_HEADER,
    LOOP_STATUS,
    AccessRefused,
    InconsistentData,
    NothingAtAddress,
    Overloaded,
    ParameterError,
    Redirected,
    RequestLoop,
    RequestRefused,
    Unreachable,
    UpstreamError,
)
from compat.v2.models import ErrorBody

_TRANSIENT: Final = frozenset({408, 425, 429})
_REFUSED: Final[Mapping[int, tuple[type[UpstreamError], str]]] = {
    # Tokens may be revoked as fast as they are issued.
    401: (Unreachable, "Mailbox API 2.0 does not accept a token that it just handed out"),
    403: (AccessRefused, "Mailbox API 2.0 does not let this application see that"),
    404: (NothingAtAddress, "Mailbox API 2.0 has nothing at the address asked for"),
}


def error_for(
    status: int, headers: Mapping[str, str], body: bytes, requested_at: int = 0
) -> UpstreamError:
    """The error for a response whose status is not 200.

    Args:
        status: The HTTP status.
        headers: The headers; the mapping ignores case.
        body: The body.
        requested_at: When it was requested, epoch seconds by upstream's clock.
    """
    kind, message = _kind(status, headers)
    return kind(
        f"{message} (status {status})",
        status=status,
        correlation_id=headers.get("Correlation-Id"),
        requested_at=requested_at,
        location=headers.get("Location", ""),
        parameter_errors=_parameter_errors(body) if status == 400 else (),
    )


def _kind(status: int, headers: Mapping[str, str]) -> tuple[type[UpstreamError], str]:
    if status == LOOP_STATUS and LOOP_HEADER in headers:
        return RequestLoop, "the address of Mailbox API 2.0 leads back to this server"
    if status in _TRANSIENT or status >= 500:
        return Overloaded, "Mailbox API 2.0 cannot answer now"
    if status in _REFUSED:
        return _REFUSED[status]
    if status < 400:
        redirected = Redirected, "Mailbox API 2.0 answered with a redirect"
        return redirected if status >= 300 else (InconsistentData, "Mailbox API 2.0 sends no data")
    return RequestRefused, "Mailbox API 2.0 refuses the request"


def _parameter_errors(body: bytes) -> tuple[ParameterError, ...]:
    """The parameters that a body names; none if it cannot be read."""
    try:
        refused = ErrorBody.model_validate_json(body).embedded.errors
    except ValidationError:
        return ()
    return tuple(ParameterError(each.path, each.message, each.text) for each in refused)
