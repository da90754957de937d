"""Environment files, and secrets in files of their own."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.accounts import accounts_from_env, ineffective_variables
from compat.config.env_files import (
    SECRET_FIELDS,
    Environment,
    parse_env_file,
    read_environment,
    secret_file_variables,
)
from compat.config.settings import Settings, SettingsError, variable_name
from compat.service import LegacyReports

SECRET = "hunter2"
FILES = secret_file_variables()


def written(path: Path, text: str | bytes) -> str:
    """The name of a file, after the text is written to it."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def refused(environ: dict[str, str]) -> str:
    """The message of the error that an environment leads to."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ)
    return str(caught.value)


def plain(value: Any) -> str:
    """The text of a secret, or of several."""
    if isinstance(value, tuple):
        return ",".join(map(plain, value))
    return str(value.get_secret_value())


def test_each_setting_that_holds_a_secret_can_come_from_a_file() -> None:
    secret = {name for name, each in Settings.model_fields.items() if "Secret" in repr(each)}
    assert secret == set(SECRET_FIELDS)


@pytest.mark.parametrize("field", SECRET_FIELDS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_file_has_the_value_of_a_secret(tmp_path: Path, field: str, end: str) -> None:
    path = written(tmp_path / "secret", f"a://{SECRET}{end}")
    settings = Settings.from_env({FILES[variable_name(field)]: path})
    assert plain(getattr(settings, field)) == f"a://{SECRET}"


def test_a_file_of_keys_may_have_one_in_each_line(tmp_path: Path) -> None:
    path = written(tmp_path / "keys", "one\ntwo, three\n\n")
    assert plain(Settings.from_env({"COMPAT_API_KEYS_FILE": path}).api_keys) == "one,two,three"


@pytest.mark.parametrize("name", FILES)
def test_a_secret_that_is_set_twice_is_refused(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "secret", SECRET)
    assert refused({name: "another", FILES[name]: path}) == (
        f"{name} and {FILES[name]} are both set: unset one of them"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("", "is empty"),
        (" \n", "is empty"),
        (f"{SECRET}\n{SECRET}", "has several lines"),
        (b"hunter2\xff", "cannot be read (it is not UTF-8 text)"),
        (SECRET * 200_000, "cannot be read (it is too large)"),
    ],
)
def test_a_file_that_holds_no_secret_is_named_and_not_shown(
    tmp_path: Path, content: str | bytes | None, why: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        written(path, content)
    said = refused({"HELPSCOUT_APP_SECRET_FILE": str(path)})
    assert said.startswith(f"HELPSCOUT_APP_SECRET_FILE: {path} {why}: it must ")
    assert said.count("\n") == 0
    assert SECRET not in said


def test_all_files_that_cannot_be_used_are_named_at_once(tmp_path: Path) -> None:
    environ = dict.fromkeys(FILES.values(), str(tmp_path))
    assert [line.partition(":")[0] for line in refused(environ).splitlines()] == list(environ)


def test_the_names_of_files_are_settings() -> None:
    assert ineffective_variables(dict.fromkeys([*FILES.values(), "COMPAT_ENV_FILE"], "x")) == []
    (sentence,) = ineffective_variables({"HELPSCOUT_APP_SECRT_FILE": "x"})
    assert sentence.endswith("has no effect: is HELPSCOUT_APP_SECRET_FILE meant?")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("COMPAT_X=a b", "a b"),
        ("COMPAT_X = a ", "a"),
        ("  COMPAT_X=a\r", "a"),
        ("export COMPAT_X=a", "a"),
        ("COMPAT_X=", ""),
        ('COMPAT_X="a b"', "a b"),
        ("COMPAT_X=' a '", " a "),
        ("COMPAT_X=$HOME ${HOME} #1", "$HOME ${HOME} #1"),
        ("COMPAT_X=C:\\new", "C:\\new"),
        ("COMPAT_X=a=b", "a=b"),
    ],
)
def test_a_line_has_a_name_and_a_value(line: str, value: str) -> None:
    assert list(parse_env_file(f"# a comment\n\n; another\n{line}\n")) == [(4, "COMPAT_X", value)]


@pytest.mark.parametrize(
    "line", [SECRET, f"={SECRET}", f"a-b={SECRET}", f"1A={SECRET}", f'A="{SECRET}', f"A={SECRET}\0"]
)
def test_a_line_that_cannot_be_read_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    path = written(tmp_path / "env", f"COMPAT_JOBS=1\n{line}\n")
    said = refused({"COMPAT_ENV_FILE": path})
    assert said.startswith(f"COMPAT_ENV_FILE: {path}, line 2: it is not NAME=VALUE")
    assert SECRET not in said


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1).filter(str.strip))
def test_a_value_is_read_as_it_was_written(value: str) -> None:
    if not value.startswith(("'", '"')):
        assert list(parse_env_file(f"A={value}")) == [(1, "A", value)]
    assert list(parse_env_file(f'A="{value}"')) == [(1, "A", value)]


def test_a_file_sets_what_the_environment_does_not(tmp_path: Path) -> None:
    path = written(tmp_path / "env", "COMPAT_JOBS=7\nCOMPAT_PARALLEL=7\nCOMPAT_ANSWERS=7\n")
    environ = {"COMPAT_ENV_FILE": path, "COMPAT_JOBS": "2", "COMPAT_PARALLEL": " "}
    settings = Settings.from_env(environ)
    assert (settings.jobs, settings.parallel, settings.answers) == (2, 7, 7)


def test_the_last_line_of_a_variable_counts(tmp_path: Path) -> None:
    path = written(tmp_path / "env", "COMPAT_JOBS=7\nCOMPAT_JOBS=8\n")
    assert Settings.from_env({"COMPAT_ENV_FILE": path}).jobs == 8


def test_variables_of_other_programs_are_left_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "env", "PATH=/nowhere\nSSLKEYLOGFILE=/nowhere/log\nCOMPAT_JOBS=7\n")
    assert read_environment({"COMPAT_ENV_FILE": path}) == {"COMPAT_JOBS": "7"}


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("HELPSCOUT_APP_SECRET", "HELPSCOUT_APP_SECRET_FILE"),
        ("HELPSCOUT_APP_SECRET_FILE", "HELPSCOUT_APP_SECRET"),
    ],
)
def test_a_secret_that_is_set_wins_over_the_file_in_either_form(
    tmp_path: Path, outer: str, inner: str
) -> None:
    values = {"HELPSCOUT_APP_SECRET": SECRET}
    values["HELPSCOUT_APP_SECRET_FILE"] = written(tmp_path / "secret", SECRET)
    other = "/nowhere" if inner.endswith("_FILE") else "another"
    path = written(tmp_path / "env", f"{inner}={other}\n")
    settings = Settings.from_env({"COMPAT_ENV_FILE": path, outer: values[outer]})
    assert settings.app_secret.get_secret_value() == SECRET


def test_a_file_of_a_secret_can_be_named_in_an_environment_file(tmp_path: Path) -> None:
    secret = written(tmp_path / "secret", SECRET)
    path = written(tmp_path / "env", f"HELPSCOUT_APP_SECRET_FILE={secret}\n")
    settings = Settings.from_env({"COMPAT_ENV_FILE": path})
    assert settings.app_secret.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("name", "why"), [("missing", "No such file or directory"), (".", "Is a directory")]
)
def test_an_environment_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, why: str
) -> None:
    path = tmp_path / name
    assert refused({"COMPAT_ENV_FILE": str(path)}).startswith(
        f"COMPAT_ENV_FILE: {path} cannot be read ({why})"
    )


def test_what_is_wrong_in_a_file_is_found_as_in_the_environment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path / "env", "COMPAT_PATIENSE=1\nCOMPAT_JOBS=0\n")
    with caplog.at_level(logging.WARNING), pytest.raises(SettingsError, match="COMPAT_JOBS: "):
        accounts_from_env({"COMPAT_ENV_FILE": path})
    assert "COMPAT_PATIENSE is no setting and has no effect" in caplog.text


def test_variables_that_are_left_out_need_no_files(tmp_path: Path) -> None:
    path = written(tmp_path / "env", "HELPSCOUT_APP_SECRET_FILE=/nowhere\nCOMPAT_JOBS=7\n")
    environ = {"COMPAT_ENV_FILE": path, "COMPAT_API_KEYS_FILE": "/nowhere"}
    without = ("HELPSCOUT_APP_SECRET", "COMPAT_API_KEYS")
    assert read_environment(environ, without=without) == {"COMPAT_JOBS": "7"}


def test_an_environment_is_read_only_once(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    found = read_environment({"COMPAT_API_KEYS_FILE": written(secret, SECRET)})
    secret.unlink()
    assert isinstance(found, Environment)
    assert Settings.from_env(found).api_keys == Settings(api_keys=(SECRET,)).api_keys  # type: ignore[arg-type]


def test_a_library_reads_the_file_too(tmp_path: Path) -> None:
    text = f"HELPSCOUT_APP_ID=an-app\nHELPSCOUT_APP_SECRET={SECRET}\nCOMPAT_JOBS=7\n"
    path = written(tmp_path / "env", text)
    with LegacyReports.from_env({"COMPAT_ENV_FILE": path}) as reports:
        assert reports.accounts["default"].settings.jobs == 7


@pytest.mark.parametrize(
    ("name", "must"),
    [
        ("COMPAT_METRICS", "true or false"),
        ("COMPAT_JOBS", "a whole number"),
        ("COMPAT_PATIENCE", "a number"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_in_plain_words(name: str, must: str) -> None:
    assert refused({name: "ture"}) == f"{name}: it must be {must}"


def test_variables_that_differ_from_the_file_are_known(tmp_path: Path) -> None:
    text = "HELPSCOUT_APP_SECRET=in-file\nCOMPAT_JOBS=7\nCOMPAT_LOG=\nCOMPAT_PATIENCE=3\n"
    environ = {"COMPAT_ENV_FILE": written(tmp_path / "env", text)}
    environ["HELPSCOUT_APP_SECRET_FILE"] = written(tmp_path / "secret", SECRET)
    found = read_environment(environ | {"COMPAT_JOBS": "7", "COMPAT_LOG": "json"})
    assert found.winners == ("HELPSCOUT_APP_SECRET_FILE",)
    assert found.secret_files == (tmp_path / "secret",)


@pytest.mark.parametrize("name", ["COMPAT_ENV_FILE", *FILES.values()])
def test_a_right_that_is_missing_is_not_called_a_wrong_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = written(tmp_path / "file", SECRET)

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)  # root may read whatever the mode is
    assert refused({name: path}) == (
        f"{name}: {path} cannot be read (Permission denied): let the user who runs this read the "
        "file and enter its directories"
    )
