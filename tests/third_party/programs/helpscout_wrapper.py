"""A program on helpscout-wrapper: reads on standard input whom to ask what, prints what it got."""

from __future__ import annotations

import json
import sys
from typing import Any

from helpscout import Client
from helpscout.exceptions import BadRequestException, NotAuthorizedException

asked = json.load(sys.stdin)
Client.base_api_url = asked["base_url"]


def pages(name: str, call: Any, **how: object) -> list[Any]:
    """All rows of a list; this client leaves the pages to its callers."""
    found: list[Any] = []
    page = last = 1
    while page <= last:
        answer = call(page=page, **how)
        found += answer["_embedded"][name]
        page, last = page + 1, answer["page"]["totalPages"]
    return found


def refused(call: Any) -> str:
    try:
        return str(call())
    except (BadRequestException, NotAuthorizedException) as error:
        return type(error).__name__


client = Client(asked["app_id"], asked["app_secret"])
conversation = client.conversation
got = {
    "lists": {
        name: pages("conversations", conversation.list, **how)
        for name, how in asked["lists"].items()
    },
    "mailboxes": client.mailbox.list()["_embedded"]["mailboxes"],
    "folders": {
        mailbox: client.mailbox.mailbox_folders(mailbox)["_embedded"]["folders"]
        for mailbox in asked["mailboxes"]
    },
    "tags": pages("tags", client.tag.list),
    "one": conversation.get(asked["one"]),
    "threads": conversation.thread.list(asked["one"])["_embedded"]["threads"],
    "merged": conversation.get(asked["merged"]),
    "missing": refused(lambda: conversation.get(asked["missing"])),
    "stranger": refused(lambda: Client(asked["app_id"], "wrong")),
    "misread": refused(lambda: conversation.list(status="shut")),
    "report": client.report.conversation.new(asked["start"], asked["end"], viewBy="week"),
}
json.dump(got, sys.stdout)
