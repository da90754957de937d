"""Counts by totals: equal to those of rows, and taken only where they can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator, make_account
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.engines.successor import header
from tests.unit.service.doubles import LONG, basic

SINCE = datetime(2015, 1, 1, tzinfo=UTC)
NOW = datetime(2016, 1, 1, tzinfo=UTC)
YEAR = Asked(int(SINCE.timestamp()), int(NOW.timestamp()) - 1, view_by="month")
WITH_DRAFTS = frozenset({"published", "draft"})


@pytest.fixture(scope="module")
def account() -> Account:
    """A busy year, with drafts and with conversations at the edges of months."""
    made = make_account(1500, 5, NOW, SINCE)
    mailbox = made.layout.mailboxes[0].id
    for month in range(2, 12):
        edge = int(datetime(2015, month, 1, tzinfo=UTC).timestamp())
        for second in (edge - 1, edge, edge + 1):
            made.add(second, mailbox_id=mailbox, status="spam")
            made.add(second, mailbox_id=mailbox, status="closed")
            made.add(second, mailbox_id=mailbox, status="active", state="draft")
    return made


class Stage:
    """The same account, counted in both ways."""

    def __init__(self, upstream_server: Upstream, account: Account) -> None:
        self._far_side, self._account = upstream_server, account
        self.simulator = Simulator(account)

    def show(self, account: Account | None = None, **behaviour: Any) -> Settings:
        behaviour.setdefault("rate_limit", None)
        self.simulator = Simulator(account or self._account, Behaviour(**behaviour))
        return self._far_side.show(self.simulator)


@pytest.fixture
def stage(upstream_server: Upstream, account: Account) -> Stage:
    return Stage(upstream_server, account)


@contextmanager
def counting(settings: Settings, by: str, **conventions: Any) -> Iterator[LegacyReports]:
    changed = {"count_by": by, "conventions": Conventions(**conventions)}
    with LegacyReports(settings.model_copy(update=changed)) as reports:
        yield reports


def asked(settings: Settings, by: str, question: Asked, **conventions: Any) -> tuple[str, bytes]:
    """Which engine answered, and what."""
    with counting(settings, by, **conventions) as reports:
        answered = reports.compute("new_conversations", question.pairs())
    return answered.engine, answered.body


@pytest.mark.parametrize("lists_spam", [True, False])
@pytest.mark.parametrize("uncounted", [frozenset({"spam"}), frozenset[str]()])
@pytest.mark.parametrize("end_included", [True, False])
def test_totals_are_the_counts_of_rows_with_the_drafts(
    stage: Stage, lists_spam: bool, uncounted: frozenset[str], end_included: bool
) -> None:
    settings = stage.show(all_lists_spam=lists_spam)
    question = replace(YEAR, end=int(datetime(2015, 12, 1, tzinfo=UTC).timestamp()))
    rules = {"uncounted_statuses": uncounted, "end_included": end_included}
    engine, body = asked(settings, "totals", question, **rules)
    assert engine == "totals"
    truth = asked(settings, "rows", question, **rules, counted_states=WITH_DRAFTS)
    assert truth == ("computed", body)


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_edges_of_ranges_and_mailboxes_are_exact(
    stage: Stage, account: Account, shift: int
) -> None:
    settings = stage.show()
    question = replace(
        YEAR,
        start=int(datetime(2015, 2, 1, tzinfo=UTC).timestamp()) + shift,
        end=int(datetime(2015, 11, 1, tzinfo=UTC).timestamp()) + shift,
        filters={"mailboxes": (account.layout.mailboxes[0].id,)},
    )
    engine, body = asked(settings, "totals", question)
    assert engine == "totals"
    assert asked(settings, "rows", question, counted_states=WITH_DRAFTS)[1] == body


def test_it_takes_a_request_for_each_bucket_and_list_and_the_probe_is_cached(stage: Stage) -> None:
    settings = stage.show()
    with counting(settings, "totals") as reports:
        reports.compute("new_conversations", YEAR.pairs())
        stage.simulator.reset()
        again = replace(YEAR, end=YEAR.end - 1)
        assert reports.compute("new_conversations", again.pairs()).engine == "totals"
        assert stage.simulator.requests["/v2/conversations"] == 2 * (1 + 12)


@pytest.mark.parametrize(("by", "engine"), [(None, "computed"), ("totals", "totals")])
def test_the_header_names_the_engine_and_rows_are_the_default(
    stage: Stage, by: str | None, engine: str
) -> None:
    settings = stage.show()
    changed = settings.model_copy(update={"count_by": by} if by else {})
    with LegacyReports(changed) as reports:
        answered = reports.answer(YEAR.target(), authorization=basic(), patience=LONG)
    assert header(answered, "Compat-Engine") == engine


@pytest.mark.parametrize(("by", "named"), [("rows", ()), ("totals", ("current.count",))])
def test_counts_from_totals_are_named_as_approximate(
    stage: Stage, by: str, named: tuple[str, ...]
) -> None:
    with counting(stage.show(), by) as reports:
        answered = reports.compute("new_conversations", YEAR.pairs())
    assert (answered.approximate, answered.unavailable) == (named, ())


def without_spam(account: Account) -> Account:
    for row in account.conversations():
        if row.status == "spam":
            account.delete(row.id)
    return account


@pytest.mark.parametrize(
    ("question", "behaviour", "conventions"),
    [
        (replace(YEAR, filters={"types": ("email",)}), {}, {}),
        (replace(YEAR, filters={"tags": (1,)}), {}, {}),
        (replace(YEAR, filters={"folders": (1,)}), {}, {}),
        (YEAR, {"index_fractions": True}, {}),
        (YEAR, {}, {"uncounted_statuses": frozenset({"closed"})}),
        (YEAR, {}, {"counted_states": frozenset({"draft"})}),
        (replace(YEAR, view_by="day"), {}, {}),
        (replace(YEAR, end=YEAR.start), {}, {"end_included": False}),
        (replace(YEAR, filters={"mailboxes": (987_654_321,)}), {}, {}),
    ],
    ids=[
        *("types", "tags", "folders", "fractions", "statuses", "states"),
        *("too dear", "no second", "no mailbox"),
    ],
)
def test_where_totals_cannot_be_taken_rows_are_counted(
    stage: Stage, question: Asked, behaviour: dict[str, Any], conventions: dict[str, Any]
) -> None:
    settings = stage.show(**behaviour)
    found = asked(settings, "totals", question, **conventions)
    assert found == asked(settings, "rows", question, **conventions)
    assert found[0] == "computed"


def test_where_spam_in_lists_is_unknown_rows_are_counted(stage: Stage) -> None:
    settings = stage.show(without_spam(make_account(600, 5, NOW, SINCE)))
    found = asked(settings, "totals", YEAR)
    assert found == asked(settings, "rows", YEAR)
    assert found[0] == "computed"


class Approximate:
    """Every total is one too high, unless that is more than the pages can have."""

    def __init__(self, simulator: Any) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if body := message.get("body"):
                answer = json.loads(body)
                if (page := answer.get("page")) and page["totalElements"] % page["size"]:
                    page["totalElements"] += 1
                message = {**message, "body": json.dumps(answer).encode()}
            if message["type"] == "http.response.start":
                headers = [each for each in message["headers"] if each[0] != b"content-length"]
                message = {**message, "headers": headers}
            await send(message)

        await self._simulator(scope, receive, sending)


def test_totals_that_do_not_add_up_are_not_used(stage: Stage, upstream_server: Upstream) -> None:
    settings = stage.show()
    right = asked(settings, "rows", YEAR)
    upstream_server.app = Approximate(stage.simulator)
    assert asked(settings, "totals", YEAR) == right


def test_a_single_bucket_needs_no_sum(stage: Stage) -> None:
    settings = stage.show()
    day = timedelta(days=20)
    question = replace(YEAR, end=int((SINCE + day).timestamp()))
    engine, body = asked(settings, "totals", question)
    assert engine == "totals"
    assert asked(settings, "rows", question, counted_states=WITH_DRAFTS)[1] == body
