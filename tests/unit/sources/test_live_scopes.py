"""Which lists are requested for a scope, and what is unknown of the rows that come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Progress, SourceStats
from compat.simulator import Behaviour
from compat.sources.row_cache import Scope
from compat.v2.client import Client
from compat.v2.errors import Cancelled, RequestRefused
from tests.unit.sources.test_live import (
    ALWAYS,
    HOUR,
    UNKNOWN_MAILBOX,
    Scene,
    StageAndClient,
    Strict,
    folder,
    small_account,
    source_of,
)
from tests.unit.v2.upstream import (
    FIRST,
    Asked,
    Json,
    Reply,
    Upstream,
    answer,
    conversation,
    page_of,
)

HOME, VIEW = 11, 12


def script(
    rows: Callable[[Asked], list[Json]], asked: list[Asked] | None = None
) -> Callable[[Asked], Reply]:
    """An upstream with one mailbox, a home folder and a view; notes requests for lists of rows."""

    def reply(request: Asked) -> Reply:
        facts = {"size": 50, "totalElements": 1, "totalPages": 1, "number": 1}
        if request.path == "/v2/conversations":
            if asked is not None:
                asked.append(request)
            return page_of(rows(request))
        if request.path.endswith("/folders"):
            folders = [{"id": HOME, "type": "open"}, {"id": VIEW, "type": "mytickets"}]
            return answer({"_embedded": {"folders": folders}, "page": facts})
        return answer({"_embedded": {"mailboxes": [{"id": 1}]}, "page": facts})

    return reply


def test_a_row_of_an_unknown_mailbox_is_undecided(upstream: Upstream, client: Client) -> None:
    upstream.script = script(lambda _: [conversation(7, mailboxId=None), conversation(8)])
    found = source_of(client).rows(ConversationQuery((HOUR,), frozenset({1})), Progress())
    assert [row.id for row in found.rows] == [7, 8]
    assert found.undecided == {7: "mailbox"}


@pytest.mark.parametrize(("in_the_view", "undecided"), [(True, {}), (False, {7: "folder"})])
def test_a_row_of_an_unknown_folder_is_undecided_unless_a_view_shows_it(
    upstream: Upstream, client: Client, in_the_view: bool, undecided: dict[int, str]
) -> None:
    row = conversation(7, folderId=None)
    upstream.script = script(
        lambda asked: [row] if in_the_view or "folder" not in asked.params else []
    )
    query = ConversationQuery((HOUR,), folders=frozenset({HOME, VIEW}))
    found = source_of(client).rows(query, Progress())
    assert ([row.id for row in found.rows], found.undecided) == ([7], undecided)


@pytest.mark.parametrize(("spam", "statuses"), [(True, ["spam", "all", "spam"]), (False, ["all"])])
def test_spam_is_listed_of_views_and_of_homes_if_it_is_needed(
    upstream: Upstream, client: Client, spam: bool, statuses: list[str]
) -> None:
    asked: list[Asked] = []
    upstream.script = script(lambda _: [], asked)
    query = ConversationQuery((HOUR,), folders=frozenset({HOME, VIEW}), spam=spam)
    source_of(client).rows(query, Progress())
    listed = [(each.params.get("folder"), each.params["status"]) for each in asked]
    once = [(str(VIEW), status) for status in statuses] + [(None, status) for status in statuses]
    assert listed == once * 2


def test_spam_is_listed_of_the_mailboxes_that_exist(upstream: Upstream, client: Client) -> None:
    strict, asked = Strict(404), list[Asked]()

    def reply(request: Asked) -> Reply:
        asked.append(request)
        return strict(request)

    upstream.script = reply
    query = ConversationQuery((HOUR,), frozenset({1, UNKNOWN_MAILBOX}), spam=True)
    assert [row.id for row in source_of(client).rows(query, Progress()).rows] == [7]
    lists = [each.params["status"] for each in asked if each.params.get("mailbox") == "1"]
    assert lists == ["spam", "all", "spam"]


def test_a_refusal_of_another_kind_is_an_error_whatever_exists(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = Strict(405)
    query = ConversationQuery((HOUR,), frozenset({1, UNKNOWN_MAILBOX}))
    with pytest.raises(RequestRefused):
        source_of(client).rows(query, Progress())


def test_what_was_modified_is_asked_for_by_the_second_of_modification(
    upstream: Upstream, client: Client
) -> None:
    asked: list[Asked] = []
    upstream.script = script(lambda _: [conversation(7)], asked)
    since = int(datetime(2015, 3, 1, 12, tzinfo=UTC).timestamp())
    assert [row.id for row in source_of(client).modified(since, [HOUR], Progress()).rows] == [7]
    assert [each.params["status"] for each in asked] == ["spam", "all", "spam"]
    assert all("modifiedAt:[2015-03-01T12:00:00Z TO *]" in each.params["query"] for each in asked)


def test_progress_expects_the_rows_of_all_lists(upstream: Upstream, client: Client) -> None:
    upstream.script = script(lambda _: [conversation(7), conversation(8)])
    progress = Progress()
    source_of(client).rows(ConversationQuery((HOUR,), spam=True), progress)
    assert (progress.expected, progress.received) == (6, 2)


def test_a_query_that_waits_for_another_one_can_be_cancelled(client: Client) -> None:
    source = source_of(client)

    def cancel() -> None:
        raise Cancelled("enough")

    with source._cache.claim(Scope(), [HOUR], lambda: None), pytest.raises(Cancelled):
        source.rows(ConversationQuery((HOUR,)), Progress(check=cancel))


@pytest.mark.parametrize("all_lists_spam", [True, False])
def test_spam_in_homes_is_found_beside_views(
    stage_and_client: StageAndClient, all_lists_spam: bool
) -> None:
    behaviour = Behaviour(rate_limit=None, all_lists_spam=all_lists_spam)
    scene = Scene(stage_and_client, small_account(), behaviour)
    home, view = folder(scene.account, "spam"), folder(scene.account, "needs_attn")
    unassigned = folder(scene.account, "open")
    found = scene.ids(ConversationQuery((ALWAYS,), folders=frozenset({home, view}), spam=True))
    assert found == scene.listed(
        lambda row: (
            row.folder_id == home or (row.folder_id == unassigned and row.status == "active")
        )
    )


def test_progress_of_several_intervals_adds_up(upstream: Upstream, client: Client) -> None:
    upstream.script = script(
        lambda asked: [
            conversation(
                7 if "T00:00" in asked.params["query"] else 8,
                FIRST if "T00:00" in asked.params["query"] else FIRST + 1800,
            )
        ]
    )
    progress = Progress()
    query = ConversationQuery((Interval(FIRST, FIRST + 9), Interval(FIRST + 1800, FIRST + 1809)))
    found = source_of(client).rows(query, progress)
    assert [row.id for row in found.rows] == [7, 8]
    assert (progress.expected, progress.received) == (2, 2)


def test_a_total_takes_one_request_for_all_that_was_created_in_an_interval(
    upstream: Upstream, client: Client
) -> None:
    asked: list[Asked] = []
    checks: list[int] = []
    upstream.script = script(lambda _: [conversation(7), conversation(8)], asked)
    progress = Progress(check=lambda: checks.append(len(asked)))
    answered = source_of(client).total(Interval(FIRST, FIRST + 3600), progress)
    assert answered.value.page.total_elements == 2
    assert [dict(each.params) for each in asked] == [
        {
            "status": "all",
            "query": "(createdAt:[2015-01-01T00:00:00Z TO 2015-01-01T01:00:00Z])",
            "sortField": "createdAt",
            "sortOrder": "asc",
            "page": "1",
        }
    ]
    assert checks == [0]


def test_documents_come_in_the_order_of_their_ids_without_deleted_ones(
    stage_and_client: StageAndClient,
) -> None:
    scene = Scene(stage_and_client, small_account())
    one, other, *_ = scene.listed(lambda row: row.status == "active")
    checks: list[None] = []
    progress = Progress(check=lambda: checks.append(None))
    found = scene.source.documents([other, 10**9, one], progress)
    assert [each.id for each in found] == [other, one]
    assert checks


def test_statistics_are_of_requests_the_rate_limit_and_the_cache(
    upstream: Upstream, client: Client
) -> None:
    headers = {"X-RateLimit-Limit-Minute": "400", "X-RateLimit-Remaining-Minute": "399"}
    upstream.script = lambda _: page_of([conversation(7)], headers)
    source = source_of(client)
    assert source.stats() == SourceStats({}, None, 0)
    source.rows(ConversationQuery((HOUR,)), Progress())
    stats = source.stats()
    assert (stats.requests["answered"], stats.rate_left, stats.rows) == (2, 399, 1)
