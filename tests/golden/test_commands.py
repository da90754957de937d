"""Options of each command, and the statuses with which commands exit."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from compat.simulator import Account, Behaviour, Simulator, running
from tests.golden import options, stage
from tests.golden.golden import compare
from tests.golden.kept_requests import NEW, RANGE

COMMANDS: Final = (
    "serve",
    "report new",
    "report new-drilldown",
    "report busy-times",
    "report received-messages",
    "report happiness",
    "report happiness-ratings",
    "report user",
    "report user-happiness",
    "report user-ratings",
    "report user-conversation-history",
    "report user-replies",
    "report user-customers-helped",
    "report user-resolutions",
    "archive status",
    "archive seal",
    "archive import",
    "archive export",
    "archive forget",
    "sync",
    "doctor",
    "parity check",
    "parity fit",
    "parity live",
    "parity against",
    "simulate",
)

Cases = Mapping[str, Sequence[str]]


def test_each_command_has_the_options_it_had() -> None:
    wide = {"COLUMNS": "500"}
    with ThreadPoolExecutor(2) as pool:
        asked = (each.split() for each in COMMANDS)
        helps = list(pool.map(lambda each: stage.run(*each, "--help", variables=wide), asked))
    assert [each.returncode for each in helps] == [0] * len(COMMANDS)
    shown = {name: options.read(each.stdout) for name, each in zip(COMMANDS, helps, strict=True)}
    compare("commands/options.json", shown)


def test_misuse_exits_as_it_did() -> None:
    cases = {
        "nothing": [],
        "an unknown command": ["unknown"],
        "an unknown option": ["serve", "--unknown"],
        "a part is missing": ["parity"],
        "a port that is no number": ["serve", "--port", "x"],
        "report new: no start": ["report", "new"],
        "report busy-times: no start": ["report", "busy-times"],
        "report new: an unknown engine": ["report", "new", "--start", "2015", "--engine", "x"],
        "archive import: no file": ["archive", "import"],
        "parity check: no file": ["parity", "check"],
        "parity live: no start": ["parity", "live"],
        "parity against: no address": ["parity", "against"],
        "simulate: an unknown plan": ["simulate", "--plan", "x"],
        "simulate: a rate above 1": ["simulate", "--fail-rate", "2"],
    }
    compare("commands/misuse.json", _exits(cases, {}))


def test_without_settings_commands_exit_as_they_did(tmp_path: Path) -> None:
    captures = _captures(tmp_path / "old.jsonl", "{}")
    cases = {
        "serve": ["serve", "--port", "0"],
        "report new": ["report", "new", "--start", "2015"],
        "archive status": ["archive", "status"],
        "sync": ["sync"],
        "doctor": ["doctor"],
        "doctor offline": ["doctor", "--offline"],
        "parity check": ["parity", "check", captures],
        "parity live": ["parity", "live", "--from", "2015"],
    }
    compare("commands/without-settings.json", _exits(cases, {}))


def test_with_refused_credentials_commands_exit_as_they_did(base_url: str, tmp_path: Path) -> None:
    captures = _captures(tmp_path / "old.jsonl", "{}")
    cases = {
        "report new": ["report", "new", "--start", "2015"],
        "doctor": ["doctor"],
        "parity check": ["parity", "check", captures],
        "parity live": ["parity", "live", "--from", "2015"],
    }
    refused = stage.settings(base_url, HELPSCOUT_APP_SECRET="wrong")
    kept = {**refused, "COMPAT_ARCHIVE": str(tmp_path / "archive.db")}
    sync = _exits({"sync": ["sync"]}, kept)
    compare("commands/refused.json", _exits(cases, refused) | sync)


def test_the_report_exits_as_it_did(base_url: str) -> None:
    new = ["report", "new", "--start"]
    cases = {
        "done": [*new, "2015-01"],
        "as CSV": [*new, "2015-01", "--csv"],
        "a date that is none": [*new, "2015-13"],
        "an unknown viewBy": [*new, "2015", "--view-by", "hour"],
        "a drilldown": ["report", "new-drilldown", "--start", "2015-01"],
        "a drilldown as CSV": ["report", "new-drilldown", "--start", "2015-01", "--csv"],
        "busy times": ["report", "busy-times", "--start", "2015-01"],
        "received messages": ["report", "received-messages", "--start", "2015-01"],
        "no page": ["report", "new-drilldown", "--start", "2015-01", "--page", "0"],
        "an unknown account": [*new, "2015", "--account", "x"],
        "offline without an archive": [*new, "2015", "--offline"],
        "relayed without the plan": [*new, "2015", "--engine", "relayed"],
    }
    compare("commands/report.json", _exits(cases, stage.settings(base_url)))


def test_sync_and_the_archive_exit_as_they_did(base_url: str, tmp_path: Path) -> None:
    kept = stage.settings(base_url, COMPAT_ARCHIVE=str(tmp_path / "archive.db"))
    missing = {"status": ["archive", "status"], "export": ["archive", "export"]}
    found = {"no archive": _exits(missing, kept)}
    (tmp_path / "rows.jsonl").write_text("no JSON\n", encoding="utf-8")
    rows = str(tmp_path / "rows.jsonl")
    as_of = ["--covers", "2015..2016", "--as-of", "2017"]
    cases = {
        "sync": ["sync"],
        "sync --verify": ["sync", "--verify"],
        "sync: another kind": ["sync", "--slim"],
        "sync: no time": ["sync", "--watch", "soon"],
        "sync: no date": ["sync", "--since", "soon"],
        "status": ["archive", "status"],
        "export": ["archive", "export"],
        "forget: nothing is named": ["archive", "forget"],
        "forget: an unknown customer": ["archive", "forget", "--customer", "5"],
        "forget: what is old": ["archive", "forget", "--keep", "20y"],
        "import: no JSON": ["archive", "import", rows, *as_of],
        "seal: no date": ["archive", "seal", "--at", "soon"],
        "seal": ["archive", "seal", "--at", "2020"],
        "seal --undo": ["archive", "seal", "--undo"],
        "doctor offline": ["doctor", "--offline"],
        "report offline": ["report", "new", "--start", "2015", "--offline"],
    }
    found["an archive"] = _exits(cases, kept, at_once=1)
    no_archive = {**kept, "COMPAT_ARCHIVE": rows}
    found["another file"] = _exits({"sync": ["sync"], **missing}, no_archive)
    compare("commands/archive.json", found)


def test_sync_exits_as_it_did_where_too_much_is_missing(tmp_path: Path) -> None:
    simulator = Simulator(stage.account(), Behaviour(rate_limit=None))
    with running(simulator) as base_url:
        kept = stage.settings(base_url, COMPAT_ARCHIVE=str(tmp_path / "archive.db"))
        before = _exits({"sync": ["sync"]}, kept)
        simulator.show(Account())
        cases = {
            "most is missing": ["sync", "--verify"],
            "that is accepted": ["sync", "--verify", "--accept-loss"],
        }
        compare("commands/loss.json", before | _exits(cases, kept, at_once=1))


def test_sync_exits_as_it_did_where_another_is_under_way_and_when_it_is_stopped(
    tmp_path: Path,
) -> None:
    slow = Simulator(stage.account(), Behaviour(rate_limit=None, latency=1.0))
    with running(slow) as base_url:
        kept = stage.settings(base_url, COMPAT_ARCHIVE=str(tmp_path / "archive.db"))
        with subprocess.Popen(
            [stage.COMMAND, "sync"], env=stage.environment(kept), stderr=subprocess.PIPE
        ) as first:
            assert first.stderr is not None
            first.stderr.readline()  # it has begun, and so it holds the archive
            found = _exits({"sync": ["sync"], "seal": ["archive", "seal"]}, kept)
            first.send_signal(signal.SIGINT)
            first.stderr.read()
        compare("commands/under-way.json", {**found, "the first": {"status": first.returncode}})


def test_doctor_exits_as_it_did(base_url: str) -> None:
    cases = {"doctor": ["doctor"]}
    found = {"well": _exits(cases, stage.settings(base_url))}
    wrong = stage.settings(base_url, COMPAT_JOBS="many")
    found["a setting is wrong"] = _exits(cases, wrong)
    compare("commands/doctor.json", found)


def test_parity_exits_as_it_did(base_url: str, tmp_path: Path) -> None:
    variables = stage.settings(base_url)
    with stage.started("serve", "--port", "0", variables=variables) as server:
        headers = {"Authorization": stage.basic()}
        body = stage.fetch(server.port, f"{NEW}?{RANGE}", headers=headers).body.decode("utf-8")
        server.stop()
    equal = _captures(tmp_path / "equal.jsonl", body)
    different = _captures(tmp_path / "different.jsonl", body.replace('"count":3', '"count":4'))
    unreadable = str(tmp_path / "unreadable.jsonl")
    Path(unreadable).write_text("x\n", encoding="utf-8")
    rules = tmp_path / "rules.toml"
    rules.write_text('[[ignore]]\npath = "nowhere"\nreason = "no reason"\n', encoding="utf-8")
    check = ["parity", "check"]
    cases = {
        "check: equal": [*check, equal],
        "check: different": [*check, different],
        "check: nothing to compare": [*check, unreadable],
        "check: no such file": [*check, "/nowhere"],
        "check: a rule ignored nothing": [*check, equal, "--ignore", str(rules)],
        "check: cannot be written": [*check, equal, "--json", "/nowhere/verdicts.json"],
        "fit: nothing to fit": ["parity", "fit", unreadable],
        "live: without the plan": ["parity", "live", "--from", "2015", "--requests", "20"],
        "against: nobody there": [
            *("parity", "against", "http://127.0.0.1:9/v1/"),
            *("--simulator-port", "0"),
        ],
        "against: no address": ["parity", "against", "x"],
    }
    compare("commands/parity.json", _exits(cases, variables))


def test_servers_exit_as_they_did(base_url: str) -> None:
    variables = stage.settings(base_url)
    commands = {"serve": ["serve"], "simulate": ["simulate", "--conversations", "5"]}
    found: dict[str, object] = {}
    for name, arguments in commands.items():
        for number in (signal.SIGTERM, signal.SIGINT):
            with stage.started(*arguments, "--port", "0", variables=variables) as server:
                found[f"{name}: {number.name}"] = server.stop(number)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for name, arguments in commands.items():
            done = stage.run(*arguments, "--port", port, variables=variables)
            found[f"{name}: the port is taken"] = done.returncode
    found["serve: the record cannot be written"] = stage.run(
        "serve", "--port", "0", "--record", "/nowhere/record.jsonl", variables=variables
    ).returncode
    compare("commands/servers.json", found)


def _exits(cases: Cases, variables: dict[str, str], at_once: int = 2) -> dict[str, object]:
    """The status of each command, and where it printed something."""
    with ThreadPoolExecutor(at_once) as pool:
        ended = pool.map(lambda each: stage.run(*each, variables=variables), cases.values())
        return {name: _exit(done) for name, done in zip(cases, ended, strict=True)}


def _exit(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert "Traceback" not in done.stderr, done.stderr
    printed = [name for name in ("stdout", "stderr") if getattr(done, name)]
    return {"status": done.returncode, "prints on": " and ".join(printed)}


def _captures(path: Path, body: str) -> str:
    line = {"target": f"{NEW}?{RANGE}", "status": 200, "body": body}
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    return str(path)
