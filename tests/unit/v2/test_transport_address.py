"""The address of requests, made from a base URL and a host to connect to."""

from __future__ import annotations

import pytest

from compat.v2.transport import DEFAULT_BASE_URL, Address, UnusableOption


def test_the_default_address_is_the_vendors() -> None:
    assert Address.parse(DEFAULT_BASE_URL) == Address(
        "https://api.helpscout.net/v2", "api.helpscout.net", "api.helpscout.net"
    )


@pytest.mark.parametrize(
    ("base_url", "url", "host", "tls_name"),
    [
        ("https://h.example/v2/", "https://h.example/v2", "h.example", "h.example"),
        ("https://h.example:8443/v2", "https://h.example:8443/v2", "h.example:8443", "h.example"),
        ("https://h.example/a/v2", "https://h.example/a/v2", "h.example", "h.example"),
        ("http://localhost:8025/v2", "http://localhost:8025/v2", "localhost:8025", None),
        ("http://127.0.0.1/v2", "http://127.0.0.1/v2", "127.0.0.1", None),
        ("http://127.9.9.9/v2", "http://127.9.9.9/v2", "127.9.9.9", None),
        ("http://[::1]:80/v2", "http://[::1]:80/v2", "[::1]:80", None),
    ],
)
def test_an_address_is_made_from_a_base_url(
    base_url: str, url: str, host: str, tls_name: str | None
) -> None:
    assert Address.parse(base_url) == Address(url, host, tls_name)


@pytest.mark.parametrize(
    ("base_url", "why"),
    [
        ("http://api.helpscout.net/v2", "plain http"),
        ("http://10.0.0.7/v2", "plain http"),
        ("http://localhost.example.com/v2", "plain http"),
        ("http://0.0.0.0/v2", "plain http"),
        ("https://api.helpscout.net", "end in /v2"),
        ("https://api.helpscout.net/v1", "end in /v2"),
        ("https://api.helpscout.net/v2X", "end in /v2"),
        ("https://api.helpscout.net/v2/conversations", "end in /v2"),
        ("https://api.helpscout.net/v2?a=b", "end in /v2"),
        ("https://api.helpscout.net/v2#a", "end in /v2"),
        ("ftp://api.helpscout.net/v2", "look like"),
        ("api.helpscout.net/v2", "look like"),
        ("https:///v2", "look like"),
        ("https://me:mine@api.helpscout.net/v2", "look like"),
        ("https://me@api.helpscout.net/v2", "look like"),
        ("", "look like"),
        ("https://[::1/v2", "must look like"),
        ("https://api.helpscout.net:99999/v2", "[Pp]ort"),
        ("https://api.helpscout.net:0/v2", "[Pp]ort"),
        ("https://api.helpscout.net:x/v2", "[Pp]ort"),
    ],
)
def test_a_base_url_that_cannot_be_used_is_refused(base_url: str, why: str) -> None:
    with pytest.raises(UnusableOption, match=why) as caught:
        Address.parse(base_url)
    assert caught.value.option == "base_url"


@pytest.mark.parametrize("place", ["203.0.113.7", "203.0.113.7:8443", "host:1", "[2001:db8::7]:1"])
def test_another_host_to_connect_to_keeps_the_name(place: str) -> None:
    assert Address.parse(DEFAULT_BASE_URL, place) == Address(
        f"https://{place}/v2", "api.helpscout.net", "api.helpscout.net"
    )


LONGEST = ("a" * 49 + ".") * 5 + "abc"
"""A name of 253 characters."""


@pytest.mark.parametrize(
    "host", ["a" * 64, f"{'a' * 300}.example", LONGEST + "d", "a..b", ".", "a b", "a%20b"]
)
def test_a_base_url_whose_host_cannot_be_looked_up_is_refused(host: str) -> None:
    with pytest.raises(UnusableOption, match="must look like") as caught:
        Address.parse(f"https://{host}/v2")
    assert caught.value.option == "base_url"


@pytest.mark.parametrize(
    "host", ["a" * 63, LONGEST, "api.helpscout.net.", "under_score", "[::1]", "a-1.b"]
)
def test_a_base_url_may_have_any_host_that_can_be_looked_up(host: str) -> None:
    assert Address.parse(f"https://{host}/v2").host == host


@pytest.mark.parametrize("place", [None, ""])
def test_without_another_host_the_base_urls_own_is_connected_to(place: str | None) -> None:
    assert Address.parse(DEFAULT_BASE_URL, place).url == DEFAULT_BASE_URL


@pytest.mark.parametrize(
    "place",
    [
        *("https://203.0.113.7", "203.0.113.7/v2", "me@203.0.113.7", "host:x", "host:99999"),
        *("host:0", ":443", "host?a", "host#a", "[::1", "2001:db8::7"),
        *("a b", "a..b", ".", "a" * 64, "a." * 127 + "a", "a\x7fb"),
    ],
)
def test_a_host_that_cannot_be_connected_to_is_refused(place: str) -> None:
    with pytest.raises(UnusableOption, match="must look like") as caught:
        Address.parse(DEFAULT_BASE_URL, place)
    assert caught.value.option == "connect_to"


def test_plain_http_is_refused_also_with_another_host() -> None:
    with pytest.raises(ValueError, match="plain http"):
        Address.parse("http://api.helpscout.net/v2", "127.0.0.1:8025")
