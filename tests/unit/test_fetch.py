from __future__ import annotations

import ipaddress
import shutil
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, NoReturn

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from soundclone.errors import (
    SourceError,
    SourceNotMedia,
    SourceRefused,
    SourceTimeout,
    SourceTooLarge,
    SourceUnreachable,
)
from soundclone.fetch import network
from soundclone.fetch.download import MAX_REDIRECTS, Fetched, fetch
from soundclone.fetch.network import is_public, resolve_host

LOOPBACK = "127.0.0.1"


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits of the code under test."""
    monkeypatch.setattr(network, "REFUSAL_STEP", 0.001)
    monkeypatch.setattr(network, "STEP", 0.02)


def refusal(host: str) -> str:
    """The message for a host without a public address."""
    return (
        f"{host} does not resolve to a public address; check its spelling, or ask the operator to "
        "allow it with SOUNDCLONE_FETCH_ALLOW"
    )


BODY = bytes(range(256)) * 2000
Page = bytes | Callable[[socket.socket], object]


def answer(
    body: bytes = b"", status: str = "200 OK", length: int | None = None, **headers: str
) -> bytes:
    """Return a whole response. Underscores in the names of headers stand for hyphens."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Server:
    """HTTP server that sends the planned bytes of each path and closes the connection."""

    listener: socket.socket
    tls: ssl.SSLContext | None = None
    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def url(self, path: str = "/voice.mp3", host: str = LOOPBACK) -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        connection.settimeout(120)
        with suppress(OSError), connection:
            if self.tls is None:
                self.say(connection)
            else:
                with self.tls.wrap_socket(connection, server_side=True) as encrypted:
                    self.say(encrypted)

    def say(self, connection: socket.socket) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            if not (block := connection.recv(65536)):
                return
            request += block
        self.requests.append(request.decode())
        page = self.pages[request.split()[1].decode().partition("?")[0]]
        if callable(page):
            page(connection)
        else:
            connection.sendall(page)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    with socket.create_server((LOOPBACK, 0)) as listener:
        server = Server(listener, tls)
        thread = Thread(target=server.run, daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(120)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "source"


def get(url: str, path: Path, **options: Any) -> Fetched:
    defaults: dict[str, Any] = {"allow": [LOOPBACK], "max_bytes": 10**6, "timeout": 5.0}
    return fetch(url, path, **defaults | options)


def fails(kind: type[SourceError], url: str, path: Path, **options: Any) -> str:
    """Return the message of the error of `get`, which leaves no file and names no secret."""
    with pytest.raises(kind) as caught:
        get(url, path, **options)
    assert type(caught.value) is kind
    assert not path.exists()
    message = caught.value.message
    assert "SECRET" not in message
    assert "\n" not in message
    assert len(message) < 400
    return message


@contextmanager
def connections() -> Iterator[list[str]]:
    """Collect the addresses of connections, and refuse the connections."""
    tried: list[str] = []

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> NoReturn:
        tried.append(address[0])
        raise ConnectionRefusedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", connect)
        yield tried


def resolver(*rounds: Iterable[str]) -> Callable[[str, int], list[str]]:
    """Return a resolver that answers with the first of `rounds`, then with the second."""
    left = iter(rounds)
    return lambda host, port: list(next(left))


class TestDownload:
    def test_whole(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(BODY, Content_Type="audio/mpeg")
        got = get(server.url("/voice.mp3?token=SECRET#part"), path)
        assert got == Fetched(len(BODY), "audio/mpeg", server.url())
        assert path.read_bytes() == BODY

    def test_request(self, server: Server, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        server.pages["/%E5%A3%B0"] = answer(BODY)
        get(server.url("/%E5%A3%B0?a=1&b=%20#part"), path)
        first, *headers = server.requests[0].strip().split("\r\n")
        assert first == "GET /%E5%A3%B0?a=1&b=%20 HTTP/1.1"
        assert f"Host: 127.0.0.1:{server.port}" in headers
        assert "Accept-Encoding: identity" in headers
        assert {line.partition(":")[0] for line in headers} == {
            "Host",
            "User-Agent",
            "Accept",
            "Accept-Encoding",
            "Connection",
        }

    def test_empty_path(self, server: Server, path: Path) -> None:
        server.pages["/"] = answer(BODY)
        assert get(server.url("?a"), path).content_type == ""
        assert server.requests[0].startswith("GET /?a HTTP/1.1")

    def test_chunks(self, server: Server, path: Path) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        server.pages["/voice.mp3"] = head + b"3;note=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        get(server.url(), path)
        assert path.read_bytes() == b"abcde"

    def test_ends_with_the_connection(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = b"HTTP/1.0 200 OK\r\n\r\nabcde"
        assert get(server.url(), path).bytes == 5

    def test_length_is_short_of_the_body(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(b"abcde", length=3)
        get(server.url(), path)
        assert path.read_bytes() == b"abc"

    def test_exactly_as_much_as_is_taken(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(BODY)
        assert get(server.url(), path, max_bytes=len(BODY)).bytes == len(BODY)

    def test_name(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(BODY)
        url = server.url(host="Voice.Example")
        got = get(url, path, resolve=resolver([LOOPBACK]))
        assert got.url == url.lower()
        assert f"Host: voice.example:{server.port}" in server.requests[0]

    def test_second_address(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(BODY)
        both = resolver(["::1", LOOPBACK])
        get(server.url(host="voice.example"), path, resolve=both, allow=["::1", LOOPBACK])

    def test_long_content_type(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(BODY, Content_Type="x" * 1000)
        assert len(get(server.url(), path).content_type) == 100

    def test_unwritable(self, server: Server, tmp_path: Path) -> None:
        server.pages["/voice.mp3"] = answer(BODY)
        with pytest.raises(FileNotFoundError):
            get(server.url(), tmp_path / "no folder" / "source")


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ("404 Whatever", "404 Not Found"),
            ("403 x", "403 Forbidden"),
            ("500 x", "500 Internal Server Error"),
            ("204 x", "204 No Content"),
            ("206 x", "206 Partial Content"),
            ("304 x", "304 Not Modified"),
            ("300 x", "300 Multiple Choices"),
            ("299 x", "299"),
            ("999 x", "999"),
        ],
    )
    def test_status(self, server: Server, path: Path, status: str, words: str) -> None:
        server.pages["/voice.mp3"] = answer(status=status)
        message = fails(SourceUnreachable, server.url("/voice.mp3?SECRET"), path)
        assert message == (
            f"the server answered {words} for 127.0.0.1:{server.port}/voice.mp3; 200 OK is needed"
        )

    def test_empty(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(b"")
        assert "is empty (0 bytes)" in fails(SourceNotMedia, server.url(), path)

    @pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x" * 500])
    def test_compressed(self, server: Server, path: Path, coding: str) -> None:
        server.pages["/voice.mp3"] = answer(BODY, Content_Encoding=coding)
        message = fails(SourceUnreachable, server.url(), path)
        assert f"compressed ('{coding[:10]}" in message

    def test_identity(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(BODY, content_encoding="Identity")
        get(server.url(), path)
        assert path.read_bytes() == BODY

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
            b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabcde",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabcde",
            b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        ],
    )
    def test_no_http(self, server: Server, path: Path, said: bytes) -> None:
        server.pages["/voice.mp3"] = said
        message = fails(SourceUnreachable, server.url(), path)
        assert message == f"127.0.0.1:{server.port} did not answer in HTTP"

    def test_no_chunk(self, server: Server, path: Path) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        server.pages["/voice.mp3"] = head + b"zz\r\nabc\r\n"
        assert "broke off after 0 bytes" in fails(SourceUnreachable, server.url(), path)

    def test_chunks_break_off(self, server: Server, path: Path) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        server.pages["/voice.mp3"] = head + b"5\r\nabcde\r\n"
        assert "broke off after 5 bytes" in fails(SourceUnreachable, server.url(), path)

    def test_length_is_beyond_the_body(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(BODY, length=600_000)
        message = fails(SourceUnreachable, server.url(), path)
        assert message.endswith("/voice.mp3 broke off after 512,000 of 600,000 bytes")

    def test_reset(self, server: Server, path: Path) -> None:
        received = Event()

        def reset(connection: socket.socket) -> None:
            connection.sendall(answer(BODY[:1000], length=600_000))
            received.wait(0.2)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        server.pages["/voice.mp3"] = reset
        assert "broke off after" in fails(SourceUnreachable, server.url(), path)

    def test_reset_before_the_answer(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = lambda connection: connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        message = fails(SourceUnreachable, server.url(), path)
        assert message == f"127.0.0.1:{server.port} broke off the connection"

    def test_nobody_listens(self, path: Path) -> None:
        with socket.create_server((LOOPBACK, 0)) as taken:
            port = taken.getsockname()[1]
        message = fails(SourceUnreachable, f"http://127.0.0.1:{port}/voice.mp3", path)
        assert message == f"127.0.0.1:{port} refused the connection"

    def test_unknown_name(self, path: Path) -> None:
        def resolve(host: str, port: int) -> NoReturn:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        message = fails(SourceRefused, "http://no.example/?SECRET", path, resolve=resolve)
        assert message == refusal("no.example")

    def test_no_address(self, path: Path) -> None:
        message = fails(SourceRefused, "http://no.example/", path, resolve=resolver([]))
        assert message == refusal("no.example")

    def test_private_names_look_like_names_that_do_not_exist(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Messages and times are the same: the operator's name server may know private names."""
        waits: list[float] = []
        monkeypatch.setattr(network.Deadline, "sleep", lambda _, seconds: waits.append(seconds))

        def unknown(host: str, port: int) -> NoReturn:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        answers = (unknown, resolver([]), resolver(["10.1.2.3"]), resolver(["8.8.8.8", "::1"]))
        refusals, logged = set(), set()
        for resolve in answers:
            with pytest.raises(SourceError) as caught:
                get("http://db.example/?SECRET", path, allow=(), resolve=resolve)
            refusals.add((caught.value.word, caught.value.message))
            logged.add(caught.value.logged)
        assert refusals == {("source_address_refused", refusal("db.example"))}
        assert len(logged) == len(answers)
        assert len(waits) == len(answers)
        assert all(0 <= wait <= network.REFUSAL_STEP for wait in waits)
        assert any("10.1.2.3" in reason for reason in logged)
        assert not any("SECRET" in reason for reason in logged)

    @settings(max_examples=40, deadline=None)
    @given(
        st.one_of(
            st.binary(max_size=200),
            st.binary(max_size=200).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail),
            st.binary(max_size=60).map(
                lambda tail: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + tail
            ),
            st.binary(max_size=60).map(
                lambda tail: b"HTTP/1.1 302 x\r\nLocation: ftp:" + tail + b"\r\n\r\n"
            ),
        )
    )
    def test_nonsense(self, tmp_path_factory: pytest.TempPathFactory, said: bytes) -> None:
        path = tmp_path_factory.getbasetemp() / "nonsense"
        with serving() as server:
            server.pages["/voice.mp3"] = said
            try:
                got = get(server.url(), path)
            except SourceError:
                assert not path.exists()
            else:
                assert path.stat().st_size == got.bytes > 0
                path.unlink()


class TestLimits:
    def test_announced(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(BODY, length=10**15)
        message = fails(SourceTooLarge, server.url(), path)
        assert "has 1,000,000,000,000,000 bytes; at most 1,000,000 are taken" in message

    @pytest.mark.parametrize("length", [None, 5])
    def test_unannounced(self, server: Server, path: Path, length: int | None) -> None:
        # With chunks, a length says nothing.
        said = f"Content-Length: {length}\r\n" if length else ""
        head = f"HTTP/1.1 200 OK\r\n{said}Transfer-Encoding: chunked\r\n\r\n".encode()

        def endless(connection: socket.socket) -> None:
            connection.sendall(head)
            while True:
                connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")

        server.pages["/voice.mp3"] = endless
        message = fails(SourceTooLarge, server.url(), path)
        assert "goes on after 1,000,000 bytes" in message

    def test_no_length_at_all(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = b"HTTP/1.0 200 OK\r\n\r\n" + BODY
        fails(SourceTooLarge, server.url(), path, max_bytes=len(BODY) - 1)

    @pytest.mark.parametrize(
        ("start", "drop"),
        [
            (b"", b"H"),
            (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ],
    )
    def test_drip(self, server: Server, path: Path, start: bytes, drop: bytes) -> None:
        left = Event()

        def drip(connection: socket.socket) -> None:
            connection.sendall(start)
            try:
                while True:
                    connection.sendall(drop)
                    time.sleep(0.02)
            except OSError:
                left.set()

        server.pages["/voice.mp3"] = drip
        message = fails(SourceTimeout, server.url("/voice.mp3?SECRET"), path, timeout=0.2)
        assert message == f"127.0.0.1:{server.port}/voice.mp3 did not arrive within 0.2 s"
        assert left.wait(60), "the client leaves while the server goes on"

    def test_silence(self, server: Server, path: Path) -> None:
        over = Event()
        server.pages["/voice.mp3"] = lambda connection: over.wait(300)
        fails(SourceTimeout, server.url(), path, timeout=0.1)
        over.set()

    @pytest.mark.parametrize("hello", [b"", b"\x16\x03\x03\x3f\xff" + bytes(200)])
    def test_slow_handshake(self, path: Path, hello: bytes) -> None:
        def drip(listener: socket.socket) -> None:
            with suppress(OSError), listener.accept()[0] as connection:
                for byte in hello:
                    connection.sendall(bytes([byte]))
                    time.sleep(0.02)
                connection.settimeout(300)
                while connection.recv(65536):
                    pass

        with socket.create_server((LOOPBACK, 0)) as listener:
            listener.settimeout(30)  # on a busy machine the client may give up before connecting
            thread = Thread(target=drip, args=(listener,))
            thread.start()
            url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
            fails(SourceTimeout, url, path, timeout=0.3)
            thread.join(120)
            assert not thread.is_alive()

    def test_redirects_share_the_time(self, server: Server, path: Path) -> None:
        def slow(connection: socket.socket) -> None:
            time.sleep(0.15)
            connection.sendall(answer(status="302 Found", Location="/voice.mp3"))

        server.pages["/voice.mp3"] = slow
        fails(SourceTimeout, server.url(), path, timeout=0.4)
        assert len(server.requests) <= 3

    def test_nothing_comes(
        self, server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A server that holds the connection is left long before the time-out."""

        def stall(connection: socket.socket) -> None:
            connection.sendall(answer(b"beginning", length=1000))
            connection.recv(1)  # until the other side closes

        monkeypatch.setattr(network, "MAX_STALL", 0.2)
        server.pages["/voice.mp3"] = stall
        message = fails(SourceTimeout, server.url("/voice.mp3"), path, timeout=600)
        assert message.endswith("/voice.mp3 sent nothing for 0.2 s")

    def test_no_handshake(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(network, "MAX_STALL", 0.2)
        with socket.create_server((LOOPBACK, 0)) as listener:
            url = f"https://{LOOPBACK}:{listener.getsockname()[1]}/"
            message = fails(SourceTimeout, url, path, timeout=600)
        assert message

    def test_too_slow(self, server: Server, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def drip(connection: socket.socket) -> None:
            connection.sendall(answer(length=10**6))
            with suppress(OSError):
                while True:
                    connection.sendall(bytes(100))
                    time.sleep(0.05)

        monkeypatch.setattr(network, "RATED_AFTER", 0.1)
        server.pages["/voice.mp3"] = drip
        message = fails(SourceTimeout, server.url("/voice.mp3"), path, timeout=600)
        assert "kB a second; at least 8 kB a second is needed" in message

    @pytest.mark.parametrize("start", [b"", answer(b"beginning", length=1000)])
    def test_nobody_wants_it_any_more(self, server: Server, path: Path, start: bytes) -> None:
        closed, asked = Event(), Event()

        def stall(connection: socket.socket) -> None:
            connection.settimeout(60)
            connection.sendall(start)
            asked.set()
            with suppress(ConnectionResetError):
                connection.recv(1)
            closed.set()

        def check() -> None:
            if asked.is_set():
                raise SourceError("nobody wants it")

        server.pages["/voice.mp3"] = stall
        message = fails(SourceError, server.url("/voice.mp3"), path, timeout=600, check=check)
        assert message == "nobody wants it"
        assert closed.wait(30)
        assert not path.exists()

    def test_nobody_waits_for_a_name_any_more(self, path: Path) -> None:
        over = Event()

        def resolve(host: str, port: int) -> Iterable[str]:
            over.wait(60)
            return [LOOPBACK]

        def check() -> None:
            raise SourceError("nobody wants it")

        fails(SourceError, "http://slow.example/", path, timeout=600, check=check, resolve=resolve)
        over.set()

    def test_slow_name_server(self, path: Path) -> None:
        release = Event()

        def resolve(host: str, port: int) -> list[str]:
            release.wait(300)
            return [LOOPBACK]

        fails(SourceTimeout, "http://slow.example/", path, timeout=0.2, resolve=resolve)
        assert not release.is_set()
        release.set()


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_followed(self, server: Server, path: Path, status: int) -> None:
        there = answer(status=f"{status} x", Location="../b/voice.mp3?key=SECRET#part")
        server.pages |= {"/a/start": there, "/b/voice.mp3": answer(BODY)}
        assert get(server.url("/a/start?x"), path).url == server.url("/b/voice.mp3")
        assert server.requests[1].startswith("GET /b/voice.mp3?key=SECRET HTTP/1.1")

    def test_chain(self, server: Server, path: Path) -> None:
        for step in range(MAX_REDIRECTS):
            there = (
                server.url(f"/{step + 1}") if step % 2 else f"//127.0.0.1:{server.port}/{step + 1}"
            )
            server.pages[f"/{step}"] = answer(b"ignored", "302 Found", Location=there)
        server.pages[f"/{MAX_REDIRECTS}"] = answer(BODY)
        assert get(server.url("/0"), path).url == server.url(f"/{MAX_REDIRECTS}")

    def test_loop(self, server: Server, path: Path) -> None:
        server.pages["/a"] = answer(status="302 Found", Location="/b?SECRET")
        server.pages["/b"] = answer(status="302 Found", Location="/a")
        message = fails(SourceUnreachable, server.url("/a"), path)
        assert "after 5 redirects" in message
        assert len(server.requests) == MAX_REDIRECTS + 1

    @pytest.mark.parametrize("headers", [{}, {"Location": ""}])
    def test_nowhere(self, server: Server, path: Path, headers: dict[str, Any]) -> None:
        server.pages["/voice.mp3"] = answer(status="302 Found", **headers)
        message = fails(SourceUnreachable, server.url(), path)
        assert message.endswith("/voice.mp3 redirects (302) without saying where")

    @pytest.mark.parametrize(
        "there",
        """
        http://127.0.0.2/?SECRET http://169.254.169.254/latest/meta-data/ //[::1]/ http://127.1/
        http://127.0.0.1:22/ http://me:SECRET@127.0.0.1/ file:///etc/passwd ftp://127.0.0.1/
        gopher://127.0.0.1:6379/_SET data:audio/mpeg;base64,SECRET http://[::1/ http://[x]/
        """.split(),
    )
    def test_refused(self, server: Server, path: Path, there: str) -> None:
        server.pages["/voice.mp3"] = answer(status="302 Found", Location=there)
        fails(SourceRefused, server.url(), path)
        assert len(server.requests) == 1

    def test_bare_letters_are_encoded(self, server: Server, path: Path) -> None:
        there = "HTTP/1.1 302 x\r\nLocation: /声 音.mp3?a=é\r\nContent-Length: 0\r\n\r\n"
        server.pages["/voice.mp3"] = there.encode()
        server.pages["/%E5%A3%B0%20%E9%9F%B3.mp3"] = answer(BODY)
        get(server.url(), path)
        assert server.requests[1].startswith("GET /%E5%A3%B0%20%E9%9F%B3.mp3?a=%C3%A9 HTTP/1.1")


URLS_REFUSED = """
    voice.mp3 /etc/passwd //example.com/voice.mp3 example.com/voice.mp3 file:///etc/passwd
    ftp://example.com/voice.mp3 gopher://example.com/ javascript:SECRET data:audio/mpeg;SECRET
    http+unix://socket/ http: http:example.com http:/example.com/ http:///voice.mp3 http://?SECRET
    http://:80/ http://@example.com/ http://user@example.com/ http://user:SECRET@example.com/
    http://example.com:0/ http://example.com:22/ http://example.com:25/ http://example.com:65536/
    http://example.com:99999999/ http://example.com:-1/ http://example.com:+80/
    http://example.com:8_0/ http://example.com:80:80/ http://example.com:http/
    http://example.com:\u06680/ http://example.com/声音.mp3
    http://例子.中国/voice.mp3
""".split()


class TestURLs:
    @pytest.mark.parametrize(
        "url",
        [
            *URLS_REFUSED,
            "",
            " http://example.com/",
            "http://example.com/a b",
            "http://example.com/a\tb",
            "http://exam\nple.com/",
            "http://example.com/\r\nX: 1",
            "http://example.com/\x00",
            "http://example.com/" + "a" * 9000,
        ],
    )
    def test_refused(self, path: Path, url: str) -> None:
        with connections() as tried:
            fails(SourceRefused, url, path, resolve=resolver())
        assert not tried

    def test_words(self, path: Path) -> None:
        assert fails(SourceRefused, "ftp://example.com/voice.mp3", path) == (
            "the URL begins with ftp:; http:// or https:// is needed"
        )
        assert fails(SourceRefused, "http://example.com/声", path) == (
            "the URL holds the character '声'; percent-encode it"
        )
        assert fails(SourceRefused, "http://example.com./", path) == (
            "host 'example.com.' ends with a dot; leave that out"
        )
        assert "user name or password" in fails(SourceRefused, "http://:@example.com/", path)
        assert fails(SourceRefused, "http://example.com:22/", path) == (
            "port 22 is not taken; 80, 443 or 1024 to 65535 is needed"
        )

    @pytest.mark.parametrize(
        ("url", "host"),
        [
            ("http://example.com", "example.com"),
            ("HTTPS://EXAMPLE.com:/x", "example.com"),
            ("http://example.com#@127.0.0.1/", "example.com"),
            ("http://example.com?@127.0.0.1/", "example.com"),
            ("http://example.com/@127.0.0.1/", "example.com"),
            ("http://xn--fsqu00a.xn--fiqs8s:8080/", "xn--fsqu00a.xn--fiqs8s"),
            ("http://my_bucket.s3.example.com/", "my_bucket.s3.example.com"),
            ("http://127.0.0.1.example.com/", "127.0.0.1.example.com"),
        ],
    )
    def test_host(self, path: Path, url: str, host: str) -> None:
        asked = []

        def resolve(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["8.8.8.8"]

        with connections() as tried:
            fails(SourceUnreachable, url, path, resolve=resolve)
        assert asked == [host]
        assert tried == ["8.8.8.8"]

    @settings(max_examples=300, deadline=None)
    @given(
        st.one_of(
            st.text(max_size=60),
            st.lists(
                st.sampled_from(
                    "http https : // / \\ @ # ? [ ] % . .. :80 :8080 127.0.0.1 127.1 0x7f.1 ::1 "
                    "localhost example.com ::ffff:127.0.0.1 %31 %00 fe80::1%25lo 0 1 \t é".split(
                        " "
                    )
                )
            ).map("".join),
            st.text("0123456789abcdefx.:[]%@", max_size=40).map(lambda host: f"http://{host}/"),
        )
    )
    @example("http://[::ffff:127.0.0.1]/")
    def test_any_text(self, tmp_path_factory: pytest.TempPathFactory, url: str) -> None:
        with connections() as tried, pytest.raises(SourceError):
            fetch(
                url,
                tmp_path_factory.getbasetemp() / "any",
                max_bytes=1,
                timeout=5,
                resolve=lambda host, port: ["8.8.8.8"],
            )
        assert all(acceptable(address) for address in tried)


HOSTS_INSIDE = """
    127.0.0.1 127.255.255.254 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254
    100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1
    198.51.100.1 203.0.113.1 224.0.0.1 224.0.1.1 239.255.255.250 240.0.0.1 255.255.255.255 [::]
    [::1] [0:0:0:0:0:0:0:1] [::127.0.0.1] [::7f00:1] [::ffff:127.0.0.1] [::ffff:7f00:1]
    [::ffff:8.8.8.8] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::808:808]
    [64:ff9b:1::1] [64:ff9b:1:ffff::a00:1] [2002:7f00:1::] [2002:a00:1::1] [2002:808:808::1]
    [2001::1] [2001:0:a00:1::1] [2001:10::1] [2001:20::1] [2001:db8::1] [3fff::1] [100::1] [5f00::1]
    [fc00::1] [fd00:ec2::254] [fd20:ce::254] [fe80::1] [fec0::1] [ff02::1] [ff0e::1] [4000::1]
""".split()

HOSTS_MISSPELT = """
    127.1 127.0.1 2130706433 017700000001 0x7f000001 0x7F000001 0x7f.1 0x7F.0.0.1 0177.0.0.1 0177.1
    127.0.0.01 127.0.0.0x1 00000127.0.0.1 0 1 0x 0.0 08.8.8.8 134744072 0x8.8.8.8 8.8.8.8.8
    256.1.1.1 1.2.3 1.2.3.4.5 example.1 example.0x7f 127.0.0.1. 8.8.8.8. localhost. example.com.
    example.com.. .example.com example..com . .. %31%32%37.0.0.1 127.0.0.1%00.example.com
    127%2e0%2e0%2e1 127.0.0.1\\.example.com example.com\\@127.0.0.1 example.com@127.0.0.1
    127.0.0.1:80@example.com [fe80::1%25eth0] [fe80::1%eth0] [2606:4700::1%25lo] [2606:4700::1%lo]
    [v1.fe80] [127.0.0.1] [] [::1]x x[::1] [::1][::1] [::1 ::1] ::1 1::2::3 [1::2::3] [:::1]
    [12345::] [::g] ①②⑦.0.0.1 127。0。0。1 exam\u00adple.com example.com\u200b ｅxample.com
    *.example.com exa$mple.com exa,mple.com
""".split()


class TestHosts:
    @pytest.mark.parametrize("host", HOSTS_INSIDE)
    def test_inside(self, path: Path, host: str) -> None:
        with connections() as tried:
            message = fails(
                SourceRefused, f"http://{host}/?SECRET", path, allow=(), resolve=resolver()
            )
        assert not tried
        assert "does not resolve to a public address" in message
        assert "SOUNDCLONE_FETCH_ALLOW" in message

    @pytest.mark.parametrize("host", [*HOSTS_MISSPELT, "a" * 64, "a." * 130 + "com"])
    def test_misspelt(self, path: Path, host: str) -> None:
        with connections() as tried:
            fails(
                SourceRefused,
                f"http://{host}/?SECRET",
                path,
                allow=("0.0.0.0/0", "::/0", host),
                resolve=resolver(),
            )
        assert not tried

    def test_localhost(self, path: Path) -> None:
        with connections() as tried:
            fails(SourceRefused, "http://localhost/", path, allow=(), resolve=resolve_host)
        assert not tried

    @pytest.mark.parametrize(
        "answers",
        [
            ["127.0.0.1"],
            ["8.8.8.8", "10.0.0.1"],
            ["10.0.0.1", "8.8.8.8"],
            ["8.8.8.8", "::1"],
            ["::ffff:8.8.8.8"],
            ["fe80::1%eth0"],
            ["8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "10.0.0.1"],
        ],
    )
    def test_name_of_an_address_inside(self, path: Path, answers: list[str]) -> None:
        with connections() as tried:
            message = fails(
                SourceRefused, "http://evil.example/", path, allow=(), resolve=resolver(answers)
            )
        assert not tried
        assert message == refusal("evil.example")

    @pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700:4700::1111]", "100.63.255.255"])
    def test_outside(self, path: Path, host: str) -> None:
        with connections() as tried:
            fails(SourceUnreachable, f"http://{host}/", path, allow=())
        assert tried == [host.strip("[]")]

    def test_attempts_are_few(self, path: Path) -> None:
        many = [f"8.8.8.{last}" for last in range(100)]
        with connections() as tried:
            fails(SourceUnreachable, "http://many.example/", path, resolve=resolver(many))
        assert tried == many[:4]

    def test_rebinding(self, server: Server, path: Path) -> None:
        """The name is resolved once. A second answer would lead to 127.0.0.2."""
        server.pages["/voice.mp3"] = answer(BODY)
        rebinding = resolver([LOOPBACK], ["127.0.0.2"])
        get(server.url(host="evil.example"), path, resolve=rebinding)
        assert path.read_bytes() == BODY

    def test_rebinding_between_redirects(self, server: Server, path: Path) -> None:
        server.pages["/voice.mp3"] = answer(status="302 Found", Location="/again")
        rebinding = resolver([LOOPBACK], ["127.0.0.2"])
        fails(SourceRefused, server.url(host="evil.example"), path, resolve=rebinding)
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "allow",
        [
            ["127.0.0.1"],
            ["127.0.0.0/8"],
            ["127.0.0.5/8"],
            ["::/0", "Inside.Example"],
            ["0.0.0.0/0"],
        ],
    )
    def test_allowed(self, server: Server, path: Path, allow: list[str]) -> None:
        server.pages["/voice.mp3"] = answer(BODY)
        url = server.url(host="inside.EXAMPLE")
        get(url, path, allow=allow, resolve=resolver([LOOPBACK]))
        assert path.read_bytes() == BODY

    @pytest.mark.parametrize(
        "entry",
        "127.0.0.2 10.0.0.0/8 ::/0 example * .inside.example 127.0.0.1/33".split(),
    )
    def test_not_allowed(self, server: Server, path: Path, entry: str) -> None:
        url = server.url(host="inside.example")
        fails(SourceRefused, url, path, allow=[entry, ""], resolve=resolver([LOOPBACK]))
        assert not server.requests


def acceptable(text: str) -> bool:
    """Return True if connections to an address are allowed, by rules written differently."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        wraps = address.ipv4_mapped or address.sixtofour or address.teredo
        return address.is_global and not wraps and address.exploded[0] in "23"
    first, second = address.packed[:2]
    return (
        address.is_global
        and first not in (0, 10, 127, *range(224, 256))
        and (first, second) not in ((192, 168), (169, 254))
        and not (first == 172 and 16 <= second < 32)
        and not (first == 100 and 64 <= second < 128)
    )


wrapped = st.builds(
    lambda prefix, address: str(ipaddress.IPv6Address(prefix + int(address))),
    st.sampled_from([int(ipaddress.IPv6Address(p)) for p in ("::", "::ffff:0:0", "64:ff9b::")]),
    st.ip_addresses(v=4),
) | st.builds(
    lambda address: str(ipaddress.IPv6Address((0x2002 << 112) + (int(address) << 80))),
    st.ip_addresses(v=4),
)
addresses = st.ip_addresses().map(str) | wrapped


class TestAnyAddress:
    @settings(max_examples=300, deadline=None)
    @given(addresses)
    def test_in_the_url(self, tmp_path_factory: pytest.TempPathFactory, address: str) -> None:
        host = f"[{address}]" if ":" in address else address
        with connections() as tried, pytest.raises(SourceError) as caught:
            fetch(f"http://{host}/", tmp_path_factory.getbasetemp() / "x", max_bytes=1, timeout=5)
        assert (type(caught.value) is SourceRefused) == (not tried)
        assert all(acceptable(address) for address in tried)

    @settings(max_examples=200, deadline=None)
    @given(st.lists(addresses, min_size=1, max_size=4))
    def test_of_a_name(self, tmp_path_factory: pytest.TempPathFactory, answers: list[str]) -> None:
        with connections() as tried, pytest.raises(SourceError):
            fetch(
                "http://any.example/",
                tmp_path_factory.getbasetemp() / "x",
                max_bytes=1,
                timeout=5,
                resolve=lambda host, port: answers,
            )
        assert tried in ([], answers)
        assert not tried or all(map(acceptable, answers))

    @given(st.ip_addresses(v=6, network="2600::/12") | st.ip_addresses(v=4, network="8.0.0.0/7"))
    def test_ordinary_ones_are_public(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address
    ) -> None:
        assert is_public(address)


def certificate(folder: Path, name: str) -> Path:
    """Create a self-signed certificate for `name` with its key, in one file."""
    file = folder / f"{name}.pem"
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    key = folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    command += " -addext keyUsage=digitalSignature,keyCertSign"
    command += f" -addext subjectAltName=DNS:{name} -subj /CN={name}"
    subprocess.run(
        [*command.split(), "-keyout", key, "-out", file], check=True, capture_output=True
    )
    file.write_bytes(file.read_bytes() + key.read_bytes())
    return file


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), "voice.example")


@pytest.fixture(scope="module")
def secure(pem: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with serving(context) as server:
        server.pages["/voice.mp3"] = answer(BODY)
        yield server


class TestTLS:
    def test_trusted(
        self, secure: Server, pem: Path, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        url = secure.url(host="voice.example")
        assert get(url, path, resolve=resolver([LOOPBACK])).url == url

    def test_wrong_name(
        self, secure: Server, pem: Path, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        url = secure.url(host="other.example")
        message = fails(SourceUnreachable, url, path, resolve=resolver([LOOPBACK]))
        assert message.startswith(
            f"the TLS certificate of other.example:{secure.port} is not valid: Hostname mismatch"
        )
        message = fails(SourceUnreachable, secure.url(), path)
        assert "is not valid: IP address mismatch" in message

    def test_self_signed(self, secure: Server, path: Path) -> None:
        url = secure.url(host="voice.example")
        message = fails(SourceUnreachable, url, path, resolve=resolver([LOOPBACK]))
        assert "is not valid: self" in message

    def test_plain_server(self, server: Server, path: Path) -> None:
        def plain(listener: socket.socket) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answer(status="400 Bad Request"))

        with socket.create_server((LOOPBACK, 0)) as listener:
            thread = Thread(target=plain, args=(listener,))
            thread.start()
            url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
            message = fails(SourceUnreachable, url, path)
            thread.join(120)
        assert "does not speak TLS as it should" in message

    def test_tls_server_asked_plainly(self, secure: Server, path: Path) -> None:
        url = secure.url().replace("https", "http")
        fails(SourceUnreachable, url, path)
