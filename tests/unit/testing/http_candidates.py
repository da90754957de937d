"""Other servers of the old contract, which fetch from Mailbox API 2.0."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from tests.unit.server.threaded_server import LOOPBACK
from tests.unit.testing.candidate import Candidate, Conversation

NODE = shutil.which("node")
SCRIPT = Path(__file__).with_name("candidate.mjs")
SIGN_IN = {
    "grant_type": "client_credentials",
    "client_id": "demo-app",
    "client_secret": "demo-secret",
}
Answerer = Callable[[str], Any]


class Fetching(AbstractContextManager["Fetching"]):
    """A candidate that fetches the conversations itself, for each question again.

    It signs in once.

    Args:
        base_url: Mailbox API 2.0, ending in `/v2`.
        bug: What it does wrong.

    Attributes:
        signed_in: How often it signed in.
    """

    def __init__(self, base_url: str, bug: str = "") -> None:
        self.signed_in = 0
        self._candidate = Candidate(bug)
        self._client = httpx.Client(base_url=base_url, trust_env=False)

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def __call__(self, query: str) -> Any:
        return self._candidate(query, list(self.conversations()))

    def conversations(self) -> Iterator[Conversation]:
        """Every page of the list; the account does not change meanwhile."""
        page = pages = 1
        while page <= pages:
            listed = self._get(f"/conversations?status=all&page={page}")
            pages = listed["page"]["totalPages"]
            yield from listed.get("_embedded", {}).get("conversations", [])
            page += 1

    def _get(self, path: str) -> Any:
        if not self.signed_in:
            self.signed_in += 1
            token = self._client.post("/oauth2/token", data=SIGN_IN).raise_for_status().json()
            self._client.headers["Authorization"] = f"Bearer {token['access_token']}"
        return self._client.get(path).raise_for_status().json()


@contextmanager
def served(answerer: Answerer) -> Iterator[str]:
    """A minimal server; an error of the answerer is a 502."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = _answered(answerer, self.path)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _answered(answerer: Answerer, query: str) -> tuple[int, Any]:
    try:
        answer = answerer(query)
    except httpx.HTTPError as error:
        return 502, {"error": str(error)}
    return answer if isinstance(answer, tuple) else (200, answer)


@contextmanager
def served_by_node(base_url: str, bug: str = "") -> Iterator[str]:
    """The server in another language."""
    assert NODE
    with subprocess.Popen(
        [NODE, str(SCRIPT), base_url, bug], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield f"http://{LOOPBACK}:{int(process.stdout.readline())}"
        finally:
            process.kill()
