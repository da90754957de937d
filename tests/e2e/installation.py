"""Builds the package, and installs it without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from compat.extras import DISTRIBUTION
from tests.unit.server.commands import environment
from tests.unit.service.doubles import LONG

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = Path(sysconfig.get_path("purelib"))
_NOT_PACKAGED = shutil.ignore_patterns(".*", "__pycache__", "build", "dist")


def build(source: Path, target: str, folder: Path) -> Path:
    """Build a `wheel` or an `sdist` (source distribution) with the project's backend."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder],
        cwd=source, env=environment(), capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def copied_sources(folder: Path, names: Iterable[str] = ("*",)) -> Path:
    """A copy of the files of the repository that these patterns name."""
    folder.mkdir(exist_ok=True)
    for path in (path for name in names for path in ROOT.glob(name) if path.name[0] != "."):
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=_NOT_PACKAGED, dirs_exist_ok=True)
        elif path.is_file():
            shutil.copy(path, folder)
    return folder


def installed_wheel(wheel: Path, folder: Path) -> Path:
    """The directory of commands of a new environment with a wheel in it.

    The environment has the libraries of the environment of the tests, but not its copy of the
    package.
    """
    options = ["--without-pip", str(folder)]
    subprocess.run([sys.executable, "-m", "venv", *options], timeout=LONG, check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index",
         "--no-deps", "--no-compile", wheel],
        env=environment(), timeout=LONG, check=True,
    )  # fmt: skip
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(f"{LIBRARIES}\n", encoding="utf-8")
    return folder / "bin"


def python_with(extras: set[str], folder: Path) -> dict[str, str]:
    """The environment variables with which `python -S` finds the package with these extras alone.

    Args:
        extras: Names of extras.
        folder: An empty directory; it gets links to the libraries.
    """
    (folder / "compat").symlink_to(ROOT / "compat")
    for package in _required(DISTRIBUTION, frozenset(extras)):
        for name in _top_names(package):
            link = folder / name
            if not link.exists() and (LIBRARIES / name).exists():
                link.symlink_to(LIBRARIES / name)
    return environment() | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def _required(name: str, extras: frozenset[str]) -> list[Distribution]:
    """A distribution, and all that it needs."""
    found: dict[tuple[str, frozenset[str]], Distribution] = {}
    pending = [(canonicalize_name(name), extras)]
    while pending:
        wanted = pending.pop()
        if wanted in found:
            continue
        found[wanted] = package = distribution(wanted[0])
        for requirement in map(Requirement, package.requires or ()):
            if _applies(requirement, wanted[1]):
                extras_of_it = frozenset(requirement.extras)
                pending.append((canonicalize_name(requirement.name), extras_of_it))
    return list(found.values())


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    return requirement.marker is None or any(
        requirement.marker.evaluate({"extra": extra}) for extra in extras or {""}
    )


def _top_names(package: Distribution) -> set[str]:
    """The names in `site-packages` of what a distribution installs."""
    names = {path.parts[0] for path in package.files or () if path.parts[0] != ".."}
    return {name for name in names if not re.search(r"\.pth$|^__pycache__$", name)} - {"compat"}


def run_python(code: str, variables: dict[str, str], folder: Path) -> str:
    """What a program prints that can import only what `PYTHONPATH` names."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=variables, cwd=folder, capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def path_without_ours() -> str:
    """The search path of commands, without the environment of the tests."""
    ours = str(Path(sys.executable).parent)
    return os.pathsep.join(each for each in os.environ["PATH"].split(os.pathsep) if each != ours)
