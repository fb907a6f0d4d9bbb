"""Content Credentials: signed, read back with the reference library, damaged and forged."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from soundclone.audio import credentials, encode
from soundclone.audio.credentials import CredentialsError, Signer, Statement
from soundclone.audio.decode import missing_confinement
from soundclone.config import Settings
from soundclone.errors import Unavailable
from soundclone.jobs import doctor

STATEMENT = Statement("builtin", 1_800_000_000.0, "declared")
TONE = (0.2 * np.sin(np.arange(44_100) * 0.05)).astype(np.float32)


@pytest.fixture(scope="module")
def pem() -> bytes:
    return credentials.generate()


@pytest.fixture(scope="module")
def signer(pem: bytes) -> Signer:
    return Signer(pem)


def make(path: Path, format: str) -> Path:
    if format == "m4a":
        with av.open(str(path), "w", format="ipod") as container:
            stream = container.add_stream("aac", rate=44_100, layout="mono")
            frame = av.AudioFrame.from_ndarray(TONE[None], "fltp", "mono")
            frame.sample_rate = 44_100
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    else:
        tags = {"title": "A secret text", **encode.SYNTHETIC}
        with encode.Encoder(path, format, sample_rate_in=44_100, tags=tags) as encoder:
            encoder.write(TONE)
    return path


def manifest_of(path: Path, format: str) -> dict[str, Any]:
    """Read a manifest with the library's own reader."""
    with path.open("rb") as file, c2pa.Reader(credentials.MEDIA_TYPES[format], file) as reader:
        assert reader.is_embedded()
        read: dict[str, Any] = json.loads(reader.json())
        return read


@pytest.mark.parametrize("format", ["mp3", "wav", "flac", "m4a"])
def test_a_manifest_is_embedded(tmp_path: Path, signer: Signer, format: str) -> None:
    path = make(tmp_path / "speech", format)
    with av.open(str(path)) as container:
        before = [frame.to_ndarray() for frame in container.decode(audio=0)], container.metadata
    signer.embed(path, format, STATEMENT)
    with av.open(str(path)) as container:
        after = [frame.to_ndarray() for frame in container.decode(audio=0)], container.metadata
    assert np.array_equal(np.concatenate(before[0], 1), np.concatenate(after[0], 1))
    assert before[1] == after[1]
    read = manifest_of(path, format)
    manifest = read["manifests"][read["active_manifest"]]
    assertions = {each["label"]: each["data"] for each in manifest["assertions"]}
    [action] = assertions["c2pa.actions.v2"]["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"] == credentials.SOURCE_TYPE
    assert assertions["soundclone.speech"] == {
        "engine": "builtin",
        "time": "2027-01-15T08:00:00Z",
        "consent": "declared",
    }
    assert "secret" not in json.dumps(read)
    found = credentials.read(path)
    assert found.found
    assert found.valid
    assert found.synthetic
    assert found.signer == "soundclone (self-signed)"


def test_other_formats_have_a_sidecar(tmp_path: Path, signer: Signer) -> None:
    path = make(tmp_path / "speech", "ogg")
    before = path.read_bytes()
    manifest = signer.sidecar(path, STATEMENT)
    assert path.read_bytes() == before
    with c2pa.Reader("application/octet-stream", io.BytesIO(before), manifest) as reader:
        assert reader.get_validation_state() == "Valid"
        assert not reader.is_embedded()
    assert credentials.read(path, manifest) == credentials.Credentials(
        True, True, True, "soundclone (self-signed)", "builtin", "declared"
    )
    assert credentials.read(path) == credentials.Credentials()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    changed = credentials.read(path, manifest)
    assert changed.found
    assert not changed.valid


def test_a_manifest_in_the_file_comes_before_a_sidecar(tmp_path: Path, signer: Signer) -> None:
    other = signer.sidecar(make(tmp_path / "other", "ogg"), STATEMENT)
    path = make(tmp_path / "speech", "mp3")
    assert not credentials.read(path, other).valid
    signer.embed(path, "mp3", STATEMENT)
    assert credentials.read(path, other).valid


def test_changed_sound_is_not_valid(tmp_path: Path, signer: Signer) -> None:
    path = make(tmp_path / "speech", "flac")
    signer.embed(path, "flac", STATEMENT)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    found = credentials.read(path)
    assert found.found
    assert not found.valid


def test_files_without_a_manifest(tmp_path: Path) -> None:
    for format in ("mp3", "wav", "m4a"):
        assert not credentials.read(make(tmp_path / "speech", format)).found
    (tmp_path / "noise").write_bytes(b"RIFF" + bytes(range(256)) * 50)
    assert not credentials.read(tmp_path / "noise").valid


@pytest.mark.skipif(bool(missing_confinement()), reason="this machine cannot confine processes")
def test_the_reader_is_confined(tmp_path: Path) -> None:
    secret = tmp_path / "secret.key"
    secret.write_bytes(b"secret")
    script = f"""
import socket, sys
from soundclone.audio import credentials_child as child

class Reader:
    calls = 0
    def try_create(*_, **__):
        Reader.calls += 1
        if Reader.calls == 1:  # before the process is confined
            return open({str(secret)!r}).close()
        for attempt in (lambda: open({str(secret)!r}), socket.socket):
            try:
                attempt()
            except OSError:
                continue
            sys.exit("not confined")

child.c2pa.Reader = Reader
print(child.main(int(sys.argv[1])), Reader.calls, flush=True)
child.os._exit(0)
"""
    with secret.open("rb") as sidecar, make(tmp_path / "speech", "wav").open("rb") as source:
        done = subprocess.run(
            [sys.executable, "-c", script, str(sidecar.fileno())],
            stdin=source,
            pass_fds=[sidecar.fileno()],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout.endswith("} 3\n"), done.stderr  # read from the file, then the sidecar


def test_a_file_of_the_operator(tmp_path: Path, pem: bytes) -> None:
    path = tmp_path / "own.pem"
    with pytest.raises(CredentialsError, match="No such file"):
        credentials.signer_of(path, create=False)
    path.write_bytes(b"nonsense")
    with pytest.raises(CredentialsError, match="a private key and its certificates are needed"):
        credentials.signer_of(path, create=False)
    other = credentials.generate()
    mixed = pem[: pem.index(b"-----BEGIN CERT")] + other[other.index(b"-----BEGIN CERT") :]
    path.write_bytes(mixed)
    with pytest.raises(CredentialsError, match="belongs to another key"):
        credentials.signer_of(path, create=False)
    path.write_bytes(pem)
    signed = make(tmp_path / "speech", "wav")
    credentials.signer_of(path, create=False).embed(signed, "wav", STATEMENT)
    assert credentials.read(signed).valid


def with_validity(pem: bytes, start: datetime, end: datetime) -> bytes:
    """Return the key with a certificate of another validity, which nobody has signed."""
    leaf = x509.load_pem_x509_certificates(pem)[0]
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(leaf.subject, leaf.issuer, key.public_key(), 7, start, end)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return pem[: pem.index(b"-----BEGIN CERT")] + made


def test_doctor_reports_the_certificate(tmp_path: Path, pem: bytes) -> None:
    own = tmp_path / "own.pem"
    settings = Settings(data_dir=tmp_path / "data", credentials_file=own)
    with pytest.raises(Unavailable, match=r"signed: .*own\.pem: No such file"):
        doctor._credentials(settings)
    own.write_bytes(pem)
    assert "signed by soundclone (self-signed), whose certificate is valid until 20" in (
        doctor._credentials(settings)
    )
    now = datetime.now(UTC)
    own.write_bytes(with_validity(pem, now - timedelta(2), now - timedelta(1)))
    with pytest.raises(Unavailable, match=f"ended on {now - timedelta(1):%Y-%m-%d}; files carry"):
        doctor._credentials(settings)
    own.write_bytes(with_validity(pem, now + timedelta(1), now + timedelta(2)))
    with pytest.raises(Unavailable, match=f"begins on {now + timedelta(1):%Y-%m-%d}; files carry"):
        doctor._credentials(settings)
    assert "the first start of a worker makes one" in doctor._credentials(
        Settings(data_dir=tmp_path / "data")
    )
    assert not (tmp_path / "data").exists()


def test_the_first_start_generates_one(tmp_path: Path) -> None:
    path = tmp_path / "data" / "credentials.pem"
    credentials.signer_of(path, create=True)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    credentials.signer_of(path, create=True)
    assert path.read_bytes() == before
