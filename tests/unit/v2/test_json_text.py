"""JSON from outside becomes text that parsers and databases take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from compat.v2.errors import InconsistentData, MalformedData
from compat.v2.json_text import json_text, parse_body, without_long_texts
from compat.v2.models import ConversationPage, FullConversation

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


LONG = b"b" * 5000
LONGEST_SHORT = rb"\n".join([b"a" * 256] * 9)
"""A text that stays, and with one more character at any of its ends would not."""


def received(*chunks: bytes) -> object:
    """What is read of a body that arrives in these chunks."""
    return json.loads(b"".join(without_long_texts(chunks)))


def test_a_long_text_is_dropped_where_a_chunk_ends_within_it() -> None:
    assert received(b'["a", "' + LONG, LONG, LONG + b'", "c"]') == ["a", "", "c"]


def test_a_long_text_of_a_key_that_stays_is_kept_where_a_chunk_ends_within_it() -> None:
    kept = received(b'{"comments": "' + LONG, LONG, LONG + b'", "body": "c"}')
    assert kept == {"comments": (LONG * 3).decode(), "body": "c"}


@pytest.mark.parametrize("after", [b"", b", 1", b', "c"', b', "c", "d'])
def test_what_follows_a_long_text_stays_where_the_next_chunk_begins(after: bytes) -> None:
    end = b'"]' if after.endswith(b"d") else b', "e"]'
    whole = b'["' + LONG + b'"' + after + end
    at = len(whole) - len(end)
    expected = ["", *json.loads(whole)[1:]]
    assert received(whole[:at], end) == expected
    assert received(whole[:at], *(bytes([each]) for each in end)) == expected


def test_a_long_text_is_dropped_that_begins_with_a_chunk() -> None:
    assert received(b'["a", ', b'"' + LONG, b'", "c"]') == ["a", "", "c"]


def test_a_body_that_is_only_a_long_text_becomes_the_empty_one() -> None:
    assert received(b'"' + LONG + b'"') == ""
    assert received(b'"' + b"a" * len(LONGEST_SHORT) + b'"') == ""


@pytest.mark.parametrize("before", [b"[", b'["' + LONG + b'", ', b"[" + b"1," * 5000])
def test_a_short_text_stays_wherever_a_chunk_ends_within_it(before: bytes) -> None:
    for text in (LONGEST_SHORT, b"a" * 256, b""):
        whole = before + b'"' + text + b'"]'
        for at in (*range(len(before) - 1, len(before) + 3), *range(len(whole) - 4, len(whole))):
            last = received(whole[:at], whole[at:])
            assert isinstance(last, list)
            assert last[-1] == json.loads(b'"' + text + b'"')


@pytest.mark.parametrize(
    "longer",
    [
        b"a" + LONGEST_SHORT,
        LONGEST_SHORT + b"a",
        LONGEST_SHORT + rb"\n",
        LONGEST_SHORT.replace(rb"\n", rb"a\n", 1),
    ],
)
def test_a_text_is_long_from_the_first_character_on_that_is_too_much(longer: bytes) -> None:
    assert received(b'["', longer, b'", 1]') == ["", 1]


def test_a_key_is_no_key_of_the_next_long_text() -> None:
    long = LONG.decode()
    body = json.dumps({"comments": long, long: long, "x": {"first": [long, long]}, "y": long})
    assert received(body.encode()) == {"comments": long, "": "", "x": {"first": ["", ""]}, "y": ""}


def reading(model: type[BaseModel], payload: object) -> MalformedData:
    """The error for a body that lacks something."""
    body = httpx.Response(200, json=payload, headers={"Correlation-Id": "6f0c-1#7"})
    with pytest.raises(MalformedData) as caught:
        parse_body(body, model)
    assert (caught.value.status, caught.value.correlation_id) == (200, "6f0c-1#7")
    return caught.value


ONE: Final = {"totalElements": 1, "totalPages": 1}


@pytest.mark.parametrize(
    ("model", "payload", "place"),
    [
        (FullConversation, {"id": 7, "state": "published"}, "conversation 7: status"),
        (FullConversation, {"id": True, "state": "published"}, "id"),
        (FullConversation, [7], "body"),
        (ConversationPage, [], "body"),
        (ConversationPage, {}, "page"),
        (ConversationPage, {"page": {"totalElements": 1}}, "page.totalPages"),
        (ConversationPage, {"_embedded": 7, "page": ONE}, "_embedded"),
        (
            ConversationPage,
            {"_embedded": {"conversations": 7}, "page": ONE},
            "_embedded.conversations",
        ),
        (
            ConversationPage,
            {"_embedded": {"conversations": [7]}, "page": ONE},
            "_embedded.conversations.0",
        ),
        (
            ConversationPage,
            {"_embedded": {"conversations": [{"status": "active"}]}, "page": ONE},
            "_embedded.conversations.0.id",
        ),
        (
            ConversationPage,
            {"_embedded": {"conversations": [{"id": 7}]}, "page": ONE},
            "conversation 7: status",
        ),
    ],
)
def test_an_error_about_a_body_says_which_key_is_wrong_and_of_which_conversation(
    model: type[BaseModel], payload: object, place: str
) -> None:
    assert f" cannot be read: {place}: " in str(reading(model, payload))


@pytest.mark.parametrize(("body", "why"), [(b'{"page": ', "body: Invalid"), (b'"\xff"', "UTF-8")])
def test_a_damaged_body_is_inconsistent_and_says_what_to_quote(body: bytes, why: str) -> None:
    response = httpx.Response(200, content=body, headers={"Correlation-Id": "6f0c-1#7"})
    with pytest.raises(InconsistentData, match=why) as caught:
        parse_body(response, ConversationPage)
    assert type(caught.value) is InconsistentData
    assert (caught.value.status, caught.value.correlation_id) == (200, "6f0c-1#7")


def test_no_long_text_is_held_in_memory() -> None:
    chunks = [b'["', *[b'x\\"' * 1000] * 1000, b'", "y"]']
    held = 0
    for part in without_long_texts(chunks):
        held = max(held, len(part))
    assert held < 10
