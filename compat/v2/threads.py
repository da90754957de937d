"""Threads of conversations: embedded in lists of conversations, and in a list of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, NamedTuple, Self, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field
from pydantic_core import from_json

from compat.v2.client import ApiResponse, Client
from compat.v2.errors import AccessRefused, InconsistentData, Redirected, RequestRefused
from compat.v2.lists import Missing, missing
from compat.v2.models import (
    _LEFT_TO_RIGHT,
    FullConversation,
    Page,
    PageInfo,
    PageKeepingDocuments,
    PersonPayload,
    WithoutLongTexts,
    _Array,
    _Instant,
    _Integer,
    _Missing,
    _Model,
    _Null,
    _Text,
    fault_of_page,
    hides_rows,
)

_READINGS: Final = 4
_PUBLISHED: Final = "published"
_LINE_ITEM: Final = "lineitem"
_CHATS: Final = frozenset({"chat", "beaconchat"})
_RATINGS: Final = {"great": 1, "okay": 2, "not_good": 3}
_UNKNOWN: Final = -1

T = TypeVar("T")
_Optional: TypeAlias = Annotated[T | _Missing, _LEFT_TO_RIGHT]


class TypeOnly(_Model):
    """An object of which only the type is read."""

    type: _Text = None


class Author(PersonPayload):
    """Who created something: a customer or a user."""

    type: _Text = None


class RatingPayload(_Model):
    """What a customer said of a reply.

    Attributes:
        rating: A text; anything else is no known rating.
        customer_name: The name of the customer, and `user_name` that of who wrote the reply, as
            exports of an archive have them; upstream shows neither here.
    """

    customer: _Integer = Field(alias="customerId", default=None)
    rating: Any = None
    comments: _Text = None
    customer_name: _Text = Field(alias="_customerName", default=None)
    user_name: _Text = Field(alias="_userName", default=None)

    @property
    def number(self) -> int:
        """The rating as the old API numbers it; 0 if there is none, -1 if it is no known one."""
        if self.rating in (None, ""):
            return 0
        if not isinstance(self.rating, str):
            return _UNKNOWN
        return _RATINGS.get(self.rating.lower().replace("-", "_"), _UNKNOWN)


def _in_its_place(value: object) -> RatingPayload:
    """What stands in the place of a rating, as one; an empty list is none."""
    return RatingPayload(rating=None if value == [] else value)


_InItsPlace: TypeAlias = Annotated[RatingPayload, BeforeValidator(_in_its_place)]
_AnyRating: TypeAlias = Annotated[RatingPayload | _Null | _InItsPlace, _LEFT_TO_RIGHT]


class _Attachments(_Model):
    attachments: _Optional[_Array[Any]] = None


class ThreadPayload(_Model):
    """A thread; what may be None is unknown then, or there is none."""

    id: _Integer = None
    type: _Text = None
    state: _Text = None
    status: _Text = None
    action: _Optional[TypeOnly] = None
    source: _Optional[TypeOnly] = None
    customer: _Optional[PersonPayload] = None
    created_by: _Optional[Author] = Field(alias="createdBy", default=None)
    saved_reply: _Integer = Field(alias="savedReplyId", default=None)
    created_at: _Instant = Field(alias="createdAt", default=None)
    rating: _AnyRating = None
    embedded: _Optional[_Attachments] = Field(alias="_embedded", default=None)

    @property
    def has_attachments(self) -> bool:
        """Whether it has attachments."""
        return bool(self.embedded and self.embedded.attachments)

    @property
    def unknown_key(self) -> str:
        """The first key of those that counting a thread needs; empty if all are known."""
        values = {"id": self.id, "createdAt": self.created_at}
        return next((key for key, value in values.items() if value is None), "")


class _EmbeddedThreads(_Model):
    threads: _Optional[_Array[ThreadPayload]] = None


class ConversationWithThreads(FullConversation):
    """A conversation with its threads, as a list with `embed=threads` shows it."""

    created_by: _Optional[Author] = Field(alias="createdBy", default=None)
    embedded: _Optional[_EmbeddedThreads] = Field(alias="_embedded", default=None)

    @property
    def shown_threads(self) -> tuple[ThreadPayload, ...]:
        """The embedded threads, not always all of them: see `are_all_shown`."""
        return (self.embedded and self.embedded.threads) or ()

    @property
    def are_all_shown(self) -> bool:
        """Whether the embedded threads are all threads of the conversation.

        Those of chats are truncated. `threads` counts published threads without line items: if
        fewer are shown, some are missing.
        """
        shown = self.shown_threads
        if self.type == "chat" or any(thread.type in _CHATS for thread in shown):
            return False
        return self.threads is not None and count_published(shown) >= self.threads


class ConversationWithThreadsAndDocument(ConversationWithThreads):
    """A conversation with its threads that keeps the rest of its payload as `document`."""

    def set_document(self, received: object) -> None:
        """Keep the payload without the threads, whose texts are not to be kept."""
        if isinstance(received, dict) and isinstance(received.get("_embedded"), dict):
            others = {key: each for key, each in received["_embedded"].items() if key != "threads"}
            received = {key: each for key, each in received.items() if key != "_embedded"}
            received |= {"_embedded": others} if others else {}
        super().set_document(received)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read one conversation."""
        read = super().model_validate_json(json_data, **options)
        read.set_document(from_json(json_data))
        return read


class PageWithThreads(Page[ConversationWithThreads], WithoutLongTexts):
    """A page of conversations with their threads, without texts."""


class PageWithThreadsAndDocuments(PageKeepingDocuments[ConversationWithThreadsAndDocument]):
    """A page of conversations with their threads that keep the rest of their payloads."""


class _ThreadEntries(_Model):
    threads: _Array[ThreadPayload] | None = None


class ThreadPage(WithoutLongTexts, _Model):
    """One page of a conversation's threads; without `page` it is the only one."""

    embedded: _ThreadEntries | None = Field(alias="_embedded", default=None)
    page: PageInfo | None = None

    @property
    def rows(self) -> tuple[ThreadPayload, ...]:
        """The threads on the page."""
        return (self.embedded and self.embedded.threads) or ()


@dataclass(frozen=True)
class ThreadList:
    """All threads of a conversation.

    Attributes:
        threads: The threads, each once, those with the lowest ids first.
        requested_at: When the last reading began, epoch seconds by upstream's clock.
    """

    threads: tuple[ThreadPayload, ...]
    requested_at: int


class _Reading(NamedTuple):
    """One reading of a list of threads.

    Attributes:
        threads: As in `ThreadList`.
        pages: On how many pages they were.
        requested_at: As in `ThreadList`.
        hides_some: As in `compat.v2.models.hides_rows`.
    """

    threads: tuple[ThreadPayload, ...]
    pages: int
    requested_at: int
    hides_some: bool


def count_published(threads: Sequence[ThreadPayload]) -> int:
    """How many of some threads a conversation's number of threads counts."""
    counted = (each for each in threads if each.type != _LINE_ITEM and each.state == _PUBLISHED)
    return sum(1 for _ in counted)


def list_threads(
    client: Client, conversation: int, before_request: Callable[[], None] = lambda: None
) -> ThreadList | Missing:
    """All threads of a conversation, also of a chat; or why the conversation is missing.

    Threads move from page to page when one is added or removed. So several pages are read until
    two readings show the same threads. One page needs one request.

    Args:
        client: The API client.
        conversation: Its id.
        before_request: Called before each request; raises to stop.

    Raises:
        InconsistentData: The threads keep changing.
        UpstreamError: Upstream fails.
    """
    before: frozenset[int | None] | None = None
    for _ in range(_READINGS):
        try:
            read = _read_threads(client, conversation, before_request)
        except (AccessRefused, Redirected, RequestRefused) as refusal:
            return missing(refusal)
        ids = frozenset(thread.id for thread in read.threads)
        if read.pages <= 1 or (ids == before and not read.hides_some):
            return ThreadList(read.threads, read.requested_at)
        before = ids
    raise InconsistentData(
        f"the threads of conversation {conversation} kept changing while they were read"
    )


def _read_threads(
    client: Client, conversation: int, before_request: Callable[[], None]
) -> _Reading:
    path = f"/conversations/{conversation}/threads"
    pages: list[ApiResponse[ThreadPage]] = []
    last = 1
    while len(pages) < last:
        before_request()
        number = len(pages) + 1
        check = partial(_check_page, conversation, number)
        pages.append(client.get(path, {"page": str(number)}, ThreadPage, check=check))
        info = pages[-1].value.page
        last = max(last, info.total_pages if info else 1)
    rows = [page.value.rows for page in pages]
    found = {each.id if each.id is not None else object(): each for page in rows for each in page}
    threads = tuple(sorted(found.values(), key=lambda each: each.id or 0))
    ids = [[each.id for each in page] for page in rows]
    return _Reading(threads, last, pages[0].requested_at, hides_rows(ids, pages[-1].value.page))


def _check_page(conversation: int, number: int, found: ThreadPage) -> None:
    if fault := fault_of_page(number, found.embedded, found.page, len(found.rows)):
        raise InconsistentData(f"a page of the threads of conversation {conversation} {fault}")
