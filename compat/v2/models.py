"""Models of Mailbox API 2.0's payloads: the keys that are read; all others are ignored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Generic, Self, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetPydanticSchema
from pydantic_core import core_schema, from_json, to_json

LARGEST_ID: Final = 2**63 - 1
"""The largest number that databases store."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_FIRST_INSTANT: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST_INSTANT: Final = datetime.max.replace(tzinfo=UTC)


def whole_second(instant: datetime) -> int:
    """The whole second of an instant with a time zone, epoch UTC; fractions are dropped."""
    return (instant - _EPOCH) // _SECOND


class _Model(BaseModel):
    """Unknown keys are ignored; a missing key and null mean the same."""

    # A value that is not valid may hold a token, or a customer's words.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)


class WithoutLongTexts(BaseModel):
    """A body of which long texts are dropped while it is received; they read as empty.

    Names of people and comments on ratings stay.
    """


def _nothing(_: object) -> None:
    return None


_Missing: TypeAlias = Annotated[None, BeforeValidator(_nothing)]
"""Any value of another type than documented: it counts as missing, as null does. So does an empty
text where an instant belongs."""

# With a null of their own, before `_Missing`, these read null without a call of `_nothing`.
_Null: TypeAlias = None
_Number: TypeAlias = Annotated[int, Field(ge=-LARGEST_ID - 1, le=LARGEST_ID)]
_Word: TypeAlias = Annotated[str, Field(min_length=1)]
_LEFT_TO_RIGHT: Final = Field(union_mode="left_to_right")
_Integer: TypeAlias = Annotated[_Number | _Null | _Missing, _LEFT_TO_RIGHT]
_Text: TypeAlias = Annotated[str | _Null | _Missing, _LEFT_TO_RIGHT]

# A page that keeps its payloads is decoded once, and the models are made of what that yields. There
# an instant is a text and nothing else, as in JSON, and an array is a list. Digits alone would be
# read as epoch seconds. At the ends of the calendar an offset would lead out of it.
_KnownInstant: TypeAlias = Annotated[
    datetime,
    GetPydanticSchema(
        lambda _type, _handler: core_schema.chain_schema(
            [
                core_schema.str_schema(strict=True, pattern="^[0-9]{4}-"),
                core_schema.datetime_schema(
                    strict=False, tz_constraint="aware", ge=_FIRST_INSTANT, le=_LAST_INSTANT
                ),
            ]
        )
    ),
]
_Instant: TypeAlias = Annotated[_KnownInstant | _Null | _Missing, _LEFT_TO_RIGHT]
E = TypeVar("E")
_Array: TypeAlias = Annotated[tuple[E, ...], Field(strict=False)]


class Tag(_Model):
    """A tag on a conversation; no tag has a negative id, which has a meaning of its own here."""

    id: Annotated[int, Field(ge=0, le=LARGEST_ID)]


class Conversation(_Model):
    """The parts of a conversation that counting needs; those that may be None are unknown then.

    Type, status and state are open sets: values that upstream adds later are accepted.

    Attributes:
        tags: None also if one of the tags has no id.
    """

    id: int
    mailbox_id: _Integer = Field(alias="mailboxId", default=None)
    folder_id: _Integer = Field(alias="folderId", default=None)
    type: _Text = None
    status: _Word
    state: _Word
    created_at: _KnownInstant = Field(alias="createdAt")
    tags: Annotated[_Array[Tag] | _Missing, _LEFT_TO_RIGHT] = None


class PersonId(_Model):
    """The id of a customer or a user."""

    id: _Integer = None


class PersonPayload(PersonId):
    """A customer or a user."""

    first: _Text = None
    last: _Text = None
    email: _Text = None


_PersonId: TypeAlias = Annotated[PersonId | _Null | _Missing, _LEFT_TO_RIGHT]
_Person: TypeAlias = Annotated[PersonPayload | _Null | _Missing, _LEFT_TO_RIGHT]


class NamedTagPayload(_Model):
    """A tag with its name and colour."""

    id: _Integer = None
    name: _Text = Field(alias="tag", default=None)
    color: _Text = None


class WaitingSince(_Model):
    """Since when a customer waits for a reply."""

    time: _Instant = None


_WaitingSince: TypeAlias = Annotated[
    WaitingSince | _KnownInstant | _Null | _Missing, _LEFT_TO_RIGHT
]
"""An instant that stands in the place of the object is read as well: see `waiting_time`."""


def waiting_time(value: WaitingSince | datetime | None) -> datetime | None:
    """Since when a customer waits; None if that is unknown."""
    return value.time if isinstance(value, WaitingSince) else value


class ConversationDocument(_Model):
    """A conversation with the texts and names that lists of conversations show."""

    id: int
    number: _Integer = None
    mailbox_id: _Integer = Field(alias="mailboxId", default=None)
    type: _Text = None
    status: _Word
    state: _Word
    subject: _Text = None
    preview: _Text = None
    threads: _Integer = None
    created_at: _KnownInstant = Field(alias="createdAt")
    updated_at: _Instant = Field(alias="userUpdatedAt", default=None)
    waiting_since: _WaitingSince = Field(alias="customerWaitingSince", default=None)
    customer: _Person = Field(alias="primaryCustomer", default=None)
    assignee: _Person = None
    tags: Annotated[_Array[NamedTagPayload] | _Missing, _LEFT_TO_RIGHT] = None


class FullConversation(Conversation):
    """A conversation with all facts worth storing.

    Attributes:
        closed_by: The id of the user who closed it; 0 or None if nobody did.
        document: The conversation as it was received, as JSON; empty unless the model keeps it. A
            key of this name in what is received has no meaning.
    """

    number: _Integer = None
    threads: _Integer = None
    closed_at: _Instant = Field(alias="closedAt", default=None)
    closed_by: _Integer = Field(alias="closedBy", default=None)
    updated_at: _Instant = Field(alias="userUpdatedAt", default=None)
    waiting_since: _WaitingSince = Field(alias="customerWaitingSince", default=None)
    created_by: _PersonId = Field(alias="createdBy", default=None)
    customer: _PersonId = Field(alias="primaryCustomer", default=None)
    assignee: _PersonId = None
    document: Annotated[bytes, BeforeValidator(lambda _: b"")] = b""

    def set_document(self, received: object) -> None:
        """Keep the payload.

        Args:
            received: The JSON value, decoded.
        """
        # A private attribute would cost a call for each conversation, kept or not.
        object.__setattr__(self, "document", to_json(received))


class ConversationWithDocument(FullConversation):
    """A full conversation that keeps its payload as `document`."""

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read one conversation."""
        read = super().model_validate_json(json_data, **options)
        read.set_document(from_json(json_data))
        return read


class ListEntry(_Model):
    """A mailbox, a folder, a tag, a user or a team; `type` tells home folders from views."""

    id: _Number
    name: _Text = None
    first_name: _Text = Field(alias="firstName", default=None)
    last_name: _Text = Field(alias="lastName", default=None)
    slug: _Text = None
    email: _Text = None
    role: _Text = None
    timezone: _Text = None
    photo_url: _Text = Field(alias="photoUrl", default=None)
    company_id: _Integer = Field(alias="companyId", default=None)
    type: _Text = None
    user_id: _Integer = Field(alias="userId", default=None)
    color: _Text = None
    total: _Integer = Field(alias="totalCount", default=None)
    active: _Integer = Field(alias="activeCount", default=None)
    tickets: _Integer = Field(alias="ticketCount", default=None)
    created_at: _Instant = Field(alias="createdAt", default=None)
    updated_at: _Instant = Field(alias="updatedAt", default=None)


class _Entries(_Model):
    mailboxes: _Array[ListEntry] | None = None
    folders: _Array[ListEntry] | None = None
    tags: _Array[ListEntry] | None = None
    users: _Array[ListEntry] | None = None
    teams: _Array[ListEntry] | None = None

    @property
    def rows(self) -> tuple[ListEntry, ...]:
        """The entries of the lists that there are."""
        lists = (self.mailboxes, self.folders, self.tags, self.users, self.teams)
        return tuple(entry for each in lists for entry in each or ())


class PageInfo(_Model):
    """The size of the list that a page belongs to."""

    total_elements: int = Field(alias="totalElements", ge=0)
    total_pages: int = Field(alias="totalPages", ge=0)
    size: _Integer = None

    def contradiction(self, number: int, rows: int) -> str:
        """What is wrong if a page of this number has so many rows; empty if nothing is.

        A page past the end is empty. Otherwise rows are missing that nobody would ask for: on an
        empty page, or behind the last one, if there are fewer pages than the total needs.
        """
        if number > max(1, self.total_pages):
            return ""
        if not rows:
            return "is empty although its total is not" if self.total_elements else ""
        size = self.size or (rows if self.total_pages <= 1 else self.total_elements)
        if self.total_elements > max(self.total_pages, 1) * max(size, rows):
            return "says that there are fewer pages than its total needs"
        return ""


def fault_of_page(number: int, embedded: object, info: PageInfo | None, rows: int) -> str:
    """What is wrong with a page of a list that need not say how long the list is.

    Args:
        number: The number of the page.
        embedded: What stands at `_embedded`; None if there is no such key.
        info: What the page says of the list; None if it says nothing.
        rows: How many rows are on the page.

    Returns:
        Empty if nothing is wrong.
    """
    if info is not None:
        return info.contradiction(number, rows)
    return "shows neither entries nor a total" if embedded is None else ""


def hides_rows(pages: Sequence[Sequence[object]], latest: PageInfo | None) -> bool:
    """Whether pages of a list repeat rows of one another, and lack others that its total counts.

    Rows may have moved from page to page, or upstream shows the same page whatever the number.

    Args:
        pages: The ids of the rows on each page.
        latest: What the latest of them says of the list; None if it says nothing.
    """
    each = [set(page) for page in pages]
    different = len(set().union(*each))
    repeated_on_a_page = sum(map(len, pages)) - sum(map(len, each))
    repeats = different < sum(map(len, each))
    return bool(latest and repeats and different + repeated_on_a_page < latest.total_elements)


R_co = TypeVar("R_co", bound=Conversation, covariant=True)
F = TypeVar("F", bound=FullConversation)


class _Embedded(_Model, Generic[R_co]):
    conversations: _Array[R_co] | None = None


class Page(_Model, Generic[R_co]):
    """One page of conversations. An empty one has an empty array or no `_embedded` at all."""

    embedded: _Embedded[R_co] | None = Field(alias="_embedded", default=None)
    page: PageInfo

    @property
    def rows(self) -> tuple[R_co, ...]:
        """The conversations on the page."""
        return (self.embedded and self.embedded.conversations) or ()


ConversationPage = Page[Conversation]
"""A page of conversations for counting."""

FullConversationPage = Page[FullConversation]
"""A page of full conversations."""


class PageKeepingDocuments(Page[F]):
    """A page whose conversations keep their payloads as `document`."""

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read one page."""
        try:
            received = from_json(json_data)
        except ValueError:
            return super().model_validate_json(json_data, **options)  # it says what is wrong
        page = cls.model_validate(received, **options)
        if page.rows:
            for row, document in zip(
                page.rows, received["_embedded"]["conversations"], strict=True
            ):
                row.set_document(document)
        return page


class PageWithDocuments(PageKeepingDocuments[FullConversation]):
    """A page of full conversations that keep their payloads as `document`."""


class ListPage(_Model):
    """One page of mailboxes, folders, tags, users or teams; without `page` it is the only one."""

    embedded: _Entries | None = Field(alias="_embedded", default=None)
    page: PageInfo | None = None

    @property
    def total_pages(self) -> int:
        """How many pages the list has."""
        return self.page.total_pages if self.page else 1

    @property
    def rows(self) -> tuple[ListEntry, ...]:
        """The entries on the page, of any kind."""
        return self.embedded.rows if self.embedded else ()


class TokenResponse(_Model):
    """The response to a token request."""

    access_token: str = Field(pattern=r"^[!-~]+$", repr=False)
    expires_in: Annotated[float, Field(strict=False)]


class RefusedParameter(_Model):
    """A parameter of a request, and what is wrong with it."""

    path: str
    message: str = ""
    rejected: str | int | float | bool | None = Field(alias="rejectedValue", default=None)

    @property
    def text(self) -> str | None:
        """The value that was refused, as text."""
        return None if self.rejected is None else str(self.rejected)


class _RefusedParameters(_Model):
    errors: _Array[RefusedParameter]


class ErrorBody(_Model):
    """The body of a 400 that names parameters."""

    embedded: _RefusedParameters = Field(alias="_embedded")
