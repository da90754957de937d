"""nginx and Caddy with the files of docs/deploy: only addresses, ports and certificates change."""

from __future__ import annotations

import os
import re
import secrets
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from itertools import count
from pathlib import Path
from socket import create_connection, create_server, socket

from tests.programs import find_program
from tests.unit.server.threaded_server import LOOPBACK, Answer, read
from tests.unit.service.doubles import LONG

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "deploy"
NAME = "reports.example.com"
_HOSTS = count(1)


def new_address() -> str:
    """An address of this machine that no other test has used: limits count for each address."""
    return "127.1.{}.{}".format(*divmod(next(_HOSTS), 250))


@dataclass(frozen=True)
class Proxy:
    """A running proxy.

    Attributes:
        kind: `nginx` or `caddy`.
        port: Where it serves https.
        http_port: Where it serves http.
        log: Its access log.
        authority: The file of the authority that certifies it.
    """

    kind: str
    port: int
    http_port: int
    log: Path
    authority: Path

    def connect(
        self, name: str | None = NAME, address: str = LOOPBACK, trust: ssl.SSLContext | None = None
    ) -> ssl.SSLSocket:
        """A connection with TLS, from an address of this machine."""
        trust = trust or self.trust()
        trust.check_hostname = name is not None
        plain = create_connection((LOOPBACK, self.port), LONG, source_address=(address, 0))
        return trust.wrap_socket(plain, server_hostname=name)

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)

    def ask(
        self,
        target: str,
        headers: dict[str, str],
        method: str = "GET",
        *,
        body: bytes | None = None,
        address: str = LOOPBACK,
    ) -> Answer:
        """One request on a connection of its own."""
        with closing(HTTPSConnection(NAME, timeout=LONG)) as connection:
            connection.sock = self.connect(address=address)
            connection.request(method, target, body, headers)
            return read(connection)

    def ask_without_tls(self, target: str) -> Answer:
        with closing(HTTPConnection(LOOPBACK, self.http_port, timeout=LONG)) as connection:
            connection.request("GET", target, headers={"Host": NAME})
            return read(connection)

    def logged(self, text: str) -> str:
        """All of the access log, as soon as it has a text."""
        deadline = time.monotonic() + LONG
        while text not in (log := self.log.read_text("utf-8") if self.log.exists() else ""):
            assert time.monotonic() < deadline, f"{text!r} is not in the log:\n{log}"
            time.sleep(0.02)
        return log


@contextmanager
def nginx(
    folder: Path, servers: list[int], change: Callable[[str], str] = lambda text: text
) -> Iterator[Proxy]:
    """nginx with our site, in front of servers on these ports."""
    program = find_program("nginx", "nginx-light")
    port, http_port = _free_ports(2)
    authority, certificate, key = _certificate(folder)
    site = change((FOLDER / "nginx.conf").read_text("utf-8"))
    upstream = "".join(f"    server {LOOPBACK}:{each};\n" for each in servers)
    site = _replace(
        site,
        (r"    server 127\.0\.0\.1:8080;\n", upstream),
        (r" +listen \[::\].*\n", ""),  # not every machine has IPv6
        (r"listen 443 ssl;", f"listen {LOOPBACK}:{port} ssl;"),
        (r"listen 80;", f"listen {LOOPBACK}:{http_port};"),
        (rf"/etc/letsencrypt/live/{NAME}/fullchain\.pem", str(certificate)),
        (rf"/etc/letsencrypt/live/{NAME}/privkey\.pem", str(key)),
        (r"/var/log/nginx/", f"{folder}/"),
        (r"/var/www/html", f"{folder}/html"),
    )
    (folder / "helpscout-v1").write_text(site, "utf-8")
    (folder / "nginx.conf").write_text(_nginx_around(folder), "utf-8")
    command = [program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with _running(command, folder, (port, http_port)):
        yield Proxy("nginx", port, http_port, folder / "helpscout-v1.log", authority)


@contextmanager
def caddy(
    folder: Path, servers: list[int], change: Callable[[str], str] = lambda text: text
) -> Iterator[Proxy]:
    """Caddy with our file, in front of servers on these ports; its own authority certifies it."""
    program = find_program("caddy", "caddy")
    port, http_port, admin = _free_ports(3)
    own = f"http_port {http_port}\nhttps_port {port}\nadmin {LOOPBACK}:{admin}\n"
    text = change((FOLDER / "Caddyfile").read_text("utf-8"))
    file = folder / "Caddyfile"
    file.write_text(
        _replace(text, (r"\A((?:#.*\n)*)\{\n", rf"\1{{\n{own}local_certs\nskip_install_trust\n")),
        "utf-8",
    )
    log = folder / "helpscout-v1.log"
    settings = {
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "SERVERS": " ".join(f"{LOOPBACK}:{each}" for each in servers),
        "LOG": f"file {log}",
    }
    command = [program, "run", "--config", str(file), "--adapter", "caddyfile"]
    with _running(command, folder, (port, http_port), **settings):
        authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        proxy = Proxy("caddy", port, http_port, log, authority)
        _await_certificate(proxy)
        yield proxy


PROXIES = {"nginx": nginx, "caddy": caddy}


def _free_ports(number: int) -> list[int]:
    """Ports that nobody uses, below those that systems give to outgoing connections."""
    with ExitStack() as opened:
        found: list[int] = []
        while len(found) < number:
            with suppress(OSError):
                port = secrets.choice(range(20_000, 32_000))
                opened.enter_context(create_server(("", port)))
                found.append(port)
        return found


def _nginx_around(folder: Path) -> str:
    """What a distribution has around the files of sites."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    user = "user root;\n" if os.geteuid() == 0 else ""
    return (
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/pid;\nevents {{}}\n"
        f"http {{\naccess_log {folder}/other.log;\n{folders}include {folder}/helpscout-v1;\n}}\n"
    )


def _replace(text: str, *changes: tuple[str, str]) -> str:
    """A text with each pattern replaced; every pattern must be in it."""
    for pattern, replacement in changes:
        text, found = re.subn(pattern, replacement, text)
        assert found, f"{pattern} is not in the file"
    return text


def _certificate(folder: Path) -> tuple[Path, Path, Path]:
    """An authority, and a certificate by it for the name, with its key: three PEM files."""
    openssl = find_program("openssl", "openssl")
    authority, certificate, key = (folder / name for name in ("ca.pem", "chain.pem", "key.pem"))
    new = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    own = "-subj /CN=Test -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem"
    others = (
        f"-subj /CN={NAME} -addext subjectAltName=DNS:{NAME} -addext basicConstraints=CA:FALSE "
        "-CA ca.pem -CAkey ca.key -keyout key.pem -out chain.pem"
    )
    made = [[*new, *own.split()], [*new, *others.split()]]
    for command in made:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=LONG)
    return authority, certificate, key


@contextmanager
def _running(
    command: list[str], folder: Path, ports: tuple[int, ...], **settings: str
) -> Iterator[None]:
    """A program that runs as long as the block, once it listens on all ports."""
    output = folder / "output.txt"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command, env=os.environ | settings, cwd=folder, stdout=file, stderr=file
        ) as process,
    ):
        try:
            for port in ports:
                _await_port(port, process, output)
            yield
        finally:
            process.terminate()


def _await_port(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + LONG
    while not _listens(port):
        said = output.read_text("utf-8")
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.02)


def _await_certificate(proxy: Proxy) -> None:
    """Caddy listens before it has its first certificate."""
    deadline = time.monotonic() + LONG
    while True:
        try:
            proxy.connect().close()
            return
        except OSError:  # that of TLS, or that there is no file yet
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket() as tried:
        return tried.connect_ex((LOOPBACK, port)) == 0
