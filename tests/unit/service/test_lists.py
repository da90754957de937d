"""Mailboxes, folders and tags in the old envelope, for programs that fill filters with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import stamina
from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.core.models import ListItem, ListQuery
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator, make_account
from compat.simulator.layout import Layout
from compat.v1.http import CONTENT_TYPE, LegacyRequest, LegacyResponse
from tests.integration.exactness.simulated_upstream import NOW, SINCE, Upstream, upstream
from tests.unit.server.threaded_server import ask as ask_over_http
from tests.unit.server.threaded_server import serving
from tests.unit.service.doubles import FIRST, FakeSource, ManualClock, basic, reports_on
from tests.unit.v2 import upstream as scripts
from tests.unit.v2.upstream import Json, answer, in_turn, one_tls_context, scripted

MAILBOXES = "/v1/mailboxes.json"
FOLDERS = "/v1/mailboxes/8501/folders.json"
TAGS = "/v1/tags.json"
ALL = (MAILBOXES, FOLDERS, TAGS)
KEY = basic()

ENVELOPE_KEYS = ["page", "pages", "count", "items"]
ITEM_KEYS = {
    MAILBOXES: ["id", "slug", "name", "email", "createdAt", "modifiedAt"],
    FOLDERS: ["id", "name", "type", "userId", "totalCount", "activeCount", "modifiedAt"],
    TAGS: ["id", "slug", "tag", "count", "color", "createdAt", "modifiedAt", "name"],
}
BEGINNING = "2013-06-01T00:00:00Z"
"""When everything in a simulated account was made."""


@pytest.fixture(scope="module", autouse=True)
def retries_without_waiting() -> Iterator[None]:
    with one_tls_context():
        yield


@pytest.fixture(scope="module")
def upstream_server() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


@pytest.fixture(scope="module")
def made_up() -> Account:
    return make_account(120, 3, NOW, SINCE)


@pytest.fixture
def reports(upstream_server: Upstream, made_up: Account) -> Iterator[LegacyReports]:
    with served(upstream_server, made_up) as made:
        yield made


def served(upstream_server: Upstream, account: Account, **settings: Any) -> LegacyReports:
    reach = upstream_server.show(Simulator(account, Behaviour(rate_limit=None)))
    return LegacyReports(reach.model_copy(update=settings))


def ask(reports: LegacyReports, target: str, status: int = 200) -> Any:
    content = reports.answer(target, authorization=KEY)
    assert content.status == status, content
    return json.loads(content.body)


def faults(reports: LegacyReports, target: str) -> list[tuple[str, str | None]]:
    content = ask(reports, target, 400)
    return [(each["property"], each["value"]) for each in content["validationErrors"]]


def small(mailboxes: int = 1, tags: int = 0) -> Account:
    """An account of so many mailboxes, and of so many tags beyond those that all have."""
    account = Account(Layout(tuple(f"Mailbox {number}" for number in range(mailboxes))))
    for number in range(tags):
        account.layout.tag_named(f"tag {number}")
    return account


@pytest.mark.parametrize("path", ALL)
def test_the_envelope_and_the_items_have_the_old_keys_in_the_old_order(
    reports: LegacyReports, path: str
) -> None:
    content = ask(reports, path)
    assert list(content) == ENVELOPE_KEYS
    assert content["count"] == len(content["items"]) > 1
    assert (content["page"], content["pages"]) == (1, 1)
    assert all(list(item) == ITEM_KEYS[path] for item in content["items"])


@pytest.mark.parametrize("path", ALL)
def test_the_answer_has_the_headers_of_any_other(reports: LegacyReports, path: str) -> None:
    content = reports.answer(path, authorization=KEY)
    headers = dict(content.headers)
    assert headers["Content-Type"] == CONTENT_TYPE
    assert headers["Correlation-Id"]
    assert headers["Compat-As-Of"].endswith("Z")


def test_mailboxes_are_those_of_the_account(reports: LegacyReports, made_up: Account) -> None:
    assert ask(reports, MAILBOXES)["items"] == [
        {
            "id": mailbox.id,
            "name": mailbox.name,
            "slug": mailbox.slug,
            "email": mailbox.email,
            "createdAt": BEGINNING,
            "modifiedAt": BEGINNING,
        }
        for mailbox in made_up.layout.mailboxes
    ]


def test_folders_are_those_of_the_mailbox(reports: LegacyReports, made_up: Account) -> None:
    items = ask(reports, FOLDERS)["items"]
    folders = made_up.layout.folders_of(8501)
    assert [(each["id"], each["name"], each["userId"]) for each in items] == [
        (each.id, each.name, each.user_id) for each in folders
    ]
    others = ask(reports, FOLDERS.replace("8501", "8508"))["items"]
    assert not {each["id"] for each in items} & {each["id"] for each in others}


def test_folders_have_their_old_types(reports: LegacyReports) -> None:
    types = [each["type"] for each in ask(reports, FOLDERS)["items"]]
    assert types[:6] == ["open", "needsattention", "drafts", "assigned", "closed", "spam"]
    assert set(types[6:]) == {"mine"}


def test_folders_have_the_numbers_of_their_conversations(upstream_server: Upstream) -> None:
    account = small()
    for status in ("active", "active", "pending", "closed", "spam"):
        account.add(FIRST, status=status)
    with served(upstream_server, account) as reports:
        items = {each["type"]: each for each in ask(reports, FOLDERS)["items"]}
    found = {
        kind: (items[kind]["totalCount"], items[kind]["activeCount"])
        for kind in ("open", "closed", "spam", "drafts")
    }
    assert found == {"open": (3, 2), "closed": (1, 0), "spam": (1, 0), "drafts": (0, 0)}


def test_tags_are_those_of_the_account(upstream_server: Upstream) -> None:
    account = small()
    account.add(FIRST, tags=["billing", "vip"])
    account.add(FIRST, tags=["billing"])
    with served(upstream_server, account) as reports:
        content = ask(reports, TAGS)
    assert content["count"] == len(account.layout.tags)
    assert content["items"][0] == {
        "id": account.layout.tag_named("billing").id,
        "slug": "billing",
        "name": "billing",
        "tag": "billing",
        "count": 2,
        "color": "none",
        "createdAt": BEGINNING,
        "modifiedAt": BEGINNING,
    }


@pytest.mark.parametrize(
    ("mailboxes", "pages"), [(1, 1), (49, 1), (50, 1), (51, 2), (100, 2), (101, 3), (120, 3)]
)
def test_all_of_several_upstream_pages_are_listed_fifty_a_page(
    upstream_server: Upstream, mailboxes: int, pages: int
) -> None:
    account = small(mailboxes)
    with served(upstream_server, account) as reports:
        content = [ask(reports, f"{MAILBOXES}?page={number + 1}") for number in range(pages)]
    assert [each["page"] for each in content] == list(range(1, pages + 1))
    assert {(each["pages"], each["count"]) for each in content} == {(pages, mailboxes)}
    assert all(len(each["items"]) == 50 for each in content[:-1])
    listed = [item["id"] for each in content for item in each["items"]]
    assert listed == [mailbox.id for mailbox in account.layout.mailboxes]


def test_tags_are_cut_into_pages_as_well(upstream_server: Upstream) -> None:
    account = small(tags=90)
    with served(upstream_server, account) as reports:
        content = [ask(reports, f"{TAGS}?page={number}") for number in (1, 2, 3)]
    listed = [item["id"] for each in content for item in each["items"]]
    assert listed == [tag.id for tag in account.layout.tags]


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("page", [2, 999_999_999])
def test_a_page_past_the_end_is_empty(reports: LegacyReports, path: str, page: int) -> None:
    first, past = ask(reports, path), ask(reports, f"{path}?page={page}")
    assert past == {**first, "page": page, "items": []}


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("page", ["0", "-1", "+1", "x", "1.5", "1_0", "1,2", "9" * 10, "%EF%BC%91"])
def test_a_page_that_is_no_number_is_refused(reports: LegacyReports, path: str, page: str) -> None:
    ((name, value),) = faults(reports, f"{path}?page={page}")
    assert name == "page"
    assert value is not None


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("query", ["", "?", "?page=", "?page=1", "?page=1&page=2", "?fields=id"])
def test_without_a_page_the_first_one_is_returned(
    reports: LegacyReports, path: str, query: str
) -> None:
    assert ask(reports, path + query) == ask(reports, path)


def test_a_mailbox_that_does_not_exist_is_not_found(reports: LegacyReports) -> None:
    assert ask(reports, "/v1/mailboxes/999999/folders.json", 404) == {
        "code": 404,
        "error": "The requested resource was not found.",
    }


@pytest.mark.parametrize("number", ["x", "8501x", "-1", "", "1.0", "9" * 19, "8501/8508", "%2A"])
def test_what_is_no_id_is_not_found_and_nothing_is_fetched(
    fake_source: FakeSource, number: str
) -> None:
    path = f"/v1/mailboxes/{number}/folders.json"
    with reports_on(fake_source) as reports:
        content = ask(reports, path, 404)
    assert content["error"].startswith("The specified resource was not found: '/v1/mailboxes/")
    assert fake_source.list_queries == []


@pytest.mark.parametrize("path", [*ALL, "/v1/mailboxes/999999/folders.json"])
@pytest.mark.parametrize("authorization", [None, basic("another-key"), "Bearer an-old-key"])
def test_a_key_is_needed(fake_source: FakeSource, path: str, authorization: str | None) -> None:
    with reports_on(fake_source, api_keys=(SecretStr("an-old-key"),)) as reports:
        content = reports.answer(path, authorization=authorization)
    assert content.status == 401
    assert "WWW-Authenticate" in dict(content.headers)
    assert fake_source.list_queries == []


@pytest.mark.parametrize("path", [*ALL, "/v1/mailboxes.json/", "/v1/mailboxes/8501"])
def test_any_other_method_and_any_other_path_is_not_found(
    fake_source: FakeSource, path: str
) -> None:
    method = "POST" if path in ALL else "GET"
    with reports_on(fake_source) as reports:
        content = reports.handle(LegacyRequest.from_target(path, method, KEY))
    assert content.status == 404


@pytest.mark.parametrize("query", ["?mailbox=8508", "?mailbox=9&page=1", "?mailbox=x", "?mailbox="])
def test_the_query_cannot_name_another_mailbox_than_the_path(
    reports: LegacyReports, query: str
) -> None:
    assert ask(reports, FOLDERS + query) == ask(reports, FOLDERS)


@pytest.mark.parametrize("name", ["mailbox", "mailbox[]", "mailbox[0]", "mailbox%5B%5D"])
@pytest.mark.parametrize("wins", ["first", "last"])
def test_the_query_cannot_name_another_mailbox_as_a_list_either(
    fake_source: FakeSource, name: str, wins: Literal["first", "last"]
) -> None:
    conventions = Conventions(repeated_parameter=wins)
    with reports_on(fake_source, conventions=conventions) as reports:
        ask(reports, f"{FOLDERS}?{name}=8508")
    assert fake_source.list_queries == [ListQuery("folders", 8501)]


def test_a_list_is_cached_as_long_as_recent_conversations(
    manual_clock: ManualClock, upstream_server: Upstream
) -> None:
    account = small()
    with served(upstream_server, account, recent_age=60) as reports:
        before = ask(reports, TAGS)["count"]
        account.layout.tag_named("another one")
        assert ask(reports, TAGS)["count"] == before
        assert ask(reports, f"{TAGS}?page=1")["count"] == before
        manual_clock.now += 61
        assert ask(reports, TAGS)["count"] == before + 1


def test_an_unknown_mailbox_is_requested_again_later(
    manual_clock: ManualClock, fake_source: FakeSource
) -> None:
    fake_source.items = None
    with reports_on(fake_source) as reports:
        ask(reports, FOLDERS, 404)
        fake_source.items = (ListItem(11, "Unassigned", type="open"),)
        manual_clock.now += 1
        assert ask(reports, FOLDERS)["count"] == 1


@pytest.fixture
def script() -> Iterator[scripts.Upstream]:
    with scripted() as made:
        yield made


def content_of(script: scripts.Upstream, path: str, *payloads: Json, status: int = 200) -> Any:
    """What is answered when upstream answers so."""
    script.script = in_turn(*[answer(payload, status) for payload in payloads])
    reach = Settings(app_id="a", app_secret=SecretStr("s"), base_url=script.url)
    with LegacyReports(reach) as reports:
        content: LegacyResponse = reports.answer(path, authorization=KEY)
    return json.loads(content.body)


KIND = {MAILBOXES: "mailboxes", FOLDERS: "folders", TAGS: "tags"}
EPOCH = "1970-01-01T00:00:00Z"
BARE: dict[str, Json] = {
    MAILBOXES: {"name": "", "slug": "", "email": "", "createdAt": EPOCH, "modifiedAt": EPOCH},
    FOLDERS: {
        **dict.fromkeys(("name", "type"), ""),
        **dict.fromkeys(("userId", "totalCount", "activeCount"), 0),
        "modifiedAt": EPOCH,
    },
    TAGS: {
        **dict.fromkeys(("slug", "name", "tag", "color"), ""),
        "count": 0,
        "createdAt": EPOCH,
        "modifiedAt": EPOCH,
    },
}
NULLS = dict.fromkeys(
    (
        *("name", "slug", "email", "type", "userId", "color", "totalCount", "activeCount"),
        *("ticketCount", "createdAt", "updatedAt"),
    )
)


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("nothing", [{}, NULLS], ids=["absent", "null"])
def test_fields_that_upstream_leaves_empty_are_empty(
    script: scripts.Upstream, path: str, nothing: Json
) -> None:
    content = content_of(script, path, {"_embedded": {KIND[path]: [{"id": 7, **nothing}]}})
    assert content == {"page": 1, "pages": 1, "count": 1, "items": [{"id": 7, **BARE[path]}]}


@pytest.mark.parametrize("path", ALL)
def test_without_a_change_something_was_modified_when_it_was_made(
    script: scripts.Upstream, path: str
) -> None:
    item = {"id": 7, "createdAt": "2015-03-04T05:06:07.890Z", "updatedAt": None}
    (shown,) = content_of(script, path, {"_embedded": {KIND[path]: [item]}})["items"]
    assert shown["modifiedAt"] == "2015-03-04T05:06:07Z"


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize(
    "payload",
    [{"_embedded": {}}, {"page": {"totalElements": 0, "totalPages": 0}}],
    ids=["no page", "no list"],
)
def test_an_empty_list_has_no_pages(script: scripts.Upstream, path: str, payload: Json) -> None:
    assert content_of(script, path, payload) == {"page": 1, "pages": 0, "count": 0, "items": []}


@pytest.mark.parametrize("path", ALL)
def test_an_answer_that_is_no_list_is_no_empty_list(script: scripts.Upstream, path: str) -> None:
    with stamina.set_testing(True, attempts=1):
        content = content_of(script, path, {})
    assert content["code"] == 503
    assert "shows neither entries nor a total" in content["error"]


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("mytickets", "mine"),
        ("needs_attn", "needsattention"),
        ("team", "mine"),
        *((kept, kept) for kept in ("open", "drafts", "assigned", "closed", "spam")),
        ("something new", "something new"),
    ],
)
def test_a_folder_has_its_old_type(script: scripts.Upstream, now: str, then: str) -> None:
    (shown,) = content_of(script, FOLDERS, {"_embedded": {"folders": [{"id": 7, "type": now}]}})[
        "items"
    ]
    assert shown["type"] == then


def test_what_upstream_refuses_is_not_taken_for_a_missing_mailbox(
    script: scripts.Upstream,
) -> None:
    assert content_of(script, FOLDERS, {}, status=403)["code"] == 403


@pytest.mark.parametrize("path", ALL)
def test_they_are_answered_over_http(
    upstream_server: Upstream, made_up: Account, path: str
) -> None:
    with (
        served(upstream_server, made_up) as reports,
        serving(create_app(reports), lifespan="off") as port,
    ):
        content = ask_over_http(port, path)
        assert content.status == 200
        assert content.json == ask(reports, path)
