"""The generated pages are up to date, and their hand-written parts are correct."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

from compat import service
from compat.v1 import errors
from compat.v1.routes import ROUTES
from tests.integration.docs.pages import ROOT
from tests.unit.server.commands import run, started
from tests.unit.service.doubles import LONG

REFERENCE = ROOT / "docs" / "reference"
EVERYTHING = {
    "HELPSCOUT_APP_ID": "demo-app",
    "HELPSCOUT_APP_SECRET": "demo-secret",
    "COMPAT_API_KEYS": "an-old-key",
}


def rows(page: str) -> list[list[str]]:
    text = (REFERENCE / page).read_text(encoding="utf-8")
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "docs.py", "--check"],
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_error_that_callers_can_get_is_in_the_table() -> None:
    kinds = {
        str(kind.status)
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, errors.LegacyError) and name[0] != "_"
    }
    assert kinds <= {row[0] for row in rows("errors.md")}


def test_the_sentence_about_an_answer_in_progress_is_the_one_in_the_code() -> None:
    sentence = next(row[1] for row in rows("errors.md") if "still being fetched" in row[1])
    assert f'"{sentence}"' in inspect.getsource(service)


def test_every_path_that_answers_has_a_heading() -> None:
    text = (REFERENCE / "reports.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (/\S+)$", text, re.MULTILINE) == [route.path for route in ROUTES]


def test_the_table_of_exit_statuses_is_complete() -> None:
    listed = [row[0] for row in rows("command-line.md") if row[0].isdigit()]
    assert listed == ["0", "1", "2", "3", "4", "5", "6", "130"]


def test_misuse_and_missing_settings_exit_with_2() -> None:
    assert run("report", "new").returncode == 2
    assert run("serve").returncode == 2


@pytest.mark.parametrize("command", ["serve", "simulate"])
def test_a_server_whose_port_is_taken_exits_with_3(command: str) -> None:
    with started("simulate", "--port", "0", "--conversations", "1") as taken:
        done = run(command, "--port", str(taken.port), **EVERYTHING)
    assert done.returncode == 3


def test_a_report_that_cannot_reach_help_scout_exits_with_3() -> None:
    with started("simulate", "--port", "0", "--conversations", "1") as upstream:
        refused = EVERYTHING | {
            "HELPSCOUT_APP_SECRET": "wrong",
            "HELPSCOUT_BASE_URL": f"{upstream.address}/v2",
        }
        assert run("report", "new", "--start", "2015-01", **refused).returncode == 3
