"""Errors that a caller of the old API receives.

    LegacyError
    ├── ValidationFailed   400  one entry for every parameter that is wrong
    ├── Unauthorized       401  no API key, or an unknown one
    ├── Forbidden          403  the vendor refuses this account's credentials
    ├── NotFound           404  no such path, or a method other than GET
    ├── ItemNotFound       404  a known path, of an item that does not exist
    ├── RateLimited        429  too many requests, with the seconds to wait
    ├── Internal           500  any unexpected error
    └── Unavailable        503  no answer in time, with the seconds to wait

The envelope `{"code", "error"}` was observed in recorded traffic. The vendor's page documented
another one, which was never observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class BadParameter:
    """A parameter that is wrong, and what to send instead.

    Attributes:
        property: The parameter's name as the vendor's page spells it.
        value: The text that was sent, decoded; None if it was not sent.
        message: A sentence for a person.
    """

    property: str
    value: str | None
    message: str

    def as_dict(self) -> dict[str, str | None]:
        """The entry in `validationErrors`."""
        return {"property": self.property, "value": self.value, "message": self.message}


class LegacyError(Exception):
    """An error in the format of the old API.

    Attributes:
        status: The HTTP status, repeated as `code` in the body.
        message: The sentence in the body, under `error`.
    """

    status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def body(self) -> dict[str, object]:
        """The body as a dict to write as JSON; the keys have the observed order."""
        return {"code": self.status, "error": self.message}

    def headers(self) -> dict[str, str]:
        """Headers of this error, without the content type."""
        return {}


class ValidationFailed(LegacyError):
    """Parameters are missing or wrong (400).

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
        """The body with the list of wrong parameters under `validationErrors`."""
        return {**super().body(), "validationErrors": [each.as_dict() for each in self.errors]}


class Unauthorized(LegacyError):
    """The request has no API key, or an unknown one (401)."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Authentication was not provided or was invalid.")

    def headers(self) -> dict[str, str]:
        """The header that asks for a key; some clients send their key only after it.

        It has a realm because RFC 7617 requires one, and Python's `urllib` ignores the header
        without a realm.
        """
        return {"WWW-Authenticate": 'Basic realm="Helpscout"'}


class Forbidden(LegacyError):
    """The vendor refuses the credentials of this account (403).

    Args:
        message: A sentence that names the setting to check.
    """

    status = 403


class NotFound(LegacyError):
    """The path is unknown, or the method is not GET or HEAD (404, as observed for both).

    Attributes:
        path: The requested path.
    """

    status = 404

    def __init__(self, path: str) -> None:
        super().__init__(f"The specified resource was not found: '{path}'")
        self.path = path


class ItemNotFound(LegacyError):
    """The path is known, but there is no item with the id in it (404)."""

    status = 404

    def __init__(self) -> None:
        super().__init__("The requested resource was not found.")


class _Temporary(LegacyError):
    """A temporary error: the same request may succeed later."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        """How many whole seconds to wait before a retry."""
        return {"Retry-After": str(self.retry_after)}


class RateLimited(_Temporary):
    """Too many requests (429).

    Attributes:
        retry_after: Whole seconds until the next request is allowed.
    """

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            f"Too many requests: ask again in {_seconds(retry_after)}", retry_after=retry_after
        )


class Unavailable(_Temporary):
    """There is no answer in time (503); the same request may succeed later.

    Attributes:
        retry_after: Whole seconds after which a retry is likely to succeed.
    """

    status = 503


class Internal(LegacyError):
    """An unexpected error (500); the body does not describe it."""

    status = 500

    def __init__(self) -> None:
        super().__init__("Internal error")


def _seconds(number: int) -> str:
    return "1 second" if number == 1 else f"{number} seconds"
