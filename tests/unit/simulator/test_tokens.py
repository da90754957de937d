"""Tokens: how they are issued, and how they end."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from compat.simulator import Account, Behaviour, Simulator
from tests.unit.simulator.clients import GRANT, get_page, ids, sign_in, signed_in, without_token


@pytest.mark.parametrize("way", ["data", "json", "params"])
def test_a_token_is_requested_by_form_json_or_query(client: httpx.Client, way: str) -> None:
    arguments: dict[str, Any] = {way: GRANT}
    answer = client.post("/oauth2/token", **arguments)
    payload = answer.json()
    assert answer.status_code == 200
    assert set(payload) == {"token_type", "access_token", "expires_in"}
    assert (payload["token_type"], payload["expires_in"]) == ("bearer", 172_800)
    assert answer.headers["cache-control"] == "no-store"


def test_a_token_response_has_no_rate_limit_headers() -> None:
    with without_token(Simulator(Account())) as client:
        headers = client.post("/oauth2/token", data=GRANT).headers
        assert not [name for name in headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize("wrong", [{"client_secret": "no"}, {"client_id": "no"}])
def test_a_wrong_client_is_refused(client: httpx.Client, wrong: dict[str, str]) -> None:
    answer = client.post("/oauth2/token", data=GRANT | wrong)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_wrong_client_can_be_a_400() -> None:
    with without_token(Simulator(Account(), Behaviour(bad_client_status=400))) as client:
        answer = client.post("/oauth2/token", data=GRANT | {"client_id": "x"})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def refresh(client: httpx.Client, token: str) -> httpx.Response:
    """Exchange a refresh token."""
    fields = GRANT | {"grant_type": "refresh_token", "refresh_token": token}
    return client.post("/oauth2/token", data=fields)


def test_a_refresh_token_is_exchanged_for_an_access_token_and_a_new_refresh_token() -> None:
    with without_token(Simulator(Account())) as client:
        first = refresh(client, "demo-refresh").json()
        assert list(first) == ["refresh_token", "token_type", "access_token", "expires_in"]
        second = refresh(client, first["refresh_token"]).json()
        assert second["refresh_token"] != first["refresh_token"]
        headers = {"Authorization": f"Bearer {second['access_token']}"}
        assert client.get("/users/me", headers=headers).status_code == 200


def test_an_issued_refresh_token_is_valid_once_and_the_first_one_always() -> None:
    with without_token(Simulator(Account(), refresh_token="first")) as client:
        issued = refresh(client, "first").json()["refresh_token"]
        assert refresh(client, issued).status_code == 200
        again = refresh(client, issued)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_request")
        assert refresh(client, "first").status_code == 200


@pytest.mark.parametrize("token", ["", "unknown"])
def test_an_unknown_refresh_token_is_refused(client: httpx.Client, token: str) -> None:
    assert refresh(client, token).status_code == 400


def test_a_refresh_token_outlives_the_revocation_of_access_tokens() -> None:
    simulator = Simulator(Account())
    with without_token(simulator) as client:
        issued = refresh(client, "demo-refresh").json()["refresh_token"]
        simulator.revoke_tokens()
        assert refresh(client, issued).status_code == 200


def test_another_grant_type_is_refused(client: httpx.Client) -> None:
    answer = client.post("/oauth2/token", data=GRANT | {"grant_type": "password"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(client: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post("/oauth2/token", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic ZGVtbzp4"])
def test_a_request_without_a_valid_token_is_refused(client: httpx.Client, header: str) -> None:
    answer = client.get("/conversations", headers={"Authorization": header})
    assert answer.status_code == 401
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == "invalid_token"


def test_a_token_expires() -> None:
    now = [1_000_000.0]
    simulator = Simulator(Account(), Behaviour(token_lifetime=100), clock=lambda: now[0])
    with signed_in(simulator) as client:
        now[0] += 99
        assert client.get("/users/me").status_code == 200
        now[0] += 1
        assert client.get("/users/me").status_code == 401


def test_tokens_can_be_revoked_and_requested_again() -> None:
    simulator = Simulator(Account())
    with signed_in(simulator) as client:
        simulator.revoke_tokens()
        assert client.get("/users/me").status_code == 401
        sign_in(client)
        assert client.get("/users/me").status_code == 200


def test_the_client_can_be_chosen() -> None:
    with without_token(Simulator(Account(), client_id="me", client_secret="mine")) as client:
        mine = GRANT | {"client_id": "me", "client_secret": "mine"}
        assert client.post("/oauth2/token", data=GRANT).status_code == 401
        assert client.post("/oauth2/token", data=mine).status_code == 200


def test_tokens_stay_valid_when_another_account_is_served() -> None:
    simulator = Simulator(Account())
    with signed_in(simulator) as client:
        assert ids(get_page(client)) == []
        another = Account()
        new = another.add()
        simulator.show(another)
        assert simulator.account is another
        assert ids(get_page(client)) == [new.id]
        assert client.get(f"/conversations/{new.id}").status_code == 200
