"""The table with bars, drawn for a terminal of a known width."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from compat.cli.table import bar, compare_totals, print_table

MIDNIGHT = "00:00:00"


def series(*counts: int, year: int = 2015, time: str = MIDNIGHT) -> list[dict[str, Any]]:
    return [
        {"start": f"{year:04}-{1 + at // 28:02}-{1 + at % 28:02}T{time}Z", "count": count}
        for at, count in enumerate(counts)
    ]


def lines(report: dict[str, Any], width: int = 80) -> list[str]:
    """What is on the screen, without colours."""
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    print_table(report, console)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_each_bucket_has_its_start_its_count_and_a_bar() -> None:
    assert lines({"current": series(4, 0, 1)}, 40) == [
        "current     count",
        "2015-01-01      4  █████████████████████",
        "2015-01-02      0",
        "2015-01-03      1  █████▎",
        "total           5",
    ]


def test_the_previous_range_stands_beside_it_with_the_difference_below() -> None:
    assert lines({"current": series(2, 4), "previous": series(4, year=2014)}, 60) == [
        "current     count              previous    count",
        "2015-01-01      2  █████       2014-01-01      4  ██████████",
        "2015-01-02      4  ██████████",
        "total           6              total           4",
        "",
        "6 now, 4 before: +50.0 %",
    ]


def test_the_time_of_day_is_shown_where_it_is_not_midnight() -> None:
    shown = lines({"current": series(1, time="13:30:00")})
    assert shown[1].startswith("2015-01-01 13:30:00      1  ")


def test_ids_stand_below_their_count_one_series_after_the_other() -> None:
    current = [{**each, "ids": [11, 12]} for each in series(2)]
    previous = [{**each, "ids": [7]} for each in series(1, year=2014)]
    assert lines({"current": current, "previous": previous}, 40) == [
        "current     count",
        "2015-01-01      2  █████████████████████",
        "                   11 12",
        "total           2",
        "",
        "previous    count",
        "2014-01-01      1  ██████████▌",
        "                   7",
        "total           1",
        "",
        "2 now, 1 before: +100.0 %",
    ]


def test_every_id_is_on_the_screen_in_whole() -> None:
    ids = list(range(4_845_671_900, 4_845_671_999))
    shown = lines({"current": [{**series(99)[0], "ids": ids}]})
    assert [int(word) for line in shown[2:-1] for word in line.split()] == ids


def test_a_report_without_buckets_has_a_total_all_the_same() -> None:
    assert lines({"current": []})[-1].split() == ["total", "0"]


@given(
    current=st.lists(st.integers(0, 10**7), max_size=30),
    previous=st.none() | st.lists(st.integers(0, 10**7), max_size=30),
    time=st.sampled_from([MIDNIGHT, "13:30:59"]),
    width=st.sampled_from([80, 81, 120, 300]),
)
def test_it_fits_the_terminal_and_shortens_nothing(
    current: Sequence[int], previous: Sequence[int] | None, time: str, width: int
) -> None:
    report = {"current": series(*current, time=time)}
    if previous is not None:
        report["previous"] = series(*previous, year=2014, time=time)
    shown = lines(report, width)
    assert max(map(cell_len, shown)) <= width
    assert not any("…" in line for line in shown)
    words = " ".join(shown).split()
    assert all(str(count) in words for count in (*current, *(previous or ())))
    assert str(sum(current)) in words


@given(count=st.integers(0, 10**6), most=st.integers(1, 10**6), length=st.integers(4, 40))
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_bar_is_as_long_as_its_share(
    count: int, most: int, length: int, ascii_only: bool
) -> None:
    count = min(count, most)
    drawn = bar(count, most, length, ascii_only=ascii_only)
    assert bool(drawn) == (count > 0)
    assert len(drawn) <= length
    assert abs(len(drawn) - length * count / most) <= 1
    assert drawn.isascii() or not ascii_only


def test_the_greatest_count_fills_the_bar() -> None:
    assert bar(7, 7, 10) == "█" * 10
    assert bar(7, 7, 10, ascii_only=True) == "#" * 10


def test_eighths_are_shown() -> None:
    assert [bar(count, 16, 2) for count in range(0, 17, 3)] == ["", "▍", "▊", "█▏", "█▌", "█▉"]


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (6, 4, "6 now, 4 before: +50.0 %"),
        (3, 4, "3 now, 4 before: -25.0 %"),
        (4, 4, "4 now, 4 before: +0.0 %"),
        (0, 4, "0 now, 4 before: -100.0 %"),
        (4, 0, "4 now, none before"),
        (0, 0, "0 now, none before"),
    ],
)
def test_totals_are_compared_in_percent_of_the_one_before(now: int, before: int, text: str) -> None:
    assert compare_totals(now, before) == text
