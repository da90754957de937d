"""Verdicts as one HTML page with drawings in SVG; it needs no network and no scripts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any, Final, TextIO
from urllib.parse import unquote_plus

from compat.parity.output.text import WORDS, curl, format_value
from compat.parity.verdicts import OUTCOMES, Summary, Verdict

_MAX_IN_MEMORY: Final = 8 * 1024 * 1024
_MAX_DETAILED: Final = 500
_MAX_PLACES: Final = 25
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_STATES: Final = {0: "equal", 1: "different", 2: "unfinished", 3: "unasked"}
_LEGEND: Final = (
    '<span class="key old">recorded</span><span class="key new">answered now</span>'
    '<span class="key differs">where they differ</span>'
)

_WIDTH: Final = 720
_HEIGHT: Final = 168
_LEFT: Final = 44
_TOP: Final = 10
_BOTTOM: Final = 24
_MAX_POINTS: Final = 400
_LABEL_WIDTH: Final = 92

Points = Mapping[str, int]
"""Counts by the label of their bucket."""


class HtmlWriter:
    """Writes a page with the summary, the rules, and a table of all captures.

    For captures that differ, both series are drawn, places are listed, and a command repeats the
    request. After some hundreds of them only the row is written, with a note.

    Args:
        stream: Where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._detailed = 0
        self._rows = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed at the end
            _MAX_IN_MEMORY, "w+", encoding="utf-8", newline=""
        )

    def add(self, verdict: Verdict) -> None:
        """Write one verdict as a row."""
        details = ""
        if verdict.differences:
            self._detailed += 1
            drawn = self._detailed <= _MAX_DETAILED
            details = "".join(_details(verdict)) if drawn else _left_out()
        self._rows.write(_row(verdict, details))

    def finish(self, summary: Summary) -> None:
        """Write the page."""
        self._stream.write("".join(_head(summary)))
        self._rows.seek(0)
        shutil.copyfileobj(self._rows, self._stream)
        self._rows.close()
        self._stream.write("</table></div></main></body></html>\n")


def _head(summary: Summary) -> Iterator[str]:
    style = (files("compat.parity.output") / "page.css").read_text(encoding="utf-8")
    shown_outcomes = [outcome for outcome in OUTCOMES if summary.outcomes[outcome]]
    chosen = "different" if summary.outcomes["different"] else "all"
    began = summary.asked_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    engine = f", engine {summary.engine}" if summary.engine else ""
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Parity: {escape(summary.conclusion)}</title>"
    yield f"<style>\n{style}{_filters(shown_outcomes)}</style></head><body>\n"
    for name in ("all", *shown_outcomes):
        checked = " checked" if name == chosen else ""
        yield f'<input class="filter" type="radio" name="show" id="show-{name}"{checked}>'
    yield "<header><h1>Parity with the old API</h1>"
    yield f'<p class="soft">{summary.captures:,} captures, asked again from {began}{engine}</p>'
    yield f'<p class="conclusion {_STATES[summary.exit_status]}">{escape(summary.conclusion)}</p>'
    yield "</header>\n<nav>"
    yield f'<label class="all" for="show-all"><b>{summary.captures:,}</b>in all</label>'
    for name in shown_outcomes:
        number, what = summary.outcomes[name], escape(OUTCOMES[name])
        yield f'<label class="{name}" for="show-{name}" title="{what}"><b>{number:,}</b>'
        yield f"{WORDS[name]}</label>"
    yield "</nav>\n<main>"
    yield from _rules(summary)
    yield f"<h2>Captures</h2>{_table('captures', 'verdict', 'place', 'recorded', 'request')}"
    yield '<th class="number">total</th></tr></thead>\n'


def _filters(outcomes: Iterable[str]) -> str:
    """Style rules by which choosing a number shows only the captures that it counts."""
    hidden = "".join(
        f"#show-{name}:checked ~ main tbody.capture:not(.{name}) {{ display: none; }}\n"
        for name in outcomes
    )
    chosen, focused = (
        ", ".join(f'#show-{name}:{state} ~ nav label[for="show-{name}"]' for name in names)
        for state, names in ((each, ("all", *outcomes)) for each in ("checked", "focus-visible"))
    )
    return (
        f"{hidden}{chosen} {{ border-color: var(--state); box-shadow: 0 0 0 1px var(--state); }}\n"
        f"{focused} {{ outline: 3px solid var(--old); outline-offset: 2px; }}\n"
    )


def _rules(summary: Summary) -> Iterator[str]:
    if not summary.rules:
        return
    yield f"<h2>Rules</h2>{_table('rules', 'reason', 'what it ignores')}"
    yield '<th class="number">differences</th></tr></thead><tbody>'
    for rule in summary.rules:
        fields = ((name, getattr(rule, name)) for name in ("place", "target", "path", "kind"))
        where = "".join(_pair(name, value) for name, value in fields if value is not None)
        number = f"{rule.matched:,}" if rule.matched else '<span class="chip unasked">none</span>'
        yield f'<tr><td>{escape(rule.reason)}</td><td><div class="query">{where}</div></td>'
        yield f'<td class="number">{number}</td></tr>'
    yield "</tbody></table></div>\n"


def _table(kind: str, *columns: str) -> str:
    """The start of a table, up to the heads of these columns."""
    heads = "".join(f"<th>{column}</th>" for column in columns)
    return f'<div class="framed"><table class="{kind}"><thead><tr>{heads}'


def _row(verdict: Verdict, details: str) -> str:
    when = verdict.taken_at.strftime("%Y-%m-%d %H:%M") if verdict.taken_at else ""
    reason = f'<div class="soft">{escape(verdict.reason)}</div>' if verdict.reason else ""
    deltas = "<br>".join(
        f"{escape(name)} {delta:+,d}" for name, delta in verdict.deltas.items() if delta
    )
    more = f'<tr class="detail"><td></td><td colspan="4">{details}</td></tr>' if details else ""
    return (
        f'<tbody class="capture {verdict.outcome}"><tr>'
        f'<td><span class="chip">{WORDS[verdict.outcome]}</span></td>'
        f"<td>{escape(verdict.place)}</td><td>{when}</td>"
        f'<td>{_request(verdict.target)}{reason}</td><td class="number">{deltas}</td></tr>'
        f"{more}</tbody>\n"
    )


def _request(target: str | None) -> str:
    if target is None:
        return ""
    path, _, query = target.partition("?")
    parts = (part.partition("=") for part in query.split("&") if part)
    pairs = "".join(_pair(unquote_plus(name), unquote_plus(value)) for name, _, value in parts)
    return f'<code>{escape(path)}</code><div class="query">{pairs}</div>'


def _pair(name: str, value: str) -> str:
    return f"<code><i>{escape(name)}</i> {escape(value)}</code>"


def _details(verdict: Verdict) -> Iterator[str]:
    for name in drawable_series(verdict.old, verdict.new):
        yield f"<figure><figcaption><b>{escape(name)}</b>{_LEGEND}</figcaption>"
        yield f"{svg(name, verdict.old, verdict.new)}</figure>"
    why = "<th>ignored because</th>" if any(each.ignored for each in verdict.differences) else ""
    yield '<table class="places"><thead><tr><th>where</th><th>how</th><th>recorded</th>'
    yield f"<th>answered now</th>{why}</tr></thead><tbody>"
    for place in verdict.differences[:_MAX_PLACES]:
        cells = (place.path, place.kind, format_value(place, "old"), format_value(place, "new"))
        columns = "".join(f"<td><code>{escape(cell)}</code></td>" for cell in cells)
        yield f"<tr>{columns}{f'<td>{escape(place.ignored or str())}</td>' if why else ''}</tr>"
    yield "</tbody></table>"
    if (more := len(verdict.differences) - _MAX_PLACES) > 0:
        yield f'<p class="soft">and {more:,} more places, which the JSON lists</p>'
    yield f"<pre>{escape(curl(verdict.target or '/'))}</pre>"


def _left_out() -> str:
    return f'<p class="soft">Not drawn: only the first {_MAX_DETAILED} are.</p>'


def drawable_series(old: Any, new: Any) -> list[str]:
    """The names of the series that can be drawn: both answers have them, and they differ."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return []
    return [
        name
        for name in old
        if (points := _points(old[name])) is not None
        and (others := _points(new.get(name))) is not None
        and points != others
        and len(points | others) <= _MAX_POINTS
    ]


def svg(name: str, old: Any, new: Any) -> str:
    """The drawing of a drawable series: recorded counts as bars, counts of today as a line.

    The background is tinted where they differ, and a tooltip shows both counts.
    """
    before, after = _points(old[name]) or {}, _points(new[name]) or {}
    labels = sorted(before.keys() | after.keys())
    most = max([1, *before.values(), *after.values()])
    frame = _Frame(len(labels), most)
    parts = [
        *_axes(frame, labels),
        *_differing(frame, labels, before, after),
        *_bars(frame, labels, before),
        _line(frame, labels, after),
        *_tips(frame, labels, before, after),
    ]
    title = f"{name}: recorded and answered, bucket by bucket"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


class _Frame:
    """Coordinates: x of the buckets, y of the counts."""

    def __init__(self, buckets: int, most: int) -> None:
        self.most = most
        self.step = (_WIDTH - _LEFT) / max(buckets, 1)

    def x(self, at: float) -> float:
        return round(_LEFT + at * self.step, 1)

    def y(self, count: int) -> float:
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * count / self.most, 1)


def _axes(frame: _Frame, labels: Sequence[str]) -> Iterator[str]:
    for count in sorted({0, frame.most // 2, frame.most}):
        y = frame.y(count)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{count:,}</text>'
    every = max(1, -(-len(labels) * _LABEL_WIDTH // (_WIDTH - _LEFT)))
    for at in range(0, len(labels), every):
        if frame.x(at) + _LABEL_WIDTH <= _WIDTH + frame.step:
            day = labels[at].partition("T")[0]
            yield f'<text x="{frame.x(at)}" y="{_HEIGHT - 7}">{escape(day)}</text>'


def _differing(
    frame: _Frame, labels: Sequence[str], before: Points, after: Points
) -> Iterator[str]:
    for at, label in enumerate(labels):
        if before.get(label) != after.get(label):
            yield (
                f'<rect class="differs" x="{frame.x(at)}" y="{_TOP}" width="{frame.step:.1f}" '
                f'height="{_HEIGHT - _BOTTOM - _TOP}"/>'
            )


def _bars(frame: _Frame, labels: Sequence[str], points: Points) -> Iterator[str]:
    for at, label in enumerate(labels):
        if count := points.get(label):
            y = frame.y(count)
            yield (
                f'<rect class="old" x="{frame.x(at + 0.15)}" y="{y}" '
                f'width="{frame.step * 0.7:.1f}" height="{round(frame.y(0) - y, 1)}"/>'
            )


def _line(frame: _Frame, labels: Sequence[str], points: Points) -> str:
    """A step for each bucket; the line has a gap where a bucket is missing."""
    path = []
    pen_up = True
    for at, label in enumerate(labels):
        if label not in points:
            pen_up = True
            continue
        y = frame.y(points[label])
        path.append(f"{'M' if pen_up else 'L'}{frame.x(at)} {y}L{frame.x(at + 1)} {y}")
        pen_up = False
    return f'<path class="new" d="{"".join(path)}"/>'


def _tips(frame: _Frame, labels: Sequence[str], before: Points, after: Points) -> Iterator[str]:
    for at, label in enumerate(labels):
        tip = (
            f"{label}: {before.get(label, 'nothing')} recorded, "
            f"{after.get(label, 'nothing')} answered"
        )
        yield (
            f'<rect class="tip" x="{frame.x(at)}" y="{_TOP}" width="{frame.step:.1f}" '
            f'height="{_HEIGHT - _TOP}"><title>{escape(tip)}</title></rect>'
        )


def _points(series: Any) -> dict[str, int] | None:
    """The counts of a series by the starts of its buckets; None if it is not a series."""
    if not isinstance(series, list):
        return None
    points = {}
    for bucket in series:
        match bucket:
            case {"start": str(start), "count": int(count)} if count >= 0 and count is not True:
                points[start] = count
            case _:
                return None
    return points
