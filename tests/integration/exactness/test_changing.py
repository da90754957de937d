"""An account that changes while it is asked: what was there throughout is counted exactly once."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from compat.simulator.churn import apply_random_change
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import homes_and_one_view, questions
from tests.integration.exactness.simulated_upstream import Upstream, busy_account, conventions_of
from tests.unit.service.doubles import FIRST, LONG, basic

EXAMPLES = min(settings().max_examples // 2, 300)
SIZE = {"conversations": 80, "burst": 40}
ACCOUNT = busy_account(**SIZE)
"""What every account of these tests is before it changes."""

behaviours = st.builds(
    Behaviour,
    rate_limit=st.none(),
    page_size=st.sampled_from([25, 50]),
    empty=st.sampled_from(["array", "absent"]),
    past_end=st.sampled_from(["empty", "not_found"]),
    all_lists_spam=st.booleans(),
    index_fractions=st.booleans(),
    repeat_rate=st.sampled_from([0.0, 0.3]),
    fail_rate=st.sampled_from([0.0, 0.15]),
    truncate_rate=st.sampled_from([0.0, 0.05]),
)


@dataclass
class Life:
    """An account's changes between requests, and what matched a question meanwhile.

    Attributes:
        account: The account.
        asked: The question.
        rng: Chooses what happens.
        pace: How much happens before each request.
        throughout: Ids that have matched at every moment so far.
        ever: Ids that have matched at some moment.
    """

    account: Account
    asked: Asked
    rng: random.Random
    pace: int
    throughout: set[int] = field(default_factory=set)
    ever: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.throughout = self.matching()
        self.ever = set(self.throughout)

    def matching(self) -> set[int]:
        rows = self.account.conversations()
        return {row.id for row in rows if oracle.matches(row, self.asked, self.account)}

    def goes_on(self, account: Account, _target: str) -> None:
        """What happens before a request is answered."""
        for _ in range(self.pace):
            apply_random_change(account, self.rng)
            now = self.matching()
            self.throughout &= now
            self.ever |= now

    def bounds(self, start: int, end: int) -> list[tuple[str, int, int]]:
        """Each bucket's start, and the least and the most that may be counted in it."""
        least, most = (
            oracle.counted([self.account[one] for one in ids], start, end, self.asked.view_by)
            for ids in (self.throughout, self.ever)
        )
        return [(opens, low, high) for (opens, low), (_, high) in zip(least, most, strict=True)]


@settings(max_examples=EXAMPLES)
@given(
    asked=questions(ACCOUNT, homes_and_one_view(ACCOUNT)),
    behaviour=behaviours,
    seed=st.integers(0, 10**6),
    pace=st.integers(1, 4),
)
def test_every_count_lies_between_what_was_there_throughout_and_what_ever_was(
    upstream_server: Upstream, asked: Asked, behaviour: Behaviour, seed: int, pace: int
) -> None:
    account = busy_account(**SIZE)
    life = Life(account, asked, random.Random(seed), pace)
    reach = upstream_server.show(Simulator(account, behaviour, before_request=life.goes_on))
    reach = reach.model_copy(update={"conventions": conventions_of(asked)})
    with LegacyReports(reach) as reports:
        answer = reports.answer(asked.target(), authorization=basic(), patience=LONG)
    assert answer.status in {200, 503}, answer
    if answer.status == 503:
        return
    content = json.loads(answer.body)
    ranges = {"current": (asked.start, asked.end)}
    if asked.previous:
        ranges["previous"] = asked.previous
    assert set(content) == set(ranges)
    for name, span in ranges.items():
        for bucket, (opens, least, most) in zip(content[name], life.bounds(*span), strict=True):
            assert bucket["start"] == opens
            assert least <= bucket["count"] <= most


def test_most_questions_about_a_lively_account_are_answered(upstream_server: Upstream) -> None:
    asked = Asked(ACCOUNT.conversations()[0].created, ACCOUNT.conversations()[-1].created)
    statuses = []
    for seed in range(5):
        account = busy_account(**SIZE)
        life = Life(account, asked, random.Random(seed), 2)
        quiet = Behaviour(rate_limit=None, index_fractions=True)
        reach = upstream_server.show(Simulator(account, quiet, before_request=life.goes_on))
        with LegacyReports(reach) as reports:
            answer = reports.answer(asked.target(), authorization=basic(), patience=LONG)
        assert len(account.changes) > 8
        statuses.append(answer.status)
    assert statuses.count(200) >= 3


@pytest.mark.parametrize("moment", range(1, 7))
def test_a_row_that_goes_from_a_view_to_a_home_is_counted_whenever_it_goes(
    upstream_server: Upstream, moment: int
) -> None:
    account = Account()
    mailbox, user = account.layout.mailboxes[0].id, account.layout.users[0].id
    row = account.add(FIRST, mailbox_id=mailbox, assignee_id=user)
    folders = account.layout.folders_of(mailbox)
    mine = next(each.id for each in folders if (each.type, each.user_id) == ("mytickets", user))
    closed = account.layout.folder_id(mailbox, "closed")
    seen: list[str] = []

    def close(account: Account, target: str) -> None:
        seen.append(target)
        if len(seen) == moment:
            account.close(row.id)

    asked = Asked(FIRST - 10, FIRST + 10, filters={"folders": (mine, closed)})
    reach = upstream_server.show(
        Simulator(account, Behaviour(rate_limit=None), before_request=close)
    )
    with LegacyReports(reach) as reports:
        answer = reports.answer(asked.target(), authorization=basic(), patience=LONG)
    assert answer.status == 200
    assert json.loads(answer.body) == oracle.answer(asked, account)
