"""The service as it stands in the network, without a proxy before it."""

from __future__ import annotations

import http.client
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.service import API, Service

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
