"""What an archive knows of threads is completed with what was modified since."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compat import clock as local_clock
from compat.archive.database import Archive, open_archive
from compat.archive.records import INDEX_LAG, RECENT_THREADS, THREADS_KNOWN
from compat.archive.schema import thread
from compat.core.calendar import FIRST_SECOND
from compat.core.counting import SourceWithHistory
from compat.core.intervals import Interval, MaxAges
from compat.core.models import ActivityQuery, NotCovered
from compat.simulator import Account, Behaviour
from compat.sources.activity_merge import ActivityCompleter
from compat.v2.client import Client
from compat.v2.errors import InconsistentData
from tests.unit.sources.activity_scene import AGES, Clock, Scene, existing_threads
from tests.unit.sources.archived_activity import COUNTED, Archived, count_query
from tests.unit.sources.test_activity_changing import Life, lively_account
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
        scene.source._activities._cache.elapsed = clock
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
    # A list without threads that were there before may be old: those threads are listed.
    lists_of_threads = int(name == "a message that is removed")
    assert archived.scene.requests() == (4, lists_of_threads)
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


def test_ratings_and_customers_are_counted_with_what_was_modified(
    make: Callable[..., Archived], clock: Clock
) -> None:
    archived = make()
    clock.now += 3600
    first, second = emails(archived)[:2]
    (user, *_) = archived.users()
    for id_ in (first, second):
        reply = archived.account.reply(id_, author_id=user)
        archived.account.rate(id_, reply.id, "great")
    archived.account.spam(second)
    span = until_now(archived).touched[0]
    for users in (frozenset[int](), frozenset({user})):
        expected = archived.expected_ratings(span, users, automatic_replies=True)
        assert expected.great >= 1
        assert archived.ratings(span, users, automatic_replies=True) == expected


def test_customers_who_were_ever_helped_are_known_if_all_threads_are(
    make: Callable[..., Archived], clock: Clock
) -> None:
    archived = make()
    ever = Interval(FIRST_SECOND, archived.now())
    (user, *_) = archived.users()
    users = frozenset({user})
    expected = archived.expected_ratings(ever, users, automatic_replies=True).helped
    assert expected > 0
    for source in (archived.source, archived.offline):
        assert isinstance(source, SourceWithHistory)
        progress = archived.scene.progress
        found = source.customers_helped(users, COUNTED, progress, automatic_replies=True)
        assert found == expected
    archived.scene.requests()
    archived.synchronise(threads=False)
    none = archived.source.customers_helped(
        users, COUNTED, archived.scene.progress, automatic_replies=True
    )
    assert (none, archived.scene.requests()) == (None, (0, 0))


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


def test_what_a_run_writes_meanwhile_is_compared_as_well(
    make: Callable[..., Archived], clock: Clock
) -> None:
    archived = make()
    clock.now += 3600
    gone = archived.account.add().id
    records = list(archived.records(archived.now(), lambda row: row.id == gone))
    archived.account.delete(gone)

    def before(number: int) -> None:
        if number == 2:  # the run had read it before it was deleted
            with archived.archive.lock() as lock, archived.archive.writing(lock) as writer:
                writer.save(records)

    archived.scene.before = before
    query = until_now(archived)
    assert archived.found(query) == archived.expected(query)


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


def know_recent_alone(archived: Archived, since: int) -> None:
    """Let the archive say what a first fill says that has read recent threads alone."""
    now = archived.now()
    with archived.archive.lock() as lock, archived.archive.writing(lock) as writer:
        writer.set_note(THREADS_KNOWN, None)
        writer.set_note(RECENT_THREADS, {"since": since, "as_of": now})


def test_recent_threads_alone_answer_recent_questions_alone(
    make: Callable[..., Archived],
) -> None:
    archived = make()
    since, until = START + 60 * DAY, archived.now() - INDEX_LAG
    know_recent_alone(archived, since)
    recent, older = (ActivityQuery((Interval(first, until),)) for first in (since, since - 1))
    assert archived.found(recent) == archived.expected(recent)
    assert archived.found(recent, archived.offline) == archived.expected(recent)
    assert archived.scene.requests() == (0, 0)
    with pytest.raises(NotCovered) as refused:
        archived.found(older, archived.offline)
    assert refused.value.covered == (Interval(since, until),)
    assert refused.value.obstacle is None
    assert archived.found(older) == archived.expected(older)
    assert archived.scene.requests() > (0, 0)


def test_recent_threads_alone_are_not_completed_since_no_total_proves_them(
    make: Callable[..., Archived], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived = make()
    since = START + 60 * DAY
    know_recent_alone(archived, since)
    clock.now += 3600
    archived.account.write(emails(archived)[0])
    query = ActivityQuery((Interval(since, archived.now()),))
    monkeypatch.setattr(ActivityCompleter, "_fetch", None)
    assert archived.found(query) == archived.expected(query)


def test_customers_who_were_ever_helped_are_not_known_with_recent_threads_alone(
    make: Callable[..., Archived],
) -> None:
    archived = make()
    know_recent_alone(archived, START)
    users = frozenset(archived.users())
    for source in (archived.source, archived.offline):
        found = source.customers_helped(
            users, COUNTED, archived.scene.progress, automatic_replies=True
        )
        assert found is None


@pytest.mark.parametrize("when", [2, 3, 4])
def test_what_completes_all_threads_is_not_used_with_recent_ones_alone(
    make: Callable[..., Archived], clock: Clock, when: int
) -> None:
    archived = make()
    clock.now += 3600
    archived.account.write(emails(archived)[0])

    def before(number: int) -> None:
        if number == when:  # another process erased the threads, and began to read them again
            know_recent_alone(archived, archived.now() - DAY)
            with archived.archive.lock() as lock, archived.archive.writing(lock) as writer:
                writer._connection.execute(thread.delete())
                writer._changed = True

    archived.scene.before = before
    query = until_now(archived)
    assert archived.found(query) == archived.expected(query)


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


behaviours = st.builds(
    Behaviour,
    rate_limit=st.none(),
    page_size=st.sampled_from([5, 25]),
    embedded_chats=st.sampled_from(["threads", "bodies"]),
    embedded_threads=st.sampled_from([None, None, 6]),
    all_lists_spam=st.booleans(),
)


def change(archived: Archived, rng: random.Random) -> None:
    """Change the account in any of the ways that accounts change in."""
    account = archived.account
    listed = [row for row in account.conversations() if row.listed and account.threads(row.id)]
    row, other = rng.sample(listed, 2)
    latest = account.threads(row.id)[-1]
    changes: list[Callable[[], object]] = [
        *(lambda: account.write(row.id),) * 3,
        *(lambda: account.reply(row.id, status="closed"),) * 2,
        lambda: account.write(row.id, created=int(row.created) + rng.randrange(DAY)),
        lambda: account.spam(row.id),
        lambda: account.unspam(row.id),
        lambda: account.rate(
            *(row.id, latest.id, "okay", rng.choice(["", "Fine"])),
            rater_id=rng.choice([0, other.customer_id]),
        ),
        lambda: account.remove_thread(row.id, latest.id),
        account.add,
        lambda: account.add(FIRST + rng.randrange(60 * DAY), status="closed"),
        lambda: account.move(row.id, rng.choice(account.layout.mailboxes).id),
        *(lambda: account.merge(row.id, other.id),) * 2,
        lambda: account.delete(row.id) if rng.random() < 0.3 else account.touch(row.id),
    ]
    rng.choice(changes)()


@EXAMPLES
@given(
    seed=st.integers(0, 10**6),
    behaviour=behaviours,
    conversations=st.sampled_from([10, 30]),
    changes=st.integers(0, 12),
    questions=st.integers(1, 2),
)
def test_a_completed_answer_is_what_the_account_shows(  # noqa: PLR0917
    make: Callable[..., Archived],
    clock: Clock,
    seed: int,
    behaviour: Behaviour,
    conversations: int,
    changes: int,
    questions: int,
) -> None:
    rng = random.Random(seed)
    archived = make(seed, conversations, behaviour, ALIKE)
    for _ in range(questions):
        clock.now += rng.choice([10, 3600, 3 * DAY])
        for _ in range(changes):
            change(archived, rng)
            clock.now += rng.choice([0, 1, 600])
        clock.now += AGES.recent
        if rng.random() < 0.3:
            archived.write(rng.sample([row.id for row in archived.account.conversations()], 5))
        query = until_now(archived)
        expected = archived.expected(query)
        assert archived.found(query) == expected
        assert archived.live(query) == expected
        span = query.touched[0]
        assert archived.counted(span, 5) in (archived.expected_counts(span, 5), None)
        assert_narrowed_as_expected(archived, query, rng)


def assert_narrowed_as_expected(
    archived: Archived, query: ActivityQuery, rng: random.Random
) -> None:
    """Ask for some users, and for ratings."""
    everybody, (span,) = archived.users(), query.touched
    users = frozenset(rng.sample(everybody, min(rng.randrange(3), len(everybody))))
    narrowed = replace(query, users=users, rated=rng.random() < 0.5)
    assert archived.found(narrowed) == archived.of_users(narrowed)
    assert archived.live(narrowed) == archived.of_users(narrowed)
    automatic, ever = rng.random() < 0.5, Interval(FIRST_SECOND, span.last)
    expected = archived.expected_ratings(span, users, automatic_replies=automatic)
    assert archived.ratings(span, users, automatic_replies=automatic) in (expected, None)
    expected = archived.expected_ratings(ever, users, automatic_replies=automatic)
    helped = archived.source.customers_helped(
        users, COUNTED, archived.scene.progress, automatic_replies=automatic
    )
    assert helped in (expected.helped, None)


@settings(EXAMPLES, max_examples=max(EXAMPLES.max_examples // 2, 1))
@given(
    seed=st.integers(0, 10**6),
    behaviour=behaviours,
    conversations=st.sampled_from([15, 30]),
    pace=st.integers(0, 2),
    merges=st.sampled_from([1, 6, 30]),
    share=st.sampled_from([0.2, 0.8]),
)
def test_a_thread_that_exists_throughout_is_counted_once_while_the_archive_is_written(  # noqa: PLR0917
    make: Callable[..., Archived],
    clock: Clock,
    seed: int,
    behaviour: Behaviour,
    conversations: int,
    pace: int,
    merges: int,
    share: float,
) -> None:
    rng = random.Random(seed)
    archived = make(seed, conversations, behaviour, ALIKE)
    clock.now += 3600
    life = Life(archived.account, clock, rng, 4, merges)
    life.goes_on(0)
    life.pace = pace
    life.throughout = life.look()

    def before(number: int) -> None:
        life.goes_on(number)
        if rng.random() < share:
            ids = [row.id for row in archived.account.conversations()]
            archived.write(rng.sample(ids, rng.randrange(1, len(ids))))

    archived.scene.before = before
    span = Interval(START, archived.now() - DAY)
    clock.now += AGES.older
    try:
        answer = archived.source.activity(ActivityQuery((span,)), archived.scene.progress)
    except InconsistentData:
        return
    found = Counter(thread.id for each in answer.activities for thread in each.threads)
    assert set(found.values()) <= {1}
    created = {thread: second for thread, second, _ in existing_threads(archived.account)}
    wanted = {each for each in life.throughout if span.first <= created[each] <= span.last}
    assert wanted <= set(found)
