"""A simulated account whose activity is loaded, and a naive reading of what the answer must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from urllib.parse import parse_qsl, urlsplit

from compat.core.intervals import Interval, MaxAges
from compat.core.models import Activity, ActivityQuery, ActivitySet, Progress, Row, Thread
from compat.simulator import Account, Behaviour, Conversation, Simulator
from compat.simulator.layout import Layout
from compat.simulator.thread import Thread as SimulatedThread
from compat.sources.live import LiveSource
from compat.v2.client import Client
from tests.unit.ratings import expected_rating
from tests.unit.v2.upstream import FIRST, QUIET, Stage

AGES = MaxAges(60, 6 * 3600)


class Clock:
    """A clock that tests move. The account reads it, and so does the cache."""

    def __init__(self, now: float = FIRST + 100_000_000) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Scene:
    """An account that is asked for its activity.

    Attributes:
        account: The account.
        before: Called before each request for a list of conversations or threads, with its
            number, counted from 1.
    """

    def __init__(
        self,
        stage_and_client: tuple[Stage, Client],
        account: Account,
        behaviour: Behaviour = QUIET,
        *,
        ages: MaxAges = AGES,
        workers: int = 2,
        most_rows: int = 100_000,
    ) -> None:
        stage, client = stage_and_client
        self.account = account
        self.before: Callable[[int], object] = lambda _: None
        self.requested: list[str] = []
        self.simulator = Simulator(account, behaviour, before_request=self._before)
        stage.playing = self.simulator
        self.progress = Progress()
        self.source = LiveSource(client, ages, workers=workers, most_rows=most_rows)

    def _before(self, _account: Account, target: str) -> None:
        self.requested.append(target)
        self.before(len(self.requested))

    def load(self, query: ActivityQuery) -> ActivitySet:
        self.progress = Progress()
        return self.source.activity(query, self.progress)

    def found(self, query: ActivityQuery) -> dict[int, Activity]:
        """The activities of an answer by their ids; each must be there once."""
        activities = self.load(query).activities
        found = {activity.row.id: activity for activity in activities}
        assert len(found) == len(activities)
        return found

    def requests(self) -> tuple[int, int]:
        """How many lists of conversations and of threads were requested since the last call."""
        kinds = Counter(urlsplit(target).path.endswith("/threads") for target in self.requested)
        self.requested.clear()
        return kinds[False], kinds[True]

    def sorted_by(self) -> Counter[str]:
        """How many lists of conversations were requested, by their order."""
        targets = [dict(parse_qsl(urlsplit(target).query)) for target in self.requested]
        return Counter(params["sortField"] for params in targets if "sortField" in params)


def expected_thread(
    thread: SimulatedThread, threads: Sequence[SimulatedThread], layout: Layout
) -> Thread:
    """A thread of a conversation as the contract says that it is read."""
    return Thread(
        thread.created,
        thread.id,
        thread.type,
        thread.state or "",
        None if thread.status == "nochange" else thread.status,
        thread.by,
        thread.author_id,
        thread.customer_id,
        thread.action,
        thread.source,
        thread.saved_reply_id,
        expected_rating(thread, threads, layout),
        bool(thread.attachments),
    )


def expected_activity(
    row: Conversation, threads: Sequence[SimulatedThread], layout: Layout
) -> Activity:
    """A conversation as the contract says that it is read."""
    return Activity(
        Row(
            *(row.created, row.id, row.mailbox_id, row.folder_id, row.type, row.status),
            *(row.state, tuple(sorted(row.tag_ids))),
        ),
        tuple(sorted(expected_thread(each, threads, layout) for each in threads)),
        customer=row.customer_id,
        created_by=row.created_by,
        closed=row.closed,
        closed_by=row.closed_by,
        number=row.number,
    )


def with_sorted_tags(activity: Activity) -> Activity:
    """Upstream shows tags in an order of its own."""
    return activity._replace(row=activity.row._replace(tags=tuple(sorted(activity.row.tags or ()))))


def touched(
    account: Account,
    spans: Collection[Interval],
    predicate: Callable[[Conversation], bool] = lambda _: True,
) -> dict[int, Activity]:
    """The conversations with a thread created in some intervals: each against each."""
    return {
        row.id: expected_activity(row, threads, account.layout)
        for row, threads in account.histories()
        if predicate(row)
        and any(span.first <= each.created <= span.last for each in threads for span in spans)
    }


def existing_threads(account: Account) -> Iterator[tuple[int, int, int]]:
    """The id of each thread on a listed conversation, its creation, and the conversation's id."""
    for row, threads in account.histories():
        for each in threads:
            yield each.id, each.created, row.id
