"""What captures cannot tell is said to be open, with the request that would tell."""

from __future__ import annotations

from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.parity.fit.disambiguate import Separating, separate
from compat.parity.fit.recount import Recount
from compat.parity.fit.search import MOST_TRIED, Fit, fit
from tests.unit.parity.old_server import PATH, Old, OldServer, Rules, survivors, text
from tests.unit.parity.planting import past, planted, recorded

WEEKS = [
    f"{PATH}?start={start}T00:00:00Z&end={end}T23:59:59Z&viewBy=day"
    for start, end in [
        (f"2014-{month:02}-{day:02}", f"2014-{month:02}-{day + 6:02}")
        for month in range(2, 12)
        for day in (1, 5, 11, 17, 22)
    ]
]
"""Whole days by day: in none of the last seconds was a conversation created."""


def counts(each: Old) -> bool:
    return each.state == "published" and each.status != "spam"


def found_with(
    server: OldServer, targets: list[str], most_tried: int = MOST_TRIED
) -> tuple[Fit, tuple[Separating, ...]]:
    rows = survivors(server.conversations)
    records = recorded(server, targets).fitted
    found = fit(records, rows, Conventions(), most_tried=most_tried)
    return found, separate(found.members, Recount(rows))


def open_values(found: Fit, name: str) -> set[Any]:
    return {getattr(member.conventions, name) for member in found.members}


@pytest.fixture(scope="module")
def excluding() -> tuple[OldServer, Fit, tuple[Separating, ...]]:
    """A server that leaves out the end, and captures that do not show it."""
    server = OldServer(past(), planted("end excluded")[0])
    return server, *found_with(server, WEEKS)


Scene = tuple[OldServer, Fit, tuple[Separating, ...]]


def test_what_the_captures_do_not_show_is_open(excluding: Scene) -> None:
    _, found, _ = excluding
    assert (found.outcome, found.recommended) == ("fits", {})
    assert open_values(found, "end_included") == {True, False}
    assert open_values(found, "default_view_by") == {"day", "week", "month"}
    assert open_values(found, "month_step") == {"clamped", "drifting", "thirty-days"}
    assert open_values(found, "repeated_parameter") == {"first", "last"}


def test_what_they_show_is_not_open(excluding: Scene) -> None:
    _, found, _ = excluding
    assert open_values(found, "uncounted_statuses") == {frozenset({"spam"})}
    assert open_values(found, "counted_states") == {frozenset({"published"})}
    assert open_values(found, "clock_shift_minutes") == {0}
    assert "monday" not in open_values(found, "start_snapped")


def test_the_separating_request_is_answered_otherwise_under_each_group(excluding: Scene) -> None:
    _, found, separating = excluding
    assert separating
    for each in separating:
        assert len(set(each.answers)) == len(each.groups) > 1
        assert found.members[0] in each.groups[0]


def test_every_open_rule_that_a_request_can_show_has_one(excluding: Scene) -> None:
    _, found, separating = excluding
    singles = {m.changes[0] for m in found.members if len(m.changes) == 1}
    told = {
        member.changes[0]
        for each in separating
        for group in each.groups[1:]
        for member in group
        if len(member.changes) == 1
    }
    assert ("end_included", False) in told
    assert ("default_view_by", "month") in told
    assert ("month_step", "thirty-days") in told
    assert told <= singles


def test_the_planted_server_answers_it_as_one_group_predicts(excluding: Scene) -> None:
    """Nothing has gone since in the few seconds that the request is about."""
    server, _, separating = excluding
    truth = Conventions(end_included=False)
    telling = [each for each in separating if _tells_the_end(each)]
    assert telling
    for each in telling:
        record = recorded(server, [each.target]).fitted[0]
        points = tuple(record.series.items())
        matching = [
            group for group, seen in zip(each.groups, each.answers, strict=True) if seen == points
        ]
        assert len(matching) == 1
        assert truth in [member.conventions for member in matching[0]]


def _tells_the_end(each: Separating) -> bool:
    return all((("end_included", False),) not in [m.changes for m in g] for g in each.groups[:1])


def test_with_its_answer_recorded_the_class_no_longer_holds_what_we_do(excluding: Scene) -> None:
    server, _, separating = excluding
    asked = [*WEEKS, *(each.target for each in separating)]
    found, _ = found_with(server, asked)
    assert open_values(found, "end_included") == {False}
    assert found.outcome in {"adopt", "undecided"}
    assert {**found.recommended, **found.unconfirmed}["end_included"] is False


def test_what_no_conversation_shows_has_no_request() -> None:
    empty = OldServer((), Rules())
    found, separating = found_with(empty, WEEKS, 300)
    assert len(found.members) > 1
    assert all(
        ("uncounted_statuses", frozenset()) not in member.changes
        for each in separating
        for group in each.groups[1:]
        for member in group
        if len(member.changes) == 1
    )


def test_what_one_half_alone_shows_is_not_recommended() -> None:
    server = OldServer(past(), planted("end excluded")[0])
    there = {row.created for row in survivors(past())}
    one = next(each for each in past()[900:] if counts(each) and each.created in there)
    at = text(one.created)
    telling = [f"{PATH}?start={at}&end={at}&viewBy=day&n={n}" for n in range(20)]
    confirming = [t for t in telling if recorded(server, [t]).fitted[0].half == "confirm"]
    found, _ = found_with(server, [*WEEKS, *confirming])
    assert found.outcome == "undecided"
    assert found.recommended == {}
    assert found.unconfirmed == {"end_included": False}
    both, _ = found_with(server, [*WEEKS, *telling])
    assert (both.outcome, both.recommended) == ("adopt", {"end_included": False})


def test_a_search_that_is_cut_short_recommends_nothing() -> None:
    server = OldServer(past(), planted("spam")[0])
    captures = recorded(server, WEEKS).fitted
    found = fit(captures, survivors(past()), Conventions(), most_tried=40)
    assert not found.complete
    assert found.tried == 40
    assert (found.outcome, found.recommended) == ("undecided", {})
    assert found.unconfirmed == {"uncounted_statuses": frozenset()}


def test_time_ends_the_search_as_well() -> None:
    times = iter([True] * 30)
    found = fit(
        recorded(OldServer(past(), Rules()), WEEKS).fitted,
        survivors(past()),
        Conventions(),
        go_on=lambda: next(times, False),
    )
    assert (found.complete, found.tried) == (False, 30)


def test_without_captures_everything_is_open() -> None:
    found = fit((), survivors(past()), Conventions(), most_tried=50)
    assert (found.outcome, found.recommended) == ("fits", {})
    assert len([each for each in found.members if not each.odd]) == 50


def test_so_many_gone_are_no_explanation() -> None:
    server = OldServer(past(), Rules())
    captures = recorded(server, WEEKS).fitted
    few = survivors(past(), gone=0.5)
    assert fit(captures, few, Conventions(), most_tried=20).outcome == "none"
    assert fit(captures, few, Conventions(), most_tried=20, most_gone=0.6).outcome == "fits"
