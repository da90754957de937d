"""Requests go to the base URL's host and nowhere else."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from compat.v2.client import Client
from compat.v2.errors import (
    Cancelled,
    Overloaded,
    Redirected,
    RequestLoop,
    Unreachable,
    UntrustedCertificate,
)
from compat.v2.models import ConversationPage
from compat.v2.transport import UnusableOption, describe_failure
from tests.unit.service.doubles import LONG
from tests.unit.v2.upstream import (
    CREDENTIALS,
    Reply,
    Upstream,
    client_of,
    in_turn,
    page_of,
    scripted,
)

NAME = "api.helpscout.net"
SOON = 15.0
"""Seconds; half of what a request may take."""


@pytest.fixture
def elsewhere() -> Iterator[Upstream]:
    """Another server, which must get no request."""
    with scripted() as elsewhere:
        yield elsewhere
        assert (elsewhere.asked, elsewhere.signed_in) == ([], [])


def get_page(client: Client) -> None:
    client.get("/conversations", {}, ConversationPage)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    upstream: Upstream, client: Client, elsewhere: Upstream, status: int
) -> None:
    target = {"Location": f"{elsewhere.url}/conversations"}
    upstream.script = in_turn(Reply(status, headers=target))
    with pytest.raises(Redirected) as caught:
        get_page(client)
    assert caught.value.status == status
    assert len(upstream.asked) == 1


def test_a_redirected_sign_in_is_not_followed(
    upstream: Upstream, client: Client, elsewhere: Upstream
) -> None:
    upstream.sign_in = in_turn(Reply(307, headers={"Location": f"{elsewhere.url}/oauth2/token"}))
    with pytest.raises(Redirected):
        get_page(client)
    assert len(upstream.signed_in) == 1


def test_another_host_is_connected_to_with_the_name_of_the_base_url(upstream: Upstream) -> None:
    place = f"127.0.0.1:{upstream.port}"
    with client_of("http://localhost:1/v2", connect_to=place) as client:
        get_page(client)
    heard = [*upstream.signed_in, *upstream.asked]
    assert [asked.headers["host"] for asked in heard] == ["localhost:1"] * 2


def test_plain_http_to_another_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="plain http"):
        Client(CREDENTIALS, base_url="http://api.helpscout.net/v2")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_are_not_used(
    upstream: Upstream, elsewhere: Upstream, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(name, f"http://127.0.0.1:{elsewhere.port}")
    with client_of(upstream.url) as client:
        get_page(client)
    assert len(upstream.asked) == 1


def test_passwords_in_netrc_are_not_sent(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with client_of(upstream.url) as client:
        get_page(client)
    assert "authorization" not in upstream.signed_in[0].headers
    assert upstream.asked[0].headers["authorization"] == "Bearer token-1"


def test_a_configured_proxy_is_used() -> None:
    with scripted() as proxy, client_of("http://localhost:1/v2", proxy=proxy_url(proxy)) as client:
        get_page(client)
        assert len(proxy.asked) == 1
        assert proxy.asked[0].headers["host"] == "localhost:1"


def proxy_url(proxy: Upstream) -> str:
    return f"http://127.0.0.1:{proxy.port}"


@pytest.mark.parametrize(
    "proxy",
    [
        *("nonsense", "ftp://h", "socks5://h", "http://", "http://[::1"),
        *("http://me:hunter2@h:bad", "http://me:hun/ter2@h"),
        *("http://me:hunter2@h:99999", "http://me:hunter2@h:0", "http://me:hunter2@a..b"),
        f"http://me:hunter2@{'a' * 64}:1",
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(proxy: str) -> None:
    with pytest.raises(UnusableOption, match="must look like") as caught:
        Client(CREDENTIALS, proxy=proxy)
    assert caught.value.option == "proxy"
    assert "hun" not in str(caught.value)


def test_every_request_is_marked_as_ours(upstream: Upstream, client: Client) -> None:
    get_page(client)
    heard = [*upstream.signed_in, *upstream.asked]
    assert [asked.headers["compat-upstream"] for asked in heard] == ["1", "1"]


def test_a_token_request_that_reaches_ourselves_is_not_retried(
    upstream: Upstream, client: Client
) -> None:
    upstream.sign_in = in_turn(Reply(508, headers={"Compat-Upstream": "1"}))
    with pytest.raises(RequestLoop):
        get_page(client)
    assert len(upstream.signed_in) == 1


def test_a_request_that_reaches_ourselves_is_not_retried(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(Reply(508, headers={"Compat-Upstream": "1"}))
    with pytest.raises(RequestLoop):
        get_page(client)
    assert len(upstream.asked) == 1


def test_a_loop_of_another_server_is_an_overload(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(Reply(508), page_of([]))
    get_page(client)
    upstream.script = in_turn(Reply(508))
    with pytest.raises(Overloaded):
        get_page(client)


def test_a_port_without_a_server_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with client_of(f"http://127.0.0.1:{port}/v2") as client, pytest.raises(Unreachable) as caught:
        get_page(client)
    assert caught.value.status is None


def test_a_closed_client_raises_cancelled(upstream: Upstream, client: Client) -> None:
    get_page(client)
    client.close()
    with pytest.raises(Cancelled):
        get_page(client)
    assert len(upstream.asked) == 1


def test_a_closed_client_requests_no_token(upstream: Upstream, client: Client) -> None:
    client.close()
    with pytest.raises(Cancelled):
        get_page(client)
    assert upstream.signed_in == []


def test_a_client_closed_during_a_request_raises_cancelled(
    upstream: Upstream, client: Client
) -> None:
    def close_first(_asked: object) -> Reply:
        client.close()
        return Reply(fate="dropped")

    upstream.script = close_first
    with pytest.raises(Cancelled):
        get_page(client)
    assert len(upstream.asked) == 1


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of the vendor's name, with its key, signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    both = tmp_path_factory.mktemp("tls") / "both.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-keyout", "-", "-out", "-"]
    command += ["-addext", f"subjectAltName=DNS:{NAME}"]
    command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    made = subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(made.stdout)
    return both


@contextmanager
def behind_tls(certificate: Path) -> Iterator[tuple[Upstream, str, list[str | None]]]:
    """A server with TLS, its address, and the names that clients requested."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with scripted(context) as upstream:
        yield upstream, f"127.0.0.1:{upstream.port}", names


def test_a_certificate_that_is_not_accepted_is_an_error_of_its_own(certificate: Path) -> None:
    with (
        behind_tls(certificate) as (_, place, _names),
        client_of(f"https://{NAME}/v2", connect_to=place) as client,
        pytest.raises(UntrustedCertificate, match="the certificate is not accepted, self"),
    ):
        client.get("/conversations", {}, ConversationPage, attempts=1)


def test_an_error_without_a_response_has_the_systems_reason() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with (
            client_of(f"http://127.0.0.1:{port}/v2") as client,
            pytest.raises(Unreachable, match=r"\(ConnectError: Connection refused\)"),
        ):
            client.get("/conversations", {}, ConversationPage, attempts=1)


@pytest.mark.parametrize(
    ("error", "described"),
    [
        (
            httpx.ProxyError("407 Proxy Authentication Required"),
            ": the proxy answers with status 407",
        ),
        (httpx.ProxyError("a proxy's secret"), ""),
        (httpx.LocalProtocolError("Illegal header value b'Bearer token'"), ""),
        (httpx.RemoteProtocolError("illegal status line: bytearray(b'a text')"), ""),
        (httpx.ReadTimeout("The read operation timed out"), ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_failure_repeats_no_text_that_could_hold_a_secret(
    error: Exception, described: str
) -> None:
    assert describe_failure(error) == f"{type(error).__name__}{described}"


def test_a_port_that_does_not_speak_tls_is_described() -> None:
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    assert describe_failure(error) == "SSLError: TLS failed, wrong version number"


def test_another_host_must_have_the_certificate_of_the_base_urls_name(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    with (
        behind_tls(certificate) as (upstream, place, names),
        client_of(f"https://{NAME}/v2", connect_to=place) as client,
    ):
        get_page(client)
    assert set(names) == {NAME}
    assert [asked.headers["host"] for asked in upstream.asked] == [NAME]


def test_a_client_closed_behind_tls_ends_a_request_that_waits_for_its_answer(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    asked = threading.Event()

    def stall(_asked: object) -> Reply:
        asked.set()
        return Reply(fate="stalled")

    with (
        behind_tls(certificate) as (upstream, place, _names),
        client_of(f"https://{NAME}/v2", connect_to=place) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        upstream.script = stall
        request = pool.submit(get_page, client)
        assert asked.wait(LONG)
        time.sleep(0.5)  # by then the thread waits for bytes
        client.close()
        assert isinstance(request.exception(SOON), Cancelled)


@pytest.mark.parametrize("name", ["other.example", "127.0.0.1"])
def test_a_certificate_of_another_name_is_refused(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    with (
        behind_tls(certificate) as (upstream, place, _names),
        client_of(f"https://{name}/v2", connect_to=place) as client,
    ):
        with pytest.raises(Unreachable):
            get_page(client)
        assert upstream.signed_in == []


def test_a_certificate_of_an_unknown_authority_is_refused(certificate: Path) -> None:
    with (
        behind_tls(certificate) as (upstream, place, _names),
        client_of(f"https://{NAME}/v2", connect_to=place) as client,
    ):
        with pytest.raises(Unreachable):
            get_page(client)
        assert upstream.signed_in == []
