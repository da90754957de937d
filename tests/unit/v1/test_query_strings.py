"""How a query string is taken apart, and which spellings mean the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.v1.errors import BadParameter, ValidationFailed
from compat.v1.parameters import FILTERS, RANGE
from compat.v1.query import Range, ReportQuery, parse_pairs
from tests.strategies import query_strings
from tests.unit.v1.parsed_queries import JANUARY, ask

SPAN = Range(datetime(2015, 1, 1, tzinfo=UTC), datetime(2015, 1, 31, 23, 59, 59, tzinfo=UTC))


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (b"", []),
        (b"&&", []),
        (b"a=1&b=2", [("a", "1"), ("b", "2")]),
        (b"a=1&", [("a", "1")]),
        (b"a", [("a", "")]),
        (b"=1", [("", "1")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"a+b=c+d", [("a b", "c d")]),
        (b"a=%2B%26%3d", [("a", "+&=")]),
        (b"a%5B0%5D=1", [("a[0]", "1")]),
        (b"a=%zz%", [("a", "%zz%")]),
        (b"a=\xff%ff", [("a", "\ufffd\ufffd")]),
        (b"a=%C3%A9\xc3\xa9", [("a", "éé")]),
    ],
)
def test_pairs_are_split_and_decoded(query: bytes, pairs: list[tuple[str, str]]) -> None:
    assert parse_pairs(query) == pairs


@given(query=query_strings())
def test_any_bytes_are_a_query_or_a_refusal(query: bytes) -> None:
    content: list[BadParameter] = []
    try:
        ask(query)
    except ValidationFailed as refusal:
        content.extend(refusal.errors)
    assert all(each.message for each in content)
    assert len({each.property for each in content}) == len(content)


@given(query=st.binary(max_size=300))
def test_any_bytes_can_be_taken_apart(query: bytes) -> None:
    for name, value in parse_pairs(query):
        (name + value).encode("utf-8")


@pytest.mark.parametrize(
    "spelling",
    [
        "mailboxes=1,2",
        "mailboxes=1%2C2",
        "mailboxes=1%2c2",
        "mailboxes[]=1&mailboxes[]=2",
        "mailboxes[0]=1&mailboxes[1]=2",
        "mailboxes%5B0%5D=1&mailboxes%5B1%5D=2",
        "mailboxes%5b%5d=1&mailboxes%5b%5d=2",
        "mailboxes=1&mailboxes=2",
        "mailboxes=1&mailboxes[]=1,2",
        "mailboxes=1,,2",
        "mailboxes=,1,2,",
        "mailboxes=&mailboxes=1,2",
        "mailboxes=1,2,1,02",
        "mailbox%65s=1,2",
        "mailboxes=1, 2",
        "mailboxes=%201%20,%09+2+",
        "mailboxes[]=+1&mailboxes[]=2+",
        "mailboxes=1, ,2,+",
        "mailboxes=+&mailboxes=1,2",
    ],
)
def test_every_spelling_of_a_list_means_the_same(spelling: str) -> None:
    assert ask(f"{JANUARY}&{spelling}").mailboxes == (1, 2)


@given(
    ids=st.lists(st.integers(0, 10**18 - 1), min_size=1, max_size=8, unique=True), data=st.data()
)
def test_a_list_cut_anywhere_is_the_same_list(ids: list[int], data: st.DataObject) -> None:
    parts: list[list[int]] = [[]]
    for each in ids:
        parts[-1].append(each)
        if data.draw(st.booleans()):
            parts.append([])
    names = ["tags", "tags[]", "tags[7]", "tags%5B%5D"]
    sent = [f"{data.draw(st.sampled_from(names))}={','.join(map(str, part))}" for part in parts]
    assert ask(f"{JANUARY}&{'&'.join(sent)}").tags == tuple(ids)


@pytest.mark.parametrize(
    "nothing",
    [
        *("", "&", "&mailboxes", "&mailboxes=", "&mailboxes[]=", "&mailboxes=,", "&types=&tags=,,"),
        *("&viewBy=", "&previousStart=&previousEnd=", "&page=1", "&office_hours=1", "&=x"),
        *("&mailboxes=+", "&tags=+,%09", "&types[]=%20"),
        *("&mailboxes[=x", "&mailboxes]=x", "&[mailboxes]=x", "&mailboxes[0]a=x"),
    ],
)
def test_empty_and_unknown_parameters_change_nothing(nothing: str) -> None:
    assert ask(JANUARY + nothing) == ReportQuery(SPAN, view_by="week")


@pytest.mark.parametrize("sent", ["MAILBOXES=7&viewby=Day", "Mailboxes[]=7&ViewBy=DAY"])
def test_case_makes_no_difference_in_names_and_in_words(sent: str) -> None:
    asked = ask(f"{JANUARY}&{sent}&types=Email")
    assert (asked.mailboxes, asked.view_by, asked.types) == ((7,), "day", ("email",))


@pytest.mark.parametrize("index", ["[x]", "[ 0]", "[0][1]", "[]", "%5Bname%5D"])
def test_an_index_of_any_kind_never_widens_the_question(index: str) -> None:
    assert ask(f"{JANUARY}&mailboxes{index}=7").mailboxes == (7,)
    assert ask(f"{JANUARY}&viewBy{index}=day").view_by == "day"


def test_blanks_around_types_are_dropped() -> None:
    assert ask(f"{JANUARY}&types=email, chat").types == ("email", "chat")


def test_lists_keep_the_order_in_which_they_were_sent() -> None:
    query = ask(f"{JANUARY}&types=phone,email&folders=9,3,9")
    assert query.types == ("phone", "email")
    assert query.folders == (9, 3)


@pytest.mark.parametrize(
    ("repeated", "view_by"),
    [("first", "day"), ("last", "month")],
)
def test_of_a_scalar_sent_twice_the_convention_takes_one(repeated: str, view_by: str) -> None:
    conventions = Conventions.model_validate({"repeated_parameter": repeated})
    query = f"{JANUARY}&viewBy=&viewBy=day&viewBy=month&viewBy="
    assert ask(query, conventions).view_by == view_by


@pytest.mark.parametrize(
    ("repeated", "value"), [("first", "day&viewBy=x"), ("last", "x&viewBy=day")]
)
def test_of_a_scalar_sent_twice_the_other_one_is_not_looked_at(repeated: str, value: str) -> None:
    conventions = Conventions.model_validate({"repeated_parameter": repeated})
    assert ask(f"{JANUARY}&viewBy={value}", conventions).view_by == "day"


@pytest.mark.parametrize("view_by", ["day", "week", "month"])
def test_without_view_by_the_convention_speaks(view_by: str) -> None:
    conventions = Conventions.model_validate({"default_view_by": view_by})
    assert ask(JANUARY, conventions).view_by == view_by
    assert ask(f"{JANUARY}&viewBy=day", conventions).view_by == "day"


def test_a_report_that_is_no_series_ignores_view_by() -> None:
    long = "start=0001-01-01&end=9999-12-31&viewBy=fortnight&previousStart=x"
    assert ask(long, parameters=(*RANGE, *FILTERS)).view_by is None


def test_equal_requests_are_equal_and_hash_alike() -> None:
    one = ask(f"{JANUARY}&tags=1,2")
    other = ask("tags[]=1&tags[]=2&end=2015-01-31T23:59:59.5&start=2015-01-01T01:00:00+01:00")
    assert one == other
    assert hash(one) == hash(other)


def test_starts_are_moved_to_the_midnight_of_the_convention_and_ends_are_not() -> None:
    conventions = Conventions(start_snapped="monday", company_time_zone="Europe/Berlin")
    query = ask(
        "start=2015-01-08T12:00:00Z&end=2015-01-09T12:00:00Z"
        "&previousStart=2015-01-04T22:59:59Z&previousEnd=2015-01-05T12:00:00Z",
        conventions,
    )
    assert query.current == Range(
        datetime(2015, 1, 4, 23, tzinfo=UTC), datetime(2015, 1, 9, 12, tzinfo=UTC)
    )
    assert query.previous == Range(
        datetime(2014, 12, 28, 23, tzinfo=UTC), datetime(2015, 1, 5, 12, tzinfo=UTC)
    )


def test_a_range_may_end_in_the_second_in_which_it_starts() -> None:
    noon = datetime(2015, 1, 8, 12, tzinfo=UTC)
    query = ask("start=2015-01-08T12:00:00Z&end=2015-01-08T12:00:00Z")
    assert query.current == Range(noon, noon)


def test_a_date_alone_is_read_as_the_convention_says_at_the_end_only() -> None:
    query = ask("start=2015-01-01&end=2015-01-31", Conventions(date_only_end="last-second"))
    assert query.current == SPAN


@pytest.mark.parametrize("compact", [True, False])
def test_both_ends_are_read_by_the_convention_on_offsets(compact: bool) -> None:
    conventions = Conventions(compact_offsets=compact)
    sent = "start=2015-01-01T01:00:00%2B0100&end=2015-02-01T00:59:59%2B0100"
    if compact:
        assert ask(sent, conventions).current == SPAN
    else:
        with pytest.raises(ValidationFailed) as caught:
            ask(sent, conventions)
        assert [error.property for error in caught.value.errors] == ["start", "end"]
