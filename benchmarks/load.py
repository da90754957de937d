"""Servers in processes of their own, and the load for them."""

from __future__ import annotations

import math
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

CONNECTIONS: Final = 16
_PIPELINED: Final = 4
_RATE: Final = re.compile(r"^Requests/sec:\s+([\d.]+)", re.MULTILINE)
_BAD: Final = re.compile(r"Non-2xx|Socket errors")
_PATIENCE: Final = 30.0


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    url: str
    pid: int

    def processor_time(self) -> float:
        """The processor time that it has used, in seconds; NaN where it is not known."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            return math.nan
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(*name: str) -> Iterator[Server]:
    """Serve one of `apps.APPLICATIONS`; its log goes to a file, as in real use."""
    command = [sys.executable, "-m", "benchmarks.apps", *name]
    with (
        tempfile.NamedTemporaryFile("w+") as log,
        subprocess.Popen(command, stderr=log) as process,
    ):
        try:
            yield Server(_address(log.name, process), process.pid)
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def rate(url: str, headers: Mapping[str, str], seconds: int) -> float:
    """Answers a second, measured for some seconds; with wrk if it is installed."""
    if shutil.which("wrk"):
        return _by_wrk(url, headers, seconds)
    return _by_sockets(url, headers, seconds)


def _address(log: str, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with open(log, encoding="utf-8") as lines:
            if found := re.search(r" on (http://\S+)\n", lines.read()):
                return found[1]
        time.sleep(0.02)
    raise RuntimeError("the server did not start")


def _by_wrk(url: str, headers: Mapping[str, str], seconds: int) -> float:
    sent = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *sent, url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = _RATE.search(output)
    if found is None or _BAD.search(output):
        raise RuntimeError(f"wrk got other answers than 200: {output}")
    return float(found[1])


def _by_sockets(url: str, headers: Mapping[str, str], seconds: int) -> float:
    """Send a few requests at a time on each connection; count answers by their length."""
    parts = urlsplit(url)
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    one = (
        f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n{fields}\r\n".encode()
    )
    with ExitStack() as stack:
        address = (parts.hostname, parts.port)
        connections = [
            stack.enter_context(socket.create_connection(address, timeout=_PATIENCE))
            for _ in range(CONNECTIONS)
        ]
        length = _length(connections[0], one)
        answered, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            for connection in connections:
                connection.sendall(one * _PIPELINED)
            for connection in connections:
                _receive(connection, length * _PIPELINED)
            answered += _PIPELINED * CONNECTIONS
        return answered / (time.perf_counter() - began)


def _length(connection: socket.socket, request: bytes) -> int:
    """The number of bytes of one answer; all answers are equally long."""
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, rest = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"not answered with 200: {head!r}")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    assert found
    _receive(connection, int(found[1]) - len(rest))
    return len(head) + 4 + int(found[1])


def _receive(connection: socket.socket, length: int) -> None:
    while length > 0:
        got = len(connection.recv(length))
        if not got:
            raise RuntimeError("the server closed the connection")
        length -= got
