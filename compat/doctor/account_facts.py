"""Facts about an account, collected from Mailbox API 2.0 in about twenty requests.

Each step collects some facts. If a step fails, its facts stay unknown. If upstream cannot be
reached or refuses the credentials, no further step is tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from compat.v2 import lists, probes
from compat.v2.client import Client
from compat.v2.errors import (
    Cancelled,
    CredentialsRefused,
    InconsistentData,
    NothingAtAddress,
    Redirected,
    ReportsRefused,
    RequestLoop,
    Unreachable,
    UpstreamError,
)
from compat.v2.models import ListEntry
from compat.v2.probes import HomeFolderProbe, OneSecondProbe
from compat.v2.reports import ReportSeries, fetch_report
from compat.v2.search import FIRST_SECOND, format_timestamp

_DAY: Final = 86_400
_INDEX_LAG: Final = 900
"""Seconds; younger changes may not be in all of upstream's lists yet."""

_MAX_MAILBOXES: Final = 2
_MAX_FOLDERS: Final = 3
_PROBED_SECONDS: Final = 4
_FATAL: Final = (CredentialsRefused, Unreachable, Redirected, RequestLoop, Cancelled)


@dataclass
class AccountFacts:
    """What upstream shows of an account; None where it does not.

    Attributes:
        now: Upstream's clock, epoch seconds.
        clock_ahead: Seconds by which upstream's clock is ahead of this machine's.
        mailboxes: The mailboxes that the application may see.
        has_reports: Whether upstream's own reports answer.
        page_size: Rows on a page of conversations.
        spam_in_all: Whether the list of `all` includes spam.
        home_folders: What the lists of home folders show, by the folder's id.
        one_second_lists: What lists of one second show.
        rate_limit: Requests per minute.
        rate_left: Requests that are left this minute.
        used_by_others: Requests that others made during the collection, as the rate limit shows;
            None if a new minute began meanwhile.
        requests: Requests that were made, token requests included.
        failure: The error that ended the collection early.
        refusals: Errors of single steps, by step.
    """

    now: int | None = None
    clock_ahead: int | None = None
    mailboxes: tuple[ListEntry, ...] | None = None
    has_reports: bool | None = None
    page_size: int | None = None
    spam_in_all: bool | None = None
    home_folders: dict[int, HomeFolderProbe] = field(default_factory=dict)
    one_second_lists: OneSecondProbe | None = None
    rate_limit: int | None = None
    rate_left: int | None = None
    used_by_others: int | None = None
    requests: int = 0
    failure: UpstreamError | None = None
    refusals: dict[str, UpstreamError] = field(default_factory=dict)


def collect_account_facts(client: Client) -> AccountFacts:
    """Take all steps, or as many as upstream allows."""
    facts = AccountFacts()
    first: tuple[int, int] | None = None  # requests left, and made, after the first step
    for name, step in _STEPS:
        try:
            step(client, facts)
        except UpstreamError as error:
            if _is_fatal(error, facts):
                facts.failure = error
                break
            facts.refusals[name] = error
        if first is None and client.rate_left is not None:
            first = (client.rate_left, _requests(client))
    facts.rate_limit, facts.rate_left = client.rate_limit, client.rate_left
    facts.requests = _requests(client)
    if first is not None and facts.rate_left is not None and facts.rate_left <= first[0]:
        made = facts.requests - first[1]
        facts.used_by_others = max(first[0] - facts.rate_left - made, 0)
    return facts


def _is_fatal(error: UpstreamError, facts: AccountFacts) -> bool:
    """Whether nothing else can be found out, since no step would fare better."""
    if isinstance(error, NothingAtAddress):
        return facts.now is None  # there are no mailboxes: it is not the API's address
    return isinstance(error, _FATAL) and not isinstance(error, InconsistentData)


def _requests(client: Client) -> int:
    return sum(client.request_counts().values())


def _clock_and_mailboxes(client: Client, facts: AccountFacts) -> None:
    # The first call also requests a token, and would seem to take longer than it did.
    lists.mailboxes(client)
    started = time.time()
    listed = lists.mailboxes(client)
    facts.now = listed.requested_at
    facts.clock_ahead = listed.requested_at - int(started)
    facts.mailboxes = listed.rows


def _reports(client: Client, facts: AccountFacts) -> None:
    end = _indexed_until(facts)
    params = {
        "start": format_timestamp(end - _DAY),
        "end": format_timestamp(end),
        "viewBy": "day",
    }
    try:
        fetch_report(client, "conversations/new", params, ReportSeries)
    except ReportsRefused:
        facts.has_reports = False
    else:
        facts.has_reports = True


def _conversations(client: Client, facts: AccountFacts) -> None:
    until = _indexed_until(facts)
    page = probes.oldest_conversations(client, probes.ALL, FIRST_SECOND, until).value
    if page.page.total_pages > 1:
        facts.page_size = len(page.rows)
    rows = probes.one_per_second(page.rows, _PROBED_SECONDS)
    facts.one_second_lists = probes.probe_one_second_lists(client, rows)


def _spam(client: Client, facts: AccountFacts) -> None:
    facts.spam_in_all = probes.all_includes_spam(client, _indexed_until(facts))


def _home_folders(client: Client, facts: AccountFacts) -> None:
    for mailbox, folder in _largest_home_folders(client, facts):
        status = "spam" if folder.type == "spam" else "all"
        until = _indexed_until(facts)
        facts.home_folders[folder.id] = probes.probe_home_folder(
            client, folder.id, mailbox, status, until
        )


def _largest_home_folders(client: Client, facts: AccountFacts) -> list[tuple[int, ListEntry]]:
    """The largest home folders of a few mailboxes, each with its mailbox's id."""
    folders = [
        (mailbox.id, folder)
        for mailbox in (facts.mailboxes or ())[:_MAX_MAILBOXES]
        for folder in lists.folders(client, mailbox.id).rows
        if folder.type in lists.HOME_FOLDER_TYPES and folder.total
    ]
    return sorted(folders, key=lambda entry: entry[1].total or 0, reverse=True)[:_MAX_FOLDERS]


def _indexed_until(facts: AccountFacts) -> int:
    """The second, epoch UTC, up to which lists show everything by now."""
    return int(time.time() if facts.now is None else facts.now) - _INDEX_LAG


_STEPS: Final[tuple[tuple[str, Callable[[Client, AccountFacts], None]], ...]] = (
    ("mailboxes", _clock_and_mailboxes),
    ("plan", _reports),
    ("page size", _conversations),
    ("spam in all", _spam),
    ("home folders", _home_folders),
)
"""Steps, by the name of the check that reports their error."""
