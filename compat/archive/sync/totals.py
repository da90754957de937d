"""How many conversations upstream says there are, without reading them."""

from __future__ import annotations

from typing import Final

from compat.archive.sync.session import SyncSession
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval
from compat.v2.client import ApiResponse
from compat.v2.errors import AccessRefused, RequestRefused
from compat.v2.models import ConversationPage
from compat.v2.pagination import creation_second
from compat.v2.search import Selection

_NOT_SHOWN: Final = frozenset({400, 403, 404})
"""How upstream may refuse a list of a mailbox that it does not show."""


def survey(work: SyncSession, span: Interval) -> tuple[int, int | None]:
    """How many were created in a span, spam perhaps not included, and when the first one was."""
    answer = _first_page(work, Selection(), span).value
    seconds = [creation_second(row) for row in answer.rows]
    return answer.page.total_elements, min(seconds, default=None)


def total(work: SyncSession, selection: Selection, span: Interval) -> int:
    """How many conversations of a selection were created in a span."""
    return _first_page(work, selection, span).value.page.total_elements


def shows_mailbox(work: SyncSession, mailbox: int) -> bool:
    """Whether a list of conversations shows one of a mailbox; spam counts too.

    A list that refuses the mailbox shows none of it.

    Raises:
        UpstreamError: Upstream fails.
    """
    return any(
        _shows(work, Selection((mailbox,), status=status), mailbox) for status in ("all", "spam")
    )


def _shows(work: SyncSession, selection: Selection, mailbox: int) -> bool:
    try:
        answer = _first_page(work, selection, Interval(FIRST_SECOND, work.now)).value
    except (RequestRefused, AccessRefused) as refusal:
        if refusal.status not in _NOT_SHOWN:
            raise
        return False
    if not answer.rows:  # a page may come without the rows that it counts
        return answer.page.total_elements > 0
    return any(row.mailbox_id == mailbox for row in answer.rows)


def _first_page(
    work: SyncSession, selection: Selection, span: Interval
) -> ApiResponse[ConversationPage]:
    work.progress.check()
    params = selection.params(span.first, span.last, "createdAt", 1)
    answer = work.client.get("/conversations", params, ConversationPage)
    work.moment(answer.requested_at)
    return answer
