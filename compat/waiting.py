"""Waiting for an answer under asyncio, without a thread."""

from __future__ import annotations

from contextlib import suppress

from compat.service import LegacyReports, Pending
from compat.v1.http import LegacyResponse


async def landed(
    reports: LegacyReports, pending: Pending, seconds: float | None = None
) -> LegacyResponse:
    """The answer, or after some seconds word of when to come back for it.

    A task that is cancelled waits no longer; the fetching goes on.

    Args:
        reports: What the answer is pending at.
        pending: What to wait for.
        seconds: For how long; as long as it takes if not given.
    """
    import asyncio  # noqa: PLC0415 - whoever waits has it; whoever only sets up need not

    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def wake(_: object) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(done.set)

    pending.flight.future.add_done_callback(wake)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await done.wait()
    finally:
        answer = reports.finish(pending)
    return answer
