"""What is refused, and under which name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.v1.errors import ValidationFailed
from compat.v1.parameters import FILTERS, PREVIOUS_RANGE, RANGE, VIEW_BY
from compat.v1.query import parse_values
from compat.v1.routes import find_route
from tests.unit.v1.parsed_queries import JANUARY, ask, blamed, faults

PREVIOUS = "previousStart=2014-01-01T00:00:00Z&previousEnd=2014-01-31T23:59:59Z"
FAR = "start=0001-01-01T00:00:00Z&end=9999-12-31T23:59:59Z"
FAR_BEFORE = "previousStart=0001-01-01T00:00:00Z&previousEnd=9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "1_000",
        "+1",
        "-1",
        "1.0",
        "0x1",
        "\uff11",
        "1 2",
        " 1 2 ",
        "\u00a01",
        "1;2",
        "9" * 19,
        "1\x00",
        "²",
        "1\n",
    ],
)
def test_ids_are_plain_digits(value: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        ask(f"{JANUARY}&folders=".encode() + "".join(f"%{b:02x}" for b in value.encode()).encode())
    assert [(each.property, each.value) for each in caught.value.errors] == [("folders", value)]


def test_an_id_may_have_eighteen_digits() -> None:
    assert ask(f"{JANUARY}&tags={'9' * 18}").tags == (10**18 - 1,)


@pytest.mark.parametrize("value", ["fax", "email chat", "email;chat", "mail"])
def test_types_are_the_documented_words(value: str) -> None:
    assert blamed(f"{JANUARY}&types={value}") == [("types", value)]


@pytest.mark.parametrize("value", ["year", "1", "day,week", " day"])
def test_view_by_is_a_documented_word(value: str) -> None:
    assert blamed(f"{JANUARY}&viewBy={value}") == [("viewBy", value)]


@pytest.mark.parametrize("value", ["user", "team"])
def test_users_or_teams_are_listed(value: str) -> None:
    parameters = find_route("GET", "/v1/users.json").parameters
    assert parse_values([("type", value)], parameters, Conventions())["type"] == value


@pytest.mark.parametrize("value", ["users", "user,team"])
def test_the_type_of_users_is_a_known_word(value: str) -> None:
    parameters = find_route("GET", "/v1/users.json").parameters
    with pytest.raises(ValidationFailed) as caught:
        parse_values([("type", value)], parameters, Conventions())
    assert [(each.property, each.value) for each in caught.value.errors] == [("type", value)]


def test_of_a_repeated_list_the_first_bad_text_is_shown() -> None:
    assert blamed(f"{JANUARY}&tags=1&tags[]=2,x&tags=y") == [("tags", "2,x")]


def test_of_a_repeated_scalar_the_text_that_counts_is_shown() -> None:
    query = f"{JANUARY}&viewBy=one&viewBy=two"
    assert blamed(query) == [("viewBy", "one")]
    assert blamed(query, Conventions(repeated_parameter="last")) == [("viewBy", "two")]


@pytest.mark.parametrize("query", ["", "start=&end=", "start&end", "begin=2015-01-01&stop=x"])
def test_a_missing_range_is_reported_with_null(query: str) -> None:
    assert blamed(query) == [("start", None), ("end", None)]


def test_the_text_is_shown_decoded() -> None:
    assert blamed("start=la+nuit%21&end=2015-01-31") == [("start", "la nuit!")]


def test_an_end_before_its_start_is_reported_under_the_end() -> None:
    assert blamed("start=2015-02-01&end=2015-01-31") == [("end", "2015-01-31")]


def test_a_previous_end_before_its_start_is_reported_under_the_end() -> None:
    query = f"{JANUARY}&previousStart=2014-02-01&previousEnd=2014-01-31"
    assert blamed(query) == [("previousEnd", "2014-01-31")]


@pytest.mark.parametrize(
    ("half", "expected"),
    [
        ("previousStart=2014-01-01", [("previousEnd", None)]),
        ("previousEnd=2014-01-01", [("previousStart", None)]),
        ("previousStart=2014-01-01&previousEnd=", [("previousEnd", None)]),
        ("previousStart=never", [("previousStart", "never"), ("previousEnd", None)]),
        ("previousEnd=never", [("previousStart", None), ("previousEnd", "never")]),
    ],
)
def test_half_a_previous_range_is_reported_under_the_missing_half(
    half: str, expected: list[tuple[str, str | None]]
) -> None:
    assert blamed(f"{JANUARY}&{half}") == expected


def test_too_many_buckets_are_reported_under_view_by() -> None:
    assert blamed(f"{FAR}&viewBy=month") == [("viewBy", "month")]
    assert blamed(FAR) == [("viewBy", None)]


def test_too_many_buckets_in_the_previous_range_count_as_well() -> None:
    assert blamed(f"{JANUARY}&{FAR_BEFORE}&viewBy=day") == [("viewBy", "day")]


def test_both_ranges_too_long_are_one_fault() -> None:
    assert blamed(f"{FAR}&{FAR_BEFORE}") == [("viewBy", None)]


@pytest.mark.parametrize(
    ("current", "name", "value"),
    [("start=never&end=2015-01-31", "start", "never"), ("start=2015-01-01", "end", None)],
)
def test_a_bad_range_does_not_hide_the_other(current: str, name: str, value: str | None) -> None:
    backwards = "previousStart=2014-02-01&previousEnd=2014-01-31"
    assert blamed(f"{current}&{backwards}") == [(name, value), ("previousEnd", "2014-01-31")]
    assert blamed(f"{current}&{FAR_BEFORE}&viewBy=day") == [(name, value), ("viewBy", "day")]


def test_a_bad_view_by_is_reported_once_even_if_the_range_is_long() -> None:
    assert blamed(f"{FAR}&viewBy=hour") == [("viewBy", "hour")]


def test_every_fault_is_reported_in_the_order_of_the_table() -> None:
    query = (
        "viewBy=x&previousEnd=x&previousStart=x&folders=x&types=x&tags=x&mailboxes=x&end=x&start=x"
    )
    names = [row.name for row in (*RANGE, *PREVIOUS_RANGE, *FILTERS, *VIEW_BY)]
    assert blamed(query) == [(name, "x") for name in names]


@given(
    chosen=st.sets(
        st.sampled_from([row.name for row in (*RANGE, *PREVIOUS_RANGE, *FILTERS, *VIEW_BY)])
    )
)
def test_exactly_the_bad_parameters_are_reported(chosen: set[str]) -> None:
    good = {
        "start": "2015-01-01",
        "end": "2015-01-31",
        "previousStart": "2014-01-01",
        "previousEnd": "2014-01-31",
        "mailboxes": "1",
        "tags": "1",
        "types": "chat",
        "folders": "1",
        "viewBy": "day",
    }
    sent = "&".join(f"{name}={'?' if name in chosen else value}" for name, value in good.items())
    expected = [
        row.name for row in (*RANGE, *PREVIOUS_RANGE, *FILTERS, *VIEW_BY) if row.name in chosen
    ]
    if expected:
        assert [name for name, _ in blamed(sent)] == expected
    else:
        assert ask(sent).previous is not None


def test_sentences_say_what_to_send() -> None:
    messages = [
        each.message for each in faults("end=x&mailboxes=x&viewBy=x&previousEnd=2014-01-01")
    ]
    assert messages == [
        "start is required: send an ISO 8601 date and time in UTC such as 2015-01-31T23:59:59Z.",
        "end must be an ISO 8601 date and time in UTC such as 2015-01-31T23:59:59Z.",
        "previousStart is required with previousEnd: send both.",
        "mailboxes must be ids of at most 18 digits, separated by commas, such as 1,2.",
        "viewBy must be one of day, week, month.",
    ]


@pytest.mark.parametrize("last", ["1970-01-03T23:59:59Z", "1970-01-04T00:00:00Z"])
def test_a_range_may_have_as_many_buckets_as_the_convention_allows(last: str) -> None:
    conventions = Conventions(max_buckets=3)
    assert ask(f"start=1970-01-01&end={last}&viewBy=day", conventions).view_by == "day"
    over = "start=1970-01-01&end=1970-01-04T00:00:01Z&viewBy=day"
    assert blamed(over, conventions) == [("viewBy", "day")]


def test_the_ceiling_counts_months_as_they_will_be_cut() -> None:
    query = "start=2015-01-31&end=2015-04-28T12:00:00Z&viewBy=month"
    assert ask(query, Conventions(max_buckets=3)).view_by == "month"
    assert blamed(query, Conventions(max_buckets=3, month_step="drifting")) == [("viewBy", "month")]


@pytest.mark.parametrize(
    ("conventions", "fits", "fails"),
    [
        (
            Conventions(max_days_by_day=2),
            "start=2015-01-01&end=2015-01-03&viewBy=day",
            "start=2015-01-01&end=2015-01-03T00:00:01Z&viewBy=day",
        ),
        (
            Conventions(max_days_by_week=8),
            "start=2015-01-01&end=2015-01-08T23:59:59Z",
            "start=2015-01-01&end=2015-01-09T00:00:01Z",
        ),
        (
            Conventions(min_days_by_month=31),
            "start=2015-01-01&end=2015-01-31T23:59:59Z&viewBy=month",
            "start=2015-01-01&end=2015-01-31T23:59:58Z&viewBy=month",
        ),
    ],
)
def test_lengths_are_limited_where_conventions_say_so(
    conventions: Conventions, fits: str, fails: str
) -> None:
    assert ask(fits, conventions) == ask(fits)
    assert ask(fails).view_by is not None
    assert [name for name, _ in blamed(fails, conventions)] == ["viewBy"]


def test_a_limit_on_days_leaves_other_resolutions_alone() -> None:
    strict = Conventions(max_days_by_day=1, min_days_by_month=60)
    assert ask(JANUARY, strict) == ask(JANUARY)


def test_by_default_no_length_is_refused_as_such() -> None:
    assert ask("start=2015-01-01&end=2024-12-31&viewBy=day").view_by == "day"
    assert ask(f"{JANUARY}&{PREVIOUS}&viewBy=month").view_by == "month"
