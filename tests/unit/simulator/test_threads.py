"""Threads: made up from the record of their conversation, embedded in it, and listed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from compat.simulator import Account, Behaviour, Conversation, Simulator, Thread, make_account
from compat.simulator.conversation import format_timestamp
from tests.unit.simulator.clients import NOW, get_page, listed, rows, signed_in

PERSON = ["id", "type", "first", "last", "email", "photoUrl"]
KEYS = [
    *("id", "type", "status", "state", "action", "body", "source", "customer", "createdBy"),
    *("assignedTo", "savedReplyId", "to", "cc", "bcc", "createdAt", "rating", "_embedded"),
    "_links",
]
OPTIONAL = {"assignedTo", "savedReplyId", "rating", "_embedded"}
CREATED = 1_420_070_400

Json = dict[str, Any]


@pytest.fixture(scope="module")
def large() -> Account:
    return make_account(3000, 3, NOW)


def get_threads(client: httpx.Client, conversation_id: int, page: int = 1) -> list[Json]:
    answer = client.get(f"/conversations/{conversation_id}/threads", params={"page": page})
    found: list[Json] = answer.json()["_embedded"]["threads"]
    return found


def all_threads(client: httpx.Client, account: Account) -> list[Json]:
    return [each for row in listed(account)[:100] for each in get_threads(client, row.id)]


def history(*threads: tuple[str, str, str]) -> tuple[Thread, ...]:
    """Threads a minute apart, by type, author (a customer or a user) and status."""
    people = {"customer": 101, "user": 4101}
    return tuple(
        Thread(at + 1, CREATED + 60 * at, kind, by, people[by], 101, status)
        for at, (kind, by, status) in enumerate(threads)
    )


def walked(threads: tuple[Thread, ...]) -> tuple[str | None, int | None, int]:
    """The status after the threads, and when and by whom it was last made closed."""
    status, closed, closed_by = None, None, 0
    for each in threads:
        if each.status != "nochange":
            if each.status != "closed":
                closed, closed_by = None, 0
            elif status != "closed":
                closed, closed_by = each.created, each.author_id
            status = each.status
    return status, closed, closed_by


def published(account: Account) -> list[tuple[Conversation, tuple[Thread, ...]]]:
    return [(row, threads) for row, threads in account.histories() if row.state == "published"]


def test_the_status_follows_from_the_threads(large: Account) -> None:
    for row, threads in published(large):
        status, closed, closed_by = walked(threads)
        assert (status or "active", closed, closed_by) == (row.status, row.closed, row.closed_by)


def test_the_number_of_threads_leaves_out_drafts_hidden_threads_and_line_items(
    large: Account,
) -> None:
    for row, threads in large.histories():
        states = Counter((each.state, each.type == "lineitem") for each in threads)
        assert row.threads == states["published", False]


def test_a_customer_waits_since_the_first_message_after_the_latest_reply(large: Account) -> None:
    for row, threads in published(large):
        turns = [each for each in threads if each.is_reply or each.is_from_customer]
        replies = [at for at, each in enumerate(turns) if each.is_reply]
        unanswered = turns[replies[-1] + 1 :] if replies else turns
        since = unanswered[:1] or turns[-1:]
        assert row.waiting_since == (since[0].created if since else row.created)


def test_threads_lie_between_creation_and_modification(large: Account) -> None:
    for row, threads in large.histories():
        times = [(each.created, each.id) for each in threads]
        assert times == sorted(times)
        assert row.created == times[0][0]
        assert times[-1][0] <= row.modified


def test_ids_of_threads_are_unique(large: Account) -> None:
    ids = [each.id for _, threads in large.histories() for each in threads]
    assert len(ids) == len(set(ids))


def test_attachments_are_on_a_thread(large: Account) -> None:
    for row, threads in large.histories():
        assert row.attachments == any(each.attachments for each in threads)


def test_a_draft_is_one_thread_that_is_not_published(large: Account) -> None:
    drafts = [threads for row, threads in large.histories() if row.state == "draft"]
    assert drafts
    assert {tuple(each.state for each in threads) for threads in drafts} == {("draft",)}


def test_equal_conversations_have_equal_threads(large: Account) -> None:
    again = make_account(3000, 3, NOW)
    assert list(large.histories()) == list(again.histories())


def test_all_kinds_of_threads_occur(large: Account) -> None:
    every = [each for _, threads in large.histories() for each in threads]
    assert {each.type for each in every} == {
        *("customer", "message", "note", "lineitem", "phone", "chat", "beaconchat"),
        *("forwardparent", "forwardchild"),
    }
    assert {each.state for each in every} == {"published", "draft", "hidden", "review", None}
    assert {each.status for each in every} == {"nochange", "active", "pending", "closed", "spam"}
    assert {each.rating for each in every} == {"", "great", "okay", "not_good"}
    rated = [each for each in every if each.rating]
    assert {bool(each.comments) for each in rated} == {False, True}
    assert {bool(each.rater_id) for each in rated} == {False, True}
    actions = {"default", "original-author", "imported", "manual-workflow"}
    assert {each.action for each in every} == actions
    assert {each.source for each in every} == {"email", "web", "beacon-v2", "workflows"}
    assert {each.status for each in every if each.action == "imported"} == {"nochange"}


def test_conversations_are_closed_and_opened_again(large: Account) -> None:
    reopened = 0
    for _, threads in large.histories():
        changes = [each.status for each in threads if each.status != "nochange"]
        reopened += "closed" in changes[:-1]
    assert reopened > 20


def test_some_threads_are_by_a_user_who_left_or_from_a_saved_reply_that_is_gone(
    large: Account,
) -> None:
    every = [each for _, threads in large.histories() for each in threads]
    users = {each.author_id for each in every if each.by == "user"}
    assert users - set(large.layout.user_by_id)
    known = {each.id for each in large.layout.saved_replies}
    used = {each.saved_reply_id for each in every} - {0}
    assert used & known
    assert used - known


def test_threads_can_be_given_and_the_conversation_follows_from_them() -> None:
    account = Account()
    row = account.add(
        CREATED,
        history=history(
            ("customer", "customer", "active"),
            ("note", "user", "nochange"),
            ("message", "user", "closed"),
            ("customer", "customer", "active"),
            ("message", "user", "pending"),
            ("lineitem", "user", "closed"),
        ),
    )
    assert (row.status, row.closed, row.closed_by) == ("closed", CREATED + 300, 4101)
    assert (row.threads, row.waiting_since, row.modified) == (5, CREATED + 240, CREATED + 300)
    assert (row.customer_id, row.created_by) == (101, 0)
    assert [each.id for each in account.threads(row.id)] == [1, 2, 3, 4, 5, 6]


def test_a_conversation_that_was_opened_again_is_not_closed() -> None:
    threads = history(("message", "user", "closed"), ("customer", "customer", "active"))
    row = Account().add(CREATED, history=threads)
    assert (row.status, row.closed, row.closed_by) == ("active", None, 0)
    assert (row.created_by, row.waiting_since) == (4101, CREATED + 60)


def test_fields_can_be_given_besides_the_threads() -> None:
    threads = history(("customer", "customer", "active"))
    row = Account().add(CREATED, history=threads, status="spam", modified=CREATED + 9)
    assert (row.status, row.modified) == ("spam", CREATED + 9)


@pytest.mark.parametrize("status", ["active", "pending", "closed", "spam"])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_conversation_that_is_added_without_threads_agrees_with_those_made_up(
    status: str, threads: int
) -> None:
    account = Account()
    row = account.add(CREATED, status=status, threads=threads, assignee_id=4104)
    found = account.threads(row.id)
    assert walked(found) == (status, row.closed, row.closed_by)
    assert sum(each.counted for each in found) == threads


def test_threads_stay_as_they_are_when_the_conversation_changes() -> None:
    account = make_account(60, 3, NOW)
    for row, threads in list(account.histories()):
        account.touch(row.id)
        account.assign(row.id, 4101)
        assert set(threads) <= set(account.threads(row.id))


def test_threads_are_listed_newest_first_on_pages_of_the_size_of_the_simulator() -> None:
    account = Account()
    row = account.add(CREATED, history=history(*[("note", "user", "nochange")] * 60))
    simulator = Simulator(account, Behaviour(page_size=50))
    with signed_in(simulator) as client:
        pages = [[each["id"] for each in get_threads(client, row.id, page)] for page in (1, 2, 3)]
        payload = client.get(f"/conversations/{row.id}/threads").json()
    assert pages == [list(range(60, 10, -1)), list(range(10, 0, -1)), []]
    assert payload["page"] == {"size": 50, "totalElements": 60, "totalPages": 2, "number": 1}


def test_a_page_of_threads_past_the_end_is_empty_or_not_found() -> None:
    account = Account()
    row = account.add(CREATED, history=history(("note", "user", "nochange")))
    simulator = Simulator(account)
    with signed_in(simulator) as client:
        path = f"/conversations/{row.id}/threads?page=2"
        assert client.get(path).json()["_embedded"]["threads"] == []
        simulator.behaviour = Behaviour(empty="absent")
        assert "_embedded" not in client.get(path).json()
        simulator.behaviour = Behaviour(past_end="not_found")
        assert client.get(path).status_code == 404


def test_a_hook_runs_before_each_page_of_threads() -> None:
    targets: list[str] = []
    account = Account()
    row = account.add()
    simulator = Simulator(account, before_request=lambda _, target: targets.append(target))
    with signed_in(simulator) as client:
        get_threads(client, row.id, 2)
    assert targets == [f"/v2/conversations/{row.id}/threads?page=2"]


def test_a_thread_has_the_documented_keys_in_their_order(
    client: httpx.Client, account: Account
) -> None:
    found = all_threads(client, account)
    for thread in found:
        assert list(thread) == [key for key in KEYS if key in thread]
        assert set(KEYS) - set(thread) <= OPTIONAL
        assert list(thread["createdBy"]) == PERSON
        assert next(iter(thread["action"])) == "type"
    assert {key for thread in found for key in thread} >= OPTIONAL


def test_a_line_item_has_no_state_no_customer_and_no_text(
    client: httpx.Client, account: Account
) -> None:
    items = [each for each in all_threads(client, account) if each["type"] == "lineitem"]
    nothing = {(each["state"], each["customer"], each["body"]) for each in items}
    assert nothing == {(None, None, None)}
    assert not any("customer" in each["_links"] for each in items)


def test_what_a_workflow_did_says_so(client: httpx.Client, account: Account) -> None:
    found = all_threads(client, account)
    by_workflow = [each for each in found if each["source"]["type"] == "workflows"]
    assert {each["action"]["type"] for each in by_workflow} == {"manual-workflow"}
    assert all("text" in each["action"] for each in by_workflow)


def test_threads_are_assigned_as_their_conversation_is(
    client: httpx.Client, account: Account
) -> None:
    assigned = next(row for row in listed(account) if row.assignee_id and row.threads > 2)
    free = next(row for row in listed(account) if not row.assignee_id and row.threads > 2)
    to = {
        each["assignedTo"]["id"]
        for each in get_threads(client, assigned.id)
        if each["type"] != "lineitem"
    }
    assert to == {assigned.assignee_id}
    assert not any("assignedTo" in each for each in get_threads(client, free.id))


def test_only_messages_have_recipients_and_ratings(client: httpx.Client, account: Account) -> None:
    found = all_threads(client, account)
    messages = [each for each in found if each["type"] == "message"]
    others = [each for each in found if each["type"] != "message"]
    assert all(each["to"] == [each["customer"]["email"]] for each in messages)
    assert {len(each["cc"]) for each in messages} == {0, 1}
    rated = [each for each in messages if "rating" in each]
    assert rated
    for each in rated:
        assert list(each["rating"]) == ["customerId", "rating", "comments"]
    assert not any(each["to"] or each["cc"] or each["bcc"] for each in others)
    assert not any("rating" in each for each in others)


def test_a_thread_links_to_its_author_and_its_customer(
    client: httpx.Client, account: Account
) -> None:
    base = str(client.base_url).rstrip("/")
    for thread in all_threads(client, account):
        author = thread["createdBy"]
        name = "createdByUser" if author["type"] == "user" else "createdByCustomer"
        links = {key: link["href"].removeprefix(base) for key, link in thread["_links"].items()}
        customer = thread["customer"]
        assert links == {
            name: f"/{author['type']}s/{author['id']}",
            **({"customer": f"/customers/{customer['id']}"} if customer else {}),
        }


def test_embedded_threads_are_the_listed_ones_and_chats_are_cut(
    client: httpx.Client, account: Account
) -> None:
    page = rows(get_page(client, status="all", embed="threads"))
    for embedding in page:
        embedded = embedding["_embedded"]["threads"]
        most = 1 if embedding["type"] == "chat" else None
        assert embedded == get_threads(client, embedding["id"])[:most]
    alone = client.get(f"/conversations/{page[0]['id']}", params={"embed": "threads"}).json()
    assert alone["_embedded"]["threads"] == page[0]["_embedded"]["threads"]


CHAT = history(*[("chat", "customer", "active"), ("chat", "user", "nochange")] * 2)


def embedded(behaviour: Behaviour, **fields: Any) -> list[Json]:
    account = Account()
    row = account.add(CREATED, history=CHAT, **fields)
    with signed_in(Simulator(account, behaviour)) as client:
        (shown,) = rows(get_page(client, embed="threads"))
        complete = get_threads(client, row.id)
    assert [each["id"] for each in complete] == [4, 3, 2, 1]
    assert all(each["body"].endswith(f"({each['id']})") for each in complete)
    found: list[Json] = shown["_embedded"]["threads"]
    return found


def test_a_chat_can_lose_its_texts_or_nothing() -> None:
    cut = embedded(Behaviour(embedded_chats="bodies"), type="chat")
    whole = embedded(Behaviour(embedded_chats="whole"), type="chat")
    assert [each["id"] for each in cut] == [each["id"] for each in whole] == [4, 3, 2, 1]
    assert {len(each["body"]) for each in cut} == {20}
    assert min(len(each["body"]) for each in whole) > 20


def test_conversations_can_show_their_latest_threads_only() -> None:
    found = embedded(Behaviour(embedded_threads=3))
    assert [each["id"] for each in found] == [4, 3, 2]


def test_the_text_of_a_thread_can_be_given() -> None:
    account = Account()
    (note,) = history(("note", "user", "nochange"))
    row = account.add(CREATED, history=[note._replace(body="x" * 50_000)])
    with signed_in(Simulator(account)) as client:
        (found,) = get_threads(client, row.id)
    assert len(found["body"]) == 50_000
    assert found["createdAt"] == format_timestamp(CREATED)
