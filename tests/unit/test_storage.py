from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundclone.errors import Expired, InvalidParameter, NotFound, Unavailable
from soundclone.storage import Storage

SECRETS = [b"a secret of the tests"]
SOON = 4_000_000_000
ANY = Storage.open("s3://bucket", SECRETS)


@pytest.fixture
def links(tmp_path: Path) -> Storage:
    return Storage.open(tmp_path.as_uri(), SECRETS)


def test_check_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-show")
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot open"):
        Storage.open((tmp_path / "file").as_uri(), SECRETS)
    for url, why in {
        "ftp://host/x": "'ftp'",
        "file:relative": "absolute",
        "s3://bucket?colour=red": "'colour'",
        "s3://bucket?x": "bad query",
        "s3://": "s3",
    }.items():
        with pytest.raises(Unavailable, match=why):
            Storage.open(url, SECRETS)


def test_killed_writer_leaves_no_half_file(tmp_path: Path) -> None:
    source = tmp_path / "source"
    os.mkfifo(source)
    script = (
        "import sys; from soundclone.storage import Storage; import obstore\n"
        "storage = Storage.open(sys.argv[1])\n"
        "def blocks():\n"
        "    while True:\n"
        "        yield bytes(6_000_000)\n"
        "        print(flush=True)\n"
        "obstore.put(storage._store, 'a/b', blocks())\n"
    )
    folder = tmp_path / "files"
    with subprocess.Popen(
        [sys.executable, "-c", script, folder.as_uri()], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout
        for _ in range(3):
            writer.stdout.readline()
        writer.kill()
    storage = Storage.open(folder.as_uri(), SECRETS)
    assert storage.size("a/b") is None
    storage.put("a/b", b"whole")
    assert storage.get("a/b") == b"whole"
    assert storage.delete_prefix("a") == 1
    assert not (folder / "a").exists()


def test_what_killed_writers_left_is_removed(tmp_path: Path) -> None:
    storage = Storage.open((tmp_path / "files").as_uri(), SECRETS)
    storage.put("uploads/kept/a.wav", b"whole")
    staged = [
        tmp_path / "files" / name
        for name in (
            "uploads/kept/a.wav#1",
            "uploads/gone/b.wav#12",
            "probe/0123",
            "uploads/new/c.wav#1",
        )
    ]
    for path in staged:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a part")
    for path in staged[:3]:
        os.utime(path, (0, 0))
    assert storage.remove_unfinished() == 3
    assert [path.exists() for path in staged] == [False, False, False, True]
    assert storage.get("uploads/kept/a.wav") == b"whole"
    assert not (tmp_path / "files/uploads/gone").exists()
    assert storage.remove_unfinished(idle=0) == 1
    storage.delete_prefix("uploads/kept")
    assert (tmp_path / "files").is_dir()


@pytest.mark.parametrize(
    "key", ["", "/a", "a//b", "../a", "a/../b", "a/./b", "a b", "a\n", "ä", "a?b", "x" * 513]
)
def test_bad_key(links: Storage, key: str) -> None:
    for use in (links.get, links.size, links.delete, links.delete_prefix):
        with pytest.raises(InvalidParameter):
            use(key)
    with pytest.raises(InvalidParameter):
        links.put(key, b"")
    with pytest.raises(InvalidParameter):
        links.sign(key, SOON)


def opened(link: str) -> tuple[str, int, str, str | None]:
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    return (
        parts.path.removeprefix("/files/"),
        int(query["expires"][0]),
        query["signature"][0],
        query.get("filename", [None])[0],
    )


@pytest.mark.parametrize("filename", [None, "声音 & co.mp3", ""])
def test_link_opens(links: Storage, filename: str | None) -> None:
    link = links.sign("results/a.mp3", SOON, filename)
    assert re.fullmatch(r"/files/results/a\.mp3\?[!-~]+", link)
    links.verify(*opened(link))


def test_link_altered(links: Storage, tmp_path: Path) -> None:
    key, expires, signature, _ = opened(links.sign("results/a.mp3", SOON))
    other = Storage.open(tmp_path.as_uri(), [b"another secret"])
    for args in (
        ("results/b.mp3", expires, signature),
        (key, expires + 1, signature),
        (key, expires, signature[:-1]),
        (key, expires, ""),
        (key, expires, "ü\ud800"),
        ("\ud800", expires, signature),
        (key, expires, signature, "evil.exe"),
    ):
        with pytest.raises(NotFound):
            links.verify(*args)
    with pytest.raises(NotFound):
        other.verify(key, expires, signature)


def test_links_outlive_a_change_of_secrets(tmp_path: Path) -> None:
    old, new = (Storage.open(tmp_path.as_uri(), [secret]) for secret in (b"old", b"new"))
    both = Storage.open(tmp_path.as_uri(), [b"new", b"old"])
    both.verify(*opened(old.sign("results/a.mp3", SOON)))
    assert both.sign("results/a.mp3", SOON) == new.sign("results/a.mp3", SOON)
    with pytest.raises(NotFound):
        new.verify(*opened(old.sign("results/a.mp3", SOON)))


def test_links_of_earlier_versions_are_valid(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path.as_uri(), [b"s" * 32])
    storage.verify("a", 4_000_000_000, "Mz_TFG9ivRFtmoLJbSZPq4BcGb5xT81NAzJa3bTumYc")


@pytest.mark.parametrize("noise", ["!", "=", " ", "ü"])
def test_a_signature_has_one_spelling(links: Storage, noise: str) -> None:
    key, expires, signature, _ = opened(links.sign("results/a.mp3", SOON))
    for altered in (signature + noise, signature[:9] + noise + signature[9:]):
        with pytest.raises(NotFound):
            links.verify(key, expires, altered)


def test_link_expired(links: Storage) -> None:
    key, expires, signature, _ = opened(links.sign("results/a.mp3", 1_700_000_000))
    with pytest.raises(Expired, match="2023-11-14 22:13:20 UTC"):
        links.verify(key, expires, signature)
    with pytest.raises(NotFound):
        links.verify(key, expires, "x")


def test_parse_link(links: Storage) -> None:
    link = links.sign("uploads/f_1/rec.wav", SOON, "my rec.wav")
    for host in ("http://127.0.0.1:8000", "https://other.example/base"):
        assert links.parse_link(host + link, "uploads/") == "uploads/f_1/rec.wav"
    assert links.parse_link("https://h" + links.sign("results/a.mp3", SOON), "uploads/") is None
    assert links.parse_link(f"https://h{link}x", "uploads/") is None
    with pytest.raises(Expired):
        links.parse_link("https://h" + links.sign("uploads/a", 1_700_000_000), "uploads/")


@settings(deadline=None)
@given(st.text() | st.text().map(lambda tail: "https://h/files/uploads/" + tail))
def test_parse_link_of_anything(url: str) -> None:
    assert ANY.parse_link(url, "uploads/") is None


def test_a_bucket_that_falls_silent_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to a server that has lost its power never ends by itself."""
    monkeypatch.setattr("soundclone.storage._SILENCE", timedelta(seconds=1))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    asked: list[socket.socket] = []

    def serve() -> None:
        for number in range(2):
            connection, _ = listening.accept()
            asked.append(connection)
            if number:
                connection.recv(65536)
                answer = b"HTTP/1.1 200 OK\r\nETag: a\r\nContent-Length: 0\r\n\r\n"
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        endpoint = f"http://127.0.0.1:{listening.getsockname()[1]}"
        Storage.open(f"s3://bucket?endpoint={endpoint}&region=us-east-1").put("a", b"data")
        thread.join()
    assert len(asked) == 2
    for connection in asked:
        connection.close()
