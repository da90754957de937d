"""The table of checks: each judges what was learnt, and says what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from compat.archive.errors import ArchiveError
from compat.doctor import archive, lists, upstream
from compat.doctor.findings import Finding
from compat.doctor.keeping import Kept
from compat.doctor.learning import Learnt
from compat.settings import Settings, variable

_CALLERS_WAIT: Final = 45.0
"""Seconds after which even the most patient of old programs are known to give up."""


@dataclass(frozen=True)
class Case:
    """All there is to judge by.

    Attributes:
        settings: The account's settings.
        learnt: What upstream showed; None where it was not asked.
        kept: What the archive is like, or why that cannot be told; None without one.
        now: Epoch seconds, by upstream's clock if it was asked.
    """

    settings: Settings
    learnt: Learnt | None
    kept: Kept | ArchiveError | None
    now: int


class Check(NamedTuple):
    """A check: what it is called, and how it judges; None where it has nothing to judge."""

    name: str
    judge: Callable[[Case], Finding | None]


def _keys(case: Case) -> Finding:
    if case.settings.api_keys:
        many = len(case.settings.api_keys)
        return Finding("ok", f"old API keys are set: {many}", facts={"keys": many})
    return Finding(
        "warning",
        "no old API keys are set, so that `serve` does not start",
        f"set {variable('api_keys')} to the keys that your programs send",
        {"keys": 0},
    )


def _patience(case: Case) -> Finding:
    patience = case.settings.patience
    facts = {"seconds": patience}
    if patience > _CALLERS_WAIT:
        return Finding(
            "warning",
            f"callers are asked to come back after {patience:g} s; old programs give up after 5 "
            "to 45 s, and then learn nothing",
            f"set {variable('patience')} below what your programs wait",
            facts,
        )
    advice = "" if case.kept else f"; an archive ({variable('archive')}) answers in milliseconds"
    return Finding(
        "ok", f"callers are asked to come back after {patience:g} s{advice}", facts=facts
    )


def _asked(judge: Callable[[Settings, Learnt], Finding | None]) -> Callable[[Case], Finding | None]:
    """A check that is made only where upstream was asked."""

    def check(case: Case) -> Finding | None:
        return None if case.learnt is None else judge(case.settings, case.learnt)

    return check


def _looked(judge: Callable[[Kept, int], Finding | None]) -> Callable[[Case], Finding | None]:
    """A check that is made only where the archive could be looked into."""

    def check(case: Case) -> Finding | None:
        return judge(case.kept, case.now) if isinstance(case.kept, Kept) else None

    return check


CHECKS: Final[Sequence[Check]] = (
    Check("credentials", _asked(upstream.credentials)),
    Check("mailboxes", _asked(upstream.mailboxes)),
    Check("plan", _asked(upstream.plan)),
    Check("rate budget", _asked(upstream.budget)),
    Check("clock", _asked(upstream.clock)),
    Check("page size", _asked(lists.page_size)),
    Check("spam in all", _asked(lists.spam)),
    Check("home folders", _asked(lists.homes)),
    Check("fractions of seconds", _asked(lists.fractions)),
    Check("archive", lambda case: archive.there(case.kept)),
    Check("archive file", _looked(archive.sound)),
    Check("archive coverage", _looked(archive.coverage)),
    Check("archive age", _looked(archive.age)),
    Check("archive totals", _looked(archive.offsets)),
    Check("old API keys", _keys),
    Check("patience", _patience),
)
"""In the order in which they are told."""
