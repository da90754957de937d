"""Old requests: what is asked, and the ways in which clients spelled it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

from compat.v1.datetimes import format_epoch

REPORTS: Final = ("conversations/new", "conversations/busy-times", "conversations/new-drilldown")
"""The reports that queries can ask for, the one this is about first."""

_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class OldQuestion:
    """A question to an old report. Instants are epoch seconds UTC, both ends included."""

    report: str
    start: int
    end: int
    previous: tuple[int, int] | None = None
    view_by: str | None = None
    filters: dict[str, tuple[int | str, ...]] = field(default_factory=dict)

    def scalars(self, spell: Callable[[int], str]) -> list[tuple[str, str]]:
        """Names and values of all parameters that are no lists, instants as `spell` has them."""
        pairs = [("start", spell(self.start)), ("end", spell(self.end))]
        if self.previous:
            first, last = self.previous
            pairs += [("previousStart", spell(first)), ("previousEnd", spell(last))]
        return [*pairs, ("viewBy", self.view_by)] if self.view_by else pairs

    def lists(self) -> list[tuple[str, str]]:
        """Names and values of all lists, items joined by commas."""
        return [(name, ",".join(map(str, items))) for name, items in self.filters.items()]

    @property
    def edges(self) -> tuple[int, ...]:
        """First and last seconds of all ranges."""
        return (self.start, self.end, *(self.previous or ()))

    @property
    def path(self) -> str:
        """The path of the report."""
        return f"/v1/reports/{self.report}.json"


def plain(asked: OldQuestion) -> str:
    """Colons and commas as they are."""
    return f"{asked.path}?{urlencode([*asked.scalars(format_epoch), *asked.lists()], safe=':,')}"


def _encoded(asked: OldQuestion) -> str:
    pairs = [*asked.scalars(format_epoch), *asked.lists()]
    return f"{asked.path}?{urlencode(pairs, quote_via=quote, safe='')}"


def _as_php(asked: OldQuestion) -> str:
    items = [
        (f"{name}[{at}]", str(each))
        for name, many in asked.filters.items()
        for at, each in enumerate(many)
    ]
    return f"{asked.path}?{urlencode([*items, *asked.scalars(_with_fraction)])}&"


def _repeated(asked: OldQuestion) -> str:
    items = [(name, str(each)) for name, many in asked.filters.items() for each in many]
    pairs = [*asked.scalars(_one_hour_east), ("page", "1"), ("office_hours", ""), *items]
    return f"{asked.path}?{urlencode(pairs)}"


def _without_zone(asked: OldQuestion) -> str:
    pairs = [*asked.lists(), *asked.scalars(lambda second: format_epoch(second)[:-1])]
    return f"{asked.path}?{urlencode(pairs, safe=':,')}"


def _with_fraction(second: int) -> str:
    return format_epoch(second)[:-1] + ".000Z"


def _one_hour_east(second: int) -> str:
    return format_epoch(second + _HOUR)[:-1] + "+01:00"


STYLES: Final = (plain, _encoded, _as_php, _repeated, _without_zone)
"""How clients of the time spelled the same question, the plainest first."""


def spoilt(asked: OldQuestion) -> str:
    """A request that the old API refused, for one fault or another."""
    first, last, after = (format_epoch(each) for each in (asked.start, asked.end, asked.end + 1))
    faults = (
        f"end={last}",
        f"start={first}",
        f"start={after}&end={last}",
        f"start={first}&end=2015-02-30",
        f"start={first}&end={last}&tags=1,x",
        f"start={first}&end={last}&types=fax",
    )
    return f"{asked.path}?{faults[(asked.start + asked.end) % len(faults)]}"
