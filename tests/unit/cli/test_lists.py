"""`helpscout-v1 list`, and names in place of ids."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from compat.cli import main
from compat.service import LegacyReports
from compat.simulator import Account
from tests.unit.service.doubles import basic

pytestmark = pytest.mark.usefixtures("settings")

Printed = pytest.CaptureFixture[str]
JANUARY = ("--start", "2015-01")


def printed(capsys: Printed, *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def refused(capsys: Printed, *arguments: str) -> str:
    assert main(arguments) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("name", ["mailboxes", "tags", "users", "teams"])
def test_a_list_has_the_objects_of_the_old_api(
    capsys: Printed, reach: dict[str, str], name: str
) -> None:
    with LegacyReports.from_env(reach) as reports:
        answer = json.loads(reports.answer(f"/v1/{name}.json", authorization=basic()).body)
    assert answer["pages"] == 1
    assert json.loads(printed(capsys, "list", name)) == answer["items"]


def test_folders_are_those_of_all_mailboxes_or_of_one(capsys: Printed, account: Account) -> None:
    every = json.loads(printed(capsys, "list", "folders"))
    layout = account.layout
    assert {each["id"] for each in every} == {each.id for each in layout.folders}
    first = layout.mailboxes[0]
    for text in (first.name.upper(), str(first.id), first.email):
        of_one = json.loads(printed(capsys, "list", "folders", "--mailbox", text))
        assert of_one == [each for each in every if each["mailboxName"] == first.name]
        assert {each["mailboxId"] for each in of_one} == {first.id}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Suport", "--mailbox: no mailbox is called 'Suport': is Support (8501) meant?"),
        ("7", "--mailbox: there is no mailbox with the id 7"),
        ("8501,8508", "--mailbox: give one mailbox"),
        ("", "--mailbox: give one mailbox"),
    ],
)
def test_a_mailbox_that_is_none_is_an_error(capsys: Printed, text: str, said: str) -> None:
    assert said in refused(capsys, "list", "folders", "--mailbox", text)


def test_users_of_a_mailbox_are_listed(capsys: Printed, account: Account) -> None:
    found = json.loads(printed(capsys, "list", "users", "--mailbox", "Support"))
    assert {each["id"] for each in found} <= set(account.layout.user_by_id)
    assert "7" in refused(capsys, "list", "users", "--mailbox", "7")


def test_teams_can_have_their_members(capsys: Printed, account: Account) -> None:
    found = json.loads(printed(capsys, "list", "teams", "--members"))
    members = {each["id"]: {member["id"] for member in each["members"]} for each in found}
    assert members == {each.id: set(each.user_ids) for each in account.layout.teams}


def test_csv_has_a_column_for_each_key(capsys: Printed) -> None:
    records = json.loads(printed(capsys, "list", "tags", "--json"))
    rows = list(csv.DictReader(io.StringIO(printed(capsys, "list", "tags", "--csv"))))
    assert [set(row) for row in rows] == [set(each) for each in records]
    assert [row["tag"] for row in rows] == [each["tag"] for each in records]


def test_json_and_csv_exclude_each_other(capsys: Printed) -> None:
    assert "--csv is not allowed with --json" in refused(capsys, "list", "tags", "--json", "--csv")


def test_lists_come_from_the_archive_without_asking(
    capsys: Printed, settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.setenv("COMPAT_ARCHIVE", str(tmp_path / "archive.db"))
    assert main(["sync"]) == 0
    capsys.readouterr()
    online = {name: printed(capsys, "list", name) for name in ("mailboxes", "tags", "users")}
    settings.setenv("HELPSCOUT_BASE_URL", "http://127.0.0.1:9/v2")
    offline = {name: printed(capsys, "list", name, "--offline") for name in online}
    assert offline == online
    assert main(["report", "new", *JANUARY, "--mailboxes", "support", "--offline"]) == 0


@pytest.mark.parametrize(
    ("by_name", "by_id"),
    [
        (("new", "--mailboxes", "support"), ("new", "--mailboxes", "8501")),
        (("new", "--mailboxes", "Sales,Support"), ("new", "--mailboxes", "8501,8508")),
        (("new", "--tags", "vip", "--tags", "bug"), ("new", "--tags", "6078,6012")),
        (("new", "--tags", "billing, invoices"), ("new", "--tags", "6089")),
        (
            ("new", "--folders", "Closed", "--mailboxes", "Support"),
            ("new", "--folders", "72021", "--mailboxes", "8501"),
        ),
        (("user", "--user", "chiara rossi"), ("user", "--user", "4107")),
        (("user-happiness", "--user", "Tier Two"), ("user-happiness", "--user", "4901")),
    ],
)
def test_names_mean_the_same_as_ids(
    capsys: Printed, by_name: tuple[str, ...], by_id: tuple[str, ...]
) -> None:
    found = printed(capsys, "report", *by_name, *JANUARY)
    assert found == printed(capsys, "report", *by_id, *JANUARY)
    assert json.loads(found)["current"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--folders", "Closed"), "--folders: folder 'Closed' is not the only one of this name"),
        (("--tags", "vipp"), "--tags: no tag is called 'vipp': is vip (6078) meant?"),
        (("--mailboxes", "x"), "--mailboxes: no mailbox is called 'x': `helpscout-v1 list mailbo"),
    ],
)
def test_a_name_that_means_nothing_or_several_things_is_refused(
    capsys: Printed, options: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, "report", "new", *JANUARY, *options)


def test_python_takes_names_too(reach: dict[str, str]) -> None:
    january = {"start": "2015-01-01T00:00:00Z", "end": "2015-01-31T23:59:59Z"}
    with LegacyReports.from_env(reach) as reports:
        by_name = reports.new_conversations(mailboxes=["support"], tags=["vip", 6012], **january)  # type: ignore[arg-type]
        by_id = reports.new_conversations(mailboxes=[8501], tags=[6078, 6012], **january)  # type: ignore[arg-type]
        assert by_name == by_id
        assert reports.user(user="Chiara Rossi", **january) == reports.user(user=4107, **january)  # type: ignore[arg-type]
        with pytest.raises(LookupError, match="mailboxes: no mailbox is called"):
            reports.new_conversations(mailboxes="Suport", **january)  # type: ignore[arg-type]
