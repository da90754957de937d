"""Requests that a cold report costs, against the least there can be: rows divided by page size."""

from __future__ import annotations

import math
import sys

from pydantic import SecretStr

from compat import LegacyReports, Settings
from compat.simulator import Behaviour, Simulator, make_account, running

SIZES = (100, 1_000, 10_000)
PAGES = (25, 50)


def main() -> int:
    """Print the table; the exit status."""
    print(f"{'rows':>8} {'a page':>7} {'requests':>9} {'least':>6} {'ratio':>6}")
    for size in SIZES:
        account = make_account(size, seed=1)
        for page in PAGES:
            simulator = Simulator(account, Behaviour(rate_limit=None, page_size=page))
            with running(simulator) as base_url:
                settings = Settings(
                    app_id="demo-app", app_secret=SecretStr("demo-secret"), base_url=base_url
                )
                with LegacyReports(settings) as reports:
                    reports.new_conversations(start="2010-01-01", end="2040-01-01", view_by="month")
            asked, least = simulator.requests["/v2/conversations"], math.ceil(size / page)
            print(f"{size:>8,} {page:>7} {asked:>9} {least:>6} {asked / least:>6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
