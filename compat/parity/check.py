"""Checks captures: sends each request again, compares the answers and gives a verdict."""

from __future__ import annotations

import json
import logging
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, TypeGuard

from compat.account import Account
from compat.config.accounts import select_account
from compat.core import intervals
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery
from compat.engines.computed import load_report
from compat.parity.captures.models import Capture, Unreadable, why_inconclusive
from compat.parity.compare import ABSENT, Difference, deltas, differences, read_json
from compat.parity.ignore_rules import Rules
from compat.parity.verdicts import Outcome, Place, Verdict
from compat.reports import created
from compat.service import LegacyReports
from compat.v1 import routes
from compat.v1.datetimes import format_epoch
from compat.v1.errors import LegacyError, NotFound
from compat.v1.http import LegacyRequest, LegacyResponse, error_response, success_response
from compat.v1.query import ReportQuery, parse_pairs
from compat.v1.routes import Route

_LOG: Final = logging.getLogger("compat")
_THREADS: Final = 4
_BATCH: Final = 512
"""How many captures are held at once. Their conversations are fetched together."""

_BETWEEN_LOOKS: Final = 0.2
"""Seconds between two looks for an interrupt."""

_MAX_FAILURES: Final = 8
"""After so many failures in a row nothing more is sent."""

_MAX_DEPTH: Final = 50
_WITH_TOTALS: Final = frozenset({"value", "length", "missing", "extra"})
"""Kinds of differences between answers whose totals can still be compared."""

Reply = LegacyResponse | Exception | None
"""The answer of today, or why there is none; None if the capture was not sent."""


class NoAnswer(Exception):
    """A request could not be answered today, for a reason other than the request itself."""


def check(
    captures: Iterable[Capture | Unreadable], replayer: Replayer, rules: Rules
) -> Iterator[Verdict]:
    """The verdicts on captures, in their order; an interrupt closes the replayer.

    Args:
        captures: Any number of captures; a few hundred are held at a time.
        replayer: Sends the requests again.
        rules: Which differences are ignored; they count what they match.
    """
    remaining = iter(captures)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="parity") as pool:
        try:
            while batch := list(islice(remaining, _BATCH)):
                replayer.prefetch(each for each in batch if _is_conclusive(each))
                replies = [pool.submit(_reply, each, replayer) for each in batch]
                for each, reply in zip(batch, replies, strict=True):
                    yield _verdict_on(each, _result(reply), rules)
        except KeyboardInterrupt:
            replayer.close()  # the pool waits for its threads, which may wait for an hour
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _result(reply: Future[Reply]) -> Reply:
    """Wait for a reply. Python looks for an interrupt only when a wait ends."""
    while wait([reply], _BETWEEN_LOOKS).not_done:
        pass
    return reply.result()


class Replayer:
    """Sends captured requests again, to one account; safe to share between threads.

    Args:
        reports: The service that answers.
        account: The name of the account; None if there is only one.

    Raises:
        LookupError: There is no such account, or there are several and none was named.
    """

    def __init__(self, reports: LegacyReports, account: str | None = None) -> None:
        self._reports = reports
        self._name = select_account(reports.accounts, account).name
        self._failures: list[str] = []
        self._prefetched: defaultdict[tuple[int, ...], list[Interval]] = defaultdict(list)

    def answer(self, capture: Capture) -> LegacyResponse:
        """The answer of today, however long it takes.

        Raises:
            NotFound: No route of this service has that path.
            NoAnswer: Upstream failed many times in a row, or the archive lacks the data.
        """
        request = LegacyRequest.from_target(capture.target, capture.method)
        route = routes.find_route(request.method, request.path)
        if len(self._failures) >= _MAX_FAILURES:
            raise NoAnswer(
                f"not asked, because {_MAX_FAILURES} before it failed: {self._failures[-1]}"
            )
        pairs = route.pairs(request.path, parse_pairs(request.query))
        try:
            answer = success_response(self._reports.compute(route.report, pairs, self._name).body)
        except LegacyError as error:
            answer = error_response(error)
            if error.status == 400 and self._is_valid(route, pairs):
                raise NoAnswer(str(error)) from None
            if error.status == 500:
                _LOG.exception("%s could not be asked again", capture.place)
            if why_inconclusive(answer.status, answer.body):
                self._failures.append(error.message)
                return answer
        self._failures.clear()
        return answer

    def prefetch(self, captures: Iterable[Capture]) -> None:
        """Fetch the conversations that several captures need, before they are sent one by one.

        Ten thousand short ranges become a few long ones, whose rows the service caches. Nothing
        is fetched that no capture needs. Failures are ignored here: the requests that follow
        fail in the same way and report it.
        """
        for mailboxes, spans in sorted(self._needed(captures).items()):  # all mailboxes come first
            prefetched = self._prefetched[mailboxes]
            for span in intervals.difference(_needed_twice(spans), prefetched):
                self._fetch(span, mailboxes)
                prefetched.append(span)

    @property
    def rate_limit_wait(self) -> float:
        """Seconds until Help Scout's rate limit allows the next request; zero if it does now."""
        return self._reports.accounts[self._name].rate_limit_wait

    def close(self) -> None:
        """Cancel all requests; nothing can be sent afterwards."""
        self._reports.close()

    def _needed(self, captures: Iterable[Capture]) -> dict[tuple[int, ...], list[Interval]]:
        """The ranges that are counted, by the mailboxes that they are counted in."""
        needed: defaultdict[tuple[int, ...], list[Interval]] = defaultdict(list)
        account = self._reports.accounts[self._name]
        if account.settings.engine == "relayed" or account.settings.archive:
            return needed  # relayed answers are not cached by range; the archive needs no fetching
        for query in _queries(captures, account):
            if not query.folders:  # folders that are views are fetched for themselves
                mailboxes = tuple(sorted(query.mailboxes))
                needed[mailboxes] += map(created.range_interval, created.ranges(query))
        return needed

    def _is_valid(self, route: Route, pairs: Sequence[tuple[str, str]]) -> bool:
        """Whether a refused request is valid: then the account lacks the data."""
        try:
            self._reports.accounts[self._name].parse(route, pairs)
        except LegacyError:
            return False
        return True

    def _fetch(self, span: Interval, mailboxes: tuple[int, ...]) -> None:
        pairs = [
            ("start", format_epoch(span.first)),
            ("end", format_epoch(span.last)),
            ("mailboxes", ",".join(map(str, mailboxes))),
        ]
        with suppress(LegacyError):
            self._reports.compute("busy_times", pairs, self._name)


def _queries(captures: Iterable[Capture], account: Account) -> Iterator[ReportQuery]:
    """The queries of the captures that are valid requests for a report on new conversations."""
    for capture in captures:
        request = LegacyRequest.from_target(capture.target, capture.method)
        with suppress(LegacyError):
            route = routes.find_route(request.method, request.path)
            pairs = route.pairs(request.path, parse_pairs(request.query))
            query = account.parse(route, pairs).query
            needed = load_report(route).required_data(query, account.settings.conventions)
            if isinstance(query, ReportQuery) and isinstance(needed, ConversationQuery):
                yield query


def _needed_twice(spans: Sequence[Interval]) -> list[Interval]:
    """The union of the spans, without those parts that only one span needs."""
    union = intervals.union(spans)
    firsts = [span.first for span in union]
    needed = Counter(bisect_right(firsts, span.first) for span in spans)
    return [span for at, span in enumerate(union, 1) if needed[at] > 1]


def _is_conclusive(each: Capture | Unreadable) -> TypeGuard[Capture]:
    return isinstance(each, Capture) and why_inconclusive(each.status, each.body) is None


def _reply(each: Capture | Unreadable, replayer: Replayer) -> Reply:
    if not _is_conclusive(each):
        return None
    try:
        return replayer.answer(each)
    except (NotFound, NoAnswer) as error:
        return error


def _verdict_on(each: Capture | Unreadable, reply: Reply, rules: Rules) -> Verdict:
    if isinstance(each, Unreadable):
        outcome: Outcome = "damaged" if each.damaged else "unreadable"
        return _verdict(each, outcome=outcome, reason=each.reason)
    if reason := why_inconclusive(each.status, each.body):
        return _not_compared(each, "inconclusive", reason)
    if isinstance(reply, NotFound):
        return _not_compared(each, "elsewhere", f"not answered here: {each.method} {reply.path}")
    if not isinstance(reply, LegacyResponse):
        return _not_compared(each, "unasked", str(reply))
    if why_inconclusive(reply.status, reply.body):
        reason = f"answered with {reply.status}: {_error_text(reply)}"
        return _not_compared(each, "unasked", reason)
    return _compared(each, reply, rules)


def _compared(capture: Capture, answer: LegacyResponse, rules: Rules) -> Verdict:
    if capture.status != answer.status:
        found: tuple[Difference, ...] = (
            Difference("status", "status", capture.status, answer.status),
        )
    elif capture.method == "HEAD" or capture.body == answer.body:
        found = ()  # an answer to HEAD has no body
    else:
        found = differences(capture.body, answer.body)
    if not found:
        return _verdict(capture, outcome="equal")
    places = tuple(_place(each, rules.reason(capture, each)) for each in found)
    comparable = all(each.kind in _WITH_TOTALS for each in found)
    return _verdict(
        capture,
        outcome="ignored" if all(place.ignored for place in places) else "different",
        reason=None if answer.status == 200 else f"{answer.status}: {_error_text(answer)}",
        differences=places,
        deltas=dict(deltas(capture.body, answer.body)) if comparable else {},
        old=_value(capture.body),
        new=_value(answer.body),
    )


def _place(found: Difference, ignored: str | None) -> Place:
    both = {"old": found.old, "new": found.new}
    present = {name: _clean(value) for name, value in both.items() if value is not ABSENT}
    return Place(path=_clean(found.path), kind=found.kind, ignored=ignored, **present)


def _not_compared(capture: Capture, outcome: Outcome, reason: str) -> Verdict:
    return _verdict(capture, outcome=outcome, reason=reason)


def _verdict(each: Capture | Unreadable, **values: Any) -> Verdict:
    capture = each if isinstance(each, Capture) else None
    taken_at = capture.taken_at if capture else None
    defaults: dict[str, Any] = {
        "place": each.place,
        "target": capture.target if capture else None,
        "taken_at": None if taken_at is None else datetime.fromtimestamp(taken_at, UTC),
        "reason": None,
        "differences": (),
        "deltas": {},
    }
    return Verdict(**defaults | values)


def _error_text(answer: LegacyResponse) -> str:
    """The message of an error body, with those of all refused parameters."""
    body = json.loads(answer.body)
    faults = " ".join(each["message"] for each in body.get("validationErrors", ()))
    return f"{body['error']}: {faults}" if faults else str(body["error"])


def _value(body: bytes) -> Any:
    try:
        return _clean(read_json(body))
    except ValueError:
        return body.decode("utf-8", "replace")


def _clean(value: Any, levels: int = _MAX_DEPTH) -> Any:
    """The same value without lone surrogates, which UTF-8 cannot encode, and not too deep."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict() | list() | tuple() if not levels:
            return "…"
        case dict():
            return {_clean(name): _clean(each, levels - 1) for name, each in value.items()}
        case list() | tuple():
            return [_clean(each, levels - 1) for each in value]
    return value
