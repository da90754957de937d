"""Links, images and anchors of Markdown files, as GitHub shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable("table")
_HTML_LINK = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=[\"']([^\"']*)[\"']")
_HTML_ANCHOR = re.compile(r"<a\b[^>]*?\b(?:id|name)=[\"']([^\"']+)[\"']")
_UNRESOLVED = re.compile(r"\][\[(][^\])]*[\])]")
"""What is left of a link in a text if its reference is not defined, or its target has a blank."""


@dataclass(frozen=True)
class Page:
    """What the check needs of a Markdown file.

    Attributes:
        targets: Of links and images, as written.
        anchors: Of headings and of HTML.
        broken: Texts that look like a link and are none.
    """

    targets: tuple[str, ...]
    anchors: frozenset[str]
    broken: tuple[str, ...]


@cache
def read_page(path: Path) -> Page:
    tokens = _PARSER.parse(path.read_text(encoding="utf-8"))
    inner = [child for token in tokens for child in token.children or ()]
    html = [
        each.content for each in [*tokens, *inner] if each.type in {"html_block", "html_inline"}
    ]
    shown = [each for each in inner if each.type in {"link_open", "image"}]
    targets = [str(each.attrGet("href") or each.attrGet("src") or "") for each in shown]
    named = {name for text in html for name in _HTML_ANCHOR.findall(text)}
    texts = [each.content for each in inner if each.type == "text"]
    return Page(
        (*targets, *(target for text in html for target in _HTML_LINK.findall(text))),
        frozenset({*_headings(tokens), *named}),
        tuple(text for text in texts if _UNRESOLVED.search(text)),
    )


def _headings(tokens: list[Token]) -> Iterator[str]:
    """The anchors of headings; one that is there already gets a number."""
    seen: Counter[str] = Counter()
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            title = "".join(each.content for each in inline.children or ())
            slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            yield f"{slug}-{seen[slug]}" if seen[slug] else slug
            seen[slug] += 1


def link_errors(path: Path, root: Path) -> list[str]:
    """A sentence for each link of a page that leads nowhere; addresses are not asked for.

    Args:
        path: The page.
        root: The repository's directory; links must not leave it.
    """
    page = read_page(path)
    found = [f"{text!r} looks like a link and is none" for text in page.broken]
    return found + [
        f"{target}: {error}" for target in page.targets if (error := _error(target, path, root))
    ]


def _error(target: str, path: Path, root: Path) -> str | None:
    """What is wrong with a target, or None."""
    url = urlsplit(target)
    if url.scheme or url.netloc:
        return _address_error(target)
    if target.startswith("/"):
        return "an absolute path leads elsewhere on a web site"
    place = (path.parent / unquote(url.path)).resolve() if url.path else path
    if not place.is_relative_to(root):
        return "is outside the repository"
    if not place.exists():
        return "does not exist"
    if url.fragment and place.suffix == ".md":
        known = read_page(place).anchors
        return None if unquote(url.fragment) in known else "the page has no such anchor"
    return "only pages have anchors" if url.fragment else None


def _address_error(target: str) -> str | None:
    url = urlsplit(target)
    if url.scheme not in {"http", "https", "mailto"}:
        return "is neither http nor https"
    if url.scheme != "mailto" and not re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?", url.netloc):
        return "has no host"
    return None
