"""The conversations behind the counts: which, in what order, on which page, with what keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.models import Document, NamedTag, Person, Row, RowSet
from compat.reports import AnswerFromDocuments, new_conversations, new_drilldown, new_ids
from compat.reports.created import conversation_query
from compat.v1.models import NewIds
from compat.v1.query import ReportQuery
from tests.strategies import Case, cases, previous_ranges
from tests.unit.reports.samples import DAY, FIRST, query, row, span

PLAIN = Conventions()
KEYS = [
    *("id", "number", "type", "mailboxid", "attachments", "subject", "status", "threadCount"),
    *("preview", "customerName", "customerEmail", "customerIds", "modifiedAt", "waitingSince"),
    *("waitingSinceType", "assignedid", "tags", "assignedName"),
]
"""The order of the vendor's example, with the two keys that were seen beside it."""

MINIMAL = Document(
    id=583,
    number=12345,
    type="email",
    mailbox=2,
    subject="Sample subject",
    status="active",
    threads=6,
    preview="This is a preview...",
    customer=Person(2, "John", "Smith", "john@example.com"),
    assignee=Person(),
    updated=FIRST,
    waiting_since=FIRST,
    tags=(),
)
MARY = Person(4, "Mary", "Jones", "mary@example.com")


def found(*rows: Row) -> RowSet:
    return RowSet(sorted(rows), FIRST, 0.0)


def details(
    asked: ReportQuery, rows: Sequence[Row], conventions: Conventions = PLAIN
) -> AnswerFromDocuments:
    return new_drilldown.answer(asked, found(*rows), conventions)


def page(asked: ReportQuery, rows: Sequence[Row], *shown: Document) -> dict[str, Any]:
    content = details(asked, rows).answer(shown)
    return cast("dict[str, Any]", json.loads(content.model_dump_json())["conversations"])


def content_of(**others: Any) -> dict[str, Any]:
    """The row of a conversation, as JSON has it."""
    [found_row] = page(query(), [row()], replace(MINIMAL, **others))["results"]
    return cast("dict[str, Any]", found_row)


def listed(how_many: int) -> list[Row]:
    return [row(FIRST + at, id=at + 1) for at in range(how_many)]


@pytest.mark.parametrize(
    ("how_many", "rows", "pages"),
    [(0, 10, 0), (1, 10, 1), (9, 10, 1), (10, 10, 1), (11, 10, 2), (101, 50, 3), (3, 1, 3)],
)
def test_pages_are_as_many_as_it_takes(how_many: int, rows: int, pages: int) -> None:
    content = page(query(rows=rows), listed(how_many))
    assert (content["count"], content["pages"], content["page"]) == (how_many, pages, 1)


def test_the_envelope_has_the_keys_of_the_example_in_their_order() -> None:
    content = details(query(), []).answer([])
    assert content.model_dump_json() == (
        '{"conversations":{"pages":0,"page":1,"count":0,"results":[]}}'
    )


@pytest.mark.parametrize(
    ("number", "ids"), [(1, [12, 11, 10, 9, 8]), (2, [7, 6, 5, 4, 3]), (3, [2, 1]), (4, [])]
)
def test_each_page_shows_its_part_the_newest_first(number: int, ids: list[int]) -> None:
    asked = details(query(page=number, rows=5), listed(12))
    assert list(asked.ids) == ids


def test_a_page_past_the_end_is_empty_and_counts_the_same() -> None:
    content = page(query(page=9, rows=5), listed(12))
    assert content == {"pages": 3, "page": 9, "count": 12, "results": []}


def test_of_one_second_the_greater_id_comes_first() -> None:
    rows = [row(FIRST, id=1), row(FIRST, id=3), row(FIRST, id=2), row(FIRST + 1, id=0)]
    assert list(details(query(), rows).ids) == [0, 3, 2, 1]


@given(ids=st.sets(st.integers(1, 999), max_size=40), rows=st.integers(1, 50), data=st.data())
def test_all_pages_together_list_each_conversation_once(
    ids: set[int], rows: int, data: st.DataObject
) -> None:
    seconds = st.sampled_from([FIRST, FIRST + 1, FIRST + DAY])
    held = [row(data.draw(seconds), id=each) for each in sorted(ids)]
    pages = page(query(rows=rows), held)["pages"]
    seen = [
        each
        for number in range(1, pages + 1)
        for each in details(query(page=number, rows=rows), held).ids
    ]
    assert sorted(seen) == sorted(ids)
    assert seen == sorted(seen, key=lambda each: _place(held, each), reverse=True)


def _place(held: Sequence[Row], wanted: int) -> tuple[int, int]:
    [found_row] = [each for each in held if each.id == wanted]
    return found_row.created, found_row.id


def test_every_key_is_there_in_the_documented_order() -> None:
    assert list(content_of(assignee=MARY)) == KEYS


def test_the_documented_example_comes_out_as_it_was() -> None:
    content = content_of(
        assignee=MARY, updated=1_429_901_989, tags=(NamedTag(123, "sample-tag", "none"),)
    )
    seen_beside_it = {"waitingSince": content["waitingSince"], "waitingSinceType": 2}
    assert content == seen_beside_it | {
        "id": 583,
        "number": 12345,
        "type": "email",
        "mailboxid": 2,
        "attachments": False,
        "subject": "Sample subject",
        "status": "active",
        "threadCount": 6,
        "preview": "This is a preview...",
        "customerName": "John Smith",
        "customerEmail": "john@example.com",
        "customerIds": [2],
        "modifiedAt": "2015-04-24T18:59:49Z",
        "assignedid": 4,
        "tags": [{"id": 123, "name": "sample-tag", "color": "none"}],
        "assignedName": "Mary Jones",
    }


def test_where_nobody_is_assigned_there_is_no_name_and_the_id_is_zero() -> None:
    content = content_of(assignee=Person())
    assert "assignedName" not in content
    assert content["assignedid"] == 0
    assert list(content) == KEYS[:-1]


@pytest.mark.parametrize(
    ("customer", "name"),
    [
        (Person(2, "John", "Smith", "j@example.com"), "John Smith"),
        (Person(2, "John", "", "j@example.com"), "John"),
        (Person(2, "", "Smith", "j@example.com"), "Smith"),
        (Person(2, "", "", "j@example.com"), "j@example.com"),
        (Person(), ""),
    ],
)
def test_a_customer_without_a_name_goes_by_the_address(customer: Person, name: str) -> None:
    assert content_of(customer=customer)["customerName"] == name


def test_a_conversation_without_a_customer_has_no_customer_ids() -> None:
    content = content_of(customer=Person())
    assert (content["customerIds"], content["customerEmail"]) == ([], "")


@pytest.mark.parametrize(
    ("shown", "word"),
    [("none", "none"), ("blue", "blue"), ("#929499", "none"), ("", "none"), ("929499", "none")],
)
def test_a_colour_is_a_word(shown: str, word: str) -> None:
    assert content_of(tags=(NamedTag(1, "a", shown),))["tags"][0]["color"] == word


@pytest.mark.parametrize(("updated", "waiting"), [(FIRST + 9, FIRST), (FIRST, FIRST + 9)])
def test_it_was_modified_when_anything_last_happened(updated: int, waiting: int) -> None:
    content = content_of(updated=updated, waiting_since=waiting)
    assert content["modifiedAt"] == "2015-01-01T00:00:09Z"


def test_since_when_the_customer_waits_is_reported() -> None:
    content = content_of(updated=FIRST, waiting_since=FIRST + 9)
    assert (content["waitingSince"], content["waitingSinceType"]) == ("2015-01-01T00:00:09Z", 2)


def test_what_has_gone_meanwhile_is_left_out_and_still_counted() -> None:
    content = page(query(), listed(3), replace(MINIMAL, id=3), replace(MINIMAL, id=1))
    assert [each["id"] for each in content["results"]] == [3, 1]
    assert content["count"] == 3


@pytest.mark.parametrize(("included", "ids"), [(True, [3, 2, 1]), (False, [2, 1])])
def test_conventions_say_whether_the_last_second_belongs_to_it(
    included: bool, ids: list[int]
) -> None:
    rows = [row(FIRST, id=1), row(FIRST + 8, id=2), row(FIRST + 9, id=3), row(FIRST + 10, id=4)]
    conventions = Conventions(end_included=included)
    assert list(details(query(FIRST, FIRST + 9), rows, conventions).ids) == ids


def test_what_is_needed_is_what_the_counts_need() -> None:
    asked = query(mailboxes=(2,), folders=(11,), page=3)
    assert new_drilldown.required_data(asked, PLAIN) == conversation_query(asked, PLAIN)


held_rows = st.lists(
    st.builds(
        Row,
        created=st.integers(FIRST - 1, FIRST + 20),
        id=st.integers(1, 99),
        mailbox=st.just(1),
        folder=st.just(11),
        type=st.sampled_from(["email", "chat", "phone"]),
        status=st.sampled_from(["active", "closed", "spam"]),
        state=st.sampled_from(["published", "draft"]),
        tags=st.sets(st.sampled_from([1, 8, 9])).map(tuple),
    ),
    max_size=20,
    unique_by=lambda held: held.id,
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.sets(st.sampled_from([1, 8, 9]), min_size=1).map(tuple),
        "types": st.sets(st.sampled_from(["email", "chat", "phone"]), min_size=1).map(tuple),
    },
)


conventions_drawn = st.builds(
    Conventions,
    end_included=st.booleans(),
    uncounted_statuses=st.sampled_from([frozenset({"spam"}), frozenset(), frozenset({"closed"})]),
    tags_match=st.sampled_from(["any", "all"]),
)


@given(rows=held_rows, asked=filters, length=st.integers(0, 20), conventions=conventions_drawn)
def test_its_count_is_the_sum_of_the_counts(
    rows: list[Row], asked: dict[str, Any], length: int, conventions: Conventions
) -> None:
    question = query(FIRST, FIRST + length, **asked)
    counts = new_conversations.answer(question, found(*rows), conventions).current
    content = details(question, rows, conventions).answer([])
    listed_count = json.loads(content.model_dump_json())["conversations"]["count"]
    assert listed_count == sum(bucket.count for bucket in counts)


def _counts(answer: NewIds) -> list[Any]:
    series = [answer.current, answer.previous or ()]
    return [[(bucket.start, bucket.count) for bucket in each] for each in series]


@given(case=cases(), data=st.data(), gaps=st.booleans())
def test_the_ids_behind_the_counts_are_as_many_as_the_counts(
    case: Case, data: st.DataObject, gaps: bool
) -> None:
    conventions = Conventions(
        month_step=case.month_step, end_included=case.end_included, empty_buckets_listed=gaps
    )
    previous = span(*data.draw(previous_ranges(case)))
    asked = query(case.start, case.end, view_by=case.view_by, previous=previous)
    rows = [row(second, id=at) for at, second in enumerate(case.instants)]
    counts = new_conversations.answer(asked, found(*rows), conventions)
    behind = new_ids.answer(asked, found(*rows), conventions)
    assert _counts(behind) == [
        [(bucket.start, bucket.count) for bucket in series or ()]
        for series in (counts.current, counts.previous)
    ]
    for bucket in (*behind.current, *(behind.previous or ())):
        assert len(bucket.ids) == bucket.count == len(set(bucket.ids))
        assert list(bucket.ids) == sorted(bucket.ids)


@given(case=cases())
def test_each_id_is_in_the_bucket_of_its_second(case: Case) -> None:
    conventions = Conventions(month_step=case.month_step, end_included=case.end_included)
    asked = query(case.start, case.end, view_by=case.view_by)
    rows = [row(second, id=at) for at, second in enumerate(case.instants)]
    behind = new_ids.answer(asked, found(*rows), conventions).current
    openings = [int(bucket.start.timestamp()) for bucket in behind]
    for bucket, opens, closes in zip(behind, openings, [*openings[1:], None], strict=True):
        for each in bucket.ids:
            assert opens <= case.instants[each]
            assert closes is None or case.instants[each] < closes


def test_ids_have_no_previous_series_where_none_was_asked_for() -> None:
    answer = new_ids.answer(query(), found(row()), PLAIN)
    assert list(json.loads(answer.model_dump_json())) == ["current"]
    assert list(json.loads(answer.model_dump_json())["current"][0]) == ["start", "count", "ids"]
