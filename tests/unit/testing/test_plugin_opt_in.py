"""Projects that do not ask for the fixtures are not touched, whatever their modules are called."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.unit.service.doubles import LONG

OWN_MODULE = {
    "compat.py": "NAME = 'the module of the project'\n",
    "test_own.py": (
        "import sys\n\n"
        "import compat\n\n\n"
        "def test_the_module_of_the_project_is_imported():\n"
        "    assert compat.NAME == 'the module of the project'\n"
        "    assert not [name for name in sys.modules if name.startswith('compat.')]\n"
    ),
}
OPT_IN = "pytest_plugins = ['compat.testing.plugin']\n"
USE = (
    "def test_use(helpscout_simulator):\n    assert helpscout_simulator.base_url.endswith('/v2')\n"
)
WAYS = {
    "the top conftest.py": ([], {"conftest.py": OPT_IN, "test_use.py": USE}),
    "the test module": ([], {"test_use.py": f"{OPT_IN}\n\n{USE}"}),
    "an option": (["-p", "compat.testing.plugin"], {"test_use.py": USE}),
    "an import of the fixtures": (
        [],
        {
            "conftest.py": "from compat.testing.plugin import helpscout_simulator\n",
            "test_use.py": USE,
        },
    ),
}
"""The documented ways to ask for the fixtures: options of pytest, and files of a project."""


def run_pytest(
    directory: Path, files: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    """What `python -m pytest` does in a project, with this package installed."""
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", *options],
        cwd=directory,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


def test_a_project_with_a_module_of_the_same_name_can_be_tested(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, OWN_MODULE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_a_project_with_a_package_of_the_same_name_can_be_tested(tmp_path: Path) -> None:
    (tmp_path / "compat").mkdir()
    files = {
        "compat/__init__.py": OWN_MODULE["compat.py"],
        "test_own.py": OWN_MODULE["test_own.py"],
    }
    done = run_pytest(tmp_path, files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_registers_nothing_with_pytest() -> None:
    names = {each.group for each in distribution("helpscout-v1-compat").entry_points}
    assert names == {"console_scripts"}


def test_without_asking_there_are_no_fixtures(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, {"test_use.py": USE})
    assert done.returncode == 1
    assert "fixture 'helpscout_simulator' not found" in done.stdout


@pytest.mark.parametrize("way", WAYS)
def test_each_documented_way_to_ask_for_the_fixtures_works(tmp_path: Path, way: str) -> None:
    options, files = WAYS[way]
    done = run_pytest(tmp_path, files, *options)
    assert done.returncode == 0, done.stdout + done.stderr
