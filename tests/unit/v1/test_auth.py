"""How the API key is found in a header, and compared."""

from __future__ import annotations

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.v1 import auth
from compat.v1.auth import is_known_key, parse_api_key


def basic(credentials: bytes, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(credentials).decode()}"


@pytest.mark.parametrize("password", ["X", "x", "", "NoPassBecauseKey!", "a:b:c", "ÿ"])
def test_the_password_is_ignored(password: str) -> None:
    assert parse_api_key(basic(f"60783dd23ef:{password}".encode())) == b"60783dd23ef"


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", " Basic ", "\tbAsIc\t"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    assert parse_api_key(basic(b"key:X", scheme)) == b"key"


def test_a_missing_colon_makes_the_whole_the_key() -> None:
    assert parse_api_key(basic(b"key")) == b"key"


@given(key=st.binary(min_size=1).filter(lambda key: b":" not in key), data=st.data())
def test_any_key_is_read_in_any_alphabet_and_padding(key: bytes, data: st.DataObject) -> None:
    encoder = data.draw(st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
    encoded = encoder(key + b":X")
    shown = data.draw(st.sampled_from([encoded, encoded.rstrip(b"=")]))
    assert parse_api_key(b"Basic " + shown) == key
    assert parse_api_key(f"Basic {shown.decode()}") == key


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", b"", "Basic", "Basic ", "Basic =", "Basic ====", "Basic !!!", "Basic a b"),
        *("Basic a", "Basic aaaaa", "Bearer a2V5Olg=", "a2V5Olg=", "Basic a2V5Olg=x", "Basic ä"),
        *("Basic \ud800", b"Basic \xff\xff\xff\xff", "Basica2V5Olg=", "Digest username=x"),
        *(basic(b":X"), basic(b":"), basic(b"")),
    ],
)
def test_what_carries_no_key_is_none(header: str | bytes | None) -> None:
    assert parse_api_key(header) is None


@given(header=st.one_of(st.binary(), st.text()))
def test_any_header_is_a_key_or_none(header: str | bytes) -> None:
    for each in (header, b"Basic " + header if isinstance(header, bytes) else f"Basic {header}"):
        key = parse_api_key(each)
        assert key is None or (len(key) > 0 and b":" not in key)


def test_a_known_key_is_known_wherever_it_stands() -> None:
    known = [b"one", b"two", "drei ß".encode()]
    assert all(is_known_key(key, known) for key in known)
    assert not any(is_known_key(key, known) for key in (b"", b"on", b"One", b"onetwo"))
    assert not is_known_key(b"one", [])


def test_every_known_key_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def noting(key: bytes, each: bytes) -> bool:
        compared.append(each)
        return hmac.compare_digest(key, each)

    monkeypatch.setattr(auth, "hmac", type("Noting", (), {"compare_digest": staticmethod(noting)}))
    assert is_known_key(b"one", [b"one", b"two", b"three"])
    assert compared == [b"one", b"two", b"three"]
