"""Reading a long list does not keep its pages in memory: rows are small from the start."""

from __future__ import annotations

import json
import tracemalloc

from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.service.doubles import FIRST, LONG, basic

ROWS = 6_000
MOST = 17_000_000
"""Bytes at any moment. It takes 12 to 14 million, of which the pages that four workers and the
simulator have at a time are the most; 20 million and more if rows are kept as they were read."""


def test_thousands_of_rows_need_little_memory(upstream_server: Upstream) -> None:
    account = Account()
    for number in range(ROWS):
        account.add(FIRST + 100 * number, tags=[6001, 6012])
    simulator = Simulator(account, Behaviour(rate_limit=None, page_size=250))
    asked = Asked(FIRST, FIRST + 100 * ROWS, view_by="month")
    with LegacyReports(upstream_server.show(simulator)) as reports:
        # Modules that the first answer imports are not counted.
        before = Asked(FIRST - 10_000, FIRST - 1, view_by="month")
        reports.answer(before.target(), authorization=basic(), patience=LONG)
        tracemalloc.start()
        try:
            answer = reports.answer(asked.target(), authorization=basic(), patience=LONG)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert sum(bucket["count"] for bucket in json.loads(answer.body)["current"]) == ROWS
    assert peak < MOST
