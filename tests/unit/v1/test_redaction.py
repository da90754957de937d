"""What of a request may be shown and kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.v1.http import redact_target

PATH = "/v1/reports/conversations/new.json"


@pytest.mark.parametrize(
    "url",
    [
        f"{PATH}?start=2015-01-01&end=2015-01-31",
        f"https://api.helpscout.net{PATH}?start=2015-01-01&end=2015-01-31",
        f"https://a-key:X@api.helpscout.net:443{PATH}?start=2015-01-01&end=2015-01-31",
        f"{PATH}?start=2015-01-01&end=2015-01-31#a-fragment",
    ],
)
def test_path_and_query_stay_and_origin_and_fragment_go(url: str) -> None:
    assert redact_target(url) == f"{PATH}?start=2015-01-01&end=2015-01-31"


@pytest.mark.parametrize(
    "query",
    [
        "start=2015-01-01T00%3A00%3A00Z&tags=1,2",
        "mailboxes[0]=1&mailboxes[]=2&mailboxes%5B0%5D=3",
        "%73tart=2015-01-01&viewBy=day",
        "tags=&folders",
        "start=2015-01-01&&end=2015-01-02&",
    ],
)
def test_parameters_of_the_old_reports_stay_byte_for_byte(query: str) -> None:
    assert redact_target(f"{PATH}?{query}") == f"{PATH}?{query}"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("api_key=s3cret&start=2015", "REDACTED&start=2015"),
        ("access%5Ftoken=s3cret", "REDACTED"),
        ("s3cret", "REDACTED"),
        ("key=s3cret=s3cret", "REDACTED"),
        ("key[start]=s3cret", "REDACTED"),
        ("s3cret==", "REDACTED"),
    ],
)
def test_all_other_parameters_are_hidden_with_their_names(query: str, shown: str) -> None:
    assert redact_target(f"{PATH}?{query}") == f"{PATH}?{shown}"


def test_an_origin_alone_asks_for_the_root() -> None:
    assert redact_target("https://api.helpscout.net") == "/"
    assert redact_target("https://api.helpscout.net?start=1") == "/?start=1"


@pytest.mark.parametrize("text", ["", "v1/reports", "GET /v1/reports", "?start=1"])
def test_what_is_neither_target_nor_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither a path nor a URL"):
        redact_target(text)


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact_target(f"/{text}")
    assert redact_target(once) == once
