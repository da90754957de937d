"""Threads: what a payload must have, which are all, and lists that move while they are read."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from compat.v2.client import Client
from compat.v2.errors import Cancelled, InconsistentData, MalformedData
from compat.v2.json_text import without_long_texts
from compat.v2.lists import Missing
from compat.v2.threads import (
    ConversationWithThreads,
    ConversationWithThreadsAndDocument,
    PageWithThreadsAndDocuments,
    ThreadList,
    ThreadPage,
    ThreadPayload,
    list_threads,
)
from tests.unit.v2.upstream import (
    FIRST,
    Asked,
    Json,
    Reply,
    Upstream,
    answer,
    conversation,
    in_turn,
)

AT = "2015-01-01T00:00:00Z"


def thread(thread_id: int, kind: str = "customer", **others: Any) -> Json:
    """A thread with the keys that are always there."""
    known = {"id": thread_id, "type": kind, "state": "published", "createdAt": AT}
    return {**known, "status": "nochange", **others}


def thread_page(*threads: Json, pages: int = 1, total: int | None = None) -> Reply:
    """A page of a conversation's threads."""
    total = len(threads) if total is None else total
    facts = {"size": 25, "totalElements": total, "totalPages": pages, "number": 1}
    return answer({"_embedded": {"threads": list(threads)}, "page": facts})


def read(**fields: Any) -> ConversationWithThreads:
    return ConversationWithThreads.model_validate_json(json.dumps(conversation(1, **fields)))


def embedded(*threads: Json, number: int | None = None, **fields: Any) -> ConversationWithThreads:
    """A conversation with these threads embedded."""
    number = len(threads) if number is None else number
    return read(threads=number, _embedded={"threads": list(threads)}, **fields)


# What is read of a thread.


def test_a_thread_is_read_without_its_text() -> None:
    payload = thread(
        *(7, "message"),
        body="<p>Hello</p>",
        action={"type": "manual-workflow", "text": "Closed"},
        source={"type": "web", "via": "user"},
        customer={"id": 3},
        createdBy={"id": 4, "type": "user"},
        savedReplyId=5,
        rating={"customerId": 3, "rating": "okay", "comments": "Fine"},
        _embedded={"attachments": [{"id": 6}]},
    )
    found = ThreadPayload.model_validate_json(json.dumps(payload))
    assert (found.id, found.type, found.saved_reply) == (7, "message", 5)
    assert found.rating is not None
    assert (found.rating.number, found.rating.customer, found.rating.comments) == (2, 3, "Fine")
    assert found.action is not None
    assert found.action.type == "manual-workflow"
    assert found.created_by is not None
    assert (found.created_by.id, found.created_by.type) == (4, "user")
    assert found.has_attachments
    assert not found.unknown_key
    assert "Hello" not in repr(found)


@pytest.mark.parametrize(
    "odd",
    [
        {"state": None, "customer": None, "body": None},
        {"action": "none", "source": 3, "customer": 4, "createdBy": []},
        {"savedReplyId": "7", "_embedded": None, "rating": None, "status": 7},
    ],
)
def test_a_thread_without_what_it_may_lack_is_read(odd: Json) -> None:
    found = ThreadPayload.model_validate_json(json.dumps(thread(1, "lineitem", **odd)))
    assert found.id == 1
    assert not found.unknown_key


@pytest.mark.parametrize(
    ("odd", "key"),
    [
        ({"id": None}, "id"),
        ({"id": "7"}, "id"),
        ({"createdAt": None}, "createdAt"),
        ({"createdAt": "yesterday"}, "createdAt"),
    ],
)
def test_what_a_thread_cannot_be_counted_without_is_named(odd: Json, key: str) -> None:
    found = ThreadPayload.model_validate_json(json.dumps(thread(1, "message") | odd))
    assert found.unknown_key == key


@pytest.mark.parametrize(
    "rating",
    [
        *("splendid", 1, 0, True, {"rating": "splendid"}, {"rating": 1}, {"rating": ["great"]}),
        *({"rating": {"name": "great"}}, {"rating": {}}, {"rating": "x" * 3000}, ["great"]),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_rating_that_is_no_known_one_is_unknown(rating: object) -> None:
    page = json.dumps({"_embedded": {"threads": [thread(1, "message", rating=rating)]}})
    body = b"".join(without_long_texts([page.encode()]))
    (found,) = ThreadPage.model_validate_json(body).rows
    assert found.rating is not None
    assert found.rating.number == -1
    assert not found.unknown_key


@pytest.mark.parametrize(
    "rating", [None, "", [], {}, {"rating": None}, {"rating": ""}, {"comments": "Fine"}], ids=repr
)
def test_a_thread_may_have_no_rating(rating: object) -> None:
    payload = json.dumps(thread(1, "message", rating=rating))
    found = ThreadPayload.model_validate_json(payload)
    assert not (found.rating and found.rating.number)


@pytest.mark.parametrize(("word", "number"), [("great", 1), ("okay", 2), ("not_good", 3)])
def test_ratings_have_the_numbers_of_the_old_api(word: str, number: int) -> None:
    payload = json.dumps(thread(1, "message", rating={"rating": word}))
    rating = ThreadPayload.model_validate_json(payload).rating
    assert rating is not None
    assert rating.number == number


# Whether embedded threads are all.


def test_as_many_published_threads_as_the_number_says_are_all() -> None:
    assert embedded(thread(1), thread(2, "lineitem", state=None), number=1).are_all_shown
    assert embedded(thread(1), thread(2, "message", state="draft"), number=1).are_all_shown
    assert embedded(number=0).are_all_shown


@pytest.mark.parametrize(
    "incomplete",
    [
        embedded(thread(1), thread(2, "lineitem", state=None), number=2),
        embedded(thread(1), thread(2, "message", state="draft"), number=2),
        embedded(thread(1), type="chat"),
        embedded(thread(1, "beaconchat")),
        embedded(thread(1, "chat")),
        read(threads=1),
        read(threads=1, _embedded={"threads": None}),
        read(threads=1, _embedded={"threads": ["text"]}),
        read(threads=None, _embedded={"threads": [thread(1)]}),
    ],
)
def test_fewer_threads_and_those_of_chats_may_not_be_all(
    incomplete: ConversationWithThreads,
) -> None:
    assert not incomplete.are_all_shown


# What is kept of a payload.


@pytest.mark.parametrize("as_page", [False, True])
@pytest.mark.parametrize("others", [{}, {"_embedded": {"later": [1]}}, {"_embedded": "odd"}])
def test_a_payload_is_kept_without_its_threads(others: Json, as_page: bool) -> None:
    kept = {**conversation(1), "subject": "Wörter", "extra": {"threads": [None]}, **others}
    shown = {**kept}
    if others.get("_embedded") != "odd":
        shown["_embedded"] = {**others.get("_embedded", {}), "threads": [thread(1, body="Hello")]}
    found = read_keeping(shown, as_page)
    assert json.loads(found.document) == kept
    assert found.created_by is None
    assert len(found.shown_threads) == (1 if "Hello" in repr(shown) else 0)


def read_keeping(payload: Json, as_page: bool) -> ConversationWithThreadsAndDocument:
    """A conversation, read by itself or as one of a page, with its payload."""
    if not as_page:
        return ConversationWithThreadsAndDocument.model_validate_json(json.dumps(payload))
    facts = {"size": 25, "totalElements": 1, "totalPages": 1, "number": 1}
    page = {"_embedded": {"conversations": [payload]}, "page": facts}
    (row,) = PageWithThreadsAndDocuments.model_validate_json(json.dumps(page)).rows
    return row


# Lists.


@pytest.mark.parametrize(("shown", "total", "pages"), [(0, 2, 1), (25, 60, 1)])
def test_a_list_that_contradicts_its_total_is_an_error(
    upstream: Upstream, client: Client, shown: int, total: int, pages: int
) -> None:
    threads = [thread(id_) for id_ in range(1, shown + 1)]
    upstream.script = lambda _: thread_page(*threads, pages=pages, total=total)
    with pytest.raises(InconsistentData, match="threads of conversation 9"):
        list_threads(client, 9)


def test_a_list_that_shows_the_same_page_whatever_the_number_is_an_error(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = lambda _: thread_page(*map(thread, range(1, 26)), pages=2, total=40)
    with pytest.raises(InconsistentData, match="conversation 9 kept changing"):
        list_threads(client, 9)


@pytest.mark.parametrize("payload", [{"_embedded": {}}, {"_embedded": {"threads": []}}])
def test_an_empty_list_of_threads_has_several_forms(
    upstream: Upstream, client: Client, payload: object
) -> None:
    upstream.script = in_turn(answer(payload))
    found = list_threads(client, 9)
    assert isinstance(found, ThreadList)
    assert found.threads == ()


def test_a_list_that_says_nothing_of_its_length_is_one_page(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(answer({"_embedded": {"threads": [thread(1)]}}))
    found = list_threads(client, 9)
    assert isinstance(found, ThreadList)
    assert [each.id for each in found.threads] == [1]
    assert len(upstream.asked) == 1


def test_threads_without_an_id_are_all_listed_before_the_others(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(
        thread_page(thread(1), thread(2, id=None, type="note"), thread(3, id=None))
    )
    found = list_threads(client, 9)
    assert isinstance(found, ThreadList)
    assert [(each.id, each.type) for each in found.threads] == [
        (None, "note"),
        (None, "customer"),
        (1, "customer"),
    ]


def test_a_thread_that_comes_twice_in_a_reading_is_listed_once(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(thread_page(thread(1), thread(1), thread(2)))
    found = list_threads(client, 9)
    assert isinstance(found, ThreadList)
    assert [each.id for each in found.threads] == [1, 2]


def test_the_request_time_of_threads_is_that_of_the_first_page_of_the_last_reading(
    upstream: Upstream, client: Client
) -> None:
    def script(asked: Asked) -> Reply:
        reply = threads(asked)
        date = f"Thu, 01 Jan 2015 00:{threads.requests:02}:00 GMT"
        return replace(reply, headers={"Date": date})

    threads = Threads(12)
    upstream.script = script
    found = list_threads(client, 9)
    assert isinstance(found, ThreadList)
    # The second reading begins with the fourth request.
    assert FIRST + 3 * 60 < found.requested_at <= FIRST + 4 * 60


def test_the_callback_comes_before_each_page_and_may_stop(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = threads = Threads(12)
    before: list[int] = []

    def stop_at_the_fifth() -> None:
        before.append(threads.requests)
        if len(before) == 5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        list_threads(client, 9, stop_at_the_fifth)
    assert before == [0, 1, 2, 3, 4]


def test_a_list_on_one_page_takes_one_request(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(thread_page(thread(2), thread(1)))
    found = list_threads(client, 9)
    assert isinstance(found, ThreadList)
    assert [each.id for each in found.threads] == [1, 2]
    assert [asked.path for asked in upstream.asked] == ["/v2/conversations/9/threads"]


class Threads:
    """The threads of a conversation, newest first, page by page."""

    def __init__(self, number: int, size: int = 5) -> None:
        self.ids = list(range(number, 0, -1))
        self.size = size
        self.requests = 0

    def __call__(self, asked: Asked) -> Reply:
        self.requests += 1
        self.change()
        first = (asked.page - 1) * self.size
        shown = [thread(each) for each in self.ids[first : first + self.size]]
        return thread_page(*shown, pages=-(-len(self.ids) // self.size), total=len(self.ids))

    def change(self) -> None:
        """What happens before a request is answered."""


def test_a_list_on_several_pages_is_read_until_two_readings_agree(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = threads = Threads(12)
    found = list_threads(client, 9)
    assert isinstance(found, ThreadList)
    assert [each.id for each in found.threads] == list(range(1, 13))
    assert threads.requests == 6


def test_a_removal_that_hides_a_thread_at_a_page_boundary_hides_it_once(
    upstream: Upstream, client: Client
) -> None:
    class Removing(Threads):
        def change(self) -> None:
            if self.requests == 2:
                self.ids.remove(12)

    upstream.script = Removing(12)
    found = list_threads(client, 9)
    assert isinstance(found, ThreadList)
    assert {each.id for each in found.threads} >= set(range(1, 12))


def test_threads_that_keep_changing_are_an_error(upstream: Upstream, client: Client) -> None:
    new = count(100)

    class Growing(Threads):
        def change(self) -> None:
            self.ids.insert(0, next(new))

    upstream.script = Growing(12)
    with pytest.raises(InconsistentData, match="conversation 9 kept changing"):
        list_threads(client, 9)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(404), "deleted"),
        (Reply(403), "hidden"),
        (
            Reply(301, headers={"Location": "https://api.helpscout.net/v2/conversations/7"}),
            "merged",
        ),
        (Reply(301, headers={"Location": "/v2/conversations/7/threads"}), "merged"),
    ],
)
def test_a_list_of_a_conversation_that_is_gone_says_why(
    upstream: Upstream, client: Client, reply: Reply, reason: str
) -> None:
    upstream.script = in_turn(reply)
    found = list_threads(client, 9)
    assert isinstance(found, Missing)
    assert found.reason == reason


def test_a_list_of_things_that_are_no_threads_is_no_empty_list(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(answer({"_embedded": {"threads": ["text"]}}))
    with pytest.raises(MalformedData, match="threads"):
        list_threads(client, 9)


@pytest.mark.parametrize("payload", [{}, {"_embedded": None, "page": None}, {"error": "sorry"}])
def test_an_answer_without_threads_and_without_a_total_is_no_empty_list(
    upstream: Upstream, client: Client, payload: object
) -> None:
    upstream.script = lambda _: answer(payload)
    with pytest.raises(InconsistentData, match="conversation 9 shows neither entries nor a total"):
        list_threads(client, 9)


# Memory.

LARGE_PAGE = """
import re, sys
from pathlib import Path
from compat.v2.client import Client
from compat.v2.oauth import Credentials
from compat.v2.search import Selection
from compat.v2.threads import PageWithThreads

client = Client(Credentials("demo-app", "demo-secret"), base_url=sys.argv[1])
params = Selection(threads=True).params(0, 1, "createdAt", 1)
page = client.get("/conversations", params, PageWithThreads).value
threads = [thread for row in page.rows for thread in row.shown_threads]
assert len(page.rows) == 25 and len(threads) == 2500
assert all(row.are_all_shown for row in page.rows)
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux shows it")
def test_a_page_with_2500_threads_of_50_kilobytes_stays_within_64_megabytes(
    upstream: Upstream,
) -> None:
    body = '<p class="text">' + "é" * 24_000 + "</p>"
    rows = [
        conversation(
            number,
            FIRST,
            threads=100,
            _embedded={"threads": [thread(number * 1000 + at, body=body) for at in range(100)]},
        )
        for number in range(1, 26)
    ]
    facts = {"size": 25, "totalElements": 25, "totalPages": 1, "number": 1}
    payload = {"_embedded": {"conversations": rows}, "page": facts}
    upstream.script = in_turn(Reply(body=json.dumps(payload, ensure_ascii=False).encode()))
    command = [sys.executable, "-c", LARGE_PAGE, upstream.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 64 * 1024  # of the whole process, in kB
