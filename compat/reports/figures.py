"""Percentages and changes, calculated as in the documented examples to the last bit."""

from __future__ import annotations


def percentage(part: int, whole: int) -> float:
    """How many percent of a whole a part is; 0.0 of nothing."""
    return part / whole * 100 if whole else 0.0


def change_in_percent(current: float, previous: float) -> float:
    """By how many percent a figure has changed; 0.0 if it was zero (observed)."""
    return (current / previous - 1) * 100 if previous else 0.0
