"""The lists behind the counts and the busy times, from a caller to a simulated account."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Conversation, Simulator
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import homes_and_one_view, questions
from tests.integration.exactness.simulated_upstream import Upstream, busy_account, upstream
from tests.unit.server.threaded_server import ask, serving
from tests.unit.service.doubles import FIRST, LONG, basic
from tests.unit.v2.upstream import Asked as Heard
from tests.unit.v2.upstream import Json, Reply, answer, conversation, page_of, scripted

EXAMPLES = min(settings().max_examples, 300)
LISTED = EXAMPLES // 4
"""Each of these examples fetches every conversation on its list."""

ACCOUNT = busy_account(120, 30)
QUESTIONS = questions(ACCOUNT, homes_and_one_view(ACCOUNT)).map(
    lambda asked: replace(asked, states=Asked.states, not_counted=Asked.not_counted)
)
QUIET = Behaviour(rate_limit=None)
NEW = "/v1/reports/conversations/new.json"
DRILLDOWN = "/v1/reports/conversations/new-drilldown.json"
BUSY_TIMES = "/v1/reports/conversations/busy-times.json"
ADELAIDE = "Australia/Adelaide"


def content(reports: LegacyReports, target: str) -> Any:
    answered = reports.answer(target, authorization=basic(), patience=LONG)
    assert answered.status == 200, answered
    return json.loads(answered.body)


def listed(reports: LegacyReports, asked: Asked, number: int = 1, rows: int = 50) -> Json:
    """One page of the list behind a question's current range."""
    target = asked.target().replace(NEW, DRILLDOWN)
    page: Json = content(reports, f"{target}page={number}&rows={rows}")["conversations"]
    return page


def behind(asked: Asked, account: Account) -> list[Conversation]:
    """What a question counts, in the order of the list."""
    rows = [
        row
        for row in account.conversations()
        if oracle.matches(row, asked, account) and asked.start <= row.created <= asked.end
    ]
    return sorted(rows, key=lambda row: (row.created, row.id), reverse=True)


def everything(account: Account = ACCOUNT) -> Asked:
    created = [row.created for row in account.conversations()]
    return Asked(min(created), max(created))


@pytest.fixture(scope="module")
def reports() -> Iterator[LegacyReports]:
    """On an account that does not change, with a company in Adelaide."""
    company = Conventions(company_time_zone=ADELAIDE)
    with upstream() as upstream_server:
        reach = upstream_server.show(Simulator(busy_account(120, 30), QUIET))
        with LegacyReports(reach.model_copy(update={"conventions": company})) as made:
            yield made


@settings(max_examples=EXAMPLES)
@given(asked=QUESTIONS)
def test_the_list_is_as_long_as_the_counts_together(reports: LegacyReports, asked: Asked) -> None:
    counts = content(reports, asked.target())["current"]
    assert listed(reports, asked, rows=1)["count"] == sum(each["count"] for each in counts)


@settings(max_examples=LISTED)
@given(asked=QUESTIONS)
def test_all_pages_together_list_each_conversation_once_the_newest_first(
    reports: LegacyReports, asked: Asked
) -> None:
    expected = [row.id for row in behind(asked, ACCOUNT)]
    seen: list[int] = []
    for number in range(1, -(-len(expected) // 50) + 2):
        page = listed(reports, asked, number)
        seen += [each["id"] for each in page["results"]]
        assert (page["count"], page["page"]) == (len(expected), number)
        assert page["pages"] == -(-len(expected) // 50)
    assert seen == expected


@settings(max_examples=EXAMPLES)
@given(asked=QUESTIONS)
def test_the_busy_times_are_those_of_what_is_counted(reports: LegacyReports, asked: Asked) -> None:
    hours = content(reports, asked.target().replace(NEW, BUSY_TIMES))
    zone = ZoneInfo(ADELAIDE)
    local = [datetime.fromtimestamp(row.created, zone) for row in behind(asked, ACCOUNT)]
    expected = Counter((moment.isoweekday(), moment.hour) for moment in local)
    assert [(each["day"], each["hour"]) for each in hours] == [
        (day, hour) for day in range(1, 8) for hour in range(24)
    ]
    found = {(each["day"], each["hour"]): each["count"] for each in hours if each["count"]}
    assert found == expected
    counts = content(reports, asked.target())["current"]
    assert sum(each["count"] for each in hours) == sum(each["count"] for each in counts)


@settings(max_examples=EXAMPLES)
@given(asked=QUESTIONS)
def test_the_ids_behind_the_counts_are_those_of_the_conversations(
    reports: LegacyReports, asked: Asked
) -> None:
    found = json.loads(reports.compute("new_ids", asked.pairs()).body)
    counts = [{k: v for k, v in each.items() if k != "ids"} for each in found["current"]]
    assert counts == content(reports, asked.target())["current"]
    ids = [each for bucket in found["current"] for each in bucket["ids"]]
    assert sorted(ids) == sorted(row.id for row in behind(asked, ACCOUNT))


@pytest.mark.parametrize(
    ("sent", "rows"), [("", 10), ("rows=3", 3), ("rows=50", 50), ("rows=51", 50), ("rows=999", 50)]
)
def test_a_page_has_ten_rows_or_as_many_as_asked_for_up_to_fifty(
    reports: LegacyReports, sent: str, rows: int
) -> None:
    page = content(reports, everything().target().replace(NEW, DRILLDOWN) + sent)["conversations"]
    assert len(page["results"]) == rows
    assert page["pages"] == -(-page["count"] // rows)


def test_a_row_says_of_a_conversation_what_the_account_knows(reports: LegacyReports) -> None:
    shown = {each["id"]: each for each in listed(reports, everything())["results"]}
    assert len(shown) == 50
    for row_id, each in shown.items():
        truth = ACCOUNT[row_id]
        assert (each["number"], each["type"], each["status"]) == (
            truth.number,
            truth.type,
            truth.status,
        )
        assert (each["mailboxid"], each["subject"]) == (truth.mailbox_id, truth.subject)
        assert (each["threadCount"], each["customerIds"]) == (truth.threads, [truth.customer_id])
        assert each["assignedid"] == truth.assignee_id
        assert ("assignedName" in each) == bool(truth.assignee_id)
        assert [tag["id"] for tag in each["tags"]] == list(truth.tag_ids)
        assert [tag["name"] for tag in each["tags"]] == [
            ACCOUNT.layout.tag_by_id[tag].name for tag in truth.tag_ids
        ]


class Vanishing(Simulator):
    """Something happens to a conversation just before it is asked for by its id."""

    happens: Callable[[Account, int], object] = staticmethod(Account.delete)
    to: int = 0

    def respond(self, request: Any) -> Any:
        named = re.fullmatch(r"/v2/conversations/([0-9]+)", request.path)
        if named and int(named[1]) == self.to:
            self.happens(self.account, self.to)
        return super().respond(request)


@pytest.mark.parametrize(
    "happens",
    [
        Account.delete,
        lambda account, gone: account.merge(gone, account.conversations()[0].id),
    ],
    ids=["deleted", "merged"],
)
def test_what_is_deleted_or_merged_before_it_is_shown_is_left_out(
    upstream_server: Upstream, happens: Callable[[Account, int], object]
) -> None:
    account = Account()
    ids = [account.add(FIRST + at).id for at in range(5)]
    vanishing = Vanishing(account, QUIET)
    vanishing.happens, vanishing.to = happens, ids[2]
    with LegacyReports(upstream_server.show(vanishing)) as reports:
        page = listed(reports, Asked(FIRST, FIRST + 4))
    assert [each["id"] for each in page["results"]] == [ids[4], ids[3], ids[1], ids[0]]
    assert page["count"] == 5


def test_only_what_is_shown_is_fetched_in_full(upstream_server: Upstream) -> None:
    account = Account()
    for at in range(30):
        account.add(FIRST + at)
    simulator = Simulator(account, QUIET)
    with LegacyReports(upstream_server.show(simulator)) as reports:
        listed(reports, Asked(FIRST, FIRST + 29), rows=4)
        listed(reports, Asked(FIRST, FIRST + 29), number=9, rows=4)
    shown = [path for path in simulator.requests if re.search(r"conversations/[0-9]+$", path)]
    assert len(shown) == 4


@dataclass
class Play:
    """Mailbox API 2.0 that lists one conversation and shows it as the test says."""

    shown: Reply
    listed: int = 583

    def __call__(self, heard: Heard) -> Reply:
        if heard.path.endswith("/conversations"):
            return page_of([conversation(self.listed)])
        return self.shown


def played(shown: Reply) -> Any:
    """The answer about January, or the status of the refusal."""
    with scripted() as upstream_server:
        upstream_server.script = Play(shown)
        reach = Settings(
            app_id="demo-app", app_secret=SecretStr("demo-secret"), base_url=upstream_server.url
        )
        with LegacyReports(reach) as reports:
            target = Asked(FIRST, FIRST + 9).target().replace(NEW, DRILLDOWN)
            answered = reports.answer(target, authorization=basic(), patience=LONG)
            return json.loads(answered.body) if answered.status == 200 else answered.status


NOTHING_SAID = {
    "id": 583,
    "number": 12345,
    "type": "email",
    "mailboxid": 1,
    "attachments": False,
    "subject": "",
    "status": "active",
    "threadCount": 0,
    "preview": "",
    "customerName": "",
    "customerEmail": "",
    "customerIds": [],
    "modifiedAt": "2015-01-01T00:00:00Z",
    "waitingSince": "2015-01-01T00:00:00Z",
    "waitingSinceType": 2,
    "assignedid": 0,
    "tags": [],
}
BARE = {
    name: value
    for name, value in (conversation(583) | {"number": 12345}).items()
    if name not in {"tags", "folderId"}
}
UNSAID = (
    *("subject", "preview", "threads", "userUpdatedAt", "customerWaitingSince"),
    *("primaryCustomer", "assignee", "tags"),
)
NULLS = dict.fromkeys(UNSAID)
HALF_SAID = {
    **NULLS,
    "customerWaitingSince": {"time": None, "friendly": None},
    "primaryCustomer": {"id": 0, "first": None, "last": None, "email": None},
}


@pytest.mark.parametrize(
    "unsaid", [{}, NULLS, HALF_SAID], ids=["absent", "null", "null further in"]
)
def test_what_upstream_does_not_say_is_empty_and_never_null(unsaid: Json) -> None:
    page = played(answer(BARE | unsaid))["conversations"]
    assert page["results"] == [NOTHING_SAID]
    assert list(page["results"][0]) == list(NOTHING_SAID)


def test_a_tag_may_lack_a_name_and_a_colour() -> None:
    page = played(answer(BARE | {"tags": [{"id": 5}, {"id": 6, "tag": None, "color": None}]}))
    assert page["conversations"]["results"][0]["tags"] == [
        {"id": 5, "name": "", "color": "none"},
        {"id": 6, "name": "", "color": "none"},
    ]


@pytest.mark.parametrize(
    "gone",
    [
        Reply(404),
        Reply(301, headers={"Location": "https://api.helpscout.net/v2/conversations/1"}),
        answer(BARE | {"state": "deleted"}),
    ],
    ids=["not found", "merged", "said to be deleted"],
)
def test_what_has_gone_is_left_out_however_upstream_says_so(gone: Reply) -> None:
    page = played(gone)["conversations"]
    assert page == {"pages": 1, "page": 1, "count": 1, "results": []}


@pytest.mark.parametrize(
    ("trouble", "status"),
    [(Reply(302, headers={"Location": "/"}), 503), (Reply(403), 403), (Reply(400), 503)],
    ids=["led elsewhere", "not allowed", "not understood"],
)
def test_other_trouble_with_one_conversation_is_no_empty_page(trouble: Reply, status: int) -> None:
    assert played(trouble) == status


def test_over_http_the_busy_times_are_a_bare_array(reports: LegacyReports) -> None:
    with serving(create_app(reports), lifespan="off") as port:
        answered = ask(port, everything().target().replace(NEW, BUSY_TIMES))
    assert answered.status == 200
    assert answered.headers["content-type"] == "application/json; charset=utf-8"
    assert answered.body.startswith(b'[{"day":1,"hour":0,"count":')
    assert len(answered.json) == 168


def test_an_end_left_out_by_convention_is_left_out_of_lists_and_hours(
    upstream_server: Upstream,
) -> None:
    account = Account()
    first, _last = (account.add(FIRST + at).id for at in (0, 9))
    reach = upstream_server.show(Simulator(account, QUIET))
    open_ended = Conventions(end_included=False)
    with LegacyReports(reach.model_copy(update={"conventions": open_ended})) as reports:
        asked = Asked(FIRST, FIRST + 9)
        assert [each["id"] for each in listed(reports, asked)["results"]] == [first]
        hours = content(reports, asked.target().replace(NEW, BUSY_TIMES))
    assert sum(each["count"] for each in hours) == 1
