"""`helpscout-v1 archive …`, on an archive that was synchronised a moment ago."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from compat import json_lines
from compat.archive.database import open_archive
from compat.archive.records import INDEX_LAG
from compat.cli import main
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Interval
from compat.simulator.people import customer_email
from tests.integration.archived.offline_service import answer_of, expected_answer, service
from tests.integration.exactness.oracle import Asked, text
from tests.unit.archive.sync.synced_account import DAY, EVER, NOW, SINCE, Staged

Run = Callable[..., tuple[int, str, str]]
FIRST = int(SINCE.timestamp())
LAST = int(NOW.timestamp())


@pytest.fixture
def run(
    stage: Staged, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Run:
    """Runs a part of the command; its exit status and what it printed."""
    monkeypatch.setenv("COMPAT_ARCHIVE", stage.url)
    monkeypatch.setattr("compat.archive.admin.time", SimpleNamespace(time=stage.clock))

    def runs(*arguments: str, url: str | None = None) -> tuple[int, str, str]:
        if url:
            monkeypatch.setenv("COMPAT_ARCHIVE", url)
        status = main(["archive", *arguments])
        sys.stdout.flush()
        printed = capfdbinary.readouterr()
        return status, printed.out.decode(), printed.err.decode()

    return runs


def test_status_shows_coverage_age_and_size(stage: Staged, run: Run) -> None:
    stage.clock.advance(600)
    status, out, _ = run("status", "--json")
    facts = json.loads(out)
    assert status == 0
    assert facts["conversations"] == len(stage.rows())
    assert facts["size"] > 10_000
    (span,) = facts["covered"]
    assert span["first"] == "0001-01-01T00:00:00Z"
    assert span["age"] >= 600
    assert span["young"]


def test_status_shows_a_person_what_is_stale(stage: Staged, run: Run) -> None:
    stage.clock.advance(DAY)
    status, out, _ = run("status")
    assert status == 0
    assert "too old to be used without asking Help Scout" in out
    assert "run `helpscout-v1 sync`" in out


def test_what_is_exported_can_be_imported_elsewhere(
    stage: Staged, run: Run, tmp_path: Path
) -> None:
    _, lines, _ = run("export")
    file = tmp_path / "all.jsonl"
    file.write_text(lines, encoding="utf-8")
    until = int(stage.clock()) - INDEX_LAG - DAY
    kept = [line for line in lines.splitlines() if json.loads(line)["createdAt"] <= text(until)]
    file.write_text("\n".join(kept), encoding="utf-8")
    elsewhere = f"sqlite:///{tmp_path}/other.db"
    covers = f"0001-01-01..{text(until)}"
    as_of = text(int(stage.clock()))
    status, _, _ = run("import", str(file), "--covers", covers, "--as-of", as_of, url=elsewhere)
    assert status == 0
    with open_archive(elsewhere) as archive, archive.reading() as snapshot:
        rows = {row.id: row for row in snapshot.rows([EVER])}
        (known,) = snapshot.coverage()
    assert rows == {id_: row for id_, row in stage.rows().items() if row.created <= until}
    assert known.interval == Interval(FIRST_SECOND, until)


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"], ids=["empty", "lines", "mark"])
def test_a_file_without_conversations_covers_nothing(
    stage: Staged, run: Run, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "empty.jsonl"
    file.write_text(content, encoding="utf-8")
    elsewhere = f"sqlite:///{tmp_path}/other.db"
    covers = ("--covers", "2013..2014", "--as-of", text(int(stage.clock())))
    status, _, said = run("import", str(file), *covers, url=elsewhere)
    assert status == 2
    assert "there is no conversation in the file" in said
    with open_archive(elsewhere) as archive, archive.reading() as snapshot:
        assert not list(snapshot.coverage())


def test_a_slim_archive_is_exported_by_its_facts(stage: Staged, run: Run, tmp_path: Path) -> None:
    slim = f"sqlite:///{tmp_path}/slim.db"
    stage.settings = stage.settings.model_copy(
        update={"archive": type(stage.settings.app_secret)(slim)}
    )
    stage.sync(slim=True)
    _, lines, _ = run("export", url=slim)
    read = [json.loads(line) for line in lines.splitlines()]
    assert len(read) == len(stage.rows())
    assert not any("subject" in each or "preview" in each for each in read)
    file = tmp_path / "slim.jsonl"
    file.write_text(lines, encoding="utf-8")
    again = f"sqlite:///{tmp_path}/again.db"
    as_of = text(int(stage.clock()) + DAY)
    covers = f"0001-01-01..{text(int(stage.clock()))}"
    assert run("import", str(file), "--covers", covers, "--as-of", as_of, url=again)[0] == 0
    with open_archive(again) as archive, archive.reading() as snapshot:
        assert {row.id: row for row in snapshot.rows([EVER])} == stage.rows()


MARK = "\ufeff"


@pytest.mark.parametrize(("before", "between"), [(MARK, "\n"), (MARK, f"\r\n\n  {MARK}\n{MARK}")])
def test_byte_order_marks_and_empty_lines_do_not_matter(
    stage: Staged, run: Run, tmp_path: Path, before: str, between: str
) -> None:
    _, lines, _ = run("export")
    file = tmp_path / "all.jsonl"
    file.write_bytes((before + between.join(lines.splitlines())).encode())
    other = f"sqlite:///{tmp_path}/other.db"
    covers = f"0001-01-01..{text(int(stage.clock()))}"
    as_of = text(int(stage.clock()) + DAY)
    assert run("import", str(file), "--covers", covers, "--as-of", as_of, url=other)[0] == 0
    with open_archive(other) as archive, archive.reading() as snapshot:
        assert {row.id: row for row in snapshot.rows([EVER])} == stage.rows()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{line}{line}", "line 1 is no conversation"),
        ("{line} x", "line 1 is no conversation"),
        ("\n\n[{line}]", "line 3 is no conversation"),
        ("{{", "line 1 is no conversation"),
    ],
)
def test_a_line_with_more_or_less_than_a_conversation_is_refused(
    run: Run, tmp_path: Path, line: str, reason: str
) -> None:
    _, lines, _ = run("export")
    file = tmp_path / "all.jsonl"
    file.write_text(line.format(line=lines.splitlines()[0]), encoding="utf-8")
    covers = ("--covers", "0001-01-01..2015-01-01", "--as-of", "2016")
    status, _, err = run("import", str(file), *covers, url=f"sqlite:///{tmp_path}/other.db")
    assert (status, reason in err) == (2, True)


def test_a_line_that_is_too_long_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINE_BYTES", 1024)
    file = tmp_path / "all.jsonl"
    file.write_text("\n" + "x" * 5000, encoding="utf-8")
    covers = ("--covers", "0001-01-01..2015-01-01", "--as-of", "2016")
    status, _, err = run("import", str(file), *covers, url=f"sqlite:///{tmp_path}/other.db")
    assert (status, "line 2 is longer than" in err) == (2, True)


def test_a_line_that_is_no_conversation_takes_in_nothing(
    stage: Staged, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, lines, _ = run("export")
    first = lines.splitlines()[0]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{first}\n{{}}\n".encode())))
    other = f"sqlite:///{tmp_path}/other.db"
    covers = ("--covers", "0001-01-01..2015-01-01", "--as-of", "2016")
    status, _, err = run("import", "-", *covers, url=other)
    assert status == 2
    assert "line 2 is no conversation" in err
    with open_archive(other) as archive, archive.reading() as snapshot:
        assert snapshot.conversation_count() == 0
        assert not snapshot.coverage()


def test_what_was_created_outside_of_the_range_is_refused(run: Run, tmp_path: Path) -> None:
    _, lines, _ = run("export")
    file = tmp_path / "all.jsonl"
    file.write_text(lines, encoding="utf-8")
    covers = ("--covers", "2001..2002", "--as-of", "2016")
    status, _, err = run("import", str(file), *covers, url=f"sqlite:///{tmp_path}/other.db")
    assert status == 2
    assert "line 1: a conversation that was not created in --covers" in err


def test_a_sealed_archive_answers_also_of_later_and_never_grows_old(
    stage: Staged, run: Run
) -> None:
    status, _, _ = run("seal", "--at", text(int(stage.clock()) - INDEX_LAG - 60))
    assert status == 0
    stage.clock.advance(400 * DAY)
    asked = Asked(FIRST, LAST + 300 * DAY, view_by="month")
    with service(stage, offline=True) as reports:
        assert answer_of(reports, asked) == expected_answer(stage.account, asked)
    with service(stage, recent_age=0, max_age=0) as reports:
        assert answer_of(reports, asked) == expected_answer(stage.account, asked)
    assert run("status", "--json")[1].count(text(LAST_SECOND)) == 1


def test_a_seal_can_be_taken_back(stage: Staged, run: Run) -> None:
    before = stage.coverage()
    assert run("seal", "--at", text(before[-1].interval.last))[0] == 0
    assert stage.coverage()[-1].interval.last == LAST_SECOND
    assert run("seal", "--undo")[0] == 0
    assert stage.coverage() == before


def test_an_archive_that_is_older_than_the_closing_is_not_sealed(stage: Staged, run: Run) -> None:
    for late in (DAY, 1):
        status, _, err = run("seal", "--at", text(stage.coverage()[-1].interval.last + late))
        assert status == 2
        assert "run `helpscout-v1 sync` once more" in err


def test_a_customer_is_erased_by_address_and_counts_stay(stage: Staged, run: Run) -> None:
    row = next(each for each in stage.account.conversations() if each.counts)
    address = customer_email(row.customer_id)
    assert address in run("export")[1]
    asked = Asked(FIRST, LAST - DAY, view_by="month")
    status, out, _ = run("forget", "--customer", address.upper())
    assert status == 0
    assert f"customer {row.customer_id}: " in out
    # The carbon copies of other conversations are not the customer's own.
    left = [json.loads(line) for line in run("export")[1].splitlines()]
    assert not [e for e in left if e.get("primaryCustomer", {}).get("email") == address]
    with service(stage, offline=True) as reports:
        assert answer_of(reports, asked) == expected_answer(stage.account, asked)


def test_nobody_of_an_address_is_said(run: Run) -> None:
    status, _, err = run("forget", "--customer", "nobody@example.org")
    assert status == 0
    assert "nobody of that address" in err


@pytest.mark.parametrize(
    "customer",
    ["0", "0000", "-1", str(2**63), "9" * 5000, "@", "a@", "@b", "a b@c", "a@b@c", "two\nlines@b"],
)
def test_what_no_customer_can_be_named_erases_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, customer: str
) -> None:
    monkeypatch.setattr("compat.archive.writer.Writer.erase_customers", pytest.fail)
    status, _, err = run("forget", f"--customer={customer}")
    assert status == 2
    assert err == "helpscout-v1: --customer: write it as a number, or as an e-mail address\n"


def test_nothing_is_imported_as_of_the_future(stage: Staged, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text(run("export")[1], encoding="utf-8")
    before = stage.coverage()
    status, _, err = run("import", str(file), "--covers", "2013..2015", "--as-of", "9999")
    assert status == 2
    assert "--as-of: it is in the future: give the instant of the export" in err
    assert stage.coverage() == before


def test_only_so_much_is_kept(stage: Staged, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compat.cli.archive.today", NOW.date)
    assert run("forget", "--keep", "6m")[0] == 0
    since = int(NOW.replace(year=2014, month=12, hour=0, minute=0, second=0).timestamp())
    assert min(row.created for row in stage.rows().values()) >= since
    assert stage.coverage()[0].interval.first == since


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("seal",), "say --at, or --undo"),
        (("forget",), "say --customer, or --keep"),
        (("forget", "--keep", "3 years"), "--keep: write it as 3y, 18m or 400d"),
        (("forget", "--keep", "9000y"), "before the year 1"),
        (("import", "x", "--covers", "2015", "--as-of", "2016"), "write it as FROM..TO"),
        (("import", "x", "--covers", "2016..2015", "--as-of", "2017"), "ends before it begins"),
        (("import", "gone", "--covers", "2014..2015", "--as-of", "2017"), "No such file"),
        (("import", "x", "--covers", "2015..2016", "--as-of", "2016"), "15 minutes before"),
    ],
)
def test_misuse_is_reported(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").touch()
    status, _, err = run(*arguments)
    assert status == 2
    assert said in err


def test_a_missing_archive_is_reported(run: Run, tmp_path: Path) -> None:
    status, _, err = run("status", url=f"sqlite:///{tmp_path}/none.db")
    assert status == 4
    assert "there is no archive" in err
