"""Reports on a user and on ratings from the archive.

An SQLite archive holds 10⁶ conversations of five years with five threads each, written by 25 users;
DuckDB and polars hold the same in memory. For a report on a user, the archive reads the
conversations of the range in which the user took part, with all of their threads, and the rules
for one conversation make ten figures of them: replies, customers helped, resolutions, response
times, closings and so on. Ratings, with the customers who rated and those who got a reply, it
counts itself. The peers are statements written by hand for the same tables, without SQLAlchemy; of
the two for a user the faster one. A ratio says how many times as long the peer takes. Aim: a month
takes at most twice as long as the best SQLite query, and a year at most two seconds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.archive_peers import DAY, FIRST
from benchmarks.harness import Scale, Table, agree, duration, judged, ratio, spread, take_turns
from benchmarks.staff_peers import Figures, duckdb_peers, polars_peers, sqlite_peers
from benchmarks.staffed_archive import THREADS, fill
from compat.archive.database import open_archive
from compat.config.conventions import Conventions
from compat.core import facts
from compat.core.activity import sender
from compat.core.counting import CountQuery, Filter
from compat.core.intervals import Interval, MaxAges
from compat.core.models import Activity, ActivityQuery, ConversationQuery, Progress
from compat.sources.archive import ArchiveSource

NEEDS = ("duckdb", "polars")
SIZES: Final[Mapping[Scale, int]] = {"tiny": 2_000, "quick": 50_000, "full": 1_000_000}
_DAYS: Final = {"a month": 31, "a year": 365}
_USER: Final = 7
_MOST_SECONDS: Final = 2.0
_RULES: Final = Conventions()
_COUNTED: Final = Filter(_RULES.counted_states, _RULES.uncounted_statuses)
_COLUMNS: Final = (
    *("report", "SQLite / archive", "aim", "DuckDB / archive", "polars / archive"),
    *("archive", "SQLite", "DuckDB", "polars"),
)


def measure(scale: Scale) -> Table:
    """The ratios for a month and for a year."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with open_archive(f"sqlite:///{directory}/archive.db", create=True) as archive:
            fill(archive, SIZES[scale])
            source = ArchiveSource(archive, None, MaxAges(60, 60))
            by_hand, rated_by_hand = sqlite_peers(directory / "archive.db")
            (duckdb, duckdb_ratings), (polars, polars_ratings) = (
                duckdb_peers(directory),
                polars_peers(directory),
            )
            rows = []
            for question, days in _DAYS.items():
                within = Interval(*_range(days))
                asked: list[tuple[str, dict[str, Callable[[], Figures]], list[str]]] = [
                    (
                        "a user",
                        {
                            "archive": partial(user_figures, source, within, _USER),
                            **{way: partial(ask, within, _USER) for way, ask in by_hand.items()},
                            "DuckDB": partial(duckdb, within, _USER),
                            "polars": partial(polars, within, _USER),
                        },
                        [*by_hand],
                    ),
                    (
                        "ratings",
                        {
                            "archive": partial(ratings_of, source, within),
                            "SQLite": partial(rated_by_hand, within),
                            "DuckDB": partial(duckdb_ratings, within),
                            "polars": partial(polars_ratings, within),
                        },
                        ["SQLite"],
                    ),
                ]
                for report, ways, hand in asked:
                    rows.append([f"{report}, {question}", *_compared(ways, hand, days, scale)])
    conversations = SIZES[scale]
    note = f"{conversations:,} conversations with {THREADS * conversations:,} threads."
    return Table(_COLUMNS, rows, [note])


def user_figures(source: ArchiveSource, within: Interval, user: int) -> Figures:
    """The figures of a user in a range: counts, and sums of seconds."""
    query = ActivityQuery((within,), users=frozenset({user}))
    found = source.activity(query, Progress()).activities
    return _figures([each for each in found if _COUNTED.matches(each.row)], within, {user})


def _figures(found: Iterable[Activity], within: Interval, users: set[int]) -> Figures:
    replies = closed = created = total = response = 0
    helped: set[int] = set()
    resolved: list[tuple[int, int]] = []
    for each in found:
        what = facts.read(each, _RULES)
        sent = what.replies_within(within, users)
        replies += len(sent)
        helped |= {reply.customer or each.customer for reply in sent} - {0}
        at = what.resolved_within(within, users)
        if at is not None:
            resolved.append((at - each.row.created, what.replies_to_resolve()))
            response += sum(wait.ended - wait.opened for wait in what.waits_within(within, users))
        closed += what.closed_within(within, users)
        created += each.created_by in users and within.first <= each.row.created <= within.last
        total += any(
            sender(thread) in users
            and within.first <= thread.created <= within.last
            and thread.state != "draft"
            for thread in each.threads
        )
    needed = [number for _, number in resolved]
    took = sum(seconds for seconds, _ in resolved)
    counts = (len(resolved), sum(needed), needed.count(1), took)
    return (replies, len(helped), *counts, response, closed, created, total)


def ratings_of(source: ArchiveSource, within: Interval) -> Figures:
    """How the replies of a range were rated, as the archive counts it."""
    edges = (within.first, within.last + 1)
    query = CountQuery(ConversationQuery((within,)), _COUNTED, (edges,), "ratings")
    counted = source.count(query, Progress())
    if counted is None:
        raise ValueError("no value is unknown, so the archive must count")
    return tuple(counted.counts[0])


def _compared(
    ways: Mapping[str, Callable[[], Any]], by_hand: list[str], days: int, scale: Scale
) -> list[str]:
    """The cells in the row of one report."""
    agree(ways)
    seconds = take_turns(ways, scale, rounds=5)
    best = [min(round_) for round_ in zip(*(seconds[way] for way in by_hand), strict=True)]
    peers = (best, seconds["DuckDB"], seconds["polars"])
    ratios = [ratio(each, seconds["archive"]) for each in peers]
    took = spread(seconds["archive"]).median
    aim = f"≥ 0.5: {judged(ratios[0].median, least=0.5)}"
    if days > _DAYS["a month"]:
        aim = f"≤ {_MOST_SECONDS:.0f} s: {judged(took, most=_MOST_SECONDS)}"
    return [
        str(ratios[0]),
        aim,
        *map(str, ratios[1:]),
        *(duration(spread(each).median) for each in (seconds["archive"], *peers)),
    ]


def _range(days: int) -> tuple[int, int]:
    """So many days of the fourth year, where conversations of all ages have threads."""
    first = FIRST + 3 * 365 * DAY
    return first, first + days * DAY - 1
