"""Errors of Mailbox API 2.0.

::

    UpstreamError
    ├── Unreachable          no usable response, however often it was requested
    │   ├── Overloaded       429 or 5xx, also at the last attempt
    │   ├── UntrustedCertificate  upstream's certificate is not accepted
    │   └── InconsistentData responses that contradict themselves or the documentation
    │       └── MalformedData  a conversation without a key that it must have
    ├── CredentialsRefused   the application's id and secret are not accepted
    ├── AccessRefused        authenticated, but not allowed to see this
    │   └── ReportsRefused   upstream's own reports are not for this account or user
    ├── RequestRefused       the request itself is refused (400, 404 and similar)
    │   ├── NothingAtAddress   upstream has nothing at this address (404)
    │   └── ParametersRefused  a report refuses parameters, by name
    ├── Redirected           upstream redirects; a token never follows
    ├── RequestLoop          our own request arrived at our own server
    └── Cancelled            the caller stopped the work, or closed the client
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LOOP_HEADER: Final = "Compat-Upstream"
"""A header of all requests to upstream; a server that receives one from itself is in a loop."""

LOOP_STATUS: Final = 508
"""How that server answers, with the same header."""


@dataclass(frozen=True, slots=True)
class ParameterError:
    """What upstream finds wrong with one parameter.

    Attributes:
        path: The parameter's name.
        message: What is wrong with it, in upstream's words.
        value: The value as upstream repeats it; None if it does not.
    """

    path: str
    message: str
    value: str | None


class UpstreamError(Exception):
    """Mailbox API 2.0 gave no usable response.

    Attributes:
        status: The HTTP status of the last response, if there was one.
        correlation_id: Upstream's id of that response, to quote to its support.
        requested_at: When that response was requested, epoch seconds by upstream's clock.
        location: Where a redirect points; empty for all other errors.
        parameter_errors: The parameters that upstream calls wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        correlation_id: str | None = None,
        requested_at: int = 0,
        location: str = "",
        parameter_errors: Sequence[ParameterError] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.correlation_id = correlation_id
        self.requested_at = requested_at
        self.location = location
        self.parameter_errors = tuple(parameter_errors)


class Unreachable(UpstreamError):
    """No usable response: connections dropped, time-outs, bodies cut short, tokens revoked."""


class Overloaded(Unreachable):
    """Upstream says that it cannot answer now (429, 5xx)."""


class UntrustedCertificate(Unreachable):
    """The certificate that upstream, or a proxy that inspects TLS, shows is not accepted."""


class InconsistentData(Unreachable):
    """A response that contradicts itself or lacks a key that is documented as always there."""


class MalformedData(InconsistentData):
    """A complete response in which a required key is missing or of another type; the text names it.

    It is requested again once: if the same is wrong again, a later run most likely gets it too.
    """


class CredentialsRefused(UpstreamError):
    """The application's id and secret were refused."""


class AccessRefused(UpstreamError):
    """The token's user may not see what was requested."""


class ReportsRefused(AccessRefused):
    """Upstream's own reports are not part of the account's plan, or its user may not see them."""


class RequestRefused(UpstreamError):
    """Upstream refuses the request itself; a retry would not help."""


class NothingAtAddress(RequestRefused):
    """Upstream has nothing at this address (404): no such item, or it is not Mailbox API 2.0."""


class ParametersRefused(RequestRefused):
    """One of upstream's own reports refuses parameters; `parameter_errors` names them."""


class Redirected(UpstreamError):
    """Upstream answered with a redirect, which is never followed."""


class RequestLoop(UpstreamError):
    """The address of the API leads to this very server."""


class Cancelled(UpstreamError):
    """The caller stopped the work, or closed the client."""
