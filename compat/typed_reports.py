"""The old reports as methods with typed arguments and answers.

`scripts/docs.py` writes the same methods as coroutines into `compat/async_typed_reports.py`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from compat.v1.query import format_pairs
from compat.v1.routes import route_of_report

if TYPE_CHECKING:
    from compat.config.conventions import ViewBy
    from compat.core.models import Progress
    from compat.engines import EngineAnswer
    from compat.v1.models import (
        BusyTimes,
        Drilldown,
        FolderItem,
        MailboxItem,
        NewConversations,
        ReceivedMessages,
        TagItem,
        UserItem,
    )
    from compat.v1.models_ratings import Happiness, Ratings, UserHappiness
    from compat.v1.models_users import (
        ConversationHistory,
        CustomersHelped,
        RepliesSent,
        Resolutions,
        UserReport,
    )

RatingChoice: TypeAlias = Literal["all", "great", "okay", "not-good", 0, 1, 2, 3]
"""Which ratings are listed: in words, or as the old API numbers them."""

SortOrder: TypeAlias = Literal["asc", "desc"]

IN_PATHS: Final = ("mailbox", "team")
"""The arguments of lists that are ids in paths."""


class TypedReports(ABC):
    """The old reports as methods. Each waits without a limit, and returns the answer as a model.

    The lists are methods, too: `mailboxes` and those after it return all items, from all pages.

    An argument means the same in every method that has it. Without an optional argument, the rule
    of the old API applies, or the convention in its place.

    Args:
        start: First second of the range: a datetime (UTC if it has no time zone), a date, or a text
            in the old API's format.
        end: Last second of the range, included; in the same formats. A date is its whole day; what
            a text without a time means is a convention, midnight by default.
        previous_start: First second of the range to compare with. Without one, `previous` and
            `deltas` of the answer are None.
        previous_end: Its last second, included, given as `end` is.
        mailboxes: Only conversations in one of these mailboxes: ids or names. What consists of
            digits is an id; otherwise capitals make no difference.
        tags: Only conversations with one of these tags: ids or names. 1 stands for no tag at all.
        types: Only conversations of one of these types: `email`, `chat`, `phone`.
        folders: Only conversations that one of these folders shows: ids or names, which are looked
            up in `mailboxes` if these are given.
        view_by: The length of a bucket; by default that of the conventions.
        user: The user or team that the report is about: an id, a full name, or a user's address.
        mailbox: The mailbox that a list belongs to: an id or a name.
        team: The team that a list belongs to: an id or a name.
        office_hours: Whether only office hours count as waits, if any are set.
        rating: Which ratings are listed.
        page: The page of a list, from 1 on. A page after the last is empty.
        rows: How many rows a page has, at most 50.
        sort_field: By what rows are sorted.
        sort_order: From the lowest value on, or from the highest.
        account: The name of the account; not needed if there is only one.

    Raises:
        compat.v1.errors.LegacyError: The error that the old API would have returned.
        LookupError: There is no such account, or there are several and no name; or nothing has a
            name that is given, or several things have it (`compat.names.UnknownName`).
    """

    @abstractmethod
    def compute(
        self,
        report: str,
        pairs: Sequence[tuple[str, str]],
        account: str | None = None,
        watch: Callable[[Progress], None] | None = None,
        *,
        all_pages: bool = False,
    ) -> EngineAnswer:
        """Compute a report from the names and values of a request."""

    @abstractmethod
    def replace_names(self, values: Mapping[str, Any], account: str | None) -> dict[str, Any]:
        """The same parameters, with ids in place of names."""

    def new_conversations(
        self,
        *,
        start: date | str,
        end: date | str,
        previous_start: date | str | None = None,
        previous_end: date | str | None = None,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        view_by: ViewBy | None = None,
        account: str | None = None,
    ) -> NewConversations:
        """How many conversations were created, bucket by bucket.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: NewConversations = self._answer("new_conversations", locals())
        return found

    def new_drilldown(
        self,
        *,
        start: date | str,
        end: date | str,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        page: int = 1,
        rows: int = 10,
        account: str | None = None,
    ) -> Drilldown:
        """The conversations that were created, page by page.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: Drilldown = self._answer("new_drilldown", locals())
        return found

    def busy_times(
        self,
        *,
        start: date | str,
        end: date | str,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        account: str | None = None,
    ) -> BusyTimes:
        """How many conversations were created in each hour of the week; `root` has the hours.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: BusyTimes = self._answer("busy_times", locals())
        return found

    def received_messages(
        self,
        *,
        start: date | str,
        end: date | str,
        previous_start: date | str | None = None,
        previous_end: date | str | None = None,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        view_by: ViewBy | None = None,
        account: str | None = None,
    ) -> ReceivedMessages:
        """How many messages customers sent, bucket by bucket.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: ReceivedMessages = self._answer("received_messages", locals())
        return found

    def happiness(
        self,
        *,
        start: date | str,
        end: date | str,
        previous_start: date | str | None = None,
        previous_end: date | str | None = None,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        account: str | None = None,
    ) -> Happiness:
        """How customers rated the replies of a range.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: Happiness = self._answer("happiness", locals())
        return found

    def happiness_ratings(
        self,
        *,
        start: date | str,
        end: date | str,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        rating: RatingChoice = "all",
        page: int = 1,
        sort_field: Literal["number", "modifiedAt", "rating"] = "modifiedAt",
        sort_order: SortOrder = "desc",
        account: str | None = None,
    ) -> Ratings:
        """The ratings of the replies of a range, 25 on a page.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: Ratings = self._answer("happiness_ratings", locals())
        return found

    def user(
        self,
        *,
        user: int | str,
        start: date | str,
        end: date | str,
        previous_start: date | str | None = None,
        previous_end: date | str | None = None,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        office_hours: bool = False,
        account: str | None = None,
    ) -> UserReport:
        """What a user or a team did in a range.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: UserReport = self._answer("user", locals())
        return found

    def user_happiness(
        self,
        *,
        user: int | str,
        start: date | str,
        end: date | str,
        previous_start: date | str | None = None,
        previous_end: date | str | None = None,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        account: str | None = None,
    ) -> UserHappiness:
        """How customers rated the replies of a user or a team.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: UserHappiness = self._answer("user_happiness", locals())
        return found

    def user_ratings(
        self,
        *,
        user: int | str,
        start: date | str,
        end: date | str,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        rating: RatingChoice = "all",
        page: int = 1,
        sort_field: Literal["number", "modifiedAt", "rating"] = "modifiedAt",
        sort_order: SortOrder = "desc",
        account: str | None = None,
    ) -> Ratings:
        """The ratings of the replies of a user or a team, 25 on a page.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: Ratings = self._answer("user_ratings", locals())
        return found

    def user_replies(
        self,
        *,
        user: int | str,
        start: date | str,
        end: date | str,
        previous_start: date | str | None = None,
        previous_end: date | str | None = None,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        view_by: ViewBy | None = None,
        account: str | None = None,
    ) -> RepliesSent:
        """How many replies a user or a team sent, bucket by bucket.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: RepliesSent = self._answer("user_replies", locals())
        return found

    def user_customers_helped(
        self,
        *,
        user: int | str,
        start: date | str,
        end: date | str,
        previous_start: date | str | None = None,
        previous_end: date | str | None = None,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        view_by: ViewBy | None = None,
        account: str | None = None,
    ) -> CustomersHelped:
        """How many customers a user or a team replied to, bucket by bucket.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: CustomersHelped = self._answer("user_customers_helped", locals())
        return found

    def user_resolutions(
        self,
        *,
        user: int | str,
        start: date | str,
        end: date | str,
        previous_start: date | str | None = None,
        previous_end: date | str | None = None,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        view_by: ViewBy | None = None,
        account: str | None = None,
    ) -> Resolutions:
        """How many conversations a user or a team helped to resolve, bucket by bucket.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: Resolutions = self._answer("user_resolutions", locals())
        return found

    def user_conversation_history(
        self,
        *,
        user: int | str,
        start: date | str,
        end: date | str,
        mailboxes: Iterable[int | str] = (),
        tags: Iterable[int | str] = (),
        types: Iterable[str] = (),
        folders: Iterable[int | str] = (),
        office_hours: bool = False,
        page: int = 1,
        sort_field: Literal["number", "repliesSent", "responseTime", "resolveTime"] = "number",
        sort_order: SortOrder = "asc",
        account: str | None = None,
    ) -> ConversationHistory:
        """The replies of a user or a team with the times of their conversations, 25 on a page.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: ConversationHistory = self._answer("user_conversation_history", locals())
        return found

    def mailboxes(self, *, account: str | None = None) -> tuple[MailboxItem, ...]:
        """The mailboxes of the account.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: tuple[MailboxItem, ...] = self._items("mailboxes", locals())
        return found

    def folders(
        self,
        *,
        mailbox: int | str,
        account: str | None = None,
    ) -> tuple[FolderItem, ...]:
        """The folders of a mailbox.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: tuple[FolderItem, ...] = self._items("folders", locals())
        return found

    def tags(self, *, account: str | None = None) -> tuple[TagItem, ...]:
        """The tags of the account.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: tuple[TagItem, ...] = self._items("tags", locals())
        return found

    def users(self, *, account: str | None = None) -> tuple[UserItem, ...]:
        """The users of the account.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: tuple[UserItem, ...] = self._items("users", locals())
        return found

    def mailbox_users(
        self,
        *,
        mailbox: int | str,
        account: str | None = None,
    ) -> tuple[UserItem, ...]:
        """The users who may see a mailbox.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: tuple[UserItem, ...] = self._items("mailbox_users", locals())
        return found

    def teams(self, *, account: str | None = None) -> tuple[UserItem, ...]:
        """The teams of the account; `firstName` and `fullName` have the name.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: tuple[UserItem, ...] = self._items("teams", locals())
        return found

    def team_members(
        self,
        *,
        team: int | str,
        account: str | None = None,
    ) -> tuple[UserItem, ...]:
        """The users of a team.

        `compat.typed_reports.TypedReports` says what the arguments mean.
        """
        found: tuple[UserItem, ...] = self._items("team_members", locals())
        return found

    def _answer(self, report: str, arguments: Mapping[str, Any]) -> Any:
        """The answer of a report, from the arguments of its method by their names."""
        account = arguments["account"]
        values = self.replace_names(values_of(report, arguments), account)
        found = self.compute(report, format_pairs(**values), account)
        return found.answer

    def _items(self, report: str, arguments: Mapping[str, Any]) -> Any:
        """All items of a list, from the arguments of its method by their names."""
        account = arguments["account"]
        ids = {name: arguments[name] for name in IN_PATHS if name in arguments}
        values = self.replace_names(ids, account)
        found = self.compute(report, format_pairs(**values), account, all_pages=True)
        answer: Any = found.answer
        return answer.items


def values_of(report: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a report, from the arguments of a method by their names."""
    return {
        row.name: _sent(arguments[argument_of(row.name)], row.choices)
        for row in route_of_report(report).parameters
    }


def argument_of(parameter: str) -> str:
    """The argument that sets a parameter: `view_by` for `viewBy`."""
    return re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", parameter)


def _sent(value: Any, choices: Mapping[str, str]) -> Any:
    """What the old API takes for a value: a number for some words."""
    return choices.get(value, value) if isinstance(value, str) else value
