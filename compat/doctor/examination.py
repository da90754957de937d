"""The examination of an account: facts are collected, and each check judges them."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from compat.archive.errors import ArchiveError
from compat.config.accounts import DEFAULT_ACCOUNT
from compat.config.env_files import Environment
from compat.config.files import is_readable_by_all
from compat.config.settings import Settings, SettingsError, variable_name
from compat.doctor import Finding, checks_upstream
from compat.doctor import archive as archive_checks
from compat.doctor.account_facts import AccountFacts, collect_account_facts
from compat.doctor.archive import ArchiveFacts, collect_archive_facts
from compat.upstream import client_from_settings
from compat.v2.errors import CredentialsRefused

_MAX_PATIENCE: Final = 45.0
"""Seconds after which even the most patient of old programs are known to give up."""


@dataclass(frozen=True)
class Examination:
    """The result of an examination.

    Attributes:
        findings: By the check's name, in the order of the checks.
        cut_short: Whether upstream failed for other reasons than our credentials, so that some
            checks were not made.
    """

    findings: dict[str, Finding]
    cut_short: bool

    @property
    def sound(self) -> bool:
        """Whether no check found anything wrong."""
        return all(each.verdict in ("ok", "unknown") for each in self.findings.values())


def examine(
    settings: Settings,
    *,
    name: str = DEFAULT_ACCOUNT,
    offline: bool = False,
    unused_variables: Sequence[str] = (),
    environ: Environment | None = None,
) -> Examination:
    """Make all checks.

    Args:
        settings: The account's settings.
        name: The account's name.
        offline: Make no requests to upstream, and leave out the checks that need them.
        unused_variables: One sentence for each environment variable that looks like a setting and
            has no effect.
        environ: The environment with its files, to look at them; the accounts were read from it.

    Raises:
        ImportError: An archive is configured, and SQLAlchemy is not installed.
    """
    account, unusable = (None, None) if offline else _account_facts(settings)
    now = account.now if account is not None and account.now is not None else int(time.time())
    facts = CheckInput(name, settings, account, collect_archive_facts(settings), now)
    findings = {} if unusable is None else {"credentials": unusable}
    for check in CHECKS:
        if (finding := check.judge(facts)) is not None:
            findings[check.name] = _with_reason(finding, check.name, account)
    if environ is not None:
        findings |= _files(environ)
    if unused_variables:
        findings["variables"] = Finding(
            "warning",
            "; ".join(unused_variables),
            "correct the name, or unset it",
            {"unused": len(unused_variables)},
        )
    failure = account.failure if account is not None else None
    return Examination(
        findings, failure is not None and not isinstance(failure, CredentialsRefused)
    )


def _account_facts(settings: Settings) -> tuple[AccountFacts | None, Finding | None]:
    """Facts from upstream, or the finding that says why no request can be made."""
    try:
        client = client_from_settings(settings)
    except SettingsError as error:
        what, *rest = str(error).splitlines()
        return None, Finding("trouble", what, "; ".join(rest))
    with closing(client):
        return collect_account_facts(client), None


def _files(environ: Environment) -> dict[str, Finding]:
    """Findings about the files that settings come from."""
    findings = {}
    if environ.file is not None:
        others = f"; set outside it, which wins: {', '.join(environ.winners)}"
        findings["environment file"] = _file_finding(
            f"settings come from {environ.file}{others if environ.winners else ''}",
            (environ.file,),
            {"path": str(environ.file), "winners": list(environ.winners)},
        )
    if paths := (*environ.secret_files, *environ.account_files):
        findings["secret files"] = _file_finding(
            f"secrets come from {', '.join(map(str, paths))}", paths, {"paths": [*map(str, paths)]}
        )
    return findings


def _file_finding(what: str, paths: Sequence[Path], facts: Mapping[str, object]) -> Finding:
    """A finding about files with secrets, which only those who need them should be able to read."""
    if not (public := [str(path) for path in paths if is_readable_by_all(path)]):
        return Finding("ok", what, facts=facts)
    return Finding(
        "warning",
        f"{what}; every user of this machine can read {', '.join(public)}",
        f"chmod o-r {shlex.join(public)}",
        facts,
    )


def _with_reason(finding: Finding, check: str, account: AccountFacts | None) -> Finding:
    """An unknown finding with the error that prevented the check."""
    refusal = account.refusals.get(check) if account is not None else None
    if refusal is None or finding.verdict != "unknown":
        return finding
    return replace(finding, what=f"{finding.what}: {refusal}")


@dataclass(frozen=True)
class CheckInput:
    """What checks judge.

    Attributes:
        name: The account's name.
        settings: The account's settings.
        account: Facts from upstream; None without requests to upstream.
        archive: Facts about the archive, or why it cannot be read; None without an archive.
        now: Epoch seconds, by upstream's clock if it was requested.
    """

    name: str
    settings: Settings
    account: AccountFacts | None
    archive: ArchiveFacts | ArchiveError | None
    now: int


class Check(NamedTuple):
    """A check's name, and the function that judges; its result is None if it does not apply."""

    name: str
    judge: Callable[[CheckInput], Finding | None]


def _api_keys(facts: CheckInput) -> Finding:
    if facts.settings.api_keys:
        number = len(facts.settings.api_keys)
        return Finding("ok", f"old API keys are set: {number}", facts={"keys": number})
    return Finding(
        "warning",
        "no old API keys are set, so that `serve` does not start",
        f"set {variable_name('api_keys')} to the keys that your programs send",
        {"keys": 0},
    )


def _patience(facts: CheckInput) -> Finding:
    patience = facts.settings.patience
    if patience > _MAX_PATIENCE:
        return Finding(
            "warning",
            f"callers are asked to come back after {patience:g} s; old programs give up after 5 "
            "to 45 s, and then learn nothing",
            f"set {variable_name('patience')} below what your programs wait",
            {"seconds": patience},
        )
    archive = variable_name("archive")
    advice = "" if facts.archive else f"; an archive ({archive}) answers in milliseconds"
    return Finding(
        "ok",
        f"callers are asked to come back after {patience:g} s{advice}",
        facts={"seconds": patience},
    )


def _credentials(facts: CheckInput) -> Finding | None:
    if facts.account is None:
        return None
    return checks_upstream.credentials(facts.settings, facts.account, facts.name)


def _upstream(
    judge: Callable[[Settings, AccountFacts], Finding | None],
) -> Callable[[CheckInput], Finding | None]:
    """A check that applies only if upstream answered at all."""

    def check(facts: CheckInput) -> Finding | None:
        account = facts.account
        if account is None or (account.failure is not None and account.now is None):
            return None
        return judge(facts.settings, account)

    return check


def _archive(
    judge: Callable[[ArchiveFacts, int], Finding | None],
) -> Callable[[CheckInput], Finding | None]:
    """A check that applies only if the archive can be read."""

    def check(facts: CheckInput) -> Finding | None:
        archive = facts.archive
        return judge(archive, facts.now) if isinstance(archive, ArchiveFacts) else None

    return check


CHECKS: Final[Sequence[Check]] = (
    Check("credentials", _credentials),
    Check("mailboxes", _upstream(checks_upstream.mailboxes)),
    Check("plan", _upstream(checks_upstream.plan)),
    Check("rate budget", _upstream(checks_upstream.rate_limit)),
    Check("clock", _upstream(checks_upstream.clock)),
    Check("page size", _upstream(checks_upstream.page_size)),
    Check("spam in all", _upstream(checks_upstream.spam_in_all)),
    Check("home folders", _upstream(checks_upstream.home_folders)),
    Check("fractions of seconds", _upstream(checks_upstream.fractions)),
    Check("archive", lambda facts: archive_checks.readable(facts.archive)),
    Check("archive file", _archive(archive_checks.undamaged)),
    Check("archive coverage", _archive(archive_checks.coverage)),
    Check("archive age", _archive(archive_checks.age)),
    Check("archive totals", _archive(archive_checks.totals)),
    Check("archive values", _archive(archive_checks.values)),
    Check("archive threads", _archive(archive_checks.threads)),
    Check("old API keys", _api_keys),
    Check("patience", _patience),
)
"""All checks, in the order of the output."""
