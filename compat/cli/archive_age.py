"""How much of the past is to be kept."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final

from compat.cli.options import EPOCH
from compat.config.environment import SettingsError

_AGE: Final = re.compile(r"([1-9][0-9]{0,5})([ymd])")
_DAY: Final = 86_400


def since(text: str, today: date) -> int:
    """The first second that is kept, epoch UTC: midnight, so many years, months or days ago.

    Raises:
        SettingsError: The text is no age, or reaches before the year 1.
    """
    found = _AGE.fullmatch(text)
    if found is None:
        raise SettingsError("--keep: write it as 3y, 18m or 400d")
    many, unit = int(found[1]), found[2]
    try:
        first = today - timedelta(days=many) if unit == "d" else _months_ago(today, many, unit)
    except (ValueError, OverflowError):
        raise SettingsError("--keep: that reaches before the year 1") from None
    return (first - EPOCH.date()).days * _DAY


def _months_ago(today: date, many: int, unit: str) -> date:
    months = today.year * 12 + today.month - 1 - many * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))
