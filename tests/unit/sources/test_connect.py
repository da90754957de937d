"""From the settings to a source, or to a message that says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from compat.archive.database import open_archive
from compat.config.settings import Settings, SettingsError
from compat.core.intervals import MaxAges
from compat.sources import source_from_settings
from compat.sources.archive import ArchiveSource
from compat.sources.live import LiveSource, live_source_from_settings
from compat.sources.totals import TotalsSource

SECRET = "hunter2"
COMPLETE = Settings(app_id="demo-app", app_secret=SecretStr(SECRET))


def fault(settings: Settings) -> str:
    with pytest.raises(SettingsError) as caught:
        live_source_from_settings(settings)
    assert SECRET not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_complete_settings_make_a_source_without_asking_anybody() -> None:
    source = live_source_from_settings(COMPLETE)
    assert (source.ready, source.seconds_for(0)) == (True, 0)
    source.close()


def test_all_settings_reach_the_client() -> None:
    place, proxy = "127.0.0.1:8443", SecretStr("http://127.0.0.1:3128")
    update = {"connect_to": place, "proxy": proxy, "timeout": 7.5, "rate_reserve": 0.5}
    source = live_source_from_settings(COMPLETE.model_copy(update=update))
    client = source._client
    assert client._address.url == "https://127.0.0.1:8443/v2"
    assert client._address.host == "api.helpscout.net"
    assert client._http.timeout.read == 7.5
    assert client.rate_limiter._reserve == 0.5
    assert source._workers == COMPLETE.parallel
    assert source._cache._most_rows == COMPLETE.memory_rows
    assert source._cache._ages == (60, 21_600, 86_400)
    source.close()


@pytest.mark.parametrize(
    ("app_id", "app_secret", "named", "unnamed"),
    [
        ("", SECRET, ["HELPSCOUT_APP_ID"], ["HELPSCOUT_APP_SECRET"]),
        ("demo-app", "", ["HELPSCOUT_APP_SECRET"], ["HELPSCOUT_APP_ID"]),
        ("", "", ["HELPSCOUT_APP_ID", "HELPSCOUT_APP_SECRET"], []),
    ],
)
def test_what_is_missing_is_named_one_to_a_line_before_the_advice_to_use_init(
    app_id: str, app_secret: str, named: list[str], unnamed: list[str]
) -> None:
    message = fault(Settings(app_id=app_id, app_secret=SecretStr(app_secret)))
    *lines, advice = message.splitlines()
    assert [line.split()[0] for line in lines] == named
    assert "helpscout-v1 init" in advice
    assert not [name for name in unnamed if name in message]
    assert "My Apps" in message


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("base_url", "http://api.helpscout.net/v2", "plain http"),
        ("base_url", "https://api.helpscout.net/v1", "/v2"),
        ("base_url", f"https://me:{SECRET}@api.helpscout.net/v2", "look like"),
        ("base_url", "https://api.helpscout.net:99999/v2", "ort"),
        ("connect_to", "https://203.0.113.7", "203.0.113.7 or host:443"),
        ("connect_to", f"me:{SECRET}@203.0.113.7", "203.0.113.7 or host:443"),
        ("proxy", SecretStr("proxy.example"), "http://host:3128"),
        ("proxy", SecretStr(f"ftp://me:{SECRET}@proxy.example"), "http://host:3128"),
        ("proxy", SecretStr(f"http://me:{SECRET}@[::1"), "http://host:3128"),
        ("proxy", SecretStr(f"http://me:{SECRET}/7@proxy.example"), "http://host:3128"),
    ],
)
def test_an_address_that_cannot_be_used_is_named(field: str, value: object, why: str) -> None:
    message = fault(COMPLETE.model_copy(update={field: value}))
    assert why in message
    assert {"base_url": "HELPSCOUT_BASE_URL"}.get(field, f"COMPAT_{field.upper()}") in message


def test_without_help_scout_there_must_be_an_archive() -> None:
    with pytest.raises(SettingsError, match="COMPAT_ARCHIVE is not set"):
        source_from_settings(COMPLETE.model_copy(update={"offline": True}))


@pytest.mark.parametrize(("count_by", "kind"), [("rows", LiveSource), ("totals", TotalsSource)])
def test_without_an_archive_the_source_is_help_scout(count_by: str, kind: type[LiveSource]) -> None:
    source = source_from_settings(COMPLETE.model_copy(update={"count_by": count_by}))
    assert type(source) is kind
    source.close()


@pytest.mark.parametrize("offline", [True, False])
def test_an_archive_has_help_scout_beside_it_unless_it_must_not_be_asked(
    tmp_path: Path, offline: bool
) -> None:
    url = f"sqlite:///{tmp_path}/archive.db"
    open_archive(url, create=True).close()
    settings = COMPLETE.model_copy(
        update={
            "archive": SecretStr(url),
            "offline": offline,
            "count_by": "totals",
            "recent_age": 70,
            "max_age": 80,
        }
    )
    source = source_from_settings(settings)
    assert isinstance(source, ArchiveSource)
    assert (source._live is None) is offline
    assert offline or source._ages == MaxAges(70, 80)
    source.close()


@pytest.mark.parametrize("place", ["sqlite:///{}/none.db", "sqlite:///{}/text", "https://{}"])
@pytest.mark.parametrize("offline", [True, False])
def test_an_archive_that_cannot_be_opened_is_named_by_its_setting_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: bool, place: str
) -> None:
    closed: list[None] = []
    monkeypatch.setattr(LiveSource, "close", lambda _: closed.append(None))
    (tmp_path / "text").write_text("This is no database. " * 100)
    url = SecretStr(place.format(tmp_path))
    with pytest.raises(SettingsError) as refused:
        source_from_settings(COMPLETE.model_copy(update={"archive": url, "offline": offline}))
    assert str(refused.value).count("COMPAT_ARCHIVE") == 1
    assert closed == ([] if offline else [None])
