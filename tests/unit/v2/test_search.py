"""Search expressions have the documented forms only."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.v2.search import (
    FIRST_SECOND,
    LAST_SECOND,
    Selection,
    created_between,
)

SECONDS = st.integers(FIRST_SECOND + 1, LAST_SECOND - 1)


@pytest.mark.parametrize(
    ("first", "last", "expression"),
    [
        (0, 0, "(createdAt:[1970-01-01T00:00:00Z TO 1970-01-01T00:00:00Z])"),
        (-1, 86_400, "(createdAt:[1969-12-31T23:59:59Z TO 1970-01-02T00:00:00Z])"),
        (FIRST_SECOND + 1, 0, "(createdAt:[0001-01-01T00:00:01Z TO 1970-01-01T00:00:00Z])"),
        (FIRST_SECOND, 0, "(createdAt:[* TO 1970-01-01T00:00:00Z])"),
        (0, LAST_SECOND - 1, "(createdAt:[1970-01-01T00:00:00Z TO 9999-12-31T23:59:58Z])"),
        (0, LAST_SECOND, "(createdAt:[1970-01-01T00:00:00Z TO *])"),
    ],
)
def test_a_window_is_written_as_documented(first: int, last: int, expression: str) -> None:
    assert created_between(first, last) == expression


def test_no_date_is_after_the_last_year_or_before_the_first() -> None:
    beyond = created_between(FIRST_SECOND - 1, LAST_SECOND + 1)
    assert beyond == created_between(FIRST_SECOND, LAST_SECOND)


@given(SECONDS, SECONDS)
def test_both_ends_are_whole_seconds_with_four_digit_years(first: int, last: int) -> None:
    moment = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z"
    form = rf"\(createdAt:\[{moment} TO {moment}\]\)"
    match = re.fullmatch(form, created_between(first, last))
    assert match is not None
    ends = [datetime.fromisoformat(end).replace(tzinfo=UTC) for end in match.groups()]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert [(end - epoch).days * 86_400 + (end - epoch).seconds for end in ends] == [first, last]


def test_a_selection_is_written_into_the_parameters_of_a_list() -> None:
    plain = {
        "status": "all",
        "query": created_between(0, 9),
        "sortField": "createdAt",
        "sortOrder": "asc",
        "page": "3",
    }
    assert Selection().params(0, 9, "createdAt", 3) == plain
    narrow = Selection((7, 5), folder=0, status="spam", threads=True)
    assert narrow.params(0, 9, "createdAt", 3) == {
        **plain,
        "status": "spam",
        "mailbox": "7,5",
        "folder": "0",
        "embed": "threads",
    }


@pytest.mark.parametrize(
    ("until", "written"),
    [(86_399, "1970-01-02T00:00:00Z"), (LAST_SECOND - 1, "*"), (LAST_SECOND, "*")],
)
def test_a_list_of_what_was_modified_ends_a_second_later(until: int, written: str) -> None:
    """The index may keep fractions of the last second."""
    selection = Selection(modified_since=60, modified_until=until)
    assert selection.params(0, 9, "number", 1)["query"] == (
        f"(modifiedAt:[1970-01-01T00:01:00Z TO {written}] AND "
        "createdAt:[1970-01-01T00:00:00Z TO 1970-01-01T00:00:09Z])"
    )


def test_a_list_of_what_was_modified_has_no_end_by_default() -> None:
    """With one, a conversation that changes every minute would never be listed."""
    assert Selection(modified_since=0).params(86_400, LAST_SECOND, "number", 1)["query"] == (
        "(modifiedAt:[1970-01-01T00:00:00Z TO *] AND createdAt:[1970-01-02T00:00:00Z TO *])"
    )
