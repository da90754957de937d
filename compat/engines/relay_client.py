"""One question on its way to the successor, in as many requests as it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from compat.config.conventions import Conventions
from compat.core.models import Progress
from compat.reports.created import range_interval
from compat.v1.query import Range
from compat.v2.client import Client
from compat.v2.errors import InconsistentData
from compat.v2.reports import R, fetch
from compat.v2.search import LAST_SECOND, spelled

_UNDECIDED: Final = (
    "no conversation shows whether Help Scout's own reports count the second of `end`"
)

T = TypeVar("T")
P = TypeVar("P")


@dataclass
class RelayClient:
    """A question to one of the successor's reports.

    Attributes:
        client: The line to upstream.
        end_included: Whether the successor counts the second of `end`; None if nothing shows it.
        path: The report, below `/reports/`.
        params: What every request has, beside the range.
        workers: How many requests may be under way at once.
        progress: Counts requests.
        asked_at: When each was made, epoch seconds by upstream's clock.
    """

    client: Client
    end_included: bool | None
    path: str
    params: dict[str, str]
    workers: int
    progress: Progress
    asked_at: list[int] = field(default_factory=list)

    def about(self, first: int, last: int, model: type[R], **more: str) -> R:
        """What the successor says of the seconds from `first` to `last`, both included.

        Raises:
            UpstreamError: Upstream fails, refuses, or gives an answer that does not fit.
        """
        self.progress.check()
        params = {
            "start": spelled(first),
            "end": spelled(self.end_for(last)),
            **self.params,
            **more,
        }
        answer = fetch(self.client, self.path, params, model)
        self.asked_at.append(answer.asked_at)
        if self.end_included is None and answer.value.total:
            # It was asked for a second more than counts. Only nothing is nothing in either case.
            raise InconsistentData(_UNDECIDED)
        return answer.value

    def end_for(self, last: int) -> int:
        """What `end` must be for `last` to count, and the second after it not to."""
        return last if self.end_included else min(last + 1, LAST_SECOND)

    def each(self, ask: Callable[[P], T], parts: Sequence[P]) -> list[T]:
        """Ask about several parts, some of them at once."""
        self.progress.expected += len(parts)
        answers = []
        with ThreadPoolExecutor(self.workers, thread_name_prefix="relay") as pool:
            for answer in pool.map(ask, parts):
                self.progress.received += 1
                answers.append(answer)
        return answers


def seconds_counting(asked: Range, conventions: Conventions) -> tuple[int, int] | None:
    """The first and the last second of a range that count; None if none does."""
    first, end = range_interval(asked)
    last = end if conventions.end_included else end - 1
    return (first, last) if first <= last else None
