"""Odd threads: what is unknown of one fails the questions that need it, and no others."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest

from compat.archive.admin import export, import_lines
from compat.archive.database import open_archive
from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator.thread import Thread
from tests.integration.exactness.oracle import text
from tests.integration.exactness.simulated_upstream import Upstream
from tests.integration.odd_data.odd_api import ABSENT, CREATED, OddApi, put
from tests.unit.archive.sync.synced_account import DAY
from tests.unit.service.doubles import LONG, basic

NEW: Final = "conversations/new.json"
MESSAGES: Final = "conversations/received-messages.json"
HAPPINESS: Final = "happiness.json"
RATINGS: Final = "happiness/ratings.json"
USER: Final = "user.json"
REPORTS: Final = (NEW, MESSAGES, HAPPINESS, RATINGS, USER)

RATING: Final = {HAPPINESS, RATINGS, USER}
TYPE: Final = {MESSAGES, HAPPINESS, USER}
STATE: Final = {HAPPINESS, RATINGS, USER}
SUPERB: Final[Any] = {"rating": "superb", "comments": "Wow"}

ANYTHING: Final[tuple[Any, ...]] = (None, 7, "text", [], {"id": "x"})


def cases(key: str, failing: set[str], *values: Any) -> list[tuple[str, Any, set[str]]]:
    """A case for each value of a key."""
    return [(key, value, failing) for value in values]


ODD_REPLIES: Final = [
    *cases("rating", RATING, SUPERB, "superb", 5, True, [1], {"rating": 3}, {"rating": SUPERB}),
    *cases("rating", set(), None, ABSENT, {}, [], "", {"rating": None}),
    *cases("type", TYPE, None, ABSENT, "", 7, ["message"]),
    *cases("state", STATE, None, ABSENT, "", True, {"name": "published"}),
]


def replied(api: OddApi) -> Thread:
    """A rated reply of a user, two hours and a half after the first conversation began."""
    row, user = api.conversations[0], api.account.layout.users[0].id
    reply = api.account.reply(row.id, author_id=user, created=CREATED + 9000)
    return api.account.rate(row.id, reply.id, "great", "Thanks")


def answers(api: OddApi, settings: Settings, last: int = CREATED + 5 * DAY) -> dict[str, Any]:
    """What each report answers about a range that begins before all conversations."""
    found = {}
    with LegacyReports(settings) as reports:
        for path in REPORTS:
            times = f"start={text(CREATED - 100)}&end={text(last)}"
            user = api.account.layout.users[0].id
            others = {USER: f"&user={user}", RATINGS: "&rating=0"}.get(path, "")
            target = f"/v1/reports/{path}?{times}{others}"
            answer = reports.answer(target, authorization=basic(), patience=LONG)
            body = json.loads(answer.body)
            found[path] = body if answer.status == 200 else str(body)
    return found


def every_way(api: OddApi, last: int = CREATED + 5 * DAY) -> list[dict[str, Any]]:
    """The answers live, offline, and with both."""
    return [answers(api, each, last) for each in (api.live(), api.offline(), api.settings)]


def _id(value: object) -> str:
    """The same in each process, as the order of a set is not."""
    return ",".join(sorted(value)) if isinstance(value, set | frozenset) else repr(value)


@pytest.mark.parametrize(("key", "value", "failing"), ODD_REPLIES, ids=_id)
def test_what_is_unknown_of_a_reply_fails_only_the_reports_that_need_it(
    upstream_server: Upstream, url: str, key: str, value: object, failing: set[str]
) -> None:
    api = OddApi.shown(upstream_server, url, 4)
    reply = replied(api)
    row = api.conversations[0]
    api.thread_changes[reply.id] = put(**{key: value})
    api.sync(threads=True)
    for found in every_way(api):
        refused = {path for path, answer in found.items() if isinstance(answer, str)}
        assert refused == failing
        for path in refused:
            assert f"`{key}` of thread {reply.id} of conversation {row.id}, and" in found[path]


@pytest.mark.parametrize("value", ANYTHING, ids=repr)
def test_what_no_report_needs_of_a_thread_may_be_anything(
    upstream_server: Upstream, url: str, value: object
) -> None:
    api = OddApi.shown(upstream_server, url, 4)
    keys = ("status", "action", "source", "customer", "savedReplyId", "_embedded", "to", "body")
    api.thread_changes[replied(api).id] = put(**dict.fromkeys(keys, value))
    api.sync(threads=True)
    for found in every_way(api):
        assert not any(isinstance(answer, str) for answer in found.values())
        assert found[HAPPINESS]["current"]["greatCount"] == 1


@pytest.mark.parametrize(("key", "value"), [("rating", SUPERB), ("type", None), ("state", None)])
def test_what_is_unknown_of_a_reply_matters_in_its_own_time(
    api: OddApi, key: str, value: object
) -> None:
    reply = replied(api)
    api.thread_changes[reply.id] = put(**{key: value})
    api.sync(threads=True)
    earlier, whole = every_way(api, reply.created - 1), every_way(api)
    for found in earlier:
        assert not any(isinstance(found[path], str) for path in (NEW, MESSAGES, HAPPINESS, RATINGS))
    assert all(isinstance(found[HAPPINESS], str) for found in whole)


@pytest.mark.parametrize(("key", "value"), [("rating", SUPERB), ("type", None), ("state", None)])
@pytest.mark.parametrize("slim", [False, True])
def test_what_is_unknown_of_a_thread_stays_so_when_an_archive_is_exported_and_imported(
    api: OddApi, tmp_path: Path, key: str, value: object, *, slim: bool
) -> None:
    reply = replied(api)
    api.thread_changes[reply.id] = put(**{key: value})
    api.sync(threads=True)
    row = api.conversations[0].id
    with api.snapshot() as snapshot:
        lines, before = list(export(snapshot)), snapshot.threads_of([row])
    with open_archive(f"sqlite:///{tmp_path}/other.db", create=True, slim=slim) as archive:
        with archive.lock() as lock:
            with archive.writing(lock) as writer:
                writer.keep_threads(kept=True)
            covers = (CREATED - 100, CREATED + DAY)
            import_lines(archive, lock, BytesIO(b"".join(lines)), covers, CREATED + 2 * DAY)
        with archive.reading() as snapshot:
            after, unread = snapshot.threads_of([row]), snapshot.unread_threads(9)
    rated = [each.rating and each.rating.value for each in before[row]]
    assert [each._replace(rating=None) for each in after[row]] == [
        each._replace(rating=None) for each in before[row]
    ]
    assert ([each.rating and each.rating.value for each in after[row]], unread) == (rated, [])


def test_what_becomes_known_is_read_by_the_next_run(api: OddApi) -> None:
    reply = replied(api)
    api.thread_changes[reply.id] = put(rating=SUPERB)
    api.sync(threads=True)
    assert isinstance(answers(api, api.offline())[HAPPINESS], str)
    del api.thread_changes[reply.id]
    api.account.touch(api.conversations[0].id)
    api.sync()
    found = [each[HAPPINESS]["current"]["greatCount"] for each in every_way(api)]
    assert found == [1, 1, 1]


@pytest.mark.parametrize(("key", "value"), [("id", None), ("createdAt", "yesterday")])
def test_a_thread_that_cannot_be_read_is_named_live_by_the_run_and_offline(
    api: OddApi, key: str, value: object
) -> None:
    reply = replied(api)
    row = api.conversations[0].id
    api.thread_changes[reply.id] = put(**{key: value})
    api.sync(threads=True)
    named = [event.facts for event in api.events if event.name == "threads unreadable"]
    assert {each["conversation"] for each in named} == {row}
    live, offline = answers(api, api.live()), answers(api, api.offline())
    for sentence in (named[0]["why"], live[MESSAGES]):
        assert f"conversation {row}: thread" in str(sentence)
        assert f"`{key}`" in str(sentence)
    assert f"conversation {row}: run `helpscout-v1 sync`" in offline[MESSAGES]
    assert live[NEW] == offline[NEW]
