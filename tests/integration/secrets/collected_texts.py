"""Collects texts that could contain a secret: all logs at debug level, and texts of objects."""

from __future__ import annotations

import gc
import io
import logging
import traceback
import types
from collections.abc import Iterator
from contextlib import contextmanager

from compat.server.logs import TEXT, JsonLinesFormatter

_PLAIN = (str, bytes, bytearray, int, float, list, tuple, dict, set, frozenset, type(None))
_ELSEWHERE = (types.ModuleType, type, types.FrameType, types.CodeType, types.TracebackType)
_MOST = 200_000


class _Both(logging.Handler):
    """Keeps each record as text and as JSON."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said = io.StringIO()
        self._formatters = (logging.Formatter(TEXT), JsonLinesFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        for formatter in self._formatters:
            self.said.write(formatter.format(record) + "\n")
        self.said.write(repr(record.args) + "\n")


@contextmanager
def all_logs() -> Iterator[io.StringIO]:
    """Everything that any logger of the process says from DEBUG on, as text and as JSON."""
    handler = _Both()
    root = logging.getLogger()
    known = [each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    before = [(each, each.level, each.disabled) for each in (root, *known)]
    for each, _, _ in before:
        each.setLevel(logging.DEBUG)
        each.disabled = False
        if each is root or not each.propagate:
            each.addHandler(handler)
    try:
        yield handler.said
    finally:
        for each, level, disabled in before:
            each.removeHandler(handler)
            each.setLevel(level)
            each.disabled = disabled


def reprs(*roots: object) -> Iterator[str]:
    """The texts of all objects within reach that are more than plain values.

    What is inside of modules, classes, code and running frames is not looked at: all things are
    within reach of those. Plain values are what the objects hold; they are not shown as such.
    """
    seen: set[int] = set()
    waiting: list[object] = list(roots)
    while waiting and len(seen) < _MOST:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, _ELSEWHERE):
            continue
        seen.add(id(each))
        if not isinstance(each, _PLAIN):
            yield _text(each)
        waiting += _within(each)


def error_texts(error: BaseException) -> str:
    """An exception as a log or a terminal would show it, and all that it leads to."""
    lines = "".join(traceback.format_exception(error))
    return "\n".join((lines, str(error), repr(error), *reprs(error)))


def _text(thing: object) -> str:
    try:
        return f"{thing!r} {thing}"
    except Exception as error:  # noqa: BLE001 - a thing without a text shows nothing
        return type(error).__name__


def _within(thing: object) -> list[object]:
    if isinstance(thing, types.FunctionType):
        return [*(cell.cell_contents for cell in thing.__closure__ or () if _filled(cell))]
    return gc.get_referents(thing)


def _filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
