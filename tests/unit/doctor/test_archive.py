"""Checks of archives, and the command `doctor`."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from compat.archive.database import open_archive
from compat.archive.records import LAYERS
from compat.archive.sync.queries import NOT_STORED
from compat.archive.sync.run import Sync, SyncOptions
from compat.archive.writer import Writer
from compat.config.settings import Settings
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Coverage, Interval
from compat.doctor.examination import Examination, examine
from tests.unit.archive.databases import place
from tests.unit.archive.samples import record
from tests.unit.doctor.conftest import Examiner, account_of
from tests.unit.server.commands import run

DAY = 86_400


@pytest.fixture
def kept(examiner: Examiner, tmp_path: Path) -> Settings:
    """Settings with an archive of a small account, just synchronised."""
    return synchronised(examiner, f"sqlite:///{tmp_path}/archive.db")


def synchronised(examiner: Examiner, url: str) -> Settings:
    examiner.show(account_of(40), rate_limit=2000)
    settings = examiner.settings.model_copy(update={"archive": SecretStr(url)})
    Sync(settings, SyncOptions()).run()
    return settings


def verdicts(examined: Examination) -> dict[str, str]:
    return {
        name: each.verdict for name, each in examined.findings.items() if name.startswith("archive")
    }


def url(settings: Settings) -> str:
    assert settings.archive is not None
    return settings.archive.get_secret_value()


def test_nothing_is_wrong_with_an_archive_just_synchronised(kept: Settings) -> None:
    examined = examine(kept)
    assert set(verdicts(examined).values()) == {"ok"}
    assert examined.findings["archive"].facts["conversations"] == 40
    assert examined.findings["archive totals"].facts["spam_in_all"] in (True, None)


def test_nothing_is_wrong_with_one_on_a_server_and_its_password_is_not_shown(
    examiner: Examiner, tmp_path: Path
) -> None:
    with place("postgresql", tmp_path) as url:
        password = url.replace("postgres@", "postgres:a-password@", 1)
        examined = examine(synchronised(examiner, password))
    assert set(verdicts(examined).values()) == {"ok"}
    assert examined.findings["archive"].facts["bytes"] > 0
    assert "a-password" not in str(examined)


def test_offline_the_archive_is_checked_without_upstream(
    examiner: Examiner, kept: Settings
) -> None:
    examiner.simulator.reset()
    examined = examine(kept, offline=True)
    assert set(verdicts(examined).values()) == {"ok"}
    assert "credentials" not in examined.findings
    assert not examiner.simulator.requests.total()


def test_an_archive_that_is_not_there_is_trouble_with_what_to_run(
    examiner: Examiner, tmp_path: Path
) -> None:
    found = examiner.examine(archive=SecretStr(f"sqlite:///{tmp_path}/none.db")).findings["archive"]
    assert found.verdict == "trouble"
    assert "helpscout-v1 sync" in found.to_do


def test_an_archive_that_covers_nothing_is_trouble(examiner: Examiner, tmp_path: Path) -> None:
    place = SecretStr(f"sqlite:///{tmp_path}/empty.db")
    open_archive(place.get_secret_value(), create=True).close()
    assert examiner.examine(archive=place).findings["archive coverage"].verdict == "trouble"


@contextmanager
def writing(settings: Settings) -> Iterator[Writer]:
    with (
        open_archive(url(settings)) as archive,
        archive.lock() as lock,
        archive.writing(lock) as writer,
    ):
        yield writer


def cover(settings: Settings, *known: Coverage) -> None:
    """Make an archive cover this in all layers, and nothing else."""
    with writing(settings) as writer:
        writer.remove_coverage(Interval(FIRST_SECOND, 2**38))
        for layer in LAYERS:
            for each in known:
                writer.add_coverage(layer, each)


def test_an_archive_that_nobody_synchronises_is_a_warning(kept: Settings) -> None:
    now = int(time.time())
    cover(kept, Coverage(Interval(FIRST_SECOND, now - 3 * DAY), now - 3 * DAY))
    found = examine(kept).findings["archive age"]
    assert found.verdict == "warning"
    assert found.facts["seconds"] == pytest.approx(3 * DAY, abs=60)
    assert found.facts["last_sync_seconds"] == found.facts["seconds"]
    assert "helpscout-v1 sync" in found.to_do


def test_a_sealed_archive_does_not_get_old(kept: Settings) -> None:
    now = int(time.time())
    cover(kept, Coverage(Interval(FIRST_SECOND, now - 3 * DAY), now - 3 * DAY))
    with writing(kept) as writer:
        writer.set_sealed_at(now - 3 * DAY)
    assert examine(kept, offline=True).findings["archive age"].verdict == "ok"


@pytest.mark.parametrize("first", [FIRST_SECOND, 1_000])
def test_holes_and_a_late_beginning_are_warnings(kept: Settings, first: int) -> None:
    now = int(time.time())
    hole = [] if first == 1_000 else [Coverage(Interval(FIRST_SECOND, 500), now)]
    cover(kept, *hole, Coverage(Interval(1_000, now - 900), now))
    found = examine(kept).findings["archive coverage"]
    assert found.verdict == "warning"
    assert ("holes" in found.what) is bool(hole)


def overwrite(path: Path) -> None:
    path.write_bytes(b"no archive at all" * 500)


def spoil(path: Path) -> None:
    """An index that lacks an entry: every page can be read, and counts would be wrong."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'mailbox BIGINT', "
            "'mailbox BIGINT CHECK (mailbox < 0)') WHERE name = 'conversation'"
        )
    connection.close()


def age_schema(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM archive_schema")
        connection.execute("INSERT INTO archive_schema VALUES (999, '2030-01-01')")
    connection.close()


@pytest.mark.parametrize(
    ("damage", "check"),
    [(overwrite, "archive"), (spoil, "archive file"), (age_schema, "archive")],
)
def test_what_is_wrong_with_the_file_is_trouble_with_what_to_do(
    kept: Settings, damage: Callable[[Path], None], check: str
) -> None:
    damage(Path(url(kept).removeprefix("sqlite:///")))
    found = examine(kept).findings[check]
    assert found.verdict == "trouble"
    assert found.to_do


@pytest.fixture
def environment(kept: Settings) -> dict[str, str]:
    return {
        "HELPSCOUT_APP_ID": "demo-app",
        "HELPSCOUT_APP_SECRET": "demo-secret",
        "HELPSCOUT_BASE_URL": kept.base_url,
        "COMPAT_API_KEYS": "old-key",
        "COMPAT_ARCHIVE": url(kept),
    }


def test_the_command_prints_each_finding_in_a_line_and_exits_with_0(
    environment: dict[str, str],
) -> None:
    done = run("doctor", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ok"] * 17
    assert "demo-secret" not in done.stdout + done.stderr
    assert "old-key" not in done.stdout


def test_json_has_the_same_findings_and_a_problem_exits_with_1(
    environment: dict[str, str],
) -> None:
    done = run("doctor", "--json", **environment | {"HELPSCOUT_APP_SECRET": "wrong-secret"})
    assert done.returncode == 1
    content = json.loads(done.stdout)
    assert (content["sound"], content["complete"]) == (False, True)
    assert content["findings"][0]["check"] == "credentials"
    assert content["findings"][0]["verdict"] == "trouble"
    assert content["findings"][0]["facts"]["status"] == 401
    assert "wrong-secret" not in done.stdout + done.stderr


def test_offline_needs_no_credentials(environment: dict[str, str]) -> None:
    without = environment | {"HELPSCOUT_APP_ID": "", "HELPSCOUT_APP_SECRET": ""}
    assert run("doctor", "--offline", **without).returncode == 0


@pytest.fixture
def two_accounts(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """A file of two accounts, the second of which is refused."""
    file = tmp_path / "accounts.toml"
    file.write_text(
        '[acme]\napp_id = "demo-app"\napp_secret = "demo-secret"\napi_keys = ["acme-key"]\n'
        '[globex]\napp_id = "demo-app"\napp_secret = "wrong-secret"\napi_keys = ["globex-key"]\n',
        encoding="utf-8",
    )
    file.chmod(0o600)
    url = {"HELPSCOUT_BASE_URL": environment["HELPSCOUT_BASE_URL"]}
    return url | {"COMPAT_ACCOUNTS": str(file)}


def test_all_accounts_are_looked_at_unless_one_is_named(two_accounts: dict[str, str]) -> None:
    done = run("doctor", "--json", **two_accounts)
    assert done.returncode == 1
    shown = json.loads(done.stdout)
    assert (shown["sound"], shown["complete"]) == (False, True)
    assert {name: each["sound"] for name, each in shown["accounts"].items()} == {
        "acme": True,
        "globex": False,
    }
    one = run("doctor", "--json", "--account", "acme", **two_accounts)
    assert one.returncode == 0
    assert json.loads(one.stdout)["findings"] != []


def test_as_text_each_account_has_its_own_paragraph(two_accounts: dict[str, str]) -> None:
    done = run("doctor", **two_accounts)
    first, second = done.stdout.split("\n\n")
    assert first.startswith("acme:\nok ")
    assert second.startswith("globex:\ntrouble  credentials")
    assert "app_id and app_secret of [globex]" in second
    assert "HELPSCOUT_APP" not in done.stdout
    assert "wrong-secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (("--account", "acme"), {}, "--account"),
        (("--no-such-option",), {}, "--no-such-option"),
        ((), {"COMPAT_PATIENCE": "long"}, "COMPAT_PATIENCE"),
    ],
)
def test_misuse_exits_with_2(
    environment: dict[str, str], arguments: tuple[str, ...], settings: dict[str, str], said: str
) -> None:
    done = run("doctor", *arguments, **environment | settings)
    assert done.returncode == 2
    assert said in done.stderr


def test_an_unreachable_upstream_exits_with_3(environment: dict[str, str]) -> None:
    done = run("doctor", **environment | {"HELPSCOUT_BASE_URL": "http://127.0.0.1:9/v2"})
    assert done.returncode == 3
    assert "trouble" in done.stdout
    assert "Traceback" not in done.stderr


def test_unknown_values_are_a_warning_that_names_the_key_and_a_conversation(
    kept: Settings,
) -> None:
    with writing(kept) as writer:
        writer.save([record(7, tags=None), record(8, tags=None, mailbox=None)])
    found = examine(kept, offline=True).findings["archive values"]
    assert found.verdict == "warning"
    assert "`tags` of 2 conversations (the newest is 8)" in found.what
    assert "sync --verify" in found.to_do
    assert found.facts == {"mailboxId": 1, "tags": 2}


def test_a_hole_of_a_conversation_that_cannot_be_stored_is_explained(kept: Settings) -> None:
    now = int(time.time())
    spans = (Interval(FIRST_SECOND, now - 9 * DAY - 1), Interval(now - 9 * DAY + 1, now - DAY))
    cover(kept, *(Coverage(each, now) for each in spans))
    with writing(kept) as writer:
        writer.set_note(NOT_STORED, [(2**63, now - 9 * DAY), (2**63 + 1, now - 2 * DAY)])
    found = examine(kept, offline=True).findings["archive coverage"]
    assert found.verdict == "warning"
    assert str(2**63) in found.what
    assert str(2**63 + 1) not in found.what
    assert "until it has done all" not in found.to_do
