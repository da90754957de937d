"""Mailboxes, folders and tags, for programs that fill their filters with them."""

from __future__ import annotations

from compat import clock
from compat.facts import fetch_items
from compat.needs import Listed, Menu
from compat.v2.client import Client


def fetch_menu(client: Client, menu: Menu, age: int) -> Listed:
    """What a menu shows; to be used again for `age` seconds."""
    fresh_until = clock.elapsed() + age
    items, asked_at = fetch_items(client, menu)
    return Listed(items, asked_at, fresh_until)
