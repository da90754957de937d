"""The tests of secrets see what they look for."""

from __future__ import annotations

import functools
import logging
from base64 import b32encode, b64encode, urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

import pytest

from tests.integration.secrets.collected_texts import all_logs, error_texts, reprs
from tests.integration.secrets.marks import KINDS, SECRETS, found_in

SPELLINGS = [
    lambda text: text,
    lambda text: text.upper(),
    lambda text: repr(text.encode()),
    quote,
    lambda text: quote_plus(text.upper()),
    lambda text: b64encode(text.encode()).decode(),
    lambda text: b64encode(text.encode()).decode().rstrip("=").lower(),
    lambda text: urlsafe_b64encode(text.encode()).decode(),
    lambda text: b32encode(text.encode()).decode(),
    lambda text: text.encode().hex(),
    lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
]


@pytest.mark.parametrize("before", ["", "a", "ab", "key=", "user:"])
@pytest.mark.parametrize("spelled", SPELLINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_found_however_it_is_spelled(kind: str, spelled: object, before: str) -> None:
    assert callable(spelled)
    text = f"so: {spelled(f'{before}{SECRETS[kind]}:X')}."
    assert kind in found_in(text)
    assert kind in found_in(text.encode())


def test_where_there_is_none_none_is_found() -> None:
    assert found_in("an app-secret, a key, a token, a proxy-password: Basic eDp5") == set()


@dataclass
class Careless:
    secret: str


def test_what_an_object_within_reach_tells_is_found() -> None:
    careless = Careless(SECRETS["token"])
    for within in ([{"a": (careless,)}], lambda: careless, functools.partial(print, careless)):
        assert found_in("".join(reprs(within))) == {"token"}


def test_what_an_exception_or_its_cause_tells_is_found() -> None:
    with pytest.raises(RuntimeError) as caught:  # noqa: PT012 - the cause is raised as well
        try:
            raise ValueError(SECRETS["bearer"])
        except ValueError as cause:
            raise RuntimeError("all is well") from cause
    assert found_in(error_texts(caught.value)) == {"bearer"}


@pytest.mark.parametrize("name", ["compat", "httpcore.http11", "uvicorn.error", "a.new.one"])
def test_what_a_logger_tells_is_found(name: str) -> None:
    with all_logs() as said:
        logging.getLogger(name).debug("it is %s", SECRETS["first-key"])
    assert found_in(said.getvalue()) == {"first-key"}


def test_the_fields_of_a_record_are_reported_as_well() -> None:
    with all_logs() as said:
        logging.getLogger("compat").info("well", extra={"header": SECRETS["other-key"]})
    assert found_in(said.getvalue()) == {"other-key"}
