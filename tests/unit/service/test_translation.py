"""Every kind of trouble becomes one of the old API's errors, and when to come back is a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat import error_mapping
from compat.single_flight import Call, CallCancelled, TooManyCalls
from compat.v1.errors import (
    Forbidden,
    Internal,
    LegacyError,
    NotFound,
    Unavailable,
    ValidationFailed,
)
from compat.v2 import errors as v2
from tests.unit.service.doubles import Hands, hold_the_clock

KINDS: list[tuple[BaseException, type[LegacyError], str]] = [
    (v2.CredentialsRefused("no"), Forbidden, "HELPSCOUT_APP_ID and HELPSCOUT_APP_SECRET"),
    (v2.ReportsRefused("no"), Forbidden, "COMPAT_ENGINE"),
    (v2.AccessRefused("no"), Forbidden, "HELPSCOUT_APP_ID"),
    (v2.RequestLoop("us"), Unavailable, "COMPAT_CONNECT_TO"),
    (v2.Redirected("elsewhere (status 301)"), Unavailable, "HELPSCOUT_BASE_URL"),
    (v2.InconsistentData("pages contradict"), Unavailable, "pages contradict"),
    (v2.Overloaded("cannot answer now"), Unavailable, "cannot answer now"),
    (v2.Unreachable("no answer"), Unavailable, "no answer"),
    (v2.RequestRefused("refused (status 400)"), Unavailable, "refused (status 400)"),
    (v2.QuestionRefused("refused (status 400)"), ValidationFailed, "could not be validated"),
    (v2.Stopped("closing"), Unavailable, "closing"),
    (v2.UpstreamError("anything"), Unavailable, "anything"),
    (TooManyCalls(), Unavailable, "Too many other questions"),
    (CallCancelled("nobody waits"), Unavailable, "called off"),
    (ValueError("unforeseen"), Internal, "Internal error"),
    (MemoryError(), Internal, "Internal error"),
]


@pytest.mark.parametrize(
    ("error", "kind", "part"), KINDS, ids=[type(error).__name__ for error, *_ in KINDS]
)
def test_each_kind_of_trouble_has_its_words(
    error: BaseException, kind: type[LegacyError], part: str
) -> None:
    told = error_mapping.told(error)
    assert type(told) is kind
    assert part in told.message


def test_every_error_of_the_client_is_among_the_examples() -> None:
    known = {
        each
        for each in vars(v2).values()
        if isinstance(each, type) and issubclass(each, v2.UpstreamError)
    }
    assert known <= {type(error) for error, *_ in KINDS}


@pytest.mark.parametrize("error", [error for error, kind, _ in KINDS if kind is Unavailable])
def test_what_passes_says_when_to_come_back(error: BaseException) -> None:
    retry_after = int(error_mapping.told(error).headers()["Retry-After"])
    assert 1 <= retry_after <= 3600


def test_an_error_in_the_old_words_already_stays_as_it_is() -> None:
    error = NotFound("/v1/x")
    assert error_mapping.told(error) is error


def test_what_was_not_foreseen_is_not_told() -> None:
    told = error_mapping.told(RuntimeError("a secret detail"))
    assert "secret" not in f"{told}{told.body()}"


def test_braces_in_what_upstream_says_do_no_harm() -> None:
    assert "{0} {x}" in error_mapping.told(v2.Unreachable("{0} {x}")).message


def flight(hands: Hands, *, expected: int, taken: int, spent: float) -> Call[int]:
    made: Call[int] = Call()
    made.progress.expected, made.progress.received = expected, taken
    hands.now += spent
    return made


@pytest.mark.parametrize(
    ("rows", "spent", "held", "seconds"),
    [
        ((0, 0), 0.0, 0.0, 5),
        ((0, 0), 100.0, 0.0, 5),
        ((0, 0), 0.0, 40.2, 46),
        ((0, 1000), 10.0, 0.0, 5),
        ((500, 1000), 10.0, 0.0, 10),
        ((250, 1000), 10.0, 0.0, 30),
        ((250, 1000), 10.0, 0.5, 31),
        ((999, 1000), 10.0, 0.0, 1),
        ((1000, 1000), 10.0, 0.0, 1),
        ((1010, 1000), 10.0, 0.0, 1),
        ((500, 1000), 0.0, 0.0, 1),
        ((1, 10**9), 60.0, 0.0, 3600),
    ],
)
def test_the_pace_so_far_tells_when_to_come_back(
    hands: Hands, rows: tuple[int, int], spent: float, held: float, seconds: int
) -> None:
    taken, expected = rows
    under_way = flight(hands, expected=expected, taken=taken, spent=spent)
    assert error_mapping.seconds_left(under_way, held) == seconds


@given(
    expected=st.integers(0, 10**7),
    taken=st.integers(0, 10**7),
    spent=st.floats(0, 10**6),
    held=st.floats(0, 10**6),
)
def test_whatever_the_progress_one_second_to_an_hour_is_told(
    expected: int, taken: int, spent: float, held: float
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        hands = hold_the_clock(patch)
        under_way = flight(hands, expected=expected, taken=taken, spent=spent)
        seconds = error_mapping.seconds_left(under_way, held)
    assert isinstance(seconds, int)
    assert 1 <= seconds <= 3600
