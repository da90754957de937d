"""What captures do not decide is named as open, with requests that would decide it."""

from __future__ import annotations

from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.parity.fit.candidates import rules_without_effect
from compat.parity.fit.disambiguate import SeparatingRequest, separate
from compat.parity.fit.evaluate import Recount
from compat.parity.fit.inputs import Pairs
from compat.parity.fit.result import MAX_TRIED, Fit, fit_records
from compat.v1.query import parse_pairs
from tests.unit.parity.old_server import PATH, Old, OldServer, Rules, survivors, text
from tests.unit.parity.planted_rules import past, planted, recorded

WEEKS = [
    f"{PATH}?start={start}T00:00:00Z&end={end}T23:59:59Z&viewBy=day"
    for start, end in [
        (f"2014-{month:02}-{day:02}", f"2014-{month:02}-{day + 6:02}")
        for month in range(2, 12)
        for day in (1, 5, 11, 17, 22)
    ]
]
"""Whole days by day: in none of the last seconds was a conversation created."""

BY_DAY = ("viewBy", "day")
MOMENT = f"{PATH}?start=2014-03-01T10:00:00Z&end=2014-03-01T10:00:00Z"
ONE_SECOND = [MOMENT, f"{MOMENT}&viewBy=day&viewBy=week"]
"""A range of one second has one bucket whatever its length, so the rule for `viewBy` stays open."""


def counts(each: Old) -> bool:
    return each.state == "published" and each.status != "spam"


def found_with(
    server: OldServer, targets: list[str], most_tried: int = MAX_TRIED
) -> tuple[Fit, tuple[SeparatingRequest, ...]]:
    recount = Recount(survivors(server.conversations))
    records = recorded(server, targets).fitted
    found = fit_records(records, recount, Conventions(), most_tried=most_tried)
    return found, separate(found.members, recount)


def open_values(found: Fit, name: str) -> set[Any]:
    return {getattr(member.conventions, name) for member in found.members}


@pytest.fixture(scope="module")
def excluding() -> tuple[OldServer, Fit, tuple[SeparatingRequest, ...]]:
    """A server that leaves out the end, and captures that do not show it."""
    server = OldServer(past(), planted("end excluded")[0])
    return server, *found_with(server, [*WEEKS, *ONE_SECOND])


Case = tuple[OldServer, Fit, tuple[SeparatingRequest, ...]]


def test_a_rule_that_the_captures_do_not_show_is_open(excluding: Case) -> None:
    _, found, _ = excluding
    assert (found.outcome, found.recommended) == ("fits", {})
    assert open_values(found, "end_included") == {True, False}
    assert open_values(found, "default_view_by") == {"day", "week", "month"}
    assert open_values(found, "month_step") == {"clamped", "drifting", "thirty-days"}
    assert open_values(found, "repeated_parameter") == {"first", "last"}


def test_a_rule_on_which_no_request_depends_is_not_tried() -> None:
    server = OldServer(past(), Rules())
    found, separating = found_with(server, WEEKS)
    rules = ("date_only_end", "default_view_by", "month_step", "repeated_parameter")
    assert found.untried == rules
    members = [member for each in separating for group in each.groups for member in group]
    assert all(
        getattr(each.conventions, name) == getattr(Conventions(), name)
        for each in (*found.members, *members)
        for name in rules
    )


@pytest.mark.parametrize(
    ("query", "tried"),
    [
        ("start=2014-03-01T00:00:00Z&end=2014-03-07T23:59:59Z", {"default_view_by", "month_step"}),
        ("start=2014-03-01T00:00:00Z&end=2014-03-07T23:59:59Z&viewBy=month", {"month_step"}),
        ("start=2014-03-01&end=2014-03-07&viewBy=day", {"date_only_end"}),
        (
            "start=2014-03-01T00:00:00Z&end=2014-03-02T00:00:00Z&viewBy=day&end=2014-03-08T00:00:00Z",
            {"repeated_parameter"},
        ),
        (
            "start=2014-03-01T00:00:00Z&end=2014-03-07T23:59:59Z&viewBy=day&viewBy=month",
            {"repeated_parameter", "month_step"},
        ),
    ],
)
def test_a_rule_is_tried_if_a_single_request_depends_on_it(query: str, tried: set[str]) -> None:
    plain = (("start", "2014-03-01T00:00:00Z"), ("end", "2014-03-02T00:00:00Z"), BY_DAY)
    requests: list[Pairs] = [plain, tuple(parse_pairs(query.encode()))]
    untried = rules_without_effect(requests, Conventions())
    assert (
        untried
        == {
            "date_only_end",
            "default_view_by",
            "month_step",
            "repeated_parameter",
        }
        - tried
    )


def test_a_rule_that_they_show_is_not_open(excluding: Case) -> None:
    _, found, _ = excluding
    assert open_values(found, "uncounted_statuses") == {frozenset({"spam"})}
    assert open_values(found, "counted_states") == {frozenset({"published"})}
    assert open_values(found, "clock_shift_minutes") == {0}
    assert "monday" not in open_values(found, "start_snapped")


def test_a_separating_request_has_another_answer_under_each_group(excluding: Case) -> None:
    _, found, separating = excluding
    assert separating
    for each in separating:
        assert len(set(each.answers)) == len(each.groups) > 1
        assert found.members[0] in each.groups[0]


def test_every_open_rule_that_a_request_can_show_has_a_separating_request(excluding: Case) -> None:
    _, found, separating = excluding
    singles = {m.changes[0] for m in found.members if len(m.changes) == 1}
    separated = {
        member.changes[0]
        for each in separating
        for group in each.groups[1:]
        for member in group
        if len(member.changes) == 1
    }
    assert ("end_included", False) in separated
    assert ("default_view_by", "month") in separated
    assert ("month_step", "thirty-days") in separated
    assert separated <= singles


def test_the_planted_server_answers_it_as_one_group_predicts(excluding: Case) -> None:
    """Nothing has gone since in the few seconds that the request is about."""
    server, _, separating = excluding
    truth = Conventions(end_included=False)
    deciding = [each for each in separating if _shows_the_end(each)]
    assert deciding
    for each in deciding:
        record = recorded(server, [each.target]).fitted[0]
        points = tuple(record.series.items())
        matching = [
            group for group, seen in zip(each.groups, each.answers, strict=True) if seen == points
        ]
        assert len(matching) == 1
        assert truth in [member.conventions for member in matching[0]]


def _shows_the_end(each: SeparatingRequest) -> bool:
    return all((("end_included", False),) not in [m.changes for m in g] for g in each.groups[:1])


def test_the_answer_to_a_separating_request_decides(excluding: Case) -> None:
    server, _, separating = excluding
    asked = [*WEEKS, *ONE_SECOND, *(each.target for each in separating)]
    found, _ = found_with(server, asked)
    assert open_values(found, "end_included") == {False}
    assert found.outcome in {"adopt", "undecided"}
    assert {**found.recommended, **found.unconfirmed}["end_included"] is False


def test_a_rule_that_no_conversation_shows_has_no_separating_request() -> None:
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


def test_a_rule_that_only_one_half_shows_is_not_recommended() -> None:
    server = OldServer(past(), planted("end excluded")[0])
    there = {row.created for row in survivors(past())}
    one = next(each for each in past()[900:] if counts(each) and each.created in there)
    at = text(one.created)
    deciding = [f"{PATH}?start={at}&end={at}&viewBy=day&n={n}" for n in range(20)]
    confirming = [t for t in deciding if recorded(server, [t]).fitted[0].half == "confirm"]
    found, _ = found_with(server, [*WEEKS, *confirming])
    assert found.outcome == "undecided"
    assert found.recommended == {}
    assert found.unconfirmed == {"end_included": False}
    both, _ = found_with(server, [*WEEKS, *deciding])
    assert (both.outcome, both.recommended) == ("adopt", {"end_included": False})


def test_a_search_that_is_cut_short_recommends_nothing() -> None:
    server = OldServer(past(), planted("spam")[0])
    captures = recorded(server, WEEKS).fitted
    found = fit_records(captures, Recount(survivors(past())), Conventions(), most_tried=40)
    assert not found.complete
    assert found.tried == 40
    assert (found.outcome, found.recommended) == ("undecided", {})
    assert found.unconfirmed == {"uncounted_statuses": frozenset()}


def test_the_search_ends_when_there_is_no_more_time() -> None:
    times = iter([True] * 30)
    found = fit_records(
        recorded(OldServer(past(), Rules()), WEEKS).fitted,
        Recount(survivors(past())),
        Conventions(),
        go_on=lambda: next(times, False),
    )
    assert (found.complete, found.tried) == (False, 30)


def test_without_captures_everything_is_open() -> None:
    found = fit_records((), Recount(survivors(past())), Conventions(), most_tried=50)
    assert (found.outcome, found.recommended) == ("fits", {})
    assert len([each for each in found.members if not each.control]) == 50


def test_too_many_gone_do_not_explain_the_records() -> None:
    server = OldServer(past(), Rules())
    captures = recorded(server, WEEKS).fitted
    few = Recount(survivors(past(), gone=0.5))
    assert fit_records(captures, few, Conventions(), most_tried=20).outcome == "none"
    assert fit_records(captures, few, Conventions(), most_tried=20, most_gone=0.6).outcome == "fits"
