"""The progress bar of commands that load data, on a terminal."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass

import pytest

from compat.cli.output import fetch_bar, progress_bar
from compat.core.models import Progress


@dataclass
class Source:
    offline: bool = False
    rate_limit_wait: float = 0.0


class Terminal:
    """A terminal in place of standard error, for a block; afterwards, what was written on it."""

    text: str

    def __enter__(self) -> Terminal:
        self._ours, theirs = os.openpty()
        self._stream = open(theirs, "w", encoding="utf-8")
        # A fixture would set it too early: pytest puts its own stream in place before each test.
        self._before, sys.stderr = sys.stderr, self._stream
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr = self._before
        self._stream.close()
        self.text = _all_of(self._ours).decode()
        os.close(self._ours)


def _all_of(terminal: int) -> bytes:
    """Everything: what is written on a terminal arrives at its other side a little later."""
    parts = []
    with suppress(OSError):  # the end, once nobody holds that side any more
        while part := os.read(terminal, 65_536):
            parts.append(part)
    return b"".join(parts)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")


def test_while_the_rate_limit_makes_it_wait_the_bar_says_how_long() -> None:
    with Terminal() as terminal, fetch_bar([Source(), Source(rate_limit_wait=12.3)]):
        pass  # nothing is received while it waits
    assert "waiting for Help Scout's rate limit, 13 s" in terminal.text


def test_a_wait_that_begins_later_is_shown_without_news() -> None:
    source = Source()
    with Terminal() as terminal, fetch_bar([source]) as show:
        assert show
        show(Progress(expected=10, received=5))
        source.rate_limit_wait = 3
    assert "fetching conversations" in terminal.text
    assert "waiting for Help Scout's rate limit, 3 s" in terminal.text
    assert "50%" in terminal.text


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ([Source(offline=True)], "reading the archive"),
        ([Source(offline=True), Source()], "fetching conversations"),
    ],
)
def test_the_bar_says_fetching_only_where_something_may_be_fetched(
    sources: list[Source], said: str
) -> None:
    with Terminal() as terminal, fetch_bar(sources):
        pass
    assert said in terminal.text
    assert ("fetching" in terminal.text) == ("fetching" in said)


def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("checking captures") as show:
        assert show is None
    assert capsys.readouterr().err == ""
