"""Help Scout's Mailbox API 1.0 reports, computed from Mailbox API 2.0.

The names below are public. Each is imported when it is first used, so that importing the package
costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compat.async_service import AsyncLegacyReports
    from compat.config.conventions import Conventions
    from compat.config.environment import SettingsError
    from compat.config.settings import Settings
    from compat.service import LegacyReports
    from compat.v1.errors import LegacyError
    from compat.v1.http import LegacyRequest, LegacyResponse

    __version__: str
    """The version of the installed distribution."""

__all__ = [
    "AsyncLegacyReports",
    "Conventions",
    "LegacyError",
    "LegacyReports",
    "LegacyRequest",
    "LegacyResponse",
    "Settings",
    "SettingsError",
]

_MODULES = {
    "AsyncLegacyReports": "compat.async_service",
    "Conventions": "compat.config.conventions",
    "LegacyResponse": "compat.v1.http",
    "LegacyError": "compat.v1.errors",
    "LegacyReports": "compat.service",
    "LegacyRequest": "compat.v1.http",
    "Settings": "compat.config.settings",
    "SettingsError": "compat.config.environment",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("helpscout-v1-compat")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
