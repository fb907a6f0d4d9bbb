"""Posts of messages to URLs of users: only public hosts, no redirects, bounded in time and size."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from soundclone.errors import SourceRefused, SourceTimeout, SourceUnreachable
from soundclone.fetch import network, post
from soundclone.fetch.post import Reply
from tests.webhook_receiver import Receiver, receiving


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "REFUSAL_STEP", 0.001)
    monkeypatch.setattr(network, "STEP", 0.02)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def send(url: str, timeout: float = 10.0) -> Reply:
    return post.post(
        url, b'{"a":1}', {"webhook-id": "msg_1"}, allow=("127.0.0.1",), timeout=timeout
    )


def test_a_message_arrives_with_its_headers(receiver: Receiver) -> None:
    reply = send(receiver.url("/hook?token=1"))
    assert reply.status == 204
    (got,) = receiver.requests
    assert (got.path, got.body) == ("/hook?token=1", b'{"a":1}')
    headers = {name.lower(): value for name, value in got.headers.items()}
    assert headers["webhook-id"] == "msg_1"
    assert headers["user-agent"].startswith("soundclone/")
    assert "transfer-encoding" not in headers


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/", "http://localhost/", "http://10.0.0.1:8080/", "file:///etc"]
)
def test_private_addresses_are_refused(url: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        post.post(url, b"", {}, timeout=5)
    assert "FETCH_ALLOW" not in caught.value.message


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    def redirect(request: BaseHTTPRequestHandler) -> None:
        request.send_response(307)
        request.send_header("Location", receiver.url("/elsewhere"))
        request.end_headers()

    receiver.respond = redirect
    assert send(receiver.url()).status == 307
    assert [each.path for each in receiver.requests] == ["/hook"]


def test_a_long_response_is_cut_off(receiver: Receiver) -> None:
    def flood(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(1 << 40))
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"x" * 65536)
        except OSError:
            return

    receiver.respond = flood
    started = time.monotonic()
    assert send(receiver.url()).status == 200
    assert time.monotonic() - started < 5


def test_a_silent_server_times_out(receiver: Receiver) -> None:
    receiver.respond = lambda request: time.sleep(1)
    with pytest.raises(SourceTimeout, match=r"did not answer within 0\.2 s"):
        send(receiver.url(), timeout=0.2)


def test_a_closed_port_is_unreachable(receiver: Receiver) -> None:
    url = receiver.url()
    receiver.server.server_close()
    with pytest.raises((SourceUnreachable, SourceTimeout)):
        send(url, timeout=2)


def test_a_check_ends_the_exchange(receiver: Receiver) -> None:
    class Stop(BaseException):
        pass

    def check() -> None:
        raise Stop

    with pytest.raises(Stop):
        post.post(receiver.url(), b"", {}, allow=("127.0.0.1",), timeout=5, check=check)
