"""A program on tap-helpscout: reads on standard input whom to ask what, prints what it got."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import requests

asked = json.load(sys.stdin)
VENDOR = "https://api.helpscout.net/v2"


class Session(requests.Session):
    """A session that asks the simulator in place of the vendor, whose address is fixed there."""

    def request(self, method: Any, url: Any, *arguments: Any, **options: Any) -> requests.Response:
        address = asked["base_url"] + str(url).removeprefix(VENDOR)
        return super().request(method, address, *arguments, **options)


requests.Session = Session  # type: ignore[misc]

from tap_helpscout.client import HelpScoutClient  # noqa: E402
from tap_helpscout.discover import discover  # noqa: E402
from tap_helpscout.exceptions import HttpClientException  # noqa: E402
from tap_helpscout.sync import sync  # noqa: E402


def synchronised(client: Any) -> dict[str, list[Any]]:
    """The records of each stream, after the tap has checked them with its JSON schemas."""
    catalog = discover()
    for stream in catalog.streams:
        for entry in stream.metadata:
            entry["metadata"]["selected"] = stream.tap_stream_id in asked["streams"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        sync(client, catalog, {}, asked["since"])
    found: dict[str, list[Any]] = {name: [] for name in asked["streams"]}
    for message in map(json.loads, printed.getvalue().splitlines()):
        if message["type"] == "RECORD":
            found[message["stream"]].append(message["record"])
    return found


def refused(path: Path, config: dict[str, str]) -> str:
    """What a wrong secret raises."""
    try:
        HelpScoutClient(str(path), config | {"client_secret": "wrong"}).get_access_token()
    except HttpClientException as error:
        return type(error).__name__
    return "nothing"


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "config.json"
    path.write_text(json.dumps(asked["config"]))
    with HelpScoutClient(str(path), asked["config"]) as client:
        streams = synchronised(client)
    kept = json.loads(path.read_text())
    with HelpScoutClient(str(path), kept) as client:
        me = client.get("/users/me")["id"]
    stranger = refused(path, json.loads(path.read_text()))

got = {"streams": streams, "kept": kept["refresh_token"], "me": me, "stranger": stranger}
json.dump(got, sys.stdout)
