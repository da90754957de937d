"""Pages and links in the way of HAL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from compat.simulator.messages import Problem, invalid
from compat.simulator.parameters import identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.simulator.messages import Request
    from compat.simulator.payloads import Payload

SMALL_PAGE = 50
"""Rows on a page of anything but conversations."""


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


def cut(request: Request, name: str, rows: Sequence[Payload], size: int = SMALL_PAGE) -> Payload:
    """The page of all these rows that the request asks for."""
    number = page_number(request)
    shown = rows[(number - 1) * size : number * size]
    return page(request, name, shown, total=len(rows), size=size, number=number)


def page_number(request: Request) -> int:
    """The page asked for, counted from 1; a Refusal when it is no such number."""
    text = request.parameters.get("page", "1")
    try:
        return identity(text)
    except ValueError as error:
        raise invalid(Problem("page", str(error), text)) from error


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
    """The address of a page. Nothing in it is percent-encoded, as on the real wire."""
    others = [f"{name}={value}" for name, value in parse_qsl(request.query) if name != "page"]
    return f"{request.base}{request.path}?" + "&".join([*others, f"page={number}"])
