"""What a report needs, fetched from an account that lives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from compat.core.intervals import Interval, MaxAges
from compat.core.models import ConversationQuery, Progress, RowSet
from compat.simulator import Account, Behaviour, Conversation, Simulator, make_account
from compat.simulator.layout import Layout
from compat.sources.live import LiveSource
from compat.v2.client import Client
from compat.v2.errors import (
    AccessRefused,
    Cancelled,
    CredentialsRefused,
    InconsistentData,
    RequestRefused,
)
from tests.unit.service.doubles import use_manual_clock
from tests.unit.v2.upstream import (
    FIRST,
    QUIET,
    Asked,
    Json,
    Reply,
    Stage,
    Upstream,
    answer,
    conversation,
    in_turn,
    page_of,
)

LAST = FIRST + 3600
HOUR = Interval(FIRST, LAST)
ALWAYS = Interval(FIRST - 10**9, FIRST + 10**9)
StageAndClient = tuple[Stage, Client]
Predicate = Callable[[Conversation], bool]


def source_of(client: Client) -> LiveSource:
    return LiveSource(client, MaxAges(60, 3600), workers=2, most_rows=10_000)


class Scene:
    """A simulated account, a live source that loads from it, and the lists that it requested."""

    def __init__(
        self, stage_and_client: StageAndClient, account: Account, behaviour: Behaviour = QUIET
    ) -> None:
        stage, client = stage_and_client
        self.account = account
        self.lists: list[str] = []
        self.changes: Callable[[int], object] = lambda _: None
        self.simulator = Simulator(account, behaviour, before_request=self._before)
        stage.playing = self.simulator
        self.source = source_of(client)

    def _before(self, _account: Account, target: str) -> None:
        self.lists.append(target)
        self.changes(len(self.lists))

    def found(self, need: ConversationQuery) -> RowSet:
        return self.source.rows(need, Progress())

    def ids(self, need: ConversationQuery) -> list[int]:
        return [row.id for row in self.found(need).rows]

    def listed(self, predicate: Predicate) -> list[int]:
        """The ids of the listed conversations that fulfil a condition, in order of creation."""
        return [row.id for row in self.account.conversations() if row.listed and predicate(row)]


def small_account() -> Account:
    return make_account(400, 3, datetime(2015, 6, 1, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC))


def account_of(rows: int, **fields: object) -> Account:
    account = Account(clock=lambda: LAST)
    for at in range(rows):
        account.add(FIRST + at, **fields)  # type: ignore[arg-type]
    return account


def folder(account: Account, kind: str, mailbox: int = 0) -> int:
    """A folder of this type in one of the mailboxes."""
    folders = account.layout.folders_of(account.layout.mailboxes[mailbox].id)
    return next(folder.id for folder in folders if folder.type == kind)


# Rows.


def test_a_row_has_the_fields_of_its_conversation(stage_and_client: StageAndClient) -> None:
    scene = Scene(stage_and_client, small_account())
    shown = {row.id: row for row in scene.found(ConversationQuery((ALWAYS,), spam=True)).rows}
    listed = [row for row in scene.account.conversations() if row.listed]
    assert len(shown) == len(listed)
    for row in listed:
        expected = (
            *(row.created, row.id, row.mailbox_id, row.folder_id, row.type, row.status, row.state),
            row.tag_ids,
        )
        assert tuple(shown[row.id])[:-1] == expected[:-1]
        assert set(shown[row.id].tags or ()) == set(row.tag_ids)


@pytest.mark.parametrize("index_fractions", [False, True])
def test_only_conversations_created_in_the_intervals_are_loaded_in_order_of_creation(
    stage_and_client: StageAndClient, index_fractions: bool
) -> None:
    behaviour = Behaviour(rate_limit=None, index_fractions=index_fractions, page_size=3)
    account = Account(clock=lambda: LAST)
    for at in range(40):
        account.add(FIRST + (at * 7) % 20, millis=(at * 331) % 1000)
    scene = Scene(stage_and_client, account, behaviour)
    spans = (
        Interval(FIRST + 2, FIRST + 5),
        Interval(FIRST + 4, FIRST + 9),
        Interval(FIRST + 15, FIRST + 15),
    )
    inside = {FIRST + at for at in (2, 3, 4, 5, 6, 7, 8, 9, 15)}
    rows = scene.found(ConversationQuery(spans)).rows
    assert list(rows) == sorted(rows)
    assert [row.id for row in rows] == scene.listed(lambda row: row.created in inside)


def test_what_was_found_is_as_of_when_it_was_asked_for(stage_and_client: StageAndClient) -> None:
    scene = Scene(stage_and_client, account_of(60))
    assert LAST - 30 < scene.found(ConversationQuery((HOUR,))).as_of < LAST


def test_progress_has_the_numbers_of_expected_and_loaded_rows(
    stage_and_client: StageAndClient,
) -> None:
    scene = Scene(stage_and_client, account_of(60))
    progress = Progress()
    scene.source.rows(ConversationQuery((HOUR,)), progress)
    assert (progress.expected, progress.received) == (60, 60)


def test_the_same_query_again_takes_no_request(stage_and_client: StageAndClient) -> None:
    scene = Scene(stage_and_client, account_of(60))
    scene.found(ConversationQuery((HOUR,)))
    asked = len(scene.lists)
    scene.found(ConversationQuery((HOUR,)))
    assert len(scene.lists) == asked


def test_a_cancelled_query_is_not_finished(stage_and_client: StageAndClient) -> None:
    scene = Scene(stage_and_client, account_of(60))

    def enough() -> None:
        if scene.lists:
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        scene.source.rows(ConversationQuery((HOUR,)), Progress(check=enough))
    assert len(scene.lists) == 1


# Mailboxes.


@pytest.mark.parametrize("chosen", [(0,), (1, 3), (0, 1, 2, 3)])
def test_only_the_mailboxes_asked_for_come(
    stage_and_client: StageAndClient, chosen: tuple[int, ...]
) -> None:
    scene = Scene(stage_and_client, small_account())
    ids = frozenset(scene.account.layout.mailboxes[at].id for at in chosen)
    assert scene.ids(ConversationQuery((ALWAYS,), mailboxes=ids)) == scene.listed(
        lambda row: row.mailbox_id in ids
    )
    assert all(f"mailbox={','.join(map(str, sorted(ids)))}" in target for target in scene.lists)


def test_rows_of_other_mailboxes_are_left_out_even_if_upstream_sends_them(
    upstream: Upstream, client: Client
) -> None:
    rows = [conversation(1, mailboxId=1), conversation(2, mailboxId=2)]
    upstream.script = in_turn(page_of(rows))
    found = source_of(client).rows(ConversationQuery((HOUR,), mailboxes=frozenset({2})), Progress())
    assert [row.id for row in found.rows] == [2]


@pytest.mark.parametrize(("many", "named"), [(50, True), (51, False)])
def test_a_list_of_mailboxes_that_is_too_long_stays_out_of_the_url(
    stage_and_client: StageAndClient, many: int, named: bool
) -> None:
    layout = Layout(tuple(f"Mailbox {number}" for number in range(60)))
    account = Account(layout, clock=lambda: LAST)
    for at in range(120):
        account.add(FIRST + at, mailbox_id=layout.mailboxes[at % 60].id)
    ids = frozenset(mailbox.id for mailbox in layout.mailboxes[:many])
    scene = Scene(stage_and_client, account)
    assert scene.ids(ConversationQuery((HOUR,), mailboxes=ids)) == scene.listed(
        lambda row: row.mailbox_id in ids
    )
    assert {"mailbox=" in target for target in scene.lists} == {named}


# Spam.


@pytest.mark.parametrize("all_lists_spam", [True, False])
def test_spam_is_found_whether_or_not_all_lists_it(
    stage_and_client: StageAndClient, all_lists_spam: bool
) -> None:
    behaviour = Behaviour(rate_limit=None, all_lists_spam=all_lists_spam)
    scene = Scene(stage_and_client, small_account(), behaviour)
    assert scene.ids(ConversationQuery((ALWAYS,), spam=True)) == scene.listed(lambda _: True)


@pytest.mark.parametrize("all_lists_spam", [True, False])
def test_without_spam_all_else_is_found(
    stage_and_client: StageAndClient, all_lists_spam: bool
) -> None:
    behaviour = Behaviour(rate_limit=None, all_lists_spam=all_lists_spam)
    scene = Scene(stage_and_client, small_account(), behaviour)
    found = scene.found(ConversationQuery((ALWAYS,))).rows
    assert [row.id for row in found if row.status != "spam"] == scene.listed(
        lambda row: row.status != "spam"
    )
    assert not [target for target in scene.lists if "status=all" not in target]


@pytest.mark.parametrize("moment", range(1, 14))
@pytest.mark.parametrize("at", [0, 9])
@pytest.mark.parametrize("status", ["spam", "active"])
def test_a_conversation_that_is_marked_or_unmarked_meanwhile_is_met(
    stage_and_client: StageAndClient, moment: int, at: int, status: str
) -> None:
    behaviour = Behaviour(rate_limit=None, all_lists_spam=False, page_size=3)
    account = account_of(10)
    for spam in range(10):
        account.add(FIRST + spam, status="spam")
    flipping = account.add(FIRST + at, status=status).id
    scene = Scene(stage_and_client, account, behaviour)
    flip = account.unspam if status == "spam" else account.spam
    scene.changes = lambda asked: flip(flipping) if asked == moment else None
    assert len(scene.ids(ConversationQuery((HOUR,), spam=True))) == 21


# Folders.


@pytest.mark.parametrize("kinds", [("open",), ("closed", "spam"), ("assigned", "drafts", "open")])
def test_home_folders_are_selected_by_the_payload(
    stage_and_client: StageAndClient, kinds: tuple[str, ...]
) -> None:
    scene = Scene(stage_and_client, small_account())
    ids = frozenset(folder(scene.account, kind) for kind in kinds)
    need = ConversationQuery((ALWAYS,), folders=ids, spam=True)
    assert scene.ids(need) == scene.listed(lambda row: row.folder_id in ids)
    assert not [target for target in scene.lists if "folder=" in target]


def test_a_conversation_that_changes_its_home_meanwhile_is_met(
    stage_and_client: StageAndClient,
) -> None:
    account = account_of(30)
    scene = Scene(stage_and_client, account)
    every = [row.id for row in account.conversations()]
    scene.changes = lambda asked: account.close(every[27]) if asked == 2 else None
    ids = frozenset({folder(account, "open"), folder(account, "closed")})
    assert scene.ids(ConversationQuery((HOUR,), folders=ids)) == every


@pytest.mark.parametrize("kind", ["mytickets", "team", "needs_attn"])
def test_a_view_is_what_upstream_shows(stage_and_client: StageAndClient, kind: str) -> None:
    scene = Scene(stage_and_client, small_account())
    view = folder(scene.account, kind)
    layout = scene.account.layout
    owner = layout.folder_by_id[view].user_id
    home = layout.folder_by_id[view].mailbox_id
    shows: dict[str, Predicate] = {
        "mytickets": lambda row: (
            row.folder_id == layout.folder_id(home, "assigned") and row.assignee_id == owner
        ),
        "team": lambda row: (
            row.mailbox_id == home
            and row.status != "spam"
            and row.state == "published"
            and row.assignee_id in layout.team_by_id[owner].user_ids
        ),
        "needs_attn": lambda row: (
            row.folder_id == layout.folder_id(home, "open") and row.status == "active"
        ),
    }
    expected = scene.listed(shows[kind])
    assert expected
    assert scene.ids(ConversationQuery((ALWAYS,), folders=frozenset({view}))) == expected


def test_views_and_home_folders_are_joined(stage_and_client: StageAndClient) -> None:
    scene = Scene(stage_and_client, small_account())
    account = scene.account
    home, view = folder(account, "closed"), folder(account, "needs_attn")
    unassigned = folder(account, "open")
    found = scene.ids(ConversationQuery((ALWAYS,), folders=frozenset({home, view})))
    assert found == scene.listed(
        lambda row: (
            row.folder_id == home or (row.folder_id == unassigned and row.status == "active")
        )
    )


def test_views_keep_to_the_mailboxes_and_the_time_asked_for(
    stage_and_client: StageAndClient,
) -> None:
    account = account_of(40)
    scene = Scene(stage_and_client, account)
    view = frozenset({folder(account, "needs_attn")})
    here, there = (account.layout.mailboxes[at].id for at in (0, 1))
    window = Interval(FIRST + 5, FIRST + 9)
    assert len(scene.ids(ConversationQuery((window,), frozenset({here}), view))) == 5
    assert scene.ids(ConversationQuery((window,), frozenset({there}), view)) == []


def rounds(scene: Scene) -> int:
    return len([target for target in scene.lists if "folder=" in target])


def test_views_that_do_not_change_are_read_twice(stage_and_client: StageAndClient) -> None:
    account = account_of(5)
    scene = Scene(stage_and_client, account)
    assert (
        len(
            scene.ids(
                ConversationQuery((HOUR,), folders=frozenset({folder(account, "needs_attn")}))
            )
        )
        == 5
    )
    assert rounds(scene) == 2


def test_the_second_round_of_views_is_expected_in_the_first(
    stage_and_client: StageAndClient,
) -> None:
    account = account_of(60)
    scene = Scene(stage_and_client, account)
    progress, left = Progress(), list[float | None]()
    progress.check = lambda: left.append(progress.pages_left)
    views = frozenset({folder(account, "needs_attn")})
    scene.source.rows(ConversationQuery((HOUR,), folders=views), progress)
    # Three pages in each round; the first request of the second comes before its total.
    in_rounds = [each for each in left if each]
    assert in_rounds[0] == pytest.approx(3.8, abs=0.1)
    assert in_rounds == sorted(in_rounds, reverse=True)


def test_a_conversation_that_moves_from_view_to_view_is_met(
    stage_and_client: StageAndClient,
) -> None:
    account = account_of(4)
    mine = [each for each in account.layout.folders_of(8501) if each.type == "mytickets"][:2]
    moving = account.add(FIRST + 9, assignee_id=mine[1].user_id).id
    scene = Scene(stage_and_client, account)
    # After the first view was read, and before the second: both miss it.
    scene.changes = lambda asked: account.assign(moving, mine[0].user_id) if asked == 2 else None
    views = frozenset(each.id for each in mine)
    assert scene.ids(ConversationQuery((HOUR,), folders=views)) == [moving]
    assert rounds(scene) == 6


@pytest.mark.parametrize("moment", range(1, 7))
def test_a_conversation_that_leaves_a_view_for_a_home_folder_is_met(
    stage_and_client: StageAndClient, moment: int
) -> None:
    account = account_of(20)
    every = [row.id for row in account.conversations()]
    scene = Scene(stage_and_client, account)
    scene.changes = lambda asked: account.close(every[7]) if asked == moment else None
    folders = frozenset({folder(account, "needs_attn"), folder(account, "closed")})
    assert scene.ids(ConversationQuery((HOUR,), folders=folders)) == every


@pytest.mark.parametrize(("away", "back"), [(2, 3), (2, 4), (3, 4), (3, 5)])
def test_a_conversation_that_leaves_a_home_folder_for_a_view_and_returns_is_met(
    stage_and_client: StageAndClient, away: int, back: int
) -> None:
    account = account_of(20)
    every = [row.id for row in account.conversations()]
    account.close(every[7])
    scene = Scene(stage_and_client, account)

    def change(asked: int) -> None:
        if asked == away:
            account.reopen(every[7])
        if asked == back:
            account.close(every[7])

    scene.changes = change
    folders = frozenset({folder(account, "needs_attn"), folder(account, "closed")})
    assert scene.ids(ConversationQuery((HOUR,), folders=folders)) == every


def test_home_folders_next_to_views_are_not_taken_from_the_cache(
    stage_and_client: StageAndClient,
) -> None:
    account = account_of(3)
    every = [row.id for row in account.conversations()]
    scene = Scene(stage_and_client, account)
    scene.found(ConversationQuery((HOUR,)))
    account.close(every[1])
    folders = frozenset({folder(account, "needs_attn"), folder(account, "closed")})
    assert scene.ids(ConversationQuery((HOUR,), folders=folders)) == every


def test_views_that_keep_changing_are_an_error(stage_and_client: StageAndClient) -> None:
    account = account_of(5)
    scene = Scene(stage_and_client, account)
    scene.changes = lambda _: account.add(FIRST)
    with pytest.raises(InconsistentData, match="kept changing"):
        scene.found(ConversationQuery((HOUR,), folders=frozenset({folder(account, "needs_attn")})))
    assert rounds(scene) == 3


def test_what_a_view_shows_may_be_used_as_long_as_recent_rows(
    stage_and_client: StageAndClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(stage_and_client, account_of(5))
    view = frozenset({folder(scene.account, "needs_attn")})
    monkeypatch.setattr("compat.clock.elapsed", lambda: 5000.5)
    assert scene.found(ConversationQuery((HOUR,), folders=view)).fresh_until == 5060.5


def test_views_are_not_cached(stage_and_client: StageAndClient) -> None:
    account = account_of(5)
    scene = Scene(stage_and_client, account)
    need = ConversationQuery((HOUR,), folders=frozenset({folder(account, "needs_attn")}))
    scene.found(need)
    account.add(FIRST + 20)
    assert len(scene.ids(need)) == 6


def test_the_types_of_folders_are_cached(stage_and_client: StageAndClient) -> None:
    account = account_of(5)
    scene = Scene(stage_and_client, account)
    for _ in range(3):
        scene.found(ConversationQuery((HOUR,), folders=frozenset({folder(account, "closed")})))
    assert scene.simulator.requests["/v2/mailboxes/8501/folders"] == 1


def test_folders_are_looked_for_in_the_mailboxes_asked_for(
    stage_and_client: StageAndClient,
) -> None:
    account = account_of(5)
    scene = Scene(stage_and_client, account)
    there = account.layout.mailboxes[1].id
    scene.found(
        ConversationQuery((HOUR,), frozenset({there}), frozenset({folder(account, "closed", 1)}))
    )
    folders = [path for path in scene.simulator.requests if path.endswith("/folders")]
    assert folders == [f"/v2/mailboxes/{there}/folders"]


# Ids that nobody knows.

MAILBOXES = (1, 2)
UNLISTED, UNLISTED_HOME, HIDDEN = 3, 31, 4
UNKNOWN_MAILBOX, UNKNOWN_FOLDER = 901, 999
HOME, VIEW = 11, 12


class Strict:
    """An upstream that refuses what it does not know, and has two conversations.

    One is in a mailbox that the list of mailboxes leaves out. Another mailbox is hidden.
    """

    def __init__(self, status: int) -> None:
        self.status = status

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/v2/mailboxes":
            return self._rows("mailboxes", [{"id": each} for each in MAILBOXES])
        if asked.path.endswith("/folders"):
            if int(asked.path.split("/")[3]) == HIDDEN:
                return Reply(403)
            folders = [{"id": HOME, "type": "open"}, {"id": VIEW, "type": "mytickets"}]
            of = {1: folders, UNLISTED: [{"id": UNLISTED_HOME, "type": "closed"}]}
            return self._rows("folders", of.get(int(asked.path.split("/")[3]), []))
        if asked.path.startswith("/v2/mailboxes/"):
            return self._mailbox(int(asked.path.rpartition("/")[2]))
        named = {int(each) for each in asked.params.get("mailbox", "1").split(",")}
        folder = int(asked.params.get("folder", VIEW))
        if not named <= {*MAILBOXES, UNLISTED} or folder != VIEW:
            return answer({"message": "Bad request"}, self.status, {"Date": DATE})
        rows = [
            conversation(7, folderId=HOME),
            conversation(8, mailboxId=UNLISTED, folderId=UNLISTED_HOME),
        ]
        return page_of([row for row in rows if row["mailboxId"] in named], {"Date": DATE})

    def _mailbox(self, mailbox: int) -> Reply:
        if mailbox in {*MAILBOXES, UNLISTED}:
            return answer({"id": mailbox})
        return Reply(403 if mailbox == HIDDEN else 404)

    def _rows(self, name: str, rows: list[Json]) -> Reply:
        facts = {"size": 50, "totalElements": len(rows), "totalPages": 1, "number": 1}
        return answer({"_embedded": {name: rows}, "page": facts})


DATE = "Thu, 01 Jan 2015 02:00:00 GMT"


@pytest.fixture(params=[400, 404])
def strict(request: pytest.FixtureRequest, upstream: Upstream, client: Client) -> LiveSource:
    """A source above an upstream that refuses what it does not know."""
    upstream.script = Strict(request.param)
    return source_of(client)


@pytest.mark.parametrize(
    ("mailboxes", "folders", "ids"),
    [
        ({1}, (), [7]),
        ({1, UNKNOWN_MAILBOX}, (), [7]),
        ({2, UNKNOWN_MAILBOX}, (), []),
        ({UNKNOWN_MAILBOX}, (), []),
        ({UNLISTED}, (), [8]),
        ({UNLISTED}, {UNLISTED_HOME}, [8]),
        ({1, UNLISTED, UNKNOWN_MAILBOX}, {HOME, UNLISTED_HOME}, [7, 8]),
        ({1, UNLISTED, UNKNOWN_MAILBOX}, (), [7, 8]),
        ((), {HOME}, [7]),
        ((), {VIEW}, [7]),
        ((), {UNKNOWN_FOLDER}, []),
        ((), {HOME, UNKNOWN_FOLDER}, [7]),
        ((), {VIEW, UNKNOWN_FOLDER}, [7]),
        ({1}, {UNKNOWN_FOLDER}, []),
        ({2}, {HOME}, []),
        ({2}, {VIEW}, []),
        ({1, UNKNOWN_MAILBOX}, {HOME}, [7]),
        ({1, UNKNOWN_MAILBOX}, {VIEW}, [7]),
        ({1, UNKNOWN_MAILBOX}, {UNKNOWN_FOLDER}, []),
        ({UNKNOWN_MAILBOX}, {HOME}, []),
        ({UNKNOWN_MAILBOX}, {VIEW}, []),
        ({UNKNOWN_MAILBOX}, {UNKNOWN_FOLDER}, []),
    ],
)
def test_unknown_ids_count_nothing_even_if_upstream_refuses_them(
    strict: LiveSource, mailboxes: set[int], folders: set[int], ids: list[int]
) -> None:
    found = strict.rows(
        ConversationQuery((HOUR,), frozenset(mailboxes), frozenset(folders)), Progress()
    )
    assert [row.id for row in found.rows] == ids
    assert FIRST + 7200 - 30 < found.as_of < FIRST + 7200


def folder_requests(upstream: Upstream, folder: int) -> int:
    return sum(asked.params.get("folder") == str(folder) for asked in upstream.asked)


def test_a_folder_that_does_not_exist_is_asked_for_once_in_a_while(
    upstream: Upstream, strict: LiveSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual_clock = use_manual_clock(monkeypatch)
    query = ConversationQuery((HOUR,), folders=frozenset({VIEW, UNKNOWN_FOLDER}))
    for seconds, requests in ((0, 1), (59, 1), (2, 2)):
        manual_clock.now += seconds
        assert [row.id for row in strict.rows(query, Progress()).rows] == [7]
        assert folder_requests(upstream, UNKNOWN_FOLDER) == requests


def test_an_answer_is_no_younger_than_what_is_remembered_of_folders(
    strict: LiveSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual_clock = use_manual_clock(monkeypatch)
    query = ConversationQuery((HOUR,), folders=frozenset({VIEW, UNKNOWN_FOLDER}))
    first = strict.rows(query, Progress())
    manual_clock.now += 50
    again = strict.rows(query, Progress())
    assert again.fresh_until == first.fresh_until == manual_clock.now + 10
    assert again.as_of == first.as_of


def test_with_no_age_allowed_no_folder_is_remembered(
    upstream: Upstream, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_manual_clock(monkeypatch)
    upstream.script = Strict(404)
    source = LiveSource(client, MaxAges(0, 0), workers=2, most_rows=10_000)
    query = ConversationQuery((HOUR,), folders=frozenset({UNKNOWN_FOLDER}))
    for _ in range(2):
        source.rows(query, Progress())
    assert folder_requests(upstream, UNKNOWN_FOLDER) == 4


@pytest.mark.parametrize("others", [frozenset[int](), frozenset({1, UNKNOWN_MAILBOX})])
def test_a_mailbox_that_is_hidden_is_an_error_and_does_not_count_nothing(
    strict: LiveSource, others: frozenset[int]
) -> None:
    with pytest.raises(RequestRefused):
        strict.rows(ConversationQuery((HOUR,), others | {HIDDEN}), Progress())


def test_a_hidden_mailbox_does_not_matter_if_all_folders_are_in_other_mailboxes(
    strict: LiveSource,
) -> None:
    query = ConversationQuery((HOUR,), frozenset({1, HIDDEN}), frozenset({HOME}))
    assert [row.id for row in strict.rows(query, Progress()).rows] == [7]


def test_a_folder_that_may_be_in_a_hidden_mailbox_is_an_error_and_does_not_count_nothing(
    strict: LiveSource,
) -> None:
    query = ConversationQuery((HOUR,), frozenset({1, HIDDEN}), frozenset({HOME, UNKNOWN_FOLDER}))
    with pytest.raises(AccessRefused):
        strict.rows(query, Progress())


@pytest.mark.parametrize("folders", [frozenset[int](), frozenset({VIEW})])
@pytest.mark.parametrize("mailboxes", [frozenset[int](), frozenset({1})])
@pytest.mark.parametrize("status", [400, 404])
def test_a_refusal_of_what_is_known_is_an_error(
    upstream: Upstream,
    client: Client,
    status: int,
    mailboxes: frozenset[int],
    folders: frozenset[int],
) -> None:
    strict = Strict(status)
    upstream.script = lambda asked: (
        Reply(status) if asked.path == "/v2/conversations" else strict(asked)
    )
    with pytest.raises(RequestRefused):
        source_of(client).rows(ConversationQuery((HOUR,), mailboxes, folders), Progress())


def test_unknown_ids_count_nothing(stage_and_client: StageAndClient) -> None:
    scene = Scene(stage_and_client, account_of(5))
    assert scene.ids(ConversationQuery((HOUR,), mailboxes=frozenset({901}))) == []
    assert scene.ids(ConversationQuery((HOUR,), folders=frozenset({999}))) == []


# State.


def test_a_source_is_ready_until_its_credentials_are_refused(
    upstream: Upstream, client: Client
) -> None:
    source = source_of(client)
    assert source.ready
    upstream.sign_in = in_turn(Reply(401))
    with pytest.raises(CredentialsRefused):
        source.rows(ConversationQuery((HOUR,)), Progress())
    assert not source.ready


def test_a_source_knows_how_long_the_rate_limit_delays_it(
    upstream: Upstream, client: Client
) -> None:
    source = source_of(client)
    assert source.seconds_for(0) == 0
    client.rate_limiter.pause({"Retry-After": "600"})
    assert 590 < source.seconds_for(0) <= 600


def test_a_closed_source_has_stopped(upstream: Upstream, client: Client) -> None:
    source = source_of(client)
    source.close()
    with pytest.raises(Cancelled):
        source.rows(ConversationQuery((HOUR,)), Progress())
    assert upstream.asked == []


@contextmanager
def damaged(stage_and_client: StageAndClient) -> Iterator[Scene]:
    behaviour = Behaviour(
        rate_limit=None,
        page_size=10,
        fail_rate=0.1,
        drop_rate=0.05,
        cut_rate=0.05,
        truncate_rate=0.05,
        garble_rate=0.05,
        repeat_rate=0.3,
        index_fractions=True,
        past_end="not_found",
        empty="absent",
        seed=4,
    )
    yield Scene(stage_and_client, small_account(), behaviour)


def test_all_rows_are_loaded_in_spite_of_every_kind_of_upstream_error(
    stage_and_client: StageAndClient,
) -> None:
    with damaged(stage_and_client) as scene:
        assert scene.ids(ConversationQuery((ALWAYS,), spam=True)) == scene.listed(lambda _: True)
