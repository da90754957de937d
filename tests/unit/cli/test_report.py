"""`helpscout-v1 report new` where no terminal is: on a pipe, in a script."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stamina

from compat.cli import main
from compat.service import LegacyReports
from compat.simulator import Account
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.unit.server.commands import COMMAND, environment, run
from tests.unit.server.threaded_server import LOOPBACK
from tests.unit.service.doubles import LONG, basic

JANUARY = ("report", "new", "--start", "2015-01")
COMPARED = (*JANUARY, "--previous-start", "2014-12", "--previous-end", "2015-01-10")
Printed = pytest.CaptureFixture[str]


def instant(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


MONTH = (instant("2015-01-01 00:00:00"), instant("2015-01-31 23:59:59"))
BEFORE = (instant("2014-12-01 00:00:00"), instant("2015-01-10 23:59:59"))


@pytest.fixture
def retries_without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2):
        yield


def printed(capsys: Printed, *arguments: str) -> str:
    """What the command prints when all goes well."""
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


def refused(capsys: Printed, *arguments: str) -> tuple[int, str]:
    """The exit status and what is said when it does not."""
    status = main(arguments)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    return status, shown.err


@pytest.mark.parametrize("asked_for", [(), ("--json",)])
@pytest.mark.parametrize("arguments", [JANUARY, COMPARED, (*JANUARY, "--view-by", "day")])
def test_a_pipe_gets_the_old_api_s_json_to_the_letter(
    reach: dict[str, str], arguments: tuple[str, ...], asked_for: tuple[str, ...]
) -> None:
    target = f"{oracle.PATH}?start=2015-01-01&end=2015-01-31T23:59:59Z"
    if "--view-by" in arguments:
        target += "&viewBy=day"
    if arguments == COMPARED:
        target += "&previousStart=2014-12-01&previousEnd=2015-01-10T23:59:59Z"
    with LegacyReports.from_env(reach) as reports:
        body = reports.answer(target, authorization=basic()).body
    done = run(*arguments, *asked_for, **reach)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.encode() == body + b"\n"


@pytest.mark.usefixtures("settings")
def test_the_counts_are_those_of_the_account(capsys: Printed, account: Account) -> None:
    expected = oracle.answer(Asked(*MONTH, BEFORE), account)
    assert json.loads(printed(capsys, *COMPARED)) == expected


@pytest.mark.usefixtures("settings")
def test_csv_has_a_line_for_each_bucket_of_each_range(capsys: Printed, account: Account) -> None:
    expected = oracle.answer(Asked(*MONTH, BEFORE), account)
    rows = list(csv.reader(io.StringIO(printed(capsys, *COMPARED, "--csv"))))
    assert rows == [
        ["period", "start", "count"],
        *(
            [name, bucket["start"], str(bucket["count"])]
            for name, buckets in expected.items()
            for bucket in buckets
        ),
    ]


@pytest.mark.usefixtures("settings")
def test_csv_lines_end_alike_everywhere(capsys: Printed) -> None:
    text = printed(capsys, *JANUARY, "--csv")
    assert "\r" not in text
    assert text.endswith("\n")


def ids_of(account: Account, asked: Asked, first: int, last: int) -> set[int]:
    return {
        row.id
        for row in account.conversations()
        if first <= row.created <= last and oracle.matches(row, asked, account)
    }


def check_ids(shown: dict[str, list[dict[str, Any]]], account: Account) -> None:
    asked = Asked(*MONTH, BEFORE, filters={"types": ("email", "chat")})
    assert set(shown) == {"current", "previous"}
    for name, (first, last) in {"current": MONTH, "previous": BEFORE}.items():
        buckets = shown[name]
        openings = [int(datetime.fromisoformat(each["start"]).timestamp()) for each in buckets]
        closings = [*(opening - 1 for opening in openings[1:]), last]
        assert openings[0] == first
        for bucket, opens, closes in zip(buckets, openings, closings, strict=True):
            assert bucket["count"] == len(bucket["ids"])
            assert set(bucket["ids"]) == ids_of(account, asked, opens, closes)
    assert sum(len(bucket["ids"]) for bucket in shown["current"]) > 50


@pytest.mark.usefixtures("settings")
def test_the_ids_in_json_are_those_behind_each_count(capsys: Printed, account: Account) -> None:
    shown = json.loads(printed(capsys, *COMPARED, "--types", "email,chat", "--ids", "--json"))
    check_ids(shown, account)


@pytest.mark.usefixtures("settings")
def test_the_ids_in_csv_are_those_behind_each_count(capsys: Printed, account: Account) -> None:
    text = printed(capsys, *COMPARED, "--types", "email,chat", "--ids", "--csv")
    shown: dict[str, list[dict[str, Any]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        ids = [int(each) for each in row["ids"].split()]
        bucket = {"start": row["start"], "count": int(row["count"]), "ids": ids}
        shown.setdefault(row["period"], []).append(bucket)
    check_ids(shown, account)


@pytest.mark.parametrize(
    ("more", "header"), [((), "period,start,count"), (("--ids",), "period,start,count,ids")]
)
def test_the_header_of_csv_does_not_depend_on_what_is_found(
    capsys: Printed, settings: pytest.MonkeyPatch, more: tuple[str, ...], header: str
) -> None:
    settings.setenv("COMPAT_EMPTY_BUCKETS_LISTED", "false")
    empty = ("report", "new", "--start", "1999", "--csv", *more)
    assert printed(capsys, *empty) == f"{header}\n"


@pytest.mark.usefixtures("settings")
def test_each_filter_is_handed_on(capsys: Printed, account: Account) -> None:
    layout = account.layout
    given: dict[str, tuple[int | str, ...]] = {
        "mailboxes": (layout.mailboxes[0].id, layout.mailboxes[1].id),
        "tags": (1, layout.tags[0].id),
        "types": ("email", "phone"),
        "folders": tuple(folder.id for folder in layout.folders if folder.type == "closed"),
    }
    flags = [part for name, ids in given.items() for part in (f"--{name}", ",".join(map(str, ids)))]
    shown = json.loads(printed(capsys, *JANUARY, *flags))
    assert shown == oracle.answer(Asked(*MONTH, filters=given), account)
    assert sum(bucket["count"] for bucket in shown["current"]) > 0


@pytest.mark.parametrize("start", ["today", "this-week", "last-month", "2015", "2015-01-01"])
@pytest.mark.usefixtures("settings")
def test_a_period_needs_no_end(capsys: Printed, start: str) -> None:
    assert list(json.loads(printed(capsys, "report", "new", "--start", start))) == ["current"]


@pytest.mark.usefixtures("settings")
def test_a_day_alone_is_the_whole_day(capsys: Printed, account: Account) -> None:
    day = datetime.fromtimestamp(account.conversations()[9].created, UTC).date().isoformat()
    edges = instant(f"{day} 00:00:00"), instant(f"{day} 23:59:59")
    shown = json.loads(printed(capsys, "report", "new", "--start", day, "--view-by", "day"))
    assert shown == oracle.answer(Asked(*edges, view_by="day"), account)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--start", "2015-02-29"), "--start: '2015-02-29' is none of 2015, "),
        (("--start", "2015-01-01T00:00:00Z"), "--end is needed where --start is an instant"),
        (("--start", "2015", "--end", "2014"), "--end must not be before --start"),
        (("--start", "2015", "--view-by", "hour"), "--view-by must be"),
        (("--start", "2015", "--types", "fax"), "--types must be"),
        (("--start", "2015", "--tags", "a,b"), "--tags: no tag is called"),
        (
            ("--start", "2015", "--previous-end", "2014"),
            "--previous-start is needed with --previous-end",
        ),
        (
            ("--start", "2015", "--previous-start", "2014-12-01T00:00:00Z"),
            "--previous-end is needed where --previous-start is an instant",
        ),
    ],
)
@pytest.mark.usefixtures("settings")
def test_a_wrong_parameter_is_named_and_exits_with_2(
    capsys: Printed, arguments: tuple[str, ...], said: str
) -> None:
    status, shown = refused(capsys, "report", "new", *arguments)
    assert status == 2
    assert shown.startswith("helpscout-v1: ")
    assert said in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("report",),
        ("report", "old"),
        ("report", "new"),
        (*JANUARY, "--json", "--csv"),
        (*JANUARY, "--colour"),
    ],
)
def test_misuse_shows_the_usage_and_is_2(capsys: Printed, arguments: tuple[str, ...]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("Usage: helpscout-v1 ")


@pytest.mark.parametrize("name", ["HELPSCOUT_APP_ID", "HELPSCOUT_APP_SECRET"])
def test_a_setting_that_is_missing_is_named_and_is_2(
    capsys: Printed, settings: pytest.MonkeyPatch, name: str
) -> None:
    settings.delenv(name)
    status, shown = refused(capsys, *JANUARY)
    assert status == 2
    assert f"{name} is not set" in shown


def test_a_setting_that_cannot_be_used_is_named_and_is_2(
    capsys: Printed, settings: pytest.MonkeyPatch
) -> None:
    settings.setenv("COMPAT_COMPANY_TIME_ZONE", "Europe/Atlantis")
    status, shown = refused(capsys, *JANUARY)
    assert status == 2
    assert "COMPAT_COMPANY_TIME_ZONE" in shown


def test_refused_credentials_are_3_and_the_setting_is_named(
    capsys: Printed, settings: pytest.MonkeyPatch
) -> None:
    settings.setenv("HELPSCOUT_APP_SECRET", "another-secret")
    status, shown = refused(capsys, *JANUARY)
    assert status == 3
    assert "HELPSCOUT_APP_SECRET" in shown
    assert "another-secret" not in shown


@pytest.mark.usefixtures("retries_without_waiting")
def test_an_upstream_that_is_not_there_is_3_and_one_line(
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    settings: pytest.MonkeyPatch,
) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    settings.setenv("HELPSCOUT_BASE_URL", f"http://{LOOPBACK}:{port}/v2")
    assert main(JANUARY) == 3
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("helpscout-v1: The conversations cannot be fetched")
    assert shown.err.count("\n") == 1
    assert caplog.messages == []


@pytest.fixture
def several(reach: dict[str, str], tmp_path: Path, settings: pytest.MonkeyPatch) -> None:
    """A file of two accounts, one of which is refused."""
    path = tmp_path / "accounts.toml"
    path.write_text(
        '[acme]\napp_id = "demo-app"\napp_secret = "demo-secret"\napi_keys = ["a"]\n'
        '[other]\napp_id = "demo-app"\napp_secret = "wrong"\napi_keys = ["b"]\n'
    )
    settings.setenv("COMPAT_ACCOUNTS", str(path))


@pytest.mark.usefixtures("several")
def test_of_several_accounts_the_one_that_is_named_answers(
    capsys: Printed, account: Account
) -> None:
    shown = json.loads(printed(capsys, *JANUARY, "--account", "acme"))
    assert shown == oracle.answer(Asked(*MONTH), account)
    assert refused(capsys, *JANUARY, "--account", "other")[0] == 3


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("named", [(), ("--account", "nobody")])
def test_an_account_that_is_not_known_is_2_and_the_known_ones_are_named(
    capsys: Printed, named: tuple[str, ...]
) -> None:
    status, shown = refused(capsys, *JANUARY, *named)
    assert (status, shown) == (2, "helpscout-v1: say which account: one of acme, other\n")


@pytest.mark.usefixtures("settings")
def test_of_a_single_account_any_other_name_is_not_known(capsys: Printed) -> None:
    assert refused(capsys, *JANUARY, "--account", "nobody")[0] == 2


def test_a_reader_that_closes_the_pipe_is_no_failure(reach: dict[str, str]) -> None:
    with subprocess.Popen(
        [COMMAND, *JANUARY, "--ids"],
        env=environment(reach),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as writing:
        assert writing.stdout is not None
        writing.stdout.close()
        assert writing.stderr is not None
        assert writing.stderr.read() == b""
        assert writing.wait(LONG) == 0


def without_rich(
    reach: dict[str, str], *arguments: str, out: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run the command as if rich were not installed."""
    blocked = "import sys; sys.modules['rich'] = None; from compat.cli import main; "
    return subprocess.run(
        [sys.executable, "-c", f"{blocked}sys.exit(main(sys.argv[1:]))", *arguments],
        env=environment(reach),
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        timeout=LONG,
        check=False,
    )


@pytest.mark.parametrize("more", [(), ("--json",), ("--csv",), ("--ids", "--csv")])
def test_without_rich_there_is_json_and_csv(reach: dict[str, str], more: tuple[str, ...]) -> None:
    bare = without_rich(reach, *JANUARY, *more)
    assert (bare.returncode, bare.stderr) == (0, "")
    assert bare.stdout == run(*JANUARY, *more, **reach).stdout


def test_without_rich_a_terminal_shows_what_to_install_before_anything_is_fetched(
    reach: dict[str, str],
) -> None:
    nowhere = reach | {"HELPSCOUT_BASE_URL": "http://127.0.0.1:9/v2"}
    ours, theirs = os.openpty()
    try:
        bare = without_rich(nowhere, *JANUARY, out=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert bare.returncode == 2
    assert "pip install 'helpscout-v1-compat[cli]'" in bare.stderr
    assert "--json" in bare.stderr


@pytest.mark.parametrize("arguments", [("report", "--help"), ("report", "new", "--help")])
def test_help_is_there(capsys: Printed, arguments: tuple[str, ...]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: helpscout-v1 report")


def test_an_engine_asked_for_answers_whatever_the_setting_says(
    settings: pytest.MonkeyPatch, capsys: Printed
) -> None:
    settings.setenv("COMPAT_ENGINE", "auto")
    computed = printed(capsys, *JANUARY, "--engine", "computed")
    assert main([*JANUARY, "--engine", "relayed"]) == 0
    shown = capsys.readouterr()
    assert shown.out == computed
    assert shown.err == "helpscout-v1: relayed from Help Scout's own report\n"


def test_the_ids_behind_counts_cannot_be_relayed(
    settings: pytest.MonkeyPatch, capsys: Printed
) -> None:
    status, said = refused(capsys, *JANUARY, "--ids", "--engine", "relayed")
    assert status == 2
    assert "set COMPAT_ENGINE to computed" in said
