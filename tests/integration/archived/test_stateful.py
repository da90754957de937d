"""After any changes of an account and of its archive, answers are right or refused."""

from __future__ import annotations

import contextlib
import io
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pydantic import SecretStr

from compat.archive.admin import CannotSeal, export, import_lines, seal, unseal
from compat.archive.database import Archive, open_archive
from compat.core.calendar import FIRST_SECOND
from compat.sources import archive as archived
from compat.sources import merge
from compat.sources.merge import Completer, Patch
from tests.integration.archived.offline_service import answer_of, ask, change_account, service
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import questions, some
from tests.integration.exactness.simulated_upstream import Upstream, judged_by
from tests.profiles import THOROUGH
from tests.unit.archive.sync.synced_account import (
    DAY,
    SINCE,
    Clock,
    PowerCut,
    interrupted,
    sample_account,
    staged,
)

DRAWN_FOR = sample_account(Clock(), 70, 30)
HOMES = some([each.id for each in DRAWN_FOR.layout.folders if each.type in oracle.HOMES])
_FIRST, _LAST = int(SINCE.timestamp()), int(Clock().now)
QUESTIONS = questions(DRAWN_FOR, HOMES)
BROAD = (
    Asked(_FIRST, _LAST, view_by="month"),
    Asked(_FIRST, _LAST, view_by="month", not_counted=frozenset({"closed"})),
    Asked(_FIRST, _LAST + 3 * DAY, view_by="month", filters={"tags": (1,)}),
)
"""Questions in whose answers each change is visible."""

NOW = Clock()
"""The clock of account and service; each example sets it back."""

PROFILE = settings(
    max_examples=25 if THOROUGH else 3,
    stateful_step_count=25 if THOROUGH else 14,
    suppress_health_check=list(HealthCheck),
    deadline=None,
)


class ArchiveLife(RuleBasedStateMachine):
    """An account that changes, its archive, and questions that are asked of both."""

    upstream_server: Upstream

    @initialize()
    def begin(self) -> None:
        """An account that was just synchronised."""
        NOW.now = Clock().now
        self.directory = tempfile.TemporaryDirectory()
        url = f"sqlite:///{self.directory.name}/archive.db"
        self.stage = staged(self.upstream_server, url, sample_account(NOW, 70, 30), NOW)
        self.sealed = False
        self.kept_since: int | None = None
        self.is_synchronised(verify=False)

    def teardown(self) -> None:
        self.directory.cleanup()

    @rule(seed=st.integers(0, 10**6), times=st.integers(1, 9))
    def account_changes(self, seed: int, times: int) -> None:
        change_account(self.stage.account, random.Random(seed), times)
        NOW.advance(5)

    @rule(seconds=st.sampled_from([1, 899, 901, 3600, DAY]))
    def time_passes(self, seconds: int) -> None:
        NOW.advance(seconds)

    @rule(verify=st.booleans())
    def is_synchronised(self, verify: bool) -> None:
        if self.sealed:
            return
        NOW.advance(5)
        self.stage.sync(verify=verify, accept_loss=True)
        NOW.advance(5)
        self.known = self.whole = len(self.stage.account.changes)

    @rule(after=st.integers(0, 5))
    def is_interrupted(self, after: int) -> None:
        if self.sealed:
            return
        NOW.advance(5)
        with interrupted(self.stage, after), contextlib.suppress(PowerCut):
            self.stage.sync(accept_loss=True)
        NOW.advance(5)
        self.known = len(self.stage.account.changes)

    @rule()
    def is_sealed_or_unsealed(self) -> None:
        with self.writing() as (archive, lock):
            if self.sealed:
                unseal(archive, lock)
                self.sealed = False
            else:
                with contextlib.suppress(CannotSeal):
                    last = min(each.as_of for each in self.stage.coverage()) - 900
                    seal(archive, lock, min(last, self.stage.coverage()[-1].interval.last))
                    self.sealed = True

    @rule(days=st.sampled_from([400, 300]))
    def drops_what_is_old(self, days: int) -> None:
        since = int(Clock().now) - days * DAY
        self.kept_since = max(since, self.kept_since or since)
        with self.writing() as (archive, lock), archive.writing(lock) as writer:
            writer.set_kept_since(self.kept_since)

    @rule(at=st.integers(0, 90))
    def forgets_a_customer(self, at: int) -> None:
        rows = self.stage.account.conversations()
        with self.writing() as (archive, lock), archive.writing(lock) as writer:
            writer.erase_customers([rows[at % len(rows)].customer_id])

    @rule(asked=QUESTIONS, seed=st.integers(0, 10**6), times=st.integers(0, 2))
    def is_asked_online(self, asked: Asked, seed: int, times: int) -> None:
        """Often right after few changes: more of them would hide what is wrong about one."""
        if self.sealed:
            return
        self.account_changes(seed, times)
        with service(self.stage, recent_age=0, max_age=0) as reports:
            for each in (asked, *BROAD):
                found = answer_of(judged_by(reports, each), each)
                assert found == oracle.answer(each, self.stage.account)

    @rule(asked=QUESTIONS)
    def is_asked_offline(self, asked: Asked) -> None:
        with service(self.stage, offline=True) as reports:
            self.check_right_or_refused(ask(judged_by(reports, asked), asked.target()), asked)

    @rule(asked=QUESTIONS)
    def is_exported_and_imported(self, asked: Asked) -> None:
        with open_archive(self.stage.url) as archive, archive.reading() as snapshot:
            lines, known = list(export(snapshot)), snapshot.coverage()
        last = min(known[-1].interval.last, int(NOW()) - 1000)
        if (
            len(known) > 1
            or known[0].interval.first != FIRST_SECOND
            or known[-1].interval.last != last
        ):
            return
        elsewhere = f"sqlite:///{self.directory.name}/elsewhere.db"
        with open_archive(elsewhere, create=True) as archive, archive.lock() as lock:
            import_lines(
                archive, lock, io.BytesIO(b"".join(lines)), (FIRST_SECOND, last), known[0].as_of
            )
        with service(self.stage, offline=True, archive=SecretStr(elsewhere)) as reports:
            if "folders" not in asked.filters:
                self.check_right_or_refused(ask(judged_by(reports, asked), asked.target()), asked)
        Path(f"{self.directory.name}/elsewhere.db").unlink()

    def check_right_or_refused(self, answer: Any, asked: Asked) -> None:
        """It is that of the last synchronisation, or newer if one was interrupted since then."""
        if answer.status == 400:
            assert not self.covers(asked)
            return
        assert answer.status == 200
        assert self.covers(asked)
        found = json.loads(answer.body)
        for low, series, high in zip(*self.bounds(asked, found), strict=True):
            for least, bucket, most in zip(low, series, high, strict=True):
                assert least["count"] <= bucket["count"] <= most["count"]

    def covers(self, asked: Asked) -> bool:
        spans = [(asked.start, asked.end), *([asked.previous] if asked.previous else [])]
        return all(
            any(
                known.interval.first <= first and last <= known.interval.last
                for known in self.known_spans
            )
            for first, last in spans
        )

    @property
    def known_spans(self) -> Any:
        return self.stage.coverage()

    def bounds(self, asked: Asked, found: Any) -> tuple[list[Any], list[Any], list[Any]]:
        """The lowest counts that are right, the counts found, and the highest that are right."""
        account = self.stage.account
        states: dict[int, list[Any]] = {row.id: [row] for row in account.conversations()}
        for change in reversed(account.changes[self.known :]):
            states[change.id] = [change.before]
        for change in reversed(account.changes[self.whole : self.known]):
            states[change.id].append(change.before)
        fits: Callable[[Any], bool] = lambda row: bool(  # noqa: E731
            row and oracle.matches(row, asked, account)
        )
        always = [rows[0] for rows in states.values() if all(map(fits, rows))]
        ever = [next(filter(fits, rows)) for rows in states.values() if any(map(fits, rows))]
        names = ["current", *(["previous"] if asked.previous else [])]

        def series(rows: list[Any]) -> list[Any]:
            stand_in: Any = SimpleNamespace(conversations=lambda: rows, layout=account.layout)
            return [oracle.answer(asked, stand_in)[name] for name in names]

        return series(always), [found[name] for name in names], series(ever)

    @contextlib.contextmanager
    def writing(self) -> Iterator[tuple[Archive, Any]]:
        with open_archive(self.stage.url) as archive, archive.lock() as lock:
            yield archive, lock


@pytest.fixture
def life(upstream_server: Upstream, monkeypatch: pytest.MonkeyPatch) -> type[ArchiveLife]:
    monkeypatch.setattr(archived, "time", SimpleNamespace(time=NOW))
    return type("ArchiveLife", (ArchiveLife,), {"upstream_server": upstream_server})


def test_answers_are_right_or_refused_after_any_changes(life: type[ArchiveLife]) -> None:
    run_state_machine_as_test(life, settings=PROFILE)


class _AnyTotal:
    """Equal to any total."""

    def __eq__(self, _other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def _doubled(complete: Callable[..., Patch]) -> Callable[..., Patch]:
    def doubled(*arguments: Any) -> Patch:
        patch = complete(*arguments)
        return replace(patch, beside=[*patch.beside, *patch.beside])

    return doubled


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "what was modified is searched from too late on": (merge, "INDEX_LAG", -DAY),
    "totals are not compared": (merge, "expected_total", lambda *_: _AnyTotal()),
    "what fills gaps counts twice": (Completer, "complete", _doubled(Completer.complete)),
    "what was modified is not merged": (Patch, "changed", lambda *_: {}),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_each_planted_bug_replaces_something_that_exists(bug: str) -> None:
    owner, name, planted = PLANTED[bug]
    assert getattr(owner, name) is not planted


@pytest.mark.thorough
@pytest.mark.parametrize("bug", PLANTED)
def test_planted_bugs_are_found(
    life: type[ArchiveLife], bug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*PLANTED[bug])
    hunt = settings(
        PROFILE,
        max_examples=100,
        stateful_step_count=25,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        print_blob=False,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(life, settings=hunt)
