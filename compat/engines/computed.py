"""The engine that counts conversations itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel

from compat import error_mapping
from compat.config.conventions import Conventions
from compat.core.counting import CountingSource, CountResult, SourceWithHistory
from compat.core.models import (
    ActivityQuery,
    ActivitySet,
    ListItem,
    ListItems,
    ListQuery,
    ListSet,
    MissingTexts,
    NotCovered,
    Progress,
    RowSet,
    Source,
    SourceWithCheck,
    SourceWithMissingTexts,
)
from compat.core.report_data import SourceQuery, UserActivityQuery, UserData, UserOrTeam
from compat.engines import EngineAnswer, EngineName
from compat.reports import AnswerFromDocuments, CountingReport, ReportModule
from compat.reports.lists import LISTS
from compat.reports.user_series import SERIES
from compat.v1.circumstances import Circumstances
from compat.v1.errors import ItemNotFound
from compat.v1.grades import inexact_fields
from compat.v1.models_base import TabularReport
from compat.v1.query import Query
from compat.v1.routes import Route

Found = TypeVar("Found", "RowSet | ActivitySet | ListSet", CountResult)
_LOG: Final = logging.getLogger("compat")
Data = RowSet | ActivitySet | ListSet
"""What sources return, if it is not counted."""
Computed = tuple[BaseModel, Data | CountResult | UserData[Any]]
"""An answer, and the data that it is made from."""


class ComputedEngine:
    """Loads the data that a report needs from a source, and computes the report from it.

    Args:
        source: Loads conversations. It is not closed with the engine.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def check(self) -> None:
        """Check the source, if it can be checked.

        Raises:
            Exception: What a report would meet now.
        """
        if isinstance(self._source, SourceWithCheck):
            self._source.check()

    def answer(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        """The answer to a query.

        If the report needs counts alone and the source can count, no rows are loaded.

        Raises:
            ValidationFailed: An archive does not cover the query, and there is no connection to
                upstream.
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        report = load_report(route)
        try:
            answer, data = self._compute(report, query, conventions, progress)
        except NotCovered as error:
            needed = report.required_data(query, conventions)
            raise error_mapping.not_covered_error(error, query, needed) from error
        from_totals = isinstance(data, CountResult) and data.totals
        given = Circumstances(
            query,
            conventions,
            from_totals=from_totals,
            customers_ever_known=isinstance(data, UserData) and data.customers_ever is not None,
            user_listed=not isinstance(data, UserData) or data.user.listed,
            missing_texts=self._missing_texts,
        )
        engine: EngineName = "totals" if from_totals else "computed"
        body = answer.model_dump_json().encode()
        inexact = inexact_fields(route.report, answer, given)
        if isinstance(answer, TabularReport):
            answer = answer.with_unavailable(inexact.unavailable)
        return EngineAnswer(answer, body, data.as_of, data.fresh_until, engine, *inexact)

    def close(self) -> None:
        """Does nothing: this engine has no connections of its own."""

    def _compute(
        self, report: ReportModule, query: Query, conventions: Conventions, progress: Progress
    ) -> Computed:
        needed = report.required_data(query, conventions)
        if isinstance(needed, UserActivityQuery):
            return self._compute_for_user(report, query, needed, conventions, progress)
        counted = self._count(report, query, conventions, progress)
        if counted is not None:
            return _from_counts(report, query, counted, conventions)
        return self._from_data(report, query, self._load(needed, progress), conventions, progress)

    def _compute_for_user(
        self,
        report: ReportModule,
        query: Query,
        needed: UserActivityQuery,
        conventions: Conventions,
        progress: Progress,
    ) -> Computed:
        source = self._source
        user, listed = _find_user(source, needed.user)
        lists = _load_lists(source, needed.lists) if needed.lists else listed
        ever = self._customers_ever(user, needed, progress)
        counted = self._count(report, query, conventions, progress, user.users)
        if counted is not None:
            data = _user_data(user, listed, lists, counted, ever)
            return _from_counts(report, query, data, conventions)
        found = self._load(replace(needed.activity, users=user.users), progress)
        loaded = _user_data(user, listed, lists, found, ever)
        return self._from_data(report, query, loaded, conventions, progress)

    def _count(
        self,
        report: ReportModule,
        query: Query,
        conventions: Conventions,
        progress: Progress,
        users: frozenset[int] = frozenset(),
    ) -> CountResult | None:
        """The counts that a report can be made from; None if it needs conversations."""
        if isinstance(report, CountingReport) and isinstance(self._source, CountingSource):
            needed = report.count_query(query, conventions)
            return self._source.count(replace(needed, users=users), progress)
        return None

    def _customers_ever(
        self, user: UserOrTeam, needed: UserActivityQuery, progress: Progress
    ) -> int | None:
        if needed.ever is None or not isinstance(self._source, SourceWithHistory):
            return None
        return self._source.customers_helped(
            user.users,
            needed.ever.which,
            progress,
            automatic_replies=needed.ever.automatic_replies,
        )

    def _load(self, needed: SourceQuery, progress: Progress) -> Data:
        if isinstance(needed, tuple):
            return _load_lists(self._source, needed)
        if isinstance(needed, ActivityQuery):
            return self._source.activity(needed, progress)
        return self._source.rows(needed, progress)

    def _from_data(
        self,
        report: ReportModule,
        query: Query,
        data: Data | UserData[Data],
        conventions: Conventions,
        progress: Progress,
    ) -> Computed:
        answer = report.answer(query, data, conventions)
        if isinstance(answer, AnswerFromDocuments):
            answer = answer.answer(self._source.documents(answer.ids, progress))
        return answer, data

    def _missing_texts(self) -> MissingTexts:
        source = self._source
        return (
            source.missing_texts() if isinstance(source, SourceWithMissingTexts) else MissingTexts()
        )


def load_report(route: Route) -> ReportModule:
    """What computes the report of a route: a row of a table, or a module."""
    if row := LISTS.get(route.report) or SERIES.get(route.report):
        return row
    return cast("ReportModule", import_module(f"compat.reports.{route.report}"))


def _find_user(source: Source, id_: int) -> tuple[UserOrTeam, ListSet]:
    """The user or team with an id, and how old the lists are that show it.

    An id that no list shows stands for itself, without a name (decided): a user who was deleted
    may still have written threads.
    """
    shown = source.list_items(ListQuery("users", item=id_))
    if shown.items:
        return UserOrTeam(shown.items[0], frozenset({id_})), _list_set((), [shown])
    teams = source.list_items(ListQuery("teams", item=id_))
    if not teams.items:
        _LOG.warning("no list shows the user or team %d of a report", id_)
        unknown = UserOrTeam(ListItem(id_, ""), frozenset({id_}), listed=False)
        return unknown, _list_set((), [shown, teams])
    members = source.list_items(ListQuery("members", id_))
    users = frozenset(each.id for each in members.items or ()) or frozenset({id_})
    return UserOrTeam(teams.items[0], users), _list_set((), [teams, members])


def _load_lists(source: Source, queries: Sequence[ListQuery]) -> ListSet:
    """Lists one after the other.

    Raises:
        ItemNotFound: One of them does not exist; those after it are not loaded.
    """
    lists, loaded = [], []
    for query in queries:
        found = source.list_items(query)
        if found.items is None:
            raise ItemNotFound
        lists.append(found.items)
        loaded.append(found)
    return _list_set(lists, loaded)


def _list_set(lists: Sequence[Sequence[ListItem]], loaded: Sequence[ListItems]) -> ListSet:
    return ListSet(
        lists, min(each.as_of for each in loaded), min(each.fresh_until for each in loaded)
    )


def _user_data(
    user: UserOrTeam, listed: ListSet, lists: ListSet, found: Found, ever: int | None
) -> UserData[Found]:
    """The data for a report on a user, as old as its oldest part; `listed` shows the user."""
    parts = (listed, lists, found)
    as_of, fresh_until = min(each.as_of for each in parts), min(each.fresh_until for each in parts)
    return UserData(user, lists.lists, found, ever, as_of, fresh_until)


def _from_counts(
    report: ReportModule,
    query: Query,
    data: CountResult | UserData[CountResult],
    conventions: Conventions,
) -> Computed:
    return cast("CountingReport", report).answer_from_counts(query, data, conventions), data
