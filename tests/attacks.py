"""Hostile clients and sources, for `tests/security` and `bench/abuse.py`.

Each attack talks to 127.0.0.1 only, runs in threads of the calling process, and ends when its
context ends.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"
_BLOCK = 64 * 1024  # bytes


@dataclass
class Traffic:
    """The numbers of one attack, updated while the attack runs."""

    sent: int = 0  # bytes
    opened: int = 0  # connections
    closed: int = 0  # connections that the server closed
    answers: list[bytes] = field(default_factory=list)  # the first line of each answer


@contextmanager
def _threads(*targets: threading.Thread) -> Iterator[None]:
    for thread in targets:
        thread.start()
    try:
        yield
    finally:
        for thread in targets:
            thread.join(15)


@contextmanager
def many_headers(port: int, total: int = 100_000_000) -> Iterator[Traffic]:
    """Requests whose heads hold short headers without end, until `total` bytes are sent."""
    traffic, stop = Traffic(), threading.Event()
    block = b"".join(b"X-%d: y\r\n" % number for number in range(6000))

    def attack() -> None:
        while traffic.sent < total and not stop.is_set():
            _flood(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n", block, traffic, stop, total)

    with _threads(threading.Thread(target=attack)):
        try:
            yield traffic
        finally:
            stop.set()


@contextmanager
def endless_header(port: int, rate: float = 6e6) -> Iterator[Traffic]:
    """One header that never ends, at `rate` bytes a second; reconnects when it is cut off."""
    traffic, stop = Traffic(), threading.Event()

    def attack() -> None:
        while not stop.is_set():
            head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "
            _flood(port, head, b"y" * _BLOCK, traffic, stop, rate=rate)

    with _threads(threading.Thread(target=attack)):
        try:
            yield traffic
        finally:
            stop.set()


def _flood(
    port: int,
    head: bytes,
    block: bytes,
    traffic: Traffic,
    stop: threading.Event,
    total: float = float("inf"),
    rate: float = float("inf"),
) -> None:
    """Send `head`, then `block` again and again on one connection, until the server ends it."""
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            traffic.opened += 1
            connection.sendall(head)
            while traffic.sent < total and not stop.is_set():
                started = time.monotonic()
                connection.sendall(block)
                traffic.sent += len(block)
                pause = len(block) / rate - (time.monotonic() - started)
                if pause > 0:
                    stop.wait(pause)
    except OSError:
        traffic.closed += 1
        stop.wait(0.01)


@contextmanager
def held_open(port: int, count: int, start: bytes, drip: bytes = b"") -> Iterator[Traffic]:
    """`count` connections that send `start` and then one byte of `drip` every few seconds.

    A connection that the server closes is opened again, as a real attacker would.
    """
    traffic, stop = Traffic(), threading.Event()
    connections: list[socket.socket | None] = [None] * count

    def connect(index: int) -> None:
        try:
            connection = socket.create_connection((HOST, port), timeout=2)
            connection.setblocking(False)
            connection.send(start)
            connections[index] = connection
            traffic.opened += 1
        except OSError:
            connections[index] = None

    def attack() -> None:
        for index in range(count):
            if stop.is_set():
                return
            connect(index)
        while not stop.wait(2.0):
            for index, connection in enumerate(connections):
                if connection is None or not _alive(connection, drip):
                    if connection is not None:
                        traffic.closed += 1
                        connection.close()
                    connect(index)
                if stop.is_set():
                    return

    with _threads(threading.Thread(target=attack)):
        try:
            yield traffic
        finally:
            stop.set()
            with suppress(OSError):
                for connection in connections:
                    if connection is not None:
                        connection.close()


def _alive(connection: socket.socket, drip: bytes) -> bool:
    try:
        if drip:
            connection.send(drip[:1])
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


def half_a_body(key: str = "") -> bytes:
    """The start of a POST whose body never comes."""
    lines = ["POST /api/open-api/v1/soundCloning/audios HTTP/1.1", "Host: localhost"]
    lines += ["Content-Type: application/json", "Content-Length: 1000"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    return "\r\n".join([*lines, "", "{"]).encode()


@contextmanager
def unfinished_uploads(port: int, key: str, count: int, size: int) -> Iterator[Traffic]:
    """`count` uploads that announce 100 MB, send `size` bytes, and wait."""
    traffic, stop = Traffic(), threading.Event()
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
        b"Content-Type: audio/wav\r\n\r\n"
    )
    head = (
        "POST /api/open-api/v1/files/upload HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        "Content-Length: 99000000\r\n\r\n"
    ).encode()

    def attack() -> None:
        try:
            with socket.create_connection((HOST, port), timeout=10) as connection:
                traffic.opened += 1
                connection.sendall(head + form)
                sent = 0
                while sent < size and not stop.is_set():
                    connection.sendall(bytes(_BLOCK))
                    sent += _BLOCK
                    traffic.sent += _BLOCK
                while not stop.wait(0.2):
                    connection.settimeout(0.2)
                    with suppress(TimeoutError):
                        answer = connection.recv(4096)
                        traffic.answers.append(answer.partition(b"\r\n")[0])
                        traffic.closed += 1
                        return
        except OSError:
            traffic.closed += 1

    with _threads(*(threading.Thread(target=attack) for _ in range(count))):
        try:
            yield traffic
        finally:
            stop.set()


@contextmanager
def stalling_source(first: bytes = b"") -> Iterator[str]:
    """URL of a recording whose server sends a head and `first`, and then nothing."""
    release = threading.Event()

    class Stall(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "audio/mpeg")
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(first)
            self.wfile.flush()
            release.wait(120)

        def log_message(self, *_: object) -> None:
            pass

    with _served(Stall) as url:
        try:
            yield url
        finally:
            release.set()


@contextmanager
def source(content: bytes) -> Iterator[str]:
    """URL of a recording with this content."""

    class Whole(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with _served(Whole) as url:
        yield url


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with ExitStack() as stack:
        server = stack.enter_context(Server((HOST, 0), handler))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_address[1]}/recording.mp3"
        finally:
            server.shutdown()
            thread.join(10)
