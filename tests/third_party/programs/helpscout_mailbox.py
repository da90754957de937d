"""A program on helpscout-mailbox: reads on standard input whom to ask what, prints what it got."""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from typing import Any

import helpscout_mailbox.client as library

asked = json.load(sys.stdin)
library.BASE_URL = asked["base_url"]
library.TOKEN_URL = f"{asked['base_url']}/oauth2/token"


def client(secret: str) -> Any:
    os.environ |= {"HELPSCOUT_APP_ID": asked["app_id"], "HELPSCOUT_APP_SECRET": secret}
    return library.HelpScoutClient()


def refused(call: Any) -> str:
    try:
        return str(call())
    except library.HelpScoutError as error:
        return type(error).__name__


helpscout = client(asked["app_secret"])
since = date.fromisoformat(asked["since"])
got = {
    "searches": {
        name: list(helpscout.search_conversations(query, since))
        for name, query in asked["searches"].items()
    },
    "one": helpscout.get_conversation(asked["one"]),
    "threads": helpscout.conversation_threads(asked["one"]),
    "merged": helpscout.get_conversation(asked["merged"]),
    "missing": refused(lambda: helpscout.get_conversation(asked["missing"])),
    "stranger": refused(lambda: client("wrong")),
    "misread": refused(lambda: list(helpscout.search_conversations("shut:yes", since))),
}
json.dump(got, sys.stdout)
