"""Writes the documentation that is made from the code's own data; `--check` only compares."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import parity_pages
import reference
import vectors
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from compat.config import accounts
from compat.config.conventions import Conventions
from compat.config.settings import Settings, variable_name
from compat.parity import verdicts
from compat.server import recorder
from compat.v1 import openapi
from compat.v1.decisions import DECISIONS
from compat.v1.differences import DIFFERENCES

ROOT = Path(__file__).resolve().parent.parent
NOTE = (
    "<!-- Written by scripts/docs.py from the code's own data; change that, and run it again. -->"
)

CONVENTIONS_LEAD = (
    "The old API's pages leave questions open. This is how each is answered here, and why. "
    "Whoever knows better about an account sets the variable."
)
ACCOUNTS_ROW = (
    f"| `{accounts.ACCOUNTS_VARIABLE}` |  | A TOML file of several accounts, with credentials and "
    "old API keys for each and whatever else differs: see "
    "[several accounts](docs/how-to/several-accounts.md). |"
)
DIFFERENCES_LEAD = (
    "What a caller of the old API may notice. Rules that were never documented are in "
    "[conventions](conventions.md)."
)


def main(arguments: list[str]) -> int:
    """Write or check every generated page; the exit status."""
    stale = [path for path, text in pages().items() if not _same(path, text)]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date: run scripts/docs.py", file=sys.stderr)
        return bool(stale)
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(pages()[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


def pages() -> dict[Path, str]:
    """Every generated page, or page with a generated part, and what it must say."""
    readme = ROOT / "README.md"
    table = "\n".join([settings_table(Settings.model_fields.items()), ACCOUNTS_ROW])
    return {
        readme: _with_part(readme.read_text(encoding="utf-8"), "settings", table),
        ROOT / "docs" / "conventions.md": conventions(),
        ROOT / "docs" / "known-differences.md": differences(),
        **{ROOT / "docs" / "reference" / name: text for name, text in references()},
        **{ROOT / "docs" / "reference" / name: text for name, text in schemas()},
        ROOT / "compat" / "testing" / "vectors.json": vectors.text(),
    }


def references() -> Iterable[tuple[str, str]]:
    """The reference pages by file name."""
    tables = {
        "The server": settings_table(Settings.model_fields.items()),
        "Several accounts": reference.ACCOUNTS,
        "Rules that nobody documented": settings_table(Conventions.model_fields.items()),
    }
    for name, parts in {
        "command-line.md": reference.command_line(),
        "settings.md": reference.settings(tables),
        "errors.md": reference.error_page(),
        "reports.md": reference.reports(),
        "captures.md": parity_pages.captures(),
        "verdicts.md": parity_pages.verdicts(),
    }.items():
        title, *rest = parts
        yield name, "\n\n".join([title, NOTE, *rest]) + "\n"


def schemas() -> Iterable[tuple[str, str]]:
    """The published JSON documents by file name."""
    for name, schema in {
        "openapi.json": openapi.document(),
        "captures.schema.json": recorder.schema(),
        "verdicts.schema.json": verdicts.schema(),
    }.items():
        yield name, json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def settings_table(fields: Iterable[tuple[str, FieldInfo]]) -> str:
    """A table of environment variables."""
    rows = [
        f"| `{variable_name(name)}` | {_default(field)} | {field.description} |"
        for name, field in fields
        if name != "conventions"
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def conventions() -> str:
    """The page of decided rules and the settings that change them."""
    decisions = [
        f"### {each.title}\n\n{each.rule}\n\n*Why:* {each.reason}"
        + (
            f"\n\n*Set with:* {', '.join(f'`{variable_name(field)}`' for field in each.settings)}"
            if each.settings
            else ""
        )
        for each in DECISIONS
    ]
    return (
        "\n\n".join(
            [
                "# Conventions: the rules that nobody wrote down",
                NOTE,
                CONVENTIONS_LEAD,
                "## Settings",
                settings_table(Conventions.model_fields.items()),
                "## Decisions",
                *decisions,
            ]
        )
        + "\n"
    )


def differences() -> str:
    """The page of known differences from the old API."""
    parts = [f"## {each.title}\n\n{each.what}\n\n{each.consequence}" for each in DIFFERENCES]
    return (
        "\n\n".join(
            [
                "# Known differences from the old API",
                NOTE,
                DIFFERENCES_LEAD,
                *parts,
            ]
        )
        + "\n"
    )


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if isinstance(value, SecretStr) or value in (None, "", ()):
        return "" if field.annotation in (str, SecretStr) or value == () else "none"
    if isinstance(value, frozenset):
        value = ",".join(sorted(value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _with_part(page: str, name: str, text: str) -> str:
    marks = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
    return marks.sub(lambda found: found[1] + text + found[2], page)


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
