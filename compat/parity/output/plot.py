"""Two series of the same report drawn over one another, as SVG that stands in a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

_WIDTH: Final = 720
_HEIGHT: Final = 168
_LEFT: Final = 44
_TOP: Final = 10
_BOTTOM: Final = 24
_MOST_POINTS: Final = 400
_LABEL_WIDTH: Final = 92

Points = Mapping[str, int]
"""Counts by the label of their bucket."""


def names(old: Any, new: Any) -> list[str]:
    """The series that can be drawn: both answers have them, and they are not alike."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return []
    return [
        name
        for name in old
        if (points := _points(old[name])) is not None
        and (others := _points(new.get(name))) is not None
        and points != others
        and len(points | others) <= _MOST_POINTS
    ]


def plot(name: str, old: Any, new: Any) -> str:
    """The drawing of one of those `names`: what was recorded as bars, what is answered as a line.

    Where the two differ the background is tinted, and a tooltip tells both counts.
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
    """Where things are: x of the buckets, y of the counts."""

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
    """A step for each bucket; it breaks off where a bucket is not answered."""
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
        told = (
            f"{label}: {before.get(label, 'nothing')} recorded, "
            f"{after.get(label, 'nothing')} answered"
        )
        yield (
            f'<rect class="tip" x="{frame.x(at)}" y="{_TOP}" width="{frame.step:.1f}" '
            f'height="{_HEIGHT - _TOP}"><title>{escape(told)}</title></rect>'
        )


def _points(series: Any) -> dict[str, int] | None:
    """The counts of a series by their buckets' starts; None if it is none."""
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
