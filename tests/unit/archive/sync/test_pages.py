"""What a page of a window says: its rows, when its list was begun, and what it proves."""

from __future__ import annotations

import json
import threading

import pytest

from compat.archive.sync import pages
from compat.archive.sync.pages import WindowPage
from compat.core.intervals import Coverage, Interval
from compat.v2.errors import Cancelled
from compat.v2.lanes import Lane, LanePage, UnreadWindow
from compat.v2.models import FullConversation
from compat.v2.pagination import Batch
from compat.v2.search import FIRST_SECOND, LAST_SECOND, Selection, Window
from tests.unit.archive.samples import instant
from tests.unit.archive.sync.synced_account import Staged, opened_session


def lane_of(first: int, last: int, *, taken_over: bool = False) -> Lane:
    return Lane(Window(first, last), threading.Condition(), 0, taken_over=taken_over)


def conversation(created: int, status: str = "closed") -> FullConversation:
    """A conversation whose id is one more than the second in which it was created."""
    payload = {
        "id": created + 1,
        "createdAt": instant(created),
        "state": "published",
        "status": status,
    }
    return FullConversation.model_validate_json(json.dumps(payload))


def page_of(
    stage: Staged,
    *created: int,
    lane: Lane,
    times: pages._Times,
    within: tuple[Interval, ...] = (),
    number: int = 1,
    at: int = 50,
) -> tuple[WindowPage, int]:
    """A page with conversations created in some seconds; and the latest request of the run.

    `number` is that of the list in the window.
    """
    batch = Batch([conversation(second) for second in created], 15, 7, at, lane.last, 3)
    read = LanePage(lane, number, batch, is_last=False)
    with opened_session(stage) as session:
        return pages._window_page(session, "all", read, times, within), session.requested_at


@pytest.mark.parametrize(
    ("within", "kept"),
    [
        ((), [10, 15, 20]),
        ((Interval(12, 16),), [15]),
        ((Interval(0, 10), Interval(20, 30)), [10, 20]),
        ((Interval(0, 9), Interval(21, 30)), []),
        ((Interval(0, 9), Interval(16, 30)), [20]),
    ],
)
def test_a_page_has_the_rows_of_its_window_and_of_the_intervals_that_are_asked_for(
    stage: Staged, within: tuple[Interval, ...], kept: list[int]
) -> None:
    lane, times = lane_of(10, 20), pages._Times(40)
    page, _ = page_of(stage, 9, 10, 15, 20, 21, lane=lane, times=times, within=within)
    assert [row.id - 1 for row in page.rows] == kept


def test_a_page_says_when_its_list_was_begun_and_whether_its_window_is(stage: Staged) -> None:
    lane, times = lane_of(10, 20), pages._Times(40)
    first, requested_at = page_of(stage, lane=lane, times=times)
    assert first == WindowPage(
        lane=lane,
        layer="all",
        window=Interval(10, 20),
        rows=[],
        requested_at=50,
        began=50,
        complete=15,
        left=7,
        is_first=True,
        is_last=False,
    )
    assert requested_at == 50
    second, requested_at = page_of(stage, lane=lane, times=times, at=55)
    assert (second.requested_at, second.began, second.is_first) == (55, 50, False)
    assert requested_at == 55
    taken, _ = page_of(stage, lane=lane_of(15, 20, taken_over=True), times=times)
    assert not taken.is_first


def test_each_list_of_a_window_begins_with_its_own_first_page(stage: Staged) -> None:
    lane, times = lane_of(10, 20), pages._Times(40)
    read = [
        page_of(stage, lane=lane, times=times, number=number, at=at)[0]
        for number, at in ((0, 50), (0, 52), (1, 54), (1, 56))
    ]
    assert [page.began for page in read] == [50, 50, 54, 54]


def test_a_run_that_leaves_pages_unread_can_make_no_further_requests(stage: Staged) -> None:
    windows = [UnreadWindow(Window(FIRST_SECOND, LAST_SECOND))]
    with opened_session(stage) as session:
        reading = pages.read_pages(session, {"all": Selection()}, windows)
        next(reading)
        session.first_page(Selection(), Interval(0, 10))
        reading.close()
        with pytest.raises(Cancelled):
            session.first_page(Selection(), Interval(0, 10))


def test_no_page_was_requested_before_an_earlier_one_of_its_lane() -> None:
    times, lane, other = pages._Times(40), lane_of(0, 9), lane_of(10, 19)
    assert times.note(lane, 0, 39) == (40, 40)
    assert times.note(lane, 0, 45) == (45, 40)
    assert times.note(lane, 0, 44) == (45, 40)
    assert times.note(lane, 1, 44) == (45, 45)
    assert times.note(other, 1, 41) == (41, 41)


@pytest.mark.parametrize(
    ("interval", "proven"),
    [
        (Interval(0, 30), Interval(10, 15)),
        (Interval(12, 13), Interval(12, 13)),
        (Interval(15, 30), Interval(15, 15)),
        (Interval(16, 30), None),
        (Interval(0, 10), Interval(10, 10)),
        (Interval(0, 9), None),
    ],
)
def test_a_page_covers_what_its_list_has_completely_shown(
    stage: Staged, interval: Interval, proven: Interval | None
) -> None:
    page, _ = page_of(stage, lane=lane_of(10, 20), times=pages._Times(0))
    assert page.covered(interval) == (Coverage(proven, 50) if proven else None)


def test_the_spam_on_a_page_is_named_with_its_second() -> None:
    rows = [conversation(10, "spam"), conversation(12), conversation(11, "spam")]
    page = WindowPage(lane_of(10, 20), "all", Interval(10, 20), rows, 50, 50, 15, 7, True, True)
    assert page.spam == {(10, 11), (11, 12)}
    assert pages.rows_of([page, page]) == [(row, 50) for row in (*rows, *rows)]
