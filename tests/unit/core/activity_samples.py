"""Conversations with threads for tests: the vectors, drawn ones, and payloads as activities."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from compat.core.intervals import Interval
from compat.core.models import Activity, Rating, Row, Thread
from tests.unit.core import activity_oracle as oracle

Json = dict[str, Any]

VECTORS: Json = json.loads((Path(__file__).parent / "data/family-vectors.json").read_text("utf-8"))
"""Conversations with threads, and the values that follow from the rules."""

FIRST, LAST = VECTORS["range"]
BEFORE = ("2014-12-29T00:00:00Z", "2015-01-04T23:59:59Z")
RATINGS = {"great": 1, "okay": 2, "not_good": 3}


def interval(first: str = FIRST, last: str = LAST) -> Interval:
    """A range of the vectors' own, unless given otherwise."""
    return Interval(oracle.seconds(first), oracle.seconds(last))


def vector_payloads() -> list[Json]:
    """The vectors' conversations as Mailbox API 2.0 lists them."""
    return [_payload(each) for each in VECTORS["conversations"]]


def _payload(vector: Json) -> Json:
    users = {1, 2}
    creator = vector["createdBy"]
    kept = {name: vector[name] for name in ("id", "number", "type", "status", "state", "createdAt")}
    closing = {name: vector[name] for name in ("closedAt", "closedBy") if name in vector}
    return (
        kept
        | closing
        | {
            "mailboxId": 1,
            "folderId": 11,
            "createdBy": {"id": creator, "type": "user" if creator in users else "customer"},
            "primaryCustomer": {"id": vector["cust"]},
            "tags": [{"id": tag, "tag": f"tag {tag}", "color": "#fff"} for tag in vector["tags"]],
            "threads": sum(
                each["state"] == "published" and each["type"] != "lineitem"
                for each in vector["threads"]
            ),
            "_embedded": {"threads": vector["threads"]},
        }
    )


def activity(payload: Json) -> Activity:
    """A payload as the reports get it."""
    creator = payload.get("createdBy") or {}
    closed = payload.get("closedAt")
    return Activity(
        Row(
            oracle.seconds(payload["createdAt"]),
            payload["id"],
            payload["mailboxId"],
            payload["folderId"],
            payload["type"],
            payload["status"],
            payload["state"],
            tuple(tag["id"] for tag in payload["tags"]),
        ),
        tuple(sorted(map(_thread, payload["_embedded"]["threads"]))),
        customer=payload["primaryCustomer"]["id"],
        created_by=creator["id"] if creator.get("type") == "user" else 0,
        closed=None if closed is None else oracle.seconds(closed),
        closed_by=payload.get("closedBy", 0),
        number=payload["number"],
    )


def _thread(payload: Json) -> Thread:
    by, author = oracle.author(payload)
    status = payload.get("status")
    return Thread(
        oracle.seconds(payload["createdAt"]),
        payload["id"],
        payload["type"],
        payload["state"] or "",
        None if status == "nochange" else status,
        by,
        author,
        (payload.get("customer") or {}).get("id", 0),
        payload.get("action", {}).get("type", ""),
        payload.get("source", {}).get("type", ""),
        payload.get("savedReplyId", 0),
        _rating(payload),
    )


def _rating(payload: Json) -> Rating | None:
    """The rating as the old API numbers it, by the customer of the thread."""
    if not (rating := payload.get("rating")):
        return None
    customer = rating.get("customerId") or payload["customer"]["id"]
    return Rating(RATINGS[rating["rating"]], customer, comments=rating.get("comments", ""))


def activities(payloads: Sequence[Json]) -> list[Activity]:
    """Payloads as the reports get them."""
    return list(map(activity, payloads))


def text(moment: datetime) -> str:
    """An instant as payloads have it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


_USERS = st.builds(lambda id_: {"id": id_, "type": "user"}, st.sampled_from([1, 2, 3]))
_CUSTOMERS = st.builds(lambda id_: {"id": id_, "type": "customer"}, st.sampled_from([101, 102]))
_EDGES = (oracle.at(FIRST), oracle.at(LAST), oracle.at("2015-01-06T00:00:00Z"))
_MOMENTS = st.builds(
    lambda edge, seconds: text(edge + timedelta(seconds=seconds)),
    st.sampled_from(_EDGES),
    st.one_of(st.integers(-2, 2), st.integers(-2, 2), st.integers(-300_000, 300_000)),
)
_KINDS = (
    *("customer", "message", "customer", "message", "note", "lineitem"),
    *("phone", "chat", "beaconchat", "forwardparent"),
)
_STATUSES = st.sampled_from(["nochange", "active", "pending", "closed", "closed"])
_ACTIONS = st.sampled_from(["default"] * 5 + ["imported", "manual-workflow", "original-author"])
_STATES = st.sampled_from(["published"] * 5 + ["draft", "hidden", "review"])

_RATED = st.one_of(
    st.just({}),
    st.builds(
        lambda word, customer: {
            "rating": {"customerId": customer, "rating": word, "comments": f"It was {word}."}
        },
        st.sampled_from(sorted(RATINGS)),
        st.sampled_from([101, 102, 103]),
    ),
)


@st.composite
def thread_payloads(draw: st.DrawFn) -> Json:
    """A thread of any kind; many of them lie at the edges of the range."""
    kind = draw(st.sampled_from(_KINDS))
    sides = {"customer": _CUSTOMERS, "message": _USERS, "note": _USERS, "lineitem": _USERS}
    return {
        "id": 0,
        "type": kind,
        "status": draw(_STATUSES),
        "state": draw(st.sampled_from([None, "published"]) if kind == "lineitem" else _STATES),
        "action": {"type": draw(_ACTIONS)},
        "source": {"type": draw(st.sampled_from(["email", "web", "workflows"])), "via": "user"},
        "createdAt": draw(_MOMENTS),
        "createdBy": draw(sides.get(kind, st.one_of(_USERS, _CUSTOMERS))),
        "customer": draw(st.sampled_from([{"id": 101}, {"id": 103}, None])),
    } | (draw(_RATED) if kind == "message" else {})


_THREADS = st.lists(thread_payloads(), max_size=9)


@st.composite
def payloads(draw: st.DrawFn) -> Json:
    """A conversation with threads, as Mailbox API 2.0 lists it."""
    drawn = draw(_THREADS)
    created = min([each["createdAt"] for each in drawn], default=FIRST)
    closed = draw(st.booleans())
    return {
        "id": draw(st.integers(1, 10**6)),
        "number": 1,
        "type": "email",
        "mailboxId": 1,
        "folderId": 11,
        "status": "closed" if closed else draw(st.sampled_from(["active", "pending", "spam"])),
        "state": draw(st.sampled_from(["published"] * 5 + ["draft", "deleted"])),
        "createdAt": created,
        "createdBy": draw(st.one_of(_CUSTOMERS, _CUSTOMERS, _USERS)),
        "primaryCustomer": {"id": draw(st.sampled_from([101, 102]))},
        "tags": [],
        "_embedded": {"threads": [{**each, "id": number} for number, each in enumerate(drawn, 1)]},
    } | ({"closedAt": draw(_MOMENTS), "closedBy": 1} if closed else {})
