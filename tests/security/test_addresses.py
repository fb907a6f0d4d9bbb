"""Every way to write an address inside, in every scheme and behind every redirect."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from soundclone.errors import SourceError
from soundclone.fetch.download import fetch

from .conftest import Canary

LOOPBACK = int(ipaddress.IPv4Address("127.0.0.1"))
SCHEMES = ("http", "HTTP", "hTTps")
OTHER_SCHEMES = (
    "file:///etc/passwd file://localhost/etc/passwd file:/etc/passwd ftp://127.0.0.1:{port}/ "
    "gopher://127.0.0.1:{port}/_GET data:audio/mpeg;base64,SUQz jar:http://127.0.0.1:{port}/!/a "
    "subfile,,start,0,end,9,,:/etc/passwd concat:/etc/passwd|/etc/hosts pipe:0 "
    "dict://127.0.0.1:{port}/ ldap://127.0.0.1:{port}/ ws://127.0.0.1:{port}/ "
    "unix:///var/run/docker.sock http+unix://%2Fvar%2Frun%2Fdocker.sock/ "
    "http:/\\127.0.0.1:{port}/ http:\\\\127.0.0.1:{port}/ //127.0.0.1:{port}/ "
    "http:127.0.0.1:{port}/ http:///127.0.0.1:{port}/ view-source:http://127.0.0.1:{port}/ "
    "http://127.0.0.1:{port}:80/ http://127.0.0.1:+{port}/ http://127.0.0.1:-1/ "
    "http://127.0.0.1:0/ http://127.0.0.1:22/ http://127.0.0.1:65536/ http://:{port}/"
).split()


def dotted(parts: tuple[str, str, str, str]) -> Iterator[str]:
    """Write an address in one to four parts, as inet_aton reads them."""
    first, second, third, last = (int(part) for part in parts)
    yield ".".join(parts)
    yield f"{first}.{second}.{(third << 8) + last}"
    yield f"{first}.{(second << 16) + (third << 8) + last}"
    yield str((first << 24) + (second << 16) + (third << 8) + last)


def ipv4_forms() -> Iterator[str]:
    """127.0.0.1 in decimal, octal, hexadecimal and mixed notations, whole and in parts."""
    yield from dotted(("127", "0", "0", "1"))
    for write in ("0{:o}", "00{:o}", "0000{:o}", "0x{:x}", "0X{:X}", "0x00{:x}"):
        octets = [write.format(part) for part in (127, 0, 0, 1)]
        yield ".".join(octets)
        yield ".".join([octets[0], "0", "0", "1"])
        yield ".".join(["127", "0", "0", octets[3]])
        yield f"{octets[0]}.{octets[3]}"
        yield write.format(LOOPBACK)
    yield from ("127.0.0.1.", "127.0.0.1..", "127.1.", "2130706433.", "127.0.0.255", "127.255.1.2")
    yield from ("0.0.0.0", "0", "0.0", "0x0", "127.0.0.1%20", "127.0.0.1%00", "%31%32%37.0.0.1")
    yield from ("127%2e0%2e0%2e1", "①②⑦.⓪.⓪.①", "127。0。0。1", "127．0．0．1", "１２７.0.0.1")
    yield from ("٠١٢٧.0.0.1", "127.0.0.1\u00ad", "127.0.0.1\u200b", "localhost", "LOCALHOST")
    yield from ("localhost.", "ⓛocalhost", "loc\u00adalhost", "localhost.localdomain")
    yield from ("127.0.0.1\\.example.com", "example.com@127.0.0.1", "example.com:80@127.0.0.1")
    yield from ("127.0.0.1#@example.com", "a:b@127.0.0.1", "@127.0.0.1")
    yield from ("10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1")
    yield from ("100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255")


def ipv6_forms() -> Iterator[str]:
    """127.0.0.1 and other inner addresses as IPv6 holds them."""
    for wrapped in ("::", "::ffff:", "::ffff:0:", "64:ff9b::", "64:ff9b:1::", "2002:7f00:1::"):
        yield f"[{wrapped}127.0.0.1]"
        yield f"[{wrapped}7f00:1]"
    yield from ("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::1%25lo]", "[::1%lo]")
    yield from ("[2001:0:7f00:1::1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[fe80::1]")
    yield from ("[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[fec0::1]")
    yield from ("[2001:db8::1]", "[100::1]", "[5f00::1]", "[::1]x", "[::1", "::1", "[[::1]]")


HOSTS = [*ipv4_forms(), *ipv6_forms()]


@pytest.fixture
def outward(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse connections to other machines, which no test may make, and note them."""
    import socket

    tried: list[str] = []
    connect = socket.create_connection

    def guarded(address: tuple[str, int], *rest: object, **options: object) -> socket.socket:
        if not address[0].startswith("127."):
            tried.append(address[0])
            raise ConnectionRefusedError(address[0])
        return connect(address, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", guarded)
    return tried


def refused(url: str, path: Path) -> str:
    """The sentence by which `fetch` refuses a URL that nobody allows."""
    with pytest.raises(SourceError) as caught:
        fetch(url, path, max_bytes=1000, timeout=5)
    assert not path.exists()
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("scheme", SCHEMES)
def test_addresses_inside_are_not_reached(
    canary: Canary, outward: list[str], tmp_path: Path, scheme: str
) -> None:
    for host in HOSTS:
        refused(f"{scheme}://{host}:{canary.port}/recording.mp3", tmp_path / "x")
        refused(f"{scheme}://{host}/recording.mp3", tmp_path / "x")
    assert not canary.hits
    assert not outward


@pytest.mark.parametrize("url", OTHER_SCHEMES)
def test_other_schemes_are_not_followed(
    canary: Canary, outward: list[str], tmp_path: Path, url: str
) -> None:
    refused(url.format(port=canary.port), tmp_path / "x")
    assert not canary.hits
    assert not outward


INNER = (
    "http://127.0.0.2:{port}/",
    "http://2130706434:{port}/",
    "http://0x7f.2:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.2]:{port}/",
    "http://0.0.0.0:{port}/",
    "//127.0.0.2:{port}/",
    "file:///etc/passwd",
    "http://user@127.0.0.2:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "gopher://127.0.0.2:{port}/_",
    "\\\\127.0.0.2:{port}\\",
)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_to_addresses_inside_are_refused(
    canary: Canary, outward: list[str], tmp_path: Path, status: int
) -> None:
    asked: list[str] = []

    class Redirect(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path[1:].isdigit():  # a reference that stays on this server
                self.send_error(404)
                return
            asked.append(self.path)
            there = INNER[int(self.path.strip("/"))].format(port=canary.port)
            self.send_response(status)
            self.send_header("Location", quote(there, safe=":/%[]@\\"))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirect) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            for index in range(len(INNER)):
                with pytest.raises(SourceError):
                    fetch(
                        f"http://127.0.0.1:{server.server_port}/{index}",
                        tmp_path / "x",
                        allow=["127.0.0.1"],
                        max_bytes=1000,
                        timeout=5,
                    )
        finally:
            server.shutdown()
            thread.join()
    assert len(asked) == len(INNER)
    assert not canary.hits
    assert not outward


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"])
def test_no_proxy_is_used(
    canary: Canary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    refused("http://recording.invalid/a.mp3", tmp_path / "x")
    refused("http://10.0.0.1/a.mp3", tmp_path / "x")
    assert not canary.hits
