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


class Mailbox(_Read):
    """A mailbox."""

    id: int


class Folder(_Read):
    """A folder of a mailbox; `type` tells home folders from views."""

    id: int
    type: str


class _Conversations(_Read):
    conversations: tuple[Conversation, ...] = ()


class _Catalogue(_Read):
    mailboxes: tuple[Mailbox, ...] = ()
    folders: tuple[Folder, ...] = ()


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
    """One page of mailboxes or of folders; without page facts it is the only one."""

    embedded: _Catalogue | None = Field(alias="_embedded", default=None)
    page: PageFacts = PageFacts(totalElements=0, totalPages=1)

    @property
    def mailboxes(self) -> tuple[Mailbox, ...]:
        """The mailboxes on the page."""
        return self.embedded.mailboxes if self.embedded else ()

    @property
    def folders(self) -> tuple[Folder, ...]:
        """The folders on the page."""
        return self.embedded.folders if self.embedded else ()


class TokenAnswer(_Read):
    """The answer to a sign-in."""

    access_token: str = Field(min_length=1, repr=False)
    expires_in: Annotated[float, Field(strict=False)]
