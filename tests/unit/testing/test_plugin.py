"""The fixtures, in the tests of a stranger; and what all of it costs those who do not use it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from compat import testing
from tests.integration.docs.pages import ROOT
from tests.unit.service.doubles import LONG

pytest_plugins = ("pytester",)

A_STRANGERS = """
import httpx

JANUARY = {"start": "2015-01-01T00:00:00Z", "end": "2015-01-31T23:59:59Z", "viewBy": "month"}
FIFTH = 1_420_500_000


def counts(answer):
    return [bucket["count"] for bucket in answer.raise_for_status().json()["current"]]


def test_client(helpscout_simulator, helpscout_v1_client):
    for number in (1, 2):
        helpscout_simulator.account.add(FIFTH)
        answer = helpscout_v1_client.get("reports/conversations/new.json", params=JANUARY)
        assert counts(answer) == [number]


def test_client_at_the_old_address(helpscout_v1_client):
    answer = helpscout_v1_client.get(
        "https://api.helpscout.net/v1/reports/conversations/new.json", params=JANUARY
    )
    assert counts(answer) == [0]


def test_url(helpscout_simulator, helpscout_v1_url):
    helpscout_simulator.account.add(FIFTH)
    url = helpscout_v1_url + "reports/conversations/new.json"
    assert counts(httpx.get(url, params=JANUARY, auth=("whatever", "X"))) == [1]


def test_simulator(helpscout_simulator):
    assert not helpscout_simulator.account.conversations()
    secret = {"client_id": "demo-app", "client_secret": "demo-secret"}
    grant = {"grant_type": "client_credentials", **secret}
    assert httpx.post(helpscout_simulator.base_url + "/oauth2/token", data=grant).is_success
"""
ASKED_FOR = 'pytest_plugins = ["compat.testing.plugin"]'
UNUSED = """
import sys


def test_unused():
    loaded = {name for name in sys.modules if name.partition(".")[0] == "compat"}
    assert loaded == {"compat", "compat.extras", "compat.testing", "compat.testing.plugin"}
    assert not {"httpx", "pydantic", "uvicorn"} & set(sys.modules)
"""


def test_where_fixtures_are_asked_for_a_test_names_them(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(ASKED_FOR)
    pytester.makepyfile(A_STRANGERS)
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=4)


def test_until_a_fixture_is_used_nothing_else_is_imported(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(ASKED_FOR)
    pytester.makepyfile(UNUSED)
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_pytest_lists_the_fixtures_with_their_descriptions(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(ASKED_FOR)
    shown = pytester.runpytest_subprocess("--fixtures").stdout.str()
    assert "helpscout_simulator" in shown
    assert "A simulated Mailbox API 2.0 on a free port" in shown
    assert "helpscout_v1_url" in shown
    assert "helpscout_v1_client" in shown


def without(package: str, code: str) -> subprocess.CompletedProcess[str]:
    """What a fresh interpreter without a package does."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.modules[{package!r}] = None\n{code}"],
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


@pytest.mark.parametrize(
    ("package", "code"),
    [
        ("hypothesis", "from compat.testing import assert_parity"),
        ("hypothesis", "from compat.testing import old_queries"),
        ("pytest", "import compat.testing.plugin"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(package: str, code: str) -> None:
    content = without(package, code).stderr
    install = f"{sys.executable} -m pip install 'helpscout-v1-compat[testing]'"
    assert f"compat.testing needs {package}: {install}" in content


def test_the_command_names_it_as_well() -> None:
    code = (
        "from compat.cli import main\n"
        "sys.exit(main(['parity', 'against', 'http://127.0.0.1:1/v1/', '--simulator-port', '0']))"
    )
    done = without("hypothesis", code)
    assert done.returncode == 2
    assert "pip install 'helpscout-v1-compat[testing]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_vectors_and_the_reference_need_no_extra() -> None:
    code = (
        "sys.modules['pytest'] = sys.modules['uvicorn'] = None\n"
        "from compat.testing import Reference, golden_vectors\n"
        "assert golden_vectors()"
    )
    assert without("hypothesis", code).returncode == 0


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    page = ROOT / "docs" / "how-to" / "test-my-own-implementation.md"
    _, _, table = page.read_text(encoding="utf-8").partition("## Tests of your own")
    assert f"`{name}`" in table
    assert name in dir(testing)
    assert getattr(testing, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'anything'"):
        testing.anything  # noqa: B018
