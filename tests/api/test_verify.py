"""Verification over HTTP: without a key, limited, with the task for operators alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from soundclone.audio import credentials, encode
from soundclone.audio.fingerprint import fingerprint
from soundclone.config import Settings
from soundclone.core import files, keys, register, verifications
from soundclone.core.keys import Scope
from soundclone.core.register import Result
from soundclone.db.models import Verification
from soundclone.jobs.slots import Slots
from soundclone.jobs.verify import Verifier
from soundclone.storage import Storage

from .conftest import Api, serve

RATE = 24_000
TASK = "audio_of_the_register"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API with a worker that takes its verifications."""
    options = {"verifications_per_minute": 100, "verify_max_bytes": 1_000_000}
    for api in serve(tmp_path_factory.mktemp("verify"), **options):
        over = threading.Event()
        worker = threading.Thread(target=work, args=(api, over))
        worker.start()
        yield api
        over.set()
        worker.join()


def work(api: Api, over: threading.Event) -> None:
    settings = api.settings
    storage = Storage.open(settings.storage, settings.signing_secrets)
    verifier = Verifier(settings, api.database, storage, Slots(1), threading.Event())
    while not over.wait(0.05):
        with api.database.read() as session:
            waiting = session.scalars(
                select(Verification.id).where(Verification.ended_at.is_(None))
            ).all()
        for identifier in waiting:
            verifier.run(identifier)


@pytest.fixture(scope="module")
def sound() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    draw = np.random.default_rng(5)
    at = np.arange(round(0.06 * RATE)) / RATE
    parts = [
        sum(np.sin(2 * np.pi * tone * at) for tone in draw.uniform(300, 3200, 3))
        * np.hanning(len(at))
        for _ in range(100)
    ]
    made: np.ndarray[tuple[int], np.dtype[np.float32]]
    made = (0.1 * np.concatenate(parts)).astype(np.float32)
    return made


@pytest.fixture(scope="module")
def excerpt(
    service: Api,
    sound: np.ndarray[tuple[int], np.dtype[np.float32]],
    tmp_path_factory: pytest.TempPathFactory,
) -> bytes:
    """An excerpt of a registered result, as a file."""
    with service.database.transaction() as session:
        register.add(session, TASK, Result("0" * 64, 6.0, fingerprint(sound, RATE)))
    path = tmp_path_factory.mktemp("excerpt") / "cut.ogg"
    with encode.Encoder(path, "ogg", sample_rate_in=RATE) as encoder:
        encoder.write(sound[RATE : 5 * RATE])
    return path.read_bytes()


def test_anybody_can_verify_a_file(service: Api, excerpt: bytes) -> None:
    status, verdict = service.request("POST", "/verify", files={"file": ("a.ogg", excerpt)})
    assert status == 200
    assert verdict == {
        "synthetic": True,
        "watermark": {"found": False, "p_value": verdict["watermark"]["p_value"], "task": None},
        "c2pa": {"found": False, "valid": False},
        "register": {"found": True, "task": None},
    }
    assert 1e-6 < verdict["watermark"]["p_value"] <= 1
    kept = Path(service.settings.data_dir) / "files" / "verify"
    assert not any(path.is_file() for path in kept.rglob("*"))


def test_an_operator_sees_the_task(service: Api, excerpt: bytes) -> None:
    account = service.new_account()
    with service.database.transaction() as session:
        _, operator = keys.create(
            session,
            service.settings.secret,
            account_id=account.id,
            name="operator",
            scopes=[Scope.OPERATOR],
        )
    upload = {"file": ("a.ogg", excerpt)}
    _, verdict = service.request("POST", "/verify", files=upload, key=operator)
    assert verdict["register"] == {"found": True, "task": TASK}
    _, verdict = service.request("POST", "/verify", files=upload, key=account.key)
    assert verdict["register"] == {"found": True, "task": None}
    status, refused = service.request("POST", "/verify", files=upload, key="sk_wrong")
    assert (status, refused["data"]["errorCode"]) == (401, "unauthenticated")


def test_details_name_the_stretch(service: Api, excerpt: bytes) -> None:
    _, verdict = service.request("POST", "/verify?details=true", files={"file": ("a.ogg", excerpt)})
    assert verdict["seconds"] == pytest.approx(4, abs=0.05)
    [(start, end)] = verdict["register"]["stretches"]
    assert start < 0.7
    assert end > 3
    assert not verdict["register"]["exact"]
    assert verdict["c2pa"] == {"found": False, "valid": False, "synthetic": False, "signer": ""}


def test_a_sidecar_is_read(service: Api, excerpt: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    path.write_bytes(excerpt)
    signer = credentials.Signer(credentials.generate())
    manifest = signer.sidecar(path, credentials.Statement("builtin", 1.8e9, "declared"))
    for sound, valid in ((excerpt, True), (excerpt[:-1] + b"!", False)):
        upload = {"file": ("a.ogg", sound), "sidecar": ("a.c2pa", manifest)}
        _, verdict = service.request("POST", "/verify", files=upload)
        assert verdict["c2pa"] == {"found": True, "valid": valid}
    kept = Path(service.settings.data_dir) / "files" / "verify"
    assert not any(path.is_file() for path in kept.rglob("*"))


@pytest.mark.parametrize(
    ("files", "data", "status", "message"),
    [
        (None, None, 422, "a file or a URL is needed, and not both"),
        ({"file": ("a.txt", b"some text")}, None, 422, "the file is plain text; a recording"),
        ({"file": ("a.mp3", b"")}, None, 422, "the file is empty"),
        ({"file": ("a.mp3", bytes(1_200_000))}, None, 413, "1,000,000 bytes that are taken here"),
        (None, {"url": "file:///etc/passwd"}, 422, "an http:// or https:// URL is needed"),
        (None, {"url": "http://127.0.0.1:8000/a.mp3"}, 422, "does not resolve to a public address"),
        (None, {"url": "http://169.254.169.254/"}, 422, "does not resolve to a public address"),
    ],
)
def test_refusals(
    service: Api,
    files: dict[str, tuple[str, bytes]] | None,
    data: dict[str, str] | None,
    status: int,
    message: str,
) -> None:
    answered, body = service.request("POST", "/verify", files=files, data=data)
    assert answered == status
    assert message in body["msg"]


def test_the_address_is_limited(tmp_path: Path) -> None:
    for api in serve(tmp_path, verifications_per_minute=2):
        for _ in range(2):
            assert api.request("POST", "/verify")[0] == 422
        status, body = api.request("POST", "/verify", files={"file": ("a.mp3", bytes(1000))})
        assert (status, body["data"]["errorCode"]) == (429, "rate_limited")
        assert "this address has sent 2 requests" in body["msg"]


def test_the_service_is_limited(tmp_path: Path) -> None:
    for api in serve(tmp_path, verifications_per_minute=100):
        with api.database.transaction() as session:
            for number in range(verifications.MOST):
                session.add(Verification(id=f"verify_{number}", created_at=time.time()))
        status, body = api.request("POST", "/verify", files={"file": ("a.mp3", bytes(1000))})
        assert (status, body["data"]["errorCode"]) == (429, "rate_limited")


def test_the_page_needs_no_key(service: Api, excerpt: bytes) -> None:
    page = service.send("GET", "/studio/verify")
    assert page.status_code == 200
    assert "Verify a recording" in page.text
    token = page.text.partition('name="csrf-token" content="')[2].partition('"')[0]
    upload = {"file": ("a.ogg", excerpt)}
    refused = service.send("POST", "/studio/verify", files=upload)
    assert refused.status_code == 403
    shown = service.send("POST", "/studio/verify", files=upload, headers=[("X-CSRF-Token", token)])
    assert shown.status_code == 200
    assert "This recording has synthetic speech" in shown.text
    assert TASK not in shown.text
    assert service.send("GET", "/verify").headers["Location"] == "/studio/verify"


def test_expired_rows_are_listed_for_removal(service: Api) -> None:
    old = verifications.new_id()
    with service.database.transaction() as session:
        row = Verification(id=old, created_at=time.time() - verifications.KEEP - 1, ended_at=1.0)
        session.add(row)
    with service.database.transaction() as session:
        assert old in verifications.expired(session)
        verifications.remove(session, old)
        assert old not in verifications.expired(session)
    assert files.verification(old) == f"verify/{old}"


def test_settings_have_safe_defaults() -> None:
    assert Settings().verifications_per_minute == 10
