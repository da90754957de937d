"""Sources load the data that reports need."""

from __future__ import annotations

from compat.archive.errors import ArchiveError
from compat.config.settings import Settings, SettingsError, variable_name
from compat.core.intervals import MaxAges
from compat.core.models import Source
from compat.sources.live import LiveSource, live_source_from_settings
from compat.sources.totals import TotalsSource


def source_from_settings(settings: Settings) -> Source:
    """An archive, completed from Mailbox API 2.0, if the settings name one; else that API alone.

    Raises:
        SettingsError: A setting is missing or cannot be used.
        ImportError: The archive's libraries are not installed.
    """
    if settings.archive is None and settings.offline:
        raise SettingsError(
            f"{variable_name('archive')} is not set: without Help Scout "
            f"({variable_name('offline')}) there must be an archive to answer from"
        )
    if settings.archive is None:
        kind = TotalsSource if settings.count_by == "totals" else LiveSource
        return live_source_from_settings(settings, kind)
    # Accounts without an archive do not need its libraries.
    from compat.archive.database import open_archive  # noqa: PLC0415
    from compat.sources.archive import ArchiveSource  # noqa: PLC0415

    live = None if settings.offline else live_source_from_settings(settings)
    try:
        archive = open_archive(settings.archive.get_secret_value())
    except ArchiveError as error:
        if live:
            live.close()
        variable = variable_name("archive")
        names_it = variable in str(error)
        raise SettingsError(str(error) if names_it else f"{variable}: {error}") from error
    return ArchiveSource(archive, live, MaxAges(settings.recent_age, settings.max_age))
