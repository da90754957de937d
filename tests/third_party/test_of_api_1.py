"""The old client for API 1.0, unchanged but for its base address, on the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from compat.asgi import create_app
from compat.service import LegacyReports
from compat.simulator import Behaviour, Simulator, make_account
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import DAY
from tests.integration.exactness.simulated_upstream import NOW, SINCE, upstream
from tests.third_party import true_values
from tests.third_party.environments import run
from tests.unit.server.threaded_server import LOOPBACK, serving

pytestmark = pytest.mark.thorough  # installing the clients takes a minute

ACCOUNT = make_account(140, 3, NOW, SINCE)
FIRST, LAST = (ACCOUNT.conversations()[at].created for at in (0, -1))
QUESTIONS = (
    Asked(FIRST, LAST, view_by="day"),
    Asked(FIRST, LAST, view_by="month", filters={"types": ("email", "phone")}),
    Asked(FIRST + 20 * DAY, LAST, previous=(FIRST, FIRST + 20 * DAY - 1)),
    Asked(FIRST, LAST, filters={"mailboxes": (8501, 8508), "tags": (1, 6001)}),
)
KEY = "an-old-key"


@pytest.fixture(scope="module")
def brought() -> Iterator[Any]:
    with upstream() as upstream_server:
        reach = upstream_server.show(Simulator(ACCOUNT, Behaviour(rate_limit=None)))
        keys = {"api_keys": (SecretStr(KEY),)}
        with (
            LegacyReports(reach.model_copy(update=keys)) as reports,
            serving(create_app(reports), lifespan="off") as port,
        ):
            new = [["conversations/new", dict(asked.pairs())] for asked in QUESTIONS]
            asked = {
                "base_url": f"http://{LOOPBACK}:{port}/v1",
                "key": KEY,
                "mailboxes": [mailbox.id for mailbox in ACCOUNT.layout.mailboxes],
                "reports": [*new, ["conversations/new", {"start": "soon"}]],
            }
            yield run("helpscout", "helpscout_v1", asked)


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_reports_over_its_session_are_exact(brought: Any, number: int) -> None:
    assert brought["reports"][number] == [200, oracle.answer(QUESTIONS[number], ACCOUNT)]


def test_a_report_that_is_asked_wrongly_blames_the_parameters(brought: Any) -> None:
    status, content = brought["reports"][-1]
    assert status == 400
    assert {each["property"] for each in content["validationErrors"]} == {"start", "end"}


def test_its_mailboxes_are_the_accounts(brought: Any) -> None:
    names = ("id", "name", "slug", "email")
    assert [{name: row[name] for name in names} for row in brought["mailboxes"]] == [
        {"id": each.id, "name": each.name, "slug": each.slug, "email": each.email}
        for each in ACCOUNT.layout.mailboxes
    ]
    assert all(row["createdAt"] and row["modifiedAt"] for row in brought["mailboxes"])


def test_its_folders_are_the_mailboxes_with_what_is_in_them(brought: Any) -> None:
    for mailbox, rows in brought["folders"].items():
        homes = {row["id"]: row for row in rows}
        for expected in true_values.folders(ACCOUNT, int(mailbox)):
            row = homes[expected["id"]]
            # To this client a count of nothing is no count.
            counts = {name: row[name] or 0 for name in ("totalCount", "activeCount")}
            assert row | counts | {"userId": None} == row | expected | {"userId": None}
        owned = sorted({*(user.id for user in ACCOUNT.layout.users), *ACCOUNT.layout.team_by_id})
        assert sorted(row["userId"] for row in rows if row["type"] == "mine") == owned


def test_its_tags_have_their_names_and_counts(brought: Any) -> None:
    assert {row["tag"]: row["count"] or 0 for row in brought["tags"]} == true_values.tags(ACCOUNT)
    assert all(row["color"] and row["slug"] for row in brought["tags"])


def test_its_users_are_the_accounts(brought: Any) -> None:
    names = {row["id"]: (row["firstName"], row["lastName"]) for row in brought["users"]}
    assert names == {
        each.id: (each.first, each.last) for each in ACCOUNT.layout.user_by_id.values()
    }


def test_what_is_not_served_is_an_error_it_understands(brought: Any) -> None:
    message = "The specified resource was not found: '/v1/customers.json'"
    assert brought["missing"] == [404, f"(404) {message}"]


def test_a_wrong_key_is_an_error_it_understands(brought: Any) -> None:
    message = "Authentication was not provided or was invalid."
    assert brought["stranger"] == [401, f"(401) {message}"]
