"""The line to Mailbox API 2.0 that the settings describe."""

from __future__ import annotations

from compat.settings import Settings, SettingsError, variable
from compat.v2.client import Client, Credentials


def line_of(settings: Settings) -> Client:
    """A client that signs in and connects as the settings say.

    Raises:
        SettingsError: What is needed to reach Mailbox API 2.0 is missing or cannot be used.
    """
    secret = settings.app_secret.get_secret_value()
    needed = (("app_id", settings.app_id, "App ID"), ("app_secret", secret, "App Secret"))
    if missing := [(field, what) for field, value, what in needed if not value]:
        raise SettingsError(
            "\n".join(
                f"{variable(field)} is not set: make an application at Help Scout under "
                f"Your Profile, My Apps, and set it to the {what} shown there"
                for field, what in missing
            )
        )
    try:
        return Client(
            Credentials(settings.app_id, secret),
            base_url=settings.base_url,
            connect_to=settings.connect_to,
            reserve=settings.rate_reserve,
            timeout=settings.timeout,
            proxy=settings.proxy.get_secret_value() if settings.proxy else None,
            ca_file=settings.ca_file,
        )
    except ValueError as error:
        names = ", ".join(map(variable, ("base_url", "connect_to", "proxy", "ca_file")))
        raise SettingsError(f"{names}: {error}") from None
