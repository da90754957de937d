"""Finding a customer in what is kept."""

from __future__ import annotations

import json
from typing import Any, Final

from compat.archive import schema
from compat.archive.reading import Snapshot
from compat.archive.sql import sa

_BATCH: Final = 500


def customers(snapshot: Snapshot, wanted: str) -> list[int]:
    """The ids of the customers that a text means.

    Args:
        snapshot: Where to look.
        wanted: An id, which is taken as it is; or an e-mail address, in whatever case. A slim
            archive keeps none.
    """
    if "@" not in wanted:
        return [int(wanted)] if wanted.isascii() and wanted.isdigit() else []
    address = wanted.casefold()
    table = schema.document.c
    found: set[int] = set()
    after = -1
    query = sa.select(table.conversation).order_by(table.conversation).limit(_BATCH)
    while ids := list(snapshot.ask(query.where(table.conversation > after)).scalars()):
        for document in snapshot.raw_documents(ids).values():
            person = json.loads(document).get("primaryCustomer") or {}
            if _address(person) == address:
                found.add(int(person["id"]))
        after = ids[-1]
    return sorted(found)


def _address(person: dict[str, Any]) -> str:
    return str(person.get("email") or "").casefold()
