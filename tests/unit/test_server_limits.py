"""The limits of a connection, on a real server and real sockets."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from soundclone.api.connections import Limits, reserve
from soundclone.api.server import bounded, listen

LARGE = 8_000_000
ENDED: list[str] = []  # the reasons for which answers to /endless ended


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers /large with much, /refuse before the body is read, all else with what it got."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/endless":
        ENDED.append(await endless(receive, send))
        return
    read = 0
    if scope["path"] != "/refuse":
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            read += len(message["body"])
            if not message["more_body"]:
                break
    content = json.dumps({"read": read, "headers": len(scope["headers"])}).encode()
    if scope["path"] == "/large":
        content = bytes(LARGE)
    if scope["path"] == "/block":
        time.sleep(4)  # noqa: ASYNC251
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    size = str(len(content)).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]}
    )
    for start in range(0, len(content), 65536):
        await send(
            {
                "type": "http.response.body",
                "body": content[start : start + 65536],
                "more_body": start + 65536 < len(content),
            }
        )


async def endless(receive: Any, send: Any) -> str:
    """Answer until the client is gone; the reason for the end."""

    async def watch() -> str:
        while (message := await receive())["type"] == "http.request":
            pass
        return str(message["type"])

    watching = asyncio.create_task(watch())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while not watching.done():
        try:
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        except Exception as error:
            watching.cancel()
            return repr(error)
        await asyncio.sleep(0.01)
    return watching.result()


@contextmanager
def serving(**limits: Any) -> Iterator[int]:
    """The port of a server of `application` within `limits`."""
    with listen("127.0.0.1", 0) as listening:
        server = bounded(application, Limits(**limits), lifespan="off", timeout_graceful_shutdown=1)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


@pytest.fixture
def connect() -> Iterator[Callable[[int], socket.socket]]:
    with ExitStack() as stack:

        def make(port: int) -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))

        yield make


def ask(port: int, path: str = "/", **options: Any) -> tuple[int, bytes]:
    """Status and content of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(options.pop("method", "GET"), path, **options)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def rest(client: socket.socket) -> bytes:
    """Receive until the server closes or resets the connection."""
    received = b""
    try:
        while block := client.recv(65536):
            received += block
    except ConnectionError:
        pass
    return received


def pour(client: socket.socket, piece: bytes, most: int) -> int:
    """Send `piece` over and over, until the server has enough; the bytes that it took."""
    sent = 0
    try:
        while sent < most:
            sent += client.send(piece)
    except OSError:
        pass
    return sent


def sentence(answer: bytes) -> tuple[int, str]:
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content)["msg"]


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"a" * 65536, id="endless header"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"a" * 65536, id="endless name"),
        pytest.param(b"GET /", b"a" * 65536, id="endless path"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 10000, id="many headers"),
        pytest.param(b"", b"\r\n" * 30000, id="empty lines"),
    ],
)
def test_a_head_without_end_is_refused(
    connect: Callable[[int], socket.socket], start: bytes, piece: bytes
) -> None:
    with serving() as port:
        client = connect(port)
        client.sendall(start)
        assert pour(client, piece, 100_000_000) < 20_000_000
        assert ask(port)[0] == 200


def test_a_long_head_is_refused_in_a_sentence(connect: Callable[[int], socket.socket]) -> None:
    with serving(head=2000) as port:
        client = connect(port)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 3000)
        assert sentence(rest(client)) == (
            431,
            "the head of the request is longer than 2,000 bytes, the most",
        )
        assert ask(port, headers={"X": "a" * 1000})[0] == 200


def test_a_hundred_headers_are_taken_and_no_more() -> None:
    with serving() as port:

        def headers(count: int) -> dict[str, str]:
            return {f"X-{number}": "a" for number in range(count)}

        # http.client adds Host and Accept-Encoding.
        assert json.loads(ask(port, headers=headers(98))[1])["headers"] == 100
        status, content = ask(port, headers=headers(99))
        assert status == 431
        assert "more than 100 headers" in json.loads(content)["msg"]


def test_a_head_in_pieces_is_read(connect: Callable[[int], socket.socket]) -> None:
    with serving() as port:
        client = connect(port)
        for byte in b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
            client.sendall(bytes([byte]))
        assert rest(client).startswith(b"HTTP/1.1 200")


def test_silence_ends(connect: Callable[[int], socket.socket]) -> None:
    with serving(head_seconds=1) as port:
        silent, half = connect(port), connect(port)
        half.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert rest(silent) == b""
        assert sentence(rest(half)) == (408, "the request head was not complete after 1 s")


def test_a_busy_server_is_not_the_fault_of_its_clients(
    connect: Callable[[int], socket.socket],
) -> None:
    with serving(head_seconds=2) as port:
        client, other = connect(port), connect(port)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        other.sendall(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1)
        client.sendall(b"Connection: close\r\n\r\n")
        assert rest(client).startswith(b"HTTP/1.1 200")


def test_a_trickle_of_headers_ends(connect: Callable[[int], socket.socket]) -> None:
    with serving(head_seconds=1) as port:
        client = connect(port)
        client.sendall(b"GET / HTTP/1.1\r\n")
        client.settimeout(0.2)
        deadline = time.monotonic() + 30
        answer = b""
        while not answer and time.monotonic() < deadline:
            client.sendall(b"a: b\r\n")
            with suppress(TimeoutError):
                answer = client.recv(1000)
        assert sentence(answer)[0] == 408


def test_a_body_that_stops_ends(connect: Callable[[int], socket.socket]) -> None:
    with serving(body_seconds=1) as port:
        client = connect(port)
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        status, words = sentence(rest(client))
        assert status == 408
        assert words.startswith("the body came too slowly")


def test_a_slow_body_that_goes_on_is_taken(connect: Callable[[int], socket.socket]) -> None:
    with serving(body_seconds=3, body_rate=10) as port:
        client = connect(port)
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 500\r\n\r\n"
        )
        for _ in range(10):
            client.sendall(b"a" * 50)
            time.sleep(0.5)
        assert b'"read": 500' in rest(client)


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(b"1;" + b"a" * 60000 + b"\r\nx\r\n", id="extensions"),
        pytest.param(b"1" + b";a" * 65536, id="one extension"),
        pytest.param(b"0\r\n" + b"a: b\r\n" * 10000, id="trailers"),
    ],
)
def test_chunks_without_content_are_refused(
    connect: Callable[[int], socket.socket], piece: bytes
) -> None:
    with serving() as port:
        client = connect(port)
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert pour(client, piece, 100_000_000) < 20_000_000
        assert ask(port)[0] == 200


def test_small_chunks_are_taken() -> None:
    with serving() as port:
        status, content = ask(
            port,
            method="POST",
            body=iter([b"a"] * 50_000),
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
        assert (status, json.loads(content)["read"]) == (200, 50_000)


def test_trailers_are_no_headers(connect: Callable[[int], socket.socket]) -> None:
    with serving() as port:
        client = connect(port)
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            b"1\r\na\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
        )
        assert b'{"read": 1, "headers": 3}' in rest(client)


def test_requests_that_do_not_wait_are_bounded(connect: Callable[[int], socket.socket]) -> None:
    request = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving() as port:
        few = connect(port)
        few.sendall(request * 3)
        received = b""
        while received.count(b"HTTP/1.1 200") < 3:
            received += few.recv(65536)
        many = connect(port)
        many.sendall(request * 5000)
        assert rest(many).count(b"HTTP/1.1 200") == 0


@pytest.mark.parametrize("requests", [1, 2, 3])
def test_an_answer_ends_with_its_client_whatever_waits_behind(
    connect: Callable[[int], socket.socket], requests: int
) -> None:
    ENDED.clear()
    with serving() as port:
        client = connect(port)
        following = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * (requests - 1)
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n" + following)
        assert client.recv(65536)
        client.close()
        deadline = time.monotonic() + 20
        while not ENDED and time.monotonic() < deadline:
            time.sleep(0.05)
    assert ENDED == ["http.disconnect"]


def test_the_one_that_waits_longest_makes_room(connect: Callable[[int], socket.socket]) -> None:
    with serving(connections=20, head_seconds=60) as port:
        held = [connect(port) for _ in range(60)]
        for client in held:
            client.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(5):
            assert ask(port)[0] == 200
        assert rest(held[0]) == b""
        last = held[-1]
        last.sendall(b"Host: x\r\nConnection: close\r\n\r\n")
        assert rest(last).startswith(b"HTTP/1.1 200")


def test_an_upload_keeps_its_place(connect: Callable[[int], socket.socket]) -> None:
    with serving(connections=20, head_seconds=60) as port:
        upload = connect(port)
        upload.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nConnection: close\r\n\r\nabc"
        )
        time.sleep(0.2)
        for _ in range(60):
            connect(port)
        upload.sendall(b"def")
        assert b'"read": 6' in rest(upload)


def test_unfinished_heads_are_bounded_together(connect: Callable[[int], socket.socket]) -> None:
    with serving(heads=100_000, head_seconds=60) as port:
        held = [connect(port) for _ in range(20)]
        for client in held:
            client.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000)
        assert rest(held[0]) == b""
        assert ask(port)[0] == 200


def test_a_reader_that_stops_is_left(connect: Callable[[int], socket.socket]) -> None:
    with serving(stall_seconds=1) as port:
        client = connect(port)
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(4)
        assert len(rest(client)) < LARGE


def test_a_slow_reader_is_served(connect: Callable[[int], socket.socket]) -> None:
    with serving(stall_seconds=3) as port:
        client = connect(port)
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = 0
        for _ in range(8):
            received += len(client.recv(500_000))
            time.sleep(1)
        assert received + len(rest(client)) > LARGE


def test_readers_that_stop_are_bounded(connect: Callable[[int], socket.socket]) -> None:
    with serving(stalled=5) as port:
        held = [connect(port) for _ in range(20)]
        for client in held:
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert len(ask(port, "/large")[1]) == LARGE
        time.sleep(3)
        assert len(rest(held[0])) < LARGE


def test_a_refusal_reaches_who_sends_all_first() -> None:
    with serving() as port:
        status, content = ask(
            port, "/refuse", method="POST", body=bytes(105_000_000), headers={"Connection": "close"}
        )
        assert (status, json.loads(content)["read"]) == (200, 0)


def test_what_follows_a_refusal_is_bounded(connect: Callable[[int], socket.socket]) -> None:
    with serving(discard=1_000_000) as port:
        client = connect(port)
        client.sendall(b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
        assert pour(client, bytes(65536), 200_000_000) < 50_000_000
    with serving(discard_seconds=1) as port:
        client = connect(port)
        client.sendall(b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n")
        assert b"connection: close" in rest(client)


def test_an_upgrade_is_answered_as_a_request(connect: Callable[[int], socket.socket]) -> None:
    with serving() as port:
        client = connect(port)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        answer = rest(client)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beside_an_upgrade_is_read(
    connect: Callable[[int], socket.socket], chunked: bool
) -> None:
    """Java's client offers HTTP/2 with its first request, for every method."""
    head = (
        b"POST / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nHost: x\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nExpect: 100-continue\r\n"
    )
    if chunked:
        head += b"Transfer-Encoding: chunked\r\n\r\n"
        pieces = [b"5\r\nhello\r\n", b"6\r\n world\r\n0\r\n\r\n"]
    else:
        head += b"Content-Length: 11\r\n\r\n"
        pieces = [b"hello", b" world"]
    following = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with serving() as port:
        for sent in ([head + b"".join(pieces) + following], [head, *pieces, following]):
            client = connect(port)
            for piece in sent:
                client.sendall(piece)
                time.sleep(0.2)
            answers = rest(client)
            assert answers.count(b"200 OK") == 2
            assert b'{"read": 11, "headers": ' in answers
            assert b'{"read": 0, "headers": 2}' in answers


def test_an_offer_of_another_protocol_has_the_limits_of_a_request(
    connect: Callable[[int], socket.socket],
) -> None:
    head = b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nHost: x\r\nUpgrade: h2c\r\n"
    with serving(pipeline=4) as port:
        client = connect(port)
        client.sendall((head + b"Content-Length: 2\r\n\r\nok") * 30)
        assert rest(client).count(b"200 OK") < 30
        assert ask(port)[0] == 200


def test_a_connection_is_used_again_and_closed_in_the_end() -> None:
    with serving(idle_seconds=1) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for method in ("GET", "POST", "GET"):
            connection.request(method, "/", body=b"abc" if method == "POST" else None)
            assert connection.getresponse().read()
        sock = connection.sock
        assert rest(sock) == b""
        connection.close()


def test_nonsense_is_refused_in_a_sentence(connect: Callable[[int], socket.socket]) -> None:
    with serving() as port:
        client = connect(port)
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        status, words = sentence(rest(client))
        assert status == 400
        assert "HTTP/1.1" in words


@pytest.mark.parametrize("descriptors", [256, 1024, 4096, 65536])
def test_descriptors_are_left_for_other_things(descriptors: int) -> None:
    assert 64 <= reserve(descriptors) <= descriptors / 2
