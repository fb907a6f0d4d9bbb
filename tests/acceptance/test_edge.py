"""The service as it stands in the network, without a proxy before it."""

from __future__ import annotations

import http.client
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.api.studio.visitors import sign_in
from tests.service import API, Service

pytestmark = pytest.mark.slow

LARGE = 105_000_000


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An API without a worker."""
    with Service(tmp_path_factory.mktemp("edge"), "--no-worker") as running:
        yield running


@pytest.fixture(scope="module")
def key(edge: Service) -> str:
    return edge.new_key()[1]


def ask(
    service: Service, method: str, path: str, **options: Any
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, headers and content, by a client that sends all before it reads."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    try:
        connection.request(method, path, **options)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", [f"{API}/files/upload", "/v1/audio/voices"])
@pytest.mark.parametrize("lasting", [True, False])
def test_an_upload_that_is_too_large_is_told_so(
    edge: Service, key: str, path: str, lasting: bool
) -> None:
    status, _, content = ask(
        edge,
        "POST",
        path,
        body=bytes(LARGE),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "multipart/form-data; boundary=x",
            **({} if lasting else {"Connection": "close"}),
        },
    )
    assert status == (200 if path.startswith(API) else 413)
    assert b"bytes" in content
    assert b"too_large" in content


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (f"{API}/files/upload", b"unauthenticated"),
        (f"{API}/soundCloning/audios", b"too_large"),
        ("/v1/audio/speech", b"invalid_api_key"),
    ],
)
def test_a_refusal_before_the_body_is_read_arrives(edge: Service, path: str, word: bytes) -> None:
    _, _, content = ask(
        edge,
        "POST",
        path,
        body=bytes(LARGE),
        headers={"Content-Type": "application/json", "Connection": "close"},
    )
    assert word in content


def test_openai_knows_the_id(edge: Service, key: str) -> None:
    with openai.OpenAI(api_key=key, base_url=f"{edge.url}/v1", max_retries=0) as client:
        assert (client.models.list()._request_id or "").startswith("req_")
        with pytest.raises(openai.NotFoundError) as refused:
            client.models.retrieve("nothing")
        assert (refused.value.request_id or "").startswith("req_")


def begin(service: Service, key: str, path: str, declared: int, sent: int) -> socket.socket:
    """A connection with an upload of `declared` bytes, of which `sent` have left."""
    client = socket.create_connection(("127.0.0.1", service.port), 30)
    client.sendall(
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {declared}\r\n\r\n--x\r\n"
        'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'.encode()
    )
    client.sendall(bytes(sent))
    return client


def form(content: bytes) -> dict[str, Any]:
    """Body and headers of an upload."""
    return {
        "body": b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        + content
        + b"\r\n--x--\r\n",
        "headers": {"Content-Type": "multipart/form-data; boundary=x"},
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An API where an account has little room."""
    environment = {
        "SOUNDCLONE_UPLOAD_QUOTA_BYTES": "3000000",
        "SOUNDCLONE_ACTIVE_UPLOADS_PER_ACCOUNT": "2",
        "container": "podman",
    }
    folder = tmp_path_factory.mktemp("small")
    with Service(folder, "--no-worker", environment=environment) as running:
        yield running


def until(check: Callable[[], bool], timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_uploads_reserve_their_space(small: Service) -> None:
    _, key = small.new_key()
    upload = f"{API}/files/upload"
    sent = form(bytes(1000))
    sent["headers"]["Authorization"] = f"Bearer {key}"

    def answered(words: bytes) -> bool:
        return words in ask(small, "POST", upload, **sent)[2]

    with begin(small, key, upload, 2_900_000, 2_000_000):
        until(lambda: answered(b'"code":20000'))
        with begin(small, key, upload, 90_000, 50_000):
            until(lambda: answered(b"2 uploads of this account are under way, which is the most"))
        until(lambda: answered(b'"code":20000'))
        large = sent | {"body": form(bytes(150_000))["body"]}
        assert b"there is no room for 150,0" in ask(small, "POST", upload, **large)[2]
    until(lambda: b'"code":20000' in ask(small, "POST", upload, **large)[2])


def test_every_way_to_upload_reserves(small: Service) -> None:
    _, key = small.new_key()
    for path in ("/v1/audio/voices", "/v1/audio/voice_consents"):
        _, _, content = ask(
            small,
            "POST",
            path,
            body=bytes(3_000_001),
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "multipart/form-data; boundary=x",
            },
        )
        assert b"the uploads of this account come to 3,000,001 bytes" in content
        assert small.request("POST", path, body=b"{}", key=key)[0] in (400, 422)
    with httpx2.Client(base_url=small.url, timeout=60) as visitor:
        token = sign_in(visitor, key)
        answer = visitor.post(
            "/studio/files/upload",
            files={"file": bytes(3_000_001)},
            headers={"X-CSRF-Token": token, "Accept": "application/json"},
        )
    assert "uploads of this account come to 3,000," in answer.text


def test_an_upload_without_a_length_reserves_the_most(small: Service) -> None:
    _, key = small.new_key()
    _, _, content = ask(
        small,
        "POST",
        f"{API}/files/upload",
        body=iter([b"x"]),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "multipart/form-data"},
    )
    assert b"the uploads of this account come to 100,000,000 bytes" in content


def test_clients_that_leave_are_no_errors(edge: Service) -> None:
    for path in ("/studio/sign-in", f"{API}/soundCloning/audios", "/v1/audio/speech"):
        with socket.create_connection(("127.0.0.1", edge.port)) as client:
            client.sendall(
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n\r\nkey=".encode()
            )
    edge.wait_for("/healthz")
    assert ask(edge, "GET", "/studio/sign-in")[0] == 200
    assert "Traceback" not in edge.log.read_text()


def test_root_is_warned(edge: Service, small: Service) -> None:
    contained = Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
    contained = contained or "container" in edge.environment
    warned = "runs as root" in edge.log.read_text()
    assert warned == (os.geteuid() == 0 and not contained)
    assert "runs as root" not in small.log.read_text()


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="no /proc")
def test_as_many_files_as_the_system_allows(edge: Service) -> None:
    limits = Path(f"/proc/{edge.pid}/limits").read_text()
    found = re.search(r"Max open files +(\d+) +(\d+)", limits)
    assert found
    assert int(found[1]) == min(int(found[2]), 65_536)


def test_few_files_are_enough(tmp_path: Path) -> None:
    """Half-open connections beyond the descriptors cost no request its answer."""
    limited = tmp_path / "python"
    limited.write_text(f'#!/bin/sh\nulimit -n 256\nexec "{sys.executable}" "$@"\n')
    limited.chmod(0o755)
    with Service(tmp_path, "--no-worker", python=limited) as service, ExitStack() as stack:
        for _ in range(400):
            client = socket.create_connection(("127.0.0.1", service.port), 30)
            stack.enter_context(client).sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(10):
            assert service.get("/healthz") == (200, {"status": "ok"})
