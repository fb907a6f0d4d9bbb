"""A result is recognised by its watermark, its manifest and the register, also after changes."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import c2pa
import httpx2
import numpy as np
import pytest

from soundclone.audio import decode, encode
from tests.service import API, Service, finish

pytestmark = pytest.mark.slow

TEXT = "The ferry leaves at nine, so be at the pier early. Bring a coat, because the wind is cold."


def changed(path: Path, target: Path) -> Path:
    """Cut a file, add noise at about 20 dB, and encode it as Ogg."""
    sound = decode.decode(path)
    samples, rate = sound.samples, sound.sample_rate
    cut = samples[round(0.37 * rate) : len(samples) - round(0.31 * rate)]
    noise = np.random.default_rng(1).normal(0, np.sqrt(np.mean(cut**2)) / 10, len(cut))
    with encode.Encoder(target, "ogg", sample_rate_in=rate) as encoder:
        encoder.write((cut + noise).astype(np.float32))
    return target


def verify(service: Service, path: Path) -> httpx2.Response:
    return httpx2.post(
        f"{service.url}/verify", files={"file": (path.name, path.read_bytes())}, timeout=300
    )


def test_a_result_is_recognised(service: Service, recording: str, tmp_path: Path) -> None:
    _, key = service.new_key(100)
    body = {"fileUrl": recording, "contentText": TEXT}
    task = service.post(f"{API}/soundCloning/clones", body, key)[1]["data"]["id"]
    preview = finish(service, task, key)
    assert preview["status"] == "completed", preview
    assert "credentialsUrl" not in preview
    path = tmp_path / "preview.mp3"
    urllib.request.urlretrieve(preview["audioUrl"], path)

    with path.open("rb") as file, c2pa.Reader("audio/mpeg", file) as reader:
        manifest = reader.get_active_manifest() or {}
        assert reader.get_validation_state() == "Valid"
    facts = {each["label"]: each["data"] for each in manifest["assertions"]}["soundclone.speech"]
    assert (facts["engine"], facts["consent"]) == ("builtin", "none")
    assert "ferry" not in json.dumps(manifest)

    verdict = service.command("verify", str(path), "--json")
    assert set(verdict) == {"synthetic", "watermark", "c2pa", "register"}
    assert verdict["synthetic"] is True
    assert verdict["watermark"]["found"] is True
    assert verdict["watermark"]["p_value"] < 1e-6
    assert verdict["watermark"]["task"] == task
    assert verdict["c2pa"] == {"found": True, "valid": True}
    assert verdict["register"] == {"found": True, "task": task}

    # The register and the watermark outlive the files of the task.
    assert service.request("DELETE", f"{API}/audios/{task}/result", key=key)[0] == 204
    excerpt = changed(path, tmp_path / "excerpt.ogg")
    found = verify(service, excerpt).json()
    assert found["synthetic"] is True
    assert found["watermark"]["found"] is True
    assert found["watermark"]["task"] is None
    assert found["c2pa"] == {"found": False, "valid": False}
    assert found["register"] == {"found": True, "task": None}
    assert service.command("verify", str(excerpt), "--json")["register"]["task"] == task


def test_speech_of_a_person_is_not(service: Service, sources: tuple[Path, str]) -> None:
    verdict = service.command("verify", str(sources[0] / "recording.mp3"), "--json")
    assert verdict["synthetic"] is False
    assert verdict["watermark"]["found"] is False
    assert verdict["c2pa"] == {"found": False, "valid": False}
    assert verdict["register"] == {"found": False, "task": None}
    by_url = httpx2.post(
        f"{service.url}/verify", data={"url": f"{sources[1]}/recording.mp3"}, timeout=300
    )
    assert by_url.json()["synthetic"] is False
