"""What can be learnt about an account from Mailbox API 2.0, in about twenty requests.

Each step learns some facts. One that fails leaves its own unknown; where upstream cannot be
reached, or does not let us in, no further step is tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from compat.v2 import lists, probes
from compat.v2.client import Client
from compat.v2.errors import (
    CredentialsRefused,
    InconsistentData,
    Redirected,
    ReportsRefused,
    RequestLoop,
    Stopped,
    Unreachable,
    UpstreamError,
)
from compat.v2.models import ListEntry
from compat.v2.probes import Home, Seconds
from compat.v2.reports import Series, fetch
from compat.v2.search import FIRST_SECOND, spelled

_DAY: Final = 86_400
_LAG: Final = 900
"""Seconds; what is younger may not have reached all of upstream's lists yet."""

_MAILBOXES: Final = 2
_FOLDERS: Final = 3
_PROBED_SECONDS: Final = 4
_ENDING: Final = (CredentialsRefused, Unreachable, Redirected, RequestLoop, Stopped)


@dataclass
class AccountFacts:
    """What upstream showed; None where it did not.

    Attributes:
        now: Its clock, epoch seconds.
        ahead: By how many seconds its clock is ahead of this machine's.
        mailboxes: The mailboxes that the application may see.
        reports: Whether its own reports answer.
        page_size: Rows on a page of conversations.
        spam_in_all: Whether the list of `all` shows spam.
        homes: What home folders show, by the folder's id.
        seconds: What lists of one second show.
        rate_limit: Requests a minute.
        rate_left: Those that are left.
        requests: Requests that were made, sign-ins included.
        trouble: What ended the learning early.
        refusals: What kept single steps from learning anything, by step.
    """

    now: int | None = None
    ahead: int | None = None
    mailboxes: tuple[ListEntry, ...] | None = None
    reports: bool | None = None
    page_size: int | None = None
    spam_in_all: bool | None = None
    homes: dict[int, Home] = field(default_factory=dict)
    seconds: Seconds | None = None
    rate_limit: int | None = None
    rate_left: int | None = None
    requests: int = 0
    trouble: UpstreamError | None = None
    refusals: dict[str, UpstreamError] = field(default_factory=dict)


def learn(client: Client) -> AccountFacts:
    """Take all steps, as far as upstream lets them be taken."""
    learnt = AccountFacts()
    for name, step in _STEPS:
        try:
            step(client, learnt)
        except UpstreamError as trouble:
            if isinstance(trouble, _ENDING) and not isinstance(trouble, InconsistentData):
                learnt.trouble = trouble
                break
            learnt.refusals[name] = trouble
    learnt.rate_limit, learnt.rate_left = client.rate_limit, client.rate_left
    learnt.requests = sum(client.outcomes().values())
    return learnt


def _clock_and_mailboxes(client: Client, learnt: AccountFacts) -> None:
    # The first request signs in as well, and would seem to take longer than it did.
    lists.mailboxes(client)
    began = time.time()
    seen = lists.mailboxes(client)
    learnt.now = seen.asked_at
    learnt.ahead = seen.asked_at - int(began)
    learnt.mailboxes = seen.rows


def _reports(client: Client, learnt: AccountFacts) -> None:
    end = _settled(learnt)
    params = {"start": spelled(end - _DAY), "end": spelled(end), "viewBy": "day"}
    try:
        fetch(client, "conversations/new", params, Series)
    except ReportsRefused:
        learnt.reports = False
    else:
        learnt.reports = True


def _lists(client: Client, learnt: AccountFacts) -> None:
    until = _settled(learnt)
    page = probes.first_page(client, probes.ALL, FIRST_SECOND, until).value
    if page.page.total_pages > 1:
        learnt.page_size = len(page.rows)
    some = probes.of_other_seconds(page.rows, _PROBED_SECONDS)
    learnt.seconds = probes.one_second_lists(client, some)


def _spam(client: Client, learnt: AccountFacts) -> None:
    learnt.spam_in_all = probes.all_lists_spam(client, _settled(learnt))


def _homes(client: Client, learnt: AccountFacts) -> None:
    for mailbox, folder in _some_homes(client, learnt):
        status = "spam" if folder.type == "spam" else "all"
        until = _settled(learnt)
        learnt.homes[folder.id] = probes.home_list(client, folder.id, mailbox, status, until)


def _some_homes(client: Client, learnt: AccountFacts) -> list[tuple[int, ListEntry]]:
    """The fullest home folders of a few mailboxes, each with its mailbox."""
    homes = [
        (mailbox.id, folder)
        for mailbox in (learnt.mailboxes or ())[:_MAILBOXES]
        for folder in lists.folders(client, mailbox.id).rows
        if folder.type in lists.HOMES and folder.total
    ]
    return sorted(homes, key=lambda home: home[1].total or 0, reverse=True)[:_FOLDERS]


def _settled(learnt: AccountFacts) -> int:
    """Up to when lists show all by now."""
    return int(time.time() if learnt.now is None else learnt.now) - _LAG


_STEPS: Final[tuple[tuple[str, Callable[[Client, AccountFacts], None]], ...]] = (
    ("mailboxes", _clock_and_mailboxes),
    ("plan", _reports),
    ("page size", _lists),
    ("spam in all", _spam),
    ("home folders", _homes),
)
