"""Users, teams and single mailboxes, as programs read them that show names for ids."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from compat.config.settings import Settings
from compat.core.models import ListItem, ListQuery
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from compat.simulator.layout import Layout, User
from tests.integration.exactness.simulated_upstream import Upstream, upstream
from tests.unit.service.doubles import FakeSource, basic, reports_on
from tests.unit.v2 import upstream as scripts
from tests.unit.v2.upstream import Json, answer, in_turn, one_tls_context, scripted

CREATED = "2013-06-01T00:00:00Z"
MODIFIED = "2014-02-03T09:30:00Z"
"""When every simulated user and team was made, and last changed."""

NOT_FOUND = {"code": 404, "error": "The requested resource was not found."}
USER = 4101
TEAM = 4901
MAILBOX = 8501
MISSING = (0, 9, 999_999_999_999_999_999)
ITEMS = ("/v1/users/{}.json", "/v1/teams/{}.json", "/v1/mailboxes/{}.json")
LISTS_OF = ("/v1/teams/{}/members.json", "/v1/mailboxes/{}/users.json")


@pytest.fixture(scope="module", autouse=True)
def retries_without_waiting() -> Iterator[None]:
    with one_tls_context():
        yield


@pytest.fixture(scope="module")
def upstream_server() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


@pytest.fixture
def account() -> Account:
    return Account(Layout(("Support", "Sales")))


@pytest.fixture
def reports(upstream_server: Upstream, account: Account) -> Iterator[LegacyReports]:
    reach = upstream_server.show(Simulator(account, Behaviour(rate_limit=None)))
    with LegacyReports(reach) as made:
        yield made


def ask(reports: LegacyReports, target: str, status: int = 200) -> Any:
    content = reports.answer(target, authorization=basic())
    assert content.status == status, content
    return json.loads(content.body)


def shown(user: User) -> dict[str, Any]:
    """A simulated user as the old API showed users."""
    return {
        "id": user.id,
        "firstName": user.first,
        "lastName": user.last,
        "fullName": f"{user.first} {user.last}",
        "email": user.email,
        "role": user.role,
        "timezone": user.timezone,
        "photoUrl": f"https://photos.example/{user.id}.png" if user.id % 2 else None,
        "createdAt": CREATED,
        "modifiedAt": MODIFIED,
        "type": "user",
    }


def test_users_are_those_of_the_account_and_those_who_are_invited(
    reports: LegacyReports, account: Account
) -> None:
    layout = account.layout
    items = [shown(each) for each in (*layout.users, *layout.invited)]
    page = {"page": 1, "pages": 1, "count": len(items), "items": items}
    assert ask(reports, "/v1/users.json") == page
    assert ask(reports, f"/v1/mailboxes/{MAILBOX}/users.json") == page


def test_a_user_is_found_by_id(reports: LegacyReports, account: Account) -> None:
    for user in account.layout.users:
        assert ask(reports, f"/v1/users/{user.id}.json") == {"item": shown(user)}


def test_the_user_of_the_application_is_shown_with_the_company(
    reports: LegacyReports, account: Account
) -> None:
    first = account.layout.users[0]
    assert ask(reports, "/v1/users/me.json") == {"item": {**shown(first), "companyId": 1}}


def test_a_team_is_a_user_without_a_last_name_and_an_address(
    reports: LegacyReports, account: Account
) -> None:
    teams = [
        {
            "id": team.id,
            "firstName": team.name,
            "lastName": "",
            "fullName": team.name,
            "email": "",
            "role": "user",
            "timezone": "Etc/UTC",
            "photoUrl": None,
            "createdAt": CREATED,
            "modifiedAt": MODIFIED,
            "type": "team",
        }
        for team in account.layout.teams
    ]
    page = {"page": 1, "pages": 1, "count": 2, "items": teams}
    assert ask(reports, "/v1/teams.json") == page
    assert ask(reports, "/v1/users.json?type=team") == page
    assert ask(reports, f"/v1/mailboxes/{MAILBOX}/users.json?type=team") == page
    assert ask(reports, f"/v1/teams/{TEAM + 1}.json") == {"item": teams[1]}


def test_members_are_the_users_of_the_team(reports: LegacyReports, account: Account) -> None:
    for team in account.layout.teams:
        items = ask(reports, f"/v1/teams/{team.id}/members.json")["items"]
        assert items == [shown(user) for user in account.layout.users if user.id in team.user_ids]


def test_a_mailbox_is_shown_with_all_of_its_folders(reports: LegacyReports) -> None:
    (listed, _) = ask(reports, "/v1/mailboxes.json")["items"]
    folders = ask(reports, f"/v1/mailboxes/{MAILBOX}/folders.json")["items"]
    assert ask(reports, f"/v1/mailboxes/{MAILBOX}.json") == {"item": {**listed, "folders": folders}}


@pytest.mark.parametrize("path", ["/v1/users.json", f"/v1/mailboxes/{MAILBOX}/users.json"])
def test_more_than_fifty_users_are_listed_fifty_a_page(
    reports: LegacyReports, account: Account, path: str
) -> None:
    for number in range(95):
        account.layout.add_user(User(9000 + number, f"No {number}", "Extra", f"{number}@x.example"))
    pages = [ask(reports, f"{path}?page={number}") for number in (1, 2, 3, 4)]
    layout = account.layout
    assert [(each["page"], each["pages"], each["count"]) for each in pages] == [
        (number, 3, 102) for number in (1, 2, 3, 4)
    ]
    listed = [item["id"] for each in pages for item in each["items"]]
    assert [len(each["items"]) for each in pages] == [50, 50, 2, 0]
    assert listed == [user.id for user in (*layout.users, *layout.invited)]


@pytest.mark.parametrize("path", [*ITEMS, *LISTS_OF])
@pytest.mark.parametrize("number", MISSING)
def test_what_does_not_exist_is_not_found(reports: LegacyReports, path: str, number: int) -> None:
    assert ask(reports, path.format(number), 404) == NOT_FOUND


def test_a_team_is_not_found_among_users_nor_a_user_among_teams(reports: LegacyReports) -> None:
    assert ask(reports, f"/v1/users/{TEAM}.json", 404) == NOT_FOUND
    assert ask(reports, f"/v1/teams/{USER}.json", 404) == NOT_FOUND


@pytest.mark.parametrize("path", ["/v1/users.json", f"/v1/mailboxes/{MAILBOX}/users.json"])
def test_another_type_is_refused(reports: LegacyReports, path: str) -> None:
    (fault,) = ask(reports, f"{path}?type=robot", 400)["validationErrors"]
    assert (fault["property"], fault["value"]) == ("type", "robot")
    assert ask(reports, f"{path}?type=user") == ask(reports, f"{path}?type=") == ask(reports, path)


@pytest.mark.parametrize("path", ["/v1/users/x.json", "/v1/users/1.5.json", "/v1/teams/me.json"])
def test_what_is_no_id_makes_no_path(reports: LegacyReports, path: str) -> None:
    assert ask(reports, path, 404)["error"] == f"The specified resource was not found: '{path}'"


def test_nothing_more_is_loaded_of_what_does_not_exist(fake_source: FakeSource) -> None:
    fake_source.items_of = {"mailboxes": None}
    with reports_on(fake_source) as reports:
        ask(reports, "/v1/mailboxes/9/users.json", 404)
    assert fake_source.list_queries == [ListQuery("mailboxes", item=9)]


def test_a_mailbox_takes_two_lists(fake_source: FakeSource) -> None:
    fake_source.items = [ListItem(9, "Support")]
    with reports_on(fake_source) as reports:
        ask(reports, "/v1/mailboxes/9.json")
    assert fake_source.list_queries == [ListQuery("mailboxes", item=9), ListQuery("folders", 9)]


@pytest.fixture
def script() -> Iterator[scripts.Upstream]:
    with scripted() as made:
        yield made


def content_of(script: scripts.Upstream, path: str, *payloads: Json, status: int = 200) -> Any:
    """What is answered when upstream answers so."""
    script.script = in_turn(*[answer(payload, status) for payload in payloads])
    reach = Settings(app_id="a", app_secret=SecretStr("s"), base_url=script.url)
    with LegacyReports(reach) as reports:
        return json.loads(reports.answer(path, authorization=basic()).body)


BARE = {
    "id": 7,
    **dict.fromkeys(("firstName", "lastName", "fullName", "email", "role", "timezone"), ""),
    "photoUrl": None,
    "createdAt": "1970-01-01T00:00:00Z",
    "modifiedAt": "1970-01-01T00:00:00Z",
    "type": "user",
}
NULLS = dict.fromkeys(
    (
        *("firstName", "lastName", "email", "role", "timezone", "photoUrl", "companyId"),
        *("createdAt", "updatedAt", "type"),
    )
)


@pytest.mark.parametrize("nothing", [{}, NULLS], ids=["absent", "null"])
def test_fields_that_upstream_leaves_empty_are_empty(
    script: scripts.Upstream, nothing: Json
) -> None:
    user = {"id": 7, **nothing}
    assert content_of(script, "/v1/users/7.json", user) == {"item": BARE}
    assert content_of(script, "/v1/users/me.json", user) == {"item": {**BARE, "companyId": 0}}
    team = content_of(script, "/v1/teams.json", {"_embedded": {"teams": [user]}})["items"]
    assert team == [{**BARE, "role": "user", "type": "team"}]


def test_without_a_change_a_user_was_modified_when_made(script: scripts.Upstream) -> None:
    user = {"id": 7, "createdAt": "2015-03-04T05:06:07.890Z"}
    found = content_of(script, "/v1/users/7.json", user)["item"]
    assert found["createdAt"] == found["modifiedAt"] == "2015-03-04T05:06:07Z"


@pytest.mark.parametrize(
    ("user", "full"),
    [
        ({"firstName": "Ann", "lastName": "Lee"}, "Ann Lee"),
        ({"firstName": "Ann", "lastName": ""}, "Ann"),
        ({"firstName": None, "lastName": "Lee"}, "Lee"),
        ({"firstName": "Ann Mary", "lastName": "van Dam"}, "Ann Mary van Dam"),
    ],
)
def test_the_full_name_joins_both_names(script: scripts.Upstream, user: Json, full: str) -> None:
    assert content_of(script, "/v1/users/7.json", {"id": 7, **user})["item"]["fullName"] == full


@pytest.mark.parametrize("path", ["/v1/users.json", "/v1/users/7.json", "/v1/users/me.json"])
def test_what_upstream_refuses_is_not_taken_for_a_missing_user(
    script: scripts.Upstream, path: str
) -> None:
    assert content_of(script, path, {}, status=403)["code"] == 403


def test_a_user_takes_one_request_however_many_there_are(script: scripts.Upstream) -> None:
    content_of(script, "/v1/users/7.json", {"id": 7})
    assert [each.path for each in script.asked] == ["/v2/users/7"]
