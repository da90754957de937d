"""The clock that the age of data is measured by."""

from __future__ import annotations

import time


def elapsed() -> float:
    """Seconds since a fixed instant; never goes back, and counts while the machine sleeps.

    A wall clock can be set and jump. A monotonic clock stops while the machine sleeps, and cached
    data would look fresh after a night.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
