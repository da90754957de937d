"""A report as a table with bars, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

Bucket = Mapping[str, Any]
Series = Sequence[Bucket]

_GAP: Final = 2
_SHORTEST: Final = 4
_LONGEST: Final = 40
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_STYLES: Final = {"current": "cyan", "previous": "magenta"}


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a bucket.

    Attributes:
        start: That of its first second.
        count: That of its number.
        summed: Whether the numbers of several buckets can be added up.
    """

    start: str = "start"
    count: str = "count"
    summed: bool = True


COUNTS: Final = Keys()


def print_table(
    report: Mapping[str, Series], console: Console | None = None, keys: Keys = COUNTS
) -> None:
    """Print the series of a report side by side, bucket by bucket, and their totals.

    Series with the ids behind each count come one below the other.

    Args:
        report: The buckets of each series by its name.
        console: Where it is printed; standard output if not given.
        keys: The keys of a bucket.
    """
    console = console or Console(highlight=False)
    with_ids = any("ids" in bucket for series in report.values() for bucket in series)
    groups = [{name: series} for name, series in report.items()] if with_ids else [report]
    most = max((bucket[keys.count] for series in report.values() for bucket in series), default=0)
    for at, group in enumerate(groups):
        if at:
            console.print()
        console.print(_table(group, most, console, keys))
    if "previous" in report and keys.summed:
        console.print()
        totals = (_total(report[name], keys) for name in ("current", "previous"))
        console.print(compare_totals(*totals), style="bold")


def bar(count: int, most: int, length: int, *, ascii_only: bool = False) -> str:
    """A bar as long as its share of the greatest count; a count above zero is never invisible.

    Args:
        count: The count that the bar shows.
        most: The greatest count.
        length: Characters for the greatest count.
        ascii_only: Whether nothing finer than a character can be shown.
    """
    if not count:
        return ""
    if ascii_only:
        return "#" * max(round(length * count / most), 1)
    eighths = max(round(length * 8 * count / most), 1)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def compare_totals(now: int, before: int) -> str:
    """Two totals compared, in words."""
    if not before:
        return f"{now} now, none before"
    return f"{now} now, {before} before: {(now / before - 1) * 100:+.1f} %"


def _table(group: Mapping[str, Series], most: int, console: Console, keys: Keys) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_footer=keys.summed)
    for name, series in group.items():
        table.add_column(name, footer="total", footer_style="bold", no_wrap=True)
        total = str(_total(series, keys))
        table.add_column(
            keys.count, footer=total, footer_style="bold", justify="right", no_wrap=True
        )
        table.add_column("", style=_STYLES[name])
    length = _bar_length(group, console.width, keys)
    for buckets in zip_longest(*group.values()):
        cells = [
            _cells(bucket, most, length, keys, ascii_only=console.options.ascii_only)
            for bucket in buckets
        ]
        table.add_row(*(cell for columns in cells for cell in columns))
        if ids := (buckets[0] or {}).get("ids"):
            table.add_row("", "", Text(" ".join(map(str, ids)), style="default"))
    return table


def _cells(
    bucket: Bucket | None, most: int, length: int, keys: Keys, *, ascii_only: bool
) -> Sequence[str]:
    if bucket is None:
        return "", "", ""
    count = bucket[keys.count]
    drawn = bar(count, most, length, ascii_only=ascii_only)
    return format_instant(bucket[keys.start]), str(count), drawn


def _bar_length(group: Mapping[str, Series], width: int, keys: Keys) -> int:
    """The width that the texts of a row leave to each bar."""
    texts = sum(
        max(
            len(name),
            len("total"),
            *(len(format_instant(bucket[keys.start])) for bucket in series),
        )
        + max(len(keys.count), len(str(_total(series, keys))))
        + 3 * _GAP
        for name, series in group.items()
    )
    return min(max((width + _GAP - texts) // len(group), _SHORTEST), _LONGEST)


def format_instant(text: str) -> str:
    """The day of an instant of the old API; the time as well where it is not midnight."""
    day, _, time = text.removesuffix("Z").partition("T")
    return day if time == "00:00:00" else f"{day} {time}"


def _total(series: Series, keys: Keys) -> int:
    return sum(bucket[keys.count] for bucket in series)
