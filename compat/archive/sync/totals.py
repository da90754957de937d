"""How many conversations upstream says there are, without reading them."""

from __future__ import annotations

from compat.archive.sync.session import SyncSession
from compat.core.intervals import Interval
from compat.v2.client import Answer
from compat.v2.models import ConversationsAnswer
from compat.v2.pagination import Selection, second_of


def survey(work: SyncSession, span: Interval) -> tuple[int, int | None]:
    """How many were created in a span, spam perhaps not included, and when the first one was."""
    answer = _first_page(work, Selection(), span).value
    seconds = [second_of(row) for row in answer.rows]
    return answer.page.total_elements, min(seconds, default=None)


def total(work: SyncSession, selection: Selection, span: Interval) -> int:
    """How many conversations of a selection were created in a span."""
    return _first_page(work, selection, span).value.page.total_elements


def _first_page(
    work: SyncSession, selection: Selection, span: Interval
) -> Answer[ConversationsAnswer]:
    work.progress.check()
    params = selection.params(span.first, span.last, "createdAt", 1)
    answer = work.client.get("/conversations", params, ConversationsAnswer)
    work.moment(answer.asked_at)
    return answer
