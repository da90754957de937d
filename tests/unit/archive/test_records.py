"""What is stored of a conversation, as API 2.0 showed it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compat.archive.records import ConversationRecord, ShownThreads, to_record
from compat.core.models import Row, Thread
from compat.v2.models import ConversationWithDocument, FullConversation
from compat.v2.threads import ConversationWithThreads
from tests.unit.archive.samples import CREATED, SEEN, instant

BARE = {
    "id": 7,
    "mailboxId": 1,
    "folderId": 11,
    "type": "email",
    "status": "closed",
    "state": "published",
    "createdAt": instant(CREATED),
    "tags": [{"id": 3}],
}
FACTS = {
    "number": 1007,
    "threads": 5,
    "closedAt": instant(CREATED + 10),
    "closedBy": 2,
    "userUpdatedAt": instant(CREATED + 20),
    "customerWaitingSince": {"time": instant(CREATED + 30)},
    "createdBy": {"id": 4, "type": "user"},
    "primaryCustomer": {"id": 91},
    "assignee": {"id": 6},
}
ROW = Row(CREATED, 7, 1, 11, "email", "closed", "published", (3,))
WRITTEN = {
    "id": 1,
    "type": "customer",
    "state": "published",
    "status": "active",
    "createdAt": instant(CREATED),
    "createdBy": {"id": 91, "type": "customer"},
    "customer": {"id": 91},
}
"""A thread."""
KEPT = Thread(CREATED, 1, "customer", by="customer", author=91, customer=91, status="active")


def recorded(read: FullConversation) -> ConversationRecord:
    """The record of a conversation that a list showed."""
    return to_record(read, SEEN, modified=False, current=False)


def test_each_fact_has_its_field() -> None:
    read = FullConversation.model_validate_json(json.dumps(BARE | FACTS))
    assert recorded(read) == ConversationRecord(
        ROW,
        SEEN,
        number=1007,
        closed=CREATED + 10,
        closed_by=2,
        created_by=4,
        customer=91,
        assignee=6,
        threads=5,
        updated=CREATED + 20,
        waiting_since=CREATED + 30,
    )


@pytest.mark.parametrize(("type_", "by_user"), [("user", 1), ("customer", 0), (None, 0)])
def test_with_threads_it_is_known_whether_a_user_created_it(
    type_: str | None, by_user: int
) -> None:
    payload = BARE | {"createdBy": {"id": 4, "type": type_}, "_embedded": {"threads": []}}
    record = recorded(ConversationWithThreads.model_validate_json(json.dumps(payload)))
    assert (record.created_by, record.by_user) == (4, by_user)


@pytest.mark.parametrize("facts", [{}, dict.fromkeys(FACTS)])
def test_what_is_not_shown_is_zero_or_none(facts: dict[str, Any]) -> None:
    read = FullConversation.model_validate_json(json.dumps(BARE | facts))
    assert recorded(read) == ConversationRecord(ROW, SEEN)


def test_the_document_is_stored_as_it_was_received() -> None:
    read = ConversationWithDocument.model_validate_json(json.dumps(BARE | {"subject": "Hello"}))
    document = recorded(read).document
    assert document is not None
    assert json.loads(document) == BARE | {"subject": "Hello"}


@pytest.mark.parametrize(("modified", "current"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize(("number", "complete"), [(1, True), (2, False)])
def test_threads_are_stored_with_what_the_answer_says_of_them(
    modified: bool, current: bool, number: int, complete: bool
) -> None:
    assert shown(number, WRITTEN, modified=modified, current=current) == ShownThreads(
        (KEPT,), complete=complete, seen=SEEN, modified=modified, current=current
    )


def test_threads_that_cannot_be_read_are_unknown_and_are_read_again() -> None:
    unreadable = WRITTEN | {"createdAt": None}
    assert shown(1, unreadable, modified=False, current=True) == ShownThreads(
        (), complete=False, seen=SEEN, modified=True
    )


def shown(number: int, thread: dict[str, Any], **answer: bool) -> ShownThreads | None:
    """The threads of a record, of a conversation that says that it has so many."""
    payload = BARE | {"threads": number, "_embedded": {"threads": [thread]}}
    read = ConversationWithThreads.model_validate_json(json.dumps(payload))
    return to_record(read, SEEN, **answer).shown


@pytest.mark.parametrize(
    ("ids", "complete", "current", "proved"),
    [
        ([1, 2], True, False, True),
        ([1], True, False, False),
        ([1], True, True, True),
        ([1, 2], False, False, False),
        ([1], False, True, False),
    ],
)
def test_a_list_proves_that_no_thread_is_gone_only_if_it_shows_all_that_are_held(
    ids: list[int], complete: bool, current: bool, proved: bool
) -> None:
    threads = tuple(KEPT._replace(id=id_) for id_ in ids)
    answer = ShownThreads(threads, complete=complete, seen=SEEN, current=current)
    assert answer.proves_absence_of([KEPT, KEPT._replace(id=2)]) is proved


@pytest.mark.parametrize(
    ("threads", "complete", "modified", "nothing"),
    [
        ((KEPT,), False, False, True),
        ((), False, False, True),
        ((KEPT._replace(id=2),), False, False, False),
        ((KEPT._replace(status="closed"),), False, False, False),
        ((KEPT,), False, True, False),
        ((KEPT,), True, False, False),
    ],
)
def test_an_incomplete_list_of_what_is_held_already_adds_nothing(
    threads: tuple[Thread, ...], complete: bool, modified: bool, nothing: bool
) -> None:
    answer = ShownThreads(threads, complete=complete, seen=SEEN, modified=modified)
    assert answer.adds_nothing_to([KEPT]) is nothing
