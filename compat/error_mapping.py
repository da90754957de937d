"""Maps what went wrong to errors of the old API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from compat.archive.errors import ArchiveError
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval, overlaps
from compat.core.models import (
    ActivityQuery,
    ListKind,
    ListQuery,
    NotCovered,
    Obstacle,
    UnknownValue,
)
from compat.core.report_data import DataQuery, UserActivityQuery
from compat.single_flight import CallCancelled, TooManyCalls
from compat.v1.datetimes import format_epoch, format_instant
from compat.v1.errors import (
    BadParameter,
    Forbidden,
    Internal,
    LegacyError,
    Unavailable,
    ValidationFailed,
)
from compat.v1.query import Query, ReportQuery
from compat.v2 import errors as v2

_SOON: Final = 5
_LATER: Final = 30
_MUCH_LATER: Final = 3600


def _forbidden(sentence: str) -> Callable[[BaseException], LegacyError]:
    return lambda _: Forbidden(sentence)


def _unavailable(sentence: str, seconds: int) -> Callable[[BaseException], LegacyError]:
    """`{}` in the sentence stands for the text of the error."""
    return lambda error: Unavailable(sentence.format(error), seconds)


def _invalid(error: BaseException) -> LegacyError:
    """Parameters have the same names in both versions of the API."""
    faults = error.parameter_errors if isinstance(error, v2.ParametersRefused) else ()
    return ValidationFailed(
        [BadParameter(fault.path, fault.value, fault.message) for fault in faults]
    )


LEGACY_ERRORS: Final = (
    (
        v2.CredentialsRefused,
        _forbidden(
            "Help Scout refuses this account's application: check HELPSCOUT_APP_ID and "
            "HELPSCOUT_APP_SECRET"
        ),
    ),
    (
        v2.ReportsRefused,
        _forbidden(
            "Help Scout does not give this account its own reports, which come with the Plus and "
            "Pro plans: set COMPAT_ENGINE to computed, which does without them, or check the "
            "plan, and the rights of the user who made the application"
        ),
    ),
    (
        v2.AccessRefused,
        _forbidden(
            "Help Scout does not let this account's application see its conversations: check "
            "the rights of the user who made the application that HELPSCOUT_APP_ID names"
        ),
    ),
    (
        v2.RequestLoop,
        _unavailable(
            "The address of Mailbox API 2.0 leads back to this server: set COMPAT_CONNECT_TO "
            "to an address of Help Scout's",
            _LATER,
        ),
    ),
    (
        v2.Redirected,
        _unavailable("{}: check HELPSCOUT_BASE_URL", _LATER),
    ),
    (v2.NothingAtAddress, _unavailable("{}: check HELPSCOUT_BASE_URL", _LATER)),
    (
        v2.UntrustedCertificate,
        _unavailable(
            "The conversations cannot be fetched: {}. If a proxy inspects TLS, set COMPAT_CA_FILE "
            "to a file with its certificate authority",
            _LATER,
        ),
    ),
    (v2.ParametersRefused, _invalid),
    (ArchiveError, _unavailable("The archive cannot be used: {}", _LATER)),
    (v2.InconsistentData, _unavailable("The conversations cannot be counted exactly: {}", _LATER)),
    (
        UnknownValue,
        _unavailable(
            "The conversations cannot be counted exactly: {}. Ask with other filters, or for other "
            "dates",
            _MUCH_LATER,
        ),
    ),
    (v2.Cancelled, _unavailable("The server is closing", _SOON)),
    (v2.UpstreamError, _unavailable("The conversations cannot be fetched: {}", _LATER)),
    (TooManyCalls, _unavailable("Too many other questions are being worked on", _LATER)),
    (CallCancelled, _unavailable("The work on this answer was called off", _SOON)),
)
"""The first row whose type fits decides. An error that fits no row is an internal one."""


def to_legacy_error(error: BaseException) -> LegacyError:
    """The error of the old API that a caller gets for this one."""
    if isinstance(error, LegacyError):
        return error
    found = (convert for kind, convert in LEGACY_ERRORS if isinstance(error, kind))
    return next(found, lambda _: Internal())(error)


_EDGES: Final = (("start", "end"), ("previousStart", "previousEnd"))
_CONNECTED: Final = "where Help Scout is reached"
_LISTS: Final[Mapping[ListKind, str]] = {
    "mailboxes": "mailboxes",
    "folders": "folders of mailbox {}",
    "mailbox_users": "users of mailbox {}",
    "tags": "tags",
    "users": "users",
    "me": "user to whom the credentials belong",
    "teams": "teams",
    "members": "members of team {}",
}
"""What an archive does not know, by the list that it never stored."""
_OBSTACLES: Final[Mapping[Obstacle, str]] = {
    "threads not kept": f"it keeps none, run `helpscout-v1 sync --threads` {_CONNECTED}",
    "older not kept": (
        "older conversations are not kept, and any of them may have newer threads; "
        "only Help Scout itself could be asked"
    ),
    "older not read": (
        "older conversations were never read, and any of them may have newer threads; "
        f"run `helpscout-v1 sync` to its end, without `--since`, {_CONNECTED}"
    ),
}
_VIEWS: Final = (
    "The archive cannot tell what these folders show, since they are views over others, or not "
    "known to it: only Help Scout itself could be asked"
)


def not_covered_error(error: NotCovered, query: Query, needed: DataQuery) -> LegacyError:
    """The error for a query that an archive does not cover, without a connection to Help Scout.

    It names the parameter whose seconds, or folders, are not covered.

    Args:
        error: What is not covered.
        query: The query of the caller.
        needed: The data that the query needs. Its seconds differ from the query's if the
            conventions shift the clock.
    """
    if isinstance(needed, UserActivityQuery):
        needed = needed.activity
    if error.unknown_list or isinstance(needed, tuple) or not isinstance(query, ReportQuery):
        return Unavailable(_unknown_list(error.unknown_list), _MUCH_LATER)
    if error.folders:
        folders = ",".join(map(str, query.folders))
        return ValidationFailed([BadParameter("folders", folders, _VIEWS)])
    if isinstance(needed, ActivityQuery):
        intervals, message = needed.touched, _unknown_threads(error)
    else:
        intervals = needed.created
        message = f"The archive covers {_format(error.covered)}, and nobody else can be asked"
    ranges = [query.current, *([query.previous] if query.previous else [])]
    return ValidationFailed(
        [
            BadParameter(names[edge], format_instant((asked.start, asked.end)[edge]), message)
            for names, asked, interval in zip(_EDGES, ranges, intervals, strict=False)
            for edge in _uncovered_edges(interval, error.missing)
        ]
    )


def _unknown_list(query: ListQuery | None) -> str:
    """Which list an archive never stored, and what to do."""
    what = "such list" if query is None else _LISTS[query.kind].format(query.parent)
    return f"The archive does not know the {what}: run `helpscout-v1 sync` {_CONNECTED}"


def _unknown_threads(error: NotCovered) -> str:
    """Until when an archive knows all threads, or why it knows none, and what to do."""
    if error.obstacle:
        return f"The archive does not know all threads of any time: {_OBSTACLES[error.obstacle]}"
    if error.unread:
        return (
            f"The archive knows all threads {_known(error)}, since it lacks some of conversation "
            f"{error.unread}: run `helpscout-v1 sync` {_CONNECTED}, which names those that cannot "
            "be read, and the key"
        )
    return f"The archive knows all threads {_known(error)}: run `helpscout-v1 sync` {_CONNECTED}"


def _known(error: NotCovered) -> str:
    """Of which time an archive knows all threads."""
    if not error.covered:
        return "of no time yet"
    first, last = error.covered[0].first, format_epoch(error.covered[-1].last)
    if first <= FIRST_SECOND:
        return f"until {last}"
    return f"from {format_epoch(first)} to {last}, older ones when everything was read"


def _uncovered_edges(needed: Interval, gaps: Iterable[Interval]) -> Iterator[int]:
    """0 if the start has to change, 1 if only the end has; nothing if all is covered."""
    within = [gap for gap in gaps if overlaps(gap, needed)]
    if within:
        only_late = all(gap.first > needed.first for gap in within)
        yield int(only_late and within[-1].last >= needed.last)


def _format(covered: Iterable[Interval]) -> str:
    texts = [f"{format_epoch(each.first)} to {format_epoch(each.last)}" for each in covered]
    return " and ".join(texts) or "nothing yet"
