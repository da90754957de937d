"""A scripted Mailbox API 2.0, for responses that the simulator does not give."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, cast
from urllib.parse import parse_qsl, urlsplit

import certifi
import httpx
import pytest

from compat.simulator import Account, Behaviour, Simulator, running
from compat.simulator.conversation import format_timestamp
from compat.v2.client import Client
from compat.v2.lanes import read_lanes
from compat.v2.models import ConversationPage
from compat.v2.oauth import Credentials
from compat.v2.pagination import Paginator, creation_second
from compat.v2.search import Selection, Window

FIRST = 1_420_070_400
"""The first second of 2015."""

CREDENTIALS = Credentials("demo-app", "demo-secret")
QUIET = Behaviour(rate_limit=None)

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; header names are in lower case."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: str

    @property
    def page(self) -> int:
        return int(self.params.get("page", "1"))


@dataclass(frozen=True)
class Reply:
    """The reply to a request.

    A reply that is `dropped` closes the connection at once, one that is `cut` ends in the middle
    of its body, one that is `stalled` is never sent, one that is `dribbled` sends blanks, one after
    the other, in place of its body.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    fate: Literal["whole", "dropped", "cut", "stalled", "dribbled"] = "whole"


Script = Callable[[Asked], Reply]


def answer(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON body."""
    return Reply(status, json.dumps(payload).encode(), headers or {})


def in_turn(*replies: Reply) -> Script:
    """One reply after the other; the last one is repeated."""
    rest, lock = list(replies), threading.Lock()

    def script(_asked: Asked) -> Reply:
        with lock:
            return rest.pop(0) if len(rest) > 1 else rest[0]

    return script


def grants(lifetime: object = 172_800) -> Script:
    """Numbered tokens: `token-1` and so on."""
    handed_out, lock = 0, threading.Lock()

    def script(_asked: Asked) -> Reply:
        nonlocal handed_out
        with lock:
            handed_out += 1
            token = f"token-{handed_out}"
        return answer({"token_type": "bearer", "access_token": token, "expires_in": lifetime})

    return script


def conversation(row_id: int, second: int = FIRST, **others: Any) -> Json:
    """A conversation with the keys that are always there."""
    return {
        "id": row_id,
        "number": row_id,
        "mailboxId": 1,
        "folderId": 11,
        "type": "email",
        "status": "active",
        "state": "published",
        "createdAt": format_timestamp(second),
        "tags": [],
        **others,
    }


def page_of(
    rows: Iterable[Json],
    headers: Mapping[str, str] | None = None,
    *,
    total: int | None = None,
    pages: int | None = None,
) -> Reply:
    """One page of conversations; by default the only one."""
    shown = list(rows)
    total = len(shown) if total is None else total
    pages = min(total, 1) if pages is None else pages
    facts = {"size": 25, "totalElements": total, "totalPages": pages, "number": 1}
    return answer({"_embedded": {"conversations": shown}, "page": facts}, 200, headers)


class Living:
    """A script that lists the current conversations, page by page.

    Attributes:
        rows: The conversations; they may change at any time.
        size: Sequence[Conversation] on a page.
        before: Called with each request before it is answered.
        bend: Called with the rows of each page; returns those that are shown.
    """

    def __init__(self, rows: Iterable[Json], size: int = 25) -> None:
        self.rows = list(rows)
        self.size = size
        self.before: Callable[[Asked], object] = lambda _: None
        self.bend: Callable[[Asked, list[Json]], list[Json]] = lambda _, rows: rows
        self.count = 0

    def __call__(self, asked: Asked) -> Reply:
        self.count += 1
        self.before(asked)
        bounds = re.fullmatch(r"\(createdAt:\[(\S+) TO (\S+)\]\)", asked.params["query"])
        assert bounds is not None
        low, high = bounds.groups()
        low, high = low.replace("*", "0000"), high.replace("*", "9999Z")
        found = [row for row in self.rows if low <= row["createdAt"] <= high]
        # Equal rows have another order each time, as in search indexes.
        found.sort(key=lambda row: (row[asked.params["sortField"]], row["id"] * self.count % 101))
        shown = self.bend(asked, found[(asked.page - 1) * self.size : asked.page * self.size])
        return page_of(shown, total=len(found), pages=-(-len(found) // self.size))


class Upstream:
    """A server that runs a script.

    Attributes:
        script: Answers all requests except those for tokens.
        sign_in: Answers the requests for tokens.
        asked: The requests that were received, except those for tokens.
        signed_in: The requests for tokens that were received.
        url: The base URL.
    """

    def __init__(self) -> None:
        self.script: Script = in_turn(page_of([]))
        self.sign_in: Script = grants()
        self.asked: list[Asked] = []
        self.signed_in: list[Asked] = []
        self.port = 0
        self.released = threading.Event()
        self.failures: list[Exception] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v2"

    def reply(self, asked: Asked) -> Reply:
        if asked.path.endswith("/oauth2/token"):
            self.signed_in.append(asked)
            return self.sign_in(asked)
        self.asked.append(asked)
        return self.script(asked)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    upstream: Upstream

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may close connections."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        upstream = cast(_Server, self.server).upstream
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        params = dict(parse_qsl(target.query))
        try:
            reply = upstream.reply(Asked(self.command, target.path, params, headers, body))
        except Exception as failure:  # noqa: BLE001 - the test reports it
            upstream.failures.append(failure)
            reply = Reply(400)
        self._send(reply, upstream.released)

    do_POST = do_GET  # noqa: N815 - the name that the library looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
        """Log nothing."""

    def _send(self, reply: Reply, released: threading.Event) -> None:
        if reply.fate == "stalled":
            released.wait()
        self.close_connection = reply.fate != "whole"
        if reply.fate in {"dropped", "stalled"}:
            return
        lines = [f"HTTP/1.1 {reply.status} So", f"Content-Length: {len(reply.body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        whole = reply.fate == "whole"
        if reply.fate == "dribbled":
            self.wfile.write(head)
            while not released.wait(0.01):
                self.wfile.write(b" ")
            return
        self.wfile.write(head + (reply.body if whole else reply.body[: len(reply.body) // 2]))


@contextmanager
def scripted(tls: ssl.SSLContext | None = None) -> Iterator[Upstream]:
    """A scripted server on a free port while the block runs."""
    upstream = Upstream()
    with _Server(("127.0.0.1", 0), _Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        server.daemon_threads = True
        server.upstream = upstream
        upstream.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield upstream
        finally:
            upstream.released.set()
            server.shutdown()
            thread.join()
    assert not upstream.failures, upstream.failures


class Stage(Simulator):
    """One address for several simulators, one after the other."""

    def __init__(self) -> None:
        super().__init__(Account())
        self.playing: Simulator = self

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.playing is self:
            await super().__call__(scope, receive, send)
        else:
            await self.playing(scope, receive, send)


@contextmanager
def staged() -> Iterator[tuple[Stage, Client]]:
    """A stage and its client."""
    stage = Stage()
    with running(stage) as url, client_of(url) as client:
        yield stage, client


def fetched_ids(
    client: Client, first: int, last: int, selection: Selection | None = None
) -> set[int]:
    """The ids of a window that the paginator returns; rows outside of it are left out."""
    paginator = Paginator(client, selection or Selection(), ConversationPage)
    found = (row for batch in paginator.batches(Window(first, last)) for row in batch.rows)
    return {row.id for row in found if first <= creation_second(row) <= last}


def divide_lanes(patch: pytest.MonkeyPatch, min_pages: float) -> None:
    """Let workers take over a part of each lane that has so many pages left, or more."""
    defaults = cast(dict[str, Any], read_lanes.__kwdefaults__)
    patch.setitem(defaults, "min_pages", min_pages)


@contextmanager
def one_tls_context() -> Iterator[None]:
    """Clients without a file of their own share one TLS context: to make one takes long."""
    make = httpx.create_ssl_context
    made: dict[str, ssl.SSLContext] = {}

    def context(**options: Any) -> ssl.SSLContext:
        if isinstance(options["verify"], ssl.SSLContext):
            return options["verify"]
        place = certifi.where()
        if place not in made:
            made[place] = make(**options)
        return made[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", context)
        yield


@contextmanager
def client_of(url: str, **options: Any) -> Iterator[Client]:
    """A client for this base URL."""
    client = Client(CREDENTIALS, base_url=url, **options)
    try:
        yield client
    finally:
        client.close()
