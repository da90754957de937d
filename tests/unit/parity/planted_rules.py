"""Rules that are planted in the old server, and the conventions that they are equal to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from compat.config.conventions import Conventions
from compat.parity.fit.evaluate import Recount
from compat.parity.fit.inputs import SortedCaptures, sort_captures
from compat.parity.fit.result import Fit, fit_records
from tests.unit.parity.old_server import Old, OldServer, Rules, history, requests, survivors

PUBLISHED = frozenset({"published"})
NOTHING: frozenset[str] = frozenset()
NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"

Plant = tuple[dict[str, Any], dict[str, Any]]

PLANTS: dict[str, Plant] = {
    "by day": ({"default_view_by": "day"}, {"default_view_by": "day"}),
    "by month": ({"default_view_by": "month"}, {"default_view_by": "month"}),
    "end excluded": ({"end_included": False}, {"end_included": False}),
    "no zeros": ({"empty_buckets_listed": False}, {"empty_buckets_listed": False}),
    "drifting": ({"month_step": "drifting"}, {"month_step": "drifting"}),
    "thirty days": ({"month_step": "thirty-days"}, {"month_step": "thirty-days"}),
    "drafts": (
        {"states": PUBLISHED | {"draft"}},
        {"counted_states": PUBLISHED | {"draft"}},
    ),
    "hidden": (
        {"states": PUBLISHED | {"hidden"}},
        {"counted_states": PUBLISHED | {"hidden"}},
    ),
    "spam": ({"spam": True}, {"uncounted_statuses": NOTHING}),
    "the last wins": ({"last_wins": True}, {"repeated_parameter": "last"}),
    "end of day": ({"end_of_day": True}, {"date_only_end": "last-second"}),
    "an hour ahead": ({"shift_minutes": 60}, {"clock_shift_minutes": 60}),
    "five hours behind": ({"shift_minutes": -300}, {"clock_shift_minutes": -300}),
    "half an hour odd": ({"shift_minutes": 330}, {"clock_shift_minutes": 330}),
    "midnight": ({"snap": "midnight"}, {"start_snapped": "midnight"}),
    "midnight there": (
        {"snap": "midnight", "zone": NEW_YORK},
        {"start_snapped": "midnight", "company_time_zone": NEW_YORK},
    ),
    "Monday": ({"snap": "monday"}, {"start_snapped": "monday"}),
    "Monday there": (
        {"snap": "monday", "zone": BERLIN},
        {"start_snapped": "monday", "company_time_zone": BERLIN},
    ),
}
"""By name: the old server's rules, and the fields of `Conventions` with the same meaning."""


@cache
def past(seed: int = 1) -> tuple[Old, ...]:
    """All conversations that ever existed."""
    return tuple(history(seed=seed))


def planted(*names: str) -> tuple[Rules, dict[str, Any]]:
    """The rules of a server with some plants in it, and the conventions to be found."""
    rules: dict[str, Any] = {}
    conventions: dict[str, Any] = {}
    for name in names:
        rules |= PLANTS[name][0]
        conventions |= PLANTS[name][1]
    return Rules(**rules), conventions


def recorded(server: OldServer, targets: Iterable[str]) -> SortedCaptures:
    """Captures of requests to an old server."""
    return sort_captures(
        server.capture(target, f"old.jsonl:{at}") for at, target in enumerate(targets, 1)
    )


def fitted(rules: Rules, targets: Sequence[str] | None = None, seed: int = 1) -> Fit:
    """The fit to recorded answers of a server, with 2 % of all conversations gone since."""
    old = past(seed)
    captures = recorded(OldServer(old, rules), targets or requests(old, seed=seed + 2))
    recount = Recount(survivors(old, seed=seed + 1))
    return fit_records(captures.fitted, recount, Conventions())
