"""Two answers are compared place by place, type by type."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.parity.compare import ABSENT, Difference, deltas, differences

floats = st.floats(allow_nan=False, allow_infinity=False).map(lambda drawn: drawn + 0.0)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab.[0]", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def series(*counts: int) -> list[dict[str, object]]:
    return [{"start": f"2015-01-0{at}T00:00:00Z", "count": n} for at, n in enumerate(counts, 1)]


@given(values)
def test_an_answer_is_equal_to_itself_in_any_spelling(value: object) -> None:
    assert differences(body(value), json.dumps(value, indent=2).encode()) == ()


def same(one: object, other: object) -> bool:
    """Equality of JSON in other words: keys in order, numbers by their type."""
    return json.dumps(one) == json.dumps(other)


@given(values, values)
def test_two_values_differ_unless_they_are_equal_as_json(old: object, new: object) -> None:
    assert bool(differences(body(old), body(new))) is not same(old, new)


@given(values, values)
def test_swapping_the_answers_swaps_old_and_new(old: object, new: object) -> None:
    other = {"missing": "extra", "extra": "missing"}
    forth = {(each.path, each.kind) for each in differences(body(old), body(new))}
    back = differences(body(new), body(old))
    assert forth == {(each.path, other.get(each.kind, each.kind)) for each in back}


def test_a_count_that_differs_is_named_with_its_path() -> None:
    old, new = {"current": series(7, 3, 5, 2)}, {"current": series(7, 3, 5, 1)}
    assert differences(body(old), body(new)) == (Difference("current[3].count", "value", 2, 1),)


@pytest.mark.parametrize("other", [7.0, "7", None, True, [7], {"7": 7}])
def test_seven_is_only_equal_to_seven(other: object) -> None:
    (found,) = differences(b"7", body(other))
    assert (found.path, found.kind, found.new) == ("body", "type", other)


def test_one_is_not_true_inside_an_answer() -> None:
    (found,) = differences(b'{"a":[1]}', b'{"a":[true]}')
    assert (found.path, found.kind) == ("a[0]", "type")


def test_a_key_that_is_absent_is_not_null() -> None:
    (found,) = differences(b'{"previous":null}', b"{}")
    assert found == Difference("previous", "missing", None, ABSENT)
    (found,) = differences(b"{}", b'{"previous":null}')
    assert found == Difference("previous", "extra", ABSENT, None)


def test_keys_in_another_order_are_a_difference_of_their_own() -> None:
    (found,) = differences(b'[{"start":1,"count":2}]', b'[{"count":2,"start":1}]')
    assert found == Difference("[0]", "order", ("start", "count"), ("count", "start"))


def test_of_lists_of_different_lengths_the_common_part_is_compared() -> None:
    found = differences(body({"current": series(1, 2)}), body({"current": series(3)}))
    assert [(each.path, each.kind) for each in found] == [
        ("current", "length"),
        ("current[0].count", "value"),
    ]


@pytest.mark.parametrize(
    "other", [b"", b"<html>", b"\xff", b"[NaN]", b"[" * 100_000, b"9" * 5_000], ids=range(6)
)
def test_a_body_that_is_not_json_differs_as_a_whole(other: bytes) -> None:
    (found,) = differences(other, b"{}")
    assert (found.path, found.kind) == ("body", "body")
    assert differences(other, other) == ()


def test_each_series_has_the_delta_of_its_total() -> None:
    old = {"current": series(7, 3), "previous": series(1)}
    new = {"current": series(7, 1), "previous": series(4, 4)}
    assert deltas(body(old), body(new)) == {"current": -2, "previous": 7}


def test_a_series_that_one_answer_lacks_has_the_total_0() -> None:
    assert deltas(body({"current": series(7)}), b"no JSON") == {"current": -7}
    assert deltas(b"{}", body({"current": series(7)})) == {"current": 7}


def test_a_bare_list_is_a_series_too() -> None:
    hours = [{"day": 1, "hour": 0, "count": 3}]
    assert deltas(body(hours), b"[]") == {"[]": -3}


def test_a_list_without_integer_counts_is_not_a_series() -> None:
    assert deltas(b'{"page":1,"items":[{"count":true}],"x":[1]}', b"[{}]") == {}
