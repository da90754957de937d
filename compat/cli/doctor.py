"""`helpscout-v1 doctor`: looks for what is wrong, and says what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.options import ACCOUNT, Command, flag, json_flag, settings_for
from compat.cli.output import hide_retries, ignore_closed_pipe

if TYPE_CHECKING:
    from compat.doctor.examination import Examination


@click.command(
    "doctor",
    cls=Command,
    short_help="look for what is wrong, and say what to do",
    epilog=exit_status(
        {
            ExitCode.OK: "nothing is wrong",
            ExitCode.DIFFERENT: "something is",
            ExitCode.MISUSE: "an option or a setting cannot be used",
            ExitCode.UPSTREAM: "Help Scout cannot be asked",
        }
    ),
    params=[
        ACCOUNT,
        flag("--offline", "only what can be found without asking Help Scout"),
        json_flag("print one JSON object"),
    ],
)
def doctor(*, account: str | None, offline: bool, as_json: bool) -> int:
    """Look for what is wrong, and say what to do about it.

    Checked are credentials, plan, rate limit, clock, how Help Scout's lists behave, the archive and
    the settings. It takes about twenty requests, and changes nothing.
    """
    from compat.doctor.examination import examine

    hide_retries()
    settings = settings_for(account)
    examined = examine(settings, offline=offline or settings.offline)
    with ignore_closed_pipe():
        print(_json(examined) if as_json else _text(examined), flush=True)
    if examined.cut_short:
        return ExitCode.UPSTREAM
    return ExitCode.OK if examined.sound else ExitCode.DIFFERENT


def _text(examined: Examination) -> str:
    width = max(map(len, examined.findings))
    lines: list[str] = []
    for name, found in examined.findings.items():
        lines.append(f"{found.verdict:<8} {name:<{width}}  {found.what}")
        if found.to_do:
            lines.append(f"{'':<8} {'':<{width}}  → {found.to_do}")
    return "\n".join(lines)


def _json(examined: Examination) -> str:
    findings = [
        {
            "check": name,
            "verdict": found.verdict,
            "what": found.what,
            "to_do": found.to_do,
            "facts": found.facts,
        }
        for name, found in examined.findings.items()
    ]
    document = {
        "sound": examined.sound,
        "complete": not examined.cut_short,
        "findings": findings,
    }
    return json.dumps(document, ensure_ascii=False)
