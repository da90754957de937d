"""HAL: pages and their links."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from compat.simulator.messages import InvalidParameter, validation_error
from compat.simulator.query_parameters import parse_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.simulator.messages import Request
    from compat.simulator.payloads import Payload

SMALL_PAGE = 50
"""Rows on a page of all lists but those of conversations."""


def page(
    request: Request, name: str, rows: Sequence[Payload], *, total: int, size: int, number: int
) -> Payload:
    """One page with these rows, its links and its numbers."""
    pages = -(-total // size)
    return {
        "_embedded": {name: rows},
        "_links": _links(request, number, pages),
        "page": {"size": size, "totalElements": total, "totalPages": pages, "number": number},
    }


def slice_page(
    request: Request, name: str, rows: Sequence[Payload], size: int = SMALL_PAGE
) -> Payload:
    """The requested page of all these rows."""
    number = page_number(request)
    shown = rows[(number - 1) * size : number * size]
    return page(request, name, shown, total=len(rows), size=size, number=number)


def page_number(request: Request) -> int:
    """The requested page, counted from 1; an ApiError if it is no positive number."""
    text = request.parameters.get("page", "1")
    try:
        return parse_id(text)
    except ValueError as error:
        raise validation_error(InvalidParameter("page", str(error), text)) from error


def _links(request: Request, number: int, pages: int) -> Payload:
    last = max(pages, 1)
    targets = {"self": number, "first": 1, "last": last}
    if number > 1:
        targets["previous"] = number - 1
    if number < last:
        targets["next"] = number + 1
    links: Payload = {name: {"href": _href(request, at)} for name, at in targets.items()}
    template = request.base + request.path + "{?page}"
    return links | {"page": {"href": template, "templated": True}}


def _href(request: Request, number: int) -> str:
    """The address of a page. Nothing in it is percent-encoded, as in real responses."""
    others = [f"{name}={value}" for name, value in parse_qsl(request.query) if name != "page"]
    return f"{request.base}{request.path}?" + "&".join([*others, f"page={number}"])
