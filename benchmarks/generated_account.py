"""A Mailbox API 2.0 with as many conversations as wanted, which takes no memory for them.

Conversation number n was created 150 seconds after number n - 1. All of them are in one mailbox,
closed and never modified, so a page is computed from its address. Only what a first fill requests
is there. The simulator would need a gigabyte for a million conversations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from compat.server.asgi_types import Application, Receive, Scope, Send

PAGE: Final = 25
STEP: Final = 150
FIRST: Final = datetime(2015, 1, 1, tzinfo=UTC)
_MAILBOX: Final = 8501
_USER: Final = {
    "id": 4107,
    "type": "user",
    "first": "Chiara",
    "last": "Rossi",
    "email": "chiara-rossi@example.com",
    "photoUrl": "https://photos.example/4107.png",
}
_CREATED: Final = re.compile(r"createdAt:\[(\S+) TO (\S+)\]")
_LIST: Final = re.compile(r"/v2/(mailboxes|tags|users|teams)(?:/\d+/(folders|members))?$")


def generated(size: str) -> Application:
    """The API as an ASGI application.

    Args:
        size: How many conversations there are.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            body = json.dumps(_answer(scope, int(size)), separators=(",", ":")).encode()
            headers = [
                (b"content-type", b"application/hal+json"),
                (b"content-length", b"%d" % len(body)),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return application


def _answer(scope: Scope, size: int) -> Mapping[str, Any]:
    path: str = scope["path"]
    query = {name: texts[0] for name, texts in parse_qs(scope["query_string"].decode()).items()}
    if path == "/v2/oauth2/token":
        return {"access_token": "token", "expires_in": 172_800, "token_type": "bearer"}
    if path == "/v2/users/me":
        return {**_USER, "companyId": 1}
    if found := _LIST.match(path):
        items = [{"id": _MAILBOX, "name": "Support", "slug": "support", "email": "a@example.com"}]
        name = found[2] or found[1]
        return _page(name, items if name == "mailboxes" else [], 1, 1)
    spam_or_modified = query["status"] == "spam" or "modifiedAt" in query["query"]
    numbers = range(0) if spam_or_modified else _numbers(query["query"], size)
    first = PAGE * (int(query["page"]) - 1)
    rows = [_conversation(number) for number in numbers[first : first + PAGE]]
    return _page("conversations", rows, len(numbers), -(-len(numbers) // PAGE))


def _page(name: str, items: list[dict[str, Any]], total: int, pages: int) -> dict[str, Any]:
    page = {"size": PAGE, "totalElements": total, "totalPages": pages, "number": 1}
    return {"_embedded": {name: items}, "page": page}


def _numbers(query: str, size: int) -> range:
    """The numbers of the conversations that were created in a range; both ends are included."""
    created = _CREATED.search(query)
    assert created
    low, high = created.groups()
    first = 0 if low == "*" else -(-_seconds(low) // STEP)
    last = size - 1 if high == "*" else _seconds(high) // STEP
    return range(max(first, 0), min(last, size - 1) + 1)


def _seconds(instant: str) -> int:
    return round((datetime.fromisoformat(instant) - FIRST).total_seconds())


def _instant(number: int, later: int = 0) -> str:
    return f"{FIRST + timedelta(seconds=STEP * number + later):%Y-%m-%dT%H:%M:%SZ}"


def _conversation(number: int) -> dict[str, Any]:
    """A conversation with the keys that Help Scout sends."""
    id_, customer_id = 100_000 + number, 900_000 + number % 5_000
    customer = {
        "id": customer_id,
        "type": "customer",
        "first": "Ines",
        "last": "Eriksen",
        "email": f"ines{customer_id}@customers.example",
        "photoUrl": f"https://photos.example/{customer_id}.png",
    }
    links = {
        "assignee": f"users/{_USER['id']}",
        "closedBy": f"users/{_USER['id']}",
        "createdByCustomer": f"customers/{customer_id}",
        "mailbox": f"mailboxes/{_MAILBOX}",
        "primaryCustomer": f"customers/{customer_id}",
        "self": f"conversations/{id_}",
        "threads": f"conversations/{id_}/threads/",
    }
    return {
        "id": id_,
        "number": number,
        "threads": 3,
        "type": "email",
        "folderId": 72_021,
        "status": "closed",
        "state": "published",
        "subject": f"Please change my order {number * 7919 % 100_003}",
        "preview": f"Hello, please change order {number * 104_729 % 1_000_003}. Regards, Ines",
        "mailboxId": _MAILBOX,
        "assignee": _USER,
        "closedAt": _instant(number, 7_200),
        "closedBy": _USER["id"],
        "closedByUser": _USER,
        "createdBy": customer,
        "createdAt": _instant(number),
        "userUpdatedAt": _instant(number, 7_200),
        "customerWaitingSince": {"time": _instant(number), "friendly": "a while ago"},
        "source": {"type": "email", "via": "customer"},
        "tags": [{"id": tag, "color": "#333333", "tag": f"tag-{tag}"} for tag in _tags(number)],
        "cc": [],
        "bcc": [],
        "primaryCustomer": customer,
        "customFields": [],
        "_embedded": {"threads": []},
        "_links": {
            name: {"href": f"https://api.helpscout.net/v2/{path}"} for name, path in links.items()
        },
    }


def _tags(number: int) -> list[int]:
    """None, one or two of a hundred."""
    return sorted({number * 31 % 100 + 1, number * 17 % 100 + 1})[: number % 3]
