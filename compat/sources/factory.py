"""Which source the settings name."""

from __future__ import annotations

from compat.archive.errors import ArchiveError
from compat.config.settings import Settings, SettingsError, variable_name
from compat.core.intervals import MaxAges
from compat.core.models import Source


def source_of(settings: Settings) -> Source:
    """The archive if one is named, with Mailbox API 2.0 behind it; else that alone.

    Raises:
        SettingsError: What is needed is missing or cannot be used.
        ImportError: The archive's libraries are not installed.
    """
    if settings.archive is None and settings.offline:
        raise SettingsError(
            f"{variable_name('archive')} is not set: without Help Scout "
            f"({variable_name('offline')}) there must be an archive to answer from"
        )
    # Slow to import, and not needed before.
    from compat.sources.live import LiveSource, connect  # noqa: PLC0415
    from compat.sources.totals import TotalsSource  # noqa: PLC0415

    if settings.archive is None:
        return connect(settings, TotalsSource if settings.count_by == "totals" else LiveSource)
    # Whoever keeps no archive need not have its libraries.
    from compat.archive.database import open_archive  # noqa: PLC0415
    from compat.sources.archive import ArchiveSource  # noqa: PLC0415

    live = None if settings.offline else connect(settings)
    try:
        archive = open_archive(settings.archive.get_secret_value())
    except ArchiveError as error:
        if live:
            live.close()
        raise SettingsError(f"{variable_name('archive')}: {error}") from error
    return ArchiveSource(archive, live, MaxAges(settings.recent_age, settings.max_age))
