"""The table of checks: each judges what was learnt, and says what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from compat.archive.errors import ArchiveError
from compat.config.settings import Settings, variable_name
from compat.doctor import checks_archive, checks_lists, checks_upstream
from compat.doctor.archive_facts import ArchiveFacts
from compat.doctor.facts import AccountFacts
from compat.doctor.findings import Finding

_CALLERS_WAIT: Final = 45.0
"""Seconds after which even the most patient of old programs are known to give up."""


@dataclass(frozen=True)
class CheckInput:
    """All there is to judge by.

    Attributes:
        settings: The account's settings.
        learnt: What upstream showed; None where it was not asked.
        kept: What the archive is like, or why that cannot be told; None without one.
        now: Epoch seconds, by upstream's clock if it was asked.
    """

    settings: Settings
    learnt: AccountFacts | None
    kept: ArchiveFacts | ArchiveError | None
    now: int


class Check(NamedTuple):
    """A check: what it is called, and how it judges; None where it has nothing to judge."""

    name: str
    judge: Callable[[CheckInput], Finding | None]


def _keys(case: CheckInput) -> Finding:
    if case.settings.api_keys:
        many = len(case.settings.api_keys)
        return Finding("ok", f"old API keys are set: {many}", facts={"keys": many})
    return Finding(
        "warning",
        "no old API keys are set, so that `serve` does not start",
        f"set {variable_name('api_keys')} to the keys that your programs send",
        {"keys": 0},
    )


def _patience(case: CheckInput) -> Finding:
    patience = case.settings.patience
    facts = {"seconds": patience}
    if patience > _CALLERS_WAIT:
        return Finding(
            "warning",
            f"callers are asked to come back after {patience:g} s; old programs give up after 5 "
            "to 45 s, and then learn nothing",
            f"set {variable_name('patience')} below what your programs wait",
            facts,
        )
    advice = (
        "" if case.kept else f"; an archive ({variable_name('archive')}) answers in milliseconds"
    )
    return Finding(
        "ok", f"callers are asked to come back after {patience:g} s{advice}", facts=facts
    )


def _asked(
    judge: Callable[[Settings, AccountFacts], Finding | None],
) -> Callable[[CheckInput], Finding | None]:
    """A check that is made only where upstream was asked."""

    def check(case: CheckInput) -> Finding | None:
        return None if case.learnt is None else judge(case.settings, case.learnt)

    return check


def _looked(
    judge: Callable[[ArchiveFacts, int], Finding | None],
) -> Callable[[CheckInput], Finding | None]:
    """A check that is made only where the archive could be looked into."""

    def check(case: CheckInput) -> Finding | None:
        return judge(case.kept, case.now) if isinstance(case.kept, ArchiveFacts) else None

    return check


CHECKS: Final[Sequence[Check]] = (
    Check("credentials", _asked(checks_upstream.credentials)),
    Check("mailboxes", _asked(checks_upstream.mailboxes)),
    Check("plan", _asked(checks_upstream.plan)),
    Check("rate budget", _asked(checks_upstream.budget)),
    Check("clock", _asked(checks_upstream.clock)),
    Check("page size", _asked(checks_lists.page_size)),
    Check("spam in all", _asked(checks_lists.spam)),
    Check("home folders", _asked(checks_lists.homes)),
    Check("fractions of seconds", _asked(checks_lists.fractions)),
    Check("archive", lambda case: checks_archive.there(case.kept)),
    Check("archive file", _looked(checks_archive.sound)),
    Check("archive coverage", _looked(checks_archive.coverage)),
    Check("archive age", _looked(checks_archive.age)),
    Check("archive totals", _looked(checks_archive.offsets)),
    Check("old API keys", _keys),
    Check("patience", _patience),
)
"""In the order in which they are told."""
