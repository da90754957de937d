"""The profiles, the marker `thorough`, Ctrl-C as a terminal sends it, and levels of loggers."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

from tests.profiles import PROFILE, THOROUGH

settings.register_profile("quick", deadline=None, max_examples=60)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.register_profile(  # for scripts/mutants: the same examples for each change of the code
    "mutants",
    deadline=None,
    max_examples=25,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
settings.register_profile("nightly", deadline=None, max_examples=2000, derandomize=False)
settings.load_profile(PROFILE)

# A process that was started in the background ignores Ctrl-C, and its children do the same.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `thorough`, unless that profile is chosen."""
    skipped = pytest.mark.skip(reason="slow: runs with HYPOTHESIS_PROFILE=thorough")
    for item in items:
        if not THOROUGH and item.get_closest_marker("thorough"):
            item.add_marker(skipped)


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """A command that a test runs in this process hides retries; the next test shows them."""
    loggers = [logging.getLogger(name) for name in ("stamina", "compat.upstream")]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.fixture
def machine_in_honolulu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of the machine is ten hours behind UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Pacific/Honolulu")
        time.tzset()
        yield
    time.tzset()
