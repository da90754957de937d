"""Totals that never agree with their lists: how much is accepted, where, and until when."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from compat.archive import schema
from compat.archive.errors import LossAhead
from compat.archive.sync import queries, reconcile
from compat.archive.sync.queries import ALL_MAILBOXES, Offset
from compat.archive.sync.reconcile import ComparedList, compare_totals
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval
from compat.simulator import Account
from compat.simulator.layout import Layout
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.samples import cover, record, save_all
from tests.unit.archive.sync.synced_account import (
    DAY,
    QUIET,
    Clock,
    Staged,
    opened_archive,
    opened_session,
    staged,
)

ROWS = 60
STEP = 600
FIRST = int(Clock().now) - 40 * DAY
MAILBOX, OTHER = (each.id for each in Layout(("Support", "Sales")).mailboxes)
CREATED = re.compile(r"createdAt:\[(\S+) TO (\S+)\]")
LIST = ComparedList(7, spam=False)
ALL = Interval(0, 100)


# The offsets of a list.


def test_only_offsets_of_the_list_and_within_the_interval_are_added_up() -> None:
    accepted = [
        Offset(7, False, 10, 20, 3),
        Offset(7, False, 90, 110, 5),
        Offset(7, True, 10, 20, 7),
        Offset(8, False, 10, 20, 11),
        Offset(7, False, 0, None, 13),
    ]
    assert reconcile.sum_of_parts(accepted, LIST, ALL) == 3
    assert reconcile.remainder(accepted, LIST, ALL) == 13
    assert reconcile.remainder(accepted, LIST, Interval(1, 100)) == 0


def test_a_new_offset_replaces_those_within_it() -> None:
    accepted = reconcile.with_part([], LIST, Interval(10, 20), 3)
    accepted = reconcile.with_part(accepted, LIST, Interval(5, 30), 2)
    assert accepted == [Offset(7, False, 5, 30, 2)]
    assert reconcile.with_part(accepted, LIST, ALL, 0) == []


def test_the_remainder_is_kept_apart_from_parts() -> None:
    accepted = reconcile.with_remainder([Offset(7, False, 5, 30, 2)], LIST, ALL, 4)
    assert reconcile.sum_of_parts(accepted, LIST, ALL) == 2
    assert reconcile.remainder(accepted, LIST, ALL) == 4
    assert reconcile.with_remainder(accepted, LIST, ALL, 0) == [Offset(7, False, 5, 30, 2)]


def test_a_remainder_and_a_part_may_begin_in_the_same_second() -> None:
    part = Offset(7, False, 0, 30, 2)
    assert set(reconcile.with_remainder([part], LIST, ALL, 4)) == {
        part,
        Offset(7, False, 0, None, 4),
    }


def test_offsets_are_the_same_after_a_round_trip_through_json() -> None:
    accepted = [Offset(7, False, 5, 30, 2), Offset(7, True, 0, None, -4)]
    assert queries.offsets_from_note(json.loads(json.dumps(accepted))) == accepted
    assert queries.offsets_from_note(None) == []


# Where an interval is cut.


@pytest.mark.parametrize(
    ("cut", "beside"),
    [
        (-1, None),
        (0, 0),
        (9, 9),
        (10, 9),
        (15, 9),
        (19, 9),
        (20, 20),
        (21, 21),
        (99, 99),
        (100, None),
    ],
)
def test_a_cut_is_moved_before_a_part_with_an_offset_and_leaves_a_second_on_both_sides(
    cut: int, beside: int | None
) -> None:
    assert reconcile.cut_beside_parts([Offset(7, False, 10, 20, 3)], LIST, ALL, cut) == beside


@pytest.mark.parametrize(("last", "beside"), [(20, 20), (99, 99), (100, None)])
def test_a_cut_is_moved_behind_a_part_that_begins_with_the_interval(
    last: int, beside: int | None
) -> None:
    assert reconcile.cut_beside_parts([Offset(7, False, 0, last, 3)], LIST, ALL, 5) == beside


@pytest.mark.parametrize(
    "offset",
    [
        Offset(8, False, 10, 20, 3),
        Offset(7, True, 10, 20, 3),
        Offset(7, False, 10, 101, 3),
        Offset(7, False, 0, None, 3),
    ],
    ids=["another mailbox", "another list", "not within the interval", "of the total alone"],
)
def test_a_cut_is_not_moved_for_other_offsets(offset: Offset) -> None:
    assert reconcile.cut_beside_parts([offset], LIST, ALL, 15) == 15


SPANS = st.tuples(st.integers(0, 60), st.integers(0, 40)).map(
    lambda each: Interval(each[0], sum(each))
)


@given(st.lists(SPANS, max_size=4), st.integers(0, 99))
def test_a_cut_leaves_each_part_with_an_offset_on_one_side(spans: list[Interval], cut: int) -> None:
    accepted: list[Offset] = []
    for span in spans:
        if not any(span.first <= (each.last or 0) and each.first <= span.last for each in accepted):
            accepted.append(Offset(*LIST, *span, 1))
    cut_after = reconcile.cut_beside_parts(accepted, LIST, ALL, cut)
    if cut_after is not None:
        assert ALL.first <= cut_after < ALL.last
        for each in accepted:
            assert each.last is not None
            assert each.last <= cut_after or each.first > cut_after


# Totals that count what no list shows.


def at(number: int) -> int:
    """When the conversation of that number was created."""
    return FIRST + number * STEP


@dataclass(frozen=True)
class Unseen:
    """Conversations that totals count and no list shows.

    Attributes:
        rows: How many; negative if totals leave some out.
        first: A total counts them if its interval has this second
        last: and this one.
        mailbox: The mailbox whose totals count them; none does if None.
        spam: Whether the list of spam counts them; else that of `all` does.
    """

    rows: int
    first: int = at(40) + 5
    last: int = at(40) + 5
    mailbox: int | None = MAILBOX
    spam: bool = False

    def counted(self, params: dict[str, list[str]], first: int, last: int) -> int:
        """How many of them a total counts."""
        of_list = params["status"] == ["spam" if self.spam else "all"]
        of_mailbox = params.get("mailbox") in (None, [str(self.mailbox)])
        return self.rows * (of_list and of_mailbox and first <= self.first and self.last <= last)


class Miscounting:
    """The API, but that totals count what no list shows.

    Attributes:
        unseen: What that is.
    """

    def __init__(self, stage: Staged) -> None:
        self.stage = stage
        self.unseen: Unseen | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        more = self._more(scope)
        sent: list[Any] = []

        async def keep(message: Any) -> None:
            sent.append(message)

        await self.stage.simulator(scope, receive, keep if more else send)
        if more:
            start, body = sent
            page = json.loads(body["body"])
            page["page"]["totalElements"] += more
            body["body"] = json.dumps(page).encode()
            start["headers"] = [
                (name, str(len(body["body"])).encode() if name == b"content-length" else value)
                for name, value in start["headers"]
            ]
            for message in sent:
                await send(message)

    def _more(self, scope: Any) -> int:
        if self.unseen is None or not scope["path"].endswith("/conversations"):
            return 0
        params = parse_qs(scope["query_string"].decode())
        return self.unseen.counted(params, *limits(params))


def limits(params: dict[str, list[str]]) -> tuple[int, int]:
    """The first and the last second of creation that a list is asked for."""
    found = CREATED.search(params["query"][0])
    assert found
    first, last = found.groups()
    return (
        FIRST_SECOND if first == "*" else int(datetime.fromisoformat(first).timestamp()),
        2**40 if last == "*" else int(datetime.fromisoformat(last).timestamp()),
    )


@pytest.fixture(scope="module")
def synced(
    upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Account, Clock, Path]:
    """An account with conversations every ten minutes, and the file of an archive of it."""
    clock = Clock()
    account = Account(Layout(("Support", "Sales")), clock=clock)
    for number in range(ROWS):
        account.add(at(number), mailbox_id=MAILBOX, status="closed")
    for number in (10, 20, 30):
        account.add(at(number) + STEP // 2, mailbox_id=OTHER, status="spam")
    file = tmp_path_factory.mktemp("synced") / "archive.db"
    staged(upstream_server, f"sqlite:///{file}", account, clock).sync()
    clock.advance(DAY)
    return account, clock, file


@pytest.fixture
def api(
    upstream_server: Upstream,
    synced: tuple[Account, Clock, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Miscounting:
    """The account with a copy of the archive, where five conversations are few."""
    monkeypatch.setattr(reconcile, "FEW", 5)
    account, clock, file = synced
    copy = shutil.copy(file, tmp_path / "archive.db")
    api = Miscounting(staged(upstream_server, f"sqlite:///{copy}", account, clock))
    upstream_server.app = api
    return api


def compare(api: Miscounting, unseen: Unseen | None) -> list[Offset]:
    """Compare all totals while they count something that is not shown; what is accepted then."""
    api.unseen = unseen
    with opened_session(api.stage) as session:
        compare_totals(session)
        with session.reading() as snapshot:
            return queries.accepted_offsets(snapshot)


def differing(api: Miscounting) -> list[tuple[int, bool, int]]:
    """The lists that were reported to differ by more than what was accepted, and by how much."""
    return [
        (facts["mailbox"], facts["spam"], facts["rows"]) for facts in api.stage.reported("differs")
    ]


def asked(api: Miscounting, mailbox: int | None) -> list[tuple[int, int]]:
    """The intervals for which the list `all` of a mailbox, or of all, was asked for, in order."""
    every = [parse_qs(urlsplit(target).query) for target in api.stage.simulator.targets]
    wanted = None if mailbox is None else [str(mailbox)]
    return [
        limits(params)
        for params in every
        if params.get("status") == ["all"] and params.get("mailbox") == wanted
    ]


def last(api: Miscounting) -> int:
    """The last second that is covered."""
    return api.stage.coverage()[-1].interval.last


# Where a difference is, and what is asked to find it.


def test_equal_totals_take_one_request_for_each_list_and_accept_nothing(api: Miscounting) -> None:
    assert compare(api, None) == []
    assert not differing(api)
    assert api.stage.asked() == 6


def test_an_interval_is_halved_where_its_total_differs_until_few_conversations_are_left(
    api: Miscounting,
) -> None:
    whole = (FIRST_SECOND, last(api))
    assert compare(api, Unseen(1)) == [
        Offset(ALL_MAILBOXES, False, FIRST_SECOND, None, 1),
        Offset(MAILBOX, False, at(36), at(44) - 1, 1),
    ]
    assert differing(api) == [(MAILBOX, False, 1)]
    assert asked(api, MAILBOX) == [
        whole,
        whole,
        (FIRST_SECOND, at(29) - 1),
        (at(29), at(44) - 1),
        (at(29), at(36) - 1),
        (at(36), at(44)),  # these are read: one second more, because of fractions
        (at(36), at(44) - 1),
        whole,
    ]
    assert asked(api, OTHER) == [whole]
    assert asked(api, None) == [whole, whole]


def test_what_differs_too_much_for_halving_is_read_at_once(api: Miscounting) -> None:
    whole = (FIRST_SECOND, last(api))
    assert compare(api, Unseen(3))[1:] == [Offset(MAILBOX, False, *whole, 3)]
    pages = [(first, until) for first, until in asked(api, MAILBOX) if until == whole[1] + 1]
    assert pages == [(FIRST_SECOND, whole[1] + 1), (at(24), whole[1] + 1), (at(48), whole[1] + 1)]


def test_what_differs_in_no_listed_mailbox_is_searched_in_all_together(api: Miscounting) -> None:
    accepted = compare(api, Unseen(1, mailbox=None))
    assert accepted == [Offset(ALL_MAILBOXES, False, at(35), at(43) - 1, 1)]
    assert differing(api) == [(ALL_MAILBOXES, False, 1)]


def test_the_list_of_spam_is_compared_as_well_and_first(api: Miscounting) -> None:
    accepted = compare(api, Unseen(1, mailbox=OTHER, spam=True))
    assert accepted == [
        Offset(ALL_MAILBOXES, True, FIRST_SECOND, None, 1),
        Offset(OTHER, True, FIRST_SECOND, last(api), 1),
    ]
    statuses = [target.partition("status=")[2][:4] for target in api.stage.simulator.targets]
    lists = [each for each in statuses if each]
    assert lists == ["spam"] * 3 + ["all&"] * 3 + ["spam"] * 5


# What is accepted, while it changes.


@pytest.mark.parametrize("then", [3, 2, 1, 0, -1])
def test_what_is_accepted_of_a_part_follows_its_difference(api: Miscounting, then: int) -> None:
    until = last(api)
    of_all = Offset(ALL_MAILBOXES, False, FIRST_SECOND, None, 2)
    of_part = Offset(MAILBOX, False, at(29), until, 2)
    assert compare(api, Unseen(2)) == [of_all, of_part]
    if then < 0:  # what differs by three is not halved
        of_part = of_part._replace(first=FIRST_SECOND)
    after = [each._replace(rows=then) for each in (of_all, of_part)] if then else []
    assert compare(api, Unseen(then)) == after
    assert differing(api) == ([(MAILBOX, False, then - 2)] if then != 2 else [])


@pytest.mark.parametrize(
    ("then", "after"),
    [
        (2, [(ALL_MAILBOXES, False, 2), (MAILBOX, False, 2)]),
        (5, [(ALL_MAILBOXES, False, 5), (MAILBOX, True, 5)]),
        (0, []),
    ],
)
def test_what_differs_in_the_total_and_in_no_part_of_it_is_accepted_of_the_total(
    api: Miscounting, then: int, after: list[tuple[int, bool, int]]
) -> None:
    until = last(api)
    accepted = compare(api, Unseen(2, at(0), at(ROWS - 1)))
    assert accepted == [
        Offset(mailbox, False, FIRST_SECOND, None, 2) for mailbox in (ALL_MAILBOXES, MAILBOX)
    ]
    assert compare(api, Unseen(then, at(0), at(ROWS - 1))) == [
        Offset(mailbox, False, FIRST_SECOND, until if is_part else None, rows)
        for mailbox, is_part, rows in after
    ]


# How much may be missing.


@pytest.mark.parametrize("rows", [-25, 26])
def test_a_page_may_be_missing_and_more_may_be_too_many(api: Miscounting, rows: int) -> None:
    """The page is large enough for all that the total counts, else the list contradicts itself."""
    api.stage.simulator.behaviour = replace(QUIET, page_size=100)
    assert compare(api, Unseen(rows))[1:] == [Offset(MAILBOX, False, FIRST_SECOND, last(api), rows)]


def test_totals_that_leave_out_more_than_a_page_stop_the_run(api: Miscounting) -> None:
    with pytest.raises(LossAhead, match="26 of the archive's 63 conversations are missing"):
        compare(api, Unseen(-26))
    assert not differing(api)
    assert api.stage.rows() == api.stage.truth()


# Where an interval ends that is compared.


@pytest.fixture
def empty(upstream_server: Upstream, url: str) -> Staged:
    """An account, and an archive that has nothing of it."""
    clock = Clock()
    return staged(upstream_server, url, Account(clock=clock), clock)


@pytest.mark.parametrize(
    ("taken", "interval", "end"),
    [
        (range(0), Interval(0, 100), 100),
        (range(100, 101), Interval(0, 100), 99),
        (range(51, 101), Interval(0, 100), 50),
        (range(50, 101), Interval(0, 100), None),
        (range(96, 101), Interval(95, 100), 95),
        (range(95, 101), Interval(95, 100), None),
    ],
)
def test_what_is_compared_ends_in_a_second_without_conversations_if_one_is_near(
    empty: Staged, taken: range, interval: Interval, end: int | None
) -> None:
    with opened_archive(empty) as archive:
        save_all(archive, [record(second + 1, created=second) for second in taken])
        cover(archive, interval)
    with opened_session(empty) as session:
        found = reconcile._Comparison(session, ComparedList(1, spam=False)).cut_end(interval)
    assert found == (None if end is None else Interval(interval.first, end))


@pytest.mark.parametrize(
    ("compared", "with_spam", "without"),
    [
        (ComparedList(1, spam=False), 98, 100),
        (ComparedList(1, spam=True), 99, 99),
        (ComparedList(2, spam=False), 100, 100),
        (ComparedList(2, spam=True), 100, 100),
        (ComparedList(ALL_MAILBOXES, spam=False), 97, 100),
        (ComparedList(ALL_MAILBOXES, spam=True), 99, 99),
    ],
)
def test_only_conversations_of_the_list_are_in_the_way(
    empty: Staged, compared: ComparedList, with_spam: int, without: int
) -> None:
    """Where the list of `all` shows spam, and where it does not."""
    rows = [(100, 1, "spam"), (99, 1, "closed"), (98, 2, "closed")]
    records = [
        record(created, created=created, mailbox=mailbox, status=status)
        for created, mailbox, status in rows
    ]
    with opened_archive(empty) as archive:
        save_all(archive, records)
    for shown, end in ((True, with_spam), (False, without)):
        with opened_session(empty) as session:
            with session.writing() as writer:
                writer.set_note(queries.ALL_LISTS_SPAM, shown)
            found = reconcile._Comparison(session, compared).cut_end(Interval(0, 100))
        assert found == Interval(0, end)


def test_an_interval_is_cut_in_the_middle_of_its_conversations_beside_parts_with_offsets(
    empty: Staged,
) -> None:
    with opened_archive(empty) as archive:
        save_all(archive, [record(number, created=10 * number) for number in range(1, 11)])
    with opened_session(empty) as session:
        found = []
        for offsets in ([], [Offset(1, False, 45, 65, 1)], [Offset(2, False, 45, 65, 1)]):
            with session.writing() as writer:
                writer.set_note(queries.ACCEPTED_OFFSETS, offsets)
            comparison = reconcile._Comparison(session, ComparedList(1, spam=False))
            found.append(comparison._cut(Interval(0, 110), 10))
    assert found == [49, 44, 49]


@pytest.mark.parametrize(("rows", "explained"), [(2, False), (3, True), (4, False), (-3, False)])
@pytest.mark.parametrize("compared", [ALL_MAILBOXES, 1])
def test_all_mailboxes_together_may_differ_by_what_the_mailboxes_differ(
    empty: Staged, compared: int, rows: int, explained: bool
) -> None:
    of_mailboxes = [Offset(1, False, 10, 20, 3), Offset(1, False, 30, 40, 5)]
    of_mailboxes += [Offset(2, False, 30, 40, 1), Offset(2, True, 30, 40, 50)]
    together = [Offset(ALL_MAILBOXES, False, first, first + 10, first // 10) for first in (20, 40)]
    with opened_session(empty) as session:
        with session.writing() as writer:
            writer.set_note(queries.ACCEPTED_OFFSETS, [*together, *of_mailboxes])
        comparison = reconcile._Comparison(session, ComparedList(compared, spam=False))
        found = comparison._is_explained(ALL, rows)
    assert found is (explained and compared == ALL_MAILBOXES)


@pytest.mark.parametrize("unknown", [0, 1, 2])
def test_what_differs_is_known_only_if_it_is_known_in_both_halves(
    api: Miscounting, monkeypatch: pytest.MonkeyPatch, unknown: int
) -> None:
    read: list[Interval] = []

    def read_again(_: object, interval: Interval, differs: int) -> bool:
        assert differs == 1
        read.append(interval)
        return len(read) != unknown

    monkeypatch.setattr(reconcile._Comparison, "_read_again", read_again)
    held = {Interval(FIRST_SECOND, at(30) - 1): 1, Interval(FIRST_SECOND, last(api)): 2}
    monkeypatch.setattr(
        reconcile._Comparison, "_difference", lambda _, interval: held.get(interval, 1)
    )
    with opened_session(api.stage) as session:
        comparison = reconcile._Comparison(session, ComparedList(MAILBOX, spam=False))
        known = comparison._narrow(Interval(FIRST_SECOND, last(api)), 2)
    assert len(read) == 2
    assert known is (unknown == 0)


# How often what differs is read.


def add_to_archive(api: Miscounting, *numbers: int) -> None:
    """Let the archive hold conversations that upstream does not have."""
    with opened_archive(api.stage) as archive:
        rows = [
            record(number, seen=FIRST, created=at(40) + 7, mailbox=MAILBOX, status="closed")
            for number in numbers
        ]
        save_all(archive, rows)


def test_a_new_difference_beside_an_accepted_one_is_searched_by_halves_and_read_once(
    api: Miscounting,
) -> None:
    compare(api, Unseen(2, at(0), at(ROWS - 1)))
    assert compare(api, Unseen(3, at(0), at(ROWS - 1))) == [
        Offset(mailbox, False, FIRST_SECOND, None, 3) for mailbox in (ALL_MAILBOXES, MAILBOX)
    ]
    whole = (FIRST_SECOND, last(api))
    assert asked(api, MAILBOX) == [
        whole,
        whole,
        (FIRST_SECOND, at(29) - 1),
        (at(29), at(44) - 1),
        (at(44), at(51) - 1),
        (at(51), whole[1] + 1),  # these are read
        (at(51), whole[1]),
        whole,
    ]


def test_what_upstream_does_not_have_any_more_is_found_by_one_reading(api: Miscounting) -> None:
    add_to_archive(api, 999_999)
    assert compare(api, None) == []
    assert differing(api) == [(MAILBOX, False, -1)]
    whole = (FIRST_SECOND, last(api))
    assert asked(api, MAILBOX) == [
        whole,
        whole,
        (FIRST_SECOND, at(30) - 1),
        (at(30), at(44) - 1),
        (at(30), at(37) - 1),
        (at(37), at(44)),  # these are read
        (at(37), at(44) - 1),
        whole,
    ]


def test_what_is_gone_is_found_by_one_reading_if_an_accepted_difference_is_gone_as_well(
    api: Miscounting,
) -> None:
    compare(api, Unseen(2))
    add_to_archive(api, 999_999)
    assert compare(api, None) == []
    assert differing(api) == [(MAILBOX, False, -3)]
    whole = (FIRST_SECOND, last(api))
    pages = [(FIRST_SECOND, whole[1] + 1), (at(24), whole[1] + 1), (at(48), whole[1] + 1)]
    assert asked(api, MAILBOX) == [whole, whole, *pages, whole, whole]


def test_a_difference_is_accepted_after_a_reading_that_changed_nothing(api: Miscounting) -> None:
    """In the first reading a conversation comes and another one goes, and the totals stay."""
    add_to_archive(api, 999_999)
    with opened_archive(api.stage) as archive, archive._engine.begin() as connection:
        created = schema.conversation.c.created == at(40)
        missing = connection.execute(
            sa.select(schema.conversation.c.id).where(created)
        ).scalar_one()
        for table in (schema.document, schema.conversation_tag):
            connection.execute(table.delete().where(table.c.conversation == missing))
        connection.execute(schema.conversation.delete().where(created))
    assert compare(api, Unseen(1)) == [
        Offset(ALL_MAILBOXES, False, FIRST_SECOND, None, 1),
        Offset(MAILBOX, False, at(36), at(44) - 1, 1),
    ]
    assert api.stage.rows() == api.stage.truth()
    assert asked(api, MAILBOX).count((at(36), at(44))) == 2, "it was read twice"


@pytest.mark.parametrize("spam", [True, False])
def test_spam_on_the_list_of_all_is_noted_and_looked_up_when_that_list_is_read_again(
    empty: Staged, spam: bool
) -> None:
    gone, there = (empty.account.add(at(number), status="spam").id for number in range(2))
    empty.clock.advance(3600)
    empty.sync()
    empty.account.delete(gone)
    empty.clock.advance(DAY)
    with opened_session(empty) as session:
        session.note_time(int(empty.clock.now))
        with session.writing() as writer:
            writer.set_note(queries.ALL_LISTS_SPAM, False)
        comparison = reconcile._Comparison(session, ComparedList(ALL_MAILBOXES, spam=spam))
        assert comparison._read_once(Interval(at(0), at(2)))
        with session.reading() as snapshot:
            assert queries.all_lists_spam(snapshot) is not spam
    assert empty.rows().keys() == {there}
