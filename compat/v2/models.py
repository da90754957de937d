"""Models of Mailbox API 2.0's payloads: the keys that are read; all others are ignored."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PrivateAttr
from pydantic_core import from_json, to_json


class _Model(BaseModel):
    """Unknown keys are ignored; a documented key that is missing is an error."""

    # A value that is not valid may hold a token, or a customer's words.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)


class Tag(_Model):
    """A tag on a conversation."""

    id: int


class Conversation(_Model):
    """The parts of a conversation that counting needs.

    Type, status and state are open sets: values that upstream adds later are accepted.
    """

    id: int
    mailbox_id: int = Field(alias="mailboxId")
    folder_id: int = Field(alias="folderId")
    type: str
    status: str
    state: str
    created_at: AwareDatetime = Field(alias="createdAt")
    tags: tuple[Tag, ...]


class PersonPayload(_Model):
    """A customer or a user."""

    id: int = 0
    first: str | None = None
    last: str | None = None
    email: str | None = None


class NamedTagPayload(_Model):
    """A tag with its name and colour."""

    id: int
    name: str | None = Field(alias="tag", default=None)
    color: str | None = None


class WaitingSince(_Model):
    """Since when a customer waits for a reply."""

    time: AwareDatetime | None = None


class ConversationDocument(_Model):
    """A conversation with the texts and names that lists of conversations show."""

    id: int
    number: int
    mailbox_id: int = Field(alias="mailboxId")
    type: str
    status: str
    state: str | None = None
    subject: str | None = None
    preview: str | None = None
    threads: int | None = None
    created_at: AwareDatetime = Field(alias="createdAt")
    updated_at: AwareDatetime | None = Field(alias="userUpdatedAt", default=None)
    waiting_since: WaitingSince | None = Field(alias="customerWaitingSince", default=None)
    customer: PersonPayload | None = Field(alias="primaryCustomer", default=None)
    assignee: PersonPayload | None = None
    tags: tuple[NamedTagPayload, ...] | None = None


class _PersonId(_Model):
    id: int = 0


class FullConversation(Conversation):
    """A conversation with all facts worth storing; people are ids.

    Attributes:
        closed_by: The id of the user who closed it; 0 if nobody did.
    """

    number: int
    threads: int = 0
    closed_at: AwareDatetime | None = Field(alias="closedAt", default=None)
    closed_by: int = Field(alias="closedBy", default=0)
    updated_at: AwareDatetime | None = Field(alias="userUpdatedAt", default=None)
    waiting_since: WaitingSince | None = Field(alias="customerWaitingSince", default=None)
    created_by: _PersonId | None = Field(alias="createdBy", default=None)
    customer: _PersonId | None = Field(alias="primaryCustomer", default=None)
    assignee: _PersonId | None = None
    _document: bytes = PrivateAttr(default=b"")

    @property
    def document(self) -> bytes:
        """The conversation as it was received, as JSON; empty unless the model keeps it."""
        return self._document

    def set_document(self, received: object) -> None:
        """Keep the payload.

        Args:
            received: The JSON value, decoded.
        """
        self._document = to_json(received)


class ConversationWithDocument(FullConversation):
    """A full conversation that keeps its payload as `document`."""

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read one conversation."""
        read = super().model_validate_json(json_data, **options)
        read.set_document(from_json(json_data))
        return read


class ListEntry(_Model):
    """A mailbox, a folder or a tag in a list; `type` distinguishes home folders from views."""

    id: int
    name: str | None = None
    slug: str | None = None
    email: str | None = None
    type: str | None = None
    user_id: int | None = Field(alias="userId", default=None)
    color: str | None = None
    total: int | None = Field(alias="totalCount", default=None)
    active: int | None = Field(alias="activeCount", default=None)
    tickets: int | None = Field(alias="ticketCount", default=None)
    created_at: AwareDatetime | None = Field(alias="createdAt", default=None)
    updated_at: AwareDatetime | None = Field(alias="updatedAt", default=None)


class _Entries(_Model):
    mailboxes: tuple[ListEntry, ...] = ()
    folders: tuple[ListEntry, ...] = ()
    tags: tuple[ListEntry, ...] = ()


class PageInfo(_Model):
    """The size of the list that a page belongs to."""

    total_elements: int = Field(alias="totalElements", ge=0)
    total_pages: int = Field(alias="totalPages", ge=0)


R_co = TypeVar("R_co", bound=Conversation, covariant=True)


class _Embedded(_Model, Generic[R_co]):
    conversations: tuple[R_co, ...] = ()


class Page(_Model, Generic[R_co]):
    """One page of conversations. An empty one has an empty array or no `_embedded` at all."""

    embedded: _Embedded[R_co] | None = Field(alias="_embedded", default=None)
    page: PageInfo

    @property
    def rows(self) -> tuple[R_co, ...]:
        """The conversations on the page."""
        return self.embedded.conversations if self.embedded else ()


ConversationPage = Page[Conversation]
"""A page of conversations for counting."""

FullConversationPage = Page[FullConversation]
"""A page of full conversations."""


class PageWithDocuments(FullConversationPage):
    """A page of full conversations that keep their payloads as `document`."""

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read one page."""
        # Parsing the JSON twice is faster than making the models from the decoded JSON.
        page = super().model_validate_json(json_data, **options)
        if page.rows:
            received = from_json(json_data)["_embedded"]["conversations"]
            for row, document in zip(page.rows, received, strict=True):
                row.set_document(document)
        return page


class ListPage(_Model):
    """One page of mailboxes, folders or tags; without `page` it is the only one."""

    embedded: _Entries | None = Field(alias="_embedded", default=None)
    page: PageInfo = PageInfo(totalElements=0, totalPages=1)

    @property
    def rows(self) -> tuple[ListEntry, ...]:
        """The entries on the page, of any kind."""
        lists = self.embedded or _Entries()
        return (*lists.mailboxes, *lists.folders, *lists.tags)


class TokenResponse(_Model):
    """The response to a token request."""

    access_token: str = Field(min_length=1, repr=False)
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
    errors: tuple[RefusedParameter, ...]


class ErrorBody(_Model):
    """The body of a 400 that names parameters."""

    embedded: _RefusedParameters = Field(alias="_embedded")
