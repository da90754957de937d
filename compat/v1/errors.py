"""What a caller of the old API can be told when there is no report to give.

    LegacyError
    ├── ValidationFailed   400  one entry for every parameter that is wrong
    ├── Unauthorized       401  no API key, or none that is known
    ├── Forbidden          403  the vendor refuses this account's credentials
    ├── NotFound           404  no such path, or a method other than GET
    ├── RateLimited        429  too many requests, with the seconds to wait
    ├── Internal           500  anything unforeseen
    └── Unavailable        503  no answer in time, with the seconds to wait

The envelope `{"code", "error"}` is the one observed in recorded traffic; the vendor's page
documented another that was never seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class BadParameter:
    """One parameter that could not be used, and what to send in its place.

    Attributes:
        property: The parameter's name as the vendor's page spells it.
        value: The text that was sent, decoded; None if nothing was.
        message: A sentence for a person.
    """

    property: str
    value: str | None
    message: str

    def as_dict(self) -> dict[str, str | None]:
        """The entry as it stands in `validationErrors`."""
        return {"property": self.property, "value": self.value, "message": self.message}


class LegacyError(Exception):
    """An error in the old API's words.

    Attributes:
        status: The HTTP status, repeated as `code` in the body.
        message: The sentence that the body carries as `error`.
    """

    status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def body(self) -> dict[str, object]:
        """The error envelope, ready to be written as JSON; keys in the observed order."""
        return {"code": self.status, "error": self.message}

    def headers(self) -> dict[str, str]:
        """Headers that belong to this error beside the content type."""
        return {}


class ValidationFailed(LegacyError):
    """Parameters are missing or cannot be used (400).

    Attributes:
        errors: One entry for each parameter that is wrong.
    """

    status = 400

    def __init__(self, errors: Sequence[BadParameter]) -> None:
        super().__init__("Input could not be validated")
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return f"{self.message}: {' '.join(error.message for error in self.errors)}"

    def body(self) -> dict[str, object]:
        """The envelope with a list of what is wrong under `validationErrors`."""
        return {**super().body(), "validationErrors": [each.as_dict() for each in self.errors]}


class Unauthorized(LegacyError):
    """The request carries no API key, or one that nobody knows (401)."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Authentication credentials are invalid")

    def headers(self) -> dict[str, str]:
        """The challenge; some clients send their key only after it.

        The realm is there because RFC 7617 asks for one and Python's own client ignores a
        challenge without it.
        """
        return {"WWW-Authenticate": 'Basic realm="Mailbox API 1.0"'}


class Forbidden(LegacyError):
    """The vendor refuses the credentials that stand behind this account (403).

    Args:
        message: A sentence that names the setting to look at.
    """

    status = 403


class NotFound(LegacyError):
    """The path is unknown, or the method is not GET (404, as observed for both).

    Attributes:
        path: The path that was asked for.
    """

    status = 404

    def __init__(self, path: str) -> None:
        super().__init__(f"The specified resource was not found: '{path}'")
        self.path = path


class _Later(LegacyError):
    """An error that passes: the same request may succeed after a wait."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        """How many whole seconds to wait before asking again."""
        return {"Retry-After": str(self.retry_after)}


class RateLimited(_Later):
    """Too many requests (429).

    Attributes:
        retry_after: Whole seconds until the next request is welcome.
    """

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            f"Too many requests: ask again in {_seconds(retry_after)}", retry_after=retry_after
        )


class Unavailable(_Later):
    """The numbers cannot be had in time (503); the same request may succeed later.

    Attributes:
        retry_after: Whole seconds after which a retry is likely to succeed.
    """

    status = 503


class Internal(LegacyError):
    """Something unforeseen (500); the body never says what."""

    status = 500

    def __init__(self) -> None:
        super().__init__("Internal error")


def _seconds(number: int) -> str:
    return "1 second" if number == 1 else f"{number} seconds"
