"""The parts of Mailbox API 2.0's answers that are read; all other keys are passed over."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PrivateAttr
from pydantic_core import from_json, to_json


class _Read(BaseModel):
    """Keys this project does not know are ignored; a documented key that is missing is not."""

    # What cannot be read may hold a token, or a customer's words.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)


class Tag(_Read):
    """A tag on a conversation."""

    id: int


class Conversation(_Read):
    """A conversation, as far as counting needs it.

    Type, status and state are open sets: what upstream adds to them later is read as it is.
    """

    id: int
    mailbox_id: int = Field(alias="mailboxId")
    folder_id: int = Field(alias="folderId")
    type: str
    status: str
    state: str
    created_at: AwareDatetime = Field(alias="createdAt")
    tags: tuple[Tag, ...]


class PersonPayload(_Read):
    """A customer or a user."""

    id: int = 0
    first: str | None = None
    last: str | None = None
    email: str | None = None


class NamedTagPayload(_Read):
    """A tag with what is shown of it."""

    id: int
    name: str | None = Field(alias="tag", default=None)
    color: str | None = None


class Waiting(_Read):
    """Since when a customer waits."""

    time: AwareDatetime | None = None


class ConversationDocument(_Read):
    """A conversation, as far as lists show it."""

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
    waiting_since: Waiting | None = Field(alias="customerWaitingSince", default=None)
    customer: PersonPayload | None = Field(alias="primaryCustomer", default=None)
    assignee: PersonPayload | None = None
    tags: tuple[NamedTagPayload, ...] | None = None


class _Somebody(_Read):
    id: int = 0


class WholeConversation(Conversation):
    """A conversation with all facts about it that are worth keeping; people are ids.

    Attributes:
        closed_by: Who closed it; 0 if nobody did.
    """

    number: int
    threads: int = 0
    closed_at: AwareDatetime | None = Field(alias="closedAt", default=None)
    closed_by: int = Field(alias="closedBy", default=0)
    updated_at: AwareDatetime | None = Field(alias="userUpdatedAt", default=None)
    waiting_since: Waiting | None = Field(alias="customerWaitingSince", default=None)
    created_by: _Somebody | None = Field(alias="createdBy", default=None)
    customer: _Somebody | None = Field(alias="primaryCustomer", default=None)
    assignee: _Somebody | None = None
    _document: bytes = PrivateAttr(default=b"")

    @property
    def document(self) -> bytes:
        """The conversation as it was received, as JSON; empty where that was not wanted."""
        return self._document

    def keep(self, received: object) -> None:
        """Keep what it was read from.

        Args:
            received: The JSON value, decoded.
        """
        self._document = to_json(received)


class DocumentedConversation(WholeConversation):
    """The same, which keeps what it was read from."""

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read one conversation."""
        read = super().model_validate_json(json_data, **options)
        read.keep(from_json(json_data))
        return read


class ListEntry(_Read):
    """A mailbox, a folder or a tag in a list of them; `type` tells home folders from views."""

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


class _Catalogue(_Read):
    mailboxes: tuple[ListEntry, ...] = ()
    folders: tuple[ListEntry, ...] = ()
    tags: tuple[ListEntry, ...] = ()


class PageFacts(_Read):
    """Where in the list an answer stands."""

    total_elements: int = Field(alias="totalElements", ge=0)
    total_pages: int = Field(alias="totalPages", ge=0)


R_co = TypeVar("R_co", bound=Conversation, covariant=True)


class _Embedded(_Read, Generic[R_co]):
    conversations: tuple[R_co, ...] = ()


class Page(_Read, Generic[R_co]):
    """One page of conversations. An empty one has an empty array or no `_embedded` at all."""

    embedded: _Embedded[R_co] | None = Field(alias="_embedded", default=None)
    page: PageFacts

    @property
    def rows(self) -> tuple[R_co, ...]:
        """The conversations on the page."""
        return self.embedded.conversations if self.embedded else ()


ConversationsAnswer = Page[Conversation]
"""A page of what counting needs."""

WholeAnswer = Page[WholeConversation]
"""A page of what is worth keeping."""


class DocumentedAnswer(WholeAnswer):
    """The same, with each conversation as it was received."""

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read one page."""
        # To read the facts and the tree each by itself takes less time than one from the other.
        answer = super().model_validate_json(json_data, **options)
        if answer.rows:
            received = from_json(json_data)["_embedded"]["conversations"]
            for row, document in zip(answer.rows, received, strict=True):
                row.keep(document)
        return answer


class CatalogueAnswer(_Read):
    """One page of mailboxes, folders or tags; without page facts it is the only one."""

    embedded: _Catalogue | None = Field(alias="_embedded", default=None)
    page: PageFacts = PageFacts(totalElements=0, totalPages=1)

    @property
    def rows(self) -> tuple[ListEntry, ...]:
        """What is on the page, whatever it is a list of."""
        lists = self.embedded or _Catalogue()
        return (*lists.mailboxes, *lists.folders, *lists.tags)


class TokenAnswer(_Read):
    """The answer to a sign-in."""

    access_token: str = Field(min_length=1, repr=False)
    expires_in: Annotated[float, Field(strict=False)]


class RefusedParameter(_Read):
    """What is wrong with one parameter of a request."""

    path: str
    message: str = ""
    rejected: str | int | float | bool | None = Field(alias="rejectedValue", default=None)

    @property
    def text(self) -> str | None:
        """The value that was refused, as text."""
        return None if self.rejected is None else str(self.rejected)


class _Refusals(_Read):
    errors: tuple[RefusedParameter, ...]


class Refused(_Read):
    """The body of a 400 that names parameters."""

    embedded: _Refusals = Field(alias="_embedded")
