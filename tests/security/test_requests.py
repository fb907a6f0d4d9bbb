"""Bodies, texts and names that break parsers: each gets a sentence, never a 500."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service import API, Service

pytestmark = pytest.mark.slow

HOSTILE: list[str] = json.loads((Path(__file__).parents[1] / "texts" / "hostile.json").read_text())
CLONES = f"{API}/soundCloning/clones"
URL = "https://example.com/a.mp3"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("requests")
    environment = {"SOUNDCLONE_REQUESTS_PER_SECOND": "10000"}
    with Service(folder, "--no-worker", environment=environment) as running:
        yield running
        assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    return service.new_key(10_000)[1]


def sentence(service: Service, status: int, body: Any) -> str:
    """The message of an answer in the envelope."""
    assert status == 200, (status, body)
    assert body["code"] in (20000, 20002, -1), body
    message: str = body["msg"]
    assert "\n" not in message
    assert "Traceback" not in message
    assert len(message) < 1000
    return message


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no object": b"[]",
    "a number": b"5",
    "null": b"null",
    "half": b'{"fileUrl": "ht',
    "deep nesting": b"[" * 140_000 + b"]" * 140_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "not a number": b'{"fileUrl": NaN}',
    "infinity": b'{"fileUrl": "x", "speed": Infinity}',
    "1e999": b'{"fileUrl": "x", "soundVersion": 1e999}',
    "5,000 digits": b'{"fileUrl": ' + b"9" * 5000 + b"}",
    "250,000 digits": b'{"fileUrl": ' + b"9" * 250_000 + b"}",
    "a lone surrogate": b'{"fileUrl": "\\ud800", "contentText": "\\udfff"}',
    "NUL": b'{"fileUrl": "http://example.com/\\u0000", "contentText": "a\\u0000b"}',
    "one key twice": b'{"fileUrl": "x", "fileUrl": "' + URL.encode() + b'"}',
    "UTF-16": json.dumps({"fileUrl": URL}).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps({"fileUrl": URL}).encode(),
    "bad UTF-8": b'{"fileUrl": "\xff\xfe\xc0\x80"}',
    "wrong types": b'{"fileUrl": {"a": []}, "contentText": [1], "language": true}',
    "too long": b'{"fileUrl": "' + b"a" * 301_000 + b'"}',
    "gzip": b"\x1f\x8b\x08\x00" + bytes(100),
    "prototype": b'{"__proto__": {"a": 1}, "constructor": 1, "fileUrl": "x"}',
    "many keys": b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}",
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(service: Service, key: str, name: str) -> None:
    for path in (CLONES, f"{API}/soundCloning/audios"):
        sentence(service, *service.post(path, BODIES[name], key))
    status, body = service.post("/v1/audio/speech", BODIES[name], key)
    assert 400 <= status < 500, (status, body)
    assert body["error"]["message"]


def texts() -> list[str]:
    """Texts that have broken other people's normalisers, markers and engines."""
    found = [*HOSTILE]
    found += ["[[inp:phon]]", "<speak><break time='3600s'/></speak>", "%s%n{0}${7*7}{{7*7}}"]
    found += ["\x01\x02 \x1b[2J", "".join(map(chr, range(1, 32))) + "a", "a" * 3000, "🈷" * 200]
    found += ["<#1#>" * 50 + "a", "<#-1#>a", "<#1e5#>a", "<#99999#>a", "<#" * 1000, "<#0.001#>a"]
    found += ["\u202e" * 500 + "abc", "Z" + "\u0351\u036b" * 1000, "\ufdfa" * 200, "1" * 3000]
    found += ["ᄀ" * 500, "ﬀﬁﬂ" * 100, "; DROP TABLE tasks; --", "../../etc/passwd", "\ud83d\ude00"]
    found += ["1,2" * 500, "٣٫٥" * 300, "1/2/3" * 300, "$" * 1000, "a.b." * 700, "\u2028a\u2029b"]
    return found


def test_texts(service: Service, key: str) -> None:
    for text in texts():
        for field in ({"contentText": text[:270]}, {"contentText": "ok", "language": text[:270]}):
            sentence(service, *service.post(CLONES, {"fileUrl": URL, **field}, key))


@pytest.mark.timeout(600)
def test_long_texts_do_not_hold_the_service_up(service: Service, key: str) -> None:
    """Every text repeated to 10,000 characters is judged while /healthz still answers."""
    voice = "model_" + "0" * 32
    for text in texts():
        long = (text * (10_000 // len(text) + 1))[:10_000]
        body = {"modelId": voice, "contentText": long}
        sentence(service, *service.post(f"{API}/soundCloning/audios", body, key))
        assert service.get("/healthz")[0] == 200


NAMES = [
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%00", "%ed%a0%80", "a" * 9000, "' OR 1=1 --",
    "audio_", "audio_%0d%0aX: 1", ".", "..", "%2e%2e", "\\..\\", "CON", "nul", "a/b", "?", "%",
]  # fmt: skip


def raw(service: Service, head: bytes) -> bytes:
    """The first bytes of the answer to a request that no client library would send."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(head)
        return connection.recv(65536)


@pytest.mark.parametrize("name", NAMES)
def test_names_in_paths(service: Service, key: str, name: str) -> None:
    target = name.encode(errors="surrogatepass").replace(b" ", b"%20")
    bearer = b"Authorization: Bearer " + key.encode()
    for path in (API + "/audios/", API + "/voices/", "/v1/audio/voices/", "/files/", "/studio/"):
        for method in (b"GET", b"DELETE"):
            head = method + b" " + path.encode() + target
            answer = raw(service, head + b" HTTP/1.1\r\nHost: localhost\r\n" + bearer + b"\r\n\r\n")
            status = int(answer.split()[1])
            assert status < 500, (method, path, name, answer[:300])


SMUGGLED = {
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 50\r\n",
    "chunks in disguise": b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n",
    "a length with a sign": b"Content-Length: +5\r\n",
    "a length in hexadecimal": b"Content-Length: 0x5\r\n",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_smuggled_requests_are_refused(service: Service, name: str) -> None:
    inner = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = b"POST /healthz HTTP/1.1\r\nHost: localhost\r\n" + SMUGGLED[name] + b"\r\n"
    answer = raw(service, head + b"0\r\n\r\n" + inner)
    assert int(answer.split()[1]) in (400, 405, 501), answer[:300]
    assert b"soundclone_requests_total" not in answer


FILE_NAMES = [
    "../../a.wav",
    "a\r\nX: 1.wav",
    "a\x00.wav",
    "\u202evaw.a",
    "a" * 5000,
    "<b>.html",
    "",
]


@pytest.mark.parametrize("name", FILE_NAMES)
def test_names_of_uploads(service: Service, key: str, name: str) -> None:
    quoted = name.replace("\r", "%0D").replace("\n", "%0A").encode(errors="replace")
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + quoted
    body += b'"\r\nContent-Type: text/html\r\n\r\nRIFF1234WAVE<script>\r\n--x--\r\n'
    status, answer = service.request(
        "POST",
        f"{API}/files/upload",
        body=body,
        key=key,
        headers=[("Content-Type", "multipart/form-data; boundary=x")],
    )
    assert status == 200, answer
    if answer["code"] == 20000:
        url = answer["data"]["url"]
        assert ".." not in url
        assert "\r" not in url
