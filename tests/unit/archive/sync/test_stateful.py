"""After any events in any order, with kills, what the archive says of itself is right."""

from __future__ import annotations

import random
import shutil
import tempfile
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from compat.archive.database import open_archive
from compat.archive.records import INDEX_LAG
from compat.archive.sync import backfill, reconcile
from compat.core import intervals
from compat.core.intervals import Interval
from compat.core.models import Row
from compat.simulator import Behaviour
from compat.simulator.churn import apply_random_change
from tests.integration.exactness.simulated_upstream import Upstream
from tests.profiles import THOROUGH
from tests.unit.archive.sync.synced_account import (
    DAY,
    Clock,
    PowerCut,
    Staged,
    interrupted,
    sample_account,
    staged,
    true_row,
)
from tests.unit.v2.upstream import divide_lanes

EXAMPLES = 12 if THOROUGH else 2

BEHAVIOURS = st.builds(
    Behaviour,
    rate_limit=st.none(),
    page_size=st.sampled_from([7, 25]),
    all_lists_spam=st.booleans(),
    index_fractions=st.booleans(),
    index_lag=st.sampled_from([0, 0, 300]),
    empty=st.sampled_from(["array", "absent"]),
    past_end=st.sampled_from(["empty", "not_found"]),
    repeat_rate=st.sampled_from([0.0, 0.3]),
)


class SyncLife(RuleBasedStateMachine):
    """An account that changes, an archive of it, and all states of each conversation so far."""

    upstream_server: Upstream

    @initialize(
        behaviour=BEHAVIOURS, seed=st.integers(0, 10**6), parallel=st.sampled_from([1, 2, 4])
    )
    def begin(self, behaviour: Behaviour, seed: int, parallel: int) -> None:
        self.place = tempfile.mkdtemp()
        clock = Clock()
        account = sample_account(clock, 40, 12)
        url = f"sqlite:///{self.place}/archive.db"
        self.stage: Staged = staged(self.upstream_server, url, account, clock, behaviour)
        self.stage.limit_requests(parallel)
        open_archive(url, create=True).close()
        self.rng = random.Random(seed)
        self.ever: dict[int, set[Row]] = {}
        self.note_all()

    def teardown(self) -> None:
        if hasattr(self, "place"):
            shutil.rmtree(self.place)

    @rule(many=st.integers(1, 8))
    def account_changes(self, many: int) -> None:
        for _ in range(many):
            self.change_something()

    @rule(seconds=st.sampled_from([1, 60, INDEX_LAG, DAY, 40 * DAY]))
    def time_passes(self, seconds: int) -> None:
        self.stage.clock.advance(seconds)

    @rule()
    def is_synchronised(self) -> None:
        self.stage.sync(accept_loss=True)

    @rule(after=st.integers(0, 12), verify=st.booleans())
    def is_killed(self, after: int, verify: bool) -> None:
        try:
            with interrupted(self.stage, after):
                self.stage.sync(accept_loss=True, verify=verify)
        except PowerCut:
            return

    @rule()
    def account_changes_while_it_is_synchronised(self) -> None:
        def change(*_: Any) -> None:
            self.stage.clock.advance(1)
            if self.rng.random() < 0.3:
                self.change_something()

        self.stage.simulator.before_request = change
        try:
            self.stage.sync(accept_loss=True)
        finally:
            self.stage.simulator.before_request = None

    @rule()
    def is_verified_at_rest(self) -> None:
        """Nothing has changed for a while and the index is current: all is as it is upstream."""
        self.stage.clock.advance(2 * INDEX_LAG)
        self.stage.sync(accept_loss=True, verify=True)
        covered = self.stage.coverage()
        (span,) = intervals.union(known.interval for known in covered)
        assert min(known.as_of for known in covered) >= self.stage.clock.now - 5
        assert self.stage.rows(span) == self.stage.truth(span)

    @invariant()
    def every_row_was_true_once(self) -> None:
        for id_, row in self.stage.rows().items():
            assert row in self.ever[id_]

    @invariant()
    def coverage_never_reaches_into_the_margin(self) -> None:
        for known in self.stage.coverage():
            assert known.interval.first <= known.interval.last <= known.as_of - INDEX_LAG

    @invariant()
    def what_is_covered_and_old_enough_is_there(self) -> None:
        spans = [known.interval for known in self.stage.coverage()]
        held = self.stage.rows()
        for id_, row in self.stage.truth().items():
            if _in(spans, row.created) and self.unchanged_for(id_) > INDEX_LAG:
                assert id_ in held, row

    def unchanged_for(self, id_: int) -> float:
        """Seconds from the last change of a conversation to the archive's *as of*."""
        row = self.stage.account[id_]
        return min(known.as_of for known in self.stage.coverage()) - row.modified

    def change_something(self) -> None:
        if (row := apply_random_change(self.stage.account, self.rng)) is not None:
            self.note(row.id)

    def note(self, id_: int) -> None:
        row = self.stage.account[id_]
        self.ever.setdefault(id_, set()).add(true_row(row))

    def note_all(self) -> None:
        for row in self.stage.account.conversations():
            self.note(row.id)


def _in(spans: list[Interval], second: int) -> bool:
    return any(span.first <= second <= span.last for span in spans)


@pytest.mark.timeout(900)
def test_what_an_archive_says_of_itself_is_right_after_any_events(
    upstream_server: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "ROWS", 20)
    monkeypatch.setattr(reconcile, "FEW", 5)
    divide_lanes(monkeypatch, 1.0)
    SyncLife.upstream_server = upstream_server
    run_state_machine_as_test(
        SyncLife, settings=settings(max_examples=EXAMPLES, stateful_step_count=10)
    )
