"""The shortest way through a whole service: a recording becomes a voice, a text becomes speech."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soundclone.audio import decode
from tests.service import API, Service, finish

TEXT = "The ferry leaves at nine. <#1.5#> Bring a coat, because the wind on the water is cold."
SSML = (
    '<speak xml:lang="en">One two three four five. <prosody rate="50%">One two three four '
    'five.</prosody> <prosody volume="-12dB">One two three four five.</prosody> '
    '<lang xml:lang="fr">Bonjour.</lang></speak>'
)
TOLD = "One two three four five. " * 3 + "Bonjour."


def loud(path: Path) -> tuple[float, np.ndarray]:
    decoded = decode.decode(path)
    samples = decoded.samples
    return decoded.seconds, samples


def test_from_a_recording_to_speech(service: Service, recording: str, tmp_path: Path) -> None:
    account, key = service.new_key(100)
    body = {"fileUrl": recording, "contentText": "Good morning, this is my new voice."}
    task = service.post(f"{API}/soundCloning/clones", body, key)[1]["data"]["id"]
    preview = finish(service, task, key)
    assert preview["status"] == "completed", preview
    assert preview["progress"] == 100
    assert preview["model"] == "soundCloningClone"
    assert 15 < preview["speechSeconds"] < 60
    assert preview["language"] == "English"
    (made,) = service.get(f"{API}/voices", key)[1]["data"]["list"]
    assert preview["voiceExpiresAt"] == made["expiresAt"]

    urllib.request.urlretrieve(preview["audioUrl"], tmp_path / "preview.mp3")
    seconds, samples = loud(tmp_path / "preview.mp3")
    assert abs(seconds - preview["seconds"]) < 0.2
    assert 1 < seconds < 6
    assert np.max(np.abs(samples)) > 0.1

    order: dict[str, Any] = {
        "modelId": preview["modelId"],
        "contentText": TEXT,
        "subtitleEnable": True,
        "emotion": "happy",
        "speed": 1.1,
        "pitch": 1,
        "vol": 1.5,
    }
    task = service.post(f"{API}/soundCloning/audios", order, key)[1]["data"]["id"]
    speech = finish(service, task, key)
    assert speech["status"] == "completed", speech
    assert speech["model"] == "soundCloningAudio"
    assert "modelId" not in speech
    with urllib.request.urlopen(speech["subtitleFile"]) as response:
        subtitles = response.read().decode()
    assert subtitles.count("-->") == 2
    assert "The ferry leaves at nine." in subtitles
    with urllib.request.urlopen(speech["subtitleJson"]) as response:
        first, second = json.load(response)
    assert TEXT[second["offset"] :].startswith("Bring a coat")
    assert second["start"] - first["end"] == pytest.approx(1500, abs=3)

    urllib.request.urlretrieve(speech["audioUrl"], tmp_path / "speech.mp3")
    decoded = decode.decode(tmp_path / "speech.mp3")
    assert decoded.codec.startswith("mp3")
    assert decoded.sample_rate in (32_000, 44_100)
    assert decoded.channels == 1
    pause = decoded.samples[
        int((first["end"] / 1000 + 0.15) * decoded.sample_rate) : int(
            (second["start"] / 1000 - 0.15) * decoded.sample_rate
        )
    ]
    assert np.max(np.abs(pause)) < 0.01

    marked: dict[str, Any] = {
        "modelId": preview["modelId"],
        "contentText": SSML,
        "textFormat": "ssml",
        "format": "wav",
        "subtitleEnable": True,
    }
    task = service.post(f"{API}/soundCloning/audios", marked, key)[1]["data"]["id"]
    told = finish(service, task, key)
    assert told["status"] == "completed", told
    assert told["languages"] == ["English", "French"]
    with urllib.request.urlopen(told["subtitleJson"]) as response:
        plain, slow, soft, french = json.load(response)
    assert french["text"] == "Bonjour."
    lengths = [each["end"] - each["start"] for each in (plain, slow, soft)]
    assert lengths[1] > 1.6 * lengths[0]
    with urllib.request.urlopen(told["subtitleVtt"]) as response:
        assert response.read().startswith(b"WEBVTT\n\n00:00:0")
    urllib.request.urlretrieve(told["audioUrl"], tmp_path / "told.wav")
    decoded = decode.decode(tmp_path / "told.wav")

    def level(cue: dict[str, Any]) -> float:
        rate = decoded.sample_rate / 1000
        part = decoded.samples[round(cue["start"] * rate) : round(cue["end"] * rate)]
        return float(10 * np.log10(np.mean(np.square(part, dtype=np.float64))))

    assert level(soft) - level(plain) == pytest.approx(-12, abs=2.5)
    _, catalog = service.get("/api/openapi/model/catalog?search=sound-cloning-audio")
    price = catalog["data"]["list"][0]["unit_price"]
    spoken = len(TEXT) - len("<#1.5#>")
    assert told["cost"] - speech["cost"] == pytest.approx((len(TOLD) - spoken) * price / 10_000)

    used = preview["cost"] + speech["cost"] + told["cost"]
    balance = service.get(f"{API}/user/balance", key)[1]["data"]
    assert balance["used_coin"] == pytest.approx(used)
    assert balance["available"] == pytest.approx(100 - used)
    ledger = service.command("credit", "ledger", "--account", account, "--json")
    kinds = [entry["kind"] for entry in ledger["entries"]]
    assert kinds == ["credit", *["hold", "capture"] * 3]
    assert (ledger["sum"], ledger["sound"]) == (0, True)


@pytest.mark.slow
def test_a_performance_becomes_the_voice(service: Service, recording: str, tmp_path: Path) -> None:
    key = service.new_key(100)[1]
    task = service.post(f"{API}/soundCloning/clones", {"fileUrl": recording}, key)[1]["data"]["id"]
    voice = finish(service, task, key)["modelId"]
    body = {"modelId": voice, "fileUrl": recording, "maxSeconds": 60, "format": "wav"}
    status, answer = service.post(f"{API}/soundCloning/voice-conversions", body, key)
    assert status == 200, answer
    done = finish(service, answer["data"]["id"], key)
    assert done["status"] == "completed", done
    assert done["cost"] == pytest.approx(0.01 + 0.003 * done["seconds"], abs=1e-4)
    urllib.request.urlretrieve(done["audioUrl"], tmp_path / "converted.wav")
    seconds, samples = loud(tmp_path / "converted.wav")
    assert abs(seconds - done["seconds"]) < 0.05
    assert np.max(np.abs(samples)) > 0.1
    short = service.post(f"{API}/soundCloning/voice-conversions", body | {"maxSeconds": 2}, key)[1][
        "data"
    ]["id"]
    failed = finish(service, short, key)
    assert (failed["errorCode"], failed["cost"]) == ("speech_too_long", 0)
