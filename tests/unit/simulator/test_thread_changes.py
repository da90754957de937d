"""Threads that are added, changed, moved and deleted while an account lives."""

from __future__ import annotations

from typing import Any

import pytest

from compat.simulator import Account, Behaviour, Conversation, Simulator, Thread
from compat.simulator.conversation import format_timestamp
from compat.simulator.payload_parser import add_conversation, parse_thread
from compat.simulator.thread_payloads import thread as thread_payload
from tests.unit.simulator.clients import get_page, ids, rows, signed_in, small_account

CREATED = 1_420_070_400


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = float(CREATED)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def account(clock: Clock) -> Account:
    return Account(clock=clock)


@pytest.fixture
def row(account: Account, clock: Clock) -> Conversation:
    """A conversation of a customer, an hour ago."""
    customer = 900_001
    message = Thread(1, CREATED, author_id=customer, customer_id=customer, status="active")
    found = account.add(assignee_id=4104, history=[message])
    clock.now += 3600
    return found


def latest(account: Account, row: Conversation) -> Thread:
    return account.threads(row.id)[-1]


def test_a_customer_who_writes_waits_and_no_user_has_changed_anything(
    account: Account, row: Conversation, clock: Clock
) -> None:
    account.reply(row.id, status="pending")
    clock.now += 60
    thread = account.write(row.id)
    now = account[row.id]
    assert (thread.type, thread.by, thread.status) == ("customer", "customer", "active")
    assert (now.status, now.threads, now.waiting_since) == ("active", 3, CREATED + 3660)
    assert (now.modified, now.user_updated) == (CREATED + 3660, CREATED + 3600)


def test_further_messages_do_not_make_a_customer_wait_anew(
    account: Account, row: Conversation
) -> None:
    account.write(row.id)
    assert account[row.id].waiting_since == CREATED


def test_a_reply_is_by_the_assignee_and_can_close(account: Account, row: Conversation) -> None:
    thread = account.reply(row.id, status="closed")
    now = account[row.id]
    assert (thread.type, thread.author_id) == ("message", 4104)
    assert (now.status, now.closed, now.closed_by) == ("closed", CREATED + 3600, 4104)
    assert now.waiting_since == CREATED + 3600


def test_a_customer_opens_a_closed_conversation_again(account: Account, row: Conversation) -> None:
    account.reply(row.id, status="closed")
    account.write(row.id)
    now = account[row.id]
    assert (now.status, now.closed, now.closed_by) == ("active", None, 0)


def test_a_conversation_that_is_closed_is_not_closed_again(
    account: Account, row: Conversation, clock: Clock
) -> None:
    account.close(row.id)
    clock.now += 60
    account.reply(row.id, status="closed")
    account.close(row.id)
    assert account[row.id].closed == CREATED + 3600


def test_closing_and_opening_leave_line_items(account: Account, row: Conversation) -> None:
    account.close(row.id)
    account.reopen(row.id, "pending")
    items = account.threads(row.id)[1:]
    assert [(each.type, each.state, each.customer_id) for each in items] == [
        ("lineitem", None, 0)
    ] * 2
    assert [(each.status, each.author_id) for each in items] == [
        ("closed", 4104),
        ("pending", 4104),
    ]
    assert account[row.id].threads == 1


def test_assigning_and_moving_leave_line_items_that_change_no_status(
    account: Account, row: Conversation
) -> None:
    account.assign(row.id, 4107)
    account.move(row.id, 8508)
    assigned, moved = account.threads(row.id)[1:]
    assert (assigned.status, assigned.assignee_id) == ("nochange", 4107)
    assert (moved.status, moved.type) == ("nochange", "lineitem")
    assert account[row.id].mailbox_id == 8508


def test_a_note_changes_nothing_but_the_modification(account: Account, row: Conversation) -> None:
    account.note(row.id)
    now = account[row.id]
    assert (now.threads, now.status, now.waiting_since) == (2, "active", CREATED)
    assert now.modified == CREATED + 3600


def test_a_thread_can_be_added_to_the_past(account: Account, row: Conversation) -> None:
    thread = account.reply(row.id, created=CREATED - 99, action="imported", status="closed")
    assert account.threads(row.id)[0] == thread
    assert (account[row.id].status, account[row.id].modified) == ("active", CREATED + 3600)


def test_a_draft_is_not_counted_until_it_is_sent(
    account: Account, row: Conversation, clock: Clock
) -> None:
    draft = account.reply(row.id, state="draft", status="closed")
    assert (account[row.id].threads, account[row.id].status) == (1, "active")
    clock.now += 60
    sent = account.send(row.id, draft.id)
    assert (sent.state, sent.created) == ("published", CREATED + 3660)
    assert account[row.id].threads == 2


def test_publishing_a_draft_sends_its_thread(account: Account, clock: Clock) -> None:
    row = account.add(state="draft")
    clock.now += 60
    assert (row.threads, account.publish(row.id).threads) == (0, 1)
    assert latest(account, row).created == CREATED + 60


def test_a_thread_can_be_changed(account: Account, row: Conversation) -> None:
    note = account.note(row.id)
    account.edit_thread(row.id, note.id, state="hidden", body="Secret")
    assert latest(account, row) == note._replace(state="hidden", body="Secret")
    assert account[row.id].threads == 1


def test_a_thread_that_is_deleted_is_gone(account: Account, row: Conversation) -> None:
    note = account.note(row.id)
    account.remove_thread(row.id, note.id)
    assert note.id not in {each.id for each in account.threads(row.id)}
    assert account[row.id].threads == 1


def test_a_deleted_thread_leaves_its_change_of_status(account: Account, row: Conversation) -> None:
    reply = account.reply(row.id, status="closed")
    account.remove_thread(row.id, reply.id)
    item = latest(account, row)
    assert (item.type, item.status, item.created) == ("lineitem", "closed", reply.created)
    assert (account[row.id].status, account[row.id].closed) == ("closed", reply.created)


@pytest.mark.parametrize("modifies", [True, False])
def test_a_late_rating_sets_the_modification_time_or_not(
    account: Account, row: Conversation, clock: Clock, modifies: bool
) -> None:
    reply = account.reply(row.id)
    with signed_in(Simulator(account, Behaviour(ratings_modify=modifies))) as client:
        clock.now += 60
        account.rate(row.id, reply.id, "not_good", "Too late")
        query = f"(modifiedAt:[{format_timestamp(CREATED + 3660)} TO *])"
        assert ids(get_page(client, query=query)) == [row.id] * modifies
        (shown,) = rows(get_page(client, embed="threads"))
    rated = shown["_embedded"]["threads"][0]
    assert rated["rating"] == {"customerId": 900_001, "rating": "not_good", "comments": "Too late"}
    assert rated["createdAt"] == format_timestamp(CREATED + 3600)
    assert shown["userUpdatedAt"] == format_timestamp(CREATED + 3600)


def test_after_a_merge_another_customer_may_rate(account: Account, row: Conversation) -> None:
    other = account.add(customer_id=row.customer_id + 5)
    reply = account.reply(row.id)
    account.merge(other.id, row.id)
    account.rate(row.id, reply.id, "okay", rater_id=other.customer_id)
    with signed_in(Simulator(account)) as client:
        (shown,) = rows(get_page(client, embed="threads"))
    rated = next(each for each in shown["_embedded"]["threads"] if each["id"] == reply.id)
    rating = {"customerId": other.customer_id, "rating": "okay", "comments": ""}
    assert (rated["rating"], rated["customer"]["id"]) == (rating, row.customer_id)


def test_a_behaviour_that_is_replaced_decides_about_later_ratings(account: Account) -> None:
    simulator = Simulator(account)
    assert account.ratings_modify
    simulator.behaviour = Behaviour(ratings_modify=False)
    assert not account.ratings_modify


def test_a_new_thread_makes_a_conversation_modified(
    account: Account, row: Conversation, clock: Clock
) -> None:
    query = f"(modifiedAt:[{format_timestamp(CREATED + 1)} TO *])"
    with signed_in(Simulator(account)) as client:
        before = ids(get_page(client, query=query))
        account.write(row.id)
        after = ids(get_page(client, query=query))
    assert (before, after) == ([], [row.id])


def test_a_thread_that_arrives_shifts_the_pages(account: Account, row: Conversation) -> None:
    for _ in range(29):
        account.note(row.id)
    with signed_in(Simulator(account)) as client:
        path = f"/conversations/{row.id}/threads"
        first = client.get(path).json()["_embedded"]["threads"]
        account.write(row.id)
        second = client.get(path, params={"page": 2}).json()["_embedded"]["threads"]
    assert second[0]["id"] == first[-1]["id"]
    assert len(second) == 6


def test_lists_that_lag_show_the_threads_of_then(account: Account, row: Conversation) -> None:
    with signed_in(Simulator(account, Behaviour(index_lag=60))) as client:
        thread = account.write(row.id)
        (shown,) = rows(get_page(client, embed="threads"))
        current = client.get(f"/conversations/{row.id}/threads").json()["_embedded"]["threads"]
    embedded = shown["_embedded"]["threads"]
    assert [each["id"] for each in current] == [thread.id, *(each["id"] for each in embedded)]


def test_merging_moves_the_threads_with_their_ids(account: Account, row: Conversation) -> None:
    gone = account.add(customer_id=900_055)
    reply = account.reply(gone.id, status="closed")
    mine = {each.id for each in account.threads(gone.id)}
    account.merge(gone.id, row.id)
    found = {each.id: each for each in account.threads(row.id)}
    assert mine < set(found)
    assert (found[reply.id].status, found[reply.id].customer_id) == ("nochange", 900_055)
    assert account[row.id].status == "active"
    assert latest(account, row).action == "merged"
    assert [shown.id for shown, _ in account.histories()] == [row.id]


def test_a_merged_conversation_that_is_restored_takes_its_threads_back(account: Account) -> None:
    one, two, three = (account.add(), account.add(), account.add())
    account.reply(one.id)
    before = account.threads(one.id)
    account.merge(one.id, two.id)
    account.merge(two.id, three.id)
    account.restore(one.id)
    account.restore(two.id)
    assert account.threads(one.id) == before
    every = [each.id for _, threads in account.histories() for each in threads]
    assert len(every) == len(set(every))
    assert account[one.id].threads == 2


def test_a_thread_that_is_parsed_from_its_payload_is_the_same() -> None:
    account = small_account(200)
    for row, threads in account.histories():
        for each in threads:
            payload = thread_payload(each, row, account.layout)
            assert parse_thread(payload)._replace(body=None) == each


def described(**others: Any) -> dict[str, Any]:
    threads = [
        {
            "id": 3,
            "type": "customer",
            "createdAt": "2015-01-06T09:00:00Z",
            "createdBy": {"id": 102, "type": "customer"},
            "customer": {"id": 102},
            "status": "active",
            "state": "published",
        },
        {
            "id": 9,
            "type": "lineitem",
            "createdAt": "2015-01-08T12:00:00Z",
            "createdBy": {"id": 2, "type": "user"},
            "status": "closed",
            "state": "published",
        },
    ]
    required = {"id": 12, "createdAt": "2015-01-06T09:00:00Z", "threads": threads}
    return required | others


def test_a_conversation_can_be_described_by_its_payload(account: Account) -> None:
    row = add_conversation(account, described(cust=102, tags=[7], type="phone"))
    assert (row.id, row.customer_id, row.tag_ids, row.type) == (12, 102, (7,), "phone")
    assert format_timestamp(row.closed or 0) == "2015-01-08T12:00:00Z"
    assert (row.status, row.closed_by, row.threads) == ("closed", 2, 1)
    with signed_in(Simulator(account)) as client:
        (shown,) = rows(get_page(client, status="closed", embed="threads"))
    assert shown["tags"] == [{"id": 7, "color": "none", "tag": "tag 7"}]
    add_conversation(account, shown | {"id": 13})
    again = tuple(each._replace(body=None) for each in account.threads(13))
    assert again == account.threads(12)


def test_what_a_payload_says_comes_before_what_follows_from_its_threads(account: Account) -> None:
    row = add_conversation(account, described(status="spam", state="deleted", closedBy=1))
    assert (row.status, row.state, row.closed_by) == ("spam", "deleted", 1)
