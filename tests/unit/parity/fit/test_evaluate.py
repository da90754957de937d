"""A recount is the answer of the report, and records refute or explain it.

The report counts in its own way; that both agree is checked on purpose.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.intervals import Interval
from compat.core.models import RowSet
from compat.parity.captures.models import Capture, Unreadable
from compat.parity.fit.candidates import Candidate, candidates, clocks, singles
from compat.parity.fit.evaluate import Recount, visible
from compat.parity.fit.inputs import FitRecord, needed_conversations, sort_captures
from compat.parity.fit.likelihood import (
    DECISIVE,
    Cell,
    Prediction,
    RecountedSeries,
    Refuted,
    judge,
    share_gone,
    too_many_gone,
    weight,
)
from compat.reports import new_conversations
from compat.v1.datetimes import parse_instant, to_epoch
from compat.v1.query import parse_pairs, parse_query
from compat.v1.routes import route_of_report
from tests.unit.parity.old_server import DAY, PATH, SINCE, UNTIL, requests, survivors
from tests.unit.parity.planted_rules import past

PLAIN = Conventions()
NO_ZEROS = Conventions(empty_buckets_listed=False)
PERIOD = Interval(SINCE, UNTIL)
ALL = list(candidates(PLAIN, PERIOD))
TARGETS = requests(past(), 120, seed=9)
ROWS = survivors(past())
RECOUNT = Recount(ROWS)
FEWER = settings(max_examples=min(settings().max_examples, 400))
"""Each example counts thousands of conversations in two ways."""


def answered(target: str, conventions: Conventions) -> dict[str, Any]:
    """The answer of the report itself."""
    pairs = parse_pairs(target.partition("?")[2].encode())
    query = parse_query(pairs, route_of_report("new_conversations").parameters, conventions)
    answer = new_conversations.answer(query, RowSet(ROWS, 0, 0.0), conventions)
    body: dict[str, Any] = json.loads(answer.model_dump_json())
    return body


def recounted(target: str, conventions: Conventions) -> object:
    pairs = tuple(parse_pairs(target.partition("?")[2].encode()))
    return visible(RECOUNT.predict(pairs, conventions), conventions)


def points(answer: dict[str, Any]) -> object:
    return tuple(
        (name, tuple((seconds(each["start"]), each["count"]) for each in series))
        for name, series in answer.items()
    )


def seconds(text: str) -> int:
    return to_epoch(parse_instant(text, PLAIN, end=False))


@FEWER
@given(st.sampled_from(TARGETS), st.sampled_from(ALL))
def test_a_recount_is_the_answer_of_the_report(target: str, candidate: Candidate) -> None:
    conventions = candidate.conventions
    assert recounted(target, conventions) == points(answered(target, conventions))


@FEWER
@given(st.lists(st.tuples(st.sampled_from(TARGETS), st.sampled_from(ALL)), max_size=6))
def test_earlier_counts_make_no_difference(asked: list[tuple[str, Candidate]]) -> None:
    for target, candidate in asked:
        pairs = tuple(parse_pairs(target.partition("?")[2].encode()))
        fresh = Recount(ROWS).predict(pairs, candidate.conventions)
        assert RECOUNT.predict(pairs, candidate.conventions) == fresh


@FEWER
@given(st.sampled_from(TARGETS), st.sampled_from(ALL))
def test_all_that_a_candidate_could_count_is_fetched(target: str, candidate: Candidate) -> None:
    pairs = tuple(parse_pairs(target.partition("?")[2].encode()))
    need = needed_conversations([pairs], PLAIN)
    brought = [row for row in ROWS if any(s.first <= row.created <= s.last for s in need.created)]
    conventions = candidate.conventions
    assert need.spam
    assert Recount(brought).predict(pairs, conventions) == RECOUNT.predict(pairs, conventions)


def test_a_request_that_would_be_refused_has_no_recount() -> None:
    assert RECOUNT.predict((("start", "x"),), PLAIN) is None


FIRST = SINCE
SENT = (("start", "2014-01-01"), ("end", "2014-01-04"), ("viewBy", "day"))


def record(*counts: int, at: tuple[int, ...] = (0, 1, 2), **others: Any) -> FitRecord:
    buckets = tuple((FIRST + day * DAY, count) for day, count in zip(at, counts, strict=True))
    return FitRecord("old:1", f"{PATH}?x", SENT, {"current": buckets}, **others)


def recount(*counts: int, days: int = 3) -> Prediction:
    starts = tuple(FIRST + day * DAY for day in range(days))
    return {"current": RecountedSeries(starts, FIRST + days * DAY - 1, counts)}


def judged(record: FitRecord, *counts: int, conventions: Conventions = PLAIN) -> object:
    return judge(record, recount(*counts, days=len(counts)), conventions)


def numbers(cells: Any) -> list[tuple[int, int]]:
    return [(cell.old, cell.new) for cell in cells]


def test_a_count_below_the_record_is_explained_by_conversations_that_have_gone() -> None:
    assert numbers(judged(record(5, 3, 0), 5, 1, 0)) == [(5, 5), (3, 1), (0, 0)]


def test_a_count_above_the_record_refutes() -> None:
    assert judged(record(5, 3, 0), 5, 3, 1) == Refuted("current[2].count", 0, 1)


def test_another_number_of_buckets_refutes() -> None:
    assert judged(record(5, 3, 0), 5, 3) == Refuted("current", 3, 2)


def test_buckets_with_other_starts_refute() -> None:
    found = judged(record(5, 3, 0, at=(0, 1, 3)), 5, 3, 0)
    assert found == Refuted("current[2].start", FIRST + 3 * DAY, FIRST + 2 * DAY)


def test_an_additional_series_refutes() -> None:
    predicted = {**recount(5, 3, 0), "previous": RecountedSeries((FIRST,), FIRST, (0,))}
    assert isinstance(judge(record(5, 3, 0), predicted, PLAIN), Refuted)


def test_a_request_that_would_be_refused_refutes() -> None:
    assert judge(record(5, 3, 0), None, PLAIN) == Refuted("status", 200, 400)


def test_a_zero_in_the_record_refutes_that_zeros_are_left_out() -> None:
    assert judged(record(5, 3, 0), 5, 3, 0, conventions=NO_ZEROS) == Refuted("current[2]", 0, None)


def test_a_gap_in_the_record_refutes_that_zeros_are_listed() -> None:
    gap = record(5, 3, at=(0, 2))
    assert isinstance(judged(gap, 5, 0, 3), Refuted)
    assert numbers(judged(gap, 5, 0, 2, conventions=NO_ZEROS)) == [(5, 5), (0, 0), (3, 2)]
    assert judged(gap, 5, 1, 3, conventions=NO_ZEROS) == Refuted("current[1].count", 0, 1)


def test_a_bucket_whose_conversations_have_all_gone_is_no_gap() -> None:
    assert numbers(judged(record(5, 1, 3), 5, 0, 3, conventions=NO_ZEROS))[1] == (1, 0)


def test_a_bucket_that_was_not_over_when_it_was_recorded_is_not_compared() -> None:
    taken = record(5, 3, 0, taken_at=FIRST + 2 * DAY + 3_600)
    assert numbers(judged(taken, 5, 3, 9)) == [(5, 5), (3, 3)]
    ahead = Conventions(clock_shift_minutes=-120)
    assert numbers(judged(taken, 5, 3, 9, conventions=ahead)) == [(5, 5)]


def cells(*numbers: tuple[int, int], length: int = DAY) -> dict[tuple[object, ...], Cell]:
    return {
        (0, "current", at): Cell("current", FIRST + at * DAY, FIRST + at * DAY + length, *pair)
        for at, pair in enumerate(numbers)
    }


def test_the_share_that_has_gone_counts_each_bucket_once() -> None:
    again = {(1, *key[1:]): cell for key, cell in cells((10, 9), (10, 10)).items()}
    assert share_gone([*again.values(), *cells((10, 9), (10, 10)).values()]) == 0.05
    assert share_gone([]) == 0


def test_among_few_conversations_a_large_share_may_have_gone_by_chance() -> None:
    assert not too_many_gone(cells((2, 1)).values(), 0.2)
    assert too_many_gone(cells((2_000, 1_000)).values(), 0.2)


def test_exact_agreement_weighs_more_than_what_has_gone() -> None:
    exact, short = cells(*[(4, 4)] * 30), cells(*[(4, 3)] * 30)
    assert weight(exact, short) > DECISIVE
    assert weight(short, exact) == -weight(exact, short)
    assert weight(exact, exact) == 0


def test_a_single_conversation_does_not_decide() -> None:
    assert 0 < weight(cells((20, 20)), cells((20, 19))) < DECISIVE


def test_buckets_that_overlap_are_evidence_once() -> None:
    apart = weight(cells((1, 1), (1, 1)), cells((1, 0), (1, 0)))
    lapping = weight(cells((1, 1), (1, 1), length=DAY + 1), cells((1, 0), (1, 0), length=DAY + 1))
    assert 0 < lapping < apart


def test_the_order_of_candidates_is_always_the_same_and_the_simplest_come_first() -> None:
    assert [each.changes for each in candidates(PLAIN, PERIOD)] == [each.changes for each in ALL]
    rules = [each.rules for each in ALL]
    assert rules == sorted(rules)
    assert ALL[0].conventions == PLAIN
    assert len({each.changes for each in ALL}) == len(ALL)


def test_every_candidate_is_a_setting_that_can_be_adopted() -> None:
    for changes in singles(PLAIN, PERIOD):
        values = {name: sorted(v) if isinstance(v, frozenset) else v for name, v in changes}
        assert Conventions.model_validate(values) == PLAIN.model_copy(update=dict(changes))


def test_from_other_conventions_the_defaults_are_tried_as_well() -> None:
    base = Conventions(end_included=False, start_snapped="monday", clock_shift_minutes=60)
    changes = list(singles(base, PERIOD))
    assert (("end_included", True),) in changes
    assert (("start_snapped", "exact"),) in changes
    assert (("clock_shift_minutes", 0),) in changes
    assert all(getattr(base, name) != value for each in changes for name, value in each)


def test_zones_with_the_same_clock_are_tried_once() -> None:
    zones = clocks(PERIOD)
    assert {"UTC", "Europe/Berlin", "America/New_York"} <= set(zones)
    assert not {"Europe/Paris", "America/Toronto"} & set(zones)
    assert "Europe/Paris" in clocks(PERIOD, "Europe/Paris")


def capture(target: str = f"{PATH}?start=2014-01-01&end=2014-01-02", **others: Any) -> Capture:
    plain: dict[str, Any] = {"status": 200, "body": b'{"current":[]}'} | others
    return Capture("old:7", target, **plain)


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (capture("/v2/conversations"), "another route"),
        (capture(method="POST"), "another route"),
        (capture("/v1/reports/conversations/busy-times.json?start=2014-01-01"), "another report"),
        (capture(status=400), "status 400"),
        (capture(body=b"<html>"), "no answer of this report"),
        (capture(body=b"[]"), "no answer of this report"),
        (capture(body=b'{"current":[{"start":"x","count":1}]}'), "no answer of this report"),
        (capture(body=b'{"current":[{"start":"2014-01-01","count":true}]}'), "no answer of"),
        (capture(body=b'{"previous":[]}'), "no answer of this report"),
        (Unreadable("old:7", "no JSON"), "unreadable: no JSON"),
    ],
)
def test_a_capture_that_cannot_be_used_is_set_aside_with_a_reason(
    odd: Capture | Unreadable, reason: str
) -> None:
    (aside,) = sort_captures([odd]).aside
    assert aside.place == "old:7"
    assert aside.reason.startswith(reason)


@pytest.mark.parametrize("sent", ["tags=1", "mailboxes[0]=7", "folders%5B%5D=7", "tags=,&tags=9"])
def test_captures_filtered_by_what_may_change_are_kept_apart(sent: str) -> None:
    found = sort_captures([capture(f"{PATH}?start=2014-01-01&end=2014-01-02&{sent}")])
    assert (len(found.fitted), len(found.filtered)) == (0, 1)


@pytest.mark.parametrize("sent", ["types=chat", "tags=", "mailboxes=,", "page=1"])
def test_captures_filtered_by_type_or_not_at_all_are_fitted(sent: str) -> None:
    found = sort_captures([capture(f"{PATH}?start=2014-01-01&end=2014-01-02&{sent}")])
    assert (len(found.fitted), len(found.filtered)) == (1, 0)


def test_the_same_answer_to_the_same_request_is_one_record() -> None:
    assert len(sort_captures([capture(), capture(), capture(taken_at=5)]).fitted) == 2


def test_about_half_of_all_targets_confirm_and_equal_targets_are_in_the_same_half() -> None:
    halves = [each.half for each in sort_captures(map(capture, TARGETS)).fitted]
    assert 0.3 < halves.count("confirm") / len(halves) < 0.7
    shuffled = random.Random(1).sample(TARGETS, len(TARGETS))
    again = {each.target: each.half for each in sort_captures(map(capture, shuffled)).fitted}
    assert halves == [again[each.target] for each in sort_captures(map(capture, TARGETS)).fitted]
