"""What answers at `HELPSCOUT_BASE_URL` is another program, which knows none of the addresses."""

from __future__ import annotations

import json
from typing import Final

import pytest

from compat.archive.sync.run import SyncStopped
from compat.config.settings import Settings
from compat.core.models import ListQuery
from compat.server.asgi_types import Receive, Scope, Send
from compat.service import LegacyReports
from compat.v1.http import LegacyResponse
from tests.integration.exactness.simulated_upstream import Upstream
from tests.integration.odd_data.odd_api import OddApi
from tests.unit.service.doubles import LONG, basic

JANUARY: Final = "start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z"
WITHOUT_IDS: Final = (
    *(
        f"/v1/reports/{path}?{JANUARY}"
        for path in (
            "conversations/new.json",
            "conversations/new-drilldown.json",
            "conversations/busy-times.json",
            "conversations/received-messages.json",
            "happiness.json",
        )
    ),
    f"/v1/reports/happiness/ratings.json?{JANUARY}&rating=0",
    f"/v1/reports/user.json?{JANUARY}&user=1",
    f"/v1/reports/user/replies.json?{JANUARY}&user=1",
    *(
        f"/v1/{path}.json"
        for path in ("mailboxes", "tags", "users", "users/me", "teams", "teams/1/members")
    ),
)


@pytest.fixture
def api(upstream_server: Upstream, url: str) -> OddApi:
    """An account, and a place for an archive in SQLite."""
    return OddApi.shown(upstream_server, url)


async def nothing_here(scope: Scope, _receive: Receive, send: Send) -> None:
    """An ASGI application that accepts all credentials and has nothing else."""
    is_token = scope["path"].endswith("/oauth2/token")
    token = {"token_type": "bearer", "access_token": "abc", "expires_in": 172_800}
    body = json.dumps(token if is_token else {"message": "Not Found"}).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    status = 200 if is_token else 404
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def answer(settings: Settings, target: str) -> LegacyResponse:
    with LegacyReports(settings) as reports:
        return reports.answer(target, authorization=basic(), patience=LONG)


@pytest.mark.parametrize("target", WITHOUT_IDS)
def test_a_list_that_is_not_at_the_address_is_an_error_that_names_the_setting(
    api: OddApi, upstream_server: Upstream, target: str
) -> None:
    upstream_server.app = nothing_here
    found = answer(api.live(), target)
    assert found.status == 503
    assert "HELPSCOUT_BASE_URL" in json.loads(found.body)["error"]


@pytest.mark.parametrize("path", ["mailboxes/1", "mailboxes/1/folders", "users/1"])
def test_what_is_asked_for_by_an_id_does_not_exist(
    api: OddApi, upstream_server: Upstream, path: str
) -> None:
    upstream_server.app = nothing_here
    assert answer(api.live(), f"/v1/{path}.json").status == 404


def test_a_synchronisation_stops_and_keeps_the_lists_that_it_has(
    api: OddApi, upstream_server: Upstream
) -> None:
    api.sync()
    with api.snapshot() as before:
        held = before.list_items(ListQuery("tags"))
    upstream_server.app = nothing_here
    with pytest.raises(SyncStopped, match="check HELPSCOUT_BASE_URL"):
        api.sync()
    with api.snapshot() as after:
        assert after.list_items(ListQuery("tags")) == held
    assert held
