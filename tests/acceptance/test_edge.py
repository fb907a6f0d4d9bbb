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


def test_every_answer_has_an_id(edge: Service, key: str) -> None:
    ids = set()
    for method, path in (
        ("GET", "/healthz"),
        ("GET", "/nowhere"),
        ("GET", f"{API}/user/balance"),
        ("GET", "/v1/nowhere"),
        ("PUT", "/docs"),
        ("GET", "/studio/sign-in"),
        ("GET", "/static/swagger-ui/swagger-ui.css"),
        ("GET", "/files/uploads/a/b.wav"),
    ):
        _, headers, _ = ask(edge, method, path)
        assert re.fullmatch("req_[0-9a-f]{32}", headers["X-Request-Id"]), path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Strict-Transport-Security"] is None
        ids.add(headers["X-Request-Id"])
    assert len(ids) == 8


@pytest.mark.parametrize(
    ("given", "kept"),
    [("7f3c-a.b_c:1", True), ("a" * 128, True), ("a" * 129, False), ("a b", False), ("é", False)],
)
def test_a_well_formed_id_of_the_client_is_kept(edge: Service, given: str, kept: bool) -> None:
    _, headers, _ = ask(edge, "GET", "/healthz", headers={"X-Request-Id": given})
    assert (headers["X-Request-Id"] == given) is kept


def test_openai_knows_the_id(edge: Service, key: str) -> None:
    with openai.OpenAI(api_key=key, base_url=f"{edge.url}/v1", max_retries=0) as client:
        assert (client.models.list()._request_id or "").startswith("req_")
        with pytest.raises(openai.NotFoundError) as refused:
            client.models.retrieve("nothing")
        assert (refused.value.request_id or "").startswith("req_")


def test_names_of_strangers_are_refused(edge: Service, key: str) -> None:
    for path in ("/healthz", "/docs/", "/studio/sign-in", f"{API}/user/balance", "/v1/models"):
        status, headers, content = ask(edge, "GET", path, headers={"Host": "evil.example:80"})
        assert status == 421
        assert b"'evil.example' is not a name of this service" in content
        assert b"SOUNDCLONE_ALLOWED_HOSTS" in content
        assert headers["X-Request-Id"]
    for host in ("localhost", "127.0.0.1:8000", "[::1]:8000", "10.1.2.3", "nas", "nas.local", ""):
        assert ask(edge, "GET", "/healthz", headers={"Host": host})[0] == 200
    assert edge.log.read_text().count("host refused") == 1


def test_other_sites_may_not_use_the_api(edge: Service) -> None:
    origin = {"Origin": "https://app.example.com"}
    _, headers, _ = ask(edge, "GET", "/v1/models", headers=origin)
    assert headers["Access-Control-Allow-Origin"] is None


def test_readiness_names_no_paths(edge: Service) -> None:
    files = edge.folder / "data" / "files"
    moved = edge.folder / "data" / "moved"
    files.rename(moved)
    files.write_text("in the way")
    try:
        status, body = edge.get("/readyz")
    finally:
        files.unlink()
        moved.rename(files)
    assert status == 503
    assert body["checks"]["storage"] == (
        "the storage does not answer; the log of the service has the reason"
    )
    assert str(edge.folder) not in str(body)
    assert '"check": "storage"' in edge.log.read_text()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_that_ask_by_head_get_the_status(edge: Service, path: str) -> None:
    status, _, content = ask(edge, "HEAD", path)
    assert (status, content) == (ask(edge, "GET", path)[0], b"")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An API at a public address, which other sites may use."""
    environment = {
        "SOUNDCLONE_PUBLIC_URL": "https://voice.example.com",
        "SOUNDCLONE_ALLOWED_HOSTS": "other.example.com,*.example.org",
        "SOUNDCLONE_CORS_ORIGINS": "https://app.example.com",
    }
    folder = tmp_path_factory.mktemp("public")
    with Service(folder, "--no-worker", environment=environment) as running:
        yield running


def test_names_that_are_allowed(public: Service) -> None:
    for host in (
        "voice.example.com",
        "VOICE.example.com.",
        "other.example.com:1",
        "a.b.example.org",
    ):
        assert ask(public, "GET", "/healthz", headers={"Host": host})[0] == 200
    for host in ("example.com", "example.org", "voice.example.com.evil.example", "evil.example/a"):
        assert ask(public, "GET", "/healthz", headers={"Host": host})[0] == 421


def test_an_encrypted_address_is_remembered(public: Service) -> None:
    _, headers, _ = ask(public, "GET", "/healthz")
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("path", [f"{API}/user/balance", "/v1/audio/speech", "/v1/nowhere"])
def test_a_site_that_is_allowed_may_use_the_api(public: Service, path: str) -> None:
    origin = {"Origin": "https://app.example.com"}
    wanted = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang",
    }
    status, headers, _ = ask(public, "OPTIONS", path, headers=origin | wanted)
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "x-stainless-lang" in headers["Access-Control-Allow-Headers"].lower()
    for extra in ({}, {"Host": "evil.example"}):
        _, headers, _ = ask(public, "POST", path, body=b"{}", headers=origin | extra)
        assert headers["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "X-Request-Id" in headers["Access-Control-Expose-Headers"]
    stranger = {"Origin": "https://evil.example"}
    assert ask(public, "OPTIONS", path, headers=stranger | wanted)[0] == 400
    _, headers, _ = ask(public, "POST", path, body=b"{}", headers=stranger)
    assert headers["Access-Control-Allow-Origin"] is None


def test_the_studio_is_of_its_own_site_alone(public: Service) -> None:
    origin = {"Origin": "https://app.example.com"}
    _, headers, _ = ask(public, "GET", "/studio/sign-in", headers=origin)
    assert headers["Access-Control-Allow-Origin"] is None


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
