"""An index that lags: what the list of one conversation has shown is not lost again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from compat.core.intervals import Interval, MaxAges
from compat.core.models import ActivityQuery
from compat.simulator import Account
from compat.v2.client import Client
from compat.v2.errors import InconsistentData
from tests.unit.sources.activity_scene import Clock, Scene
from tests.unit.v2.upstream import FIRST, QUIET, Stage

StageAndClient = tuple[Stage, Client]

LAG = 60
SPAN = Interval(FIRST, FIRST + 10_000 * 86_400)
QUERY = ActivityQuery((SPAN,))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scene(stage_and_client: StageAndClient, clock: Clock) -> Scene:
    """An account that is shown as it was a minute ago, and that is read anew each time."""
    behaviour = replace(QUIET, index_lag=LAG)
    return Scene(stage_and_client, Account(clock=clock), behaviour, ages=MaxAges(0, 6 * 3600))


def add(scene: Scene, kind: str) -> int:
    """Add a conversation, with a message that follows the first one."""
    id_ = scene.account.add(type=kind).id
    scene.account.write(id_)
    return id_


def ids(scene: Scene, conversation: int) -> set[int]:
    """The threads of a conversation, apart from line items."""
    return {each.id for each in scene.account.threads(conversation) if each.type != "lineitem"}


def places(scene: Scene) -> dict[int, int]:
    """The conversation of each thread that an answer has; no thread may come twice."""
    found = scene.load(QUERY).activities
    each = [(thread.id, activity.row.id) for activity in found for thread in activity.threads]
    assert Counter(thread for thread, _ in each).most_common(1)[0][1] == 1
    return dict(each)


@pytest.mark.parametrize("kind", ["email", "chat"])
@pytest.mark.parametrize("merges", [1, 3])
def test_a_merge_that_lists_do_not_show_yet_is_followed(
    scene: Scene, clock: Clock, kind: str, merges: int
) -> None:
    chat = add(scene, "chat")
    others = [add(scene, kind) for _ in range(merges)]
    clock.now += LAG
    wanted = ids(scene, chat)
    for before, after in zip([chat, *others], others, strict=False):
        scene.account.merge(before, after)
    found = places(scene)
    assert {thread: found[thread] for thread in wanted} == dict.fromkeys(wanted, others[-1])


def test_an_old_state_of_a_conversation_takes_no_threads_that_were_seen_in_it(
    scene: Scene, clock: Clock
) -> None:
    chat, other = add(scene, "chat"), add(scene, "email")
    clock.now += LAG
    wanted = ids(scene, chat)
    scene.account.merge(chat, other)
    for _ in range(5):
        found = places(scene)
        assert {thread: found[thread] for thread in wanted} == dict.fromkeys(wanted, other)
        clock.now += LAG // 3


def test_a_conversation_whose_new_threads_only_its_own_list_has_shown_is_kept(
    scene: Scene, clock: Clock
) -> None:
    chat = scene.account.add(type="chat", created_at=FIRST + 86_400, modified=FIRST + 86_400).id
    clock.now += 2 * LAG
    scene.account.write(chat)
    clock.now += 1
    scene.account.touch(add(scene, "email"))
    for _ in range(5):
        assert places(scene).keys() >= ids(scene, chat)
        clock.now += LAG // 3


@pytest.mark.parametrize("kind", ["email", "chat"])
def test_a_conversation_that_was_deleted_after_it_was_looked_up_is_left_out(
    scene: Scene, clock: Clock, kind: str
) -> None:
    chat, other = add(scene, "chat"), add(scene, kind)
    kept = add(scene, "email")
    clock.now += LAG
    scene.account.merge(chat, other)
    assert other in places(scene).values()
    scene.account.delete(other)
    clock.now += 1
    places(scene)
    clock.now += LAG
    assert set(places(scene).values()) == {kept}


def test_a_conversation_that_is_merged_again_and_again_is_an_error(
    scene: Scene, clock: Clock
) -> None:
    chats = [add(scene, "chat")]
    clock.now += LAG
    chats += [add(scene, "chat") for _ in range(20)]  # lists do not show them yet

    def merge(_number: int) -> None:
        if f"/{chats[0]}/threads" in scene.requested[-1]:
            scene.account.merge(chats.pop(0), chats[0])

    scene.before = merge
    with pytest.raises(InconsistentData, match="merged faster than they can be read"):
        scene.load(QUERY)
