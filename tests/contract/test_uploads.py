"""Uploads over a socket."""

from __future__ import annotations

import socket

import pytest

from tests.service import API, Service

pytestmark = pytest.mark.slow


def test_an_upload_without_a_key_is_not_read(service: Service, real: bool) -> None:
    """The head alone is refused: nothing of the announced 90 MB is sent."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=120) as connection:
        connection.sendall(
            f"POST {API}/files/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
        )
        answer = ""
        while not answer.endswith("}}") and (part := connection.recv(65536)):
            answer += part.decode()  # head and body may come apart
    assert answer.startswith("HTTP/1.1 401" if real else "HTTP/1.1 200")
    assert '"code":20001' in answer
