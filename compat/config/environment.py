"""What is known of the settings before any is read: names, choices, and the error.

It costs next to nothing to import, unlike `compat.config.settings`, which hands these names on.
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
    """Settings are missing or cannot be used; the message names each and says what to do."""


def variable_name(field: str) -> str:
    """The environment variable that sets a field of `Settings` or `Conventions`."""
    return _VENDOR_NAMES.get(field, PREFIX + field.upper())
