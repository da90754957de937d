"""Requests go to the base URL's host and nowhere else."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, count, repeat
from pathlib import Path
from types import SimpleNamespace

import certifi
import httpx
import pytest
from annotated_types import Le

from compat.config.settings import Settings
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
from compat.v2.transport import UnusableOption, client_options, describe_failure, receive
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


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3128", "https://h:1", "http://me:mine@h.example"]
)
def test_a_proxy_is_used_that_speaks_http_with_or_without_tls(url: str) -> None:
    proxy = client_options(timeout=30.0, proxy=url, ca_file=None)["proxy"]
    assert (proxy.url.scheme, proxy.url.host) == (httpx.URL(url).scheme, httpx.URL(url).host)


@pytest.mark.parametrize(("timeout", "to_connect"), [(30.0, 10.0), (10.5, 10.0), (4.0, 4.0)])
def test_no_more_than_ten_seconds_are_taken_to_connect(timeout: float, to_connect: float) -> None:
    options = client_options(timeout=timeout, proxy=None, ca_file=None)
    limit = options["timeout"]
    assert (limit.connect, limit.read, limit.write) == (to_connect, timeout, timeout)
    assert options["proxy"] is None


def test_as_many_connections_stay_open_as_requests_may_be_made_at_a_time() -> None:
    bounds = Settings.model_fields["parallel"].metadata
    (most,) = (each.le for each in bounds if isinstance(each, Le))
    assert isinstance(most, int)
    limits = client_options(timeout=30.0, proxy=None, ca_file=None)["limits"]
    assert (limits.max_keepalive_connections, limits.max_connections) == (most, 2 * most)


@pytest.mark.parametrize("short", [False, True])
def test_a_body_is_received_whole_and_its_headers_describe_what_was_kept(short: bool) -> None:
    body = b'{"subject": "' + b"b" * 5000 + b'"}'
    compressed = gzip.compress(body)
    sent = [
        ("Content-Encoding", "gzip"),
        ("CONTENT-LENGTH", str(len(compressed))),
        ("Correlation-Id", "6f0c-1#7"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ]
    found = receive(
        httpx.Response(207, headers=sent, content=iter([compressed])), 60.0, short=short
    )
    assert found.content == (b'{"subject": ""}' if short else body)
    assert found.headers["content-length"] == str(len(found.content))
    assert "content-encoding" not in found.headers
    assert found.headers["correlation-id"] == "6f0c-1#7"
    assert found.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert found.status_code == 207


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize(("took", "in_time"), [(3.0, True), (3.25, False)])
def test_a_body_has_so_many_seconds_from_its_headers_on(
    monkeypatch: pytest.MonkeyPatch, short: bool, took: float, in_time: bool
) -> None:
    clock = iter([1000.0, 1001.0, 1000.0 + took])  # the beginning, and the two chunks
    monkeypatch.setattr("compat.v2.transport.time", SimpleNamespace(monotonic=lambda: next(clock)))
    answer = httpx.Response(200, content=iter([b"[1, ", b"2]"]))
    if in_time:
        assert receive(answer, 3.0, short=short).json() == [1, 2]
        return
    with pytest.raises(Unreachable, match="takes too long to end"):
        receive(answer, 3.0, short=short)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        (" GZIP ", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_a_body_may_be_compressed_as_was_asked_for(
    encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    body = compress(b"[]")
    sent = httpx.Response(200, headers={"Content-Encoding": encoding}, content=iter([body]))
    assert receive(sent, 60.0, short=False).content == b"[]"


@pytest.mark.parametrize("encoding", ["br", "zstd", "x-gzip", "gzip, gzip", "nonsense"])
def test_a_body_that_is_compressed_in_another_way_or_twice_is_an_error(encoding: str) -> None:
    sent = httpx.Response(200, headers={"Content-Encoding": encoding}, content=iter([b"[]"]))
    with pytest.raises(Unreachable, match="is none that was asked for"):
        receive(sent, 60.0, short=False)


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize(
    "endless",
    [b"\x00\x00\x00\xff\xff", gzip.compress(b"[]")[10:] + b"."],
    ids=["blocks without content", "bytes after the end"],
)
def test_a_compressed_body_from_which_nothing_more_comes_has_no_more_time(
    monkeypatch: pytest.MonkeyPatch, short: bool, endless: bytes
) -> None:
    clock = count(1000)
    monkeypatch.setattr("compat.v2.transport.time", SimpleNamespace(monotonic=lambda: next(clock)))
    header = gzip.compress(b"")[:10]
    pieces = chain([header], repeat(endless, 1000))
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=pieces)
    with pytest.raises(Unreachable, match="takes too long to end"):
        receive(answer, 60.0, short=short)


@pytest.mark.parametrize(("size", "is_taken"), [(2**20, True), (2**20 + 1, False)])
def test_a_body_may_be_as_large_as_the_limit_and_no_larger(
    monkeypatch: pytest.MonkeyPatch, size: int, is_taken: bool
) -> None:
    monkeypatch.setattr("compat.v2.transport._LARGEST_BODY", 2**20)
    answer = httpx.Response(200, content=iter([b" " * (size - 1000), b" " * 1000]))
    if is_taken:
        assert len(receive(answer, 60.0, short=False).content) == size
        return
    with pytest.raises(Unreachable, match="has more than 1 MiB"):
        receive(answer, 60.0, short=False)


def test_long_texts_that_are_dropped_do_not_count_as_a_part_of_a_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("compat.v2.transport._LARGEST_BODY", 5000)
    answer = httpx.Response(200, content=iter([b'["', *[b"b" * 4000] * 3, b'"]']))
    assert receive(answer, 60.0, short=True).json() == [""]


@pytest.mark.parametrize(
    "piece", [b"[", b"1, " * 2000, b" " * 5000, b'"a", ', b'"a" ' + b"1" * 3000]
)
def test_a_body_without_end_is_not_received_beyond_the_limit(
    monkeypatch: pytest.MonkeyPatch, piece: bytes
) -> None:
    monkeypatch.setattr("compat.v2.transport._LARGEST_BODY", 50_000)
    received = 0

    def endless() -> Iterator[bytes]:
        nonlocal received
        while received < 1_000_000:
            received += len(piece)
            yield piece

    with pytest.raises(Unreachable, match="has more than"):
        receive(httpx.Response(200, content=endless()), 60.0, short=True)
    assert received < 60_000


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


@pytest.mark.parametrize(
    ("reason", "described"),
    [("WRONG_VERSION_NUMBER", "wrong version number"), (None, "no reason given")],
)
def test_a_port_that_does_not_speak_tls_is_described(reason: str | None, described: str) -> None:
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = reason  # type: ignore[assignment]
    assert describe_failure(error) == f"SSLError: TLS failed, {described}"


def test_a_certificate_that_is_not_accepted_is_described_without_a_full_stop() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "Hostname mismatch, certificate is not valid for 'h.example'."
    assert describe_failure(error).endswith(
        "accepted, Hostname mismatch, certificate is not valid for 'h.example'"
    )


def test_the_first_error_with_a_reason_describes_a_failure() -> None:
    middle, last = OSError(5, None), OSError(111, "Connection refused")
    error = httpx.ConnectError("all attempts failed")
    error.__cause__, middle.__context__ = middle, last
    assert describe_failure(error) == "ConnectError: Connection refused"
    middle.__context__ = OSError("a text without a number")
    assert describe_failure(error) == "ConnectError"


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


def check_that_closing_ends_a_waiting_request(upstream: Upstream, client: Client) -> None:
    asked = threading.Event()

    def stall(_asked: object) -> Reply:
        asked.set()
        return Reply(fate="stalled")

    upstream.script = stall
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(get_page, client)
        assert asked.wait(LONG)
        time.sleep(0.5)  # by then the thread waits for bytes
        client.close()
        assert isinstance(request.exception(SOON), Cancelled)


def test_a_client_that_is_closed_ends_a_request_that_waits_for_its_answer(
    upstream: Upstream, client: Client
) -> None:
    check_that_closing_ends_a_waiting_request(upstream, client)


def test_a_connection_that_is_made_while_the_client_is_closed_is_shut_down(client: Client) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(SOON)
        connected = {"return_value": SimpleNamespace(get_extra_info={"socket": ours}.get)}
        client._trace("connection.connect_tcp.complete", connected)
        theirs.sendall(b"a")
        assert ours.recv(1) == b"a"
        client._closed.set()
        client._trace("connection.start_tls.complete", connected)
        assert theirs.recv(1) == b""


def test_a_client_closed_behind_tls_ends_a_request_that_waits_for_its_answer(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    with (
        behind_tls(certificate) as (upstream, place, _names),
        client_of(f"https://{NAME}/v2", connect_to=place) as client,
    ):
        check_that_closing_ends_a_waiting_request(upstream, client)


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


def test_the_authorities_of_a_file_are_trusted_and_those_of_a_variable_are_not(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with behind_tls(certificate) as (upstream, place, _names):
        with client_of(f"https://{NAME}/v2", connect_to=place, ca_file=str(certificate)) as client:
            get_page(client)
        assert len(upstream.asked) == 1
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with (
            client_of(f"https://{NAME}/v2", connect_to=place, ca_file=certifi.where()) as client,
            pytest.raises(UntrustedCertificate),
        ):
            client.get("/conversations", {}, ConversationPage, attempts=1)


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff"])
def test_a_file_without_certificates_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnusableOption, match="no certificate that can be read") as caught:
        client_options(timeout=30.0, proxy=None, ca_file=str(file))
    assert caught.value.option == "ca_file"


def test_a_certificate_of_an_unknown_authority_is_refused(certificate: Path) -> None:
    with (
        behind_tls(certificate) as (upstream, place, _names),
        client_of(f"https://{NAME}/v2", connect_to=place) as client,
    ):
        with pytest.raises(Unreachable):
            get_page(client)
        assert upstream.signed_in == []
