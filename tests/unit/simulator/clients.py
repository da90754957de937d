"""HTTP clients of a simulator, with and without a token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from compat.simulator import Account, Conversation, Simulator, make_account, running

NOW = datetime(2019, 6, 15, 12, 30, 45, tzinfo=UTC)
CLIENT = {"client_id": "demo-app", "client_secret": "demo-secret"}
GRANT = {"grant_type": "client_credentials", **CLIENT}


def small_account(conversations: int = 300, seed: int = 7) -> Account:
    """An account that is the same in every run."""
    return make_account(conversations, seed, NOW)


@contextmanager
def without_token(simulator: Simulator) -> Iterator[httpx.Client]:
    """A client without a token."""
    with running(simulator) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


@contextmanager
def signed_in(simulator: Simulator) -> Iterator[httpx.Client]:
    """A client with a token."""
    with without_token(simulator) as client:
        sign_in(client)
        yield client


def sign_in(client: httpx.Client) -> None:
    """Request a token, and send it from now on."""
    token = client.post("/oauth2/token", data=GRANT).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


def get_page(client: httpx.Client, **parameters: object) -> dict[str, Any]:
    """One page of the list of conversations."""
    answer = client.get("/conversations", params={k: str(v) for k, v in parameters.items()})
    assert answer.status_code == 200, answer.text
    payload: dict[str, Any] = answer.json()
    return payload


def rows(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversations of a page."""
    found: list[dict[str, Any]] = payload.get("_embedded", {}).get("conversations", [])
    return found


def ids(payload: dict[str, Any]) -> list[int]:
    """The ids on a page."""
    return [row["id"] for row in rows(payload)]


def all_ids(client: httpx.Client, **parameters: object) -> list[int]:
    """The ids on all pages."""
    found: list[int] = []
    page = pages = 1
    while page <= pages:
        payload = get_page(client, **parameters, page=page)
        found += ids(payload)
        page, pages = page + 1, payload["page"]["totalPages"]
    return found


def listed(account: Account) -> list[Conversation]:
    """The conversations that lists can show."""
    return [row for row in account.conversations() if row.state != "deleted"]
