"""What an archive knows of threads is completed with what was modified since."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

from compat import clock as local_clock
from compat.archive.database import Archive, open_archive
from compat.archive.records import INDEX_LAG
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval, MaxAges
from compat.core.models import ActivityQuery, NotCovered
from compat.simulator import Account, Behaviour
from compat.v2.client import Client
from tests.unit.sources.activity_scene import AGES, Clock, Scene
from tests.unit.sources.archived_activity import Archived, count_query
from tests.unit.sources.test_activity_changing import lively_account
from tests.unit.v2.upstream import FIRST, QUIET, Stage

StageAndClient = tuple[Stage, Client]
Change = Callable[[Account, int], object]
DAY = 86_400
START = FIRST + 20 * DAY
ALIKE = MaxAges(AGES.recent, AGES.recent)
"""So that nothing that was deleted may be in an answer."""
EXAMPLES = settings(
    max_examples=max(settings().max_examples // 6, 1),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the account, of the sources and of what they keep."""
    clock = Clock(FIRST + 100.0 * DAY)
    monkeypatch.setattr("compat.sources.archive.time", SimpleNamespace(time=clock))
    monkeypatch.setattr(local_clock, "elapsed", clock)
    return clock


@pytest.fixture
def make(
    stage_and_client: StageAndClient, clock: Clock, tmp_path: Path
) -> Iterator[Callable[..., Archived]]:
    """Makes an account and an archive that knows all of its threads."""
    opened: list[Archive] = []

    def make(
        seed: int = 1,
        conversations: int = 40,
        behaviour: Behaviour = QUIET,
        ages: MaxAges = AGES,
    ) -> Archived:
        clock.now = FIRST + 100.0 * DAY
        account = lively_account(clock, random.Random(seed), conversations)
        scene = Scene(stage_and_client, account, behaviour, ages=ages)
        path = tmp_path / f"{len(opened)}.db"
        opened.append(open_archive(f"sqlite:///{path}", create=True))
        archived = Archived(scene, opened[-1], ages)
        archived.synchronise()
        scene.requests()
        return archived

    yield make
    for each in opened:
        each.close()


def until_now(archived: Archived) -> ActivityQuery:
    return ActivityQuery((Interval(START, archived.now()),))


def emails(archived: Archived) -> list[int]:
    """The ids of the emails that lists show and that are no spam."""
    rows = archived.account.conversations()
    return [row.id for row in rows if row.listed and row.type == "email" and row.status != "spam"]


def test_what_the_archive_knows_is_answered_by_it_alone(make: Callable[..., Archived]) -> None:
    archived = make()
    query = ActivityQuery((Interval(START, archived.now() - INDEX_LAG),))
    assert archived.found(query) == archived.expected(query)
    assert archived.counted(query.touched[0], 7) == archived.expected_counts(query.touched[0], 7)
    assert archived.scene.requests() == (0, 0)


CHANGES: dict[str, Change] = {
    "a message": lambda account, id_: account.write(id_),
    "a reply that closes": lambda account, id_: account.reply(id_, status="closed"),
    "a message that was written earlier": lambda account, id_: account.write(
        id_, created=FIRST + 30 * DAY
    ),
    "other tags": lambda account, id_: account.retag(id_, ["new"]),
    "spam": lambda account, id_: account.spam(id_),
    "a new conversation": lambda account, id_: account.add(),
    "an imported conversation": lambda account, id_: account.add(FIRST + 30 * DAY),
    "a message that is removed": lambda account, id_: account.remove_thread(
        id_, account.threads(id_)[-1].id
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_takes_a_total_and_the_lists_of_what_was_modified(
    make: Callable[..., Archived], clock: Clock, name: str
) -> None:
    archived = make()
    clock.now += 3600
    CHANGES[name](archived.account, emails(archived)[0])
    clock.now += 10
    query = until_now(archived)
    assert archived.found(query) == archived.expected(query)
    assert archived.scene.requests() == (4, 0)
    assert archived.live(query) == archived.expected(query)


def test_merged_conversations_are_found_by_their_threads(
    make: Callable[..., Archived], clock: Clock
) -> None:
    archived = make()
    clock.now += 3600
    first, second, third = emails(archived)[:3]
    archived.account.merge(first, second)
    archived.account.merge(second, third)
    query = until_now(archived)
    assert archived.found(query) == archived.expected(query)
    assert archived.counted(query.touched[0], 9) == archived.expected_counts(query.touched[0], 9)
    assert archived.scene.requests() == (8, 0)


def test_further_questions_share_what_was_read(make: Callable[..., Archived], clock: Clock) -> None:
    archived = make()
    clock.now += 3600
    first, second = emails(archived)[:2]
    archived.account.merge(first, second)
    archived.found(until_now(archived))
    archived.scene.requests()
    clock.now += AGES.recent - 1
    archived.counted(until_now(archived).touched[0], 7)
    assert archived.scene.requests() == (0, 0)
    clock.now += 1
    archived.account.write(second)
    query = until_now(archived)
    assert archived.found(query) == archived.expected(query)
    assert archived.scene.requests() == (4, 0)


def test_after_a_deletion_upstream_is_asked_for_all(
    make: Callable[..., Archived], clock: Clock
) -> None:
    archived = make()
    clock.now += 3600
    archived.account.delete(emails(archived)[0])
    query = until_now(archived)
    for _ in range(2):
        assert archived.found(query) == archived.expected(query)
    live = archived.scene.requests()
    archived.found(query)
    assert (live[0] > 4, archived.scene.requests()) == (True, (0, 0))


def test_only_chats_that_a_question_selects_take_a_list_of_threads(
    make: Callable[..., Archived], clock: Clock
) -> None:
    archived = make()
    clock.now += 3600
    chat = next(row for row in archived.account.conversations() if row.type == "chat")
    archived.account.write(chat.id)
    query = until_now(archived)
    archived.found(ActivityQuery(query.touched, types=frozenset({"email"})))
    assert archived.scene.requests() == (4, 0)
    assert archived.found(query) == archived.expected(query)
    assert archived.scene.requests() == (4, 1)


def test_what_is_too_old_is_completed(make: Callable[..., Archived], clock: Clock) -> None:
    archived = make()
    query = ActivityQuery((Interval(START, archived.now() - INDEX_LAG),))
    clock.now += AGES.older
    archived.account.rate(
        emails(archived)[0], archived.account.threads(emails(archived)[0])[0].id, "great"
    )
    assert archived.found(query) == archived.expected(query)
    assert archived.scene.requests() == (4, 0)


def test_a_question_about_later_threads_alone_is_no_matter_of_the_archive(
    make: Callable[..., Archived], clock: Clock
) -> None:
    archived = make()
    later = archived.now() + 10
    clock.now += 3600
    archived.account.write(emails(archived)[0])
    query = ActivityQuery((Interval(later, archived.now()),))
    assert archived.found(query) == archived.expected(query)
    assert archived.scene.requests() == (1, 0)


def test_without_upstream_what_is_not_known_is_refused(
    make: Callable[..., Archived], clock: Clock
) -> None:
    archived = make()
    until = archived.now() - INDEX_LAG
    clock.now += 3600
    with pytest.raises(NotCovered) as refused:
        archived.found(until_now(archived), archived.offline)
    assert refused.value.missing == (Interval(until + 1, archived.now()),)
    assert refused.value.covered == (Interval(FIRST_SECOND, until),)
    assert refused.value.obstacle is None


def test_without_upstream_the_reason_is_named_why_no_threads_are_known(
    make: Callable[..., Archived],
) -> None:
    archived = make()
    query = count_query(Interval(START, START + DAY), 1)
    archived.synchronise(threads=False)
    with pytest.raises(NotCovered) as no_threads:
        archived.offline.count(query, archived.scene.progress)
    archived.synchronise()
    with archived.archive.lock() as lock, archived.archive.writing(lock) as writer:
        writer.set_kept_since(FIRST)
    with pytest.raises(NotCovered) as not_kept:
        archived.offline.count(query, archived.scene.progress)
    with archived.archive.lock() as lock, archived.archive.writing(lock) as writer:
        writer.set_kept_since(None)
    with pytest.raises(NotCovered) as not_read:
        archived.offline.count(query, archived.scene.progress)
    found = [each.value.obstacle for each in (no_threads, not_kept, not_read)]
    assert found == ["threads not kept", "older not kept", "older not read"]


def test_an_erased_customer_has_one_surrogate_everywhere(
    make: Callable[..., Archived], clock: Clock
) -> None:
    archived = make()
    customer = archived.account[emails(archived)[0]].customer_id
    with archived.archive.lock() as lock, archived.archive.writing(lock) as writer:
        writer.erase_customers([customer])
    clock.now += 3600
    archived.account.write(emails(archived)[0])
    found = archived.found(until_now(archived)).values()
    customers = {each.customer for each in found} | {
        thread.customer for each in found for thread in each.threads
    }
    assert customer not in customers
    assert len({each for each in customers if each < 0}) == 1
