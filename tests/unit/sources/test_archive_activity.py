"""An archive that knows all threads of a time answers questions about activity itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from compat import clock
from compat.archive.database import Archive
from compat.archive.records import ShownThreads
from compat.core.calendar import FIRST_SECOND
from compat.core.counting import CountQuery, CountResult
from compat.core.intervals import Interval
from compat.core.models import (
    ActivityQuery,
    ActivitySet,
    ConversationQuery,
    ListItem,
    ListQuery,
    NotCovered,
    Progress,
)
from compat.sources.archive import ArchiveSource
from compat.sources.live import LiveSource
from tests.unit.archive.samples import CREATED, SEEN, record, save_all
from tests.unit.archive.test_threads import cover, save, thread, writing
from tests.unit.sources.test_archive import AGES, FILTER, HOME, VIEW, Live, archive, local_time

__all__ = ["archive", "local_time"]

DAY = Interval(CREATED, CREATED + 86_399)
FROM_UPSTREAM = ActivitySet((), SEEN + 40, 1e12)


class LiveActivity(Live):
    """The same live source, which also has activity: none."""

    def activity(self, query: ActivityQuery, progress: Progress) -> ActivitySet:
        self.asked.append((query, id(progress)))
        return FROM_UPSTREAM


@pytest.fixture
def live() -> LiveActivity:
    return LiveActivity()


@pytest.fixture
def kept(archive: Archive) -> Archive:
    """An archive with all threads: three conversations, of which two were touched that day."""
    with writing(archive) as writer:
        writer.keep_threads(kept=True)
        writer.remove(range(1, 8), SEEN)
    save(archive, 21, [thread(1, CREATED + 5), thread(2, CREATED + 86_400)])
    save(archive, 200_000, [thread(3, CREATED + 200_000)])  # created days after
    save(archive, 23, [thread(4, CREATED + 86_399)])
    cover(archive)
    return archive


@pytest.fixture
def offline(kept: Archive) -> Iterator[ArchiveSource]:
    source = ArchiveSource(kept, None, AGES)
    yield source
    source._index.close()


@pytest.fixture
def source(kept: Archive, live: LiveActivity) -> Iterator[ArchiveSource]:
    made = ArchiveSource(kept, cast("LiveSource", live), AGES)
    yield made
    made._index.close()


def messages(source: ArchiveSource, *folders: int) -> CountResult | None:
    conversations = ConversationQuery((DAY,), folders=frozenset(folders))
    edges = (CREATED, CREATED + 10, CREATED + 86_400)
    return source.count(CountQuery(conversations, FILTER, (edges,), counted="messages"), Progress())


def test_conversations_that_were_touched_come_with_all_their_threads(
    source: ArchiveSource, live: LiveActivity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "elapsed", lambda: 100.0)
    found = source.activity(ActivityQuery((DAY,)), Progress())
    assert {each.row.id: [own.id for own in each.threads] for each in found.activities} == {
        21: [1, 2],
        23: [4],
    }
    assert (found.as_of, found.fresh_until, found.undecided, live.asked) == (SEEN, 101.0, {}, [])


def test_they_are_filtered_by_mailbox_and_folder(kept: Archive, offline: ArchiveSource) -> None:
    resave(kept, 21, mailbox=2)
    for query, ids in [
        (ActivityQuery((DAY,), mailboxes=frozenset({2})), [21]),
        (ActivityQuery((DAY,), mailboxes=frozenset({1}), folders=frozenset({HOME})), [23]),
        (ActivityQuery((DAY,), mailboxes=frozenset({3})), []),
    ]:
        found = offline.activity(query, Progress())
        assert [each.row.id for each in found.activities] == ids


def test_a_row_that_may_be_in_another_mailbox_is_undecided(
    kept: Archive, offline: ArchiveSource
) -> None:
    resave(kept, 23, mailbox=None)
    query = ActivityQuery((DAY,), mailboxes=frozenset({9}))
    found = offline.activity(query, Progress())
    assert [each.row.id for each in found.activities] == [23]
    assert found.undecided == {23: "mailbox"}


def resave(kept: Archive, id_: int, **row: Any) -> None:
    """Store a conversation again, with another row and the same threads."""
    with kept.reading() as snapshot:
        threads = snapshot.threads_of([id_])[id_]
    shown = ShownThreads(threads, True, SEEN + 1, False)
    save_all(kept, [replace(record(id_, seen=SEEN + 1, **row), shown=shown)])


def test_what_a_view_shows_is_asked_of_upstream(
    source: ArchiveSource, live: LiveActivity, offline: ArchiveSource
) -> None:
    query, progress = ActivityQuery((DAY,), folders=frozenset({HOME, VIEW})), Progress()
    assert source.activity(query, progress) is FROM_UPSTREAM
    assert live.asked == [(query, id(progress))]
    assert messages(source, VIEW) is None
    with pytest.raises(NotCovered) as caught:
        offline.activity(query, Progress())
    assert caught.value.folders == {VIEW}


@pytest.mark.parametrize("closed", [True, False])
def test_what_is_not_known_is_asked_of_upstream_unless_the_account_is_closed(
    kept: Archive, source: ArchiveSource, live: LiveActivity, closed: bool
) -> None:
    with writing(kept) as writer:
        writer.remove_coverage(Interval(FIRST_SECOND, CREATED - 1000))
        writer.set_sealed_at(SEEN if closed else None)
    query, progress = ActivityQuery((DAY,)), Progress()
    if closed:
        with pytest.raises(NotCovered):
            messages(source)
        with pytest.raises(NotCovered) as caught:
            source.activity(query, progress)
        assert (caught.value.missing, caught.value.covered) == ((DAY,), ())
    else:
        assert messages(source) is None
        assert source.activity(query, progress) is FROM_UPSTREAM
        assert live.asked == [(query, id(progress))]


def test_offline_the_rest_of_a_time_is_named(offline: ArchiveSource) -> None:
    with pytest.raises(NotCovered) as caught:
        offline.activity(ActivityQuery((Interval(CREATED, SEEN),)), Progress())
    (known,), (missing,) = caught.value.covered, caught.value.missing
    assert (known.first, missing) == (FIRST_SECOND, Interval(known.last + 1, SEEN))


def test_messages_are_counted_by_the_archive(
    source: ArchiveSource, offline: ArchiveSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "elapsed", lambda: 100.0)
    for each in (source, offline):
        assert messages(each) == CountResult([[1, 1]], SEEN, 101.0)


def test_a_list_has_one_item_of_it(kept: Archive, offline: ArchiveSource) -> None:
    with pytest.raises(NotCovered):
        offline.list_items(ListQuery("users", item=5))
    with writing(kept) as writer:
        writer.set_list_items(ListQuery("users"), [ListItem(5, "Ada"), ListItem(6, "Bo")], SEEN)
    found = offline.list_items(ListQuery("users", item=5))
    assert [item.id for item in found.items or ()] == [5]
    gone = offline.list_items(ListQuery("users", item=7))
    assert (gone.items, gone.as_of) == (None, SEEN)


def test_a_mailbox_that_is_not_listed_may_exist_if_rows_are_in_it(
    kept: Archive, offline: ArchiveSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "elapsed", lambda: 100.0)
    with writing(kept) as writer:
        writer.set_list_items(ListQuery("mailboxes"), [ListItem(4, "Four")], SEEN)
    four = offline.list_items(ListQuery("mailboxes", item=4))
    assert [item.id for item in four.items or ()] == [4]
    assert (four.as_of, four.fresh_until) == (SEEN, 100.0)
    with pytest.raises(NotCovered):
        offline.list_items(ListQuery("mailboxes", item=1))  # conversations are in it
    none = offline.list_items(ListQuery("mailboxes", item=5))
    assert (none.items, none.as_of, none.fresh_until) == (None, SEEN, 100.0)
    unread = offline.list_items(ListQuery("folders", 5))
    assert (unread.items, unread.as_of) == (None, 0)
