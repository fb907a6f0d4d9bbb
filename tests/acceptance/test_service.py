"""The service as a client meets it: a real recording in, real files out."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soxr

from soundclone.audio import decode
from soundclone_client import Client, ParameterError, TaskFailed
from tests import media_samples
from tests.acceptance.conftest import RECORDING
from tests.service import API, Service

pytestmark = pytest.mark.slow

TEXT = "The ferry leaves at nine. <#1.5#> Bring a coat, because the wind on the water is cold."


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    return service.new_key(100)[1]


@pytest.fixture(scope="module")
def voice(service: Service, key: str) -> str:
    with Client(service.url, key) as client:
        model = client.clone(RECORDING, text="A first word.").model_id
    assert model is not None
    return model


def test_a_voice_is_kept_for_ever_once_it_is_used(service: Service, key: str) -> None:
    with Client(service.url, key) as client:
        model = client.clone(RECORDING, text="Hello.").model_id
        (before,) = (each for each in client.voices() if each.model_id == model)
        assert before.expires_at is not None
        assert before.expires_at - before.created == pytest.approx(3 * 86_400, abs=5)
        assert model is not None
        client.speak(model, "Good evening.")
        (after,) = (each for each in client.voices() if each.model_id == model)
        assert (after.active, after.expires_at) == (True, None)
        client.delete_voice(model)
        assert model not in [each.model_id for each in client.voices()]
        with pytest.raises(ParameterError, match="was deleted on 20"):
            client.speak(model, "Still there?")


def test_the_same_request_gives_the_same_audio_with_another_mark(
    service: Service, key: str, voice: str, tmp_path: Path
) -> None:
    with Client(service.url, key) as client:
        for name in ("a", "b"):
            client.download(client.speak(voice, "Twice the same."), tmp_path / name)
    one, other = (decode.decode(tmp_path / name).samples for name in ("a", "b"))
    assert one.shape == other.shape
    assert 0 < np.std(one - other) < 0.1 * np.std(one)


@pytest.mark.parametrize(
    "name", ["mp3", "ogg", "wav", "m4a", "aac", "mp4", "avi", "mov", "mkv", "flv"]
)
def test_every_format(service: Service, key: str, sources: tuple[Path, str], name: str) -> None:
    """Recognised by content: the file's name says nothing."""
    decoded = decode.decode(RECORDING)
    folder, url = sources
    enough = decoded.samples[: 21 * decoded.sample_rate]
    samples = soxr.resample(enough, decoded.sample_rate, 48_000)
    media_samples.write(folder / f"{name}.bin", name, samples, 48_000)
    with Client(service.url, key) as client:
        task = client.clone(f"{url}/{name}.bin", text="Yes.")
    assert task.model_id
    assert 15 < task.raw["speechSeconds"] < 60


def test_a_bad_recording_costs_nothing(
    service: Service, key: str, sources: tuple[Path, str]
) -> None:
    folder, url = sources
    decoded = decode.decode(RECORDING)
    samples, rate = decoded.samples, decoded.sample_rate
    rng = np.random.default_rng(0)
    wav = {
        "short.wav": samples[: 9 * rate],
        "long.wav": np.concatenate([samples] * 3),
        "silent.wav": np.zeros(20 * rate, np.float32),
        "noise.wav": (0.1 * rng.standard_normal(20 * rate)).astype(np.float32),
        "clipped.wav": np.clip(samples * 60, -1, 1),
    }
    for name, audio in wav.items():
        media_samples.write(folder / name, "wav", audio, rate)
    (woman, rate), (man, _) = media_samples.said("woman"), media_samples.said("man")
    turns = [piece for at in range(0, 16, 4) for piece in (woman[at * rate :], man[at * rate :])]
    talk = np.concatenate([piece[: 4 * rate] for piece in turns])
    media_samples.write(folder / "turns.mp3", "mp3", talk, rate)
    at_once = 0.7 * (woman[: 25 * rate] + man[: 25 * rate])
    media_samples.write(folder / "at_once.mp3", "mp3", at_once, rate)
    samples, rate = decoded.samples, decoded.sample_rate
    media_samples.write(folder / "whole.mp4", "mp4", samples, rate)
    whole = (folder / "whole.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    (folder / "page.mp3").write_text("<!doctype html><html><body>Not found</body></html>")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "list.mp3").write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/secret\n")
    expected = {
        "short.wav": ("speech_too_short", "more than 15 s is needed"),
        "long.wav": ("speech_too_long", "less than 60 s"),
        "silent.wav": ("no_speech", ""),
        "noise.wav": ("no_speech", ""),
        "clipped.wav": ("source_clipped", "clip"),
        "turns.mp3": ("several_speakers", "% of the speech is by a second speaker"),
        "at_once.mp3": ("several_speakers", "two people speak at once"),
        "cut.mp4": ("source_truncated", ""),
        "page.mp3": ("source_not_media", "HTML"),
        "empty.wav": ("source_not_media", "empty"),
        "list.mp3": ("source_not_media", ""),
        "absent.mp3": ("source_unreachable", "404"),
    }
    before = service.get(f"{API}/user/balance", key)[1]["data"]
    with Client(service.url, key) as client:
        started = {name: client.clone(f"{url}/{name}", text="No.", wait=False) for name in expected}
        for name, (word, said) in expected.items():
            with pytest.raises(TaskFailed) as failed:
                client.wait(started[name])
            task = failed.value.task
            assert task.raw["errorCode"] == word, (name, task.error)
            assert said in (task.error or ""), (name, task.error)
            assert task.cost == 0
    assert service.get(f"{API}/user/balance", key)[1]["data"] == before


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.2/a.mp3",
        "http://10.0.0.1/a.mp3",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/a.mp3",
        "http://2130706434/a.mp3",
        "http://localhost:1/a.mp3",
    ],
)
def test_addresses_that_are_not_public(service: Service, key: str, address: str) -> None:
    with Client(service.url, key) as client, pytest.raises(TaskFailed) as failed:
        client.clone(address, text="No.")
    assert failed.value.task.raw["errorCode"] == "source_address_refused"


def test_an_upload_is_read_from_the_store(service: Service, key: str) -> None:
    """It works although the link's host is not one that may be fetched from."""
    with Client(service.url, key) as client:
        url = client.upload(RECORDING).url
        elsewhere = url.replace("127.0.0.1", "10.1.2.3")
        assert client.clone(elsewhere, text="Hello.").model_id


def test_other_languages_are_detected(service: Service, key: str, voice: str) -> None:
    said = {
        "German": "Guten Morgen, heute scheint die Sonne über der Stadt.",
        "Chinese": "今天天气很好,我们一起去公园走走吧。",
        "Russian": "Сегодня хорошая погода, пойдём гулять в парк.",
    }
    with Client(service.url, key) as client:
        for language, text in said.items():
            task = client.speak(voice, text)
            assert task.raw["language"] == language
            assert task.raw["seconds"] > 1


@pytest.mark.parametrize(
    ("form", "rate", "channel", "codec"),
    [
        ("mp3", 22_050, 1, "mp3"),
        ("wav", 8_000, 2, "pcm_s16le"),
        ("flac", None, 1, "flac"),
        ("ogg", 24_000, 2, "opus"),
    ],
)
def test_formats_of_speech(
    service: Service,
    key: str,
    voice: str,
    tmp_path: Path,
    form: Literal["mp3", "wav", "flac", "ogg"],
    rate: int | None,
    channel: Literal[1, 2],
    codec: str,
) -> None:
    with Client(service.url, key) as client:
        task = client.speak(voice, "It is windy.", format=form, sample_rate=rate, channel=channel)
        assert task.audio_url
        assert f"/speech.{form}?" in task.audio_url
        with urllib.request.urlopen(task.audio_url) as response:
            assert response.headers["Content-Type"] == f"audio/{form}".replace("mp3", "mpeg")
        client.download(task, tmp_path / "speech")
    decoded = decode.decode(tmp_path / "speech")
    assert decoded.codec.startswith(codec) or codec in decoded.codec
    assert decoded.channels == channel
    assert decoded.sample_rate == (48_000 if form == "ogg" else rate or 44_100)
    assert task.seconds == pytest.approx(decoded.seconds, abs=0.1)
    samples = np.abs(decoded.samples)
    assert samples[: int(0.09 * decoded.sample_rate)].max() < 0.01
    assert samples[-int(0.2 * decoded.sample_rate) :].max() < 0.01


def test_subtitles_are_when_it_is_heard(
    service: Service, key: str, voice: str, tmp_path: Path
) -> None:
    text = "<#0.5#>Stop. <#0.7#> Cats and dogs. <#0.4#> Back to the boat!<#1#>"
    with Client(service.url, key) as client:
        task = client.speak(
            voice, text, format="wav", sample_rate=24_000, subtitles="sentence", speed=1.4, pitch=3
        )
        client.download(task, tmp_path / "speech.wav")
        assert task.subtitle_json
        with urllib.request.urlopen(task.subtitle_json) as response:
            cues = json.load(response)
    decoded = decode.decode(tmp_path / "speech.wav")
    samples = np.abs(decoded.samples)
    # The last sound decays, so its end is quiet.
    loud = np.flatnonzero(samples > 0.005 * samples.max()) / 24_000
    gaps = np.flatnonzero(np.diff(loud) > 0.2)
    starts = [loud[0], *loud[gaps + 1]]
    ends = [*loud[gaps], loud[-1]]
    assert [cue["start"] / 1000 for cue in cues] == pytest.approx(starts, abs=0.06)
    assert [cue["end"] / 1000 for cue in cues] == pytest.approx(ends, abs=0.06)
    assert cues[0]["start"] == 500
    assert cues[1]["start"] - cues[0]["end"] == pytest.approx(700, abs=1)
    assert 1000 * decoded.seconds - cues[-1]["end"] == pytest.approx(1000, abs=2)


def test_logs_hold_no_secrets(service: Service, key: str, voice: str) -> None:
    """Runs last in this file: what the tests before it did is in the log."""
    log = service.log.read_text()
    assert "task ended" in log
    printed = [line for line in log.splitlines() if key in line]
    assert not printed
    for text in ("The ferry leaves", "Good morning, this is"):
        assert text not in log
    assert "Traceback" not in log
