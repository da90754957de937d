"""Another implementation of New Conversations, as somebody else might write one, and its bugs.

It shares no code with the package: the calendar is the tests' own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

from tests.unit.core import naive

Conversation = dict[str, Any]
UNTAGGED = 1

BUGS = {
    "the end is left out": "end",
    "a bucket holds its end instead of its beginning": "right-closed",
    "months drift after a short one": "drift",
    "a month is thirty days": "thirty",
    "spam counts": "spam",
    "drafts count": "drafts",
    "tag 1 is a tag like any other": "untagged",
    "all tags are needed": "all-tags",
    "the previous range is cut at the current one's time of day": "anchor",
    "empty buckets are left out": "empty",
    "the last stub is dropped": "stub",
    "previous is null where none was asked for": "null",
    "without viewBy it is a day": "default",
    "the first bucket begins at midnight": "snapped",
    "an offset is ignored": "offset",
    "of a list as PHP sends it one item is read": "php",
    "counts are fractions": "float",
    "a range that ends before it starts is empty": "backwards",
    "an unknown type is ignored": "types",
}


class Candidate:
    """Answers the old query about conversations; `bug` names what it does wrong."""

    def __init__(self, bug: str = "") -> None:
        self.bug = bug

    def __call__(self, query: str, conversations: list[Conversation]) -> Any:
        asked = self._read(query)
        try:
            ranges = self._ranges(asked)
        except (KeyError, ValueError):
            return 400, {}
        rows = [each for each in conversations if self._counts(each, asked)]
        view_by: Any = asked.get("viewBy", ["day" if self.bug == "default" else "week"])[0]
        answer: dict[str, Any] = {
            name: self._series(rows, *span, view_by) for name, span in ranges.items()
        }
        return answer | {"previous": None} if self.bug == "null" and len(ranges) == 1 else answer

    def _read(self, query: str) -> dict[str, list[str]]:
        asked: dict[str, list[str]] = defaultdict(list)
        for name, value in parse_qsl(query.partition("?")[2]):
            plain = re.sub(r"\[\d*\]$", "", name)
            if plain != name and self.bug == "php" and plain in asked:
                continue
            many = plain in {"tags", "types", "mailboxes", "folders"}
            asked[plain] += value.split(",") if many else [value]
        return dict(asked)

    def _ranges(self, asked: dict[str, list[str]]) -> dict[str, tuple[int, int]]:
        for name in ("tags", "mailboxes", "folders"):
            _ = [int(each) for each in asked.get(name, [])]
        if self.bug != "types" and set(asked.get("types", [])) - {"email", "chat", "phone"}:
            raise ValueError("no such type")
        ranges = {"current": (self._instant(asked["start"]), self._instant(asked["end"]))}
        if "previousStart" in asked:
            edges = (asked["previousStart"], asked["previousEnd"])
            ranges["previous"] = (self._instant(edges[0]), self._instant(edges[1]))
            if self.bug == "anchor":
                first, last = ranges["previous"]
                ranges["previous"] = (first - (first - ranges["current"][0]) % 86_400, last)
        if self.bug != "backwards" and any(last < first for first, last in ranges.values()):
            raise ValueError("ends before it starts")
        return ranges

    def _instant(self, texts: list[str]) -> int:
        text = re.sub(r"\.\d+", "", texts[0]).replace(" ", "+")
        if self.bug == "offset":
            text = re.sub(r"[+-]\d\d:\d\d$", "Z", text)
        moment = datetime.fromisoformat(text)
        return naive.seconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))

    def _counts(self, each: Conversation, asked: dict[str, list[str]]) -> bool:
        if each["status"] == "spam" and self.bug != "spam":
            return False
        states = {"published", "draft"} if self.bug == "drafts" else {"published"}
        if each["state"] not in states or not self._tagged(each, asked.get("tags", [])):
            return False
        fields = {"types": "type", "mailboxes": "mailboxId", "folders": "folderId"}
        return all(
            str(each[field]) in asked[name] for name, field in fields.items() if name in asked
        )

    def _tagged(self, each: Conversation, wanted: Iterable[str]) -> bool:
        tags = {str(tag["id"]) for tag in each["tags"]}
        if not tags and self.bug != "untagged":
            tags = {str(UNTAGGED)}
        asked = set(wanted)
        return not asked or (asked <= tags if self.bug == "all-tags" else bool(asked & tags))

    def _series(
        self, rows: list[Conversation], start: int, end: int, view_by: Any
    ) -> list[dict[str, Any]]:
        step: Literal["clamped", "drifting", "thirty-days"] = "clamped"
        if self.bug in {"drift", "thirty"}:
            step = "drifting" if self.bug == "drift" else "thirty-days"
        if self.bug == "snapped":
            start -= start % 86_400
        starts = naive.starts(start, max(start, end), view_by, step)
        made = [naive.seconds(datetime.fromisoformat(each["createdAt"])) for each in rows]
        late = self.bug == "right-closed"
        shifted = [each - 1 if late and each > start else each for each in made if each <= end]
        counts = naive.count(shifted, starts, end, self.bug != "end")
        if self.bug == "stub" and len(starts) > 1 and view_by == "week" and (end - start) % 604_800:
            starts, counts = starts[:-1], counts[:-1]
        number = float if self.bug == "float" else int
        return [
            {"start": text(opening), "count": number(count)}
            for opening, count in zip(starts, counts, strict=True)
            if count or self.bug != "empty"
        ]


def text(second: int) -> str:
    """An instant as answers print it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
