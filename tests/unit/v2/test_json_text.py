"""JSON from outside becomes text that parsers and databases take."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compat.v2.json_text import json_text, without_long_texts

texts = st.text(
    st.one_of(st.characters(), st.sampled_from('\0\\u d8\ud83d\ude00\U0001f600"')), max_size=12
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb'"Thanks \ud83d"', "Thanks \ufffd"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"\uD83D\u0041"', "\ufffdA"),
        (rb'"\\ud83d"', r"\ud83d"),
        (rb'"\\\ud83d"', "\\\ufffd"),
        (rb'"a\u0000b"', "ab"),
        (b'"a\0b"', "ab"),
        (rb'"\\u0000"', r"\u0000"),
        (b'\xef\xbb\xbf"a"', "a"),
        (b'"a\xed\xa0\xbd"', "a\ufffd"),
    ],
)
def test_what_cannot_be_stored_is_replaced_or_left_out(body: bytes, text: str) -> None:
    assert json.loads(json_text(body)) == text


@pytest.mark.parametrize("body", [b'"a\xff"', b'"a\xc3"', b'"\xe9t\xe9"'])
def test_other_bytes_that_are_not_utf_8_show_that_a_body_was_damaged(body: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        json_text(body)


@given(texts)
def test_all_other_text_stays_as_it_is(text: str) -> None:
    whole = json.dumps(text).encode()
    read = json.loads(json_text(whole))
    kept = json.loads(whole).replace("\0", "")
    assert read == "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in kept)


short = st.text('ab\\"é', max_size=8)
long = st.builds(lambda text, more: text + "b" * more, short, st.integers(2400, 9000))
KEPT = ("comments", "first", "last", "email")
keys = st.one_of(short, st.sampled_from([*KEPT, "body", 'x"comments']))
values = st.recursive(
    st.one_of(st.none(), st.integers(), short, long, st.sampled_from(KEPT)),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(keys, inner)),
    max_leaves=12,
)


def shortened(value: object) -> object:
    """The value with the empty text in place of each long one, but for those of some keys."""
    if isinstance(value, dict):
        return {
            key: inner if key in KEPT and isinstance(inner, str) else shortened(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [shortened(inner) for inner in value]
    return "" if isinstance(value, str) and len(value) > 100 else value


def in_chunks(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    """A body in chunks of these sizes, and the rest in one."""
    for size in sizes:
        yield body[:size]
        body = body[size:]
    yield body


@example(value={'x"comments': "b" * 2400}, ascii_only=False, sizes=[])
@given(value=values, ascii_only=st.booleans(), sizes=st.lists(st.integers(0, 4000)))
def test_long_texts_are_dropped_and_all_else_stays_wherever_a_body_is_cut_in_chunks(
    value: object, ascii_only: bool, sizes: list[int]
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert json.loads(b"".join(without_long_texts(in_chunks(body, sizes)))) == shortened(value)


@pytest.mark.parametrize("key", KEPT)
def test_a_name_of_which_each_character_is_escaped_is_not_taken_for_a_long_text(key: str) -> None:
    name = "Александра Константиновна"
    body = json.dumps({key: name, "subject": name, "body": name * 200, "id": 1}).encode()
    read = json.loads(b"".join(without_long_texts([body])))
    assert read == {key: name, "subject": "", "body": "", "id": 1}


@given(
    value=st.lists(values, min_size=1), sizes=st.lists(st.integers(0, 4000)), cut=st.integers(1, 50)
)
def test_a_body_without_long_texts_that_is_cut_short_can_still_not_be_read(
    value: object, sizes: list[int], cut: int
) -> None:
    body = json.dumps(value).encode()
    with pytest.raises(ValueError, match=":"):
        json.loads(b"".join(without_long_texts(in_chunks(body[:-cut], sizes))))


def test_no_long_text_is_held_in_memory() -> None:
    chunks = [b'["', *[b'x\\"' * 1000] * 1000, b'", "y"]']
    held = 0
    for part in without_long_texts(chunks):
        held = max(held, len(part))
    assert held < 10
