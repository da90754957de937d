"""Upstreams that know marked secrets, and upstreams that echo requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from urllib.parse import quote

import pytest

from compat.simulator import Behaviour, Simulator, make_account, running
from tests.integration.secrets.marks import SECRETS, core
from tests.unit.server.threaded_server import LOOPBACK
from tests.unit.service.doubles import basic
from tests.unit.v2.upstream import Asked, Reply, scripted

APP = "an-app-id"
BEARER = f"{core('bearer')}+/=~"
"""A token of another program's; of what a secret is made of, HTTP takes only this."""

KEY = {"Authorization": basic(SECRETS["first-key"])}
KEYS: tuple[Mapping[str, str], ...] = (
    KEY,
    {"Authorization": KEY["Authorization"].rstrip("=")},
    {"Authorization": basic(SECRETS["first-key"], "")},
    {"Authorization": basic(SECRETS["other-key"], SECRETS["their-secret"])},
    {"Authorization": basic(SECRETS["bearer"], SECRETS["bearer"])},
    {"Authorization": f"Bearer {BEARER}"},
    {"Authorization": f"Basic {core('bearer')}"},
    {},
)
"""What callers of the old API send: known keys, with and without padding, and unknown ones."""


def settings_for(base_url: str, **others: str) -> dict[str, str]:
    """The environment of a server that has every kind of secret of its own."""
    return {
        "HELPSCOUT_APP_ID": APP,
        "HELPSCOUT_APP_SECRET": SECRETS["app-secret"],
        "HELPSCOUT_BASE_URL": base_url,
        "COMPAT_API_KEYS": f"{SECRETS['first-key']},{SECRETS['other-key']}",
        "COMPAT_METRICS": "true",
        "COMPAT_PASS_V2": "true",
        **others,
    }


def proxied(port: int) -> str:
    """The URL of a proxy, with a password."""
    return f"http://us%65r:{quote(SECRETS['proxy-password'], safe='')}@{LOOPBACK}:{port}"


@contextmanager
def simulated() -> Iterator[str]:
    """A simulator that knows the marked application, and issues marked tokens."""
    numbers = count(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "compat.simulator.tokens.token_hex", lambda _: f"{core('token')}{next(numbers)}"
        )
        simulator = Simulator(
            make_account(60),
            Behaviour(rate_limit=None),
            client_id=APP,
            client_secret=SECRETS["app-secret"],
        )
        with running(simulator) as base_url:
            yield base_url


@contextmanager
def echoing(status: int) -> Iterator[str]:
    """An upstream whose answers repeat what was asked, headers and all; it signs anybody in."""

    def echo(asked: Asked) -> Reply:
        content = json.dumps({"message": str(asked), "_embedded": str(asked.headers)})
        return Reply(status, content.encode())

    def sign_in(asked: Asked) -> Reply:
        token = {"access_token": core("token"), "expires_in": 9, "echo": asked.body}
        return Reply(200, json.dumps(token).encode())

    with scripted() as upstream:
        upstream.script = echo
        upstream.sign_in = sign_in
        yield upstream.url


@contextmanager
def refusing(status: int) -> Iterator[str]:
    """An upstream that lets nobody sign in, and repeats the secret as the reason."""

    def sign_in(asked: Asked) -> Reply:
        return Reply(status, json.dumps({"error_description": asked.body}).encode())

    with scripted() as upstream:
        upstream.sign_in = sign_in
        yield upstream.url
