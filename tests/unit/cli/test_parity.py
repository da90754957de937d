"""`helpscout-v1 parity check`, and `serve --record`, whose files it checks."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest
import stamina

from compat.cli import main
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator, running
from tests.unit.server.commands import COMMAND, environment, run, started
from tests.unit.server.threaded_server import ask
from tests.unit.service.doubles import JANUARY, LONG, basic

Printed = pytest.CaptureFixture[str]
RULE = '[[ignore]]\nreason = "a known one"\npath = "current[0].count"\n'


@pytest.fixture
def equal(settings: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file with one capture, whose answer is still the same."""
    with LegacyReports.from_env(os.environ) as reports:
        answer = reports.answer(JANUARY, authorization=basic())
    assert answer.status == 200
    record = {"target": JANUARY, "status": 200, "body": answer.body.decode()}
    return written(tmp_path / "old.jsonl", record)


@pytest.fixture
def different(equal: Path) -> Path:
    """The same, but for its first count."""
    record = json.loads(equal.read_text("utf-8"))
    body = json.loads(record["body"])
    body["current"][0]["count"] += 5
    return written(equal.with_name("different.jsonl"), record | {"body": body})


def written(path: Path, *records: object) -> Path:
    path.write_text("".join(f"{json.dumps(each)}\n" for each in records), "utf-8")
    return path


def checked(capsys: Printed, *arguments: object) -> tuple[int, str, str]:
    status = main(["parity", "check", *map(str, arguments)])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_equal_answers_exit_with_0(capsys: Printed, equal: Path) -> None:
    said = "1 capture: 1 equal\nAll answers are equal.\n"
    assert checked(capsys, equal) == (0, said, "")


def test_different_answers_exit_with_1(capsys: Printed, equal: Path, different: Path) -> None:
    status, said, _ = checked(capsys, equal, different)
    assert status == 1
    assert "current[0].count: value, " in said
    assert said.endswith("2 captures: 1 equal, 1 different\nSome answers differ.\n")


def test_what_is_ignored_is_listed_and_exits_with_0(
    capsys: Printed, different: Path, tmp_path: Path
) -> None:
    rules = tmp_path / "ignore.toml"
    rules.write_text(RULE, "utf-8")
    status, said, _ = checked(capsys, different, "--ignore", rules)
    assert status == 0
    assert "ignored: a known one" in said


def test_a_rule_that_ignored_nothing_exits_with_2(
    capsys: Printed, equal: Path, tmp_path: Path
) -> None:
    rules = tmp_path / "ignore.toml"
    rules.write_text(RULE, "utf-8")
    status, said, _ = checked(capsys, equal, "--ignore", rules)
    assert status == 2
    assert said.endswith("Some rules ignored nothing and have to go: a known one.\n")


def test_trouble_upstream_exits_with_3(
    capsys: Printed, equal: Path, settings: pytest.MonkeyPatch
) -> None:
    settings.setenv("HELPSCOUT_BASE_URL", "http://127.0.0.1:9/v2")
    with stamina.set_testing(True, attempts=2):
        status, said, _ = checked(capsys, equal)
    assert status == 3
    assert said.endswith("1 capture: 1 not asked\nSome could not be asked.\n")


@pytest.mark.parametrize(
    ("engine", "plan", "status"),
    [("computed", "standard", 0), ("relayed", "standard", 3), ("relayed", "plus", 0)],
)
def test_the_engine_that_is_chosen_is_asked(
    capsys: Printed,
    equal: Path,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    *,
    engine: str,
    plan: Literal["standard", "plus"],
    status: int,
) -> None:
    found = equal.with_name("verdicts.json")
    with running(Simulator(account, Behaviour(rate_limit=None), plan=plan)) as base_url:
        monkeypatch.setenv("HELPSCOUT_BASE_URL", base_url)
        assert checked(capsys, equal, "--engine", engine, "--json", found)[0] == status
    assert json.loads(found.read_text("utf-8"))["summary"]["engine"] == engine


def test_an_archive_is_asked_without_help_scout(
    capsys: Printed, equal: Path, settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.setenv("COMPAT_ARCHIVE", str(tmp_path / "archive.db"))
    assert main(["sync", "--since", "2015-01", "--until", "2015-01"]) == 0
    settings.setenv("HELPSCOUT_BASE_URL", "http://127.0.0.1:9/v2")
    capsys.readouterr()
    beyond = json.loads(equal.read_text("utf-8"))
    beyond["target"] = beyond["target"].replace("2015-01-31", "2015-02-28")
    other = written(tmp_path / "beyond.jsonl", beyond)
    assert checked(capsys, equal, "--offline")[0] == 0
    status, said, _ = checked(capsys, equal, other, "--offline")
    assert status == 3
    assert "The archive covers" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("none.jsonl",), "none.jsonl cannot be opened (No such file or directory)"),
        (("{equal}", "--ignore", "none.toml"), "none.toml cannot be read"),
        (("{equal}", "--account", "acme"), "say which account: one of default"),
        (("{equal}", "--html", "nowhere/at/all.html"), "No such file or directory"),
    ],
)
def test_misuse_exits_with_2_and_says_why(
    capsys: Printed, equal: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    status, said, complaint = checked(capsys, *(each.format(equal=equal) for each in arguments))
    assert (status, said) == (2, "")
    assert complaint.startswith("helpscout-v1: ")
    assert sentence in complaint


def test_captures_among_which_none_can_be_compared_exit_with_2(
    capsys: Printed, settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status, said, _ = checked(capsys, written(tmp_path / "x.jsonl", {}))
    assert status == 2
    assert said.endswith("1 capture: 1 unreadable\nNothing could be compared.\n")


def test_two_files_joined_into_one_exit_with_2(capsys: Printed, equal: Path) -> None:
    equal.write_text(equal.read_text("utf-8") + equal.read_text("utf-8").strip() * 2, "utf-8")
    status, said, _ = checked(capsys, equal)
    assert status == 2
    assert "old.jsonl:2: damaged (the line goes on after its JSON" in said
    assert said.endswith("Some files are damaged and were not read completely.\n")


def test_all_files_are_written_in_one_run(capsys: Printed, different: Path, tmp_path: Path) -> None:
    wanted = {name: tmp_path / f"verdicts.{name}" for name in ("json", "junit", "html")}
    options = (part for name, path in wanted.items() for part in (f"--{name}", path))
    assert checked(capsys, different, *options)[0] == 1
    assert json.loads(wanted["json"].read_text("utf-8"))["summary"]["exit_status"] == 1
    assert wanted["junit"].read_text("utf-8").startswith("<?xml")
    assert "<svg" in wanted["html"].read_text("utf-8")


def test_captures_are_read_from_standard_input_and_har(
    reach: dict[str, str], equal: Path, tmp_path: Path
) -> None:
    record = json.loads(equal.read_text("utf-8"))
    entry: dict[str, Any] = {
        "request": {"method": "GET", "url": f"https://api.helpscout.net{JANUARY}"},
        "response": {"status": 200, "content": {"text": record["body"]}},
    }
    har = written(tmp_path / "site.har", {"log": {"entries": [entry]}})
    done = subprocess.run(
        [COMMAND, "parity", "check", "-", har],
        input=equal.read_text("utf-8"),
        env=environment(reach),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 captures: 2 equal\n")


def test_a_closed_pipe_does_not_keep_the_files_from_being_written(
    reach: dict[str, str], different: Path, tmp_path: Path
) -> None:
    many = tmp_path / "many.jsonl"
    many.write_text(different.read_text("utf-8") * 600, "utf-8")
    found = tmp_path / "verdicts.json"
    process = subprocess.Popen(
        [COMMAND, "parity", "check", many, "--json", found],
        env=environment(reach),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(LONG) == 1
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert json.loads(found.read_text("utf-8"))["summary"]["captures"] == 600


def test_what_serve_records_is_checked_equal(reach: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    options = ("--port", "0", "--record", str(path))
    with started("serve", *options, **reach, COMPAT_API_KEYS="an-old-key") as server:
        assert ask(server.port, JANUARY).status == 200
        assert ask(server.port, f"{JANUARY}&viewBy=day&tags=1&key=hidden").status == 200
        assert ask(server.port, f"{JANUARY}&viewBy=year").status == 400
        assert server.stop(signal.SIGTERM) == 0
    done = run("parity", "check", str(path), **reach)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "3 captures: 3 equal\nAll answers are equal.\n"
    assert "hidden" not in path.read_text("utf-8")


def test_a_record_file_that_cannot_be_written_is_refused_before_anything_is_served(
    reach: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "nowhere" / "old.jsonl"
    done = run("serve", "--port", "0", "--record", str(path), **reach, COMPAT_API_KEYS="a")
    assert done.returncode == 2
    assert f"--record: {path} cannot be written (No such file or directory)" in done.stderr


def test_verdicts_are_printed_as_csv(capsys: Printed, equal: Path, different: Path) -> None:
    status, out, _ = checked(capsys, equal, different, "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == 1
    assert [row["outcome"] for row in rows] == ["equal", "different"]
    assert (rows[1]["differences"], rows[1]["paths"]) == ("1", "current[0].count")
    assert (rows[1]["target"], rows[1]["currentDelta"]) == (JANUARY, "-5")


def test_verdicts_are_printed_as_json_and_written_as_csv(
    capsys: Printed, equal: Path, tmp_path: Path
) -> None:
    status, out, _ = checked(capsys, equal, "--json", "-", "--csv", tmp_path / "verdicts.csv")
    assert status == 0
    assert json.loads(out)["summary"]["captures"] == 1
    assert (tmp_path / "verdicts.csv").read_text("utf-8").count("\n") == 2


def test_only_one_format_is_printed(capsys: Printed, equal: Path) -> None:
    status, out, err = checked(capsys, equal, "--json", "-", "--csv", "-")
    assert (status, out) == (2, "")
    assert "only one format can be written to standard output" in err
