"""The commands and programs in the README work, and its settings exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from compat.config import accounts
from compat.config.conventions import Conventions
from compat.config.settings import Settings, all_variables, variable_name
from compat.service import LegacyReports
from compat.simulator import Behaviour, Simulator, make_account, running
from compat.v1.http import LegacyRequest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```", README, re.DOTALL | re.MULTILINE)
    assert found, f"the README has no block of {language}"
    return [re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in found]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    account = make_account(500, seed=1)
    with running(Simulator(account, Behaviour(rate_limit=None))) as base_url:
        yield {
            "HELPSCOUT_APP_ID": "demo-app",
            "HELPSCOUT_APP_SECRET": "demo-secret",
            "HELPSCOUT_BASE_URL": base_url,
        }


def test_the_python_in_the_readme_prints_five_buckets(environment: dict[str, str]) -> None:
    (code,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    line = r"^\d +current (\S+) 00:00:00\+00:00 +\d+$"
    assert re.findall(line, done.stdout, re.MULTILINE) == [
        "2015-01-01", "2015-01-08", "2015-01-15", "2015-01-22", "2015-01-29",
    ]  # fmt: skip


def test_the_curl_line_in_the_readme_is_answered(environment: dict[str, str]) -> None:
    (line,) = [line for block in blocks("sh") for line in block.splitlines() if "curl" in line]
    curl, _, credentials, url = shlex.split(line)
    assert (curl, credentials) == ("curl", "YOUR_OLD_KEY:X")
    target = urlsplit(url)
    with LegacyReports(Settings.from_env(environment)) as reports:
        answer = reports.handle(
            LegacyRequest("GET", target.path, target.query.encode(), b"Basic WU9VUl9PTERfS0VZOlg=")
        )
    assert answer.status == 200


def test_every_command_in_the_readme_exists() -> None:
    words = {word for block in blocks("sh") for word in re.findall(r"\S*/\S+|curl", block)}
    commands = {word for word in words if not word.startswith(("'http", "http"))}
    assert commands == {"scripts/demo", ".venv/bin/helpscout-v1", "curl"}
    assert (ROOT / "scripts" / "demo").exists()
    assert shutil.which("helpscout-v1", path=Path(sys.executable).parent)


def test_every_setting_in_the_readme_is_one() -> None:
    named = set(re.findall(r"\b(?:COMPAT|HELPSCOUT)_[A-Z0-9_]+\b", README))
    assert named <= set(accounts.known_variables())


def test_the_readme_fits_on_one_page() -> None:
    assert len(README.splitlines()) <= 125


def test_the_readme_lists_five_settings_and_says_where_all_of_them_are() -> None:
    listed = re.findall(r"^\| `([A-Z0-9_]+)` \|", README, re.MULTILINE)
    assert len(listed) == 5
    assert set(listed) <= {name for name, _ in all_variables()}
    assert "(docs/reference/settings.md)" in README


def test_every_setting_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([A-Z0-9_]+)` \|", page, re.MULTILINE)
    tables = (Settings, Conventions)
    assert listed == [
        variable_name(name)
        for table in tables
        for name in table.model_fields
        if name != "conventions"
    ]
    assert f"`{accounts.ACCOUNTS_VARIABLE}`" in page
