"""Requests and memory that a run takes, for accounts of any size."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from compat.archive.database import open_archive
from compat.archive.records import INDEX_LAG, LAYERS, THREADS_KNOWN
from compat.archive.repository import tags_to_text
from compat.archive.schema import conversation as table
from compat.archive.schema import unread_threads
from compat.archive.sync.backfill import READ_WITH_THREADS
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Coverage, Interval
from compat.simulator import Account, Behaviour, Conversation
from compat.simulator.layout import Layout
from tests.integration.exactness.simulated_upstream import Upstream
from tests.profiles import THOROUGH
from tests.unit.archive.sync.synced_account import DAY, Clock, Staged, staged
from tests.unit.server.commands import COMMAND, environment

SIZE = 1_000_000 if THOROUGH else 20_000
LITTLE = 10_000 if THOROUGH else 2_000
MORE = 100_000 if THOROUGH else 8_000
EVERY = 300
NEVER = 10**6
"""Days."""

_THREADS = """
INSERT INTO thread (id, conversation, created, type, state, status, author_type, author, customer,
                    action, source, saved_reply, rating, attachments, seen, rating_customer,
                    rating_customer_name, rating_user_name, rating_comments)
SELECT id, id, created, 'customer', 'published', 'active', 'customer', customer, customer,
       'default', 'email', 0, 0, 0, seen, 0, '', '', ''
FROM conversation
"""

PAGES = 2 * 32 + 16
"""Megabytes by which a large account may exceed a little one: SQLite keeps pages up to 32 for a
connection that reads and as many for one that writes, however large the file."""

WEIGHED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command, and prints the most memory that it took, in kilobytes."""


class Large(Account):
    """An account that returns its conversations without sorting them."""

    def conversations(self) -> list[Conversation]:
        return list(self._rows.values())


def large_account(size: int, clock: Clock) -> Account:
    """Two mailboxes with a conversation every five minutes, none of them changed lately."""
    layout = Layout(("Support", "Sales"))
    first = int(clock.now) - 40 * DAY - size * EVERY
    return Large(layout, _rows(layout, size, first), clock)


def _rows(layout: Layout, size: int, first: int) -> Iterator[Conversation]:
    boxes = [mailbox.id for mailbox in layout.mailboxes]
    homes = [layout.folder_id(box, "open") for box in boxes]
    for at in range(size):
        created = first + at * EVERY
        yield Conversation(
            id=at + 1,
            number=at + 1,
            created=created,
            millis=0,
            modified=created,
            type="email",
            status="spam" if at % 20 == 7 else "closed",
            state="published",
            mailbox_id=boxes[at % 2],
            folder_id=homes[at % 2],
            assignee_id=0,
            customer_id=900_001,
            created_by=0,
            tag_ids=(),
            subject="Hello",
            threads=1,
            closed=None,
            closed_by=0,
            waiting_since=created,
            attachments=False,
            merged_into=None,
        )


def archived(stage: Staged) -> None:
    """Make the archive as a run that has just ended leaves it, without running."""
    seen = int(stage.clock.now)
    with (
        open_archive(stage.url, create=True, slim=True) as archive,
        archive.lock() as lock,
        archive.writing(lock) as writer,
    ):
        rows = iter(stage.account.conversations())
        while some := [_facts(row, seen) for row in islice(rows, 20_000)]:
            writer._connection.execute(table.insert(), some)
        covered = Coverage(Interval(FIRST_SECOND, seen - INDEX_LAG), seen)
        for layer in (*LAYERS, "read"):
            writer.add_coverage(layer, covered)
        writer.set_note("all lists spam", True)


def _facts(row: Conversation, seen: int) -> dict[str, object]:
    return {
        "id": row.id,
        "created": row.created,
        "mailbox": row.mailbox_id,
        "folder": row.folder_id,
        "type": row.type,
        "status": row.status,
        "state": row.state,
        "tags": tags_to_text(row.tag_ids),
        "seen": seen,
        "number": row.number,
        "closed": row.closed,
        "closed_by": row.closed_by,
        "created_by": row.customer_id,
        "customer": row.customer_id,
        "assignee": row.assignee_id,
        "threads": row.threads,
        "updated": row.modified,
        "waiting_since": row.waiting_since,
    }


@pytest.fixture(scope="module")
def made(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """A large account and an archive that is up to date."""
    clock = Clock()
    url = f"sqlite:///{tmp_path_factory.mktemp('large')}/archive.db"
    stage = staged(upstream_server, url, large_account(SIZE, clock), clock)
    archived(stage)
    return stage


@pytest.fixture
def large(made: Staged) -> Staged:
    """The same, shown again, a day later."""
    made.upstream_server.show(made.simulator)
    made.clock.advance(DAY)
    return made


def quiet_requests(stage: Staged) -> int:
    """How many requests a run sends if nothing has changed, without that for a token."""
    layout = stage.account.layout
    return 13 + 4 * len(layout.mailboxes) + len(layout.teams)


@pytest.mark.timeout(1200)
def test_a_daily_run_on_a_quiet_account_asks_a_handful_and_a_deletion_about_twenty_more(
    large: Staged,
) -> None:
    quiet = quiet_requests(large)
    large.sync(reread_days=NEVER)
    assert large.asked() == quiet
    gone = large.account.conversations()[SIZE // 3]
    large.account.delete(gone.id)
    large.clock.advance(DAY)
    assert large.sync(reread_days=NEVER).removed == 1
    assert large.asked() <= quiet + 22
    assert gone.id not in large.rows(Interval(gone.created, gone.created))


def with_threads(stage: Staged, file: Path) -> Staged:
    """The same account, and a copy of its archive that has a thread of each conversation."""
    with (
        closing(sqlite3.connect(stage.url.removeprefix("sqlite:///"))) as source,
        closing(sqlite3.connect(file)) as target,
    ):
        source.backup(target)
    url = f"sqlite:///{file}"
    with open_archive(url) as archive, archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
        writer._connection.execute(unread_threads.delete())
        writer._connection.execute(text(_THREADS))
    with open_archive(url) as archive, archive.lock() as lock:
        with archive.reading() as snapshot:
            covered = snapshot.coverage()
        with archive.writing(lock) as writer:
            for each in covered:
                writer.add_coverage(READ_WITH_THREADS, each)
            writer.set_note(THREADS_KNOWN, min(each.as_of for each in covered))
    settings = stage.settings.model_copy(update={"archive": SecretStr(url)})
    return replace(stage, settings=settings, events=[])


@pytest.mark.timeout(1200)
def test_a_daily_run_with_threads_asks_four_more_if_nothing_was_modified_in_30_days(
    large: Staged, tmp_path: Path
) -> None:
    stage = with_threads(large, tmp_path / "threads.db")
    for _ in range(2):
        stage.clock.advance(DAY)
        stage.sync(reread_days=NEVER)
        assert stage.asked() == quiet_requests(stage) + 4


@pytest.mark.parametrize(("parallel", "for_parts"), [(1, 0), (4, 8)])
def test_rereading_takes_the_requests_of_its_share_of_all_rows(
    upstream_server: Upstream, url: str, parallel: int, for_parts: int
) -> None:
    """A part that another worker takes over costs a request more for each list."""
    clock = Clock()
    stage = staged(upstream_server, url, large_account(20_000, clock), clock)
    archived(stage)
    stage.limit_requests(parallel)
    stage.sync()
    days = 40
    clock.advance(DAY)
    stage.sync(reread_days=days)
    share = 20_000 / days / 25
    assert share <= stage.asked() - quiet_requests(stage) <= share * 1.2 + 4 + for_parts


def test_a_quiet_quarter_of_an_hour_costs_no_more_than_a_quiet_day(
    upstream_server: Upstream, url: str
) -> None:
    clock = Clock()
    stage = staged(upstream_server, url, large_account(2_000, clock), clock)
    archived(stage)
    for _ in range(3):
        clock.advance(900)
        stage.sync()
        assert stage.asked() <= quiet_requests(stage)


@pytest.mark.timeout(1200)
def test_memory_does_not_grow_with_the_account(upstream_server: Upstream, tmp_path: Path) -> None:
    used = {}
    for size in (LITTLE, MORE):
        clock = Clock()
        url = f"sqlite:///{tmp_path}/{size}.db"
        account = large_account(size, clock)
        behaviour = Behaviour(rate_limit=None, page_size=500)
        stage = staged(upstream_server, url, account, clock, behaviour)
        used[size] = megabytes(stage)
        assert len(stage.rows()) == size
    assert used[MORE] < used[LITTLE] + PAGES, used


@pytest.mark.timeout(1200)
def test_memory_of_a_daily_run_does_not_grow_with_the_account(
    large: Staged, upstream_server: Upstream, tmp_path: Path
) -> None:
    of_large = megabytes(large)
    clock = Clock()
    little = staged(
        upstream_server, f"sqlite:///{tmp_path}/l.db", large_account(LITTLE, clock), clock
    )
    archived(little)
    clock.advance(DAY)
    assert of_large < megabytes(little) + PAGES


def megabytes(stage: Staged) -> float:
    """The most memory that the command takes for a run, in megabytes."""
    settings = {
        "HELPSCOUT_APP_ID": "demo-app",
        "HELPSCOUT_APP_SECRET": "demo-secret",
        "HELPSCOUT_BASE_URL": stage.settings.base_url,
        "COMPAT_ARCHIVE": stage.url,
        "COMPAT_REREAD_DAYS": str(NEVER),
    }
    # The measure of a process includes its parent's memory at the start, so a small one starts it.
    done = subprocess.run(
        [sys.executable, "-c", WEIGHED, COMMAND, "sync"],
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return int(done.stdout) / 1024
