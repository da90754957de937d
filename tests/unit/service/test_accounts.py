"""Several accounts behind one service: a key selects one, and none sees another's numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.conventions import Conventions
from compat.config.settings import Settings, SettingsError
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from compat.simulator.layout import Layout
from compat.v1.http import LegacyResponse
from compat.v2.errors import Unreachable
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.simulated_upstream import Upstream, upstream
from tests.unit.server.threaded_server import ask, serving
from tests.unit.service.doubles import FIRST, JANUARY, LONG, PATH, FakeSource, basic, row
from tests.unit.v2.upstream import one_tls_context

DAY = 86_400
DRILLDOWN = PATH.replace("new.json", "new-drilldown.json")
MAILBOXES = (8501, 8508)


@pytest.fixture(scope="module", autouse=True)
def retries_without_waiting() -> Iterator[None]:
    with one_tls_context():
        yield


def keyed(*keys: str, **others: Any) -> Settings:
    return Settings(api_keys=tuple(map(SecretStr, keys)), **others)


def called_by(key: str) -> dict[str, str]:
    return {"Authorization": basic(key)}


def content(answer: LegacyResponse) -> Any:
    return json.loads(answer.body)


# Two accounts on one source double: what differs is their settings alone.


def test_each_account_has_its_own_conventions(fake_source: FakeSource) -> None:
    accounts = {
        "acme": keyed("acme-key"),
        "bravo": keyed("bravo-key", conventions=Conventions(default_view_by="day")),
    }
    with LegacyReports(accounts, source=fake_source) as reports:
        lengths = [
            len(content(reports.answer(JANUARY, authorization=basic(key)))["current"])
            for key in ("acme-key", "bravo-key", "acme-key")
        ]
        typed = reports.new_conversations(start="2015-01-01", end="2015-01-08", account="bravo")
    assert lengths == [5, 31, 5]
    assert len(typed.current) == 7


def test_each_account_has_its_own_patience(fake_source: FakeSource) -> None:
    fake_source.gate.clear()
    accounts = {
        "hasty": keyed("hasty-key", patience=0.01),
        "calm": keyed("calm-key", patience=LONG),
    }
    with (
        LegacyReports(accounts, source=fake_source) as reports,
        serving(create_app(reports), lifespan="off") as port,
        ThreadPoolExecutor(1) as pool,
    ):
        calm = pool.submit(ask, port, JANUARY, headers=called_by("calm-key"))
        assert ask(port, JANUARY, headers=called_by("hasty-key")).status == 503
        assert not calm.done()
        fake_source.gate.set()
        assert calm.result(LONG).status == 200


def test_equal_requests_of_two_accounts_are_computed_twice(fake_source: FakeSource) -> None:
    fake_source.kept = LONG
    accounts = {"acme": keyed("acme-key"), "bravo": keyed("bravo-key")}
    with LegacyReports(accounts, source=fake_source) as reports:
        for key in ("acme-key", "bravo-key", "acme-key", "bravo-key"):
            assert reports.answer(JANUARY, authorization=basic(key)).status == 200
    assert len(fake_source.asked) == 2


def test_too_many_requests_of_one_account_do_not_affect_another() -> None:
    fake_source = FakeSource([row(FIRST)], shut=True)
    accounts = {"acme": keyed("acme-key", jobs=1), "bravo": keyed("bravo-key", jobs=1)}
    with LegacyReports(accounts, source=fake_source) as reports, ThreadPoolExecutor(1) as pool:
        sent = [
            reports.answer(f"{JANUARY}&tags={tag}", authorization=basic("acme-key"), patience=0)
            for tag in range(9)
        ]
        assert "Too many other questions" in content(sent[-1])["error"]
        other = pool.submit(reports.answer, JANUARY, authorization=basic("bravo-key"))
        assert fake_source.started.wait(LONG)
        fake_source.gate.set()
        assert other.result(LONG).status == 200


@pytest.mark.parametrize("other", [keyed(), keyed("bravo-key")])
@pytest.mark.parametrize("first", ["acme", "bravo"])
def test_of_several_accounts_each_needs_keys(other: Settings, first: str) -> None:
    accounts = {"acme": keyed(), "bravo": other}
    in_order = {name: accounts[name] for name in sorted(accounts, key=lambda name: name != first)}
    with pytest.raises(SettingsError, match="keys of its own"):
        LegacyReports(in_order, source=FakeSource())


def test_a_single_account_with_a_name_may_do_without_keys(fake_source: FakeSource) -> None:
    with LegacyReports({"acme": keyed()}, source=fake_source) as reports:
        assert reports.answer(JANUARY, authorization=basic("any")).status == 200


@pytest.mark.parametrize("name", [None, "acme"])
def test_a_single_account_needs_no_name(fake_source: FakeSource, name: str | None) -> None:
    with LegacyReports({"acme": keyed()}, source=fake_source) as reports:
        typed = reports.new_conversations(start="2015-01-01", end="2015-01-08", account=name)
    assert [bucket.count for bucket in typed.current] == [1]


@pytest.mark.parametrize("name", [None, "", "nobody", "ACME", "acme-key"])
def test_of_several_accounts_one_must_be_named(fake_source: FakeSource, name: str | None) -> None:
    accounts = {"acme": keyed("acme-key"), "bravo": keyed("bravo-key")}
    reports = LegacyReports(accounts, source=fake_source)
    with reports, pytest.raises(LookupError, match="acme, bravo") as caught:
        reports.new_conversations(start="2015-01-01", end="2015-01-08", account=name)
    assert "key" not in str(caught.value)
    assert fake_source.asked == []


@pytest.mark.parametrize("name", ["", "nobody"])
def test_a_single_account_by_a_wrong_name_is_not_found(fake_source: FakeSource, name: str) -> None:
    with LegacyReports(keyed(), source=fake_source) as reports, pytest.raises(LookupError):
        reports.new_conversations(start="2015-01-01", end="2015-01-08", account=name)


def test_it_is_ready_while_some_account_is(fake_source: FakeSource) -> None:
    accounts = {"acme": keyed("acme-key"), "bravo": keyed("bravo-key")}
    with LegacyReports(accounts, source=fake_source) as reports:
        reports.accounts["acme"].close()
        fake_source.ready = True
        assert reports.ready
        reports.accounts["bravo"].close()
        assert not reports.ready


def test_an_error_of_one_account_goes_to_its_callers_alone(
    upstream_servers: list[Upstream],
) -> None:
    worlds = [made("acme", [(FIRST, 0)]), made("bravo", [(FIRST, 0)])]
    accounts = served(worlds, upstream_servers)
    accounts["bravo"] = accounts["bravo"].model_copy(update={"app_secret": SecretStr("wrong")})
    with LegacyReports(accounts) as reports:
        statuses = [
            reports.answer(JANUARY, authorization=basic(f"{name}-key")).status
            for name in ("bravo", "acme", "bravo")
        ]
        assert statuses == [403, 200, 403]
        assert reports.ready


def test_an_error_of_one_account_is_not_given_to_another(fake_source: FakeSource) -> None:
    accounts = {"acme": keyed("acme-key"), "bravo": keyed("bravo-key")}
    fake_source.error = Unreachable("no answer")
    with LegacyReports(accounts, source=fake_source) as reports:
        assert reports.answer(JANUARY, authorization=basic("acme-key")).status == 503
        fake_source.error = None
        assert reports.answer(JANUARY, authorization=basic("bravo-key")).status == 200


# Accounts of different conversations, each with its own truth.


@dataclass(frozen=True)
class World:
    """What there is to know of an account."""

    name: str
    account: Account
    keys: tuple[str, ...]


def made(name: str, rows: list[tuple[int, int]], keys: tuple[str, ...] = ()) -> World:
    """An account with these conversations: of each, the second and which mailbox it is in.

    Mailboxes have the same ids in all accounts; conversations have not.
    """
    account = Account(Layout((f"Letters to {name}", "Everything else")))
    for number, (created, mailbox) in enumerate(sorted(rows)):
        row_id = 1000 * sum(name.encode()) + number
        account.add(created, id=row_id, mailbox_id=MAILBOXES[mailbox])
    return World(name, account, keys or (f"{name}-key",))


def served(worlds: list[World], upstream_servers: list[Upstream]) -> dict[str, Settings]:
    """The settings of each, whose conversations are at an address of its own."""
    quiet = Behaviour(rate_limit=None)
    return {
        world.name: upstream_server.show(Simulator(world.account, quiet)).model_copy(
            update={"api_keys": tuple(map(SecretStr, world.keys))}
        )
        for world, upstream_server in zip(worlds, upstream_servers, strict=False)
    }


@pytest.fixture(scope="module")
def upstream_servers() -> Iterator[list[Upstream]]:
    with ExitStack() as stack:
        yield [stack.enter_context(upstream()) for _ in range(3)]


seconds = st.one_of(
    st.sampled_from([FIRST, FIRST + 7 * DAY, FIRST + 31 * DAY - 1]),
    st.integers(FIRST - DAY, FIRST + 32 * DAY),
)
conversations = st.lists(st.tuples(seconds, st.sampled_from([0, 0, 1])), max_size=9).map(sorted)
keys = st.text(st.characters(codec="utf-8", exclude_characters=":"), min_size=1, max_size=5)


@st.composite
def worlds_and_strangers(draw: st.DrawFn) -> tuple[list[World], list[str]]:
    """Two or three accounts that differ, each with a key or two, and keys of nobody."""
    pasts = draw(st.lists(conversations, min_size=2, max_size=3, unique_by=str))
    drawn = draw(st.lists(keys, min_size=8, max_size=8, unique=True))
    names = ("acme", "bravo", "chip")
    worlds = [
        made(name, rows, tuple(drawn[2 * at : 2 * at + draw(st.sampled_from([1, 2]))]))
        for at, (name, rows) in enumerate(zip(names, pasts, strict=False))
    ]
    owned = {key for world in worlds for key in world.keys}
    return worlds, [key for key in drawn if key not in owned]


@st.composite
def ranges(draw: st.DrawFn) -> Asked:
    """A question about January 2015."""
    start, end = sorted((draw(seconds), draw(seconds)))
    mailboxes: dict[str, tuple[int | str, ...]] = draw(
        st.sampled_from([{}, {}, {"mailboxes": (8501,)}, {"mailboxes": (8508, 8501)}])
    )
    return Asked(start, end, None, draw(st.sampled_from([None, "day", "week"])), mailboxes)


targets = st.tuples(st.sampled_from(["series", "series", "rows", "mailboxes"]), ranges())


def target(kind: str, asked: Asked) -> str:
    if kind == "mailboxes":
        return "/v1/mailboxes.json"
    path = asked.target()
    return path if kind == "series" else path.replace(PATH, DRILLDOWN) + "rows=50"


def truth(kind: str, asked: Asked, world: World) -> Any:
    """What an answer must say of the account, as far as `gist` tells."""
    if kind == "mailboxes":
        return [mailbox.name for mailbox in world.account.layout.mailboxes]
    if kind == "series":
        return oracle.answer(asked, world.account)
    rows = world.account.conversations()
    shown = [each for each in rows if oracle.matches(each, asked, world.account)]
    return sorted(each.id for each in shown if asked.start <= each.created <= asked.end)


def gist(kind: str, answer: Mapping[str, Any]) -> Any:
    if kind == "mailboxes":
        return [item["name"] for item in answer["items"]]
    if kind == "series":
        return answer
    page = answer["conversations"]
    assert page["count"] == len(page["results"])
    return sorted(each["id"] for each in page["results"])


@settings(max_examples=min(settings().max_examples, 300))
@given(drawn=worlds_and_strangers(), data=st.data())
def test_no_answer_holds_another_accounts_numbers(
    upstream_servers: list[Upstream], drawn: tuple[list[World], list[str]], data: st.DataObject
) -> None:
    worlds, strangers = drawn
    owners = {key: world for world in worlds for key in world.keys}
    some_key = st.sampled_from([*owners, *owners, *strangers])
    asked = data.draw(st.lists(st.tuples(some_key, targets), min_size=1, max_size=12))

    with LegacyReports(served(worlds, upstream_servers)) as reports, ThreadPoolExecutor(4) as pool:

        def call(question: tuple[str, tuple[str, Asked]]) -> LegacyResponse:
            key, what = question
            return reports.answer(target(*what), authorization=basic(key))

        answers = list(pool.map(call, asked))
    for (key, (kind, question)), answer in zip(asked, answers, strict=True):
        if key in owners:
            assert answer.status == 200, answer
            assert gist(kind, content(answer)) == truth(kind, question, owners[key])
        else:
            assert answer.status == 401
            message = "Authentication was not provided or was invalid."
            assert content(answer) == {"code": 401, "error": message}


def test_a_name_selects_its_account(upstream_servers: list[Upstream]) -> None:
    worlds = [made("acme", [(FIRST, 0)] * 2), made("bravo", [(FIRST, 0)] * 3)]
    with LegacyReports(served(worlds, upstream_servers)) as reports:
        counts = {
            name: reports.new_conversations(
                start="2015-01-01", end="2015-01-07", account=name
            ).current[0].count
            for name in ("bravo", "acme")
        }  # fmt: skip
    assert counts == {"acme": 2, "bravo": 3}


def test_closing_closes_every_account(upstream_servers: list[Upstream]) -> None:
    worlds = [made("acme", []), made("bravo", [])]
    reports = LegacyReports(served(worlds, upstream_servers))
    accounts = list(reports.accounts.values())
    reports.close()
    assert [each.ready for each in accounts] == [False, False]
