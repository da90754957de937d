"""The progress bar of sync: pace and time."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from compat.archive.sync.session import SyncEvent
from compat.cli.output import SyncBar, SyncReporter, format_pace


@pytest.mark.parametrize(
    ("taken", "expected", "seconds", "said"),
    [
        (100, 400, 10.0, "10/s, 0:00:30 to go"),
        (100, 50, 10.0, "10/s, 0:00:00 to go"),
        (40, 40_040, 0.5, "80/s, 0:08:20 to go"),
        (0, 400, 10.0, ""),
        (100, 400, 0.0, ""),
    ],
)
def test_the_pace_is_that_of_the_step(taken: int, expected: int, seconds: float, said: str) -> None:
    assert format_pace(taken, expected, seconds) == said


def test_a_list_that_is_not_shown_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    facts: dict[str, int | str] = {"list": "teams", "of": 0, "status": 403}
    SyncReporter().on_event(SyncEvent("list refused", facts, 0, 0, 1, None))
    assert "does not show the list teams (status 403)" in capsys.readouterr().err


def test_a_list_that_cannot_be_read_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    facts: dict[str, int | str] = {"list": "tags", "of": 0, "why": "tags.0.id: Field required"}
    SyncReporter().on_event(SyncEvent("list unreadable", facts, 0, 0, 1, None))
    assert "the list tags cannot be read" in (printed := capsys.readouterr().err)
    assert "tags.0.id: Field required" in printed


def test_the_bar_shows_the_step_and_what_is_left_of_the_budget() -> None:
    screen = io.StringIO()
    columns = [TextColumn("{task.description}|{task.completed}|{task.fields[left]}")]
    with Progress(*columns, console=Console(file=screen, width=100)) as bar:
        shown = SyncBar(bar)
        shown.update("what is new", 25, 100, 180)
        shown.update("comparing totals", 0, 0, None)
        shown.update("what is new", 50, 100, 17)
    assert "what is new|50|17 requests left this minute" in screen.getvalue()


def test_the_bar_says_how_long_the_rate_limit_makes_it_wait() -> None:
    screen = io.StringIO()
    waits = 12.3
    columns = [TextColumn("{task.fields[left]}")]
    console = Console(file=screen, width=100, force_terminal=True)
    with Progress(*columns, console=console, auto_refresh=False) as bar:
        SyncBar(bar, lambda: waits).update("what is new", 25, 100, 0)
        bar.refresh()
        waits = 0.0
        bar.refresh()
    shown = screen.getvalue()
    assert "waiting for Help Scout's rate limit, 13 s" in shown
    assert "0 requests left this minute" in shown
