"""`helpscout-v1 doctor`: looks at everything, and says what to do about it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Final

from compat.cli.leaving import TROUBLE, hush_retries
from compat.cli.options import settings_of
from compat.cli.printing import printing

if TYPE_CHECKING:
    from compat.doctor.examination import Examination

_WRONG: Final = 1


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser(
        "doctor",
        help="look for what is wrong, and say what to do",
        description=(
            "Look at credentials, plan, rate limit, clock, how Help Scout's lists behave, the "
            "archive and the settings, and say what to do about each. It takes about twenty "
            "requests, and changes nothing."
        ),
        epilog=(
            "exit status: 0 nothing is wrong, 1 something is, 2 an option or a setting cannot be "
            "used, 3 Help Scout cannot be asked"
        ),
    )
    parser.add_argument("--account", metavar="NAME", help="which account, where there are several")
    parser.add_argument(
        "--offline", action="store_true", help="only what can be told without asking Help Scout"
    )
    parser.add_argument("--json", action="store_true", help="tell it as one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Examine; the exit status.

    Raises:
        SettingsError: An option or a setting cannot be used.
        ImportError: An archive is named, and SQLAlchemy is not installed.
    """
    from compat.doctor.examination import examine

    hush_retries()
    settings = settings_of(options.account)
    examined = examine(settings, offline=options.offline or settings.offline)
    with printing():
        print(_json(examined) if options.json else _text(examined), flush=True)
    if examined.cut_short:
        return TROUBLE
    return 0 if examined.sound else _WRONG


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
    told = {
        "sound": examined.sound,
        "complete": not examined.cut_short,
        "findings": findings,
    }
    return json.dumps(told, ensure_ascii=False)
