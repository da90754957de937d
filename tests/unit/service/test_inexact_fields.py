"""The headers that name fields which are approximate, or cannot be derived."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.core.models import Document, ListItem, MissingTexts, NamedTag, Person
from compat.service import LegacyReports
from compat.v1 import datetimes
from compat.v1.circumstances import Circumstances
from compat.v1.exactness import FIELDS
from compat.v1.grades import inexact_fields, rows_of
from compat.v1.http import LegacyRequest, LegacyResponse
from compat.v1.query import Range, ReportQuery
from compat.v1.routes import ROUTES
from tests.unit.service.doubles import FIRST, JANUARY, PATH, FakeSource, basic, reports_on, row

HAPPINESS = JANUARY.replace("conversations/new.json", "happiness.json")
DRILLDOWN = JANUARY.replace("new.json", "new-drilldown.json")
APPROXIMATE, UNAVAILABLE = "Compat-Approximate", "Compat-Unavailable"
ALL_OF_A_ROW = [
    f"conversations.results.{name}"
    for name in ("customerIds", "modifiedAt", "tags.color", "waitingSince", "waitingSinceType")
]
QUERY = ReportQuery(Range(datetimes.from_epoch(FIRST), datetimes.from_epoch(FIRST + 1)))


def document(id_: int, tags: tuple[NamedTag, ...] = ()) -> Document:
    return Document(
        id=id_,
        number=1,
        type="email",
        mailbox=1,
        subject="",
        status="active",
        threads=1,
        preview="",
        customer=Person(5),
        assignee=Person(0),
        updated=FIRST,
        waiting_since=FIRST,
        tags=tags,
    )


@pytest.fixture
def source() -> FakeSource:
    made = FakeSource([row(FIRST)], kept=60.0)
    made.known = {FIRST: document(FIRST, (NamedTag(7, "a", "none"),))}
    return made


@pytest.fixture
def reports(source: FakeSource) -> Iterator[LegacyReports]:
    with reports_on(source) as opened:
        yield opened


def named(response: LegacyResponse, header: str) -> list[str]:
    value = dict(response.headers).get(header)
    return [] if value is None else value.split(", ")


def ask(reports: LegacyReports, target: str, method: str = "GET") -> LegacyResponse:
    response = reports.handle(LegacyRequest.from_target(target, method, basic()))
    assert response.status == 200
    return response


def test_an_answer_names_its_fields_that_are_approximate(reports: LegacyReports) -> None:
    assert named(ask(reports, DRILLDOWN), APPROXIMATE) == ALL_OF_A_ROW


def test_an_answer_names_its_fields_that_cannot_be_derived(reports: LegacyReports) -> None:
    assert named(ask(reports, DRILLDOWN), UNAVAILABLE) == ["conversations.results.attachments"]


@pytest.mark.parametrize("name", ["new", "busy-times", "received-messages"])
def test_an_answer_that_is_exact_has_no_such_header(reports: LegacyReports, name: str) -> None:
    response = ask(reports, JANUARY.replace("new.json", f"{name}.json"))
    assert not {APPROXIMATE, UNAVAILABLE} & dict(response.headers).keys()


def test_keys_that_an_answer_does_not_have_are_not_named(
    reports: LegacyReports, source: FakeSource
) -> None:
    assert named(ask(reports, f"{DRILLDOWN}&page=2"), UNAVAILABLE) == []
    source.known = {FIRST: document(FIRST)}
    without_tags = [path for path in ALL_OF_A_ROW if "tags" not in path]
    assert named(ask(reports, f"{DRILLDOWN}&rows=2"), APPROXIMATE) == without_tags


def test_a_cached_answer_names_them_again(reports: LegacyReports, source: FakeSource) -> None:
    first, second = ask(reports, DRILLDOWN), ask(reports, DRILLDOWN)
    assert len(source.asked) == 1
    for header in (APPROXIMATE, UNAVAILABLE):
        assert named(second, header) == named(first, header) != []


def test_head_names_what_get_names(reports: LegacyReports) -> None:
    get, head = ask(reports, DRILLDOWN), ask(reports, DRILLDOWN, "HEAD")
    for header in (APPROXIMATE, UNAVAILABLE):
        assert named(head, header) == named(get, header) != []


def test_an_error_names_nothing(reports: LegacyReports) -> None:
    response = reports.answer(PATH, authorization=basic())
    assert response.status == 400
    assert not {APPROXIMATE, UNAVAILABLE} & dict(response.headers).keys()


def test_a_program_sees_the_same_names(reports: LegacyReports) -> None:
    sent = [("start", "2015-01-01"), ("end", "2015-01-31")]
    answered = reports.compute("new_drilldown", sent)
    assert answered.approximate == tuple(ALL_OF_A_ROW)
    assert answered.unavailable == ("conversations.results.attachments",)


def test_names_of_teams_depend_on_what_is_asked_for(
    reports: LegacyReports, source: FakeSource
) -> None:
    source.items = [ListItem(1, "Ann")]
    assert named(ask(reports, "/v1/users.json"), UNAVAILABLE) == []
    teams = ["items.email", "items.lastName"]
    assert named(ask(reports, "/v1/users.json?type=team"), UNAVAILABLE) == teams
    assert named(ask(reports, "/v1/teams.json"), UNAVAILABLE) == teams


RATED = [
    "great",
    "greatCount",
    "happinessScore",
    "notGood",
    "notGoodCount",
    "okay",
    "okayCount",
    "ratingsCount",
    "ratingsPercent",
    "totalCustomersWithRatings",
]


def test_ratings_of_chats_cannot_be_derived(reports: LegacyReports) -> None:
    response = ask(reports, f"{HAPPINESS}&types=chat")
    assert named(response, UNAVAILABLE) == [f"current.{name}" for name in RATED]
    assert named(response, APPROXIMATE) == ["current.totalCustomers"]


@pytest.mark.parametrize("types", ["", "email", "email,chat"])
def test_other_ratings_are_approximate(reports: LegacyReports, types: str) -> None:
    response = ask(reports, f"{HAPPINESS}&types={types}")
    expected = sorted(f"current.{name}" for name in (*RATED, "totalCustomers"))
    assert named(response, APPROXIMATE) == expected
    assert named(response, UNAVAILABLE) == []


def test_previous_and_deltas_are_named_only_with_a_previous_range(reports: LegacyReports) -> None:
    compared = f"{HAPPINESS}&previousStart=2014-01-01&previousEnd=2014-01-31"
    found = named(ask(reports, compared), APPROXIMATE)
    assert {path.partition(".")[0] for path in found} == {"current", "previous", "deltas"}
    assert {"deltas.great", "previous.totalCustomers"} <= {*found}
    assert "deltas.totalCustomers" not in found
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("types", "differences"),
    [
        ("", ["When a reply was rated", "Ratings of chats"]),
        ("email", ["When a reply was rated"]),
        ("chat", ["Ratings of chats"]),
    ],
)
def test_without_chats_there_is_one_doubt_less(types: str, differences: list[str]) -> None:
    query = ReportQuery(QUERY.current, types=tuple(filter(None, [types])))
    given = Circumstances(query, Conventions())
    rows = rows_of("happiness", "current.great")
    assert list(next(row.reasons for row in rows if row.condition.holds(given))) == differences


# Reports on a user need more than a few lines, so these ask the table directly.


class Times(BaseModel):
    responseTime: int = 0  # noqa: N815
    handleTime: float = 0.0  # noqa: N815


class UserFacts(BaseModel):
    totalCustomersHelped: int = 0  # noqa: N815


class OfUser(BaseModel):
    user: UserFacts = UserFacts()
    current: Times = Times()


@pytest.mark.parametrize("office_hours", [None, "mon-fri 09:00-17:00"])
@pytest.mark.parametrize("asked", [False, True])
def test_response_times_are_approximate_if_office_hours_change_them(
    office_hours: str | None, *, asked: bool
) -> None:
    query = ReportQuery(QUERY.current, office_hours=asked)
    given = Circumstances(query, Conventions(office_hours=office_hours))
    found = inexact_fields("user", OfUser(), given)
    expected = ("current.responseTime",) if asked and office_hours else ()
    assert found == (expected, ("current.handleTime", "user.totalCustomersHelped"))


def test_customers_of_all_time_are_approximate_if_all_threads_are_kept() -> None:
    given = Circumstances(QUERY, Conventions(), customers_ever_known=True)
    found = inexact_fields("user", OfUser(), given)
    assert found == (("user.totalCustomersHelped",), ("current.handleTime",))


def test_a_source_is_asked_for_its_texts_only_if_that_matters() -> None:
    def missing_texts() -> MissingTexts:
        raise AssertionError

    given = Circumstances(QUERY, Conventions(), missing_texts=missing_texts)
    assert inexact_fields("user", OfUser(), given).unavailable


def test_every_field_with_another_grade_in_some_case_is_reachable() -> None:
    conditions = {each.condition for each in FIELDS if each.condition.text}
    assert all(each.text for each in conditions)
    assert len({each.text for each in conditions}) == len(conditions)
    assert {each.report for each in FIELDS} >= {route.report for route in ROUTES}
