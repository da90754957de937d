"""The pages of a list, and all rows as one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from compat.v1.query import ListPageQuery, page_of

QUERY = ListPageQuery()
ITEMS = st.lists(st.integers(), max_size=60)


@given(items=ITEMS, rows=st.integers(1, 25))
def test_all_rows_are_those_of_the_pages_in_their_order(items: list[int], rows: int) -> None:
    _, pages = page_of(QUERY, items, rows)
    listed = [
        item
        for number in range(1, pages + 1)
        for item in page_of(replace(QUERY, page=number), items, rows)[0]
    ]
    whole = page_of(replace(QUERY, all_rows=True), items, rows)
    assert listed == items
    assert whole == (items, min(len(items), 1))


@given(items=ITEMS, rows=st.integers(1, 25))
def test_every_page_but_the_last_is_full_and_those_after_it_are_empty(
    items: list[int], rows: int
) -> None:
    _, pages = page_of(QUERY, items, rows)
    lengths = [len(page_of(replace(QUERY, page=at), items, rows)[0]) for at in range(1, pages + 2)]
    assert lengths[: pages - 1] == [rows] * max(pages - 1, 0)
    assert lengths[pages:] == [0]
