"""What an archive holds, told to a person or to a program."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from compat.v1.datetimes import format_epoch

if TYPE_CHECKING:
    from compat.archive.admin import ArchiveStatus


def tell(state: ArchiveStatus, *, as_json: bool) -> None:
    """Print a state.

    Args:
        state: What the archive holds.
        as_json: As one JSON object, else in lines.
    """
    if as_json:
        print(json.dumps(_facts(state)))
        return
    kinds = ", ".join(kind for kind, is_so in _kinds(state) if is_so)
    print(f"{state.where}{kinds and f' ({kinds})'}")
    print(f"{state.conversations:,} conversations, {state.size / 1e6:,.1f} MB")
    for each in state.covered:
        stale = "" if each.young else ", too old to be used without asking Help Scout"
        first, last, as_of = map(format_epoch, (each.first, each.last, each.as_of))
        print(f"covered {first} to {last}, as of {as_of}{stale}")
    if not state.covered:
        print("nothing is covered yet")
    if not all(each.young for each in state.covered):
        print("run `helpscout-v1 sync` to bring it up to date")


def _kinds(state: ArchiveStatus) -> tuple[tuple[str, bool], ...]:
    return ("slim", state.slim), ("sealed", state.sealed_at is not None)


def _facts(state: ArchiveStatus) -> dict[str, Any]:
    instants = ("sealed_at", "kept_since", "first", "last", "as_of")

    def told(facts: dict[str, Any]) -> dict[str, Any]:
        return {
            name: format_epoch(value) if name in instants and value is not None else value
            for name, value in facts.items()
        }

    return told(asdict(state)) | {"covered": [told(asdict(each)) for each in state.covered]}
