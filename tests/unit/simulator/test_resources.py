"""All resources except the list of conversations."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

import compat.simulator
from compat.extras import missing
from compat.simulator import Account, Simulator, running
from compat.simulator.folder_views import folder_shows
from compat.simulator.layout import Layout, User
from tests.unit.simulator.clients import listed, signed_in


def test_a_conversation_is_returned_by_its_id(client: httpx.Client, account: Account) -> None:
    row = listed(account)[0]
    assert client.get(f"/conversations/{row.id}").json()["number"] == row.number


def test_a_conversation_can_embed_its_threads(client: httpx.Client, account: Account) -> None:
    row = next(row for row in listed(account) if row.type == "email" and row.threads > 2)
    answer = client.get(f"/conversations/{row.id}", params={"embed": "threads"})
    found = [each["id"] for each in answer.json()["_embedded"]["threads"]]
    assert found == [each.id for each in reversed(account.threads(row.id))]


def test_a_deleted_conversation_is_not_found(client: httpx.Client, account: Account) -> None:
    gone = next(r for r in account.conversations() if not r.listed and r.merged_into is None)
    assert client.get(f"/conversations/{gone.id}").status_code == 404
    assert client.get(f"/conversations/{gone.id}/threads").status_code == 404


def test_a_merged_conversation_redirects_to_the_other(
    client: httpx.Client, account: Account
) -> None:
    gone = next(r for r in account.conversations() if r.merged_into is not None)
    answer = client.get(f"/conversations/{gone.id}")
    assert answer.status_code == 301
    followed = client.get(answer.headers["location"])
    assert followed.json()["id"] == gone.merged_into


@pytest.mark.parametrize("path", ["/conversations/1", "/mailboxes/1", "/mailboxes/1/folders"])
def test_what_does_not_exist_is_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert {"logRef", "message", "_links"} <= set(answer.json())


@pytest.mark.parametrize("path", ["/nowhere", "/conversations/abc", "/conversations//", "/"])
def test_an_unknown_path_is_answered_in_plain_text(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (404, "Unknown URL")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/conversations"), ("DELETE", "/users"), ("GET", "/oauth2/token")],
)
def test_a_wrong_method_is_a_bad_request(client: httpx.Client, method: str, path: str) -> None:
    assert client.request(method, path).status_code == 400


def test_mailboxes_are_listed_and_returned_by_id(client: httpx.Client, account: Account) -> None:
    payload = client.get("/mailboxes").json()
    found = payload["_embedded"]["mailboxes"]
    assert [each["id"] for each in found] == [each.id for each in account.layout.mailboxes]
    assert payload["page"]["size"] == 50
    assert client.get(f"/mailboxes/{found[1]['id']}").json() == found[1]


def test_an_unlisted_mailbox_is_in_no_list_and_shown_by_its_id() -> None:
    account = Account()
    mailbox = account.layout.mailboxes[1].id
    account.layout.unlisted.add(mailbox)
    with signed_in(Simulator(account)) as client:
        assert mailbox not in listed_mailboxes(client)
        assert client.get(f"/mailboxes/{mailbox}").json()["id"] == mailbox
        assert client.get(f"/mailboxes/{mailbox}/folders").status_code == 200


def test_a_hidden_mailbox_is_in_no_list_and_forbidden_by_its_id() -> None:
    account = Account()
    mailbox = account.layout.mailboxes[1].id
    account.layout.hidden.add(mailbox)
    with signed_in(Simulator(account)) as client:
        assert mailbox not in listed_mailboxes(client)
        assert client.get(f"/mailboxes/{mailbox}").status_code == 403
        assert client.get(f"/mailboxes/{mailbox}/folders").status_code == 403


def test_a_mailbox_that_was_removed_is_not_found() -> None:
    account = Account()
    mailbox = account.layout.mailboxes[1].id
    with signed_in(Simulator(account)) as client:
        account.layout.remove_mailbox(mailbox)
        assert mailbox not in listed_mailboxes(client)
        assert client.get(f"/mailboxes/{mailbox}").status_code == 404


def test_a_new_mailbox_has_folders_of_its_own_and_takes_conversations() -> None:
    account = Account()
    before = set(account.layout.folder_by_id)
    mailbox = account.layout.add_mailbox("Newcomers").id
    row = account.add(mailbox_id=mailbox)
    with signed_in(Simulator(account)) as client:
        assert mailbox in listed_mailboxes(client)
        payload = client.get(f"/mailboxes/{mailbox}/folders").json()
    folders = {each["id"] for each in payload["_embedded"]["folders"]}
    assert row.folder_id in folders
    assert not folders & before


def listed_mailboxes(client: httpx.Client) -> set[int]:
    return {each["id"] for each in client.get("/mailboxes").json()["_embedded"]["mailboxes"]}


def test_mailboxes_have_pages_of_fifty() -> None:
    layout = Layout(tuple(f"Box {at}" for at in range(60)))
    with signed_in(Simulator(Account(layout))) as client:
        payload = client.get("/mailboxes", params={"page": 2}).json()
        assert len(payload["_embedded"]["mailboxes"]) == 10
        assert payload["page"]["totalPages"] == 2
        assert client.get("/mailboxes", params={"page": "x"}).status_code == 400


def test_folders_count_what_they_show(client: httpx.Client, account: Account) -> None:
    mailbox = account.layout.mailboxes[0]
    found = client.get(f"/mailboxes/{mailbox.id}/folders").json()["_embedded"]["folders"]
    for folder in found:
        shows = folder_shows(account.layout.folder_by_id[folder["id"]], account.layout)
        shown = [row for row in listed(account) if shows(row)]
        assert folder["totalCount"] == len(shown)
        assert folder["activeCount"] == sum(row.status == "active" for row in shown)


def test_tags_are_listed_with_their_names_and_counts(
    client: httpx.Client, account: Account
) -> None:
    found = client.get("/tags").json()["_embedded"]["tags"]
    billing = next(tag for tag in found if tag["name"] == "billing, invoices")
    assert billing["ticketCount"] == sum(billing["id"] in row.tag_ids for row in listed(account))
    assert {"id", "slug", "name", "color", "createdAt", "ticketCount"} == set(billing)


def test_users_are_listed_and_one_of_them_is_me(client: httpx.Client) -> None:
    found = client.get("/users").json()["_embedded"]["users"]
    assert client.get("/users/me").json()["id"] == found[0]["id"]


def test_users_who_were_only_invited_are_listed(client: httpx.Client, account: Account) -> None:
    (invited,) = account.layout.invited
    assert listed_users(client) == [*(user.id for user in account.layout.users), invited.id]
    assert client.get(f"/users/{invited.id}").json()["email"] == invited.email


def test_users_can_be_found_by_email_and_by_mailbox(client: httpx.Client) -> None:
    every = listed_users(client)
    assert listed_users(client, email="Chiara-Rossi@example.com") == [every[2]]
    assert listed_users(client, email="nobody@example.com") == []
    assert listed_users(client, mailbox="8501") == every
    assert listed_users(client, mailbox="1") == []
    assert client.get("/users", params={"mailbox": "x"}).status_code == 400


def test_users_have_roles_and_time_zones(client: httpx.Client) -> None:
    found = client.get("/users").json()["_embedded"]["users"]
    assert {each["role"] for each in found} == {"owner", "admin", "user"}
    assert len({each["timezone"] for each in found}) > 3


def test_a_user_who_was_removed_is_not_found_any_more() -> None:
    account = Account()
    gone = account.layout.users[1].id
    with signed_in(Simulator(account)) as client:
        account.layout.remove_user(gone)
        assert gone not in listed_users(client)
        assert client.get(f"/users/{gone}").status_code == 404


def test_a_user_can_be_added_with_an_id() -> None:
    account = Account()
    account.layout.add_user(User(1, "Ann", "Lee", "ann@example.com", timezone="Asia/Bangkok"))
    with signed_in(Simulator(account)) as client:
        assert client.get("/users/1").json()["timezone"] == "Asia/Bangkok"
        assert 1 in listed_users(client)


def listed_users(client: httpx.Client, **parameters: str) -> list[int]:
    answer = client.get("/users", params=parameters).json()
    return [each["id"] for each in answer["_embedded"]["users"]]


def test_teams_have_members(client: httpx.Client, account: Account) -> None:
    found = client.get("/teams").json()["_embedded"]["teams"]
    assert [(each["id"], each["name"]) for each in found] == [
        (each.id, each.name) for each in account.layout.teams
    ]
    for team in account.layout.teams:
        members = client.get(f"/teams/{team.id}/members").json()["_embedded"]["users"]
        assert {each["id"] for each in members} == team.user_ids
    assert client.get("/teams/1/members").status_code == 404


def test_saved_replies_of_a_mailbox_are_an_array_without_pages() -> None:
    account = Account()
    mailbox = account.layout.mailboxes[1].id
    with signed_in(Simulator(account)) as client:
        found = client.get(f"/mailboxes/{mailbox}/saved-replies").json()
        assert {tuple(each) for each in found} == {("id", "name", "preview")}
        del account.layout.saved_replies[:]
        assert len(found) == 4
        assert client.get(f"/mailboxes/{mailbox}/saved-replies").json() == []
        assert client.get("/mailboxes/1/saved-replies").status_code == 404


def test_several_simulators_run_at_once() -> None:
    apps = [Simulator(Account()), Simulator(Account())]
    with running(apps[0]) as one, running(apps[1]) as two:
        assert one != two
        assert {httpx.get(f"{url}/users").status_code for url in (one, two)} == {401}


def test_a_stopped_simulator_refuses_connections() -> None:
    with running(Simulator(Account())) as url:
        pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/users")


def test_serving_without_a_server_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ImportError, match="pip install") as caught, running(Simulator(Account())):
        pass
    assert str(caught.value) == str(missing("serving", "uvicorn", "server"))


def test_the_simulator_imports_no_other_package() -> None:
    script = (
        "import sys, compat.simulator as s\n"
        "for name in ('resources', 'reports', 'server'): __import__(f'{s.__name__}.{name}')\n"
        "print(*[m for m in sys.modules if m.split('.')[0] in ('compat', 'uvicorn', 'httpx')])"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    others = [m for m in done.stdout.split() if not m.startswith("compat.simulator")]
    assert others == ["compat"]


def test_these_names_are_public() -> None:
    names = ["Account", "Behaviour", "Conversation", "Simulator", "Thread"]
    assert compat.simulator.__all__ == [*names, "make_account", "running"]
