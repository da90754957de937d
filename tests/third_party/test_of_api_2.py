"""Three public clients of Mailbox API 2.0 read the simulated one, and read what is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from compat.simulator import Account, Behaviour, Conversation, Simulator, make_account, running
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.oracle import answer as counted
from tests.integration.exactness.simulated_upstream import NOW, SINCE
from tests.third_party import true_values
from tests.third_party.environments import run

pytestmark = pytest.mark.thorough  # installing the clients takes a minute

CLIENTS = {
    "python-helpscout": "python_helpscout",
    "helpscout-wrapper": "helpscout_wrapper",
    "helpscout-mailbox": "helpscout_mailbox",
}
listing = pytest.mark.parametrize("visit", ["python-helpscout", "helpscout-wrapper"], indirect=True)
searching = pytest.mark.parametrize("visit", ["helpscout-mailbox"], indirect=True)
reporting = pytest.mark.parametrize("visit", ["helpscout-wrapper"], indirect=True)
"""Not every client can ask for everything."""

REFUSALS = {
    "python-helpscout": {
        "missing": "HelpScoutException",
        "stranger": "HelpScoutAuthenticationException",
        "misread": "HelpScoutException",
    },
    "helpscout-wrapper": {
        "missing": "{}",
        "stranger": "NotAuthorizedException",
        "misread": "BadRequestException",
    },
    "helpscout-mailbox": dict.fromkeys(("missing", "stranger", "misread"), "HelpScoutError"),
}
"""What each client makes of an error, if it understands it."""


def simulated() -> Account:
    """Several pages of conversations, more than one page of tags, and one that was merged."""
    account = make_account(140, 3, NOW, SINCE)
    for number in range(60):
        account.layout.tag_named(f"tag {number}")
    rows = true_values.listed(account)
    account.merge(rows[-1].id, into=rows[5].id)
    account.retag(rows[7].id, ["vip", "tag 42"])
    return account


ACCOUNT = simulated()
ROWS = true_values.listed(ACCOUNT)
MAILBOX, OTHER = (mailbox.id for mailbox in ACCOUNT.layout.mailboxes[:2])
MERGED = next(row for row in ACCOUNT.conversations() if row.merged_into)
START, END = ROWS[20].created, ROWS[95].created
WINDOW = f"createdAt:[{true_values.text(START)} TO {true_values.text(END)}]"

LISTS: dict[str, tuple[dict[str, Any], Any]] = {
    "by default": ({}, lambda row: row.status == "active"),
    "all": ({"status": "all"}, lambda row: True),
    "open": ({"status": "open"}, lambda row: row.status in {"active", "pending"}),
    "closed": ({"status": "closed"}, lambda row: row.status == "closed"),
    "a mailbox": ({"status": "all", "mailbox": MAILBOX}, lambda row: row.mailbox_id == MAILBOX),
    "two mailboxes": (
        {"status": "all", "mailbox": f"{MAILBOX},{OTHER}"},
        lambda row: row.mailbox_id in {MAILBOX, OTHER},
    ),
    "a folder": (
        {"status": "all", "folder": ROWS[0].folder_id},
        lambda row: row.folder_id == ROWS[0].folder_id,
    ),
    "a tag": ({"status": "all", "tag": "vip"}, lambda row: tagged(row, "vip")),
    "a window": (
        {"status": "all", "query": f"({WINDOW})"},
        lambda row: START <= row.created <= END,
    ),
    "a window of a mailbox": (
        {"status": "all", "query": f"({WINDOW} AND mailboxid:{MAILBOX})"},
        lambda row: START <= row.created <= END and row.mailbox_id == MAILBOX,
    ),
}
"""Lists by parameters, and what belongs in each."""

SEARCHES: dict[str, tuple[str, Any]] = {
    "everything": ("id:[1 TO *]", lambda row: True),
    "a window": (WINDOW, lambda row: START <= row.created <= END),
    "a tag": ('tag:"vip"', lambda row: tagged(row, "vip")),
    "a tag with a space": ('tag:"tag 42"', lambda row: tagged(row, "tag 42")),
    "a window without a tag": (
        f'{WINDOW} AND NOT tag:"vip"',
        lambda row: START <= row.created <= END and not tagged(row, "vip"),
    ),
    "two numbers": (
        f"number:{ROWS[3].number} OR number:{ROWS[9].number}",
        lambda row: row.number in {ROWS[3].number, ROWS[9].number},
    ),
    "a subject": (
        f'subject:"{ROWS[0].subject}"',
        lambda row: ROWS[0].subject.lower() in row.subject.lower(),
    ),
}
"""Search expressions, and what they mean."""


def tagged(row: Conversation, name: str) -> bool:
    return ACCOUNT.layout.tag_by_name[name].id in row.tag_ids


@dataclass(frozen=True)
class Visit:
    """One run of a client's program: what it brought, and what it asked for."""

    brought: Any
    requests: dict[str, int]


def visited(client: str, simulator: Simulator) -> Visit:
    """Run a client's program against a simulated account."""
    with running(simulator) as base_url:
        asked = {
            "base_url": base_url,
            "app_id": "demo-app",
            "app_secret": "demo-secret",
            "lists": {name: how for name, (how, _) in LISTS.items()},
            "searches": {name: query for name, (query, _) in SEARCHES.items()},
            "mailboxes": [mailbox.id for mailbox in ACCOUNT.layout.mailboxes],
            "one": ROWS[5].id,
            "merged": MERGED.id,
            "missing": 999,
            "since": true_values.text(0)[:10],
            "start": true_values.text(START),
            "end": true_values.text(END),
        }
        return Visit(run(client, CLIENTS[client], asked), simulator.requests)


@pytest.fixture(scope="module", params=CLIENTS)
def visit(request: pytest.FixtureRequest) -> Visit:
    simulator = Simulator(ACCOUNT, Behaviour(rate_limit=None), plan="plus")
    return visited(request.param, simulator)


@pytest.fixture
def client(request: pytest.FixtureRequest) -> str:
    """The client that visits."""
    name: str = request.node.callspec.params["visit"]
    return name


def check(brought: list[Any], belongs: Any) -> None:
    """Exactly what belongs, newest first."""
    created = [row["createdAt"] for row in brought]
    assert created == sorted(created, reverse=True)
    by_id = sorted((true_values.got(row) for row in brought), key=lambda row: row["id"])
    expected = [
        true_values.content(row, ACCOUNT) for row in ROWS if row.id != MERGED.id and belongs(row)
    ]
    assert by_id == sorted(expected, key=lambda row: row["id"])


@listing
@pytest.mark.parametrize("name", LISTS)
def test_a_list_over_its_pages_is_what_belongs_in_it(visit: Visit, name: str) -> None:
    check(visit.brought["lists"][name], LISTS[name][1])


@searching
@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_over_its_pages_is_what_it_means(visit: Visit, name: str) -> None:
    check(visit.brought["searches"][name], SEARCHES[name][1])


def test_the_lists_had_several_pages(visit: Visit) -> None:
    assert len(ROWS) > 5 * 25
    lists = len(visit.brought.get("lists", visit.brought.get("searches")))
    assert visit.requests["/v2/conversations"] > 2 * lists


@listing
def test_all_mailboxes_are_there(visit: Visit) -> None:
    brought = [(each["id"], each["name"], each["email"]) for each in visit.brought["mailboxes"]]
    assert brought == [(each.id, each.name, each.email) for each in ACCOUNT.layout.mailboxes]


@listing
def test_folders_are_there_with_what_is_in_them(visit: Visit) -> None:
    for mailbox, brought in visit.brought["folders"].items():
        homes = [row for row in brought if not row["userId"] and row["type"] != "needs_attn"]
        names = ("id", "name", "type", "totalCount", "activeCount")
        assert [{name: row[name] for name in names} for row in homes] == true_values.folders(
            ACCOUNT, int(mailbox)
        )


@listing
def test_tags_of_both_pages_are_there_with_their_tickets(visit: Visit) -> None:
    brought = visit.brought["tags"]
    assert len(brought) > 50
    assert {tag["name"]: tag["ticketCount"] for tag in brought} == true_values.tags(ACCOUNT)


def test_one_conversation_is_there_with_its_threads(visit: Visit) -> None:
    row = ACCOUNT[ROWS[5].id]
    assert true_values.got(visit.brought["one"]) == true_values.content(row, ACCOUNT)
    written = [each for each in visit.brought["threads"] if each["type"] != "lineitem"]
    assert len(written) == min(row.threads, 25)


def test_a_merged_conversation_leads_to_where_it_went(visit: Visit) -> None:
    assert visit.brought["merged"]["id"] == MERGED.merged_into


@pytest.mark.parametrize("what", ["missing", "stranger", "misread"])
def test_an_error_is_understood(visit: Visit, client: str, what: str) -> None:
    assert visit.brought[what] == REFUSALS[client][what]


@reporting
def test_its_own_report_is_read(visit: Visit) -> None:
    report = visit.brought["report"]
    assert report == counted(Asked(START, END, view_by="week"), ACCOUNT)


def test_a_client_that_asks_again_comes_through_limits_and_lost_tokens() -> None:
    bad = Behaviour(revoke_rate=0.1, limit_rate=0.2, limit_headers="standard", limit_wait=0)
    simulator = Simulator(ACCOUNT, bad)
    visit = visited("helpscout-mailbox", simulator)
    for name, (_, belongs) in SEARCHES.items():
        check(visit.brought["searches"][name], belongs)
    assert visit.requests["/v2/oauth2/token"] > 3
