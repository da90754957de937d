"""One examination: facts are learnt, and each check judges them."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace

from compat.config.settings import Settings, SettingsError
from compat.doctor.archive_facts import look_into
from compat.doctor.checks import CHECKS, CheckInput
from compat.doctor.facts import AccountFacts, learn
from compat.doctor.findings import Finding
from compat.upstream import client_from_settings
from compat.v2.errors import CredentialsRefused


@dataclass(frozen=True)
class Examination:
    """What an examination found.

    Attributes:
        findings: By the check's name, in the order of the checks.
        cut_short: Whether upstream could not be asked all, for reasons that are not ours to mend.
    """

    findings: dict[str, Finding]
    cut_short: bool

    @property
    def sound(self) -> bool:
        """Whether no check found anything wrong."""
        return all(each.verdict in ("ok", "unknown") for each in self.findings.values())


def examine(settings: Settings, *, offline: bool = False) -> Examination:
    """Make all checks.

    Args:
        settings: The account's settings.
        offline: Whether upstream is not asked; its checks are left out.

    Raises:
        ImportError: An archive is named, and SQLAlchemy is not installed.
    """
    learnt, refused = (None, None) if offline else _learnt(settings)
    now = learnt.now if learnt is not None and learnt.now is not None else int(time.time())
    case = CheckInput(settings, learnt, look_into(settings), now)
    findings = {} if refused is None else {"credentials": refused}
    for check in CHECKS:
        if (finding := check.judge(case)) is not None:
            findings[check.name] = _with_reason(finding, check.name, learnt)
    trouble = learnt.trouble if learnt is not None else None
    return Examination(
        findings, trouble is not None and not isinstance(trouble, CredentialsRefused)
    )


def _with_reason(finding: Finding, check: str, learnt: AccountFacts | None) -> Finding:
    """What is not known, with what kept it from being known."""
    refusal = learnt.refusals.get(check) if learnt is not None else None
    if refusal is None or finding.verdict != "unknown":
        return finding
    return replace(finding, what=f"{finding.what}: {refusal}")


def _learnt(settings: Settings) -> tuple[AccountFacts | None, Finding | None]:
    """What upstream shows; or why it cannot even be asked."""
    try:
        client = client_from_settings(settings)
    except SettingsError as error:
        what, *rest = str(error).splitlines()
        return None, Finding("trouble", what, "; ".join(rest))
    with closing(client):
        return learn(client), None
