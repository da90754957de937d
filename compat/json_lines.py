"""Reads lines of JSON from files: captures and conversations alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

BOM: Final = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8, which some editors and programs write before a text."""

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""Bytes of the longest line that is read."""


class Line(NamedTuple):
    """A line that is not empty.

    Attributes:
        number: Its number in the file; the first is 1, and empty lines count.
        content: Its bytes, without a byte order mark and without white space at both ends.
        too_long: Whether it is longer than `MAX_LINE_BYTES`; then the content is not complete.
    """

    number: int
    content: bytes
    too_long: bool = False


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    """The lines of a file, one at a time; empty ones are left out.

    A byte order mark is accepted before every line, because files with one are joined as well.

    Args:
        stream: The file's bytes.
    """
    number = 0
    while line := stream.readline(MAX_LINE_BYTES):
        number += 1
        too_long = len(line) == MAX_LINE_BYTES and not line.endswith(b"\n")
        if too_long:
            _skip_line(stream)
        if content := line.strip().removeprefix(BOM).strip():
            yield Line(number, content, too_long)


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass
