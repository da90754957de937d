"""Mutation testing, package by package: which changes of the code does no test notice?

A mutant is a function with one change. mutmut runs those tests of the package that enter the
function, in a copy at build/mutants/PACKAGE, and remembers there what it found. What survives, and
is not explained in tests/mutants.toml, is tried once more: the change is written into the copy, and
a new process runs all tests of the package. It also sees functions that run while modules are
imported, and has time where the machine was busy. What survives that as well is printed.

The files of `archive`, `sync` and `v2` run one by one, each with the tests that are about it,
because all tests of these packages take minutes. A file can be named in place of its package. With
--sample, only so many mutants of each package or file are tested, chosen at random; the numbers of
chosen and of all are printed.

Not changed, because a test of it would only repeat the code:

- annotations, docstrings, decorators and what they decorate (properties among it), and data of
  modules and classes;
- texts for people: strings that contain a blank, and f-strings;
- arguments of log calls, the type that `cast` is given, and the `strict` of `zip`;
- the case of strings, and more than one way of losing an argument.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mutmut_run import Survivor

ROOT: Final = Path(__file__).resolve().parent.parent
EXPLAINED: Final = ROOT / "tests" / "mutants.toml"
COPIED: Final = ("compat", "docs", "scripts", "tests")
TEST_OPTIONS: Final = (
    "-knot postgresql",  # the same tests run with SQLite, which is faster
    "-pno:cacheprovider",
    # These two collect garbage after every run, which takes longer than most tests.
    "-pno:unraisableexception",
    "-pno:threadexception",
)

LONGEST: Final = 900
"""Seconds that the tests may take in a new process."""

PATIENCE: Final = 10
"""How many times as long as without a change they may take: one that makes them hang is noticed."""


@dataclass(frozen=True)
class Package:
    """What is mutated together, and the tests that have to notice it.

    Attributes:
        mutated: Patterns of files.
        tests: Patterns of tests.
    """

    mutated: tuple[str, ...]
    tests: tuple[str, ...]

    def test_paths(self) -> list[str]:
        """The paths that the patterns of tests stand for."""
        found = (path for pattern in self.tests for path in sorted(ROOT.glob(pattern)))
        return [str(path.resolve().relative_to(ROOT)) for path in found]


PACKAGES: Final = {
    "core": Package(("compat/core/*",), ("tests/unit/core/test_[!p]*.py",)),
    "v1": Package(
        # Without openapi.py: it is run once in a process, and docs/reference/openapi.json, which is
        # compared with what it makes, is its test.
        ("compat/v1/[!o]*.py",),
        ("tests/unit/v1", "tests/unit/service/test_keyword_arguments.py"),
    ),
    "sources": Package(
        ("compat/sources/*",), ("tests/unit/sources", "tests/unit/engines/test_totals.py")
    ),
}
"""The packages that are mutated as a whole, with all their tests."""

_ARCHIVE: Final = {  # paths from tests/unit/archive
    "activity": ("test_narrowed_activities", "test_threads"),
    "admin": ("test_seal", "test_import*", "test_exported_lines"),
    "connections": ("test_connections", "test_database", "test_database_errors"),
    "counts": ("test_counts", "test_message_counts", "test_rating_counts"),
    "coverage": ("test_reader_writer", "test_newest_wins"),
    "database": ("test_database", "test_database_errors", "test_erasure", "test_locks"),
    "documents": ("test_reader_writer",),
    "erasure": ("test_erasure", "test_erased_*", "test_writer"),
    "index": ("test_index", "test_counts"),
    "locks": ("test_locks",),
    "migrations": ("test_database",),
    "personal_data": ("test_personal_data", "test_erasure", "test_erased_*"),
    "ratings": ("test_rating_counts", "test_erased_ratings"),
    "reader": (
        "test_reader_writer",
        "test_threads",
        "test_index",
        "test_*counts",
        "test_narrowed_*",
    ),
    "records": ("test_records", "test_threads"),
    "repository": (
        "test_repository",
        "test_reader_writer",
        "test_newest_wins",
        "test_counts",
        "test_threads",
    ),
    "schema": ("test_reader_writer", "test_index"),
    "statements": ("test_counts", "test_message_counts", "test_rating_counts"),
    "threads": (
        "test_threads",
        "test_narrowed_activities",
        "test_erased_ratings",
        "../test_upstream",
    ),
    "writer": ("test_writer", "test_reader_writer", "test_threads", "test_erasure"),
}

_SYNC: Final = {  # paths from tests/unit/archive/sync
    "backfill": ("test_windows", "test_backfill"),
    "deletions": ("test_deletions",),
    "incremental": ("test_incremental",),
    "lists": ("test_lists", "test_unlisted_mailboxes"),
    "pages": ("test_pages", "test_incremental"),
    "queries": ("test_queries",),
    "recent_threads": ("test_recent_threads",),
    "reconcile": ("test_offsets", "test_reconcile"),
    "reread": ("test_reread",),
    "run": ("test_run", "test_recent_threads"),
    "session": ("test_session", "test_deletions"),
    "threads": ("test_threads",),
}

_V2: Final = {  # paths from tests/unit/v2
    "changes": ("test_changes",),
    "client": ("test_client*", "test_oauth", "test_rate_limit", "test_transport"),
    "errors": ("test_responses",),
    "json_text": ("test_json_text",),
    "lanes": ("test_lanes", "test_pagination_parallel", "test_pagination_properties"),
    "lists": ("test_lists", "test_lists_single", "test_models"),
    "models": ("test_models", "test_oauth"),
    "oauth": ("test_oauth",),
    "pagination": ("test_pagination", "test_changes", "test_lanes"),
    "probes": ("test_probes",),
    "rate_limit": ("test_rate_limit",),
    "reports": ("test_reports", "../engines/test_relayed", "../engines/test_end_probe"),
    "responses": ("test_responses",),
    "search": ("test_search", "test_pagination"),
    "threads": ("test_threads", "test_models", "../test_upstream"),
    "transport": ("test_transport", "test_transport_address", "test_client"),
}

_FILES: Final = {
    "archive": ("archive", _ARCHIVE),
    "sync": ("archive/sync", _SYNC),
    "v2": ("v2", _V2),
}
"""The packages whose files are mutated one by one, with their folders and the tests of each."""


def packages_of(name: str) -> dict[str, Package]:
    """What the name of a package or the path of a file stands for, by names to print."""
    if name in PACKAGES:
        return {name: PACKAGES[name]}
    if name in _FILES:
        return _files_of(name)
    every = {path: each for files in _FILES for path, each in _files_of(files).items()}
    for package in PACKAGES.values():
        files = (path for pattern in package.mutated for path in ROOT.glob(pattern))
        if name in (str(path.relative_to(ROOT)) for path in files if path.is_file()):
            every[name] = Package((name,), package.tests)
    return {name: every[name]} if name in every else {}


def _files_of(name: str) -> dict[str, Package]:
    folder, tests = _FILES[name]
    return {
        f"compat/{folder}/{file}.py": Package(
            (f"compat/{folder}/{file}.py",),
            tuple(f"tests/unit/{folder}/{each}.py" for each in tests[file]),
        )
        for file in sorted(tests)
    }


def files_without_tests() -> list[str]:
    """Files with functions that are listed nowhere."""
    return [
        str(path.relative_to(ROOT))
        for name, (folder, tests) in _FILES.items()
        for path in sorted((ROOT / "compat" / folder).glob("*.py"))
        if path.stem not in tests and "def " in path.read_text("utf-8")
    ]


def main() -> None:
    """Run the packages that are named, or all."""
    parser = argparse.ArgumentParser(
        prog="scripts/mutants", description="Print the changes of the code that no test notices."
    )
    parser.add_argument(
        "packages",
        nargs="*",
        metavar="package",
        help=f"{', '.join((*PACKAGES, *_FILES))}, or a file of one; all by default",
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="all by default")
    parser.add_argument("--again", action="store_true", help="forget what was found before")
    parser.add_argument("--sample", type=int, metavar="N", help="test N mutants of each, no more")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of the sample")
    options = parser.parse_args()
    if missing := files_without_tests():
        parser.error(f"_FILES has no tests of {', '.join(missing)}")
    named = {name: packages_of(name) for name in options.packages or (*PACKAGES, *_FILES)}
    if unknown := [name for name, found in named.items() if not found]:
        parser.error(f"no such package or file: {', '.join(unknown)}")
    failed = False
    for name, package in (each for found in named.values() for each in found.items()):
        worker = multiprocessing.get_context("spawn").Process(
            target=run,
            args=(name, package, options),
        )
        worker.start()
        worker.join()
        failed |= worker.exitcode != 0
    sys.exit(failed)


def run(name: str, package: Package, options: argparse.Namespace) -> None:
    """Mutate one package and print what survives; exits with status 1 if something does."""
    directory = ROOT / "build" / "mutants" / name.removesuffix(".py").replace("/", ".")
    if options.again:
        shutil.rmtree(directory, ignore_errors=True)
    prepare(directory, package)
    os.chdir(directory)
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"

    multiprocessing.set_start_method("fork", force=True)  # mutmut's own workers
    import mutmut_run  # noqa: PLC0415 - it reads the configuration that was written above

    known = set(explained())
    if options.sample is not None:
        print(f"{name}: a sample with the seed {options.seed}")
    survivors = mutmut_run.run(options.processes, options.sample, options.seed)
    left = [each for each in survivors if (each.function, each.change) not in known]
    began = time.monotonic()
    if left and not tests_pass(package, LONGEST):
        sys.exit(f"{name}: its tests fail in {directory} without any change")
    longest = min(PATIENCE * (time.monotonic() - began), LONGEST)
    left = [each for each in left if not is_noticed(each, package, longest)]
    for each in left:
        print(f"\n{each.function} ({each.status})\n    {each.change}")
    print(f"\n{name}: {len(survivors)} survived mutmut; {len(left)} of them are not explained")
    sys.exit(bool(left))


def is_noticed(survivor: Survivor, package: Package, longest: float) -> bool:
    """Write a change into the copy and run all tests on it; if one fails, that is remembered."""
    with survivor.applied():
        passed = tests_pass(package, longest)
    if not passed:
        survivor.mark_noticed()
    return not passed


def tests_pass(package: Package, longest: float) -> bool:
    """Whether the tests of a package pass here, in a new process, within so many seconds."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", *TEST_OPTIONS, *package.test_paths()]
    try:
        tested = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=longest)
    except subprocess.TimeoutExpired:
        return False
    return tested.returncode == 0


def prepare(directory: Path, package: Package) -> None:
    """Make a directory in which mutmut finds the code, the tests, and a configuration."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        shutil.rmtree(directory / name, ignore_errors=True)
        shutil.copytree(ROOT / name, directory / name)  # with times: mutmut compares them
    for name in ("README.md", "pyproject.toml"):
        shutil.copy2(ROOT / name, directory / name)
    settings = {
        "source_paths": ["compat"],
        "only_mutate": package.mutated,
        "pytest_add_cli_args_test_selection": package.test_paths(),
        "pytest_add_cli_args": TEST_OPTIONS,
        "also_copy": ["docs", "scripts", "README.md"],
        "track_dependencies": ["false"],
        "use_git_change_detection": ["false"],
        # Four times the usual processor time, not thirty: what hangs is tried once more anyway.
        "timeout_multiplier": ["2"],
    }
    lines = [
        f"{key} = {chr(10).join(f'    {each}' for each in values).strip()}"
        for key, values in settings.items()
    ]
    (directory / "setup.cfg").write_text("[mutmut]\n" + "\n".join(lines) + "\n", "utf-8")


def explained() -> Iterator[tuple[str, str]]:
    """The functions and changes that the list of survivors explains."""
    for entry in tomllib.loads(EXPLAINED.read_text("utf-8"))["equivalent"]:
        for change in entry["changes"]:
            yield entry["function"], change


if __name__ == "__main__":
    main()
