"""Texts that a slim archive does not have are named with its answers."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from compat.core.models import SourceWithMissingTexts
from compat.service import LegacyReports
from compat.sources import source_from_settings
from tests.integration.archived.offline_service import ask, service
from tests.unit.archive.sync.synced_account import Staged

RANGE = "start=1970-01-01&end=2015-06-01"
DRILLDOWN = f"/v1/reports/conversations/new-drilldown.json?{RANGE}"
ATTACHMENTS = ["conversations.results.attachments"]


@pytest.fixture
def slim(stage: Staged, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    url = SecretStr(f"sqlite:///{tmp_path_factory.mktemp('slim')}/archive.db")
    stage.settings = stage.settings.model_copy(update={"archive": url})
    stage.sync(slim=True)
    return stage


def unavailable(reports: LegacyReports, target: str) -> list[str]:
    answer = ask(reports, target)
    assert answer.status == 200, answer
    value = dict(answer.headers).get("Compat-Unavailable")
    return [] if value is None else value.split(", ")


def test_offline_a_slim_archive_lacks_texts_and_names(slim: Staged) -> None:
    with service(slim, offline=True) as offline:
        assert unavailable(offline, DRILLDOWN) == [
            f"conversations.results.{name}"
            for name in (
                "assignedName",
                "attachments",
                "customerEmail",
                "customerName",
                "preview",
                "subject",
            )
        ]
        assert unavailable(offline, "/v1/users.json") == [
            f"items.{name}" for name in ("email", "firstName", "fullName", "lastName", "photoUrl")
        ]
        assert unavailable(offline, "/v1/mailboxes.json") == ["items.email"]


def test_with_help_scout_a_slim_archive_lacks_nothing(slim: Staged) -> None:
    with service(slim) as online:
        assert unavailable(online, DRILLDOWN) == ATTACHMENTS
        assert unavailable(online, "/v1/users.json") == []


@pytest.mark.parametrize("threads", [False, True])
def test_ratings_have_texts_unless_a_slim_archive_keeps_them(
    slim: Staged, *, threads: bool
) -> None:
    if threads:
        slim.sync(threads=True)
    for offline in (False, True):
        source = source_from_settings(slim.settings.model_copy(update={"offline": offline}))
        assert isinstance(source, SourceWithMissingTexts)
        assert source.missing_texts() == (offline, threads)
        source.close()


def test_an_archive_with_texts_lacks_nothing_offline(stage: Staged) -> None:
    stage.sync()
    with service(stage, offline=True) as offline:
        assert unavailable(offline, DRILLDOWN) == ATTACHMENTS
        assert unavailable(offline, "/v1/users.json") == []
