"""After any queries, rows are those of a moment that is not too long ago (a stateful test)."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from compat.core.intervals import Interval, MaxAges
from compat.core.models import Progress, Row
from compat.sources.row_cache import Scope
from tests.unit.sources.cached_upstream import Upstream, row

AGES = MaxAges(recent=5, older=30, settled=20)
MOST_ROWS = 25
BEGINNING = 100

SCOPES = st.builds(
    Scope, st.frozensets(st.integers(1, 3), max_size=2), st.sampled_from([False, False, True])
)
BACK = st.one_of(st.integers(0, 30), st.integers(0, 90))
"""How long before now something was created."""


class Remembering(RuleBasedStateMachine):
    """An account that changes, a clock that goes on, and questions."""

    def __init__(self) -> None:
        super().__init__()
        self.upstream = Upstream(now=float(BEGINNING), ahead=0)
        self.source = self.upstream.source(MOST_ROWS, AGES)
        self.history: list[tuple[float, list[Row]]] = []
        self.last_id = 0

    @rule(back=BACK, mailbox=st.integers(1, 3), many=st.sampled_from([1, 1, 2, 6]))
    def arrives(self, back: int, mailbox: int, many: int) -> None:
        for _ in range(many):
            self.last_id += 1
            self.upstream.rows.append(row(self.upstream.clock - back, self.last_id, mailbox))

    @precondition(lambda self: self.upstream.rows)
    @rule(at=st.integers(0, 999))
    def goes(self, at: int) -> None:
        del self.upstream.rows[at % len(self.upstream.rows)]

    @precondition(lambda self: self.upstream.rows)
    @rule(at=st.integers(0, 999), status=st.sampled_from(["active", "closed", "spam"]))
    def changes(self, at: int, status: str) -> None:
        at %= len(self.upstream.rows)
        self.upstream.rows[at] = self.upstream.rows[at]._replace(status=status)

    @precondition(lambda self: self.upstream.rows)
    @rule(at=st.integers(0, 999), mailbox=st.integers(1, 3))
    def moves(self, at: int, mailbox: int) -> None:
        at %= len(self.upstream.rows)
        self.upstream.rows[at] = self.upstream.rows[at]._replace(mailbox=mailbox)

    @rule(seconds=st.sampled_from([0.25, 1.0, 4.0, 5.0, 6.0, 19.0, 29.5]))
    def time_passes(self, seconds: float) -> None:
        self.upstream.now += seconds

    @rule(
        scope=SCOPES,
        windows=st.lists(st.tuples(BACK, st.integers(0, 40)), min_size=1, max_size=2),
    )
    def is_asked(self, scope: Scope, windows: list[tuple[int, int]]) -> None:
        now = self.upstream.clock
        self.history.append((self.upstream.now, list(self.upstream.rows)))
        spans = [Interval(now - back - length, now - back) for back, length in windows]
        found = self.source.rows(scope, spans, Progress())
        wanted = {second for span in spans for second in range(span.first, span.last + 1)}
        assert list(found.rows) == sorted(set(found.rows))
        assert {row.created for row in found.rows} <= wanted
        assert all(scope.contains(row) for row in found.rows)
        for second in wanted:
            here = {row for row in found.rows if row.created == second}
            assert self.was_true(scope, second, here), (scope, second, here)

    def was_true(self, scope: Scope, second: int, here: set[Row]) -> bool:
        """Whether these were the conversations of a second when something was asked lately."""
        for then, rows in self.history:
            settled = second <= int(then) - AGES.settled
            if self.upstream.now - then >= (AGES.older if settled else AGES.recent):
                continue
            true = {row for row in rows if row.created == second and scope.contains(row)}
            without_spam = {row for row in true if row.status != "spam"}
            # A wider scope may bring spam that was not asked for.
            if here == true or (here == without_spam and not scope.spam):
                return True
        return False

    @invariant()
    def is_bounded(self) -> None:
        entries = self.source.cache._entries.values()
        assert sum(len(entry.rows) for entry in entries) <= MOST_ROWS

    @invariant()
    def is_tidy(self) -> None:
        for entry in self.source.cache._entries.values():
            spans = [coverage.interval for coverage in entry.covered]
            assert spans == sorted(spans)
            assert entry.rows == sorted(entry.rows)
            covered = [row for span in spans for row in entry.within(span)]
            assert covered == entry.rows
        assert self.source.cache._claimed == []


TestRemembering = Remembering.TestCase
TestRemembering.settings = settings(stateful_step_count=40)
