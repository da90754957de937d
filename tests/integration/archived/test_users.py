"""Users and teams, as an archive has them without a connection to Help Scout."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from compat.archive.database import open_archive
from compat.core.models import ListQuery
from compat.service import LegacyReports
from compat.simulator import resources
from compat.simulator.layout import User
from compat.simulator.messages import ApiError
from tests.integration.archived.offline_service import ask, service
from tests.unit.archive.sync.synced_account import Staged

USER = 4101
TEAM = 4901
MAILBOX = 8501
PATHS = (
    "/v1/users.json",
    "/v1/users.json?page=2",
    "/v1/users.json?type=team",
    f"/v1/users/{USER}.json",
    "/v1/users/me.json",
    "/v1/mailboxes.json",
    f"/v1/mailboxes/{MAILBOX}.json",
    f"/v1/mailboxes/{MAILBOX}/folders.json",
    f"/v1/mailboxes/{MAILBOX}/users.json",
    f"/v1/mailboxes/{MAILBOX}/users.json?type=team",
    "/v1/tags.json",
    "/v1/teams.json",
    f"/v1/teams/{TEAM}.json",
    f"/v1/teams/{TEAM}/members.json",
)
STAFF = tuple(path for path in PATHS if "users" in path or "teams" in path)
MISSING = (
    "/v1/users/0.json",
    "/v1/users/999.json",
    f"/v1/users/{TEAM}.json",
    "/v1/teams/999.json",
    "/v1/teams/999/members.json",
    "/v1/mailboxes/999.json",
    "/v1/mailboxes/999/users.json",
    "/v1/mailboxes/999/users.json?type=team",
)


def body(reports: LegacyReports, path: str, status: int = 200) -> Any:
    answer = ask(reports, path)
    assert answer.status == status, answer
    return json.loads(answer.body)


def test_lists_without_help_scout_are_those_with_it(stage: Staged) -> None:
    layout = stage.account.layout
    for number in range(60):
        layout.add_user(User(9000 + number, "No", str(number), f"{number}@example.com"))
    stage.sync()
    with service(stage, archive=None) as live, service(stage, offline=True) as offline:
        for path in PATHS:
            assert body(offline, path) == body(live, path)
        assert body(offline, "/v1/users.json")["count"] == 60 + 7


def test_what_does_not_exist_is_not_found_without_help_scout(stage: Staged) -> None:
    with service(stage, offline=True) as offline:
        for path in MISSING:
            assert body(offline, path, 404)["error"] == "The requested resource was not found."


def test_lists_that_help_scout_does_not_show_stop_no_run(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service(stage, offline=True) as offline:
        before = [body(offline, path) for path in STAFF]

    def refuse(*_arguments: object) -> Any:
        raise ApiError(403, "Not allowed")

    handlers = [
        (pattern, refuse if re_name.startswith(("/v2/users", "/v2/teams")) else handler)
        for pattern, handler in resources.ROUTES
        for re_name in [pattern.pattern]
    ]
    monkeypatch.setattr(resources, "ROUTES", tuple(handlers))
    stage.account.layout.teams = ()
    stage.sync()
    assert {each["list"] for each in stage.reported("list refused")} == {
        *("users", "me", "teams", "mailbox_users")
    }
    with service(stage, offline=True) as offline:
        assert [body(offline, path) for path in STAFF] == before


def test_a_list_that_was_never_read_is_an_honest_error(stage: Staged) -> None:
    queries = [ListQuery("users"), ListQuery("me"), ListQuery("members", TEAM)]
    with open_archive(stage.url) as archive, archive.lock() as lock:
        for query in queries:
            with archive.writing(lock) as writer:
                writer.set_list_items(query, None, int(stage.clock.now) + 9)
    with service(stage, offline=True) as offline:
        for path in ("users.json", "users/me.json", f"users/{USER}.json"):
            assert "sync" in body(offline, f"/v1/{path}", 503)["error"]
        assert "sync" in body(offline, f"/v1/teams/{TEAM}/members.json", 503)["error"]
        stage.sync()
        assert body(offline, "/v1/users.json")["count"] == 7


def test_users_and_teams_that_are_gone_are_gone_from_the_archive(stage: Staged) -> None:
    layout = stage.account.layout
    layout.remove_user(USER + 3)
    layout.teams = layout.teams[1:]
    stage.sync()
    with service(stage, offline=True) as offline:
        assert USER + 3 not in [each["id"] for each in body(offline, "/v1/users.json")["items"]]
        assert body(offline, "/v1/teams.json")["count"] == 1
        body(offline, f"/v1/users/{USER + 3}.json", 404)
        body(offline, f"/v1/teams/{TEAM}/members.json", 404)
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        assert snapshot.list_parents("members") == [TEAM + 1]


def test_a_slim_archive_has_users_without_names_and_addresses(
    stage: Staged, tmp_path_factory: pytest.TempPathFactory
) -> None:
    slim = SecretStr(f"sqlite:///{tmp_path_factory.mktemp('slim')}/archive.db")
    stage.settings = stage.settings.model_copy(update={"archive": slim})
    stage.sync(slim=True)
    with service(stage, offline=True) as offline:
        (first, *_) = body(offline, "/v1/users.json")["items"]
        (team, *_) = body(offline, "/v1/teams.json")["items"]
    assert (first["id"], first["role"]) == (USER, "owner")
    assert {first[name] for name in ("firstName", "lastName", "fullName", "email")} == {""}
    assert first["photoUrl"] is None
    assert team["firstName"] == stage.account.layout.teams[0].name


def test_erasing_a_customer_leaves_users_as_they_are(stage: Staged) -> None:
    user = stage.account.layout.users[0]
    with service(stage, offline=True) as offline:
        before = [body(offline, path) for path in STAFF]
    with (
        open_archive(stage.url) as archive,
        archive.lock() as lock,
        archive.writing(lock) as writer,
    ):
        writer.erase_customers({user.id}, [user.email])
    with service(stage, offline=True) as offline:
        assert [body(offline, path) for path in STAFF] == before
    stage.sync()
    with service(stage, offline=True) as offline:
        assert [body(offline, path) for path in STAFF] == before
