"""The object store in a folder and in a bucket."""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundclone.errors import NotFound, Unavailable
from soundclone.storage import Storage

SECRETS = [b"a secret of the tests"]


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "folder":
        yield Storage.open((tmp_path / "kept files").as_uri(), SECRETS)
        return
    endpoint = request.getfixturevalue("s3_endpoint")
    bucket = f"bucket{time.monotonic_ns()}"
    urllib.request.urlopen(
        urllib.request.Request(f"{endpoint}/{bucket}", method="PUT"), timeout=120
    ).close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "id")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "key")
        yield Storage.open(f"s3://{bucket}/pre/fix?endpoint={endpoint}&region=eu-west-1", SECRETS)


def test_put_get_overwrite(storage: Storage) -> None:
    storage.put("results/a/speech.mp3", b"one")
    storage.put("results/a/speech.mp3", b"two")
    assert storage.get("results/a/speech.mp3") == b"two"
    assert storage.size("results/a/speech.mp3") == 3
    storage.put("empty", b"")
    assert storage.get("empty") == b""
    assert list(storage.stream("empty")) == []


def test_absent(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file"):
        storage.get("no/such")
    with pytest.raises(NotFound):
        storage.stream("no/such")
    with pytest.raises(NotFound):
        storage.get_file("no/such", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert storage.size("no/such") is None
    storage.delete("no/such")
    assert storage.delete_prefix("no") == 0
    assert list(storage.list("no")) == []


def test_large_file_in_ranges(storage: Storage, tmp_path: Path) -> None:
    data = os.urandom(9_500_000)
    (tmp_path / "in").write_bytes(data)
    storage.put_file("big", tmp_path / "in")
    storage.get_file("big", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data
    assert b"".join(storage.stream("big", 4_000_000, 9_000_000)) == data[4_000_000:9_000_000]
    assert b"".join(storage.stream("big", 9_499_999, 99_000_000)) == data[-1:]
    blocks = list(storage.stream("big", 0, 250_000, block=100_000))
    assert [len(block) for block in blocks] == [100_000, 100_000, 50_000]
    assert b"".join(blocks) == data[:250_000]
    assert b"".join(storage.stream("big", 9_500_000)) == b""


def test_list_and_delete_prefix(storage: Storage) -> None:
    for key in ("a/1", "a/b/2", "ab/3"):
        storage.put(key, key.encode())
    assert sorted(storage.list("a/")) == [("a/1", 3), ("a/b/2", 5)]
    assert len(list(storage.list())) == 3
    assert storage.delete_prefix("a") == 2
    assert list(storage.list()) == [("ab/3", 4)]


def test_check(storage: Storage) -> None:
    storage.check()
    assert list(storage.list()) == []


def test_missing_bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-show")
    storage = Storage.open(f"s3://absent?endpoint={s3_endpoint}", SECRETS)
    with pytest.raises(Unavailable, match="no such bucket") as caught:
        storage.check()
    assert "do-not-show" not in str(caught.value)
    assert "\n" not in str(caught.value)
