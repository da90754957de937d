"""Cases in which a count could silently be wrong: each is refused, or answered correctly."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from compat.archive.admin import CannotImport, export, import_lines, seal
from compat.archive.database import open_archive
from compat.archive.records import INDEX_LAG
from compat.archive.sync.queries import ALL_LISTS_SPAM
from compat.config.conventions import Conventions
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Coverage, Interval, MaxAges
from compat.core.models import ListQuery
from compat.simulator import Behaviour, Conversation, Simulator
from compat.sources.folder_views import Fetched
from compat.sources.live import LiveSource
from compat.sources.merge import plan_read, unchanged
from tests.integration.archived.offline_service import (
    LISTS,
    answer_of,
    ask,
    expected_answer,
    service,
    staged_with_one_clock,
)
from tests.integration.archived.test_answers import everything, refused
from tests.integration.exactness.oracle import Asked, text
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.conftest import url  # noqa: F401 - a fixture, used by its name
from tests.unit.archive.sync.synced_account import (
    DAY,
    NOW,
    SINCE,
    Staged,
)

FIRST = int(SINCE.timestamp())
LAST = int(NOW.timestamp())
AGED = {"recent_age": 600, "max_age": 600}


@pytest.fixture
def stage(upstream_server: Upstream, url: str, monkeypatch: pytest.MonkeyPatch) -> Staged:  # noqa: F811
    """A sample account and an archive in SQLite that was synchronised a moment ago."""
    made = staged_with_one_clock(upstream_server, url, monkeypatch)
    made.sync()
    made.simulator.reset()
    return made


def counted(stage: Staged, at: int = 0) -> Conversation:
    """A conversation that is counted and was created long ago."""
    return [each for each in stage.account.conversations() if each.counts][at]


@pytest.mark.parametrize("shift", [90, -90])
def test_a_refusal_names_the_limit_by_the_clock_of_the_conventions(
    stage: Staged, shift: int
) -> None:
    end = int(stage.clock()) - INDEX_LAG + 60 * shift + 30
    rules = Conventions(clock_shift_minutes=shift)
    with service(stage, offline=True, conventions=rules) as reports:
        fault = refused(ask(reports, Asked(FIRST, end).target()))
        assert ask(reports, Asked(FIRST, end - 120).target()).status == 200
    assert (fault["property"], fault["value"]) == ("end", text(end))


def test_rows_that_totals_contradicted_are_not_used_later(stage: Staged) -> None:
    hiding = Behaviour(rate_limit=None, all_lists_spam=False)
    stage.upstream_server.show(Simulator(stage.account, hiding))
    stage.clock.advance(60)  # in the second of the run before, a reading would prove nothing
    stage.sync()
    stage.clock.advance(DAY)
    row = next(each for each in stage.account.conversations() if each.status == "spam")
    with service(stage, **AGED) as reports:
        stage.account.delete(counted(stage).id)
        assert answer_of(reports, everything()) == expected_answer(stage.account, everything())
        stage.account.unspam(row.id)
        younger = Asked(FIRST, LAST - DAY - 1, view_by="month")
        assert (
            answer_of(reports, younger)["current"][0]
            == expected_answer(stage.account, younger)["current"][0]
        )


def test_what_was_modified_is_read_once_for_many_questions(stage: Staged) -> None:
    stage.clock.advance(DAY)
    with service(stage, **AGED) as reports:
        assert answer_of(reports, everything()) == expected_answer(stage.account, everything())
        made = stage.simulator.requests[LISTS]
        for asked in (Asked(FIRST, LAST - DAY), everything(filters={"types": ("email",)})):
            assert answer_of(reports, asked) == expected_answer(stage.account, asked)
    assert stage.simulator.requests[LISTS] == made


def test_a_conversation_that_came_while_totals_were_compared_hides_no_deletion(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.clock.advance(DAY)
    row = counted(stage)
    stage.account.delete(row.id)
    modified = LiveSource.modified
    added = iter([1])

    def one_is_added(live: LiveSource, *arguments: Any) -> Fetched:
        found = modified(live, *arguments)
        if next(added, None):
            stage.account.add(row.created + 1)
        return found

    monkeypatch.setattr(LiveSource, "modified", one_is_added)
    with service(stage, recent_age=0, max_age=0) as reports:
        assert answer_of(reports, everything()) == expected_answer(stage.account, everything())


def test_a_total_proves_nothing_if_it_is_not_known_whether_it_counts_spam(stage: Staged) -> None:
    spam = [each for each in stage.account.conversations() if each.status == "spam"]
    with (
        open_archive(stage.url) as archive,
        archive.lock() as lock,
        archive.writing(lock) as writer,
    ):
        writer.set_note(ALL_LISTS_SPAM, None)
    for at in range(len(spam)):  # as many as are spam
        stage.account.delete(counted(stage, at).id)
    with service(stage, recent_age=0, max_age=0) as reports:
        assert answer_of(reports, everything()) == expected_answer(stage.account, everything())


def test_offline_a_folder_that_the_archive_does_not_know_is_refused(stage: Staged) -> None:
    with service(stage, offline=True) as reports:
        fault = refused(ask(reports, everything(filters={"folders": (999_999,)}).target()))
    assert (fault["property"], fault["value"]) == ("folders", "999999")


def test_offline_folders_of_a_mailbox_that_were_never_read_are_refused(stage: Staged) -> None:
    mailbox = stage.account.layout.mailboxes[0].id
    home = next(
        each
        for each in stage.account.layout.folders
        if each.mailbox_id == mailbox and each.type == "open"
    )
    asked = everything(filters={"folders": (home.id,)})
    with service(stage, offline=True) as reports:
        assert answer_of(reports, asked) == expected_answer(stage.account, asked)
        with (
            open_archive(stage.url) as archive,
            archive.lock() as lock,
            archive.writing(lock) as writer,
        ):
            writer.set_list_items(ListQuery("folders", mailbox), None, int(stage.clock()) + 1)
        fault = refused(ask(reports, Asked(FIRST, LAST, filters=asked.filters).target()))
    assert fault["property"] == "folders"


def test_a_sealed_archive_answers_without_a_request(stage: Staged) -> None:
    with open_archive(stage.url) as archive, archive.lock() as lock:
        seal(archive, lock, stage.coverage()[-1].interval.last)
    stage.clock.advance(900 * DAY)
    drilldown = "/v1/reports/conversations/new-drilldown.json"
    range_ = f"start={text(FIRST)}&end={text(LAST - DAY)}"
    with service(stage, recent_age=0, max_age=0) as reports:
        shown = ask(reports, f"{drilldown}?{range_}")
        view = next(each for each in stage.account.layout.folders if each.type == "team")
        fault = refused(ask(reports, everything(filters={"folders": (view.id,)}).target()))
    assert shown.status == 200
    assert json.loads(shown.body)["conversations"]["results"]
    assert fault["property"] == "folders"
    assert not stage.simulator.requests


def test_an_import_does_not_renew_what_it_does_not_contain(stage: Staged) -> None:
    until = int(stage.clock()) - INDEX_LAG - DAY
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        lines = [line for line in export(snapshot) if json.loads(line)["createdAt"] <= text(until)]
    before = stage.rows(), stage.coverage()
    with open_archive(stage.url) as archive, archive.lock() as lock:
        with pytest.raises(CannotImport, match="holds 1 conversations"):
            import_lines(
                archive,
                lock,
                io.BytesIO(b"".join(lines[1:])),
                (FIRST_SECOND, until),
                int(stage.clock()) + DAY,
            )
        assert (stage.rows(), stage.coverage()) == before
        import_lines(
            archive,
            lock,
            io.BytesIO(b"".join(lines)),
            (FIRST_SECOND, until),
            int(stage.clock()) + DAY,
        )
    assert stage.coverage()[0].as_of == int(stage.clock()) + DAY


def test_an_answer_is_kept_no_longer_than_its_parts_are_fresh() -> None:
    known = [Coverage(Interval(0, 1000), 90_000), Coverage(Interval(1001, 2000), 90_500)]
    plan = plan_read(known, [Interval(0, 3000)], 91_200, MaxAges(900, 1300, 88_000))
    assert [known for known, _ in plan.young] == [Interval(0, 1000), Interval(1001, 2000)]
    assert plan.gaps == [Interval(2001, 3000)]
    assert plan.young_for == 90_000 + 1300 - 91_200
    assert unchanged(plan).as_of == 90_000
