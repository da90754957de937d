"""What went wrong, in the words of the old API: the one place where one becomes the other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from compat import clock
from compat.archive.errors import ArchiveError
from compat.single_flight import Call, CallCancelled, TooManyCalls
from compat.v1.errors import (
    BadParameter,
    Forbidden,
    Internal,
    LegacyError,
    Unavailable,
    ValidationFailed,
)
from compat.v2 import errors as v2

_SOON: Final = 5
_LATER: Final = 30
_LONGEST: Final = 3600


def _forbidden(sentence: str) -> Callable[[BaseException], LegacyError]:
    return lambda _: Forbidden(sentence)


def _unavailable(sentence: str, seconds: int) -> Callable[[BaseException], LegacyError]:
    """`{}` in the sentence stands for what upstream did."""
    return lambda error: Unavailable(sentence.format(error), seconds)


def _as_named(error: BaseException) -> LegacyError:
    """Parameters keep their names from one version of the API to the other."""
    faults = error.faults if isinstance(error, v2.QuestionRefused) else ()
    return ValidationFailed(
        [BadParameter(fault.path, fault.value, fault.message) for fault in faults]
    )


_TABLE: Final = (
    (
        v2.CredentialsRefused,
        _forbidden(
            "Help Scout refuses this account's application: check HELPSCOUT_APP_ID and "
            "HELPSCOUT_APP_SECRET"
        ),
    ),
    (
        v2.ReportsRefused,
        _forbidden(
            "Help Scout does not give this account its own reports, which come with the Plus and "
            "Pro plans: set COMPAT_ENGINE to computed, which does without them, or check the "
            "plan, and the rights of the user who made the application"
        ),
    ),
    (
        v2.AccessRefused,
        _forbidden(
            "Help Scout does not let this account's application see its conversations: check "
            "the rights of the user who made the application that HELPSCOUT_APP_ID names"
        ),
    ),
    (
        v2.RequestLoop,
        _unavailable(
            "The address of Mailbox API 2.0 leads back to this server: set COMPAT_CONNECT_TO "
            "to an address of Help Scout's",
            _LATER,
        ),
    ),
    (
        v2.Redirected,
        _unavailable("{}: check HELPSCOUT_BASE_URL", _LATER),
    ),
    (v2.QuestionRefused, _as_named),
    (ArchiveError, _unavailable("The archive cannot be used: {}", _LATER)),
    (v2.InconsistentData, _unavailable("The conversations cannot be counted exactly: {}", _LATER)),
    (v2.Stopped, _unavailable("The server is closing", _SOON)),
    (v2.UpstreamError, _unavailable("The conversations cannot be fetched: {}", _LATER)),
    (TooManyCalls, _unavailable("Too many other questions are being worked on", _LATER)),
    (CallCancelled, _unavailable("The work on this answer was called off", _SOON)),
)
"""The first row whose kind fits decides; whatever fits none was not foreseen."""


def told(error: BaseException) -> LegacyError:
    """The error that a caller of the old API is told in place of this one."""
    if isinstance(error, LegacyError):
        return error
    found = (tell for kind, tell in _TABLE if isinstance(error, kind))
    return next(found, lambda _: Internal())(error)


def seconds_left(flight: Call[Any], held: float) -> int:
    """Whole seconds after which a flight will probably have landed.

    Args:
        flight: The fetching; its progress tells the pace.
        held: Seconds until the rate budget lets the next request through.
    """
    progress = flight.progress
    left = max(progress.expected - progress.received, 0)
    spent = clock.elapsed() - flight.began
    estimate = left * spent / progress.received if progress.received else _SOON
    return math.ceil(min(max(estimate + held, 1), _LONGEST))
