"""What the proxies limit, and what their logs have."""

from __future__ import annotations

import re
import ssl
import subprocess
import time
import warnings
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from contextlib import closing
from http.client import HTTPSConnection, IncompleteRead
from pathlib import Path

import pytest

from compat.config.settings import Settings
from tests.integration.docs.pages import Block, blocks, pages
from tests.integration.proxies.started_proxies import FOLDER, NAME, Proxy, new_address, nginx
from tests.programs import find_program
from tests.unit.server.commands import Running
from tests.unit.server.threaded_server import KEY, LOOPBACK, Answer, ask, free_port, read
from tests.unit.service.doubles import JANUARY, LONG, basic

SECRET = "a-key-that-nobody-may-see"
FILES = {"nginx": "nginx.conf", "caddy": "Caddyfile"}


@pytest.fixture
def site(folder: Path, server: Running) -> Iterator[Proxy]:
    """nginx for one test: its limits are used up at the end."""
    with nginx(folder, [server.port]) as running:
        yield running


def until_refused(proxy: Proxy, address: str) -> list[Answer]:
    """The answers to requests on one connection, up to the first that is no report."""
    answers = []
    with closing(HTTPSConnection(NAME, timeout=LONG)) as connection:
        connection.sock = proxy.connect(address=address)
        for _ in range(3000):
            connection.request("GET", JANUARY, headers=KEY)
            answers.append(read(connection))
            if answers[-1].status != 200:
                break
    return answers


def many(proxy: Proxy, number: int, address: str) -> list[Answer]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: proxy.ask(JANUARY, KEY, address=address), range(number)))


def test_nginx_limits_the_requests_of_an_address_and_not_those_of_others(site: Proxy) -> None:
    busy, other = new_address(), new_address()
    answers = until_refused(site, busy)
    assert site.ask(JANUARY, KEY, address=other).status == 200
    refused = answers.pop()
    assert {answer.status for answer in answers} == {200}
    assert len(answers) >= 60
    assert refused.json == {"code": 429, "error": "Too many requests from this address"}
    assert refused.headers["retry-after"] == "10"
    assert refused.headers["content-type"] == "application/json; charset=utf-8"
    assert refused.headers["access-control-allow-origin"] == "*"


def test_a_dashboard_with_forty_panels_is_within_the_limit(site: Proxy) -> None:
    assert {answer.status for answer in many(site, 40, new_address())} == {200}


def test_a_large_body_is_refused(proxy: Proxy) -> None:
    # The server reads no bodies, and may have answered and closed before Caddy has sent all of it.
    try:
        answer = proxy.ask(JANUARY, KEY, "POST", body=bytes(100_000), address=new_address())
    except IncompleteRead:
        assert proxy.kind == "caddy"
        return
    assert answer.status in ({413} if proxy.kind == "nginx" else {404, 413, 503})


def test_a_huge_head_is_refused(proxy: Proxy) -> None:
    huge = f"{JANUARY}&tags={'1,' * 60_000}"
    try:
        answer = proxy.ask(huge, KEY, address=new_address())
    except (ConnectionError, ssl.SSLError):  # it may be closed while we still send
        return
    assert answer.status in {400, 414, 431}


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("nginx", r"proxy_read_timeout (\d+)s;"),
        ("caddy", r"response_header_timeout (\d+)s"),
    ],
)
def test_the_proxies_wait_longer_than_the_server(kind: str, pattern: str) -> None:
    (seconds,) = re.findall(pattern, (FOLDER / FILES[kind]).read_text("utf-8"))
    assert int(seconds) > Settings.model_fields["patience"].default + 5


def test_a_caller_that_sends_half_a_request_is_cut_off(folder: Path, server: Running) -> None:
    """As the file says, only sooner."""
    with (
        nginx(
            folder,
            [server.port],
            lambda text: text.replace("client_header_timeout 30s", "client_header_timeout 1s"),
        ) as site,
        closing(site.connect()) as connection,
    ):
        connection.sendall(b"GET /v1/")
        start = time.monotonic()
        assert connection.recv(1000) == b""
        assert time.monotonic() - start < 10


def test_no_log_has_a_key_or_a_query(proxy: Proxy) -> None:
    address = new_address()
    target = f"{JANUARY}&token={SECRET}"
    correlation = proxy.ask(target, KEY, address=address).headers["correlation-id"]
    proxy.ask(target, {"Authorization": basic(SECRET)}, address=address)
    proxy.ask(target, {"Authorization": basic(SECRET), "Cookie": SECRET}, "POST", address=address)
    proxy.ask(f"/metrics?{SECRET}", {"Authorization": basic(SECRET)}, address=address)
    proxy.ask_without_tls(target)
    log = proxy.logged(correlation)
    proxy.logged("/metrics")
    assert "/v1/reports/conversations/new.json" in log
    assert address in log
    keys = [SECRET, "an-old-key", b64encode(SECRET.encode()).decode()[:16]]
    for file in proxy.log.parent.glob("*.log"):
        # Other tests make nginx log an error, and that has the query of the request.
        words = keys if file.name == "error.log" else [*keys, "2015-01"]
        assert not [word for word in words if word in file.read_text("utf-8")], file


def test_wrong_keys_can_be_found_in_the_log_with_their_addresses(proxy: Proxy) -> None:
    program = find_program("fail2ban-regex", "fail2ban")
    guessing, using = new_address(), new_address()
    for _ in range(3):
        wrong = proxy.ask(JANUARY, {"Authorization": basic("wrong")}, address=guessing)
    proxy.ask(JANUARY, KEY, address=using)
    # The addresses in these are what a caller wrote, and not the caller's own.
    forged = '/v1/"remote_ip":"192.0.2.1"/x" 401 "status":401'.replace(" ", "%20").replace(
        '"', "%22"
    )
    last = proxy.ask(forged, KEY, address=using)
    proxy.logged(last.headers["correlation-id"])
    assert wrong.status == 401
    command = [program, "--print-no-missed", "--out", "ip", str(proxy.log)]
    found = subprocess.run(
        [*command, str(FOLDER / "fail2ban-filter.conf")],
        capture_output=True, text=True, timeout=LONG, check=False,
    ).stdout.split()  # fmt: skip
    assert found.count(guessing) == 3
    assert using not in found
    assert "192.0.2.1" not in found


def test_fail2ban_accepts_the_jail(tmp_path: Path) -> None:
    program = find_program("fail2ban-client", "fail2ban")
    log = tmp_path / "access.log"
    log.touch()
    jail = (FOLDER / "fail2ban-jail.conf").read_text("utf-8")
    names = ConfigParser(interpolation=None)
    names.read_string(jail)
    assert names["helpscout-v1"]["filter"] == "helpscout-v1"
    for name in (
        "fail2ban.conf",
        "paths-common.conf",
        "paths-debian.conf",
        "jail.conf",
        "action.d",
    ):
        (tmp_path / name).symlink_to(Path("/etc/fail2ban") / name)
    (tmp_path / "filter.d").mkdir()
    (tmp_path / "jail.d").mkdir()
    (tmp_path / "filter.d" / "helpscout-v1.conf").symlink_to(FOLDER / "fail2ban-filter.conf")
    jail = jail.replace("/var/log/nginx/helpscout-v1.log", str(log))
    (tmp_path / "jail.d" / "helpscout-v1.conf").write_text(jail, "utf-8")
    done = subprocess.run(
        [program, "-c", str(tmp_path), "-d"],
        capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "['add', 'helpscout-v1', 'polling']" in done.stdout
    assert "['set', 'helpscout-v1', 'maxretry', 20]" in done.stdout
    assert str(log) in done.stdout


def nginx_blocks() -> list[Block]:
    return [block for page in pages() for block in blocks(page) if block.language == "nginx"]


def old_trust() -> ssl.SSLContext:
    """As a program of 2010 connects."""
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    trust.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        trust.minimum_version = trust.maximum_version = ssl.TLSVersion.TLSv1
    return trust


def test_a_client_with_tls_1_0_cannot_connect(proxy: Proxy) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        proxy.connect(None, trust=old_trust())


def test_a_client_with_tls_1_0_can_connect_after_the_pages_change(
    folder: Path, server: Running
) -> None:
    (lines,) = [block.text for block in nginx_blocks() if "SECLEVEL" in block.text]
    with (
        nginx(
            folder,
            [server.port],
            lambda text: text.replace("    ssl_protocols TLSv1.2 TLSv1.3;\n", lines),
        ) as site,
        closing(site.connect(None, trust=old_trust())) as connection,
    ):
        assert connection.version() == "TLSv1"


def test_a_program_without_modern_tls_can_use_a_proxy_on_its_own_machine(
    proxy: Proxy, server: Running, folder: Path
) -> None:
    (text,) = [block.text for block in nginx_blocks() if "proxy_ssl_verify" in block.text]
    port = free_port()
    for there, here in {
        "127.0.0.1:8090": f"{LOOPBACK}:{port}",
        f"https://{NAME};": f"https://{LOOPBACK}:{proxy.port};\nproxy_ssl_name {NAME};"
        f"proxy_set_header Host {NAME};proxy_bind {new_address()};",
        "/etc/ssl/certs/ca-certificates.crt": str(proxy.authority),
    }.items():
        assert there in text
        text = text.replace(there, here)
    with nginx(folder, [server.port], lambda site: site + text):
        assert ask(port, JANUARY).body == ask(server.port, JANUARY).body
        assert ask(port, JANUARY, headers={}).status == 401


def test_every_configuration_on_a_page_is_run_by_a_test() -> None:
    assert len(nginx_blocks()) == 2
