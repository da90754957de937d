"""An archive is sealed only if it lacks nothing from before the account was closed."""

from __future__ import annotations

import pytest

from compat.archive.admin import (
    ArchiveStatus,
    CannotSeal,
    CoveredInterval,
    ThreadsStatus,
    archive_status,
    seal,
    threads_status,
    unseal,
)
from compat.archive.database import Archive
from compat.archive.records import INDEX_LAG, LAYERS, RECENT_THREADS, THREADS_KNOWN
from compat.config.settings import Settings
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Coverage, Interval
from tests.unit.archive.samples import CREATED, SEEN, cover, instant, record, save_all

HELD = SEEN - INDEX_LAG
"""The last second that is certain in what was read at `SEEN`."""


def close(archive: Archive, at: int = HELD) -> None:
    """Seal an archive."""
    with archive.lock() as lock:
        seal(archive, lock, at)


def reopen(archive: Archive) -> None:
    """Take the seal back."""
    with archive.lock() as lock:
        unseal(archive, lock)


def covered(archive: Archive) -> list[Coverage]:
    """What an archive covers."""
    with archive.reading() as snapshot:
        return snapshot.coverage()


def keep_threads(archive: Archive, known: int | None) -> None:
    """Keep threads, all of which are known as of a time."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
        writer.set_note(THREADS_KNOWN, known)


def test_a_sealed_archive_covers_all_times(archive: Archive) -> None:
    cover(archive, Interval(FIRST_SECOND, SEEN))
    close(archive)
    assert covered(archive) == [
        Coverage(Interval(FIRST_SECOND, SEEN), SEEN),
        Coverage(Interval(SEEN + 1, LAST_SECOND), HELD),
    ]
    with archive.reading() as snapshot:
        assert snapshot.sealed_at == HELD


def test_an_archive_that_was_read_too_long_before_the_closing_is_not_sealed(
    archive: Archive,
) -> None:
    cover(archive, Interval(FIRST_SECOND, SEEN))
    with pytest.raises(
        CannotSeal, match=f"certain until {instant(HELD)}, .* once more, 15 minutes"
    ):
        close(archive, HELD + 1)


def test_the_part_that_was_read_longest_ago_decides(archive: Archive) -> None:
    cover(archive, Interval(FIRST_SECOND, CREATED), SEEN - 10)
    cover(archive, Interval(CREATED + 1, SEEN))
    with pytest.raises(CannotSeal, match=instant(HELD - 10)):
        close(archive, HELD - 9)
    close(archive, HELD - 10)


def test_nothing_is_certain_after_the_last_second_that_is_covered(archive: Archive) -> None:
    cover(archive, Interval(FIRST_SECOND, CREATED))
    with pytest.raises(CannotSeal, match=instant(CREATED)):
        close(archive, CREATED + 1)
    close(archive, CREATED)


def test_an_archive_that_covers_nothing_is_not_sealed(archive: Archive) -> None:
    with pytest.raises(CannotSeal, match="covers nothing yet"):
        close(archive)


def test_a_sealed_archive_is_not_sealed_again(archive: Archive) -> None:
    cover(archive, Interval(FIRST_SECOND, SEEN))
    close(archive)
    with pytest.raises(CannotSeal, match="sealed already"):
        close(archive)


def test_a_seal_that_is_taken_back_leaves_what_was_covered_before(archive: Archive) -> None:
    cover(archive, Interval(FIRST_SECOND, SEEN))
    close(archive)
    reopen(archive)
    assert covered(archive) == [Coverage(Interval(FIRST_SECOND, SEEN), SEEN)]
    with archive.reading() as snapshot:
        assert snapshot.sealed_at is None
        for layer in LAYERS:
            assert snapshot.layer_coverage(layer) == covered(archive)


def test_an_archive_without_a_seal_has_none_to_take_back(archive: Archive) -> None:
    with pytest.raises(CannotSeal, match="not sealed"):
        reopen(archive)


def test_an_archive_is_not_sealed_while_threads_are_unread(archive: Archive) -> None:
    cover(archive, Interval(FIRST_SECOND, SEEN))
    save_all(archive, [record(1), record(2)])
    keep_threads(archive, SEEN)
    with pytest.raises(CannotSeal, match=r"not have all threads of 2 .*sync --no-threads"):
        close(archive)


@pytest.mark.parametrize(
    ("known", "until"), [(None, "no time"), (SEEN - 1, instant(HELD - 1))], ids=["never", "before"]
)
def test_an_archive_is_not_sealed_if_its_threads_were_read_too_long_before(
    archive: Archive, known: int | None, until: str
) -> None:
    cover(archive, Interval(FIRST_SECOND, SEEN))
    keep_threads(archive, known)
    with pytest.raises(CannotSeal, match=f"threads are certain until {until}, which is before"):
        close(archive)


def test_an_archive_is_sealed_if_its_threads_are_certain_until_then(archive: Archive) -> None:
    cover(archive, Interval(FIRST_SECOND, SEEN))
    keep_threads(archive, SEEN)
    close(archive)
    with archive.reading() as snapshot:
        assert threads_status(snapshot).until is not None


def test_an_archive_that_knows_recent_threads_alone_is_not_sealed(archive: Archive) -> None:
    cover(archive, Interval(FIRST_SECOND, SEEN))
    keep_threads(archive, None)
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_note(RECENT_THREADS, {"since": CREATED, "as_of": SEEN})
    with pytest.raises(CannotSeal, match=f"only the threads created since {instant(CREATED)}"):
        close(archive)


def test_an_archive_that_lacks_old_conversations_is_sealed_without_its_threads(
    archive: Archive,
) -> None:
    cover(archive, Interval(CREATED, SEEN))
    keep_threads(archive, None)
    close(archive)
    with archive.reading() as snapshot:
        assert snapshot.sealed_at == HELD


def status(archive: Archive, now: int, monkeypatch: pytest.MonkeyPatch) -> ArchiveStatus:
    """What an archive holds at some time."""
    monkeypatch.setattr("compat.archive.admin.time.time", lambda: now + 0.9)
    settings = Settings(recent_age=100, max_age=1000)
    with archive.reading() as snapshot:
        return archive_status(archive, snapshot, settings)


@pytest.mark.parametrize(("age", "young"), [(999, True), (1000, False)])
def test_the_status_says_how_old_what_is_covered_is_and_whether_that_is_too_old(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, age: int, young: bool
) -> None:
    cover(archive, Interval(5, CREATED))
    found = status(archive, SEEN + age, monkeypatch)
    assert found.covered == (CoveredInterval(5, CREATED, SEEN, age, young),)


def test_what_a_sealed_archive_covers_is_never_too_old(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    cover(archive, Interval(FIRST_SECOND, SEEN))
    close(archive)
    found = status(archive, SEEN + 10**6, monkeypatch)
    assert found.sealed_at == HELD
    assert [each.young for each in found.covered] == [True, True]


def test_the_status_counts_conversations_and_what_is_unknown_of_them(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_all(archive, [record(1, folder=None), record(2), record(3, folder=None)])
    found = status(archive, SEEN, monkeypatch)
    assert (found.conversations, found.unknown) == (3, {"folderId": 2})
    assert (found.where, found.size) == (archive.location, archive.size_bytes())
    assert (found.slim, found.kept_since, found.covered) == (False, None, ())


@pytest.mark.parametrize(
    ("first", "known", "expected"),
    [
        (FIRST_SECOND, SEEN, ThreadsStatus(True, True, None, HELD, 0)),
        (FIRST_SECOND, None, ThreadsStatus(True, True, None, None, 0)),
        (CREATED, SEEN, ThreadsStatus(True, False, None, None, 0)),
    ],
    ids=["known", "not known", "old conversations missing"],
)
def test_the_status_says_until_when_threads_are_known(
    archive: Archive, first: int, known: int | None, expected: ThreadsStatus
) -> None:
    cover(archive, Interval(first, SEEN))
    keep_threads(archive, known)
    with archive.reading() as snapshot:
        assert threads_status(snapshot) == expected


def test_the_status_says_since_when_recent_threads_are_known(archive: Archive) -> None:
    keep_threads(archive, None)
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_note(RECENT_THREADS, {"since": CREATED, "as_of": SEEN})
    with archive.reading() as snapshot:
        assert threads_status(snapshot) == ThreadsStatus(True, False, CREATED, HELD, 0)


def test_old_threads_cannot_be_known_where_old_conversations_are_not_kept(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_kept_since(FIRST_SECOND)
    cover(archive, Interval(FIRST_SECOND, SEEN))
    with archive.reading() as snapshot:
        assert threads_status(snapshot) == ThreadsStatus(False, False, None, None, 0)
