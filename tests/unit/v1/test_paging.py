"""`page` and `rows` of lists: whole numbers from 1 on, and at most fifty rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compat.config.conventions import Conventions
from compat.v1.parameters import MAX_ROWS, parse_number, parse_rows

CONVENTIONS = Conventions()
Parse = Callable[[str, Conventions], int]


@pytest.mark.parametrize("parse", [parse_number, parse_rows])
@pytest.mark.parametrize("text", ["0", "00", "-1", "+1", "1.0", "1e1", "", " 1", "x", "1" * 10])
def test_what_is_no_number_from_1_on_is_refused(parse: Parse, text: str) -> None:
    with pytest.raises(ValueError, match="not a number from 1 on"):
        parse(text, CONVENTIONS)


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("01", 1), ("999999999", 999_999_999)])
def test_a_page_may_be_any_number_of_at_most_nine_digits(text: str, number: int) -> None:
    assert parse_number(text, CONVENTIONS) == number


@pytest.mark.parametrize(("text", "rows"), [("1", 1), ("49", 49), ("50", 50), ("51", 50)])
def test_more_rows_than_the_maximum_mean_the_maximum(text: str, rows: int) -> None:
    assert MAX_ROWS == 50
    assert parse_rows(text, CONVENTIONS) == rows
