"""Requests that a cold report costs.

The number of requests for conversations, compared with the smallest possible number: the rows
divided by the rows on a page. Nothing is timed. A ratio of 1 would need page numbers, which lose
conversations when something changes between two pages. Reading by key costs the rows that two
pages share, and about half a request for each part that is read side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import SecretStr

from benchmarks.harness import Scale, Table, shown
from compat import LegacyReports, Settings
from compat.simulator import Behaviour, Simulator, make_account, running

NEEDS = ("uvicorn",)
PAGES: Final = (25, 50)
SIZES: Final[Mapping[Scale, Sequence[int]]] = {
    "tiny": (100,),
    "quick": (100, 1_000, 10_000),
    "full": (100, 1_000, 10_000, 100_000),
}


def measure(scale: Scale) -> Table:
    """The ratio for every number of rows and every page size."""
    rows = [_asked(size, page) for size in SIZES[scale] for page in PAGES]
    return Table(("rows", "rows a page", "requests / least", "requests", "least"), rows)


def _asked(size: int, page: int) -> list[str]:
    account = make_account(size, seed=1)
    simulator = Simulator(account, Behaviour(rate_limit=None, page_size=page))
    with running(simulator) as base_url:
        settings = Settings(
            app_id="demo-app", app_secret=SecretStr("demo-secret"), base_url=base_url
        )
        with LegacyReports(settings) as reports:
            reports.new_conversations(start="2010-01-01", end="2040-01-01", view_by="month")
    asked, least = simulator.requests["/v2/conversations"], math.ceil(size / page)
    return [f"{size:,}", str(page), shown(asked / least), f"{asked:,}", f"{least:,}"]
