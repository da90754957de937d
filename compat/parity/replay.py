"""Asking a capture's request again, of the service as it is now."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from compat.account import Account
from compat.config.accounts import select_account
from compat.core import intervals
from compat.core.intervals import Interval
from compat.parity.captures.models import Capture
from compat.service import LegacyReports
from compat.v1 import routes
from compat.v1.datetimes import format_epoch, to_epoch
from compat.v1.errors import LegacyError
from compat.v1.http import LegacyRequest, LegacyResponse, error_response, success_response
from compat.v1.query import ReportQuery, parse_pairs
from compat.v1.routes import Route

_LOG: Final = logging.getLogger("compat")
_TRIES: Final = 8

TROUBLE: Final = frozenset({401, 403, 429, 500, 502, 503, 504})
"""Statuses that say nothing of the question: another time it is answered otherwise."""


class Unasked(Exception):
    """No answer can be had, whatever is asked; the message says why."""


class Replayer:
    """Asks captures again of one account; safe to share between threads.

    Args:
        reports: What answers.
        account: The name of the account; not needed where there is only one.

    Raises:
        LookupError: There is no such account, or several and none was named.
    """

    def __init__(self, reports: LegacyReports, account: str | None = None) -> None:
        self._reports = reports
        self._name = select_account(reports.accounts, account).name
        self._failed: list[str] = []
        self._prepared: defaultdict[tuple[int, ...], list[Interval]] = defaultdict(list)

    def ask(self, capture: Capture) -> LegacyResponse:
        """What the request is answered now, however long that takes.

        Raises:
            NotFound: It is for no route of ours.
            Unasked: Upstream has failed all along, or what would have to be counted is not kept.
        """
        request = LegacyRequest.from_target(capture.target, capture.method)
        route = routes.find_route(request.method, request.path)
        if len(self._failed) >= _TRIES:
            raise Unasked(f"not asked, because {_TRIES} before it failed: {self._failed[-1]}")
        pairs = route.pairs(request.path, parse_pairs(request.query))
        try:
            answer = success_response(self._reports.compute(route.report, pairs, self._name).body)
        except LegacyError as error:
            answer = error_response(error)
            if error.status == 400 and self._is_understood(route, pairs):
                raise Unasked(str(error)) from None
            if error.status == 500:
                _LOG.exception("%s could not be asked again", capture.place)
            if error.status in TROUBLE:
                self._failed.append(error.message)
                return answer
        self._failed.clear()
        return answer

    def prepare(self, captures: Iterable[Capture]) -> None:
        """Have all conversations fetched at once that several captures count one after another.

        Ten thousand short ranges are then a few long walks, and the service remembers what they
        brought. Nothing is fetched that no capture asks for. What fails here is told by what is
        asked afterwards.
        """
        for mailboxes, spans in sorted(self._spans(captures).items()):  # those of all come first
            prepared = self._prepared[mailboxes]
            for span in intervals.difference(_shared(spans), prepared):
                self._fetch(span, mailboxes)
                prepared.append(span)

    def close(self) -> None:
        """Call off what is being asked; nothing can be asked afterwards."""
        self._reports.close()

    def _spans(self, captures: Iterable[Capture]) -> dict[tuple[int, ...], list[Interval]]:
        """The ranges that are counted, by the mailboxes that they are counted in."""
        found: defaultdict[tuple[int, ...], list[Interval]] = defaultdict(list)
        account = self._reports.accounts[self._name]
        if account.settings.engine == "relayed" or account.settings.archive:
            return found  # what is relayed is not remembered in pieces, and what is kept is at hand
        for query in _queries(captures, account):
            if not query.folders:  # some of them are views, which are walked for themselves
                ranges = (each for each in (query.current, query.previous) if each)
                mailboxes = tuple(sorted(query.mailboxes))
                found[mailboxes] += [
                    Interval(to_epoch(each.start), to_epoch(each.end)) for each in ranges
                ]
        return found

    def _is_understood(self, route: Route, pairs: Sequence[tuple[str, str]]) -> bool:
        """Whether a refusal is not the request's fault: then the account lacks what it asks for."""
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
    """What the captures ask, as far as it is a report that can be read."""
    for capture in captures:
        request = LegacyRequest.from_target(capture.target, capture.method)
        with suppress(LegacyError):
            route = routes.find_route(request.method, request.path)
            pairs = route.pairs(request.path, parse_pairs(request.query))
            query = account.parse(route, pairs).query
            if isinstance(query, ReportQuery):
                yield query


def _shared(spans: Sequence[Interval]) -> list[Interval]:
    """What more than one of the spans wants, as long as it is without a gap."""
    whole = intervals.union(spans)
    firsts = [span.first for span in whole]
    wanted = Counter(bisect_right(firsts, span.first) for span in spans)
    return [span for at, span in enumerate(whole, 1) if wanted[at] > 1]
