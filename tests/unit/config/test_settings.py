"""Settings: read from the environment once, faults by the variable's name, secrets never shown."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from compat.config import accounts
from compat.config.conventions import Conventions
from compat.config.settings import Settings, SettingsError, all_variables, variable_name
from compat.service import LegacyReports
from tests.unit.service.doubles import only_account

VARIABLES = dict(all_variables())
SECRET = "hunter2"
ACCOUNT = {"HELPSCOUT_APP_ID": "an-app", "HELPSCOUT_APP_SECRET": SECRET}
CANNOT_FAIL = {
    *("HELPSCOUT_APP_ID", "HELPSCOUT_APP_SECRET", "HELPSCOUT_BASE_URL"),
    *("COMPAT_CONNECT_TO", "COMPAT_PROXY", "COMPAT_API_KEYS", "COMPAT_ARCHIVE"),
}
"""Those that take any text; whether it can be used shows when a connection is set up."""


def test_nothing_set_means_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


def test_every_field_has_a_variable_of_its_own() -> None:
    fields = {*Settings.model_fields, *Conventions.model_fields} - {"conventions"}
    assert {variable_name(field) for field in fields} == set(VARIABLES)
    assert len(fields) == len(VARIABLES)


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_is_described(name: str) -> None:
    assert re.fullmatch(r"(HELPSCOUT|COMPAT)_[A-Z0-9_]+", name)
    assert (VARIABLES[name].description or "").endswith(".")


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("HELPSCOUT_APP_ID", " an-app ", "app_id", "an-app"),
        ("HELPSCOUT_BASE_URL", "http://127.0.0.1:1/v2", "base_url", "http://127.0.0.1:1/v2"),
        ("COMPAT_CONNECT_TO", "203.0.113.7", "connect_to", "203.0.113.7"),
        ("COMPAT_CONNECT_TO", "none", "connect_to", None),
        ("COMPAT_API_KEYS", "a, b,,", "api_keys", (SecretStr("a"), SecretStr("b"))),
        ("COMPAT_PATIENCE", "4.5", "patience", 4.5),
        ("COMPAT_RECENT_AGE", "0", "recent_age", 0),
        ("COMPAT_RATE_RESERVE", "0.25", "rate_reserve", 0.25),
        ("COMPAT_JOBS", "", "jobs", 4),
        ("COMPAT_JOBS", "   ", "jobs", 4),
        ("COMPAT_CA_FILE", __file__, "ca_file", __file__),
        ("COMPAT_CA_FILE", "none", "ca_file", None),
        ("COMPAT_PASS_V2", "yes", "pass_v2", True),
        ("COMPAT_METRICS", "1", "metrics", True),
        ("COMPAT_LOG", "json", "log", "json"),
    ],
)
def test_a_variable_sets_its_field(name: str, text: str, field: str, value: object) -> None:
    assert getattr(Settings.from_env({name: text}), field) == value


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("COMPAT_DEFAULT_VIEW_BY", "day", "default_view_by", "day"),
        ("COMPAT_END_INCLUDED", "false", "end_included", False),
        ("COMPAT_EMPTY_BUCKETS_LISTED", "0", "empty_buckets_listed", False),
        ("COMPAT_MONTH_STEP", "thirty-days", "month_step", "thirty-days"),
        ("COMPAT_COUNTED_STATES", "published,draft", "counted_states", {"published", "draft"}),
        ("COMPAT_UNCOUNTED_STATUSES", "none", "uncounted_statuses", set()),
        ("COMPAT_JUDGED", "when-asked", "judged", "when-asked"),
        ("COMPAT_TAGS_MATCH", "all", "tags_match", "all"),
        ("COMPAT_UNTAGGED_TAG", "None", "untagged_tag", None),
        ("COMPAT_UNTAGGED_TAG", "7", "untagged_tag", 7),
        ("COMPAT_REPEATED_PARAMETER", "last", "repeated_parameter", "last"),
        ("COMPAT_DATE_ONLY_END", "last-second", "date_only_end", "last-second"),
        ("COMPAT_COMPACT_OFFSETS", "no", "compact_offsets", False),
        ("COMPAT_RESPONSE_BASE", "replied", "response_base", "replied"),
        ("COMPAT_RESOLVED_AT", "first-closing", "resolved_at", "first-closing"),
        ("COMPAT_FIRST_REPLY_SHARE", "percent", "first_reply_share", "percent"),
        ("COMPAT_AUTOMATIC_REPLIES_COUNT", "no", "automatic_replies_count", False),
        ("COMPAT_OFFICE_HOURS", "mon 9:00-17:00, UTC", "office_hours", "mon 9:00-17:00, UTC"),
        ("COMPAT_OFFICE_HOURS", "none", "office_hours", None),
        ("COMPAT_MAX_BUCKETS", "10", "max_buckets", 10),
        ("COMPAT_MAX_DAYS_BY_DAY", "120", "max_days_by_day", 120),
        ("COMPAT_MAX_DAYS_BY_WEEK", "366", "max_days_by_week", 366),
        ("COMPAT_MIN_DAYS_BY_MONTH", "61", "min_days_by_month", 61),
    ],
)
def test_a_variable_sets_its_convention(name: str, text: str, field: str, value: object) -> None:
    assert getattr(Settings.from_env({name: text}).conventions, field) == value


@pytest.mark.parametrize("name", sorted(set(VARIABLES) - CANNOT_FAIL))
def test_a_variable_that_cannot_be_used_is_named_and_its_value_is_not(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({name: SECRET})
    assert name in str(caught.value)
    assert SECRET not in str(caught.value)


def test_all_faults_are_reported_at_once() -> None:
    wrong = {"COMPAT_JOBS": "0", "COMPAT_PATIENCE": "-1", "COMPAT_MONTH_STEP": "leap"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(wrong)
    lines = str(caught.value).splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == sorted(wrong)


@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.text(max_size=12), max_size=6))
def test_whatever_is_set_there_are_settings_or_one_error(environ: dict[str, str]) -> None:
    with suppress(SettingsError):
        assert isinstance(Settings.from_env(environ), Settings)


def test_what_only_the_past_could_tell_is_refused_with_the_reason() -> None:
    with pytest.raises(SettingsError, match=r"COMPAT_JUDGED.*present"):
        Settings.from_env({"COMPAT_JUDGED": "when-created"})


def test_secrets_are_in_no_repr() -> None:
    settings = Settings.from_env(
        {**ACCOUNT, "COMPAT_API_KEYS": SECRET, "COMPAT_PROXY": f"http://me:{SECRET}@127.0.0.1:1"}
    )
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"
    with LegacyReports(settings) as reports:
        account = only_account(reports)
        assert SECRET not in f"{reports!r} {account!r} {account.settings!r}"


def test_a_bad_value_in_code_is_not_shown_either() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"patience": SECRET, "proxy": [SECRET]})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, ["HELPSCOUT_APP_ID", "HELPSCOUT_APP_SECRET"]),
        ({"HELPSCOUT_APP_ID": "an-app"}, ["HELPSCOUT_APP_SECRET"]),
        ({"HELPSCOUT_APP_SECRET": SECRET}, ["HELPSCOUT_APP_ID"]),
        ({**ACCOUNT, "HELPSCOUT_APP_ID": ""}, ["HELPSCOUT_APP_ID"]),
    ],
)
def test_missing_credentials_are_named_with_what_to_do(
    environ: dict[str, str], named: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        LegacyReports.from_env(environ)
    *lines, advice = str(caught.value).splitlines()
    assert [line.partition(" ")[0] for line in lines] == named
    assert all("My Apps" in line for line in lines)
    assert advice.startswith("`helpscout-v1 init` asks for them")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HELPSCOUT_BASE_URL", "http://hunter2.example/v2"),
        ("HELPSCOUT_BASE_URL", "https://me:hunter2@api.helpscout.net/v2"),
        ("HELPSCOUT_BASE_URL", "https://hunter2.example/v3"),
        ("HELPSCOUT_BASE_URL", "hunter2"),
        ("COMPAT_CONNECT_TO", "hunter2/path"),
        ("COMPAT_CONNECT_TO", "me@hunter2"),
        ("COMPAT_PROXY", "hunter2"),
        ("COMPAT_PROXY", "ftp://me:hunter2@127.0.0.1"),
    ],
)
def test_an_address_that_cannot_be_used_is_named_and_not_shown(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        LegacyReports.from_env({**ACCOUNT, name: text})
    assert name in str(caught.value)
    assert SECRET not in str(caught.value)


def test_the_environment_sets_everything_up() -> None:
    with LegacyReports.from_env({**ACCOUNT, "COMPAT_JOBS": "2"}) as reports:
        assert only_account(reports).settings.jobs == 2
        assert reports.ready


def test_the_real_environment_is_read_where_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*VARIABLES, accounts.ACCOUNTS_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HELPSCOUT_APP_ID", "an-app")
    monkeypatch.setenv("HELPSCOUT_APP_SECRET", SECRET)
    with LegacyReports.from_env() as reports:
        assert only_account(reports).settings.app_id == "an-app"
