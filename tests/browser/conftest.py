"""A real Chromium on the report explorer of a server for a simulated account.

Needs Debian's `chromium` and the dependency group `browser`; without one of them the tests are
skipped. With CI=true they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator, make_account, running
from tests.browser.explorer import KEY, Explorer
from tests.unit.server.threaded_server import LOOPBACK, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COMMANDS = ("chromium", "chromium-browser", "google-chrome")
LATENCY = 0.1
HOSTILE = "<img src=x onerror=document.title='owned'>"


def missing(reason: str) -> None:
    """Skip a test for what this machine lacks; where all must hold, that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(f"{reason} (with CI=true this is a failure)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one file of tests.

    As long as playwright runs, its event loop counts as that of this thread: tests of other files
    could not use asyncio.
    """
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 (may be missing)
    except ImportError:
        missing("playwright is not installed: pip install --group browser")
    command = next(filter(None, map(shutil.which, COMMANDS)), None)
    if command is None:
        missing("no Chromium: on Debian, apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium refuses to run as root with its sandbox, and containers run tests as root.
        chromium = playwright.chromium.launch(executable_path=command, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def account() -> Account:
    """An account of the last 90 days, with names that would be code if a page read them so."""
    now = datetime.now(UTC).replace(microsecond=0)
    account = make_account(260, 3, now, now - timedelta(days=90))
    tag = account.layout.tag_named(HOSTILE)
    account.add(int((now - timedelta(days=1)).timestamp()), tags=[tag.id], subject=HOSTILE)
    return account


@contextmanager
def server(account: Account, behaviour: Behaviour, **settings: object) -> Iterator[int]:
    """A server with the explorer, for this account; the block gets its port."""
    with ExitStack() as stack:
        base_url = stack.enter_context(running(Simulator(account, behaviour)))
        reach = Settings(
            app_id="demo-app",
            app_secret=SecretStr("demo-secret"),
            base_url=base_url,
            api_keys=(SecretStr(KEY),),
        ).model_copy(update=settings)
        reports = stack.enter_context(LegacyReports(reach))
        app = create_app(reports, explorer=True)
        yield stack.enter_context(serving(app, lifespan="off"))


@pytest.fixture(scope="session")
def port(account: Account) -> Iterator[int]:
    with server(account, Behaviour(rate_limit=None)) as port:
        yield port


@pytest.fixture
def slow_port(account: Account) -> Iterator[int]:
    """The same account where each request takes long, and callers are told to ask again early."""
    behaviour = Behaviour(rate_limit=None, latency=LATENCY)
    with server(account, behaviour, patience=0.3, parallel=1) as port:
        yield port


@pytest.fixture(scope="module")
def tab(browser: Browser, port: int) -> Iterator[Explorer]:
    """A tab that has the key."""
    context = browser.new_context()
    tab = Explorer(context.new_page(), f"http://{LOOPBACK}:{port}")
    tab.open()
    tab.enter_key(KEY)
    tab.wait_for_answer()
    yield tab
    context.close()


@pytest.fixture
def explorer(tab: Explorer) -> Iterator[Explorer]:
    """The same tab for each test; at the end it must have kept the rules of the page."""
    tab.reset()
    yield tab
    tab.assert_kept_the_rules()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Explorer]]:
    """Opens new tabs on a server; at the end each must have kept the rules of the page."""
    with ExitStack() as stack:

        def visit(port: int, query: str = "", key: str = KEY, **device: Any) -> Explorer:
            origin = f"http://{LOOPBACK}:{port}"
            context = browser.new_context(**device)
            stack.callback(context.close)
            explorer = Explorer(context.new_page(), origin)
            explorer.open(query)
            explorer.enter_key(key)
            opened.append(explorer)
            return explorer

        opened: list[Explorer] = []
        yield visit
        for explorer in opened:
            explorer.assert_kept_the_rules()
