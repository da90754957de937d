"""What upstream did instead of answering, in the words of Mailbox API 2.0.

::

    UpstreamError
    ├── Unreachable        no usable answer, however often it was asked
    │   ├── Overloaded     429 or 5xx to the last
    │   └── Incoherent     answers that contradict themselves or the documentation
    ├── SignInRefused      the application's id and secret are not accepted
    ├── AccessRefused      signed in, but not allowed to see this
    │   └── ReportsRefused its own reports are not for this account or user
    ├── RequestRefused     the request itself is refused (400, 404 and their like)
    │   └── QuestionRefused a report refuses parameters, by name
    ├── Redirected         upstream points elsewhere; a token never follows
    ├── CameBack           our own request arrived at our own server
    └── Stopped            whoever asked has given up
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
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
    """Mailbox API 2.0 gave no answer that can be used.

    Attributes:
        status: The HTTP status of the last answer, if there was one.
        correlation_id: Upstream's own name for that answer, to quote to its support.
        asked_at: When that answer was asked for, epoch seconds by upstream's clock.
        location: Where a redirect points; empty for all else.
        faults: The parameters that it names as wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        correlation_id: str | None = None,
        asked_at: int = 0,
        location: str = "",
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.correlation_id = correlation_id
        self.asked_at = asked_at
        self.location = location
        self.faults = tuple(faults)


class Unreachable(UpstreamError):
    """No usable answer: connections dropped, time-outs, bodies cut short, tokens revoked."""


class Overloaded(Unreachable):
    """Upstream says that it cannot answer now (429, 5xx)."""


class InconsistentData(Unreachable):
    """An answer that contradicts itself or lacks a key that is documented as always there."""


class CredentialsRefused(UpstreamError):
    """The application's id and secret were refused."""


class AccessRefused(UpstreamError):
    """The token's user may not see what was asked for."""


class ReportsRefused(AccessRefused):
    """Upstream's own reports are not part of the account's plan, or not for its user to see."""


class RequestRefused(UpstreamError):
    """Upstream refuses the request itself; asking again would not help."""


class QuestionRefused(RequestRefused):
    """One of upstream's own reports refuses parameters; `faults` names them."""


class Redirected(UpstreamError):
    """Upstream answered with a redirect, which is never followed."""


class RequestLoop(UpstreamError):
    """The address of the API leads to this very server."""


class Stopped(UpstreamError):
    """The work was given up by whoever asked for it."""
