"""The package's face, and what importing it costs."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

import compat

DOCUMENTED = {
    "AsyncLegacyReports",
    "Conventions",
    "LegacyResponse",
    "LegacyError",
    "LegacyReports",
    "LegacyRequest",
    "Settings",
    "SettingsError",
}
"""What users may import from `compat` itself."""

MODULES = sorted(module.name for module in pkgutil.walk_packages(compat.__path__, "compat."))


def fresh(code: str) -> object:
    """What a fresh interpreter prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import json, sys\n{code}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_the_face_holds_what_is_documented_and_no_more() -> None:
    assert set(compat.__all__) == DOCUMENTED
    assert len(compat.__all__) == len(DOCUMENTED)
    assert set(compat.__all__) <= set(dir(compat))


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_every_name_of_the_face_is_the_one_from_its_home(name: str) -> None:
    handed_on = getattr(compat, name)
    assert handed_on.__name__ == name
    assert getattr(sys.modules[handed_on.__module__], name) is handed_on


def test_no_other_name_is_made_up() -> None:
    assert not hasattr(compat, "anything_else")
    with pytest.raises(AttributeError, match="'compat' has no attribute 'anything_else'"):
        _ = compat.anything_else


HEAVY = {"httpx", "pydantic", "cachetools", "stamina", "uvicorn", "asyncio"}


def test_importing_the_package_imports_nothing_heavy() -> None:
    loaded = fresh("import compat; print(json.dumps(sorted(sys.modules)))")
    assert isinstance(loaded, list)
    assert not HEAVY & {name.partition(".")[0] for name in loaded}


@pytest.mark.parametrize("command", [[], ["report", "new"], ["serve"], ["sync"], ["simulate"]])
def test_the_command_line_shows_its_options_without_importing_anything_heavy(
    command: list[str],
) -> None:
    code = """
from contextlib import redirect_stdout
from compat.cli import main
with redirect_stdout(sys.stderr):
    status = main(%r)
print(json.dumps([status, *sorted(sys.modules)]))
"""
    shown = fresh(code % [*command, "--help"])
    assert isinstance(shown, list)
    assert shown[0] == 0
    assert not HEAVY & {name.partition(".")[0] for name in shown[1:]}


def test_every_name_of_the_face_can_be_imported_first() -> None:
    code = "from compat import *; print(json.dumps(sorted(set(dir()) & set(%r))))"
    assert fresh(code % sorted(DOCUMENTED)) == sorted(DOCUMENTED)


def test_every_module_can_be_imported_without_a_server_to_listen() -> None:
    code = f"""
from importlib import import_module
sys.modules["uvicorn"] = None
for name in {MODULES}:
    import_module(name)
print(json.dumps(sorted(name for name in sys.modules if name.startswith("compat."))))
"""
    assert fresh(code) == MODULES


def test_the_package_says_that_it_is_typed() -> None:
    assert pkgutil.get_data("compat", "py.typed") is not None
