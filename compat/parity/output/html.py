"""Verdicts as one page that needs nothing else: no network, no scripts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from typing import Final, TextIO
from urllib.parse import unquote_plus

from compat.parity.output import plot
from compat.parity.output.text import WORDS, curl, shown
from compat.parity.verdicts import OUTCOMES, Summary, Verdict

_SPOOLED: Final = 8 * 1024 * 1024
_MOST_DETAILED: Final = 500
_MOST_PLACES: Final = 25
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_STATES: Final = {0: "equal", 1: "different", 2: "unfinished", 3: "unasked"}
_LEGEND: Final = (
    '<span class="key old">recorded</span><span class="key new">answered now</span>'
    '<span class="key differs">where they differ</span>'
)


class HtmlFile:
    """Writes a page: the sum of it, the rules, and a table of all captures.

    Of those that differ, both series are drawn, every place is listed and a command repeats the
    request; beyond some hundreds of them only the row stays, and says so.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._detailed = 0
        self._rows = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed at the end
            _SPOOLED, "w+", encoding="utf-8", newline=""
        )

    def add(self, verdict: Verdict) -> None:
        """Make a row of a verdict."""
        details = ""
        if verdict.differences:
            self._detailed += 1
            drawn = self._detailed <= _MOST_DETAILED
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
    asked = summary.asked_at.strftime("%Y-%m-%d %H:%M:%S UTC")
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
    yield f'<p class="soft">{summary.captures:,} captures, asked again from {asked}{engine}</p>'
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
    """Choosing a number shows only what it counts; no script is needed for that."""
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
        told = ((name, getattr(rule, name)) for name in ("place", "target", "path", "kind"))
        where = "".join(_pair(name, value) for name, value in told if value is not None)
        number = f"{rule.matched:,}" if rule.matched else '<span class="chip unasked">none</span>'
        yield f'<tr><td>{escape(rule.reason)}</td><td><div class="query">{where}</div></td>'
        yield f'<td class="number">{number}</td></tr>'
    yield "</tbody></table></div>\n"


def _table(kind: str, *columns: str) -> str:
    """The beginning of a table, up to these columns' heads."""
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
    for name in plot.names(verdict.old, verdict.new):
        yield f"<figure><figcaption><b>{escape(name)}</b>{_LEGEND}</figcaption>"
        yield f"{plot.plot(name, verdict.old, verdict.new)}</figure>"
    why = "<th>ignored because</th>" if any(each.ignored for each in verdict.differences) else ""
    yield '<table class="places"><thead><tr><th>where</th><th>how</th><th>recorded</th>'
    yield f"<th>answered now</th>{why}</tr></thead><tbody>"
    for place in verdict.differences[:_MOST_PLACES]:
        cells = (place.path, place.kind, shown(place, "old"), shown(place, "new"))
        told = "".join(f"<td><code>{escape(cell)}</code></td>" for cell in cells)
        yield f"<tr>{told}{f'<td>{escape(place.ignored or str())}</td>' if why else ''}</tr>"
    yield "</tbody></table>"
    if (more := len(verdict.differences) - _MOST_PLACES) > 0:
        yield f'<p class="soft">and {more:,} more places, which the JSON lists</p>'
    yield f"<pre>{escape(curl(verdict.target or '/'))}</pre>"


def _left_out() -> str:
    return f'<p class="soft">Not drawn: only the first {_MOST_DETAILED} are.</p>'
