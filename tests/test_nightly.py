"""`scripts/nightly` goes on after a failure, and says what failed. Its steps are stand-ins here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "nightly"
ALL = ["kills-sqlite", "kills-postgresql", "campaign", "mutants", "benchmarks"]
RUN_BY = {
    "kills-sqlite": ".venv/bin/python -m pytest --quiet tests/e2e/test_sync_killed.py -k sqlite",
    "kills-postgresql": "-k postgresql",
    "campaign": "scripts/test",
    "mutants": "scripts/mutants",
    "benchmarks": "scripts/bench",
}
"""What is part of the command of each step."""


def clone(directory: Path, failing: str = "nothing") -> Path:
    """A directory with the script, and with programs in the place of those that it runs.

    Each appends its command to the file `log`, and fails if `failing` is part of the command.
    """
    programs = ["scripts/setup", "scripts/test", "scripts/bench", "scripts/mutants"]
    for name in (*programs, ".venv/bin/python"):
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f'#!/bin/sh\necho "{name} $*, $COMPAT_TEST_KILLS$HYPOTHESIS_PROFILE" >>log\n'
            f'case "{name} $*" in *"{failing}"*) exit 3 ;; esac\n',
            "utf-8",
        )
        file.chmod(0o755)
    shutil.copy(SCRIPT, directory / "scripts")
    return directory


def run(directory: Path, *steps: str) -> tuple[int, str, list[str]]:
    """The exit status, what the script printed, and the commands that it ran after the setup."""
    done = subprocess.run(
        [directory / "scripts" / "nightly", *steps],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
        cwd=directory,
    )
    return done.returncode, done.stdout, (directory / "log").read_text("utf-8").splitlines()[1:]


def test_all_steps_run(tmp_path: Path) -> None:
    status, printed, commands = run(clone(tmp_path))
    assert (status, printed.splitlines()[-1]) == (0, "nothing failed")
    assert len(commands) == len(ALL)
    assert all(part in command for part, command in zip(RUN_BY.values(), commands, strict=True))
    assert [line[3:] for line in printed.splitlines() if line.startswith("== ")] == [
        *ALL,
        "result",
    ]


@pytest.mark.parametrize("name", ALL)
def test_a_step_that_fails_is_reported_and_the_others_run(tmp_path: Path, name: str) -> None:
    status, printed, commands = run(clone(tmp_path, failing=RUN_BY[name]))
    assert (status, printed.splitlines()[-1]) == (1, f"failed: {name}")
    assert len(commands) == len(ALL)


def test_all_steps_that_failed_are_reported(tmp_path: Path) -> None:
    status, printed, _ = run(clone(tmp_path, failing="-"))
    assert (status, printed.splitlines()[-1]) == (
        1,
        "failed: kills-sqlite kills-postgresql campaign",
    )


def test_single_steps_run(tmp_path: Path) -> None:
    status, _, commands = run(clone(tmp_path), "benchmarks", "kills-sqlite")
    assert status == 0
    assert commands == [
        "scripts/bench , ",
        f"{RUN_BY['kills-sqlite']}, 100",
    ]


def test_an_unknown_step_is_a_failure(tmp_path: Path) -> None:
    status, printed, commands = run(clone(tmp_path), "kill", "benchmarks")
    assert (status, printed.splitlines()[-1]) == (1, "failed: kill")
    assert len(commands) == 1


def test_mutation_testing_is_skipped_where_it_is_not_there(tmp_path: Path) -> None:
    directory = clone(tmp_path)
    (directory / "scripts" / "mutants").unlink()
    status, printed, _ = run(directory, "mutants")
    assert status == 0
    assert "skipped: there is no scripts/mutants" in printed


def test_a_campaign_says_its_seed_and_can_be_repeated(tmp_path: Path) -> None:
    seeds = set()
    for _ in range(2):
        _, printed, commands = run(clone(tmp_path), "campaign")
        (seed,) = [line.removeprefix("seed ") for line in printed.splitlines() if "seed" in line]
        assert commands[-1].endswith(f"--hypothesis-seed {seed}, nightly")
        seeds.add(seed)
    assert len(seeds) == 2
