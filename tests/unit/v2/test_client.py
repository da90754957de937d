"""A request has a usable response or a clear error."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from inspect import signature
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import stamina
from pydantic import BaseModel

from compat.config.settings import Settings
from compat.v2.client import ApiResponse, Client
from compat.v2.errors import (
    LOOP_HEADER,
    AccessRefused,
    Cancelled,
    InconsistentData,
    MalformedData,
    NothingAtAddress,
    Overloaded,
    ParameterError,
    Redirected,
    RequestRefused,
    Unreachable,
    UpstreamError,
)
from compat.v2.models import ConversationPage
from compat.v2.threads import ThreadPage
from compat.v2.transport import receive
from tests.unit.v2.upstream import (
    Asked,
    Json,
    Reply,
    Upstream,
    answer,
    client_of,
    conversation,
    in_turn,
    page_of,
)
from tests.unit.v2.virtual_upstream import Clock

NAMED = {"Correlation-Id": "6f0c-1#7"}
GOOD = page_of([conversation(7)])


def get_page(client: Client) -> ApiResponse[ConversationPage]:
    return client.get("/conversations", {"status": "all"}, ConversationPage)


def ids(client: Client) -> list[int]:
    return [row.id for row in get_page(client).value.rows]


def failure(upstream: Upstream, client: Client, reply: Reply) -> UpstreamError:
    """The error at the end, when every request gets this reply."""
    upstream.script = in_turn(reply)
    with pytest.raises(UpstreamError) as caught:
        get_page(client)
    return caught.value


PASSING = {
    "500": Reply(500),
    "502": Reply(502, b"<html>Bad Gateway</html>"),
    "503": Reply(503),
    "504": Reply(504),
    "408": Reply(408),
    "425": Reply(425),
    "599": Reply(599),
    "dropped before the answer": Reply(fate="dropped"),
    "dropped in the middle of the body": Reply(200, GOOD.body, fate="cut"),
    "dropped in the middle of a failure": Reply(500, b"Internal Server Error", fate="cut"),
    "truncated JSON": Reply(200, GOOD.body[:-9]),
    "garbled JSON": Reply(200, GOOD.body[:30] + b"\x00<!-- \xff" + GOOD.body[30:]),
    "no body": Reply(200, b""),
    "another body": Reply(200, b"<html>Sorry!</html>"),
}


@pytest.mark.parametrize("trouble", PASSING.values(), ids=PASSING)
def test_a_temporary_error_is_retried(upstream: Upstream, client: Client, trouble: Reply) -> None:
    upstream.script = in_turn(*[trouble] * 7, GOOD)
    assert ids(client) == [7]
    assert len(upstream.asked) == 8


def test_a_retry_sends_the_same_request(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(Reply(503), Reply(fate="dropped"), GOOD)
    get_page(client)
    assert upstream.asked[0].params == {"status": "all"}
    assert len({json.dumps([a.path, dict(a.params)]) for a in upstream.asked}) == 1


def test_a_timeout_is_retried(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(fate="stalled"), GOOD)
    with client_of(upstream.url, timeout=0.5) as client:
        assert ids(client) == [7]
        assert len(upstream.asked) == 2


@pytest.mark.parametrize(
    ("trouble", "kind", "status"),
    [
        (Reply(500, headers=NAMED), Overloaded, 500),
        (Reply(503, headers=NAMED), Overloaded, 503),
        (Reply(200, GOOD.body[:-9], NAMED), InconsistentData, 200),
    ],
)
def test_a_permanent_error_has_its_own_class(
    upstream: Upstream,
    client: Client,
    trouble: Reply,
    kind: type[UpstreamError],
    status: int,
) -> None:
    error = failure(upstream, client, trouble)
    assert type(error) is kind
    assert (error.status, error.correlation_id) == (status, "6f0c-1#7")
    assert len(upstream.asked) == 8


MALFORMED = [answer({"message": text}, 200, NAMED) for text in ("all", "is well")]


def test_a_malformed_body_is_requested_again(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(MALFORMED[0], Reply(500), GOOD)
    assert ids(client) == [7]


def test_a_body_that_is_malformed_twice_in_the_same_way_is_not_requested_again(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(MALFORMED[0], Reply(500), MALFORMED[1], GOOD)
    with pytest.raises(MalformedData) as caught:
        get_page(client)
    assert (caught.value.status, caught.value.correlation_id) == (200, "6f0c-1#7")
    assert len(upstream.asked) == 3


class Stop(Exception):
    """The caller stops."""


@pytest.mark.parametrize("limited", [False, True], ids=["a retry", "the rate limit"])
def test_a_request_that_waits_stops_when_its_caller_does(
    upstream: Upstream, client: Client, limited: bool
) -> None:
    upstream.script = in_turn(Reply(500), GOOD)
    if limited:
        client.rate_limiter.pause({"Retry-After": "3600"})
    checks = 0

    def check_stopped() -> None:
        nonlocal checks
        checks += 1
        raise Stop

    with stamina.set_testing(False), pytest.raises(Stop):
        client.get("/conversations", {}, ConversationPage, check_stopped=check_stopped)
    assert checks == 1


def test_a_client_that_is_closed_sends_no_retry(upstream: Upstream, client: Client) -> None:
    def close(_asked: Asked) -> Reply:
        threading.Timer(0.05, client.close).start()
        return Reply(500)

    upstream.script = close
    with stamina.set_testing(False), pytest.raises(Cancelled):
        get_page(client)
    assert len(upstream.asked) == 1


class Waits(threading.Event):
    """The event that a client waits for; it remembers how long, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        assert len(self.seconds) < 100, "it waits for ever"
        self.seconds.append(timeout)
        return self.is_set()


@pytest.mark.parametrize(("drawn", "times"), [(0.0, 1.0), (0.5, 1.25), (1.0, 1.5)])
def test_each_retry_waits_longer_than_the_one_before_with_up_to_half_as_much_by_chance(
    upstream: Upstream,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    drawn: float,
    times: float,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    monkeypatch.setattr("compat.v2.client.random", lambda: drawn)
    client._closed = waits = Waits()
    with stamina.set_testing(False):
        failure(upstream, client, Reply(500))
    shortest = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert waits.seconds == pytest.approx([each * times for each in shortest])
    assert sum(slept) == 0
    assert len(upstream.asked) == 8


def test_retries_go_on_however_long_each_attempt_takes(
    upstream: Upstream, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("tenacity.time", SimpleNamespace(monotonic=clock))
    client._closed = Waits()

    def slow(_asked: Asked) -> Reply:
        clock.now += 3600
        return Reply(500) if len(upstream.asked) < 8 else GOOD

    upstream.script = slow
    with stamina.set_testing(False):
        assert ids(client) == [7]


def test_a_request_that_may_be_sent_once_waits_for_no_retry(
    upstream: Upstream, client: Client
) -> None:
    client._closed = waits = Waits()
    upstream.script = in_turn(Reply(500))
    with stamina.set_testing(False), pytest.raises(Overloaded):
        client.get("/conversations", {}, ConversationPage, attempts=1)
    assert (waits.seconds, len(upstream.asked)) == ([], 1)


def test_a_caller_is_asked_every_quarter_of_a_second_whether_it_stops(client: Client) -> None:
    client._closed = waits = Waits()
    checks: list[int] = []
    client._pause(1.125, lambda: checks.append(len(waits.seconds)))
    assert waits.seconds == [0.25, 0.25, 0.25, 0.25, 0.125]
    assert checks == [1, 2, 3, 4, 5]
    client._pause(1.125, None)
    assert waits.seconds[5:] == [1.125]


@pytest.mark.parametrize("fate", ["dropped", "cut"])
def test_connections_that_always_drop_are_unreachable(
    upstream: Upstream, client: Client, fate: Any
) -> None:
    error = failure(upstream, client, Reply(200, GOOD.body, fate=fate))
    assert type(error) is Unreachable
    assert (error.status, error.correlation_id) == (None, None)
    assert len(upstream.asked) == 8


def test_a_server_that_never_answers_is_unreachable(upstream: Upstream) -> None:
    with client_of(upstream.url, timeout=0.02) as client:
        upstream.sign_in = in_turn(Reply(fate="stalled"))
        assert type(failure(upstream, client, GOOD)) is Unreachable


def test_a_body_that_comes_too_slowly_is_given_up(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.v2.client._WAITS", 0.01)
    with client_of(upstream.url, timeout=20) as client:
        upstream.script = in_turn(Reply(200, b" " * 10_000, fate="dribbled"))
        with pytest.raises(Unreachable, match="has begun, but takes too long to end"):
            client.get("/conversations", {}, ConversationPage, attempts=1)
        assert client.request_counts() == {"answered": 1, "unreachable": 1}


def test_ten_times_as_long_as_for_the_next_bytes_is_waited_for_a_whole_body(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def noting(stream: httpx.Response, seconds: float, *, short: bool) -> httpx.Response:
        waited.append(seconds)
        return receive(stream, seconds, short=short)

    monkeypatch.setattr("compat.v2.client.receive", noting)
    with client_of(upstream.url, timeout=4) as client:
        get_page(client)
    assert waited == [40, 40]


def test_long_texts_are_dropped_while_threads_are_received_and_in_no_other_body(
    upstream: Upstream, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.v2.transport._LARGEST_BODY", 8000)
    thread = {"id": 1, "type": "note", "createdAt": "2015-01-01T00:00:00Z", "body": "b" * 9000}
    upstream.script = in_turn(
        answer({"_embedded": {"threads": [thread]}}),
        page_of([conversation(7, subject="s" * 9000)]),
    )
    (row,) = client.get("/conversations/7/threads", {}, ThreadPage).value.rows
    assert row.id == 1
    with pytest.raises(Unreachable, match="has more than"):
        client.get("/conversations", {}, ConversationPage, attempts=1)


@pytest.mark.parametrize(
    ("params", "target"),
    [
        ({}, b"/v2/mailboxes"),
        ({"q": "a b&[c]", "page": "2"}, b"/v2/mailboxes?q=a+b%26%5Bc%5D&page=2"),
    ],
)
def test_parameters_are_encoded_and_without_any_there_is_no_question_mark(
    client: Client, params: dict[str, str], target: bytes
) -> None:
    sent: list[bytes] = []
    client._http.event_hooks["request"].append(lambda request: sent.append(request.url.raw_path))
    client.get("/mailboxes", params, ConversationPage)
    assert sent[1:] == [target]


@pytest.mark.parametrize("model", [ConversationPage, ThreadPage])
def test_a_body_larger_than_any_answer_is_given_up(
    upstream: Upstream, client: Client, model: type[BaseModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.v2.transport._LARGEST_BODY", 2 * 2**20)
    bomb = gzip.compress(b"[" * 3 * 2**20)
    upstream.script = in_turn(Reply(200, bomb, {"Content-Encoding": "gzip"}))
    with pytest.raises(Unreachable, match="has more than 2 MiB"):
        client.get("/conversations", {}, model, attempts=1)


@pytest.mark.parametrize("status", [202, 203])
def test_a_success_without_data_is_requested_again(
    upstream: Upstream, client: Client, status: int
) -> None:
    upstream.script = in_turn(Reply(status, headers=NAMED), page_of([]))
    assert ids(client) == []
    upstream.script = lambda _: Reply(status, headers=NAMED)
    with pytest.raises(InconsistentData, match=rf"sends no data \(status {status}\)"):
        get_page(client)


@pytest.mark.parametrize("status", [400, 402, 404, 405, 410, 412, 413, 415, 422])
def test_a_refused_request_is_not_repeated(upstream: Upstream, client: Client, status: int) -> None:
    error = failure(upstream, client, Reply(status, b"Unknown URL", NAMED))
    assert type(error) is (NothingAtAddress if status == 404 else RequestRefused)
    assert (error.status, error.correlation_id) == (status, "6f0c-1#7")
    assert len(upstream.asked) == 1


def test_a_refused_request_knows_which_parameters_are_wrong(
    upstream: Upstream, client: Client
) -> None:
    named = {"path": "page", "message": "must be positive", "rejectedValue": "0"}
    error = failure(upstream, client, answer({"_embedded": {"errors": [named]}}, 400))
    assert error.parameter_errors == (ParameterError("page", "must be positive", "0"),)


def test_a_403_is_not_retried(upstream: Upstream, client: Client) -> None:
    error = failure(upstream, client, Reply(403, headers=NAMED))
    assert type(error) is AccessRefused
    assert (error.status, error.correlation_id) == (403, "6f0c-1#7")
    assert (len(upstream.asked), len(upstream.signed_in)) == (1, 1)


def test_a_response_that_fails_its_check_is_requested_again(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(page_of([]), page_of([]), GOOD)

    def not_empty(answer: ConversationPage) -> None:
        if not answer.rows:
            raise InconsistentData("nothing there")

    found = client.get("/conversations", {}, ConversationPage, check=not_empty)
    assert [row.id for row in found.value.rows] == [7]
    assert len(upstream.asked) == 3


def changed(change: Callable[[Json], object]) -> Reply:
    """A page of one conversation with something else about it."""
    payload = json.loads(GOOD.body)
    change(payload)
    return answer(payload)


def put(row: Json, key: str, value: object) -> None:
    """Set a key, or remove it if the value is `absent`."""
    row[key] = value
    if value == "absent":
        del row[key]


def first_row(payload: Json) -> Json:
    row: Json = payload["_embedded"]["conversations"][0]
    return row


@pytest.mark.parametrize("key", ["status", "state", "createdAt"])
@pytest.mark.parametrize("value", ["absent", None, 3, [], {}])
def test_an_error_about_a_required_key_names_the_conversation_and_the_key(
    upstream: Upstream, client: Client, key: str, value: object
) -> None:
    error = failure(upstream, client, changed(lambda page: put(first_row(page), key, value)))
    assert type(error) is MalformedData
    assert f"conversation 7: {key}:" in str(error)


@pytest.mark.parametrize("value", ["absent", None, "7", 7.5, True])
def test_a_conversation_without_an_id_is_named_by_its_place(
    upstream: Upstream, client: Client, value: object
) -> None:
    error = failure(upstream, client, changed(lambda page: put(first_row(page), "id", value)))
    assert type(error) is MalformedData
    assert "conversations.0.id:" in str(error)


@pytest.mark.parametrize("text", ["", "yesterday", "2015-01-01T00:00:00"])
def test_a_creation_that_is_no_instant_is_malformed(
    upstream: Upstream, client: Client, text: str
) -> None:
    error = failure(upstream, client, changed(lambda page: put(first_row(page), "createdAt", text)))
    assert "conversation 7: createdAt:" in str(error)


@pytest.mark.parametrize("key", ["mailboxId", "folderId", "type", "tags"])
@pytest.mark.parametrize(
    "value", ["absent", None, 7.5, {"id": 1}, [{"id": None}], [{"tag": "vip"}]]
)
def test_a_value_that_only_filters_need_may_be_missing(
    upstream: Upstream, client: Client, key: str, value: object
) -> None:
    upstream.script = in_turn(changed(lambda page: put(first_row(page), key, value)))
    (row,) = client.get("/conversations", {}, ConversationPage).value.rows
    fields = {"mailboxId": row.mailbox_id, "folderId": row.folder_id}
    assert (fields | {"type": row.type, "tags": row.tags})[key] is None


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_an_id_that_databases_cannot_store_is_unknown_where_only_filters_need_it(
    upstream: Upstream, client: Client, value: int
) -> None:
    upstream.script = in_turn(changed(lambda page: put(first_row(page), "folderId", value)))
    (row,) = client.get("/conversations", {}, ConversationPage).value.rows
    assert row.folder_id is None


@pytest.mark.parametrize("key", ["totalElements", "totalPages"])
def test_a_page_without_its_numbers_is_inconsistent_and_the_key_is_named(
    upstream: Upstream, client: Client, key: str
) -> None:
    error = failure(upstream, client, changed(lambda payload: payload["page"].pop(key)))
    assert type(error) is MalformedData
    assert f"page.{key}:" in str(error)


@pytest.mark.parametrize("key", ["totalElements", "totalPages"])
def test_a_count_below_zero_is_inconsistent(upstream: Upstream, client: Client, key: str) -> None:
    error = failure(upstream, client, changed(lambda payload: payload["page"].update({key: -1})))
    assert type(error) is MalformedData


@pytest.mark.parametrize(
    "others",
    [
        {"assignee": {"id": 1}, "closedAt": "2015-01-02T00:00:00Z", "closedBy": 1, "snooze": None},
        {"whatever": {"comes": ["next"]}},
        {"type": "telegram", "status": "asleep", "state": "hidden"},
        {"tags": [{"id": 5, "color": "none", "tag": "vip", "new": 1}]},
        {"createdAt": "2015-01-01T00:00:00.250Z"},
    ],
)
def test_what_upstream_may_add_is_accepted(
    upstream: Upstream, client: Client, others: dict[str, Any]
) -> None:
    upstream.script = in_turn(page_of([conversation(7, **others)]))
    (row,) = get_page(client).value.rows
    assert row.type == others.get("type", "email")
    assert row.status == others.get("status", "active")
    assert row.state == others.get("state", "published")


FACTS = {"size": 25, "totalElements": 0, "totalPages": 0, "number": 1}


@pytest.mark.parametrize(
    "payload",
    [
        {"_embedded": {"conversations": []}, "page": FACTS},
        {"_embedded": {}, "page": FACTS},
        {"_embedded": None, "page": FACTS},
        {"page": FACTS, "_links": {"self": {"href": "https://api.helpscout.net/v2/x?y=[z TO *]"}}},
    ],
)
def test_an_empty_page_has_several_forms(
    upstream: Upstream, client: Client, payload: object
) -> None:
    upstream.script = in_turn(answer(payload))
    assert ids(client) == []


@pytest.mark.parametrize(
    "date", ["Thu, 01 Jan 2015 00:01:40 GMT", "Thu, 1 Jan 2015 01:01:40 +0100"]
)
def test_a_response_has_its_request_time_by_upstreams_clock(
    upstream: Upstream, client: Client, date: str
) -> None:
    upstream.script = in_turn(page_of([], {"Date": date}))
    assert 1_420_070_500 - 30 < get_page(client).requested_at < 1_420_070_500


@pytest.mark.usefixtures("machine_in_honolulu")
def test_a_date_whose_zone_is_not_known_is_in_utc(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(page_of([], {"Date": "Thu, 01 Jan 2015 00:01:40 -0000"}))
    assert 1_420_070_500 - 30 < get_page(client).requested_at < 1_420_070_500


@pytest.mark.parametrize("date", ["", "just now"])
def test_a_response_without_a_date_has_its_request_time_by_our_clock(
    upstream: Upstream, client: Client, monkeypatch: pytest.MonkeyPatch, date: str
) -> None:
    monkeypatch.setattr("time.time", lambda: 1234.75)
    upstream.script = in_turn(page_of([], {"Date": date}))
    assert get_page(client).requested_at == 1234


def test_an_error_has_its_request_time(upstream: Upstream, client: Client) -> None:
    date = {"Date": "Thu, 01 Jan 2015 00:01:40 GMT"}
    error = failure(upstream, client, Reply(404, headers=date))
    assert 1_420_070_500 - 30 < error.requested_at < 1_420_070_500


def test_no_error_repeats_what_was_sent(upstream: Upstream, client: Client) -> None:
    def echo(asked: Asked) -> Reply:
        return Reply(404, json.dumps(dict(asked.headers)).encode())

    upstream.script = echo
    with pytest.raises(RequestRefused) as caught:
        get_page(client)
    assert "token-1" not in repr(caught.value) + str(vars(caught.value))


def test_each_request_names_its_host_and_what_it_accepts_and_marks_itself(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = lambda _: page_of([])
    client.get("/conversations", {}, ConversationPage)
    headers = upstream.asked[-1].headers
    assert headers["host"] == client._address.host
    assert (headers["accept"], headers[LOOP_HEADER.lower()]) == ("application/json", "1")
    assert headers["accept-encoding"] == "gzip, deflate"


def test_requests_are_counted_by_how_they_ended(upstream: Upstream, client: Client) -> None:
    limited = Reply(429, headers={"Retry-After": "0"})
    lost = Reply(fate="dropped")
    upstream.script = in_turn(page_of([]), Reply(500), limited, lost, Reply(302))
    get_page(client)
    with pytest.raises(Redirected):
        get_page(client)
    upstream.script = in_turn(Reply(404))
    with pytest.raises(RequestRefused):
        get_page(client)
    assert client.request_counts() == {
        "answered": 2,  # one of them was for a token
        "failed": 1,
        "limited": 1,
        "unreachable": 1,
        "redirected": 1,
        "refused": 1,
    }


@pytest.mark.parametrize(
    ("option", "setting"), [("reserve", "rate_reserve"), ("timeout", "timeout")]
)
def test_an_option_that_is_left_out_is_the_default_of_its_setting(
    option: str, setting: str
) -> None:
    default = signature(Client).parameters[option].default
    assert default == Settings.model_fields[setting].default


def test_nothing_is_known_of_the_limit_before_a_response_shows_it(client: Client) -> None:
    assert (client.rate_left, client.rate_limit) == (None, None)
    get_page(client)
    assert (client.rate_left, client.rate_limit) == (None, None)


def test_requests_that_are_left_are_remembered_if_a_response_does_not_say(
    upstream: Upstream, client: Client
) -> None:
    shown = {"X-RateLimit-Limit-Minute": "400", "X-RateLimit-Remaining-Minute": "399"}
    upstream.script = in_turn(page_of([], shown), page_of([]))
    for _ in range(2):
        client.get("/conversations", {}, ConversationPage)
        assert (client.rate_left, client.rate_limit) == (399, 400)


@pytest.mark.parametrize(("setup", "lines"), [("", 0), ("logging.basicConfig()", 1)])
def test_retries_are_printed_only_by_programs_that_set_up_logging(setup: str, lines: int) -> None:
    program = (
        f"import logging, compat.v2.client\n{setup}\n"
        "logging.getLogger('stamina').warning('stamina.retry_scheduled')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.count("stamina.retry_scheduled") == lines
