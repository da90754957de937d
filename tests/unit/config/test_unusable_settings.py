"""A setting that cannot be used: one sentence, which names the variable and shows no secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compat.archive.database import open_archive
from compat.archive.errors import ArchiveMissing
from compat.asgi import create_app
from compat.config.env_files import secret_file_variables
from compat.config.settings import Settings, SettingsError
from compat.service import LegacyReports

NEEDED = {
    "HELPSCOUT_APP_ID": "an-app",
    "HELPSCOUT_APP_SECRET": "a-secret",
    "HELPSCOUT_BASE_URL": "http://127.0.0.1:9/v2",
    "COMPAT_API_KEYS": "a-key",
}


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        (
            "HELPSCOUT_BASE_URL",
            "api.helpscout.net",
            "it must look like https://api.helpscout.net/v2",
        ),
        ("HELPSCOUT_BASE_URL", "https://é.example/v2", "it must look like https://"),
        ("HELPSCOUT_BASE_URL", "https://api.helpscout.net", "it must end in /v2"),
        ("HELPSCOUT_BASE_URL", "https://host:99999/v2", "its port must be from 1 to 65535"),
        ("HELPSCOUT_BASE_URL", "http://example.org/v2", "plain http is allowed to loopback only"),
        ("COMPAT_CONNECT_TO", "https://host", "it must look like 203.0.113.7 or host:443"),
        ("COMPAT_PROXY", "socks5://user:hunter2@host", "it must look like http://host:3128"),
        ("COMPAT_CA_FILE", __file__, "it must be a PEM file"),
    ],
)
def test_the_one_setting_of_the_connection_that_is_wrong_is_named(
    name: str, value: str, right: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: .*{re.escape(right)}") as caught:
        LegacyReports.from_env({**NEEDED, name: value})
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_setting_of_what_is_passed_on_is_named_where_nothing_else_needs_it(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "archive.db")
    open_archive(f"sqlite:///{path}", create=True).close()
    offline = {"COMPAT_OFFLINE": "true", "COMPAT_ARCHIVE": path, "COMPAT_PASS_V2": "true"}
    reports = LegacyReports.from_env({**NEEDED, **offline, "HELPSCOUT_BASE_URL": "nowhere"})
    with reports, pytest.raises(SettingsError, match=r"^HELPSCOUT_BASE_URL: it must look like"):
        create_app(reports)


def test_a_directory_in_place_of_the_archive_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"{tmp_path} is a directory: name a file") as caught:
        LegacyReports.from_env({**NEEDED, "COMPAT_ARCHIVE": str(tmp_path)})
    assert f"such as {tmp_path}/archive.db" in str(caught.value)
    with pytest.raises(ArchiveMissing, match="is a directory"):
        open_archive(f"sqlite:///{tmp_path}", create=True)


@pytest.mark.parametrize("name", ["COMPAT_ARCHIVE", "COMPAT_ACCOUNTS", "COMPAT_ENV_FILE"])
@pytest.mark.parametrize("path", ["two\nlines", "long" * 1000], ids=["two lines", "long"])
def test_a_path_that_cannot_be_used_takes_one_short_line(name: str, path: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        LegacyReports.from_env({**NEEDED, name: path})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["COMPAT_ACCOUNTS", "COMPAT_ENV_FILE", "SSLKEYLOGFILE"])
def test_what_is_no_path_is_said(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}: .*it is no path"):
        LegacyReports.from_env({**NEEDED, name: "a\0b"})


@pytest.mark.parametrize("name", secret_file_variables().values())
@pytest.mark.parametrize("value", ["hunter2", "postgresql://app:hunter2@host/database"])
def test_a_secret_in_place_of_its_file_is_not_shown(name: str, value: str) -> None:
    others = {key: each for key, each in NEEDED.items() if key != name.removesuffix("_FILE")}
    with pytest.raises(
        SettingsError, match=f"^{name}: the file that it names cannot be read"
    ) as caught:
        LegacyReports.from_env({**others, name: value})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["COMPAT_API_KEYS", "HELPSCOUT_APP_SECRET", "COMPAT_LOG"])
def test_a_value_that_is_no_text_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({**NEEDED, name: "caf\udce9"})
    assert str(caught.value) == f"{name}: its value is not UTF-8 text"


def test_a_variable_is_named_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"COMPAT_JOBS": "…"})
    assert str(caught.value).count("COMPAT_JOBS") == 1


@pytest.mark.parametrize("value", ["none", ","])
def test_states_that_let_nothing_count_are_named(value: str) -> None:
    with pytest.raises(SettingsError, match=r"^COMPAT_COUNTED_STATES, COMPAT_UNCOUNTED_STATUSES: "):
        Settings.from_env({"COMPAT_COUNTED_STATES": value})


@pytest.mark.parametrize("name", ["COMPAT_PATIENCE", "COMPAT_TIMEOUT"])
@pytest.mark.parametrize("value", ["inf", "1e400", "9" * 20, "nan", "0", "-1"])
def test_a_time_that_nothing_can_wait_for_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: Input should be (less|greater)"):
        Settings.from_env({**NEEDED, name: value})


def test_a_number_with_too_many_digits_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^COMPAT_JOBS: it has too many digits$"):
        Settings.from_env({**NEEDED, "COMPAT_JOBS": "9" * 5000})
