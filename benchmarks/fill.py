"""Fills an archive in this process, and measures it: `python -m benchmarks.fill BASE_URL ARCHIVE`.

Prints one line of JSON. The highest memory is that of this process alone. (What a parent learns of
its children, `RUSAGE_CHILDREN`, includes the memory of the parent itself before the child's program
was started.)
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr

from compat import Settings
from compat.archive.sync.run import Sync, SyncOptions

_MB: Final = 1024


@dataclass(frozen=True)
class Fill:
    """What a fill took.

    Attributes:
        conversations: How many were stored.
        requests: How many requests were sent.
        seconds: By the clock.
        processor: Seconds of processor time.
        decoding: Seconds of processor time that `json.loads` takes for the same conversations, page
            by page as they are received.
        megabytes: The highest memory of the process.
    """

    conversations: int
    requests: int
    seconds: float
    processor: float
    decoding: float
    megabytes: float


def main(base_url: str, archive: str) -> None:
    """Fill an empty archive, then decode all pages once more, and print the figures."""
    settings = Settings(
        app_id="demo-app",
        app_secret=SecretStr("demo-secret"),
        base_url=base_url,
        archive=SecretStr(archive),
    )
    began, busy = time.perf_counter(), time.process_time()
    result = Sync(settings, SyncOptions()).run()
    seconds, processor = time.perf_counter() - began, time.process_time() - busy
    megabytes = _highest_memory()
    conversations, decoding = _decode(base_url)
    print(
        json.dumps(
            asdict(Fill(conversations, result.requests, seconds, processor, decoding, megabytes))
        )
    )


def _decode(base_url: str) -> tuple[int, float]:
    """Fetch all conversations by page number, and decode them: how many, and the seconds."""
    form = {"grant_type": "client_credentials", "client_id": "demo-app"}
    form["client_secret"] = "demo-secret"  # noqa: S105 - of the simulator
    decoded, number, pages, seconds = 0, 0, 1, 0.0
    with httpx.Client(timeout=60) as client:
        token = client.post(f"{base_url}/oauth2/token", data=form).json()["access_token"]
        while number < pages:
            number += 1
            query = {"status": "all", "query": "(createdAt:[* TO *])", "page": str(number)}
            headers = {"Authorization": f"Bearer {token}"}
            body = client.get(f"{base_url}/conversations", params=query, headers=headers).content
            page, took = _timed(partial(json.loads, body))
            seconds += took
            pages = page["page"]["totalPages"]
            decoded += len(page["_embedded"]["conversations"])
    return decoded, seconds


def _timed(do: Callable[[], Any]) -> tuple[Any, float]:
    began = time.thread_time()
    result = do()
    return result, time.thread_time() - began


def _highest_memory() -> float:
    """In MB; NaN where the system does not say it."""
    try:
        status = Path("/proc/self/status").read_text("utf-8")
    except OSError:
        return float("nan")
    return int(status.partition("VmHWM:")[2].split()[0]) / _MB


if __name__ == "__main__":
    main(*sys.argv[1:])
