"""What is asked of upstream to read views and home folders."""

from __future__ import annotations

from typing import Any

import pytest

from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Progress
from compat.sources.folder_views import Fetched, FolderViews
from compat.sources.folders import SortedFolders
from compat.sources.row_cache import Scope
from compat.v2.errors import RequestRefused
from tests.unit.sources.cached_upstream import row

HOME, VIEW = 11, 12
SPAN = Interval(0, 99)
QUERY = ConversationQuery((SPAN,), frozenset({1, 2}), frozenset({HOME, VIEW}), spam=True)


class Fetch:
    """Fetches what a test says, and keeps what it was asked for.

    Attributes:
        asked: The arguments of each call.
        error: Raised in place of an answer.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    def __call__(
        self,
        scope: Scope,
        created: object,
        progress: Progress,
        folder: int | None = None,
        modified_since: int | None = None,
    ) -> Fetched:
        self.asked.append((scope, created, progress, folder, modified_since))
        if self.error is not None:
            raise self.error
        return Fetched([row(5, 21)], 7)


def sorted_folders(
    homes: int | None = None, view: int | None = None, unknown: int | None = None
) -> SortedFolders:
    """Folders by their kind; the home folder is one of mailbox 1."""
    of = [frozenset() if each is None else frozenset({each}) for each in (homes, view, unknown)]
    return SortedFolders(of[0], frozenset({1}) if homes else frozenset(), of[1], of[2])


@pytest.mark.parametrize("since", [None, 300])
def test_a_view_is_a_list_of_its_own_and_home_folders_are_their_mailboxes(
    since: int | None,
) -> None:
    fetch, progress = Fetch(), Progress()
    folders = sorted_folders(HOME, VIEW)
    found = FolderViews(fetch, 60).fetch(QUERY, folders, progress, modified_since=since)
    assert found.ids == {21}
    a_round = [
        (Scope(frozenset({1, 2}), spam=True), [SPAN], progress, VIEW, since),
        (Scope(frozenset({1}), spam=True), [SPAN], progress, None, since),
    ]
    assert fetch.asked == a_round * 2


def test_a_folder_that_was_not_there_is_read_once_it_is_known_as_a_view() -> None:
    fetch = Fetch()
    views = FolderViews(fetch, 60)
    fetch.error = RequestRefused("no such folder", status=404, requested_at=5)
    assert views.fetch(QUERY, sorted_folders(unknown=VIEW), Progress()).ids == set()
    fetch.error = None
    assert views.fetch(QUERY, sorted_folders(unknown=VIEW), Progress()).ids == set()
    assert len(fetch.asked) == 1
    assert views.fetch(QUERY, sorted_folders(view=VIEW), Progress()).ids == {21}
