"""The parts of Mailbox API 2.0's answers that are read; all other keys are passed over."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class _Read(BaseModel):
    """Keys this project does not know are ignored; a documented key that is missing is not."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


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


class Person(_Read):
    """A customer or a user."""

    id: int = 0
    first: str | None = None
    last: str | None = None
    email: str | None = None


class NamedTag(_Read):
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
    customer: Person | None = Field(alias="primaryCustomer", default=None)
    assignee: Person | None = None
    tags: tuple[NamedTag, ...] | None = None


class Listed(_Read):
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


class _Conversations(_Read):
    conversations: tuple[Conversation, ...] = ()


class _Catalogue(_Read):
    mailboxes: tuple[Listed, ...] = ()
    folders: tuple[Listed, ...] = ()
    tags: tuple[Listed, ...] = ()


class PageFacts(_Read):
    """Where in the list an answer stands."""

    total_elements: int = Field(alias="totalElements", ge=0)
    total_pages: int = Field(alias="totalPages", ge=0)


class ConversationsAnswer(_Read):
    """One page of conversations. An empty one has an empty array or no `_embedded` at all."""

    embedded: _Conversations | None = Field(alias="_embedded", default=None)
    page: PageFacts

    @property
    def rows(self) -> tuple[Conversation, ...]:
        """The conversations on the page."""
        return self.embedded.conversations if self.embedded else ()


class CatalogueAnswer(_Read):
    """One page of mailboxes, folders or tags; without page facts it is the only one."""

    embedded: _Catalogue | None = Field(alias="_embedded", default=None)
    page: PageFacts = PageFacts(totalElements=0, totalPages=1)

    @property
    def rows(self) -> tuple[Listed, ...]:
        """What is on the page, whatever it is a list of."""
        lists = self.embedded or _Catalogue()
        return (*lists.mailboxes, *lists.folders, *lists.tags)


class TokenAnswer(_Read):
    """The answer to a sign-in."""

    access_token: str = Field(min_length=1, repr=False)
    expires_in: Annotated[float, Field(strict=False)]
