"""`helpscout-v1 parity fit`, from files of captures to settings that are adopted."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import stamina

from compat.cli import main
from compat.simulator import Account, Behaviour, Simulator, running
from tests.unit.parity.old_server import Old, OldServer, Rules, history, requests

Printed = pytest.CaptureFixture[str]
Ended = tuple[int, str, str]


@pytest.fixture(scope="module")
def past() -> Sequence[Old]:
    """Two years of conversations as they were."""
    return history(500, seed=4)


@pytest.fixture(scope="module")
def living(past: Sequence[Old]) -> Iterator[str]:
    """Where the account is that is left of them: two of a hundred were deleted or merged."""
    account = Account()
    for each in past:
        account.add(each.created, id=each.id, type=each.type, status=each.status, state=each.state)
    rng = random.Random(5)
    for each in past:
        if rng.random() < 0.02:
            account.delete(each.id) if each.id % 2 else account.merge(each.id, past[0].id)
    with running(Simulator(account, Behaviour(rate_limit=None))) as url:
        yield url


@pytest.fixture
def reaching(living: str, settings: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    settings.setenv("HELPSCOUT_BASE_URL", living)
    return settings


def recorded(path: Path, past: Sequence[Old], rules: Rules, targets: Sequence[str] = ()) -> Path:
    """A file of what a server of these rules once answered."""
    server = OldServer(past, rules)
    lines = [
        json.dumps({"target": target, "status": 200, "body": server.answer(target).decode()})
        for target in targets or requests(past, 200, seed=6)
    ]
    path.write_text("\n".join(lines), "utf-8")
    return path


def fitted(capsys: Printed, *arguments: object) -> Ended:
    status = main(["parity", "fit", *map(str, arguments)])
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    return status, shown.out, shown.err


@pytest.mark.usefixtures("reaching")
def test_where_nothing_is_to_be_adopted_the_status_is_0(
    capsys: Printed, tmp_path: Path, past: Sequence[Old]
) -> None:
    status, out, err = fitted(capsys, recorded(tmp_path / "old.jsonl", past, Rules()))
    assert (status, err) == (0, "")
    assert tomllib.loads(out) == {}


def test_the_planted_rule_is_printed_and_once_adopted_nothing_is_left_to_adopt(
    reaching: pytest.MonkeyPatch, capsys: Printed, tmp_path: Path, past: Sequence[Old]
) -> None:
    old = recorded(tmp_path / "old.jsonl", past, Rules(spam=True, empty_buckets_listed=False))
    status, out, _ = fitted(capsys, old)
    assert status == 1
    assert tomllib.loads(out)["default"]["conventions"] == {
        "uncounted_statuses": [],
        "empty_buckets_listed": False,
    }
    shown = json.loads(fitted(capsys, old, "--json")[1])
    for name, value in shown["environment"].items():
        reaching.setenv(name, value)
    assert fitted(capsys, old)[0] == 0


def test_of_several_accounts_the_table_names_the_one_that_was_chosen(
    reaching: pytest.MonkeyPatch, capsys: Printed, tmp_path: Path, past: Sequence[Old]
) -> None:
    tables = tmp_path / "accounts.toml"
    plain = 'app_id = "demo-app"\napp_secret = "demo-secret"\n'
    tables.write_text(f'[a]\napi_keys = ["1"]\n{plain}[b]\napi_keys = ["2"]\n{plain}', "utf-8")
    tables.chmod(0o600)
    reaching.setenv("COMPAT_ACCOUNTS", str(tables))
    old = recorded(tmp_path / "old.jsonl", past, Rules(default_view_by="day"))
    assert fitted(capsys, old)[0] == 2
    _, out, _ = fitted(capsys, old, "--account", "b")
    assert tomllib.loads(out) == {"b": {"conventions": {"default_view_by": "day"}}}
    tables.write_text(f"{tables.read_text('utf-8')}\n{out}", "utf-8")
    assert fitted(capsys, old, "--account", "b")[0] == 0


@pytest.mark.usefixtures("reaching")
def test_json_holds_the_same(capsys: Printed, tmp_path: Path, past: Sequence[Old]) -> None:
    old = recorded(tmp_path / "old.jsonl", past, Rules(shift_minutes=60))
    status, out, _ = fitted(capsys, old, "--json")
    shown: dict[str, Any] = json.loads(out)
    assert (status, shown["outcome"]) == (1, "adopt")
    assert shown["recommended"] == {"clock_shift_minutes": 60}
    assert shown["environment"] == {"COMPAT_CLOCK_SHIFT_MINUTES": "60"}
    assert shown["captures"]["fitted"] + shown["captures"]["confirming"] > 150


@pytest.mark.usefixtures("reaching")
def test_no_rule_that_fits_exits_with_1_and_nothing_to_adopt(
    capsys: Printed, tmp_path: Path, past: Sequence[Old]
) -> None:
    status, out, _ = fitted(capsys, recorded(tmp_path / "old", past, Rules(shift_minutes=37)))
    assert (status, tomllib.loads(out)) == (1, {})
    assert "None of the conventions" in out


@pytest.mark.usefixtures("reaching")
def test_a_search_without_time_recommends_nothing(
    capsys: Printed, tmp_path: Path, past: Sequence[Old]
) -> None:
    old = recorded(tmp_path / "old.jsonl", past, Rules(spam=True))
    _, out, _ = fitted(capsys, old, "--seconds", "0")
    assert tomllib.loads(out) == {}


@pytest.mark.usefixtures("reaching")
def test_what_cannot_be_read_is_passed_over_and_counted(
    capsys: Printed, tmp_path: Path, past: Sequence[Old]
) -> None:
    old = recorded(tmp_path / "old.jsonl", past, Rules())
    old.write_text(f"{{}}\n{old.read_text('utf-8')}\nno JSON\n", "utf-8")
    shown = json.loads(fitted(capsys, old, "--json")[1])
    assert sum(shown["captures"]["aside"].values()) == 2
    assert all(reason.startswith("unreadable") for reason in shown["captures"]["aside"])


@pytest.mark.usefixtures("reaching")
def test_of_a_damaged_file_nothing_is_fitted(
    capsys: Printed, tmp_path: Path, past: Sequence[Old]
) -> None:
    old = recorded(tmp_path / "old.jsonl", past, Rules())
    old.write_text(f"{old.read_text('utf-8')}{{}}{{}}\n", "utf-8")
    status, out, err = fitted(capsys, old)
    assert (status, out) == (2, "")
    assert "the line goes on after its JSON" in err


@pytest.mark.usefixtures("reaching")
@pytest.mark.parametrize("text", ["", "no JSON\n", '{"target":"/x","status":200,"body":"{}"}\n'])
def test_without_a_capture_that_can_be_fitted_the_status_is_2(
    capsys: Printed, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "old.jsonl"
    path.write_text(text, "utf-8")
    status, out, err = fitted(capsys, path)
    assert (status, out) == (2, "")
    assert "no capture can be fitted" in err


@pytest.mark.usefixtures("reaching")
def test_a_file_that_is_not_there_is_misuse(capsys: Printed, tmp_path: Path) -> None:
    status, out, err = fitted(capsys, tmp_path / "nothing.jsonl")
    assert (status, out) == (2, "")
    assert "nothing.jsonl" in err


@pytest.mark.usefixtures("reaching")
@pytest.mark.parametrize("share", ["-0.1", "1.5", "x", "nan"])
def test_a_share_that_is_none_is_misuse(capsys: Printed, share: str) -> None:
    status, out, err = fitted(capsys, "old.jsonl", f"--most-gone={share}")
    assert (status, out) == (2, "")
    assert "--most-gone" in err


def test_trouble_upstream_exits_with_3(
    reaching: pytest.MonkeyPatch, capsys: Printed, tmp_path: Path, past: Sequence[Old]
) -> None:
    reaching.setenv("HELPSCOUT_APP_SECRET", "wrong")
    with stamina.set_testing(True, attempts=1):
        status, out, err = fitted(capsys, recorded(tmp_path / "old.jsonl", past, Rules()))
    assert (status, out) == (3, "")
    assert "HELPSCOUT_APP_SECRET" in err
