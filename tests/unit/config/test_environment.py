"""Variables that have no effect, and values that were never filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from compat.config.accounts import accounts_from_env, ineffective_variables
from compat.config.settings import Settings, SettingsError, all_variables

FILE = """
[acme]
app_id = "{app_id}"
app_secret = "{app_secret}"
api_keys = ["{key}"]
"""


def test_every_setting_has_an_effect() -> None:
    assert ineffective_variables(dict.fromkeys((name for name, _ in all_variables()), "1")) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("COMPAT_PATIENSE", ": is COMPAT_PATIENCE meant?"),
        ("COMPAT_API_KEY", ": is COMPAT_API_KEYS meant?"),
        ("HELPSCOUT_APPID", ": is HELPSCOUT_APP_ID meant?"),
        ("HELPSCOUT_WEBHOOK_URL", ""),
    ],
)
def test_a_variable_that_is_no_setting_is_named_with_the_nearest_one(name: str, said: str) -> None:
    assert ineffective_variables({name: "1"}) == [f"{name} is no setting and has no effect{said}"]


@pytest.mark.parametrize("name", ["COMPAT_TEST_KILLS", "PATH", "compat_patience", "_COMPAT_X"])
def test_variables_of_the_tests_and_of_others_are_not_named(name: str) -> None:
    assert ineffective_variables({name: "1"}) == []


@pytest.mark.parametrize(
    "name", ["COMPAT_API_KEYS", "HELPSCOUT_APP_ID", "HELPSCOUT_APP_SECRET", "COMPAT_ARCHIVE"]
)
def test_what_the_file_of_accounts_overrides_is_named(name: str) -> None:
    assert ineffective_variables({name: "a", "COMPAT_ACCOUNTS": "accounts.toml"}) == [
        f"{name} has no effect beside COMPAT_ACCOUNTS, whose accounts have their own"
    ]
    assert ineffective_variables({name: "a", "COMPAT_ACCOUNTS": ""}) == []
    assert ineffective_variables({name: "", "COMPAT_ACCOUNTS": "accounts.toml"}) == []


def test_warnings_show_no_value(caplog: pytest.LogCaptureFixture) -> None:
    accounts_from_env({"COMPAT_API_KEY": "hunter2"})
    assert "COMPAT_API_KEY is no setting" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("name", ["HELPSCOUT_APP_ID", "HELPSCOUT_APP_SECRET", "COMPAT_API_KEYS"])
@pytest.mark.parametrize("value", ["…", " … ", "..."])
def test_a_value_that_was_never_filled_in_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: its value is still the … of the doc"):
        Settings.from_env({name: value})


def test_one_of_several_keys_that_was_never_filled_in_is_refused() -> None:
    with pytest.raises(SettingsError, match="COMPAT_API_KEYS: its value is still"):
        Settings.from_env({"COMPAT_API_KEYS": "a-key, …"})


@pytest.mark.parametrize("name", ["app_id", "app_secret", "key"])
def test_a_value_of_the_file_that_was_never_filled_in_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text(
        FILE.format(**{"app_id": "a", "app_secret": "b", "key": "c", name: "…"}), "utf-8"
    )
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"COMPAT_ACCOUNTS: acme: \w+: its value is still"):
        accounts_from_env({"COMPAT_ACCOUNTS": str(path)})


def test_a_log_of_tls_keys_that_can_be_written_is_no_fault(tmp_path: Path) -> None:
    Settings.from_env({"SSLKEYLOGFILE": str(tmp_path / "keys")})
