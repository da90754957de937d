"""Wheel and source distribution: what they hold, and that they work where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path

import pytest

import compat
from compat.cli.docs import find, pages
from compat.extras import missing
from compat.simulator import Behaviour, Simulator, make_account, running
from tests.e2e.installation import (
    ROOT,
    build,
    copied_sources,
    installed_wheel,
    path_without_ours,
    python_with,
    run_python,
)
from tests.integration.docs.pages import blocks
from tests.profiles import THOROUGH
from tests.unit.server.commands import Running, environment
from tests.unit.server.threaded_server import ask
from tests.unit.service.doubles import LONG, basic

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
_LINK = re.compile(r"\]\(([^)]*)\)")
_PAGE = re.compile(r"\(`([^`]+)`\)")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sources = copied_sources(tmp_path_factory.mktemp("sources"))
    return build(sources, "wheel", tmp_path_factory.mktemp("wheel"))


def metadata_of(wheel: Path) -> tuple[list[str], str]:
    """The addresses of the project, and the description, as a package page shows them."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        message = message_from_string(archive.read(name).decode())
    return message.get_all("Project-URL", []), str(message.get_payload())


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_links_of_the_description_are_addresses_or_pages_that_come_with_the_package(
    wheel: Path,
) -> None:
    _, description = metadata_of(wheel)
    relative = [link for link in _LINK.findall(description) if not re.match(r"#|https://", link)]
    assert relative == []
    named = _PAGE.findall(description)
    assert len(named) > 20
    files = names_in(wheel)
    assert [page for page in named if f"compat/docs/{page}.md" not in files] == []


def test_with_an_address_of_the_project_the_links_of_the_description_lead_there(
    tmp_path: Path,
) -> None:
    sources = copied_sources(tmp_path / "sources", ("*.md", "LICENSE", "compat", "docs", "scripts"))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    address = "https://code.example.com/reports/blob/main/"
    urls = f'[project.urls]\nDocumentation = "{address}"\n\n[project.scripts]'
    (sources / "pyproject.toml").write_text(project.replace("[project.scripts]", urls), "utf-8")
    shown, description = metadata_of(build(sources, "wheel", tmp_path / "wheel"))
    assert shown == [f"Documentation, {address}"]
    assert f"]({address}docs/how-to/php.md)" in description
    links = [link for link in _LINK.findall(description) if not link.startswith("#")]
    assert [link for link in links if not link.startswith("https://")] == []
    assert all((ROOT / link.removeprefix(address)).exists() for link in links if address in link)


def test_the_wheel_holds_the_package_the_documentation_and_nothing_else(wheel: Path) -> None:
    names = names_in(wheel)
    outside = {name for name in names if not name.startswith("compat/")}
    assert {name.partition("/")[0] for name in outside} == {
        f"helpscout_v1_compat-{compat.__version__}.dist-info"
    }
    assert any(name.endswith("/licenses/LICENSE") for name in outside)
    packaged = {
        f"compat/{path.relative_to(ROOT / 'compat')}" for path in ROOT.glob("compat/**/*.py")
    }
    assert packaged <= names
    assert {"compat/py.typed", "compat/testing/vectors.json"} <= names
    assert {"constraints.txt", "CHANGELOG.md", "SECURITY.md", "deploy/helpscout-v1.service"} <= {
        name.removeprefix("compat/docs/") for name in names
    }


def test_the_source_distribution_has_what_is_needed_to_build_and_test(tmp_path: Path) -> None:
    with tarfile.open(build(copied_sources(tmp_path / "sources"), "sdist", tmp_path)) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    for name in ("LICENSE", "README.md", "CONTRIBUTING.md", "scripts/constraints.txt",
                 "scripts/test", "docs/README.md", "tests/conftest.py", "PKG-INFO"):  # fmt: skip
        assert (unpacked / name).exists(), name
    again = build(unpacked, "wheel", tmp_path / "again")
    assert "compat/docs/tutorial.md" in names_in(again)


def test_the_files_that_the_container_copies_are_enough_to_build(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "deploy" / "Containerfile").read_text(encoding="utf-8")
    names = [
        word
        for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE)
        for word in line.split()[:-1]
    ]
    sources = copied_sources(tmp_path / "sources", names)
    assert build(sources, "wheel", tmp_path / "wheel").exists()


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed_wheel(wheel, tmp_path_factory.mktemp("installed") / "venv")


def installed(commands: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [commands / "helpscout-v1", *arguments], cwd=commands,
        env=environment({"PATH": path_without_ours()}),
        capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip


def test_the_command_of_an_installed_wheel_says_its_version(commands: Path) -> None:
    done = installed(commands, "--version")
    assert done.stdout.startswith(f"helpscout-v1 {compat.__version__} (Python ")


def test_an_installed_wheel_lists_and_prints_the_pages_of_the_repository(commands: Path) -> None:
    listed = installed(commands, "docs").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(pages())
    printed = installed(commands, "docs", "tutorial").stdout
    assert printed == (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def test_an_installed_wheel_serves_a_simulated_account(commands: Path) -> None:
    process = subprocess.Popen(
        [commands / "helpscout-v1", "serve", "--demo", "--port", "0"], cwd=commands,
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        server = Running(process)
        try:
            server.read_address()
            target = "/v1/reports/conversations/new.json?start=2015-01-01&end=2015-01-31"
            answer = ask(server.port, target, headers={"Authorization": basic("any")})
            assert answer.status == 200
        finally:
            process.kill()
            server.wait()


def is_there(program: str, path: str) -> bool:
    """Whether a program is installed, or installed by the page (below `~`)."""
    return program[0] == "~" or shutil.which(program, path=path) is not None


@pytest.mark.thorough
@pytest.mark.timeout(900)
@pytest.mark.skipif(not THOROUGH, reason="installs from a package index")
def test_the_commands_of_the_page_about_installing_work(tmp_path: Path) -> None:
    sources = copied_sources(tmp_path / "clone")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], timeout=LONG, check=True)
    path = f"{tmp_path / 'venv' / 'bin'}:{path_without_ours()}"
    variables = environment({"PATH": path, "HOME": str(tmp_path)})
    for block in blocks(ROOT / "docs" / "how-to" / "install.md"):
        lines = [line for line in block.text.splitlines() if is_there(line.split()[0], path)]
        done = subprocess.run(
            ["/bin/sh", "-ec", "\n".join(lines)], cwd=sources, env=variables,
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}: {done.stdout}{done.stderr}"
    assert "extras: all" in installed(tmp_path / "venv" / "bin", "--version").stdout


@pytest.fixture(scope="module")
def account() -> Iterator[dict[str, str]]:
    simulator = Simulator(make_account(50, seed=1), Behaviour(rate_limit=None), plan="plus")
    with running(simulator) as base_url:
        yield {
            "HELPSCOUT_APP_ID": "demo-app",
            "HELPSCOUT_APP_SECRET": "demo-secret",
            "HELPSCOUT_BASE_URL": base_url,
            "COMPAT_API_KEYS": "a-key",
        }


_QUESTION = "/v1/reports/conversations/new.json?start=2015-01-01T00:00:00Z&end=2015-01-31T00:00:00Z"
_COMMAND = "import sys; from compat.cli import main; sys.exit(main({}))"
SMALLEST: dict[str, tuple[str, str]] = {
    "archive": (
        """
import os
from compat.cli import main
os.environ["COMPAT_ARCHIVE"] = "archive.db"
assert main(["sync"]) == 0
assert main(["archive", "status"]) == 0
""",
        "50 conversations",
    ),
    "cli": (
        """
import pty, sys
pty.spawn([sys.executable, "-S", "-m", "compat", "report", "new", "--start", "2015-01"])
""",
        "total",
    ),
    "metrics": (
        f"""
import asyncio, os
import httpx
os.environ["COMPAT_METRICS"] = "true"
from compat.asgi import create_app
async def metrics():
    transport = httpx.ASGITransport(create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("{_QUESTION}", auth=("a-key", "X"))
        print((await client.get("/metrics")).text)
asyncio.run(metrics())
""",
        "helpscout_v1_requests_total{",
    ),
    "parity": (
        f"""
import json
from compat import LegacyReports
from compat.cli import main
with LegacyReports.from_env() as reports:
    body = reports.answer("{_QUESTION}", authorization="Basic YS1rZXk6WA==").body.decode()
entry = {{
    "request": {{"method": "GET", "url": "https://api.helpscout.net{_QUESTION}", "headers": []}},
    "response": {{"status": 200, "content": {{"text": body}}}},
}}
with open("old.har", "w") as file:
    json.dump({{"log": {{"version": "1.2", "entries": [entry]}}}}, file)
assert main(["parity", "check", "old.har"]) == 0
""",
        "1 ",
    ),
    "postgres": (
        """
import os, sys
from compat.cli import main
os.environ["COMPAT_ARCHIVE"] = "postgresql://nobody@127.0.0.1:1/none"
sys.stderr = sys.stdout
main(["archive", "status"])
""",
        "127.0.0.1",
    ),
    "requests": (
        f"""
import requests
from compat import LegacyReports
from compat.requests import mount
with LegacyReports.from_env() as reports, requests.Session() as session:
    mount(session, reports)
    print(session.get("https://api.helpscout.net{_QUESTION}", auth=("a-key", "X")).text)
""",
        '{"current":[{"start":"2015-01-01T00:00:00Z","count":',
    ),
    "server": (
        """
import subprocess, sys
from urllib.request import urlopen
serve = [sys.executable, "-S", "-m", "compat", "serve", "--port", "0"]
with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as process:
    print(urlopen(process.stderr.readline().split()[-1] + "/healthz").status)
    process.kill()
""",
        "200",
    ),
    "testing": (
        """
import sys
import pytest
with open("test_mine.py", "w") as file:
    file.write('''
from compat.testing import old_queries
pytest_plugins = ["compat.testing.plugin"]
def test_fixture(helpscout_v1_client):
    assert helpscout_v1_client.get("mailboxes.json").status_code == 200
def test_strategy():
    assert old_queries()
''')
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "test_mine.py"]))
""",
        "2 passed",
    ),
}
"""For each extra a small program that needs what the extra brings, and a part of what it prints."""


@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - {"all"}))
def test_each_extra_alone_brings_what_its_part_needs(
    extra: str, account: dict[str, str], tmp_path: Path
) -> None:
    code, printed = SMALLEST[extra]
    (tmp_path / "libraries").mkdir()
    variables = python_with({extra}, tmp_path / "libraries") | account
    assert printed in run_python(code, variables, tmp_path)


def test_without_extras_every_module_is_imported_or_names_its_extra(tmp_path: Path) -> None:
    (tmp_path / "libraries").mkdir()
    variables = python_with(set(), tmp_path / "libraries")
    code = (ROOT / "scripts" / "import_without_extras.py").read_text(encoding="utf-8")
    assert run_python(code, variables, tmp_path) == "imports without extras\n"


def test_all_is_every_extra() -> None:
    (included,) = EXTRAS["all"]
    assert included == f"{PROJECT['name']}[{','.join(sorted(set(EXTRAS) - {'all'}))}]"


def test_the_extra_in_the_error_for_a_missing_library_exists_and_has_the_library() -> None:
    calls = [
        found
        for path in ROOT.glob("compat/**/*.py")
        for found in re.findall(r"missing\([\"'](.*?)[\"'], [\"'](\S+?)[\"'], [\"'](\w+)[\"']\)",
                                path.read_text(encoding="utf-8"))
    ]  # fmt: skip
    assert len(calls) > 5
    for _, library, extra in calls:
        assert any(each.startswith(library.lower()) for each in EXTRAS[extra]), (library, extra)


def test_the_error_for_a_missing_library_names_this_python() -> None:
    assert str(missing("a part", "click", "cli")) == (
        f"a part needs click: {sys.executable} -m pip install 'helpscout-v1-compat[cli]'"
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("tutorial", ("tutorial",)),
        ("docs/how-to/php.md", ("how-to/php",)),
        ("./docs/how-to/php.md#anything", ("how-to/php",)),
        ("php", ("how-to/php",)),
        ("deploy/helpscout-v1.service", ("deploy/helpscout-v1.service",)),
        ("helpscout-v1.service", ("deploy/helpscout-v1.service",)),
        ("openapi.json", ("reference/openapi.json",)),
        ("CHANGELOG.md", ("CHANGELOG",)),
        ("deploy", ("how-to/deploy",)),
        ("ph", ()),
        ("../pyproject.toml", ()),
        ("", ()),
    ],
)
def test_a_page_is_found_by_its_path_or_its_last_part(text: str, names: tuple[str, ...]) -> None:
    assert find(text) == names
