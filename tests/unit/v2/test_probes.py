"""Probes: a page without the rows of its total proves nothing."""

from __future__ import annotations

from compat.v2.client import Client
from compat.v2.probes import all_includes_spam
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


def test_a_list_of_all_that_shows_spam_is_detected(upstream: Upstream, client: Client) -> None:
    upstream.script = lists(page_of([SPAM]))
    assert all_includes_spam(client, FIRST + 60) is True


def test_a_list_of_all_that_hides_spam_is_detected(upstream: Upstream, client: Client) -> None:
    upstream.script = lists(page_of([]))
    assert all_includes_spam(client, FIRST + 60) is False


def test_a_page_without_the_rows_of_its_total_proves_nothing(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = lists(page_of([], total=1))
    assert all_includes_spam(client, FIRST + 60) is None
