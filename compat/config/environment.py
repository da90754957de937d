"""Names of settings, their error, and the choice of engines, for code that reads no settings.

It is quick to import. `compat.config.settings` exports the same names but is slow to import.
"""

from __future__ import annotations

from typing import Final, Literal

PREFIX: Final = "COMPAT_"
_VENDOR_NAMES: Final = {
    "app_id": "HELPSCOUT_APP_ID",
    "app_secret": "HELPSCOUT_APP_SECRET",
    "base_url": "HELPSCOUT_BASE_URL",
}

EngineChoice = Literal["computed", "relayed", "auto"]
"""Where answers come from; `Settings.engine` says what each means."""


class SettingsError(Exception):
    """Settings are missing or wrong; the message names each one and what to do."""


def variable_name(field: str) -> str:
    """The environment variable that sets a field of `Settings` or `Conventions`."""
    return _VENDOR_NAMES.get(field, PREFIX + field.upper())
