"""The one clock by which data ages here."""

from __future__ import annotations

import time


def elapsed() -> float:
    """Seconds since some fixed instant; never goes back, and counts the time asleep.

    Wall clocks are set and jump; a monotonic clock stands still while the machine sleeps, and
    what was remembered would look fresh in the morning.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
