"""Full conversations, their documents, and lists of what was modified."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
from pydantic import ValidationError

from compat.simulator import Account, Behaviour, Simulator, make_account
from compat.v2.client import Client
from compat.v2.models import (
    ConversationWithDocument,
    FullConversation,
    FullConversationPage,
    ListPage,
    Page,
    PageInfo,
    PageWithDocuments,
    fault_of_page,
    hides_rows,
    waiting_time,
    whole_second,
)
from compat.v2.pagination import Paginator
from compat.v2.search import FIRST_SECOND, LAST_SECOND, Selection, Window
from compat.v2.threads import PageWithThreads, PageWithThreadsAndDocuments
from tests.unit.v2.upstream import (
    FIRST,
    QUIET,
    Stage,
    Upstream,
    answer,
    conversation,
    in_turn,
    page_of,
)

EVER = Window(FIRST_SECOND, LAST_SECOND)


def test_documents_are_stored_as_they_were_received(upstream: Upstream, client: Client) -> None:
    shown = [
        conversation(7) | {"subject": 'a "ü" \\ \U0001f600', "customFields": [{"text": None}]},
        conversation(8, FIRST + 1) | {"new": {"deep": [1.5, True, 12345678901234567890]}},
    ]
    upstream.script = in_turn(page_of(shown))
    (page,) = Paginator(client, Selection(), PageWithDocuments).batches(EVER)
    assert [json.loads(row.document) for row in page.rows] == shown


def test_a_conversation_by_itself_keeps_its_document() -> None:
    shown = conversation(7) | {"subject": 'a "ü" \\ \U0001f600', "new": [None, 1.5]}
    row = ConversationWithDocument.model_validate_json(json.dumps(shown))
    assert (row.id, json.loads(row.document)) == (7, shown)


def test_a_page_that_keeps_documents_says_what_is_wrong_with_its_json() -> None:
    with pytest.raises(ValidationError) as caught:
        PageWithDocuments.model_validate_json('{"page": ')
    assert [error["type"] for error in caught.value.errors()] == ["json_invalid"]


def test_models_without_documents_keep_none(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(page_of([conversation(7)]))
    (page,) = Paginator(client, Selection(), FullConversationPage).batches(EVER)
    assert [row.document for row in page.rows] == [b""]


THREAD = {
    "id": 1,
    "type": "message",
    "status": "active",
    "createdAt": "2015-01-01T00:00:00Z",
    "createdBy": {"id": 3, "type": "user", "first": "Ana"},
    "customer": {"id": 4},
    "rating": {"customerId": 4, "rating": "great"},
    "_embedded": {"attachments": [{"id": 1}]},
}
EVERY_KEY = conversation(7) | {
    "number": 7,
    "threads": 1,
    "mailboxId": 1,
    "folderId": 2,
    "type": "email",
    "closedAt": "2015-01-01T00:00:00.25+01:00",
    "closedBy": 3,
    "userUpdatedAt": "2015-01-01T00:00:00Z",
    "customerWaitingSince": {"time": "2015-01-01T00:00:00Z"},
    "createdBy": {"id": 3, "type": "user"},
    "primaryCustomer": {"id": 4, "first": "Ines"},
    "assignee": {"id": 3},
    "tags": [{"id": 1, "tag": "red"}],
    "_embedded": {"threads": [THREAD]},
}
ODD_JSON = (
    "null",
    "true",
    "0",
    "-1",
    "1420070400",
    "1.0",
    "1e400",
    "NaN",
    "9223372036854775808",
    "123456789012345678901234567890",
    '""',
    '"7"',
    '"1420070400"',
    '"2015-01-01"',
    '"2015-01-01T00:00:00"',
    '"2015-01-01 00:00:00Z"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59.9999999Z"',
    '"2015-13-01T00:00:00Z"',
    "[]",
    "[1]",
    "[null]",
    "{}",
    '{"id": "7"}',
    '[{"id": 7}, {"id": "7"}]',
    '{"id": 1, "id": 2}',
)


@pytest.mark.parametrize("odd", ODD_JSON)
@pytest.mark.parametrize(
    ("keeping", "reading"),
    [(PageWithDocuments, FullConversationPage), (PageWithThreadsAndDocuments, PageWithThreads)],
)
def test_a_page_that_keeps_documents_reads_all_values_as_one_that_keeps_none(
    keeping: type[Page[Any]], reading: type[Page[Any]], odd: str
) -> None:
    body = page_text([EVERY_KEY])
    assert what_is_read(keeping, body)["conversations"]
    for path in paths_of(json.loads(body)):
        changed = json.loads(body)
        set_at(changed, path, "ODD")
        text = json.dumps(changed).replace('"ODD"', odd)
        assert what_is_read(keeping, text) == what_is_read(reading, text), path


def page_text(rows: list[dict[str, Any]]) -> str:
    facts = {"size": 25, "totalElements": len(rows), "totalPages": 1, "number": 1}
    return json.dumps({"_embedded": {"conversations": rows}, "page": facts})


def what_is_read(model: type[Page[Any]], text: str) -> dict[str, Any]:
    """What a model reads in a page, or which of its keys it refuses."""
    try:
        page = model.model_validate_json(text)
    except ValidationError as invalid:
        return {"refused": [error["loc"] for error in invalid.errors(include_input=False)]}
    return {
        # As text: a value that is not a number equals nothing, not even itself.
        "conversations": [repr(row.model_dump(exclude={"document"})) for row in page.rows],
        "page": page.page.model_dump(),
    }


def paths_of(value: Any) -> list[tuple[Any, ...]]:
    """The keys and positions that lead to each value within a JSON value."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [(key, *path) for key, each in items for path in ((), *paths_of(each))]


def set_at(value: Any, path: tuple[Any, ...], new: object) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def test_an_empty_page_has_no_documents(upstream: Upstream, client: Client) -> None:
    facts = {"size": 25, "totalElements": 0, "totalPages": 0, "number": 1}
    upstream.script = in_turn(answer({"page": facts}))
    (page,) = Paginator(client, Selection(), PageWithDocuments).batches(EVER)
    assert (page.rows, page.complete_until) == ((), LAST_SECOND)


def test_all_facts_are_read(stage_and_client: tuple[Stage, Client]) -> None:
    stage, client = stage_and_client
    account = make_account(200, 3)
    stage.playing = Simulator(account, QUIET)
    pages = Paginator(client, Selection(), FullConversationPage).batches(EVER)
    rows = {row.id: row for page in pages for row in page.rows}
    assert rows.keys() == {row.id for row in account.conversations() if row.listed}
    for id_, row in rows.items():
        true = account[id_]
        assert (row.number, row.threads) == (true.number, true.threads)
        assert (row.closed_by, row.closed_at is None) == (true.closed_by, true.closed is None)
        assert row.closed_at is None or row.closed_at.timestamp() == true.closed
        assert row.updated_at is not None
        assert row.updated_at.timestamp() == true.modified
        waiting_since = waiting_time(row.waiting_since)
        assert waiting_since is not None
        assert waiting_since.timestamp() == true.waiting_since
        assert row.customer is not None
        assert row.customer.id == true.customer_id
        assert (row.assignee.id if row.assignee else 0) == true.assignee_id
        assert row.created_by is not None
        assert row.created_by.id == (true.created_by or true.customer_id)


@pytest.mark.parametrize("odd", [None, "", "nobody", 1.5, [], {}, [{}], True, 2**63])
def test_a_fact_that_is_not_needed_counts_as_missing_if_its_type_is_wrong(odd: Any) -> None:
    keys = ("closedAt", "userUpdatedAt", "customerWaitingSince", "primaryCustomer", "assignee")
    payload = conversation(7, **dict.fromkeys((*keys, "createdBy", "closedBy", "threads"), odd))
    row = FullConversation.model_validate_json(json.dumps(payload))
    assert (row.closed_at, row.updated_at, waiting_time(row.waiting_since)) == (None, None, None)
    assert {each.id for each in (row.customer, row.assignee, row.created_by) if each} <= {None}


@pytest.mark.parametrize("key", ["closedAt", "userUpdatedAt"])
@pytest.mark.parametrize("odd", ["", "2015-01-01", "2015-01-01T00:00:00", 1_420_070_400])
def test_what_is_no_instant_counts_as_missing(key: str, odd: Any) -> None:
    row = FullConversation.model_validate_json(json.dumps(conversation(7, **{key: odd})))
    assert (row.closed_at, row.updated_at) == (None, None)


@pytest.mark.parametrize(
    "odd",
    [
        *("20150105", "1420070400", "1420070400.5", "P1D", "15-01-05T00:00:00Z"),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "10000-01-01T00:00:00Z"),
    ],
)
def test_a_creation_time_that_is_no_instant_of_the_calendar_is_refused(odd: str) -> None:
    with pytest.raises(ValidationError, match="createdAt"):
        FullConversation.model_validate_json(json.dumps(conversation(7, createdAt=odd)))


@pytest.mark.parametrize(
    "written",
    [
        *("2015-01-01T01:00:00+01:00", "2015-01-01T00:00:00.999Z", "2015-01-01 00:00:00z"),
        *("2015-01-01T00:00Z", "2014-12-31T23:59:59.9999999+00:00", "2015-01-01T00:00:00,5Z"),
    ],
)
def test_an_instant_may_be_written_in_other_ways(written: str) -> None:
    payload = json.dumps(conversation(7, createdAt=written))
    created = FullConversation.model_validate_json(payload).created_at
    second = datetime(2015, 1, 1, tzinfo=UTC)
    assert abs((created - second).total_seconds()) < 1


def test_with_a_tag_of_a_negative_id_all_tags_are_unknown() -> None:
    payload = json.dumps(conversation(7, tags=[{"id": 1}, {"id": -1}]))
    assert FullConversation.model_validate_json(payload).tags is None


def test_an_instant_in_place_of_the_object_is_when_the_customer_waits_since() -> None:
    payload = conversation(7, customerWaitingSince="2015-01-01T00:00:00Z")
    row = FullConversation.model_validate_json(json.dumps(payload))
    assert waiting_time(row.waiting_since) == datetime(2015, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "body", [{"_embedded": None}, {"_embedded": {"mailboxes": None}}, {"page": None}, {}]
)
def test_a_list_that_is_null_is_empty(body: dict[str, object]) -> None:
    page = ListPage.model_validate_json(json.dumps(body))
    assert (page.rows, page.total_pages) == ((), 1)


@pytest.mark.parametrize(
    ("instant", "second"),
    [
        (datetime(2015, 1, 1, tzinfo=UTC), FIRST),
        (datetime(2015, 1, 1, microsecond=999_999, tzinfo=UTC), FIRST),
        (datetime(2015, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), FIRST),
        (datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC), -1),
    ],
)
def test_a_whole_second_is_the_one_in_which_an_instant_lies(instant: datetime, second: int) -> None:
    found = whole_second(instant)
    assert (found, type(found)) == (second, int)


EMPTY = "is empty although its total is not"
TOO_FEW = "says that there are fewer pages than its total needs"


@pytest.mark.parametrize(
    ("number", "rows", "total", "pages", "size", "fault"),
    [
        (1, 0, 0, 0, 25, ""),
        (1, 0, 0, 1, 25, ""),
        (1, 0, 1, 1, 25, EMPTY),
        (1, 0, 1, 0, 25, EMPTY),
        (2, 0, 30, 2, 25, EMPTY),
        (2, 0, 3, 1, 25, ""),  # past the end
        (3, 0, 30, 2, 25, ""),
        (1, 25, 50, 2, 25, ""),
        (1, 25, 51, 2, 25, TOO_FEW),
        (2, 1, 51, 2, 25, TOO_FEW),  # a last page need not be full
        (1, 3, 26, 1, 25, TOO_FEW),
        (1, 3, 26, 0, 25, TOO_FEW),
        (1, 3, 25, 1, 25, ""),  # rows may have left between the count and the page
        (1, 30, 60, 2, 25, ""),  # a page shows more than its size says
        (1, 30, 61, 2, 25, TOO_FEW),
        (1, 3, 3, 1, None, ""),
        (1, 3, 4, 1, None, TOO_FEW),
        (1, 3, 4, 0, 0, TOO_FEW),
        (1, 3, 50, 2, None, ""),  # the first page may be shorter than the second
    ],
)
def test_a_page_must_not_contradict_what_it_says_of_its_list(
    *, number: int, rows: int, total: int, pages: int, size: int | None, fault: str
) -> None:
    info = PageInfo(totalElements=total, totalPages=pages, size=size)
    assert info.contradiction(number, rows) == fault
    assert fault_of_page(number, {}, info, rows) == fault


@pytest.mark.parametrize(
    ("embedded", "fault"),
    [({}, ""), ({"threads": []}, ""), (None, "shows neither entries nor a total")],
)
def test_a_page_that_says_nothing_of_its_list_must_show_entries(
    embedded: object, fault: str
) -> None:
    assert fault_of_page(1, embedded, None, 0) == fault


@pytest.mark.parametrize(
    ("pages", "total", "hidden"),
    [
        ([[1, 2], [3, 4]], 4, False),
        ([[1, 2], [3, 4]], 5, False),  # a row is gone, and none came twice
        ([[1, 2], [2, 3]], 3, False),  # a new row moved one to the second page
        ([[1, 2], [2, 3]], 4, True),
        ([[1, 2], [1, 2]], 4, True),
        ([[1, 1, 2], [2, 3]], 4, False),  # a row that a page shows twice is counted twice
        ([[1, 1, 2], [2, 3]], 5, True),
        ([[1, 2], [2, 3]], None, False),
        ([], 4, False),
    ],
)
def test_pages_hide_rows_if_some_came_twice_and_the_total_counts_more(
    pages: list[list[int]], total: int | None, hidden: bool
) -> None:
    latest = None if total is None else PageInfo(totalElements=total, totalPages=2)
    assert hides_rows(pages, latest) is hidden


def test_what_was_modified_is_returned_even_if_it_changes_all_the_time(
    stage_and_client: tuple[Stage, Client],
) -> None:
    stage, client = stage_and_client
    seconds = count(FIRST + 10_000)
    account = Account(clock=lambda: next(seconds))
    old = [account.add(FIRST + at) for at in range(100)]
    since = next(seconds)
    touched = {row.id for row in old[::2]}
    for id_ in touched:
        account.touch(id_)

    def touch(account: Account, _target: str) -> None:
        for id_ in touched:
            account.touch(id_)

    stage.playing = Simulator(account, Behaviour(rate_limit=None), before_request=touch)
    pages = Paginator(client, Selection(modified_since=since), FullConversationPage).batches(EVER)
    assert {row.id for page in pages for row in page.rows} == touched
