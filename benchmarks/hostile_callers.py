"""Attacks on the server: what is sent, what is answered, and how much memory the server uses.

The server is started with its command and a simulated account that answers slowly. All figures are
of that one process. The malformed requests are made from requests that real clients sent.
"""

from __future__ import annotations

import json
import random
import re
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from compat.simulator import Behaviour, Simulator, make_account, running

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "unit" / "v1" / "data" / "golden-requests.jsonl"
LOOPBACK = "127.0.0.1"
KEY = b"Authorization: Basic NjA3ODNkZDIzZWY6WA==\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
REPORT = b"/v1/reports/conversations/new.json?start=2015-01-01&end=2015-03-31"
ALLOWED = {200, 204, 400, 401, 404, 408, 413, 431, 503}
"""Statuses that are allowed: 204 answers OPTIONS; 503 only with a `Retry-After`."""

STATUS = re.compile(rb"^HTTP/1\.1 ([0-9]{3}) [^\r\n]*\r\n", re.MULTILINE)
PATIENCE = 60.0
_PAUSE = 0.1


@dataclass
class Server:
    """The server process and its port."""

    pid: int
    port: int

    def memory(self) -> float:
        """The memory that it uses, in MB; 0 where the system does not show it."""
        with suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) / 1024
        return 0.0

    def files(self) -> int:
        """The number of its open files and connections; 0 where the system does not show it."""
        with suppress(OSError):
            return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
        return 0


@dataclass
class Results:
    """The answers to many attempts.

    Attributes:
        statuses: How often each status, or another result, occurred.
        wrong: Answers that are not allowed, at most 300 bytes of each.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[bytes] = field(default_factory=list)

    def add(self, answer: bytes) -> None:
        """Count the statuses in an answer, and keep it if it is not allowed."""
        if not answer:
            self.statuses["closed"] += 1
            return
        found = [int(each) for each in STATUS.findall(answer)]
        self.statuses.update(map(str, found))
        without_time = 503 in found and b"retry-after" not in answer.lower()
        if not answer.startswith(b"HTTP/1.1 ") or set(found) - ALLOWED or without_time:
            self.wrong.append(answer[:300])


@contextmanager
def running_server(conversations: int = 500, latency: float = 0.02) -> Iterator[Server]:
    """A server, started with its command."""
    behaviour = Behaviour(rate_limit=None, latency=latency)
    with running(Simulator(make_account(conversations), behaviour)) as base_url:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HELPSCOUT_APP_ID": "demo-app",
            "HELPSCOUT_APP_SECRET": "demo-secret",
            "HELPSCOUT_BASE_URL": base_url,
            "COMPAT_API_KEYS": "60783dd23ef",
            "COMPAT_PASS_V2": "true",
        }
        command = [str(Path(sys.executable).parent / "helpscout-v1"), "serve", "--port", "0"]
        with subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            line = process.stderr.readline()
            # The log is read and dropped: a full pipe would block the server.
            Thread(target=process.stderr.read, daemon=True).start()
            try:
                yield Server(process.pid, int(line.rpartition(":")[2]))
            finally:
                process.terminate()


def send(server: Server, *parts: bytes, gap: float = 0.0, disconnect: bool = False) -> bytes:
    """Send parts, and return everything that the server answers until it closes the connection."""
    answer = b""
    with socket.create_connection((LOOPBACK, server.port), timeout=PATIENCE) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(gap)
            if disconnect:
                return b""
            connection.settimeout(_PAUSE)
            with suppress(TimeoutError):
                while part := connection.recv(65_536):
                    answer += part
            connection.settimeout(PATIENCE)
            connection.shutdown(
                socket.SHUT_WR
            )  # nothing more is sent: a server that waits for more can stop
            while part := connection.recv(65_536):
                answer += part
        except TimeoutError:
            return b"hangs"
        except OSError:  # the server has closed the connection
            pass
    return answer


def answers_normal_request(server: Server) -> bool:
    """Whether a correct request is answered with 200."""
    request = b"GET " + REPORT + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + KEY + b"\r\n"
    with socket.create_connection((LOOPBACK, server.port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return connection.recv(65_536).startswith(b"HTTP/1.1 200")


def real_requests() -> list[bytes]:
    """The requests that real clients sent."""
    lines = [json.loads(line) for line in GOLDEN.read_text("utf-8").split("\n") if line]
    return [
        b"GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nConnection: close\r\n\r\n"
        % (line["target"].encode(), (line["authorization"] or "").encode())
        for line in lines
    ]


def _bytes(rng: random.Random, request: bytes) -> list[bytes]:
    at = rng.randrange(len(request))
    return [request[:at] + rng.randbytes(rng.choice([1, 2, 9, 99])) + request[at:]]


def _cut(rng: random.Random, request: bytes) -> list[bytes]:
    return [request[: rng.randrange(len(request))]]


def _without(rng: random.Random, request: bytes) -> list[bytes]:
    first, last = sorted((rng.randrange(len(request)), rng.randrange(len(request))))
    return [request[:first] + request[last:]]


def _flipped(rng: random.Random, request: bytes) -> list[bytes]:
    changed = bytearray(request)
    for _ in range(rng.randrange(1, 6)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return [bytes(changed)]


def _fragments(rng: random.Random, request: bytes) -> list[bytes]:
    places = sorted(rng.randrange(len(request)) for _ in range(rng.randrange(1, 12)))
    return [request[at:to] for at, to in zip([0, *places], [*places, None], strict=True)]


def _ahead(rng: random.Random, request: bytes) -> list[bytes]:
    kept = request.replace(b"Connection: close\r\n", b"")
    return [kept * rng.randrange(2, 90) + _flipped(rng, request)[0] + request]


def _line(rng: random.Random, request: bytes) -> list[bytes]:
    method = rng.choice([b"HEAD", b"POST", b"OPTIONS", b"PUT", b"CONNECT", b"PRI", b"get", b""])
    version = rng.choice([b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2.0", b"HTTP/9.9", b"HTTP", b""])
    _, target, rest = request.split(b" ", 2)
    return [b"%s %s %s\r\n%s" % (method, target, version, rest.partition(b"\r\n")[2])]


def _headers(rng: random.Random, request: bytes) -> list[bytes]:
    odd = [
        *(b"Content-Length: -1", b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 1e9"),
        *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Expect: 100-continue"),
        *(b"Upgrade: h2c\r\nConnection: Upgrade", b"Connection: keep-alive", b"\x00: \x00", b": "),
        *(b"Authorization: Basic ====", b"Authorization: Bearer x", b" folded", b"Host: \xff"),
        *(b"X: " + b"a" * 70_000, b"\r\n".join([b"a: b"] * 999)),
    ]
    line, rest = request.split(b"\r\n", 1)
    return [b"\r\n".join([line, *rng.sample(odd, rng.randrange(1, 4)), rest])]


def _encoded(rng: random.Random, request: bytes) -> list[bytes]:
    method, target, rest = request.split(b" ", 2)
    odd = b"".join(
        rng.choice([b"%", b"%zz", b"%00", b"%C3%28", b"&", b"=", b"[]", b"%2e%2e/"])
        for _ in range(rng.randrange(1, 300))
    )
    at = rng.randrange(len(target))
    return [method + b" " + target[:at] + odd + target[at:] + b" " + rest]


def _body(rng: random.Random, request: bytes) -> list[bytes]:
    size = rng.choice([0, 1, 70_000, 300_000])
    head = request.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % size)
    return [head, rng.randbytes(size)]


MUTATIONS: tuple[Callable[[random.Random, bytes], list[bytes]], ...] = (
    *(_bytes, _cut, _without, _flipped, _fragments, _ahead),
    *(_line, _headers, _encoded, _body),
)
"""Functions that change a correct request; each returns the parts that are sent one by one."""


def malformed_requests(server: Server, times: int) -> Results:
    """Requests of real clients, changed in every way."""
    results, rng, good = Results(), random.Random(1), real_requests()
    for _ in range(times):
        parts = rng.choice(MUTATIONS)(rng, rng.choice(good))
        gap = 0.001 if len(parts) < 12 and rng.random() < 0.2 else 0.0
        results.add(send(server, *parts, gap=gap, disconnect=rng.random() < 0.1))
    return results


def large_headers(server: Server, times: int) -> Results:
    """Headers of more than a megabyte: in one header, in many, and in the query."""
    results = Results()
    for at in range(times):
        filled = (b"X: " + b"a" * 2**20, b"a: b\r\n" * 2**17, b"")[at % 3]
        line = HEALTH if at % 3 < 2 else b"GET /?" + b"a=b&" * 2**18 + b" HTTP/1.1\r\nHost: x\r\n"
        results.add(send(server, line, filled, b"\r\n\r\n"))
    return results


def large_bodies(server: Server, times: int) -> Results:
    """A GET with a body of eight megabytes."""
    results = Results()
    for at in range(times):
        ends = (
            b"Connection: close\r\n" if at % 2 else b""
        )  # then the server does not have to read all of it
        head = HEALTH + ends + b"Content-Length: %d\r\n\r\n" % 2**23
        results.add(send(server, head, *[b"a" * 2**16] * 2**7))
    return results


def disconnecting_callers(server: Server, times: int) -> Results:
    """Callers that disconnect while conversations are fetched."""
    results = Results()
    for at in range(times):
        line = b"GET " + REPORT + b"&tags=%d HTTP/1.1\r\nHost: x\r\n" % at
        send(server, line + KEY + b"\r\n", disconnect=True)
        results.statuses["disconnected"] += 1
    return results


def silent_connections(server: Server, times: int) -> Results:
    """Connections that send nothing, or half a request, until their callers disconnect.

    The server does not close them: this is left to a reverse proxy. Other callers must still be
    answered.
    """
    results, others = Results(), 20
    with ExitStack() as stack:
        for at in range(times):
            address = (LOOPBACK, server.port)
            connection = stack.enter_context(socket.create_connection(address, timeout=PATIENCE))
            if at % 2:
                connection.sendall(HEALTH)
        answered = sum(answers_normal_request(server) for _ in range(others))
        results.statuses["normal requests answered at the same time"] += answered
        if answered < others:
            results.wrong.append(b"a normal request was not answered")
    return results


def simultaneous_connections(server: Server, times: int) -> Results:
    """Many connections at once, each with a correct request."""
    results = Results()
    request = b"GET " + REPORT + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + KEY + b"\r\n"
    with selectors.DefaultSelector() as selector:
        for _ in range(times):
            connection = socket.create_connection((LOOPBACK, server.port), timeout=PATIENCE)
            connection.sendall(request)
            selector.register(connection, selectors.EVENT_READ, bytearray())
        _fetch(selector, results)
    return results


def _fetch(selector: selectors.BaseSelector, results: Results) -> None:
    """Read all connections until the server has closed each of them."""
    until = time.monotonic() + PATIENCE
    while selector.get_map() and time.monotonic() < until:
        for key, _ in selector.select(1.0):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            part = b""
            with suppress(ConnectionError):
                part = connection.recv(65_536)
            key.data.extend(part)
            if not part:
                selector.unregister(connection)
                connection.close()
                results.add(bytes(key.data))
    for key in list(selector.get_map().values()):
        results.wrong.append(b"still open after a minute")
        selector.unregister(key.fileobj)


def _wait_for_closed_connections(server: Server, files: int) -> None:
    """Wait a few seconds until the server has closed the connections of callers that are gone."""
    until = time.monotonic() + 5.0
    while server.files() > files and time.monotonic() < until:
        time.sleep(_PAUSE)


ATTACKS: tuple[tuple[str, Callable[[Server, int], Results], int], ...] = (
    ("changed requests of real clients", malformed_requests, 3000),
    ("headers of over a megabyte", large_headers, 60),
    ("a body of 8 MB on a GET", large_bodies, 20),
    ("callers that disconnect while data is fetched", disconnecting_callers, 500),
    ("simultaneous connections, each with a question", simultaneous_connections, 1000),
    ("connections that send nothing or half a request", silent_connections, 1000),
)
"""Name, function, and number of attempts in a full run."""

MOST_GROWTH = 40.0
"""MB by which memory may grow after a first round of attacks: allocators keep some of it."""


def main(arguments: list[str]) -> int:
    """Print the table and return the exit status. An argument divides the number of attempts."""
    part = int(arguments[0]) if arguments else 1
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wrong: list[bytes] = []
    print("| what was sent | how many | what came back | memory before, after (MB) |")
    print("|---|---|---|---|")
    with running_server() as server:
        for _, attack, times in ATTACKS[:4]:
            wrong += attack(server, max(times // 10 // part, 5)).wrong
        began, open_before = server.memory(), server.files()
        for what, attack, times in ATTACKS:
            before = server.memory()
            results = attack(server, times // part)
            wrong += results.wrong
            back = ", ".join(
                f"{word}: {number:,}" for word, number in results.statuses.most_common()
            )
            print(f"| {what} | {times // part:,} | {back} | {before:.0f}, {server.memory():.0f} |")
        answered = answers_normal_request(server)
        _wait_for_closed_connections(server, open_before)
        growth, left = server.memory() - began, server.files() - open_before
    print(f"\nTotal growth: {growth:.0f} MB; connections left open: {max(left, 0)}.")
    for each in wrong[:5]:
        print("wrong:", each, file=sys.stderr)
    return int(bool(wrong) or not answered or growth > MOST_GROWTH or left > 32)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
