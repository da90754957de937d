"""Comparison of the output on a page with the real output; counts may differ."""

from __future__ import annotations

import re
import urllib.request
from base64 import b64encode
from typing import Any
from urllib.error import HTTPError

from tests.unit.service.doubles import LONG


def fetch(url: str, credentials: str) -> str:
    """The body that an address answers to these credentials.

    Raises:
        AssertionError: The answer is an error.
    """
    key = b64encode(credentials.encode()).decode()
    assert url.startswith("http://"), url
    request = urllib.request.Request(  # noqa: S310 - the line above checks that it is http
        url, headers={"Authorization": f"Basic {key}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=LONG) as response:
            return str(response.read().decode())
    except HTTPError as error:
        with error:
            raise AssertionError(f"{url}: {error}: {error.read().decode()}") from None


def same_but_counts(printed: str, shown: str) -> bool:
    """Whether two texts are equal apart from counts: the simulated account grows every day."""
    return _without_counts(printed) == _without_counts(shown)


def _without_counts(text: str) -> list[str]:
    bare = re.sub(r'[█▏▎▍▌▋▊▉]+|(?<="count":)\d+', "", text)
    bare = re.sub(r'(?<![\d:.-])[+-]?\d{1,4}(?:\.\d)?(?![\d:.-])(?="|}|,|\s|$)', "N", bare)
    return bare.split()


def shape(value: Any) -> Any:
    """The keys and types of a value; of a list, those of its first item."""
    match value:
        case dict():
            return {key: shape(each) for key, each in value.items()}
        case list():
            return [shape(each) for each in value[:1]]
        case _:
            return type(value)
