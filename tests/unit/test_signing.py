"""Content Credentials of files that a command joins from results."""

from __future__ import annotations

from pathlib import Path

import av
import c2pa
import numpy as np
import pytest

from soundclone.audio import book, credentials, encode
from soundclone.audio.credentials import Credentials, Statement
from soundclone.cli.signing import sign

TONE = (0.2 * np.sin(np.arange(88_200) * 0.05)).astype(np.float32)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOUNDCLONE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def result(folder: Path) -> Path:
    path = folder / "part.flac"
    with encode.Encoder(path, "flac", sample_rate_in=44_100) as encoder:
        encoder.write(TONE)
    return path


def signed(path: Path, data: Path) -> Path:
    signer = credentials.signer_of(data / "credentials.pem", create=True)
    signer.embed(path, "flac", Statement("voxcpm", 1.0, "verified"))
    return path


def joined(folder: Path, part: Path, format: str = "m4b") -> Path:
    tracks = [book.Track(title, (part,)) for title in ("One", "Two")]
    book.write(folder / f"book.{format}", tracks, format=format, tags={"title": "A Book"})
    return folder / f"book.{format}"


def test_a_book_is_signed(tmp_path: Path, data: Path) -> None:
    part = signed(result(tmp_path), data)
    path = joined(tmp_path, part)
    before = np.concatenate(list(book.read(path)))
    sign(path, path, "m4b", part)
    with path.open("rb") as file, c2pa.Reader("audio/mp4", file) as reader:
        assert reader.is_embedded()
        assert reader.get_validation_state() == "Valid"
    found = credentials.read(path)
    assert found == Credentials(True, True, True, "soundclone (self-signed)", "voxcpm", "verified")
    assert np.array_equal(np.concatenate(list(book.read(path))), before)
    with av.open(str(path)) as container:
        assert [mark["metadata"]["title"] for mark in container.chapters()] == ["One", "Two"]
        assert container.metadata["title"] == "A Book"
    data_of = path.read_bytes()
    assert data_of.index(b"moov") < data_of.index(b"mdat")  # players begin before the end arrives


def test_a_chapter_without_room_for_a_manifest_has_a_sidecar(tmp_path: Path, data: Path) -> None:
    part = signed(result(tmp_path), data)
    path = joined(tmp_path, part, "ogg")
    sign(path, path, "ogg", part)
    assert credentials.read(path, (tmp_path / "book.c2pa").read_bytes()).valid


def test_what_cannot_be_signed_stays_as_it_is(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = result(tmp_path)
    path = joined(tmp_path, part, "mp3")
    before = path.read_bytes()
    sign(path, path, "mp3", part)  # the certificate is on another machine
    assert not data.exists()
    certificate = credentials.signer_of(data / "credentials.pem", create=True)
    sign(path, path, "mp3", part)  # the result has no manifest
    assert capsys.readouterr().err == ""
    certificate.embed(part, "flac", Statement("voxcpm", 1.0, "none"))
    (data / "credentials.pem").write_bytes(b"nonsense")
    sign(path, path, "mp3", part)
    assert "has no Content Credentials: " in capsys.readouterr().err
    assert path.read_bytes() == before
