"""A program on python-helpscout: reads on standard input whom to ask what, prints what it got."""

from __future__ import annotations

import json
import sys
from typing import Any

from helpscout import HelpScout
from helpscout.exceptions import HelpScoutException

asked = json.load(sys.stdin)


def client(secret: str) -> Any:
    return HelpScout(asked["app_id"], secret, base_url=f"{asked['base_url']}/")


def plain(found: Any) -> Any:
    """The attributes of one object, or of each of several."""
    if isinstance(found, list):
        return [plain(each) for each in found]
    return {name: getattr(found, name) for name in found._attrs}


def refused(call: Any) -> str:
    try:
        call()
    except HelpScoutException as error:
        return type(error).__name__
    return "nothing"


helpscout = client(asked["app_secret"])
conversations = helpscout.conversations
got = {
    "lists": {name: plain(conversations.get(params=how)) for name, how in asked["lists"].items()},
    "mailboxes": plain(helpscout.mailboxes.get()),
    "folders": {
        mailbox: plain(helpscout.mailboxes[mailbox].folders.get()) for mailbox in asked["mailboxes"]
    },
    "tags": plain(helpscout.tags.get()),
    "one": plain(conversations[asked["one"]].get()),
    "threads": plain(conversations[asked["one"]].threads.get()),
    "merged": plain(conversations[asked["merged"]].get()),
    "missing": refused(conversations[asked["missing"]].get),
    "stranger": refused(client("wrong").mailboxes.get),
    "misread": refused(lambda: conversations.get(params={"status": "shut"})),
}
json.dump(got, sys.stdout)
