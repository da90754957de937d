"""Options that several commands read alike: an account, a time."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from compat.cli.dates import WORDS, period
from compat.config.environment import SettingsError

if TYPE_CHECKING:
    from compat.config.settings import Settings

DATE: Final = f"2015, 2015-01, 2015-01-31, an ISO 8601 instant, or one of {', '.join(WORDS)}"
"""How a time may be written."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def settings_of(name: str | None) -> Settings:
    """The settings of the account that `--account` names.

    Raises:
        SettingsError: There is no such account, or several and none was named.
    """
    from compat.config.accounts import accounts_from_env

    accounts = accounts_from_env(os.environ)
    if name is None and len(accounts) == 1:
        return next(iter(accounts.values()))
    if name not in accounts:
        raise SettingsError(f"--account: say which account: one of {', '.join(accounts)}")
    return accounts[name]


def second(option: str, text: str, today: date, *, last: bool) -> int:
    """The first or last second of a period, or the second of an instant, epoch UTC.

    Raises:
        SettingsError: The text is neither.
    """
    days = period(text, today)
    try:
        if days is None:
            instant = datetime.fromisoformat(text)
            instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
            return (instant - EPOCH) // timedelta(seconds=1)
        day = (days[last] - EPOCH.date()) // timedelta(days=1)
    except (ValueError, OverflowError):
        raise SettingsError(f"{option}: {text} is none of {DATE}") from None
    return day * 86_400 + (86_399 if last else 0)


def today() -> date:
    """The present day in UTC, by which words such as `last-month` are read."""
    return datetime.now(UTC).date()
