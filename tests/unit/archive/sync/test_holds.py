"""Whatever happens, in whatever order and with whatever kills: the archive keeps its promises."""

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
from compat.core.intervals import Interval
from compat.core.models import Row
from compat.simulator import Behaviour
from compat.simulator.churn import apply_random_change
from tests.integration.exactness.staging import Upstream
from tests.unit.archive.sync.staging import (
    DAY,
    Clock,
    PowerCut,
    Staged,
    interrupted,
    lively_account,
    staged,
    true_row,
)

EXAMPLES = 12 if settings().max_examples > 1000 else 2

MANNERS = st.builds(
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


class Model(RuleBasedStateMachine):
    """An account that lives, an archive of it, and all that ever was true of each conversation."""

    far_side: Upstream

    @initialize(manners=MANNERS, seed=st.integers(0, 10**6))
    def begins(self, manners: Behaviour, seed: int) -> None:
        self.place = tempfile.mkdtemp()
        clock = Clock()
        account = lively_account(clock, 40, 12)
        url = f"sqlite:///{self.place}/archive.db"
        self.stage: Staged = staged(self.far_side, url, account, clock, manners)
        open_archive(url, create=True).close()
        self.rng = random.Random(seed)
        self.ever: dict[int, set[Row]] = {}
        self.note_all()

    def teardown(self) -> None:
        if hasattr(self, "place"):
            shutil.rmtree(self.place)

    @rule(many=st.integers(1, 8))
    def lives(self, many: int) -> None:
        for _ in range(many):
            self.something_happens()

    @rule(seconds=st.sampled_from([1, 60, INDEX_LAG, DAY, 40 * DAY]))
    def time_passes(self, seconds: int) -> None:
        self.stage.clock.pass_by(seconds)

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
    def lives_while_it_is_synchronised(self) -> None:
        def meanwhile(*_: Any) -> None:
            self.stage.clock.pass_by(1)
            if self.rng.random() < 0.3:
                self.something_happens()

        self.stage.simulator.before_request = meanwhile
        try:
            self.stage.sync(accept_loss=True)
        finally:
            self.stage.simulator.before_request = None

    @rule()
    def is_verified_at_rest(self) -> None:
        """Once nothing happens any more and the index is up to date, all is as it is upstream."""
        self.stage.clock.pass_by(2 * INDEX_LAG)
        self.stage.sync(accept_loss=True, verify=True)
        (known,) = self.stage.coverage()
        assert known.as_of >= self.stage.clock.now - 5
        assert self.stage.rows(known.interval) == self.stage.truth(known.interval)

    @invariant()
    def nothing_is_in_it_that_was_never_true(self) -> None:
        for id_, row in self.stage.rows().items():
            assert row in self.ever[id_]

    @invariant()
    def coverage_never_reaches_into_the_margin(self) -> None:
        for known in self.stage.coverage():
            assert known.interval.first <= known.interval.last <= known.as_of - INDEX_LAG

    @invariant()
    def what_is_covered_and_there_is_in_it(self) -> None:
        spans = [known.interval for known in self.stage.coverage()]
        held = self.stage.rows()
        for id_, row in self.stage.truth().items():
            if _in(spans, row.created) and self.unchanged_for(id_) > INDEX_LAG:
                assert id_ in held, row

    def unchanged_for(self, id_: int) -> float:
        """Seconds since a conversation came or changed last."""
        row = self.stage.account[id_]
        return min(known.as_of for known in self.stage.coverage()) - row.modified

    def something_happens(self) -> None:
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
def test_an_archive_holds_its_promises_whatever_happens(
    far_side: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "ROWS", 20)
    monkeypatch.setattr(reconcile, "FEW", 5)
    Model.far_side = far_side
    run_state_machine_as_test(
        Model, settings=settings(max_examples=EXAMPLES, stateful_step_count=10)
    )
