"""Each error of upstream and of the service becomes one of the old API's errors."""

from __future__ import annotations

import pytest

from compat import error_mapping
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval
from compat.core.models import ActivityQuery, ConversationQuery, ListQuery, NotCovered
from compat.single_flight import CallCancelled, TooManyCalls
from compat.v1.datetimes import from_epoch
from compat.v1.errors import (
    Forbidden,
    Internal,
    LegacyError,
    NotFound,
    Unavailable,
    ValidationFailed,
)
from compat.v1.query import Range, ReportQuery
from compat.v2 import errors as v2

JANUARY = Interval(1_420_070_400, 1_422_748_799)

KINDS: list[tuple[BaseException, type[LegacyError], str]] = [
    (v2.CredentialsRefused("no"), Forbidden, "HELPSCOUT_APP_ID and HELPSCOUT_APP_SECRET"),
    (v2.ReportsRefused("no"), Forbidden, "COMPAT_ENGINE"),
    (v2.AccessRefused("no"), Forbidden, "HELPSCOUT_APP_ID"),
    (v2.RequestLoop("us"), Unavailable, "COMPAT_CONNECT_TO"),
    (v2.Redirected("elsewhere (status 301)"), Unavailable, "HELPSCOUT_BASE_URL"),
    (v2.InconsistentData("pages contradict"), Unavailable, "pages contradict"),
    (v2.MalformedData("conversation 7: state"), Unavailable, "conversation 7: state"),
    (v2.Overloaded("cannot answer now"), Unavailable, "cannot answer now"),
    (v2.Unreachable("no answer"), Unavailable, "no answer"),
    (v2.UntrustedCertificate("no answer"), Unavailable, "COMPAT_CA_FILE"),
    (v2.NothingAtAddress("nothing"), Unavailable, "HELPSCOUT_BASE_URL"),
    (v2.RequestRefused("refused (status 400)"), Unavailable, "refused (status 400)"),
    (v2.ParametersRefused("refused (status 400)"), ValidationFailed, "could not be validated"),
    (v2.Cancelled("closing"), Unavailable, "closing"),
    (v2.UpstreamError("anything"), Unavailable, "anything"),
    (TooManyCalls(), Unavailable, "Too many other questions"),
    (CallCancelled("nobody waits"), Unavailable, "called off"),
    (ValueError("unforeseen"), Internal, "Internal error"),
    (MemoryError(), Internal, "Internal error"),
]


@pytest.mark.parametrize(
    ("error", "kind", "part"), KINDS, ids=[type(error).__name__ for error, *_ in KINDS]
)
def test_each_error_has_its_status_and_message(
    error: BaseException, kind: type[LegacyError], part: str
) -> None:
    legacy_error = error_mapping.to_legacy_error(error)
    assert type(legacy_error) is kind
    assert part in legacy_error.message


def test_every_error_of_the_client_is_among_the_examples() -> None:
    known = {
        each
        for each in vars(v2).values()
        if isinstance(each, type) and issubclass(each, v2.UpstreamError)
    }
    assert known <= {type(error) for error, *_ in KINDS}


@pytest.mark.parametrize("error", [error for error, kind, _ in KINDS if kind is Unavailable])
def test_an_error_that_passes_says_when_to_ask_again(error: BaseException) -> None:
    retry_after = int(error_mapping.to_legacy_error(error).headers()["Retry-After"])
    assert 1 <= retry_after <= 3600


def test_an_error_of_the_old_api_stays_as_it_is() -> None:
    error = NotFound("/v1/x")
    assert error_mapping.to_legacy_error(error) is error


def test_the_text_of_an_unknown_error_is_not_shown() -> None:
    legacy_error = error_mapping.to_legacy_error(RuntimeError("a secret detail"))
    assert "secret" not in f"{legacy_error}{legacy_error.body()}"


def test_braces_in_the_text_of_an_error_stay_as_they_are() -> None:
    assert "{0} {x}" in error_mapping.to_legacy_error(v2.Unreachable("{0} {x}")).message


@pytest.mark.parametrize(
    ("needed", "error", "message"),
    [
        (
            ConversationQuery((JANUARY,)),
            NotCovered((JANUARY,)),
            "The archive covers nothing yet, and nobody else can be asked",
        ),
        (
            ActivityQuery((JANUARY,)),
            NotCovered((JANUARY,)),
            (
                "The archive knows all threads of no time yet: run `helpscout-v1 sync` where Help "
                "Scout is reached"
            ),
        ),
        (
            ActivityQuery((JANUARY,)),
            NotCovered((JANUARY,), (Interval(FIRST_SECOND, JANUARY.first - 1),)),
            (
                "The archive knows all threads until 2014-12-31T23:59:59Z: run `helpscout-v1 sync` "
                "where Help Scout is reached"
            ),
        ),
        (
            ActivityQuery((JANUARY,)),
            NotCovered((JANUARY,), (Interval(JANUARY.last + 1, JANUARY.last + 60),)),
            (
                "The archive knows all threads from 2015-02-01T00:00:00Z to 2015-02-01T00:00:59Z, "
                "older ones when everything was read: run `helpscout-v1 sync` where Help Scout is "
                "reached"
            ),
        ),
        (
            ActivityQuery((JANUARY,)),
            NotCovered((JANUARY,), obstacle="threads not kept"),
            (
                "The archive does not know all threads of any time: it keeps none, run "
                "`helpscout-v1 sync --threads` where Help Scout is reached"
            ),
        ),
    ],
)
def test_what_is_not_covered_is_named_with_what_to_do(
    needed: ConversationQuery | ActivityQuery, error: NotCovered, message: str
) -> None:
    query = ReportQuery(Range(from_epoch(JANUARY.first), from_epoch(JANUARY.last)))
    legacy_error = error_mapping.not_covered_error(error, query, needed)
    assert isinstance(legacy_error, ValidationFailed)
    (entry,) = legacy_error.errors
    assert (entry.property, entry.value) == ("start", "2015-01-01T00:00:00Z")
    assert entry.message == message


@pytest.mark.parametrize(
    ("unknown", "named"),
    [
        (ListQuery("users"), "does not know the users:"),
        (ListQuery("teams", item=7), "does not know the teams:"),
        (ListQuery("members", 7), "does not know the members of team 7:"),
        (ListQuery("mailbox_users", 8501), "does not know the users of mailbox 8501:"),
        (ListQuery("folders", 8501), "does not know the folders of mailbox 8501:"),
    ],
)
def test_a_list_that_was_never_stored_is_named_with_what_to_do(
    unknown: ListQuery, named: str
) -> None:
    query = ReportQuery(Range(from_epoch(JANUARY.first), from_epoch(JANUARY.last)))
    error = NotCovered(unknown_list=unknown)
    legacy_error = error_mapping.not_covered_error(error, query, (unknown,))
    assert isinstance(legacy_error, Unavailable)
    assert named in legacy_error.message
    assert "run `helpscout-v1 sync`" in legacy_error.message
