"""The file of accounts: what it says, what it leaves to the environment, what is wrong with it."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from compat.config.accounts import (
    ACCOUNTS_VARIABLE,
    DEFAULT_ACCOUNT,
    accounts_from_env,
    read_accounts,
)
from compat.config.env_files import SECRET_FIELDS, read_environment
from compat.config.settings import Settings, SettingsError
from compat.service import LegacyReports

SECRET = "hunter2"
ACME = f"""
[acme]
app_id = "acme-app"
app_secret = "{SECRET}"
api_keys = ["acme-key", "acme-second-key"]
"""
BRAVO = f"""
[bravo]
app_id = "bravo-app"
app_secret = "{SECRET}"
api_keys = ["bravo-key"]
"""
GOOD = ACME + BRAVO


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is; nobody but its owner may read it."""
    made = tmp_path / "accounts.toml"
    made.touch(mode=0o600)
    return made


def read(path: Path, text: str, **shared: object) -> dict[str, Settings]:
    path.write_text(text, encoding="utf-8")
    return read_accounts(path, Settings.model_validate(shared))


def faults(path: Path, text: str) -> list[str]:
    """The errors of a file that cannot be used, line by line; never a secret."""
    with pytest.raises(SettingsError) as caught:
        read(path, text)
    assert SECRET not in str(caught.value)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{ACCOUNTS_VARIABLE}: ") for line in lines)
    return [line.removeprefix(f"{ACCOUNTS_VARIABLE}: ") for line in lines]


def test_every_account_has_a_table(path: Path) -> None:
    accounts = read(path, GOOD)
    assert list(accounts) == ["acme", "bravo"]
    assert accounts["acme"] == Settings(
        app_id="acme-app",
        app_secret=SecretStr(SECRET),
        api_keys=(SecretStr("acme-key"), SecretStr("acme-second-key")),
    )
    assert accounts["bravo"].app_id == "bravo-app"


def test_the_environment_names_the_file(path: Path) -> None:
    path.write_text(GOOD, encoding="utf-8")
    assert list(accounts_from_env({ACCOUNTS_VARIABLE: f" {path} "})) == ["acme", "bravo"]


@pytest.mark.parametrize("environ", [{}, {ACCOUNTS_VARIABLE: ""}, {ACCOUNTS_VARIABLE: "  "}])
def test_without_a_file_the_environment_is_the_one_account(environ: dict[str, str]) -> None:
    accounts = accounts_from_env({**environ, "HELPSCOUT_APP_ID": "an-app"})
    assert accounts == {DEFAULT_ACCOUNT: Settings(app_id="an-app")}


def test_what_a_table_leaves_out_is_as_the_environment_sets_it(path: Path) -> None:
    path.write_text(GOOD + "patience = 3\n[bravo.conventions]\nend_included = false\n")
    accounts = accounts_from_env(
        {
            ACCOUNTS_VARIABLE: str(path),
            "COMPAT_PATIENCE": "7",
            "COMPAT_JOBS": "2",
            "COMPAT_PROXY": "http://127.0.0.1:3128",
            "HELPSCOUT_BASE_URL": "http://127.0.0.1:1/v2",
            "COMPAT_DEFAULT_VIEW_BY": "day",
        }
    )
    acme, bravo = accounts["acme"], accounts["bravo"]
    assert (acme.patience, bravo.patience) == (7.0, 3.0)
    assert (acme.jobs, bravo.jobs) == (2, 2)
    assert acme.base_url == bravo.base_url == "http://127.0.0.1:1/v2"
    assert acme.proxy == bravo.proxy == SecretStr("http://127.0.0.1:3128")
    assert (acme.conventions.default_view_by, acme.conventions.end_included) == ("day", True)
    assert (bravo.conventions.default_view_by, bravo.conventions.end_included) == ("day", False)


def test_credentials_and_keys_are_never_taken_from_the_environment(path: Path) -> None:
    path.write_text(GOOD, encoding="utf-8")
    environ = {
        ACCOUNTS_VARIABLE: str(path),
        "HELPSCOUT_APP_ID": "another-app",
        "HELPSCOUT_APP_SECRET": "another-secret",
        "COMPAT_API_KEYS": "another-key",
    }
    assert "another" not in " ".join(
        f"{each.app_id} {each.app_secret.get_secret_value()} "
        f"{[key.get_secret_value() for key in each.api_keys]}"
        for each in accounts_from_env(environ).values()
    )


@pytest.mark.parametrize("field", ["app_id", "app_secret", "api_keys"])
@pytest.mark.parametrize("empty", [None, '""', "[]", '[""]', '["a-key", ""]'])
def test_credentials_and_keys_cannot_be_left_out(path: Path, field: str, empty: str | None) -> None:
    lines = [line for line in ACME.splitlines() if not line.startswith(field)]
    content = faults(path, "\n".join([*lines, f"{field} = {empty}" if empty else "", BRAVO]))
    assert f"acme: {field} is missing" in content
    assert not any("bravo" in line for line in content)


def test_the_environment_does_not_stand_in_for_what_is_missing(path: Path) -> None:
    path.write_text("[acme]\n")
    environ = {
        ACCOUNTS_VARIABLE: str(path),
        "HELPSCOUT_APP_ID": "an-app",
        "HELPSCOUT_APP_SECRET": SECRET,
        "COMPAT_API_KEYS": "a-key",
    }
    with pytest.raises(SettingsError) as caught:
        accounts_from_env(environ)
    assert str(caught.value).count("is missing") == 3


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (f'patience = "{SECRET}"', "patience"),
        ("patience = -1", "patience"),
        (f'hunter = "{SECRET}"', "hunter"),
        (f'conventions = "{SECRET}"', "conventions"),
        ("conventions = []", "conventions"),
        (f'conventions.month_step = "{SECRET}"', "conventions.month_step"),
        (f'conventions.judged = "{SECRET}"', "conventions.judged"),
        (f'conventions.company_time_zone = "{SECRET}"', "conventions.company_time_zone"),
        (f'conventions.rule = "{SECRET}"', "conventions.rule"),
        ("conventions.counted_states = []", "conventions"),
        (f'proxy = ["{SECRET}"]', "proxy"),
        (f'base_url = {{ secret = "{SECRET}" }}', "base_url"),
    ],
)
def test_a_fault_is_told_by_account_and_field_and_never_by_value(
    path: Path, line: str, place: str
) -> None:
    (content,) = faults(path, f"{GOOD}{line}\n")
    assert content.startswith(f"bravo: {place}: ")
    assert len(content) > len(f"bravo: {place}: ")


@pytest.mark.parametrize(
    ("keys", "place"),
    [(f'"{SECRET}"', "api_keys"), ("[5]", "api_keys.0"), (f'[["{SECRET}"]]', "api_keys.0")],
)
def test_keys_are_a_list_of_texts(path: Path, keys: str, place: str) -> None:
    (content,) = faults(path, ACME + BRAVO.replace('["bravo-key"]', keys))
    assert content.startswith(f"bravo: {place}: ")


def test_all_faults_of_all_accounts_are_reported_in_one_go(path: Path) -> None:
    text = f"""
stray = "{SECRET}"
[acme]
app_secret = "{SECRET}"
api_keys = ["one", "{SECRET}"]
jobs = 0
timeout = 0
[bravo]
app_id = 5
api_keys = ["{SECRET}"]
[bravo.conventions]
max_buckets = 0
tags_match = "some"
"""
    content = [line.partition(" is missing")[0] for line in faults(path, text)]
    assert sorted(re.split(": (?:Input|it must)", line)[0] for line in content) == [
        "acme, bravo: api_keys: they share a key, which then selects none of them",
        "acme: app_id",
        "acme: jobs",
        "acme: timeout",
        "bravo: app_id",
        "bravo: app_secret",
        "bravo: conventions.max_buckets",
        "bravo: conventions.tags_match",
        "stray must be a table, [stray]",
    ]


def test_a_key_that_two_accounts_share_is_reported_with_their_names(path: Path) -> None:
    shared = GOOD.replace("acme-second-key", SECRET).replace("bravo-key", SECRET)
    (content,) = faults(path, shared)
    assert content.startswith("acme, bravo: api_keys: ")


def test_accounts_that_share_different_keys_are_told_apart(path: Path) -> None:
    names = ("one", "two", "three", "four")
    keys = (f"{SECRET}-a", f"{SECRET}-a", f"{SECRET}-b", f"{SECRET}-b")
    text = "\n".join(
        ACME.replace("acme", name).replace(f"{name}-key", key).replace(f"{name}-second", name)
        for name, key in zip(names, keys, strict=True)
    )
    content = [line.partition(":")[0] for line in faults(path, text)]
    assert content == ["one, two", "three, four"]


def test_a_key_that_one_account_names_twice_is_no_fault(path: Path) -> None:
    assert read(path, GOOD.replace("acme-second-key", "acme-key"))


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_a_file_of_no_account_is_reported(path: Path, text: str) -> None:
    assert faults(path, text) == [f"{path} names no account"]


@pytest.mark.parametrize(
    "text",
    [
        f'{ACME}patience = "{SECRET}',
        f'app_secret = "\\{SECRET}"',
        f"[acme]\napp_secret = {SECRET}\n",
        f'{GOOD}[acme]\napp_secret = "{SECRET}"',
        f'[acme]\napp_secret = "{SECRET}" "{SECRET}"',
        f'[acme]\n"{SECRET}".a = 1\n"{SECRET}".a = 2',
    ],
)
def test_what_is_not_toml_is_reported_with_the_place_alone(path: Path, text: str) -> None:
    (content,) = faults(path, text)
    place = r"\(at (line \d+, column \d+|end of document)\)"
    assert re.fullmatch(rf"{re.escape(str(path))} is not TOML {place}", content)


def test_what_nobody_could_have_meant_is_reported_as_well(path: Path) -> None:
    deep = "[" * 20_000
    assert faults(path, f"acme = {deep}") == [f"{path} is nested too deeply"]


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    binary = tmp_path / "accounts.toml"
    binary.write_bytes(b"\xff\xfe" + SECRET.encode())
    binary.chmod(0o600)
    for path, why in (
        (tmp_path / "nowhere.toml", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (binary, "it is not UTF-8 text"),
    ):
        with pytest.raises(SettingsError) as caught:
            accounts_from_env({ACCOUNTS_VARIABLE: str(path)})
        assert str(caught.value) == f"{ACCOUNTS_VARIABLE}: {path} cannot be read: {why}"


def test_faults_of_the_environment_come_first(path: Path) -> None:
    path.write_text(GOOD, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"\ACOMPAT_JOBS: ") as caught:
        accounts_from_env({ACCOUNTS_VARIABLE: str(path), "COMPAT_JOBS": SECRET})
    assert SECRET not in str(caught.value)


def test_addresses_that_cannot_be_used_are_reported_with_the_account(path: Path) -> None:
    text = "\n".join(
        f'{table}base_url = "http://{SECRET}.example/v2"' if name != "chip" else table
        for name, table in (
            ("acme", ACME),
            ("bravo", BRAVO),
            ("chip", BRAVO.replace("bravo", "chip")),
        )
    )
    with pytest.raises(SettingsError) as caught:
        LegacyReports(read(path, text))
    content = str(caught.value)
    assert [line.partition(":")[0] for line in content.splitlines()] == ["acme", "bravo"]
    assert "HELPSCOUT_BASE_URL" in content
    assert SECRET not in content


def test_secrets_of_accounts_are_in_no_repr(path: Path) -> None:
    accounts = read(path, f'{ACME}proxy = "http://me:{SECRET}@127.0.0.1:1"')
    with LegacyReports(accounts) as reports:
        assert SECRET not in f"{accounts!r} {reports!r} {reports.accounts!r}"


KEYS = {"app_secret": SECRET, "proxy": "http://a", "api_keys": "a-key", "archive": "a://b"}
"""A value for each key that may be in a file of its own."""


def with_file(field: str, place: object) -> str:
    """The table of an account in which a file has the value of a key."""
    lines = [line for line in ACME.splitlines() if not line.startswith(field)]
    return "\n".join([*lines, f"{field}_file = {place!r}", BRAVO])


@pytest.mark.parametrize("field", SECRET_FIELDS)
def test_a_secret_can_be_in_a_file_of_its_own(path: Path, tmp_path: Path, field: str) -> None:
    (tmp_path / "secret").write_text(f"{KEYS[field]}\n")
    acme = read(path, with_file(field, str(tmp_path / "secret")))["acme"]
    value = getattr(acme, field)
    (secret,) = value if isinstance(value, tuple) else [value]
    assert secret.get_secret_value() == KEYS[field]


def test_a_file_of_keys_may_have_one_in_each_line(path: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("one\ntwo, three\n\n")
    acme = read(path, with_file("api_keys", str(tmp_path / "keys")))["acme"]
    assert [each.get_secret_value() for each in acme.api_keys] == ["one", "two", "three"]


def test_a_key_in_a_file_that_another_account_has_is_reported(path: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("bravo-key")
    (said,) = faults(path, with_file("api_keys", str(tmp_path / "keys")))
    assert said.startswith("acme, bravo: api_keys: they share a key")


def test_a_secret_that_is_set_twice_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    assert faults(path, f"{ACME}app_secret_file = {str(tmp_path / 'secret')!r}\n") == [
        "acme: app_secret and app_secret_file are both set: remove one of them"
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read (No such file or directory): it must name a file that holds"),
        ("", "is empty: it must hold"),
        (f"{SECRET}\n{SECRET}", "has several lines: it must hold"),
    ],
)
def test_a_file_that_holds_no_secret_is_the_only_fault(
    path: Path, tmp_path: Path, content: str | None, why: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_text(content)
    (said,) = faults(path, with_file("app_secret", str(secret)))
    assert said.startswith(f"acme: app_secret_file: {secret} {why} the value of app_secret")


def test_the_name_of_a_file_is_a_text(path: Path) -> None:
    assert faults(path, with_file("api_keys", 5)) == [
        "acme: api_keys_file: it must be the path of a file"
    ]


def test_an_empty_name_of_a_file_is_none(path: Path) -> None:
    assert faults(path, with_file("app_secret", "")) == ["acme: app_secret is missing"]


def test_what_is_no_secret_has_no_file(path: Path) -> None:
    (said,) = faults(path, with_file("app_id", "x").replace("[acme]", '[acme]\napp_id = "an-app"'))
    assert said.startswith("acme: app_id_file: ")


def test_the_files_of_all_accounts_are_known(path: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(SECRET)
    two.write_text("http://proxy.example:3128")
    path.write_text(with_file("app_secret", str(one)) + f"proxy_file = {str(two)!r}\n")
    environ = read_environment({ACCOUNTS_VARIABLE: str(path)})
    accounts_from_env(environ)
    assert environ.account_files == (one, two)


@pytest.mark.skipif(os.name != "posix", reason="modes mean nothing here")
@pytest.mark.parametrize(
    ("mode", "warned"), [(0o600, 0), (0o640, 0), (0o660, 0), (0o604, 1), (0o644, 1)]
)
def test_a_file_that_anybody_can_read_is_warned_of(
    path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: int
) -> None:
    path.chmod(mode)
    assert read(path, GOOD)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * warned
    assert (str(path) in caplog.text) is bool(warned)
    assert SECRET not in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="modes mean nothing here")
def test_the_warning_comes_for_a_file_that_cannot_be_used_as_well(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.chmod(0o644)
    faults(path, f'[acme]\napp_secret = "{SECRET}')
    assert len(caplog.records) == 1


def test_a_byte_order_mark_before_the_accounts_is_skipped(path: Path) -> None:
    assert set(read(path, f"\ufeff{GOOD}")) == {"acme", "bravo"}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("jobs = true", "acme: jobs: it must be a number, not true or false"),
        ("patience = true", "acme: patience: it must be a number, not true or false"),
        (
            "conventions = {max_buckets = true}",
            "acme: max_buckets: it must be a number, not true or false",
        ),
        ("jobs = 1.5", "acme: jobs: it must be a whole number"),
        ("jobs = []", "acme: jobs: it must be a whole number"),
        ("cors = []", "acme: cors: it must be true or false"),
        ("base_url = 7", "acme: base_url: it must be a text, in quotation marks"),
        ('appsecret = "hunter2"', "acme: appsecret: there is no such setting"),
    ],
)
def test_a_value_of_a_wrong_type_is_one_plain_sentence(path: Path, line: str, fault: str) -> None:
    assert faults(path, f"{ACME}{line}\n") == [fault]


def test_keys_that_are_no_list_are_one_plain_sentence(path: Path) -> None:
    text = ACME.replace('["acme-key", "acme-second-key"]', "5")
    assert faults(path, text) == ["acme: api_keys: it must be a list in square brackets"]


def test_a_number_with_too_many_digits_is_no_wrong_path(path: Path) -> None:
    assert faults(path, f"{ACME}jobs = {'9' * 5000}\n") == [
        f"{path} has a number with too many digits"
    ]


@pytest.mark.parametrize("name", ["", " ", "two\\nlines", "\\u001b[31mred"])
def test_a_name_that_cannot_be_shown_is_refused(path: Path, name: str) -> None:
    (fault,) = faults(path, ACME.replace("[acme]", f'["{name}"]'))
    assert fault.isprintable()
    assert fault.endswith("cannot be the name of an account: use letters and digits")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.db", "a.db"),
        ("a.db", "sqlite:///a.db"),
        ("a.db", "./b/../a.db"),
        ("postgresql://u:hunter2@h/d", "postgresql://u:hunter2@h/d"),
    ],
)
def test_an_archive_that_accounts_share_is_refused(path: Path, one: str, other: str) -> None:
    text = f'{ACME}archive = "{one}"\n{BRAVO}archive = "{other}"\n'
    assert faults(path, text) == [
        "acme, bravo: archive: they share one, and each account needs its own"
    ]


def test_accounts_of_one_application_may_share_an_archive(path: Path) -> None:
    other = BRAVO.replace("bravo-app", "acme-app")
    text = f'{ACME}archive = "a.db"\n{other}archive = "a.db"\nconventions.end_included = false\n'
    assert set(read(path, text)) == {"acme", "bravo"}


def test_accounts_may_have_archives_in_one_directory(path: Path) -> None:
    text = f'{ACME}archive = "a.db"\n{BRAVO}archive = "b.db"\n'
    assert set(read(path, text)) == {"acme", "bravo"}
