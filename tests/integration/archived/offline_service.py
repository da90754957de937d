"""A service that answers from an archive, questions to it, and changes of the account."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from compat.service import LegacyReports
from compat.simulator import Account, Conversation
from compat.v1.http import LegacyResponse
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.synced_account import Clock, Staged, sample_account, staged
from tests.unit.service.doubles import LONG, basic

LISTS = "/v2/conversations"
ALL_AGES = 10**9


def staged_with_one_clock(server: Upstream, url: str, patch: pytest.MonkeyPatch) -> Staged:
    """A sample account and a place for its archive; services go by the account's clock."""
    clock = Clock()
    patch.setattr("compat.sources.archive.time", SimpleNamespace(time=clock))
    return staged(server, url, sample_account(clock), clock)


@contextmanager
def service(stage: Staged, **settings: Any) -> Iterator[LegacyReports]:
    """A service on an archive; the archive is never too old unless settings say otherwise."""
    ages = {"recent_age": ALL_AGES, "max_age": ALL_AGES}
    with LegacyReports(stage.settings.model_copy(update=ages | settings)) as reports:
        yield reports


def ask(reports: LegacyReports, target: str) -> LegacyResponse:
    return reports.answer(target, authorization=basic(), patience=LONG)


def answer_of(reports: LegacyReports, asked: Asked) -> Any:
    """The body of a successful answer."""
    answer = ask(reports, asked.target())
    assert answer.status == 200, answer
    return json.loads(answer.body)


def expected_answer(account: Account, asked: Asked) -> Any:
    return oracle.answer(asked, account)


def change_account(account: Account, rng: random.Random, times: int = 12) -> None:
    """Make random changes, also some that do not count as modifications."""
    for _ in range(times):
        _change(account, rng, rng.choice([each for each in account.conversations() if each.listed]))


def _change(account: Account, rng: random.Random, row: Conversation) -> None:
    layout = account.layout
    changes: list[Callable[[], Conversation]] = [
        lambda: account.delete(row.id),
        lambda: account.spam(row.id),
        lambda: account.unspam(row.id),
        lambda: account.retag(row.id, [rng.choice(layout.tags[:5]).id]),
        lambda: account.move(row.id, rng.choice(layout.mailboxes).id),
        lambda: account.close(row.id),
        lambda: account.publish(row.id),
        lambda: account.add(None, tags=[layout.tags[0].id]),
        lambda: account.add(row.created, status="closed"),
    ]
    rng.choice(changes)()
