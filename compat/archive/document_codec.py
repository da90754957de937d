"""Documents as they are kept: the JSON as received, compressed."""

from __future__ import annotations

import zlib

from compat.core.models import Document
from compat.upstream import to_document
from compat.v2.models import ConversationDocument


def packed(document: bytes) -> bytes:
    """A document as it is kept."""
    return zlib.compress(document)


def unpacked(kept: bytes) -> bytes:
    """The JSON as it was received.

    Raises:
        zlib.error: It is damaged.
    """
    return zlib.decompress(kept)


def shown(kept: bytes) -> Document:
    """What is shown of a kept document."""
    return to_document(ConversationDocument.model_validate_json(unpacked(kept)))
