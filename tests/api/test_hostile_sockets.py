"""Hostile clients of every WebSocket: they lose their connection, and nobody else notices."""

from __future__ import annotations

import base64
import json
import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from .conftest import Account
from .site import Site, served

TEXT, BINARY, CONTINUATION, CLOSE = 1, 2, 0, 8
SLOW = "Speak this slowly. It must not be spoken to its end."
PATHS = {
    "ours": "/v1/audio/speech/stream",
    "elevenlabs": "/v1/text-to-speech/Anna/stream-input",
    "elevenlabs-multi": "/v1/text-to-speech/Anna/multi-stream-input",
    "minimax": "/ws/v1/t2a_v2",
}
MINIMAX = {"model": "speech-2.8-hd", "voice_setting": {"voice_id": "Anna"}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture
def account(site: Site) -> Account:
    return site.account()


def frame(opcode: int, payload: bytes, *, last: bool = True, size: int | None = None) -> bytes:
    """A masked frame. `size` is announced in place of the payload's."""
    size = len(payload) if size is None else size
    head = bytes([opcode | (0x80 if last else 0)])
    if size < 126:
        head += bytes([0x80 | size])
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", size)
    return head + b"\0\0\0\0" + payload  # a mask of zeros changes nothing


def fragments() -> bytes:
    """A message of 2 MB in small pieces, which never ends."""
    piece = frame(CONTINUATION, b"a" * 1000, last=False)
    return frame(TEXT, b'{"text": "', last=False) + piece * 2000


ATTACKS: dict[str, bytes] = {
    "noise": random.Random(1).randbytes(5000),
    "no mask": b"\x81\x05Hello",
    "reserved bits": b"\xf1\x80\0\0\0\0",
    "a giant that is announced": frame(TEXT, b"{", size=1 << 40),
    "endless fragments": fragments(),
    "no UTF-8": frame(TEXT, b'{"text": "\xff"}'),
    "a binary frame": frame(BINARY, os.urandom(100)),
    "no JSON": frame(TEXT, b"Hello!"),
    "deep JSON": frame(TEXT, b"[" * 100_000),
    "a long number": frame(TEXT, b'{"text": ' + b"1" * 100_000 + b"}"),
    "a list": frame(TEXT, b"[]"),
    "half a character": frame(TEXT, b'{"text": "a \\ud800 b", "flush": true, "event": "\\udfff"}'),
}


def shake(site: Site, path: str, key: str) -> socket.socket:
    """A socket after the handshake."""
    raw = socket.create_connection(("127.0.0.1", site.port), timeout=30)
    nonce = base64.b64encode(os.urandom(16)).decode()
    raw.sendall(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {nonce}\r\n"
        f"Authorization: Bearer {key}\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += raw.recv(1)
    assert answer.startswith(b"HTTP/1.1 101")
    return raw


def closed(raw: socket.socket) -> bool:
    """Read until the server closes the WebSocket or the connection. Raises TimeoutError."""
    raw.settimeout(30)
    with suppress(ConnectionError), raw.makefile("rb") as answer:
        while head := answer.read(2):
            size = head[1]
            if size >= 126:
                size = int.from_bytes(answer.read(2 if size == 126 else 8))
            answer.read(size)
            if head[0] & 15 == CLOSE:
                return True
    return True


def settled(site: Site, account: Account) -> int:
    """Micro-credits that the account has paid, once all of its connections are gone."""
    until = time.monotonic() + 30
    while site.api.app.state.soundclone.open_sockets.count(account.id):
        assert time.monotonic() < until
        time.sleep(0.02)
    return site.used(account)


@pytest.mark.parametrize("path", PATHS)
def test_wrong_frames_close_their_connection(site: Site, account: Account, path: str) -> None:
    for name, data in ATTACKS.items():
        with shake(site, PATHS[path], account.key) as raw:
            with suppress(ConnectionError):  # the server was faster
                raw.sendall(data)
            if name.startswith("a giant"):
                raw.shutdown(socket.SHUT_WR)
            assert closed(raw), name
        assert settled(site, account) == 0, name
    assert httpx.get(f"{site.url}/healthz").status_code == 200


def opened(site: Site, account: Account, path: str) -> ClientConnection:
    """A connection whose speech has begun, which is never read."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)  # or the kernel reads ahead
    narrow.connect(("127.0.0.1", site.port))
    return connect(
        f"ws://127.0.0.1:{site.port}{PATHS[path]}",
        sock=narrow,
        additional_headers={"Authorization": f"Bearer {account.key}"},
        max_queue=1,
        ping_interval=None,
        close_timeout=0.1,
    )


def say(path: str, text: str) -> str:
    """A message with a text."""
    if path == "minimax":
        return json.dumps({"event": "task_continue", "text": text})
    if path == "ours":
        return json.dumps({"type": "text", "text": text})
    return json.dumps({"text": text, "context_id": "a"})


def begin(talk: ClientConnection, path: str) -> None:
    """Send the first message."""
    if path == "ours":
        talk.send(json.dumps({"type": "start", "voice": "Anna"}))
    elif path == "minimax":
        talk.send(json.dumps({"event": "task_start", **MINIMAX}))
    else:
        talk.send(json.dumps({"text": " ", "context_id": "a"}))


@pytest.mark.parametrize("path", ["elevenlabs", "minimax"])
def test_who_reads_nothing_halts_the_speech(site: Site, account: Account, path: str) -> None:
    with suppress(ConnectionClosed), opened(site, account, path) as talk:
        begin(talk, path)
        for number in range(30):
            talk.send(say(path, f"Sentence number {number}. " * 5))
        before, now = -1, 0
        while now != before or not now:  # the buffers of the connection are full
            time.sleep(1)
            before, now = now, site.tasks(account)
        assert 1 <= now < 60
        talk.socket.close()
    paid = settled(site, account)
    assert site.tasks(account) <= now + 1
    assert paid > 0


@pytest.mark.parametrize("path", PATHS)
def test_who_closes_one_half_is_gone(site: Site, account: Account, path: str) -> None:
    """The server does not speak for a client that can send nothing more."""
    with opened(site, account, path) as talk, suppress(ConnectionClosed):
        begin(talk, path)
        talk.send(say(path, f"{SLOW} "))
        if path == "ours":
            talk.send(json.dumps({"type": "flush"}))
        until = time.monotonic() + 30
        while not site.tasks(account):
            assert time.monotonic() < until
            time.sleep(0.02)
        talk.socket.shutdown(socket.SHUT_WR)
        paid = settled(site, account)
    price = site.api.settings.price_list
    assert paid < 1e6 * (float(price["sound-cloning-voice"]) + len(SLOW) * 2e-4)


@pytest.mark.parametrize("path", ["elevenlabs", "elevenlabs-multi"])
def test_a_text_without_an_end(site: Site, account: Account, path: str) -> None:
    """Others are answered while a megabyte arrives in which no sentence ends."""
    with opened(site, account, path) as talk:
        with suppress(ConnectionClosed):
            begin(talk, path)
            for _ in range(3):
                talk.send(say(path, "word " * 200_000))
            for _ in range(5):
                assert httpx.get(f"{site.url}/healthz", timeout=20).status_code == 200
        talk.socket.close()
    settled(site, account)
