"""While a first fill is under way, questions about recent threads are answered from the archive."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from compat.archive.admin import CannotSeal, archive_status, export, import_lines, seal, unseal
from compat.archive.database import open_archive
from compat.archive.records import INDEX_LAG
from compat.archive.sync import recent_threads
from compat.cli.archive import _state_as_json, _state_as_text
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval
from compat.doctor import archive as doctor
from compat.service import LegacyReports
from compat.v1.datetimes import format_epoch
from tests.integration.archived.offline_service import ask, service, staged_with_one_clock
from tests.integration.archived.test_ratings import assert_all_answers
from tests.integration.exactness import oracle, rating_oracle, user_oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.simulated_upstream import Upstream
from tests.integration.exactness.user_checks import ask as ask_about_user
from tests.integration.exactness.user_checks import check_all
from tests.unit.archive.sync.synced_account import DAY, SINCE, Staged
from tests.unit.archive.sync.test_recent_threads import filled, known_since, step, stopped
from tests.unit.archive.sync.true_threads import known_time

USER, TEAM = 4101, 4901
ANSWERS = 6
"""How many answers on a user or a team there are to one question."""


@pytest.fixture
def fill(upstream_server: Upstream, any_url: str, monkeypatch: pytest.MonkeyPatch) -> Staged:
    """The sample account, and no archive yet: its first fill is to come, with threads."""
    monkeypatch.setattr(recent_threads, "_FEWEST", 0)
    monkeypatch.setattr(recent_threads, "_SHARE", 2)
    made = staged_with_one_clock(upstream_server, any_url, monkeypatch)
    made.limit_requests(1)
    return made


def questions(stage: Staged) -> list[Asked]:
    """Questions of the last month and quarter, up to what the archive knows."""
    known = known_time(stage)
    assert known is not None
    first, last = known
    tag = stage.account.layout.tags[0].id
    return [
        Asked(first, last, view_by="week"),
        Asked(last - 30 * DAY, last, (last - 60 * DAY, last - 30 * DAY - 1), "day"),
        Asked(last - 30 * DAY, last, view_by="day", filters={"types": ("email", "phone")}),
        Asked(first, last, view_by="day", filters={"tags": (1, tag)}),
    ]


def received(reports: LegacyReports, asked: Asked) -> Any:
    return ask(reports, asked.target(path=oracle.MESSAGES))


def assert_exact(stage: Staged, reports: LegacyReports) -> None:
    """All reports on threads are those of the account."""
    for asked in questions(stage):
        answer = received(reports, asked)
        assert answer.status == 200, answer
        assert json.loads(answer.body) == oracle.received(asked, stage.account)
        assert_all_answers(stage, reports, asked)
        for who in (USER, TEAM):
            assert check_all(reports, asked, who, stage.account) == ANSWERS


def test_before_the_fill_recent_questions_are_answered_offline(fill: Staged) -> None:
    stopped(fill, step("new"))
    fill.simulator.reset()
    with service(fill, offline=True) as reports:
        assert_exact(fill, reports)
    assert not fill.simulator.requests


def test_while_old_chats_are_unread_recent_questions_are_answered_offline(fill: Staged) -> None:
    filled(fill)
    with service(fill, offline=True) as reports:
        assert_exact(fill, reports)


def test_older_questions_are_refused_with_the_time_that_is_known(fill: Staged) -> None:
    stopped(fill, step("new"))
    known = known_time(fill)
    assert known is not None
    older = Asked(known.first - 1, known.last, view_by="week")
    with service(fill, offline=True) as reports:
        for path in (oracle.MESSAGES, rating_oracle.HAPPINESS, f"{user_oracle.ROOT}.json"):
            answer = ask(reports, f"{older.target(path=path)}user={USER}")
            (fault,) = json.loads(answer.body)["validationErrors"]
            assert (answer.status, fault["property"]) == (400, "start")
            assert fault["message"] == (
                f"The archive knows all threads from {format_epoch(known.first)} to "
                f"{format_epoch(known.last)}, older ones when everything was read: run "
                "`helpscout-v1 sync` where Help Scout is reached"
            )


def test_with_help_scout_older_and_later_questions_are_exact(fill: Staged) -> None:
    stopped(fill, step("new"))
    fill.account.write(min(row.id for row in fill.account.conversations() if row.listed))
    fill.clock.advance(60)
    first, last = int(SINCE.timestamp()), int(fill.clock.now)
    with service(fill) as reports:
        for asked in (Asked(first, last, view_by="month"), Asked(last - 20 * DAY, last)):
            assert json.loads(received(reports, asked).body) == oracle.received(asked, fill.account)
            assert check_all(reports, asked, USER, fill.account) == ANSWERS


def test_customers_ever_helped_are_those_of_the_conversations_until_all_is_read(
    fill: Staged,
) -> None:
    def ever(reports: LegacyReports) -> tuple[int, bool]:
        answer = ask(reports, target)
        content = json.loads(answer.body)
        unavailable = dict(answer.headers).get("Compat-Unavailable", "")
        return content["user"]["totalCustomersHelped"], "totalCustomersHelped" in unavailable

    expected = user_oracle.customers_ever(USER, fill.account)
    stopped(fill, step("new"))
    target = f"{questions(fill)[0].target(path=f'{user_oracle.ROOT}.json')}user={USER}"
    with service(fill, offline=True) as reports:
        few, is_unavailable = ever(reports)
        assert few < expected
        assert is_unavailable
    fill.sync()
    with service(fill, offline=True) as reports:
        assert ever(reports) == (expected, False)


def test_after_the_whole_fill_all_questions_are_answered_offline(fill: Staged) -> None:
    stopped(fill, step("new"))
    fill.sync()
    known = known_time(fill)
    assert known is not None
    assert known.first == FIRST_SECOND
    whole = Asked(int(SINCE.timestamp()), known.last, view_by="month")
    with service(fill, offline=True) as reports:
        assert json.loads(received(reports, whole).body) == oracle.received(whole, fill.account)
        assert check_all(reports, whole, USER, fill.account) == ANSWERS


def test_the_account_may_change_while_it_is_filled(fill: Staged) -> None:
    """What changed after the step is no part of the answer, or is in it where a window was read."""
    account = fill.account
    emails = [row.id for row in account.conversations() if row.listed and row.type == "email"]
    old, target, deleted, written = (*emails[:2], *emails[-2:])

    def at(event: Any) -> bool:
        if step("recent threads")(event):
            account.merge(old, target)
            account.write(written)
            account.delete(deleted)
        return step("new")(event)

    stopped(fill, at)
    with service(fill, offline=True) as reports:
        assert_exact(fill, reports)


def status(stage: Staged) -> tuple[str, Any]:
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        state = archive_status(archive, snapshot, stage.settings)
        return _state_as_text(state), _state_as_json(state)["threads"]


def test_status_and_doctor_say_which_time_is_known(fill: Staged) -> None:
    stopped(fill, step("new"))
    known = known_time(fill)
    assert known is not None
    first, last = map(format_epoch, known)
    text, facts = status(fill)
    assert f"all threads are known that were created {first} to {last}; older ones" in text
    assert (facts["since"], facts["until"]) == (first, last)
    found = doctor.collect_archive_facts(fill.settings)
    assert isinstance(found, doctor.ArchiveFacts)
    finding = doctor.threads(found, 0)
    assert finding is not None
    assert finding.verdict == "warning"
    assert f"{first} to {last}" in finding.what
    fill.sync()
    text, facts = status(fill)
    assert "all threads are known that were created until" in text
    assert facts["since"] is None


def test_an_archive_that_covers_all_is_not_sealed_before_all_threads_are_known(
    fill: Staged,
) -> None:
    stopped(fill, step("threads at last"))
    at = int(fill.clock.now) - INDEX_LAG - 5
    with (
        open_archive(fill.url) as archive,
        archive.lock() as lock,
        pytest.raises(CannotSeal, match="it has only the threads created since 2015-03-"),
    ):
        seal(archive, lock, at)


def test_a_sealed_archive_that_lacks_old_conversations_answers_recent_questions(
    fill: Staged,
) -> None:
    stopped(fill, step("new"))
    since = known_since(fill)
    begin = int(fill.clock.now) - 200 * DAY
    stopped(fill, step("threads"), within=lambda now: Interval(begin, now))
    at = fill.coverage()[-1].interval.last
    with open_archive(fill.url) as archive, archive.lock() as lock:
        seal(archive, lock, at)
        assert known_since(fill) == since
        unseal(archive, lock)
    assert known_since(fill) == since


def test_an_import_forgets_what_is_known_of_recent_threads(fill: Staged, tmp_path: Path) -> None:
    stopped(fill, step("new"))
    assert known_time(fill)
    with open_archive(fill.url) as archive:
        with archive.reading() as snapshot:
            lines = list(export(snapshot))
        first = min(row.created for row in fill.rows().values())
        created = f'"createdAt":"{format_epoch(first)}"'.encode()
        old = b"".join(line for line in lines if created in line)
        with archive.lock() as lock:
            import_lines(
                archive, lock, io.BytesIO(old), (first, first), int(fill.clock.now) - 5 * DAY
            )
    assert known_time(fill) is None


def test_user_reports_need_no_list_that_is_read_at_the_end(fill: Staged) -> None:
    stopped(fill, step("new"))
    with service(fill, offline=True) as reports:
        content = ask_about_user(reports, questions(fill)[0], USER, f"{user_oracle.ROOT}.json")
    assert content is not None
    assert content["user"]["name"]
