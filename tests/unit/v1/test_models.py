"""The answers as bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from compat.v1.models import Bucket, NewConversations
from tests.strategies import whole_seconds

DOCUMENTED = json.loads((Path(__file__).parent / "data/new.json").read_text("utf-8"))["response"]
COMPACT = json.dumps(DOCUMENTED, separators=(",", ":"))
POINT = Bucket(start=datetime(2015, 1, 1, tzinfo=UTC), count=29)


def test_the_documented_example_is_written_byte_for_byte() -> None:
    series = {
        name: tuple(
            Bucket(start=datetime.fromisoformat(point["start"]), count=point["count"])
            for point in points
        )
        for name, points in DOCUMENTED.items()
    }
    assert NewConversations(**series).model_dump_json() == COMPACT


def test_the_documented_example_survives_reading_and_writing() -> None:
    assert NewConversations.model_validate_json(COMPACT).model_dump_json() == COMPACT


def test_without_a_previous_range_its_key_is_absent() -> None:
    answer = NewConversations(current=(POINT,))
    assert answer.model_dump_json() == '{"current":[{"start":"2015-01-01T00:00:00Z","count":29}]}'
    assert "previous" not in answer.model_dump()


def test_an_empty_previous_series_is_not_an_absent_one() -> None:
    assert NewConversations(current=(), previous=()).model_dump_json() == (
        '{"current":[],"previous":[]}'
    )


def test_early_years_have_four_digits() -> None:
    early = Bucket(start=datetime(1, 1, 1, tzinfo=UTC), count=0)
    assert early.model_dump_json() == '{"start":"0001-01-01T00:00:00Z","count":0}'


def test_the_code_keeps_instants_as_instants() -> None:
    assert POINT.model_dump() == {"start": datetime(2015, 1, 1, tzinfo=UTC), "count": 29}


@given(start=whole_seconds, count=st.integers(0, 2**53))
def test_every_bucket_survives_the_wire(start: datetime, count: int) -> None:
    bucket = Bucket(start=start, count=count)
    assert Bucket.model_validate_json(bucket.model_dump_json()) == bucket


@pytest.mark.parametrize("changes", [{"count": None}, {"count": -1}, {"start": None}])
def test_nothing_is_ever_null_or_negative(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Bucket.model_validate({"start": "2015-01-01T00:00:00Z", "count": 1, **changes})


def test_answers_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        POINT.count = 1
