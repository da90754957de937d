"""JSON from outside becomes text that parsers and databases take."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.v2.json_text import json_text

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
