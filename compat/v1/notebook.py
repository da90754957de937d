"""Reports in a notebook: HTML that is also XML, in the colours of the page around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any, Final

from compat.v1.datetimes import format_instant
from compat.v1.report_shape import shape_of
from compat.v1.rows import PERIOD, columns_of, rows_of

if TYPE_CHECKING:
    from compat.v1.models_base import TabularReport

MOST_ROWS: Final = 50
"""How many rows are shown."""

_MOST_BARS: Final = 200
"""How many bars a chart has; if there are more buckets, a bar is the highest of several."""

_WIDTH: Final = 600
_HEIGHT: Final = 80
_LONGEST: Final = 200
"""Characters of a cell that are shown; a customer may write as long a comment as they like."""

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PERIODS: Final = ("current", "previous")
_Cells = Sequence[Any]


def to_html(report: TabularReport) -> str:
    """A report as one element of HTML: a table, and for a series a chart."""
    kind = shape_of(type(report)).kind
    if kind == "figures":
        return _div(_figures(report))
    rows = rows_of(report)
    names = [each.name for each in columns_of(type(report))]
    table = _table(names, [list(row.values()) for row in rows])
    if kind != "series":
        return _div(_page_note(report), table)
    values = {
        period: [row[names[2]] for row in rows if row[PERIOD] == period] for period in _PERIODS
    }
    return _div(_chart(names[2], values) if rows else "", table)


def _figures(report: Any) -> str:
    """A row for each figure: its value in each range, and the change."""
    rows = {row[PERIOD]: row for row in rows_of(report)}
    current, previous = rows["current"], rows.get("previous")
    cells = []
    for name in current:
        if name == PERIOD or name.startswith("deltas."):
            continue
        cells.append([name, current[name]])
        if previous is not None:
            same_in_both = name.startswith("user.")
            cells[-1] += [None if same_in_both else previous[name], current.get(f"deltas.{name}")]
    heads = ["", "current"] if previous is None else ["", "current", "previous", "deltas"]
    return _table(heads, cells)


def _page_note(report: Any) -> str:
    """Which page of a list this is."""
    wrapper = shape_of(type(report)).wrapper
    page = getattr(report, wrapper) if wrapper else report
    if not hasattr(page, "pages"):
        return ""
    return f"<p>page {page.page} of {page.pages}, {page.count} in all</p>"


def _table(heads: Sequence[str], rows: Sequence[_Cells]) -> str:
    """A table of the first rows; a line says how many more there are."""
    head = "".join(f"<th>{_text(each)}</th>" for each in heads)
    shown = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows[:MOST_ROWS])
    more = len(rows) - MOST_ROWS
    note = f"<p>… and {more} more</p>" if more > 0 else "" if rows else "<p>no rows</p>"
    return (
        f'<table style="color: inherit">'
        f"<thead><tr>{head}</tr></thead><tbody>{shown}</tbody></table>{note}"
    )


def _cell(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    align = "right" if is_number else "left"
    return f'<td style="text-align: {align}">{_text(value)}</td>'


def _text(value: Any) -> str:
    """A value as text of HTML; nothing in it is markup, nor a character that XML does not have."""
    if value is None:
        return ""
    if isinstance(value, list):
        written = ", ".join(map(str, value))
    elif isinstance(value, datetime):
        written = format_instant(value)
    else:
        written = f"{value:,.2f}" if isinstance(value, float) else str(value)
    if len(written) > _LONGEST:
        written = f"{written[:_LONGEST]}…"
    return escape(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", written))


def _chart(name: str, series: dict[str, list[int]]) -> str:
    """The buckets of the range as bars, and those of the range to compare with as a line."""
    longest = max(map(len, series.values()))
    size = -(-longest // _MOST_BARS)
    current, previous = (_highest(series[period], size) for period in _PERIODS)
    highest = max([*current, *previous])
    step = _WIDTH / max(len(current), len(previous))
    scale = _HEIGHT / (highest or 1)
    what = "current (bars) and previous (line)" if previous else "current"
    title = _text(f"{name}, {what}; the highest is {highest}")
    paths = f'<path d="{_bars(current, step, scale)}" fill="currentColor" fill-opacity="0.4"/>'
    if previous:
        paths += f'<path d="{_line(previous, step, scale)}" fill="none" stroke="currentColor"/>'
    size_and_view = f'width="{_WIDTH}" height="{_HEIGHT + 2}" viewBox="0 -1 {_WIDTH} {_HEIGHT + 2}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size_and_view}>'
        f"<title>{title}</title>{paths}</svg><p>{title}</p>"
    )


def _highest(values: Sequence[int], size: int) -> list[int]:
    """The highest value of each so many."""
    return [max(values[at : at + size]) for at in range(0, len(values), size)]


def _bars(values: Iterable[int], step: float, scale: float) -> str:
    return "".join(
        f"M{at * step:.1f} {_HEIGHT}v{-scale * value:.1f}h{step * 0.8:.1f}V{_HEIGHT}z"
        for at, value in enumerate(values)
    )


def _line(values: Iterable[int], step: float, scale: float) -> str:
    """A line that is level over each bar, so that one bucket alone has a line as well."""
    levels = (f"V{_HEIGHT - scale * value:.1f}h{step:.1f}" for value in values)
    return f"M0 {_HEIGHT}{''.join(levels)}"


def _div(*parts: str) -> str:
    return f"<div>{''.join(parts)}</div>"
