"""Asks all reports on a user or a team one question, and compares the answers with the oracle."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from compat.service import LegacyReports
from compat.simulator import Account
from compat.simulator.layout import Team
from tests.integration.exactness import oracle, user_oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.simulated_upstream import judged_by
from tests.unit.service.doubles import LONG, basic, only_account

EMPTY_TEAM = 4_999
LEAST_BY_MONTH = 61 * 86_400

Json = dict[str, Any]


def with_empty_team(account: Account) -> Account:
    """The account with a team that has no members."""
    team = Team(EMPTY_TEAM, "Nobody yet", frozenset())
    account.layout.teams = (*account.layout.teams, team)
    account.layout.team_by_id[team.id] = team
    return account


def staff(account: Account) -> st.SearchStrategy[int]:
    """The id of a user or a team."""
    layout = account.layout
    users = [user.id for user in (*layout.users, *layout.invited)]
    return st.sampled_from([*users, *(team.id for team in layout.teams)])


def allowed(asked: Asked) -> Asked:
    """The question with buckets that the reports allow for its ranges."""
    spans = [(asked.start, asked.end), *([asked.previous] if asked.previous else [])]
    if asked.view_by == "month" and any(end - start + 1 < LEAST_BY_MONTH for start, end in spans):
        return replace(asked, view_by="week")
    return asked


def ask(reports: LegacyReports, asked: Asked, user: int, path: str, more: str = "") -> Json | None:
    """The body of an answer, by the conventions of the question; None if there is none."""
    judging = judged_by(reports, asked)
    target = f"{asked.target(path=path)}user={user}{more}"
    answer = judging.answer(target, authorization=basic(), patience=LONG)
    only_account(judging)._calls.close()
    assert answer.status in {200, 503}, answer
    return json.loads(answer.body) if answer.status == 200 else None


def check_all(reports: LegacyReports, asked: Asked, user: int, account: Account) -> int:
    """Compare all answers; those that upstream's faults prevent are passed over.

    Returns:
        How many answers there were.
    """
    answered = 0
    for key, path in user_oracle.SERIES.items():
        if (content := ask(reports, asked, user, path)) is not None:
            assert content == user_oracle.series(asked, user, account, key)
            answered += 1
    if (content := ask(reports, asked, user, f"{user_oracle.ROOT}.json")) is not None:
        check_report(content, asked, user, account)
        answered += 1
    expected = user_oracle.history(asked, user, account)
    for page in (1, 2):
        more = f"&page={page}"
        content = ask(reports, asked, user, f"{user_oracle.ROOT}/conversation-history.json", more)
        if content is not None:
            first = (page - 1) * user_oracle.ROWS
            assert content == {
                "pages": -(-len(expected) // user_oracle.ROWS),
                "page": page,
                "count": len(expected),
                "results": expected[first : first + user_oracle.ROWS],
            }
            answered += 1
    return answered


def check_report(content: Json, asked: Asked, user: int, account: Account) -> None:
    """Compare `user.json`, except how many customers were ever helped."""
    layout = account.layout
    expected = user_oracle.report(asked, user, account)
    spans = {"current": (asked.start, asked.end), "previous": asked.previous}
    for block in expected.keys() - {"deltas"}:
        dates = zip(("startDate", "endDate"), map(oracle.text, spans[block] or ()), strict=True)
        expected[block] |= dict(dates)
    shown = {name: content[name] for name in content.keys() - {"user", "filterTags"}}
    assert shown == expected
    assert content["filterTags"] == [
        {"id": 1, "name": ""},
        *({"id": tag.id, "name": tag.name} for tag in layout.tags),
    ]
    item = layout.user_by_id.get(user)
    name = layout.team_by_id[user].name if item is None else f"{item.first} {item.last}"
    assert (content["user"]["id"], content["user"]["name"]) == (user, name)
