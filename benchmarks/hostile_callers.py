"""What hostile callers send, what comes back, and what the server's memory does meanwhile.

A server is started by its command, in front of a simulated account that answers slowly; all
figures are of that one process. Seeds of the nonsense are requests that real clients sent.
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
ALLOWED = {200, 400, 401, 404, 408, 413, 431, 503}
"""What may come back; 503 only with the time after which to come back."""

STATUS = re.compile(rb"^HTTP/1\.1 ([0-9]{3}) [^\r\n]*\r\n", re.MULTILINE)
PATIENCE = 60.0
_PAUSE = 0.1


@dataclass
class Server:
    """The process that is tried, and where it listens."""

    pid: int
    port: int

    def memory(self) -> float:
        """What it holds in memory, in MB; 0 where the system does not say."""
        with suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) / 1024
        return 0.0

    def files(self) -> int:
        """How many files and connections it has open; 0 where the system does not say."""
        with suppress(OSError):
            return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
        return 0


@dataclass
class Came:
    """What came back for many attempts."""

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[bytes] = field(default_factory=list)

    def note(self, answer: bytes) -> None:
        """Count the answers in what came back, and keep what no answer may be."""
        if not answer:
            self.statuses["closed"] += 1
            return
        found = [int(each) for each in STATUS.findall(answer)]
        self.statuses.update(map(str, found))
        late = 503 in found and b"retry-after" not in answer.lower()
        if not answer.startswith(b"HTTP/1.1 ") or set(found) - ALLOWED or late:
            self.wrong.append(answer[:300])


@contextmanager
def served(conversations: int = 500, latency: float = 0.02) -> Iterator[Server]:
    """A server as the command starts it."""
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
            # Nobody reads the log, and a full pipe would hold the server up.
            Thread(target=process.stderr.read, daemon=True).start()
            try:
                yield Server(process.pid, int(line.rpartition(":")[2]))
            finally:
                process.terminate()


def sent(server: Server, *parts: bytes, gap: float = 0.0, hang_up: bool = False) -> bytes:
    """What comes back for these parts, until the server hangs up or says no more."""
    answer = b""
    with socket.create_connection((LOOPBACK, server.port), timeout=PATIENCE) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(gap)
            if hang_up:
                return b""
            connection.settimeout(_PAUSE)
            with suppress(TimeoutError):
                while part := connection.recv(65_536):
                    answer += part
            connection.settimeout(PATIENCE)
            connection.shutdown(socket.SHUT_WR)  # that is all: whoever waits for more may end
            while part := connection.recv(65_536):
                answer += part
        except TimeoutError:
            return b"hangs"
        except OSError:  # the server has hung up
            pass
    return answer


def honest(server: Server) -> bool:
    """Whether a caller who asks as one should gets an answer."""
    request = b"GET " + REPORT + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + KEY + b"\r\n"
    with socket.create_connection((LOOPBACK, server.port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return connection.recv(65_536).startswith(b"HTTP/1.1 200")


def seeds() -> list[bytes]:
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
"""How a good request is spoiled; each gives the parts that are sent one after the other."""


def nonsense(server: Server, times: int) -> Came:
    """Requests that real clients sent, spoiled in every way."""
    came, rng, good = Came(), random.Random(1), seeds()
    for _ in range(times):
        parts = rng.choice(MUTATIONS)(rng, rng.choice(good))
        gap = 0.001 if len(parts) < 12 and rng.random() < 0.2 else 0.0
        came.note(sent(server, *parts, gap=gap, hang_up=rng.random() < 0.1))
    return came


def large_heads(server: Server, times: int) -> Came:
    """Heads of more than a megabyte, in one header, in many, and in the query."""
    came = Came()
    for at in range(times):
        filled = (b"X: " + b"a" * 2**20, b"a: b\r\n" * 2**17, b"")[at % 3]
        line = HEALTH if at % 3 < 2 else b"GET /?" + b"a=b&" * 2**18 + b" HTTP/1.1\r\nHost: x\r\n"
        came.note(sent(server, line, filled, b"\r\n\r\n"))
    return came


def large_bodies(server: Server, times: int) -> Came:
    """A GET with a body of eight megabytes."""
    came = Came()
    for at in range(times):
        ends = b"Connection: close\r\n" if at % 2 else b""  # then the server need not read it all
        head = HEALTH + ends + b"Content-Length: %d\r\n\r\n" % 2**23
        came.note(sent(server, head, *[b"a" * 2**16] * 2**7))
    return came


def gone(server: Server, times: int) -> Came:
    """Questions whose callers hang up while conversations are fetched."""
    came = Came()
    for at in range(times):
        line = b"GET " + REPORT + b"&tags=%d HTTP/1.1\r\nHost: x\r\n" % at
        sent(server, line + KEY + b"\r\n", hang_up=True)
        came.statuses["left"] += 1
    return came


def silent(server: Server, times: int) -> Came:
    """Connections that send nothing, or half a request, until their callers hang up.

    The server does not end them: that is left to a reverse proxy. They may hinder nobody.
    """
    came, others = Came(), 20
    with ExitStack() as stack:
        for at in range(times):
            address = (LOOPBACK, server.port)
            connection = stack.enter_context(socket.create_connection(address, timeout=PATIENCE))
            if at % 2:
                connection.sendall(HEALTH)
        answered = sum(honest(server) for _ in range(others))
        came.statuses["honest callers answered meanwhile"] += answered
        if answered < others:
            came.wrong.append(b"an honest caller was not answered")
    return came


def active(server: Server, times: int) -> Came:
    """As many connections at once, each with a good question."""
    came = Came()
    request = b"GET " + REPORT + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + KEY + b"\r\n"
    with selectors.DefaultSelector() as selector:
        for _ in range(times):
            connection = socket.create_connection((LOOPBACK, server.port), timeout=PATIENCE)
            connection.sendall(request)
            selector.register(connection, selectors.EVENT_READ, bytearray())
        _fetch(selector, came)
    return came


def _fetch(selector: selectors.BaseSelector, came: Came) -> None:
    """Read all connections until the server has hung up on each."""
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
                came.note(bytes(key.data))
    for key in list(selector.get_map().values()):
        came.wrong.append(b"still open after a minute")
        selector.unregister(key.fileobj)


def _let_go(server: Server, files: int) -> None:
    """Give the server a few seconds to notice that callers have hung up."""
    until = time.monotonic() + 5.0
    while server.files() > files and time.monotonic() < until:
        time.sleep(_PAUSE)


ATTACKS: tuple[tuple[str, Callable[[Server, int], Came], int], ...] = (
    ("real requests, spoiled", nonsense, 3000),
    ("heads of over a megabyte", large_heads, 60),
    ("a body of 8 MB on a GET", large_bodies, 20),
    ("callers who hang up while it is fetched", gone, 500),
    ("connections at once, each with a question", active, 1000),
    ("connections that are silent or stop halfway", silent, 1000),
)
"""What is tried, how, and how often in a whole run."""

MOST_GROWTH = 40.0
"""MB that the memory may grow by in all attacks once each was met: what allocators keep."""


def main(arguments: list[str]) -> int:
    """Print the table; the exit status. An argument divides how often each thing is tried."""
    part = int(arguments[0]) if arguments else 1
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wrong: list[bytes] = []
    print("| what was sent | how many | what came back | memory before, after (MB) |")
    print("|---|---|---|---|")
    with served() as server:
        for _, attack, times in ATTACKS[:4]:
            wrong += attack(server, max(times // 10 // part, 5)).wrong
        began, open_before = server.memory(), server.files()
        for what, attack, times in ATTACKS:
            before = server.memory()
            came = attack(server, times // part)
            wrong += came.wrong
            back = ", ".join(f"{word}: {number:,}" for word, number in came.statuses.most_common())
            print(f"| {what} | {times // part:,} | {back} | {before:.0f}, {server.memory():.0f} |")
        answered = honest(server)
        _let_go(server, open_before)
        growth, left = server.memory() - began, server.files() - open_before
    print(f"\nGrowth in all: {growth:.0f} MB; connections left open: {max(left, 0)}.")
    for each in wrong[:5]:
        print("wrong:", each, file=sys.stderr)
    return int(bool(wrong) or not answered or growth > MOST_GROWTH or left > 32)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
