"""An archive answers alone, with upstream beside it, or says what it does not hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from compat import clock
from compat.archive.database import Archive, open_archive
from compat.archive.records import THREADS_KNOWN
from compat.core.calendar import FIRST_SECOND
from compat.core.counting import CountQuery, CountResult, Filter
from compat.core.intervals import Interval, MaxAges
from compat.core.models import (
    ConversationQuery,
    Document,
    ListItem,
    ListItems,
    ListQuery,
    NotCovered,
    Progress,
    Row,
    RowSet,
    SourceStats,
    UnknownValue,
)
from compat.sources.archive import ArchiveSource
from compat.sources.folder_views import Fetched
from compat.sources.live import LiveSource
from compat.v2.errors import InconsistentData
from tests.unit.archive.samples import CREATED, SEEN, cover, record, save_all

COVERED = Interval(CREATED, CREATED + 100)
BESIDE = Interval(CREATED + 101, CREATED + 200)
HOME, VIEW = 11, 12
FILTER = Filter(frozenset({"published"}), frozenset({"spam"}))
AGES = MaxAges(recent=60, older=1000, settled=500)
NOW = SEEN + 50
"""When the archive is young enough by `AGES`; much later it is too old."""


class Live:
    """A live source with an account in memory, that notes what was asked of it."""

    ready = True
    client = "the client"

    def __init__(self) -> None:
        self.all_rows: list[Row] = []
        self.total_of_aged = 7
        self.asked: list[Any] = []
        self.closed = self.checked = 0

    def rows(self, query: ConversationQuery, progress: Progress) -> RowSet:
        progress.check()
        self.asked.append(query)
        found = [
            row
            for row in self.all_rows
            if any(first <= row.created <= last for first, last in query.created)
        ]
        return RowSet(found, SEEN + 40, 1e12)

    def total(self, _interval: Interval, progress: Progress) -> Any:
        progress.check()
        page = SimpleNamespace(page=SimpleNamespace(total_elements=self.total_of_aged))
        return SimpleNamespace(value=page, requested_at=SEEN + 30)

    def modified(self, _since: int, _created: Sequence[Interval], _progress: Progress) -> Fetched:
        return Fetched(self.all_rows, SEEN + 31)

    def list_items(self, query: ListQuery) -> ListItems:
        self.asked.append(query)
        return ListItems([ListItem(99, "from upstream")], SEEN + 40, 1e12)

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        progress.check()
        self.asked.append(list(ids))
        return [cast("Document", SimpleNamespace(id=each, subject="live")) for each in ids]

    def check(self) -> None:
        self.checked += 1

    def seconds_for(self, pages: float, others: float) -> float:
        return 100 * pages + others

    def stats(self) -> SourceStats:
        return SourceStats({"answered": 3}, 100, 40)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An archive with seven conversations in the home folder, all of them seen at once."""
    with open_archive(f"sqlite:///{tmp_path}/archive.db", create=True) as opened:
        save_all(opened, [record(id_) for id_ in range(1, 8)])
        cover(opened, COVERED)
        with opened.lock() as lock, opened.writing(lock) as writer:
            folders = [ListItem(HOME, "Unassigned", type="open"), ListItem(VIEW, "Mine", type="x")]
            writer.set_list_items(ListQuery("folders", 1), folders, SEEN)
        yield opened


@pytest.fixture
def live() -> Live:
    return Live()


@pytest.fixture
def offline(archive: Archive) -> Iterator[ArchiveSource]:
    source = ArchiveSource(archive, None, AGES)
    yield source
    source._index.close()


@pytest.fixture
def source(archive: Archive, live: Live) -> Iterator[ArchiveSource]:
    made = ArchiveSource(archive, cast("LiveSource", live), AGES)
    yield made
    made._index.close()


@pytest.fixture(autouse=True)
def local_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the local time, which is `NOW` until then."""
    now = [NOW]
    monkeypatch.setattr(time, "time", lambda: float(now[0]))
    return lambda second: now.__setitem__(0, second)


@pytest.fixture
def long_after(local_time: Callable[[int], None]) -> None:
    """What the archive holds is too old."""
    local_time(SEEN + 10_000)


def query(*spans: Interval, **others: Any) -> ConversationQuery:
    return ConversationQuery(spans or (COVERED,), **others)


def ids(found: RowSet) -> list[int]:
    return [row.id for row in found.rows]


def count(
    source: ArchiveSource, conversations: ConversationQuery, which: Filter = FILTER
) -> CountResult | None:
    edges = (CREATED, CREATED + 4, CREATED + 201)
    return source.count(CountQuery(conversations, which, (edges,)), Progress())


def seal(archive: Archive) -> None:
    """Note that the account is closed."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_sealed_at(SEEN)


# Rows.


def test_young_rows_are_answered_without_upstream(
    source: ArchiveSource, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "elapsed", lambda: 100.0)
    found = source.rows(query(), Progress())
    assert (ids(found), live.asked) == ([1, 2, 3, 4, 5, 6, 7], [])
    assert (found.as_of, found.fresh_until) == (SEEN, 101.0)


def test_rows_are_filtered_by_mailbox_and_home_folder(
    archive: Archive, source: ArchiveSource
) -> None:
    save_all(archive, [record(20, mailbox=2), record(21, folder=13), record(22, folder=None)])
    mailboxes, folders = frozenset({1}), frozenset({HOME})
    assert 20 not in ids(source.rows(query(mailboxes=mailboxes), Progress()))
    found = source.rows(query(mailboxes=mailboxes, folders=folders), Progress())
    assert (ids(found), found.undecided) == ([1, 2, 3, 4, 5, 6, 7, 22], {22: "folder"})


@pytest.mark.usefixtures("long_after")
def test_offline_rows_of_any_age_are_used(offline: ArchiveSource) -> None:
    assert ids(offline.rows(query(), Progress())) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.usefixtures("long_after")
def test_rows_of_a_closed_account_are_used_at_any_age(
    archive: Archive, source: ArchiveSource, live: Live
) -> None:
    seal(archive)
    assert ids(source.rows(query(), Progress())) == [1, 2, 3, 4, 5, 6, 7]
    assert live.asked == []


def test_offline_what_is_not_covered_is_named(offline: ArchiveSource) -> None:
    with pytest.raises(NotCovered) as caught:
        offline.rows(query(COVERED, BESIDE), Progress())
    assert (caught.value.missing, caught.value.covered) == ((BESIDE,), (COVERED,))


def test_of_a_closed_account_what_is_not_covered_is_named(
    archive: Archive, source: ArchiveSource, live: Live
) -> None:
    seal(archive)
    with pytest.raises(NotCovered) as caught:
        source.rows(query(COVERED, BESIDE), Progress())
    assert (caught.value.missing, live.asked) == ((BESIDE,), [])


@pytest.mark.usefixtures("long_after")
def test_old_rows_are_replaced_by_what_was_modified_and_gaps_are_loaded(
    source: ArchiveSource, live: Live
) -> None:
    changed = record(3, status="closed").row
    beside = record(50, created=BESIDE.first).row
    live.all_rows = [changed, beside]
    found = source.rows(query(COVERED, BESIDE), Progress())
    assert ids(found) == [1, 2, 3, 4, 5, 6, 7, 50]
    assert [row.status for row in found.rows].count("closed") == 1
    assert found.as_of == SEEN + 30
    assert [asked.created for asked in live.asked] == [(BESIDE,)]


@pytest.mark.usefixtures("long_after")
def test_an_archive_that_was_cut_back_meanwhile_is_an_error(
    archive: Archive, source: ArchiveSource, live: Live
) -> None:
    def cut() -> None:
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.remove_coverage(Interval(CREATED, CREATED))

    proved = source._completer
    assert proved is not None
    complete = proved.complete

    def complete_and_cut(*args: Any) -> Any:
        patch = complete(*args)
        cut()
        return patch

    proved.complete = complete_and_cut  # type: ignore[assignment, method-assign]
    with pytest.raises(InconsistentData, match="cut back"):
        source.rows(query(), Progress())


@pytest.mark.usefixtures("long_after")
def test_an_archive_that_changes_once_meanwhile_is_compared_again(
    archive: Archive, source: ArchiveSource
) -> None:
    assert source._completer is not None
    proofs = iter([False] * 7 + [True])
    source._completer.proves = lambda *_: next(proofs)  # type: ignore[method-assign]
    assert ids(source.rows(query(), Progress())) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.usefixtures("long_after")
def test_an_archive_that_keeps_changing_is_an_error(source: ArchiveSource) -> None:
    assert source._completer is not None
    source._completer.proves = lambda *_: False  # type: ignore[method-assign]
    with pytest.raises(InconsistentData, match="faster"):
        source.rows(query(), Progress())


# Folders.


def test_what_a_view_shows_is_asked_of_upstream(source: ArchiveSource, live: Live) -> None:
    live.all_rows = [record(50).row]
    wanted = query(folders=frozenset({HOME, VIEW}))
    assert ids(source.rows(wanted, Progress())) == [50]
    assert live.asked == [wanted]
    assert count(source, wanted) is None


@pytest.mark.parametrize("closed", [True, False])
def test_without_upstream_views_and_unknown_folders_are_named(
    archive: Archive, source: ArchiveSource, offline: ArchiveSource, closed: bool
) -> None:
    if closed:
        seal(archive)
    with pytest.raises(NotCovered) as caught:
        (source if closed else offline).rows(query(folders=frozenset({HOME, VIEW, 99})), Progress())
    assert caught.value.folders == {VIEW, 99}
    assert caught.value.missing == ()


def test_home_folders_of_the_first_version_are_read(tmp_path: Path) -> None:
    with open_archive(f"sqlite:///{tmp_path}/new.db", create=True) as new:
        with new.lock() as lock, new.writing(lock) as writer:
            writer.set_list_items(ListQuery("folders", 1), [ListItem(HOME, "x", type="open")], SEEN)
            writer.set_sealed_at(SEEN)
        with new.reading() as snapshot:
            assert snapshot.version == 1
        source = ArchiveSource(new, None, AGES)
        with pytest.raises(NotCovered) as caught:
            source.rows(query(folders=frozenset({HOME})), Progress())
        assert (caught.value.folders, len(caught.value.missing)) == (frozenset(), 1)
        source._index.close()


def test_home_folders_are_read_again_when_the_archive_changes(
    archive: Archive, offline: ArchiveSource
) -> None:
    later = query(folders=frozenset({13}))
    with pytest.raises(NotCovered):
        offline.rows(later, Progress())
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery("folders", 1), [ListItem(13, "x", type="closed")], SEEN)
    assert ids(offline.rows(later, Progress())) == []


# Counts.


def test_counts_are_those_of_the_rows(
    source: ArchiveSource, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "elapsed", lambda: 100.0)
    assert count(source, query()) == CountResult([[3, 4]], SEEN, 101.0)
    assert live.asked == []


@pytest.mark.usefixtures("long_after")
def test_counts_follow_what_was_modified_and_what_is_loaded(
    source: ArchiveSource, live: Live
) -> None:
    live.all_rows = [
        record(3, status="closed").row,
        record(4, state="draft").row,
        record(50, created=BESIDE.first).row,
        record(51, created=BESIDE.first, status="spam").row,
    ]
    result = count(source, query(COVERED, BESIDE))
    assert result is not None
    assert (result.counts, result.as_of) == ([[3, 4]], SEEN + 30)


@pytest.mark.usefixtures("long_after")
def test_a_modified_conversation_leaves_the_bucket_it_was_counted_in(
    source: ArchiveSource, live: Live
) -> None:
    live.all_rows = [record(3, state="deleted").row]
    result = count(source, query())
    assert result is not None
    assert result.counts == [[2, 4]]


def test_an_unknown_value_that_the_filter_needs_is_an_error(
    archive: Archive, source: ArchiveSource
) -> None:
    save_all(archive, [record(8, type=None)])
    with pytest.raises(UnknownValue):
        count(source, query(), Filter(FILTER.states, FILTER.excluded_statuses, frozenset({"chat"})))


@pytest.mark.usefixtures("long_after")
def test_an_unknown_value_that_upstream_may_have_changed_takes_the_rows(
    archive: Archive, source: ArchiveSource, live: Live
) -> None:
    save_all(archive, [record(8, type=None)])
    by_type = Filter(FILTER.states, FILTER.excluded_statuses, frozenset({"chat"}))
    live.total_of_aged = 8
    live.all_rows = [record(8, type="email").row]
    assert count(source, query(), by_type) is None
    live.all_rows = []
    source._completer._last = None  # type: ignore[union-attr]
    with pytest.raises(UnknownValue):
        count(source, query(), by_type)


# Documents.


def test_young_documents_are_the_archives_and_the_rest_is_upstreams(
    source: ArchiveSource, live: Live
) -> None:
    found = source.documents([2, 50, 1], Progress())
    assert [(each.id, each.subject) for each in found] == [
        (2, "Subject of Ada"),
        (50, "live"),
        (1, "Subject of Ada"),
    ]
    assert live.asked == [[50]]


def test_if_all_documents_are_kept_upstream_is_not_asked(source: ArchiveSource, live: Live) -> None:
    assert [each.id for each in source.documents([2, 1], Progress())] == [2, 1]
    assert live.asked == []


@pytest.mark.usefixtures("long_after")
def test_old_documents_are_asked_of_upstream(source: ArchiveSource, live: Live) -> None:
    assert [each.subject for each in source.documents([2], Progress())] == ["live"]
    assert live.asked == [[2]]


@pytest.mark.parametrize("created", [COVERED.first, COVERED.last, COVERED.last + 1])
def test_only_documents_of_covered_seconds_are_young(
    archive: Archive, source: ArchiveSource, live: Live, created: int
) -> None:
    save_all(archive, [record(60, created=created)])
    source.documents([60], Progress())
    assert live.asked == ([] if created <= COVERED.last else [[60]])


@pytest.mark.usefixtures("long_after")
@pytest.mark.parametrize("closed", [True, False])
def test_without_upstream_documents_of_any_age_are_used_and_others_left_out(
    archive: Archive, source: ArchiveSource, offline: ArchiveSource, closed: bool
) -> None:
    if closed:
        seal(archive)
    found = (source if closed else offline).documents([2, 50], Progress())
    assert [each.id for each in found] == [2]


# Lists.


def test_lists_are_upstreams_if_it_is_used(source: ArchiveSource, live: Live) -> None:
    found = source.list_items(ListQuery("tags"))
    assert [item.id for item in found.items or ()] == [99]
    assert live.asked == [ListQuery("tags")]


@pytest.mark.parametrize("closed", [True, False])
def test_without_upstream_lists_are_as_they_were_read(
    archive: Archive, source: ArchiveSource, offline: ArchiveSource, closed: bool
) -> None:
    if closed:
        seal(archive)
    found = (source if closed else offline).list_items(ListQuery("folders", 1))
    assert ([item.id for item in found.items or ()], found.as_of) == ([HOME, VIEW], SEEN)


def test_a_list_that_was_never_read_is_not_an_empty_one(
    archive: Archive, offline: ArchiveSource
) -> None:
    with pytest.raises(NotCovered):
        offline.list_items(ListQuery("tags"))
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery("tags"), [], SEEN)
    empty = offline.list_items(ListQuery("tags"))
    assert (empty.items, empty.as_of) == ((), SEEN)


def test_there_is_no_mailbox_if_neither_the_list_nor_a_row_has_it(
    archive: Archive, offline: ArchiveSource
) -> None:
    with pytest.raises(NotCovered):
        offline.list_items(ListQuery("folders", 5))
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery("mailboxes"), [ListItem(1, "One"), ListItem(4, "x")], SEEN)
    save_all(archive, [record(70, mailbox=3)])
    assert offline.list_items(ListQuery("folders", 5)).items is None
    for may_exist in (3, 4):
        with pytest.raises(NotCovered):
            offline.list_items(ListQuery("folders", may_exist))


# The source itself.


def test_a_source_with_upstream_has_its_state(
    source: ArchiveSource, live: Live, offline: ArchiveSource
) -> None:
    assert (source.seconds_for(2, 3), source.seconds_for(2)) == (203, 200)
    assert offline.seconds_for(2, 3) == 0.0
    assert source.ready
    assert offline.ready
    live.ready = False
    assert not source.ready
    assert source.client is cast("object", live.client)
    assert not hasattr(offline, "client")


@pytest.mark.parametrize("keeps_threads", [True, False])
@pytest.mark.parametrize("slim", [True, False])
def test_a_slim_archive_leaves_out_texts_that_are_not_fetched_from_upstream(
    tmp_path: Path, live: Live, slim: bool, keeps_threads: bool
) -> None:
    """Those of ratings are never fetched."""
    with open_archive(f"sqlite:///{tmp_path}/slim.db", create=True, slim=slim) as archive:
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.keep_threads(kept=keeps_threads)
        for beside in (live, None):
            source = ArchiveSource(archive, cast("LiveSource | None", beside), AGES)
            found = source.missing_texts()
            assert found == (slim and beside is None, slim and keeps_threads)
            source._index.close()


def test_statistics_say_as_of_when_conversations_and_threads_are(tmp_path: Path) -> None:
    found = []
    with open_archive(f"sqlite:///{tmp_path}/new.db", create=True) as archive:
        source = ArchiveSource(archive, None, AGES)
        found.append(source.stats())
        cover(archive, Interval(FIRST_SECOND, SEEN))
        found.append(source.stats())
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.keep_threads(kept=True)
            writer.set_note(THREADS_KNOWN, SEEN - 70)
        found.append(source.stats())
        source._index.close()
    assert [(each.archive_as_of, each.threads_as_of) for each in found] == [
        (None, None),
        (SEEN, None),
        (SEEN, SEEN - 70),
    ]


def test_a_check_opens_the_archive_and_asks_upstream(
    source: ArchiveSource, live: Live, offline: ArchiveSource
) -> None:
    source.check()
    offline.check()
    assert live.checked == 1


def test_rows_in_memory_are_those_of_both(source: ArchiveSource, offline: ArchiveSource) -> None:
    stats = source.stats()
    assert (stats.requests, stats.rate_left, stats.rows) == ({"answered": 3}, 100, 40)
    assert offline.stats().requests == {}
    for each, rows in ((source, 47), (offline, 7)):
        each._index._loading = None
        count(each, query())
        if loading := each._index._loading:
            loading.result()
        count(each, query())
        assert each.stats().rows == rows


def test_closing_a_source_closes_all_of_it(archive: Archive, live: Live) -> None:
    source = ArchiveSource(archive, cast("LiveSource", live), AGES)
    closed: list[str] = []
    source._index.close = lambda: closed.append("index")  # type: ignore[method-assign]
    archive.close, close = (lambda: closed.append("archive")), archive.close  # type: ignore[method-assign]
    source.close()
    archive.close = close  # type: ignore[method-assign]
    assert (closed, live.closed) == (["index", "archive"], 1)
