"""Metrics for Prometheus, in its text format.

Their labels are routes, statuses and accounts: nothing that a caller or upstream sent.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

import compat
from compat.extras import missing
from compat.v1.http import LegacyResponse

if TYPE_CHECKING:
    from prometheus_client import Metric

    from compat.account import Account, AccountLoad

_PREFIX: Final = "helpscout_v1_"
_SECONDS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0)


def _age(as_of: int | None) -> float | None:
    """Seconds since an instant; 0 if upstream's clock is ahead."""
    return None if as_of is None else max(time.time() - as_of, 0.0)


_GAUGES: Final[tuple[tuple[str, str, Callable[[AccountLoad], float | None]], ...]] = (
    (
        "rate_budget_left",
        "Requests left to the account's programs this minute, as Help Scout said last.",
        lambda load: load.source.rate_left,
    ),
    ("rows_remembered", "Conversations in the cache in memory.", lambda load: load.source.rows),
    ("questions_under_way", "Reports being computed.", lambda load: load.working),
    (
        "archive_age_seconds",
        "Seconds since the state of Help Scout that the archive has of the newest conversations.",
        lambda load: _age(load.source.archive_as_of),
    ),
    (
        "archive_threads_age_seconds",
        "The same for the threads, if the archive knows all threads of any time.",
        lambda load: _age(load.source.threads_as_of),
    ),
)

Accounts = Callable[[], Mapping[str, "Account"]]


@dataclass(frozen=True)
class RequestMetric:
    """What is counted of one answered request.

    Attributes:
        route: The known route of its path, or `other`.
        status: The status of its answer.
        seconds: The time from the request to the answer.
        account: The name of the account that its key selects, if it selects one.
        source: Where a report came from: the cache of answers, or a new computation.
        as_of: The *as of* of the report's data, epoch seconds.
        unanswered: What a path of the old API that has no route is counted under; one of a few
            names, never what a caller sent.
    """

    route: str
    status: int
    seconds: float
    account: str | None = None
    source: Literal["cache", "fetched"] | None = None
    as_of: float | None = None
    unanswered: str | None = None


class Metrics:
    """Counts requests, and reads the figures that the accounts keep.

    Args:
        accounts: Returns the current accounts by their names.

    Raises:
        ImportError: prometheus-client is not installed.
    """

    def __init__(self, accounts: Accounts) -> None:
        library = _library()
        self._write = library.generate_latest
        self._content_type: str = library.CONTENT_TYPE_LATEST
        self._registry = library.CollectorRegistry()
        self._registry.register(_AccountCollector(accounts))
        own = {"registry": self._registry}
        self._requests = library.Counter(
            f"{_PREFIX}requests", "Requests answered.", ["route", "status"], **own
        )
        self._seconds = library.Histogram(
            f"{_PREFIX}request_seconds",
            "Seconds from a request to its answer.",
            ["route"],
            buckets=_SECONDS,
            **own,
        )
        self._answers = library.Counter(
            f"{_PREFIX}answers",
            "Reports answered: from the cache of answers (cache), or computed (fetched).",
            ["account", "source"],
            **own,
        )
        self._as_of = library.Gauge(
            f"{_PREFIX}answer_as_of_timestamp_seconds",
            "As of when the data of the last report given is, in epoch seconds.",
            ["account"],
            **own,
        )
        self._unanswered = library.Counter(
            f"{_PREFIX}unanswered_requests",
            "Requests for paths of the old API that are not answered.",
            ["path"],
            **own,
        )
        build = library.Info(f"{_PREFIX}build", "The version of the program and of Python.", **own)
        build.info({"version": compat.__version__, "python": platform.python_version()})

    def note(self, request: RequestMetric) -> None:
        """Count a request."""
        self._requests.labels(request.route, str(request.status)).inc()
        self._seconds.labels(request.route).observe(request.seconds)
        if request.account is not None and request.source is not None:
            self._answers.labels(request.account, request.source).inc()
        if request.account is not None and request.as_of is not None:
            self._as_of.labels(request.account).set(request.as_of)
        if request.unanswered is not None:
            self._unanswered.labels(request.unanswered).inc()

    def page(self) -> LegacyResponse:
        """All metrics as they are now; reads the archives."""
        headers = (("Content-Type", self._content_type), ("Correlation-Id", str(uuid4())))
        return LegacyResponse(200, headers, self._write(self._registry))


class _AccountCollector:
    """Reads the figures of all accounts at each scrape."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def collect(self) -> Iterable[Metric]:
        library = _library()
        loads = {name: account.stats() for name, account in self._accounts().items()}
        for name, text, read in _GAUGES:
            gauge = library.core.GaugeMetricFamily(_PREFIX + name, text, labels=["account"])
            for account, load in loads.items():
                if (value := read(load)) is not None:
                    gauge.add_metric([account], value)
            yield gauge
        upstream = library.core.CounterMetricFamily(
            f"{_PREFIX}upstream_requests",
            "Requests to Mailbox API 2.0 and what became of them.",
            labels=["account", "outcome"],
        )
        for account, load in loads.items():
            for outcome, count in load.source.requests.items():
                upstream.add_metric([account, outcome], count)
        yield upstream


def _library() -> Any:
    try:
        import prometheus_client.core  # noqa: PLC0415 - an extra that few install
    except ImportError as error:
        raise missing("COMPAT_METRICS", "prometheus-client", "metrics") from error
    return prometheus_client
