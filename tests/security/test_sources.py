"""Servers that answer with too much, too little, or something else than HTTP."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from soundclone.errors import SourceError
from soundclone.fetch.download import fetch

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(50_000_000))


def repeated(head: bytes, block: bytes, pause: float = 0.0) -> Callable[[], Iterator[bytes]]:
    """`head`, then `block` without end."""

    def blocks() -> Iterator[bytes]:
        yield head
        for _ in itertools.count():
            if pause:
                threading.Event().wait(pause)
            yield block

    return blocks


ANSWERS: dict[str, bytes | Callable[[], Iterable[bytes]]] = {
    "gzip bomb": OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n" + BOMB,
    "gzip as transfer coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "endless body": repeated(OK + b"Connection: close\r\n\r\n", bytes(65536)),
    "endless chunks": repeated(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + bytes(1026)
    ),
    "one byte chunks": repeated(CHUNKED, b"1\r\nx\r\n" * 1000),
    "endless early hints": repeated(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 100),
    "one byte a second": repeated(OK + b"Content-Length: 999\r\n\r\n", b"x", pause=0.5),
    "a head byte by byte": repeated(OK, b"X", pause=0.5),
    "one endless header": repeated(OK + b"X: ", b"y" * 65536),
    "headers without end": repeated(OK, b"X: y\r\n" * 10_000),
    "a length below zero": OK + b"Content-Length: -5\r\n\r\nhello",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a length of 40 digits": OK + b"Content-Length: " + b"9" * 40 + b"\r\n\r\nhello",
    "a length that is too long": OK + b"Content-Length: 50\r\n\r\nhello",
    "a bad chunk": CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
    "HTTP/0.9": b"hello, this is HTTP/0.9",
    "garbage": bytes(range(256)) * 40,
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhello",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "silence": b"",
    "a server fault": b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno",
    "a status of its own": b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
    "a challenge": b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
}


@contextmanager
def answering(content: bytes | Callable[[], Iterable[bytes]]) -> Iterator[str]:
    """URL of a server that answers each connection with `content`, and stays open."""
    stop = threading.Event()

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(20)
            connection.recv(65536)
            for block in [content] if isinstance(content, bytes) else content():
                if stop.is_set():
                    return
                connection.sendall(block)
            if content:
                connection.shutdown(socket.SHUT_WR)
            stop.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/recording.mp3"
        finally:
            stop.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@pytest.mark.parametrize("name", ANSWERS)
def test_hostile_answers_are_refused(tmp_path: Path, name: str) -> None:
    before = psutil.Process().memory_info().rss
    with answering(ANSWERS[name]) as url, pytest.raises(SourceError) as caught:
        fetch(url, tmp_path / "x", allow=["127.0.0.1"], max_bytes=1_000_000, timeout=1.5)
    assert psutil.Process().memory_info().rss - before < 100_000_000
    assert list(tmp_path.iterdir()) == []
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
