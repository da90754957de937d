"""A simulated API whose payloads are changed on their way, and what the answers must then be.

The rules stand here once more on purpose: this is the oracle for live answers, synchronisation and
offline answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import SecretStr

from compat.archive.database import open_archive
from compat.archive.reader import Snapshot
from compat.archive.sync.run import Sync, SyncEvent, SyncOptions, SyncResult
from compat.config.settings import Settings
from compat.server.asgi_types import Message, Receive, Scope, Send
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Conversation, Simulator
from compat.simulator.payloads import conversation
from compat.v1.http import LegacyResponse
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.synced_account import DAY, NOW, Clock
from tests.unit.service.doubles import LONG, basic

CREATED: Final = int(NOW.timestamp()) - 10 * DAY
PAGE: Final = Behaviour(rate_limit=None, page_size=4)
ABSENT: Final = "absent"

KEYS: Final = {"mailboxes": "mailboxId", "folders": "folderId", "types": "type", "tags": "tags"}
"""The key of a payload that each filter of the old API needs."""

Payload = dict[str, Any]
Change = Callable[[Payload], None]


def put(**values: Any) -> Change:
    """Set keys of a payload, or remove those whose value is `ABSENT`."""

    def change(payload: Payload) -> None:
        payload.update(values)
        for key in [key for key, value in values.items() if value == ABSENT]:
            payload.pop(key)

    return change


@dataclass
class OddApi:
    """An account of a few conversations, shown by an API that changes some of its payloads.

    Attributes:
        account: The account.
        settings: The settings that lead to the API and the archive.
        changes: What is changed of conversations, by the account's ids.
        thread_changes: What is changed of threads, by the account's ids.
        whole: What is changed of the text of each answer.
        events: The events of the latest synchronisation.
    """

    account: Account
    settings: Settings
    changes: dict[int, Change]
    whole: Callable[[str], bytes]
    events: list[SyncEvent]
    thread_changes: dict[int, Change] = field(default_factory=dict)

    @classmethod
    def shown(cls, upstream_server: Upstream, url: str, conversations: int = 6) -> OddApi:
        """Show a new account; its conversations are created an hour apart."""
        clock = Clock()
        account = Account(clock=clock)
        for at in range(conversations):
            account.add(CREATED + 3600 * at, type=("email", "chat")[at % 2])
        clock.advance(DAY)
        simulator = Simulator(account, PAGE)
        settings = upstream_server.show(simulator).model_copy(update={"archive": SecretStr(url)})
        made = cls(account, settings, {}, str.encode, [])
        upstream_server.app = made._application(simulator)
        return made

    @property
    def conversations(self) -> list[Conversation]:
        """The conversations, the oldest first."""
        return sorted(self.account.conversations(), key=lambda each: each.created)

    def payload(self, id_: int) -> Payload:
        """A conversation as the API shows it."""
        row = self.account.get(id_)
        assert row is not None
        payload = conversation(row, self.account.layout)
        if id_ in self.changes:
            self.changes[id_](payload)
        return payload

    @property
    def archive_url(self) -> str:
        """The archive's URL."""
        assert self.settings.archive is not None
        return self.settings.archive.get_secret_value()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A snapshot of the archive."""
        with open_archive(self.archive_url) as archive, archive.reading() as found:
            yield found

    def sync(self, **options: Any) -> SyncResult:
        """Synchronise the archive."""
        self.events.clear()
        return Sync(self.settings, SyncOptions(**options), self.events.append).run()

    def live(self) -> Settings:
        """Settings without the archive."""
        return self.settings.model_copy(update={"archive": None})

    def offline(self) -> Settings:
        """Settings with the archive alone."""
        return self.settings.model_copy(update={"offline": True})

    def _application(self, simulator: Simulator) -> Callable[[Scope, Receive, Send], Any]:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            sent: list[Message] = []

            async def keep(message: Message) -> None:
                sent.append(message)

            await simulator(scope, receive, keep)
            start = sent[0]
            body = b"".join(each.get("body", b"") for each in sent[1:])
            if start["status"] == 200 and "/oauth2/" not in scope["path"]:
                body = self._changed(body)
            headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
            length = (b"content-length", str(len(body)).encode())
            await send({**start, "headers": [*headers, length]})
            await send({"type": "http.response.body", "body": body})

        return application

    def _changed(self, body: bytes) -> bytes:
        value = json.loads(body)
        shown = value.get("_embedded") or {}
        rows = shown.get("conversations") or [value]
        lists = [shown, *(row.get("_embedded") or {} for row in rows)]
        for thread in (each for shown in lists for each in shown.get("threads") or ()):
            if thread["id"] in self.thread_changes:
                self.thread_changes[thread["id"]](thread)
        for row in rows:
            if isinstance(row, dict) and row.get("id") in self.changes and "createdAt" in row:
                self.changes[row["id"]](row)
        return self.whole(json.dumps(value))


Filters = dict[str, tuple[int | str, ...]]


def question(filters: Filters | None = None) -> Asked:
    """A question for all conversations of the account that pass some filters."""
    return Asked(CREATED - 100, CREATED + 5 * DAY, filters=filters or {})


def ask(settings: Settings, asked: Asked) -> LegacyResponse:
    """The answer to a question."""
    with LegacyReports(settings) as reports:
        return reports.answer(asked.target(), authorization=basic(), patience=LONG)


def outcome(answer: LegacyResponse) -> int | str:
    """How many conversations an answer counts, or the sentence of its 503."""
    body = json.loads(answer.body)
    if answer.status == 503:
        return str(body)
    assert answer.status == 200, answer
    return sum(int(bucket["count"]) for bucket in body["current"])


def usable(key: str, value: Any) -> Any:
    """The value of a key that filters need; None if it cannot be used."""
    if key == "tags":
        ids = [each.get("id") for each in value] if _is_list_of_objects(value) else [None]
        return None if None in [usable("id", each) for each in ids] else tuple(ids)
    if key == "type":
        return value if isinstance(value, str) else None
    return value if type(value) is int and -(2**63) <= value < 2**63 else None


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def expected(api: OddApi, asked: Asked) -> int | Mapping[int, set[str]]:
    """The count, or the unknown keys of each conversation that a filter cannot judge."""
    counted = 0
    open_: dict[int, set[str]] = {}
    for row in api.conversations:
        payload = api.payload(row.id)
        if payload["state"] != "published" or payload["status"] == "spam":
            continue
        values = {name: usable(KEYS[name], payload.get(KEYS[name])) for name in asked.filters}
        passed = [
            any(each in (value if name == "tags" else (value,)) for each in asked.filters[name])
            for name, value in values.items()
            if value is not None
        ]
        if not all(passed):
            continue
        unknown = {KEYS[name] for name, value in values.items() if value is None}
        if unknown:
            open_[row.id] = unknown
        counted += 1
    return open_ or counted
