"""The command, killed without warning at random points while the account changes.

Three times in the quick profile, twenty in the thorough one. `COMPAT_TEST_KILLS` sets another
number, such as 100 every night.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from compat.archive.database import Archive, open_archive
from compat.archive.records import INDEX_LAG
from compat.core import intervals
from compat.core.models import (
    ActivityQuery,
    ActivitySet,
    ConversationQuery,
    Document,
    ListItems,
    ListQuery,
    Progress,
    RowSet,
)
from compat.service import LegacyReports
from compat.simulator import Account
from compat.simulator.churn import apply_random_change
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.simulated_upstream import Upstream, add, judged_by
from tests.profiles import THOROUGH
from tests.unit.archive.sync.synced_account import DAY, QUIET, Clock, Staged, sample_account, staged
from tests.unit.archive.sync.true_threads import held_threads, known_until, true_threads
from tests.unit.server.commands import COMMAND, environment
from tests.unit.service.doubles import LONG, basic

KILLS = int(os.environ.get("COMPAT_TEST_KILLS") or (20 if THOROUGH else 3))
MOST_REQUESTS = 60
THOUSAND = 1000


@dataclass
class AccountLife:
    """Changes the account before each list is sent, and kills the process.

    Attributes:
        stage: The account and its archive.
        rng: Chooses the changes.
        pace: The probability of a change before a list.
        requests_to_kill: Requests until the process is killed.
        process: The process; None for none.
    """

    stage: Staged
    rng: random.Random
    pace: float = 0.5
    requests_to_kill: int = 0
    process: subprocess.Popen[bytes] | None = None
    killers: list[threading.Timer] = field(default_factory=list)

    def account_changes(self, account: Account, _target: str) -> None:
        self.stage.clock.advance(self.rng.random())
        if self.rng.random() < self.pace:
            apply_random_change(account, self.rng)
        self.requests_to_kill -= 1
        if self.requests_to_kill == 0 and self.process is not None:
            killer = threading.Timer(self.rng.random() / 10, self.process.kill)
            killer.start()
            self.killers.append(killer)

    def change_thousands(self) -> None:
        """Make a thousand changes in one second, some new conversations, and an import."""
        account, rng = self.stage.account, self.rng
        rows = [row for row in account.conversations() if row.listed]
        for row in rng.choices(rows, k=THOUSAND):
            account.retag(row.id, [rng.choice(account.layout.tags).id])
        for _ in range(THOUSAND // 20):
            add(account, rng, int(self.stage.clock.now))
            add(account, rng, rng.choice(rows).created)


class ArchiveOnlySource:
    """A source that returns what the archive holds, and nothing else."""

    ready = True

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def rows(self, need: ConversationQuery, _progress: Progress) -> RowSet:
        with self._archive.reading() as snapshot:
            rows = snapshot.rows(need.created, mailboxes=need.mailboxes)
        homes = [row for row in rows if not need.folders or row.folder in need.folders]
        return RowSet(homes, 0, 0)

    def activity(self, query: ActivityQuery, _progress: Progress) -> ActivitySet:
        raise LookupError(query)

    def list_items(self, query: ListQuery) -> ListItems:
        raise LookupError(query)

    def documents(self, ids: Sequence[int], _progress: Progress) -> Sequence[Document]:
        raise LookupError(ids)

    def seconds_for(self, _pages: float, _others: float = 0.0) -> float:
        return 0

    def close(self) -> None:
        """Nothing to close."""


def questions(stage: Staged) -> list[Asked]:
    """Questions for all conversations and for parts, with each filter."""
    layout = stage.account.layout
    created = [row.created for row in stage.account.conversations()]
    whole = (min(created), max(created))
    mailboxes = tuple(mailbox.id for mailbox in layout.mailboxes)
    homes = tuple(
        folder.id for folder in layout.folders if folder.type in {"open", "closed", "spam"}
    )
    return [
        Asked(*whole, view_by="month"),
        Asked(*whole, view_by="day", previous=(whole[0] - 90 * DAY, whole[1] - 90 * DAY)),
        *(Asked(*whole, filters={"mailboxes": (each,)}) for each in mailboxes),
        *(Asked(*whole, filters={"tags": (tag.id,)}) for tag in layout.tags[:6]),
        Asked(*whole, filters={"tags": (1, layout.tags[0].id)}),
        *(Asked(*whole, filters={"types": (kind,)}) for kind in ("email", "chat", "phone")),
        *(Asked(*whole, filters={"folders": (home,)}) for home in homes),
        Asked(whole[0] + DAY, whole[1] - DAY, not_counted=frozenset()),
    ]


def command(life: AccountLife) -> Callable[..., int]:
    """Runs `sync` in a process that may be killed; returns its exit status."""
    settings = {
        "HELPSCOUT_APP_ID": "demo-app",
        "HELPSCOUT_APP_SECRET": "demo-secret",
        "HELPSCOUT_BASE_URL": life.stage.settings.base_url,
        "COMPAT_ARCHIVE": life.stage.url,
    }

    def run(*options: str) -> int:
        life.process = subprocess.Popen(
            [COMMAND, "sync", "--accept-loss", *options],
            env=environment(settings),
            stderr=subprocess.DEVNULL,
        )
        return life.process.wait(LONG)

    return run


@pytest.mark.timeout(max(1800, 60 * KILLS))
def test_after_any_number_of_kills_a_verified_archive_gives_every_report_as_it_is_upstream(
    upstream_server: Upstream, any_url: str
) -> None:
    clock = Clock()
    stage = staged(upstream_server, any_url, sample_account(clock, 600, 80), clock, QUIET)
    life = AccountLife(stage, random.Random(KILLS))
    stage.simulator.before_request = life.account_changes
    run = command(life)
    killed = 0
    for at in range(KILLS):
        life.requests_to_kill = life.rng.randrange(1, MOST_REQUESTS)
        killed += run(*(["--verify"] if at % 4 == 3 else [])) == -9
        clock.advance(life.rng.choice([1, 60, INDEX_LAG, DAY]))
        if at == KILLS // 2:
            life.change_thousands()
    life.process, life.pace, life.requests_to_kill = None, 0, 0
    for killer in life.killers:
        killer.join()
    assert killed > KILLS // 2
    clock.advance(2 * INDEX_LAG)
    assert run("--verify") == 0  # this may go on with one that was killed
    assert run("--verify") == 0
    (covered,) = intervals.union(known.interval for known in stage.coverage())
    assert stage.rows(covered) == stage.truth(covered)
    assert len(stage.rows()) > 600
    with open_archive(any_url) as archive:
        source = ArchiveOnlySource(archive)
        for asked in questions(stage):
            with LegacyReports(stage.settings, source=source) as reports:
                found = answer_of(reports, asked)
            assert found == oracle.answer(asked, stage.account)


@pytest.mark.timeout(max(1800, 60 * KILLS))
def test_after_any_number_of_kills_an_archive_gets_all_threads(
    upstream_server: Upstream, any_url: str
) -> None:
    clock = Clock()
    stage = staged(upstream_server, any_url, sample_account(clock, 2600, 20), clock, QUIET)
    life = AccountLife(stage, random.Random(KILLS))
    stage.simulator.before_request = life.account_changes
    run = command(life)
    killed = 0
    for _ in range(KILLS):
        life.requests_to_kill = life.rng.randrange(1, MOST_REQUESTS // 2)
        killed += run("--threads") == -9
        clock.advance(life.rng.choice([1, 60, INDEX_LAG, DAY]))
    life.process, life.pace, life.requests_to_kill = None, 0, 0
    for killer in life.killers:
        killer.join()
    assert killed > KILLS // 2
    clock.advance(2 * INDEX_LAG)
    assert run("--threads", "--verify") == 0
    assert known_until(stage) is not None
    rows = stage.rows()
    assert held_threads(stage) == {
        id_: threads
        for id_, threads in true_threads(stage.account).items()
        if threads and id_ in rows
    }


def answer_of(reports: LegacyReports, asked: Asked) -> object:
    """The answer by the conventions of the question."""
    answer = judged_by(reports, asked).answer(asked.target(), authorization=basic(), patience=LONG)
    assert answer.status == 200, answer
    return json.loads(answer.body)
