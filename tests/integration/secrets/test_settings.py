"""Errors of settings do not contain the settings' values."""

from __future__ import annotations

from pathlib import Path

import pytest

from compat.config.accounts import ACCOUNTS_VARIABLE, accounts_from_env
from compat.config.settings import SettingsError, all_variables
from compat.service import LegacyReports
from tests.integration.secrets.collected_texts import all_logs, error_texts, reprs
from tests.integration.secrets.marks import SECRETS, core, found_in
from tests.integration.secrets.upstream import APP, proxied, settings_for

NAMES = [*(name for name, _ in all_variables()), ACCOUNTS_VARIABLE]
NAMES_OF_PLACES = {"HELPSCOUT_APP_ID", "COMPAT_CONNECT_TO", ACCOUNTS_VARIABLE}
"""The values of these are shown: an application, a host, a file."""


def may_be_shown(name: str, value: str) -> bool:
    """Whether the value of a variable may be shown; of an archive only the path of a file."""
    return name in NAMES_OF_PLACES or (name == "COMPAT_ARCHIVE" and "://" not in value)


SECRET = SECRETS["their-secret"]
WORD = core("their-secret")
VALUES = {
    "a secret": SECRET,
    "a word": WORD,
    "a URL with a password": f"https://user:{WORD}@api.helpscout.net/v2",
    "a URL without a host": f"https://user:{WORD}",
    "a URL with half a host": f"https://user:{WORD}/v2",
    "a URL with brackets": f"https://[{WORD}]/v2",
    "an odd URL": f"proto://user:{WORD}@host:{WORD}/{WORD}?{WORD}#{WORD}",
    "a list": f"{WORD},,{WORD}",
    "an object": f'{{"{WORD}": "{WORD}"}}',
}
"""What is set by mistake: the value that belongs to another variable, or half of a URL."""


def all_that_shows(environ: dict[str, str]) -> str:
    """What is said of these settings, whether they can be used or not."""
    with all_logs() as said:
        try:
            accounts = accounts_from_env(environ)
            with LegacyReports(accounts) as reports:
                texts = list(reprs(reports, *reports.accounts.values()))
        except SettingsError as error:
            texts = [error_texts(error)]
    return "\n".join([*texts, said.getvalue()])


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("name", NAMES)
def test_no_variable_is_reported_with_its_value(name: str, value: str) -> None:
    content = all_that_shows({**settings_for("https://api.helpscout.net/v2"), name: value})
    assert found_in(content) <= ({"their-secret"} if may_be_shown(name, value) else set())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts.toml"


GOOD = f"""
[acme]
app_id = "{APP}"
app_secret = '{SECRETS["app-secret"]}'
api_keys = ['{SECRETS["first-key"]}']
proxy = "{proxied(1)}"

[umbrella]
app_id = "{APP}"
app_secret = '{SECRETS["app-secret"]}'
api_keys = ['{SECRETS["other-key"]}']
"""


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        ("", ""),
        ("app_id", "app_idd"),
        ("app_secret", "app_secrets"),
        ("app_secret = '", "app_secret = ["),
        ("app_secret = '", "app_secret = "),
        ("api_keys = ['", "api_keys = '"),
        ("api_keys = [", "api_keys = [1, "),
        ("api_keys = ['", "api_keys = [['"),
        (SECRETS["other-key"], SECRETS["first-key"]),
        ("[umbrella]", "[acme]"),
        ("[umbrella]", f"['{SECRET}'\n"),
        ("proxy = ", "timeout = "),
        ("proxy = ", "connect_to = "),
        ("proxy = ", "base_url = "),
        ("proxy = ", "log = "),
        ("proxy = ", "conventions = "),
        ("http://us", "ftp://us"),
        ("[acme]", f"acme = '{SECRET}'\n[other]"),
    ],
)
def test_a_file_of_accounts_is_reported_without_its_secrets(
    file: Path, what: str, instead: str
) -> None:
    file.write_text(GOOD.replace(what, instead) if what else GOOD, encoding="utf-8")
    file.chmod(0o644)
    content = all_that_shows(
        settings_for("https://api.helpscout.net/v2", **{ACCOUNTS_VARIABLE: str(file)})
    )
    assert found_in(content) == set()


def test_bytes_that_are_no_text_are_not_told(file: Path) -> None:
    file.write_bytes(GOOD.encode() + b"\xff")
    content = all_that_shows(
        settings_for("https://api.helpscout.net/v2", **{ACCOUNTS_VARIABLE: str(file)})
    )
    assert "cannot be read" in content
    assert found_in(content) == set()
