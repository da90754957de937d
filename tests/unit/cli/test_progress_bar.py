"""The progress bar of commands that load data, on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from compat.cli.output import fetch_bar, progress_bar
from compat.core.models import Progress


@dataclass
class Source:
    offline: bool = False
    rate_limit_wait: float = 0.0


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard error is a terminal; this is its other side."""
    ours, theirs = os.openpty()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    with open(theirs, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        yield ours
    os.close(ours)


def seen(terminal: int) -> str:
    return os.read(terminal, 65_536).decode()


def test_while_the_rate_limit_makes_it_wait_the_bar_says_how_long(terminal: int) -> None:
    source = Source(rate_limit_wait=12.3)
    with fetch_bar([Source(), source]):
        pass  # nothing is received while it waits
    assert "waiting for Help Scout's rate limit, 13 s" in seen(terminal)


def test_a_wait_that_begins_later_is_shown_without_news(terminal: int) -> None:
    source = Source()
    with fetch_bar([source]) as show:
        assert show
        show(Progress(expected=10, received=5))
        source.rate_limit_wait = 3
    text = seen(terminal)
    assert "fetching conversations" in text
    assert "waiting for Help Scout's rate limit, 3 s" in text
    assert "50%" in text


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ([Source(offline=True)], "reading the archive"),
        ([Source(offline=True), Source()], "fetching conversations"),
    ],
)
def test_the_bar_says_fetching_only_where_something_may_be_fetched(
    terminal: int, sources: list[Source], said: str
) -> None:
    with fetch_bar(sources):
        pass
    text = seen(terminal)
    assert said in text
    assert ("fetching" in text) == ("fetching" in said)


def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("checking captures") as show:
        assert show is None
    assert capsys.readouterr().err == ""
