"""`AsyncLegacyReports` is `LegacyReports` with coroutines: same methods, same answers."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar, assert_type

import anyio
import pytest

from compat import AsyncLegacyReports, LegacyReports
from compat.config.settings import Settings, SettingsError
from compat.core.models import Progress
from compat.simulator import Account, Behaviour, Simulator, make_account, running
from compat.v1.errors import LegacyError, ValidationFailed
from compat.v1.http import LegacyRequest
from compat.v1.models import BusyTimes, FolderItem, NewConversations
from compat.v1.models_ratings import Ratings
from compat.v1.models_users import RepliesSent, UserReport
from compat.v1.routes import Route
from tests.unit.service.doubles import FIRST, JANUARY, LONG, FakeSource, basic, row
from tests.unit.service.test_typed_reports import EACH, NOW, SINCE, arguments

T = TypeVar("T")
MONTH: dict[str, Any] = {"start": "2015-01-01", "end": "2015-01-31T23:59:59Z"}
MANY = 50
"""More tasks than there are threads for reports."""

NOT_AWAITED = {"accounts", "from_env", "progress", "ready", "start"}
"""What does not wait, so that it is the same in both classes."""


def public(kind: type) -> dict[str, Any]:
    """The public methods and properties of a class."""
    names = [name for name in dir(kind) if not name.startswith("_")]
    return {name: getattr(kind, name) for name in names if not name.endswith("_async")}


METHODS = sorted(public(LegacyReports))


def test_both_classes_have_the_same_methods() -> None:
    assert sorted(public(AsyncLegacyReports)) == METHODS


def signature(method: Any) -> inspect.Signature:
    return inspect.signature(getattr(method, "fget", method))  # of a property, what it calls


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_same_parameters_defaults_and_types_in_both(name: str) -> None:
    awaited = public(AsyncLegacyReports)[name]
    assert signature(awaited) == signature(public(LegacyReports)[name])
    assert inspect.iscoroutinefunction(awaited) is (name not in NOT_AWAITED)


def test_both_classes_are_made_in_the_same_way() -> None:
    assert signature(AsyncLegacyReports) == signature(LegacyReports)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(public(AsyncLegacyReports)[name])


async def types_as_a_type_checker_sees_them(reports: AsyncLegacyReports) -> None:
    """Never called: mypy reads it."""
    assert_type(await reports.new_conversations(start="", end=""), NewConversations)
    assert_type(await reports.busy_times(start="", end=""), BusyTimes)
    assert_type(await reports.user(user=1, start="", end=""), UserReport)
    assert_type(await reports.user_replies(user=1, start="", end=""), RepliesSent)
    assert_type(await reports.happiness_ratings(start="", end="", rating="great"), Ratings)
    assert_type(await reports.folders(mailbox="Support"), tuple[FolderItem, ...])


@pytest.fixture(scope="module")
def account() -> Account:
    return make_account(80, now=NOW, since=SINCE)


@pytest.fixture(scope="module")
def settings(account: Account) -> Iterator[Settings]:
    with running(Simulator(account, Behaviour(rate_limit=None))) as url:
        yield Settings(app_id="demo-app", app_secret="demo-secret", base_url=url)  # type: ignore[arg-type]


@EACH
def test_a_report_is_the_same_in_both(settings: Settings, account: Account, route: Route) -> None:
    given = arguments(route, account)

    async def asked() -> Any:
        async with AsyncLegacyReports(settings) as reports:
            return await getattr(reports, route.report)(**given)

    with LegacyReports(settings) as reports:
        assert asyncio.run(asked()) == getattr(reports, route.report)(**given)


@pytest.fixture
def slow() -> Iterator[FakeSource]:
    """A source that answers when its gate is opened."""
    made = FakeSource([row(FIRST)], shut=True)
    yield made
    made.gate.set()


def run(
    source: FakeSource, use: Callable[[AsyncLegacyReports], Awaitable[T]], **settings: Any
) -> T:
    """Use the reports on a source in an event loop of their own."""

    async def used() -> T:
        async with AsyncLegacyReports(Settings(**settings), source=source) as reports:
            return await use(reports)

    return asyncio.run(used())


async def begun(source: FakeSource) -> None:
    """Wait until the source was asked."""
    assert await asyncio.to_thread(source.started.wait, LONG)


def january(reports: AsyncLegacyReports) -> asyncio.Task[NewConversations]:
    return asyncio.create_task(reports.new_conversations(**MONTH))


def test_several_awaits_of_one_question_share_one_fetch_and_no_thread(slow: FakeSource) -> None:
    async def use(reports: AsyncLegacyReports) -> tuple[list[NewConversations], int]:
        tasks = [january(reports) for _ in range(MANY)]
        await begun(slow)
        threads = sum(each.name.startswith("report") for each in threading.enumerate())
        slow.gate.set()
        return await asyncio.gather(*tasks), threads

    answers, threads = run(slow, use)
    assert len(slow.asked) == 1
    assert {sum(bucket.count for bucket in each.current) for each in answers} == {1}
    assert threads == 1


def test_the_event_loop_goes_on_while_a_report_is_computed(slow: FakeSource) -> None:
    async def use(reports: AsyncLegacyReports) -> NewConversations:
        task = january(reports)
        await begun(slow)
        slow.gate.set()  # a loop that is blocked would not come here
        return await asyncio.wait_for(task, LONG)

    assert run(slow, use).current


def test_after_a_cancelled_await_the_same_question_is_answered(slow: FakeSource) -> None:
    async def use(reports: AsyncLegacyReports) -> NewConversations:
        task = january(reports)
        await begun(slow)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        again = january(reports)  # the cancelled computation still runs
        await asyncio.sleep(0)
        slow.gate.set()
        return await asyncio.wait_for(again, LONG)

    assert run(slow, use).current


def test_after_a_cancelled_computation_has_ended_the_same_question_is_answered(
    slow: FakeSource,
) -> None:
    async def use(reports: AsyncLegacyReports) -> NewConversations:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await reports.new_conversations(**MONTH)
        slow.gate.set()
        await reports.busy_times(**MONTH)
        return await reports.new_conversations(**MONTH)

    assert run(slow, use, jobs=1).current


def test_a_cancelled_await_stops_the_computation(slow: FakeSource) -> None:
    seen: list[Progress] = []

    async def use(reports: AsyncLegacyReports) -> None:
        pairs = list(MONTH.items())
        task = asyncio.create_task(reports.compute("new_conversations", pairs, watch=seen.append))
        await begun(slow)
        while not seen:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    run(slow, use)
    with pytest.raises(Exception, match="no caller waits"):
        seen[0].check()


def test_a_cancelled_await_does_not_disturb_others(slow: FakeSource) -> None:
    async def use(reports: AsyncLegacyReports) -> NewConversations:
        first, second = january(reports), january(reports)
        await begun(slow)
        first.cancel()
        await asyncio.wait([first])
        slow.gate.set()
        return await asyncio.wait_for(second, LONG)

    assert run(slow, use).current
    assert len(slow.asked) == 1


def test_after_many_cancelled_awaits_no_thread_is_left(slow: FakeSource) -> None:
    before = set(threading.enumerate())

    async def use(reports: AsyncLegacyReports) -> None:
        for _ in range(MANY):
            task = january(reports)
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        slow.gate.set()

    run(slow, use, jobs=2)
    for thread in set(threading.enumerate()) - before:
        thread.join(LONG)
    assert set(threading.enumerate()) <= before


def test_a_whole_request_is_answered_with_patience(slow: FakeSource) -> None:
    async def use(reports: AsyncLegacyReports) -> Sequence[int]:
        late = await reports.answer(JANUARY, authorization=basic(), patience=0.01)
        slow.gate.set()
        done = await reports.answer(JANUARY, authorization=basic())
        refused = await reports.answer(JANUARY)
        handled = await reports.handle(LegacyRequest.from_target("/v1/no-such-path.json"))
        return late.status, done.status, refused.status, handled.status

    assert run(slow, use) == (503, 200, 401, 404)
    assert len(slow.asked) == 1, "the answer of the first question was kept for the second"


def test_errors_are_those_of_the_old_api() -> None:
    async def use(reports: AsyncLegacyReports) -> None:
        with pytest.raises(ValidationFailed, match="types must be"):
            await reports.busy_times(**MONTH, types=["fax"])
        with pytest.raises(LookupError, match="say which account"):
            await reports.busy_times(**MONTH, account="nobody")

    run(FakeSource(), use)


def test_an_error_of_upstream_is_one_of_the_old_api() -> None:
    source = FakeSource()
    source.error = RuntimeError("unexpected")

    async def use(reports: AsyncLegacyReports) -> int:
        with pytest.raises(LegacyError) as raised:
            await reports.busy_times(**MONTH)
        return raised.value.status

    assert run(source, use) == 500


def test_progress_is_reported_until_the_end(slow: FakeSource) -> None:
    slow.expected, slow.received = 100, 25
    seen: list[tuple[int | None, int]] = []

    def watch(progress: Progress) -> None:
        seen.append((progress.expected, progress.received))
        slow.gate.set()

    async def use(reports: AsyncLegacyReports) -> None:
        await reports.compute("new_conversations", list(MONTH.items()), watch=watch)

    run(slow, use)
    assert seen[0] == (100, 25)
    assert len(seen) >= 2


def test_progress_of_all_answers_is_that_of_the_service(slow: FakeSource) -> None:
    async def use(reports: AsyncLegacyReports) -> tuple[int, int]:
        before = len(reports.progress(basic().encode()))
        task = january(reports)
        await begun(slow)
        during = len(reports.progress(basic().encode()))
        slow.gate.set()
        await task
        return before, during

    assert run(slow, use) == (0, 1)


def test_lists_are_computed_by_their_names() -> None:
    async def use(reports: AsyncLegacyReports) -> Any:
        return (await reports.compute("tags", [])).answer

    assert run(FakeSource(), use).items == ()


def test_closing_ends_awaits_and_closes_the_source(slow: FakeSource) -> None:
    async def use(reports: AsyncLegacyReports) -> int:
        task = january(reports)
        await begun(slow)
        await reports.close()
        with pytest.raises(LegacyError) as raised:
            await task
        return raised.value.status

    assert run(slow, use) == 503
    assert slow.closed


def test_one_object_serves_several_event_loops(slow: FakeSource) -> None:
    slow.gate.set()
    reports = AsyncLegacyReports(Settings(), source=slow)

    async def use() -> NewConversations:
        return await reports.new_conversations(**MONTH)

    assert asyncio.run(use()) == asyncio.run(use())
    asyncio.run(reports.close())


def test_it_works_in_anyio_on_asyncio(slow: FakeSource) -> None:
    slow.gate.set()

    async def use() -> NewConversations:
        with anyio.fail_after(LONG):
            async with AsyncLegacyReports(Settings(), source=slow) as reports:
                return await reports.new_conversations(**MONTH)

    assert anyio.run(use, backend="asyncio").current


@pytest.mark.parametrize("name", ["a report", "a request"])
def test_without_an_event_loop_of_asyncio_the_error_says_what_is_needed(
    slow: FakeSource, name: str
) -> None:
    reports = AsyncLegacyReports(Settings(), source=slow)
    asked: Coroutine[Any, Any, object] = (
        reports.busy_times(**MONTH) if name == "a report" else reports.answer(JANUARY)
    )
    with pytest.raises(RuntimeError, match=r"start the program with asyncio\.run"):
        asked.send(None)
    assert not slow.asked
    asyncio.run(reports.close())


def test_settings_come_from_the_environment() -> None:
    environ = {"HELPSCOUT_APP_ID": "an-id", "HELPSCOUT_APP_SECRET": "a-secret"}

    async def use() -> bool:
        async with AsyncLegacyReports.from_env(environ) as reports:
            return reports.ready and set(reports.accounts) == {"default"}

    assert asyncio.run(use())
    with pytest.raises(SettingsError, match="HELPSCOUT_APP_ID"):
        AsyncLegacyReports.from_env({})


def test_other_settings_can_be_used(slow: FakeSource) -> None:
    async def use(reports: AsyncLegacyReports) -> list[str]:
        given = Settings(app_id="an-id", app_secret="a-secret")  # type: ignore[arg-type]
        await reports.reload({"one": given})
        return list(reports.accounts)

    assert run(slow, use) == ["one"]
