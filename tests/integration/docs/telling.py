"""What a page shows, against what is said: whether they agree but for the counts."""

from __future__ import annotations

import re
import urllib.request
from base64 import b64encode
from typing import Any
from urllib.error import HTTPError

from tests.unit.service.doubles import LONG


def fetch(url: str, credentials: str) -> str:
    """What an address answers to a caller with these credentials.

    Raises:
        AssertionError: It answers an error.
    """
    key = b64encode(credentials.encode()).decode()
    assert url.startswith("http://"), url
    request = urllib.request.Request(  # noqa: S310 - just seen to be http
        url, headers={"Authorization": f"Basic {key}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=LONG) as response:
            return str(response.read().decode())
    except HTTPError as error:
        with error:
            raise AssertionError(f"{url}: {error}: {error.read().decode()}") from None


def alike(said: str, shown: str) -> bool:
    """Whether two texts say the same, whatever the counts: the made-up account grows daily."""
    return _without_counts(said) == _without_counts(shown)


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
