"""A program on the old client: reads on standard input whom to ask what, prints what it got."""

from __future__ import annotations

import json
import sys
from typing import Any

from helpscout import BaseApi, HelpScout
from helpscout.exceptions import HelpScoutRemoteException

asked = json.load(sys.stdin)
BaseApi.BASE_URI = asked["base_url"]


def rows(listed: Any) -> list[Any]:
    """All that a list brings.

    Its generators end in a way that Python gave up in 3.7 (PEP 479); what they brought is whole.
    """
    found: list[Any] = []
    try:
        found.extend(row.to_api() for row in listed)
    except RuntimeError as error:
        if not isinstance(error.__cause__, StopIteration):
            raise
    return found


def refused(call: Any) -> list[Any]:
    try:
        return [0, str(call())]
    except HelpScoutRemoteException as error:
        return [error.status_code, str(error)]


helpscout = HelpScout(asked["key"])


def report(name: str, how: dict[str, str]) -> Any:
    answer = helpscout.session.get(f"{BaseApi.BASE_URI}/reports/{name}.json", params=how)
    return [answer.status_code, answer.json()]


got = {
    "mailboxes": rows(helpscout.Mailboxes.list()),
    "folders": {
        mailbox: rows(helpscout.Mailboxes.get_folders(mailbox)) for mailbox in asked["mailboxes"]
    },
    "tags": rows(helpscout.Tags.list()),
    "reports": [report(name, how) for name, how in asked["reports"]],
    "users": rows(helpscout.Users.list()),
    "missing": refused(lambda: rows(helpscout.Customers.list())),
    "stranger": refused(lambda: rows(HelpScout("wrong").Mailboxes.list())),
}
json.dump(got, sys.stdout)
