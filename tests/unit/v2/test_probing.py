"""Finding out what lists do: a page that comes without its rows proves nothing."""

from __future__ import annotations

from compat.v2.client import Client
from compat.v2.probes import all_lists_spam
from tests.unit.v2.upstream import (
    FIRST,
    Asked,
    Reply,
    Script,
    Upstream,
    answer,
    conversation,
    page_of,
)

SPAM = conversation(7, status="spam")


def lists(beside: Reply) -> Script:
    """One conversation is spam; this is what the list of all shows of its second."""

    def script(asked: Asked) -> Reply:
        if asked.path == "/v2/conversations/7":
            return answer(SPAM)
        return page_of([SPAM]) if asked.params["status"] == "spam" else beside

    return script


def test_a_list_of_all_that_shows_spam_is_found_out(upstream: Upstream, client: Client) -> None:
    upstream.script = lists(page_of([SPAM]))
    assert all_lists_spam(client, FIRST + 60) is True


def test_a_list_of_all_that_hides_spam_is_found_out(upstream: Upstream, client: Client) -> None:
    upstream.script = lists(page_of([]))
    assert all_lists_spam(client, FIRST + 60) is False


def test_a_page_without_the_rows_that_it_counts_hides_no_spam(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = lists(page_of([], total=1))
    assert all_lists_spam(client, FIRST + 60) is None
