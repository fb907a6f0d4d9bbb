"""The service as clients meet it that were written for ElevenLabs' API: with its own package."""

from __future__ import annotations

import base64
import io
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.types import VoiceSettings
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import ClientConnection, connect

from soundclone.audio import encode
from soundclone.audio.decode import decode
from soundclone.core.pricing import to_micro
from tests import media_samples
from tests.acceptance.conftest import ENGINES, RECORDING
from tests.service import API, Service

pytestmark = pytest.mark.slow

SAID = "One sentence that is said here. "


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose engine says tones, and goes wrong where a text says `always`."""
    folder = tmp_path_factory.mktemp("elevenlabs")
    environment = {
        "PYTHONPATH": os.pathsep.join([str(ENGINES), os.environ.get("PYTHONPATH", "")]),
        "SOUNDCLONE_ENGINE_V1": "fickle",
        "SOUNDCLONE_ENGINE_V2": "fickle",
        "SOUNDCLONE_TEST_CALLS": str(folder / "calls"),
        "SOUNDCLONE_WORKER_CONCURRENCY": "2",
    }
    with Service(folder, environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    return service.new_key(1000)[1]


@contextmanager
def client_of(service: Service, key: str) -> Iterator[ElevenLabs]:
    with httpx.Client(timeout=240) as http:
        yield ElevenLabs(base_url=service.url, api_key=key, httpx_client=http)


@pytest.fixture(scope="module")
def client(service: Service, key: str) -> Iterator[ElevenLabs]:
    with client_of(service, key) as made:
        yield made


@pytest.fixture(scope="module")
def voice(client: ElevenLabs) -> str:
    with Path(RECORDING).open("rb") as file:
        return str(client.voices.ivc.create(name="Anna", files=[file]).voice_id)


def failure(raised: pytest.ExceptionInfo[ApiError]) -> tuple[int | None, str]:
    """The status and the sentence of an error."""
    detail = raised.value.body["detail"]
    sentence = detail["message"] if isinstance(detail, dict) else detail[0]["msg"]
    return raised.value.status_code, sentence


def used(service: Service, key: str) -> float:
    spent: float = service.get(f"{API}/user/balance", key)[1]["data"]["used_coin"]
    return spent


def test_voices(client: ElevenLabs, voice: str) -> None:
    assert [each.voice_id for each in client.voices.get_all().voices] == [voice]
    page = client.voices.search(search="ann", page_size=5, sort="name", sort_direction="asc")
    assert (page.total_count, page.has_more, page.voices[0].name) == (1, False, "Anna")
    assert client.voices.search(search="nobody").voices == []
    found = client.voices.get(voice)
    assert (found.name, found.category, found.is_owner) == ("Anna", "cloned", True)
    assert client.voices.update(voice, name="Berta").status == "ok"
    assert client.voices.get(voice).name == "Berta"
    assert found.samples
    sample = b"".join(client.voices.samples.audio.get(voice, found.samples[0].sample_id))
    assert sample.startswith(b"fLaC")
    assert client.voices.settings.get(voice) == client.voices.settings.get_default()
    assert client.voices.settings.update(voice, request=VoiceSettings(stability=0.9))
    with pytest.raises(ApiError) as raised:
        client.voices.settings.update(voice, request=VoiceSettings(speed=1.2))
    assert "voices keep no speed here" in failure(raised)[1]
    with pytest.raises(ApiError) as raised:
        client.voices.get("model_" + 32 * "0")
    assert raised.value.body["detail"]["status"] == "voice_not_found"


def test_a_voice_of_several_files(client: ElevenLabs, service: Service, tmp_path: Path) -> None:
    """Two halves of a recording, each of which has too little speech, make a voice together."""
    sound = decode(Path(RECORDING)).sound
    halves = []
    for number, (start, end) in enumerate([(0.0, 0.5), (0.5, 1.0)]):
        path = tmp_path / f"{number}.wav"
        samples = sound[round(start * len(sound)) : round(end * len(sound))]
        with encode.Encoder(path, "wav", sample_rate_in=sound.rate) as encoder:
            encoder.write(samples)
        halves.append(path.read_bytes())
    short = tmp_path / "short.wav"
    with encode.Encoder(short, "wav", sample_rate_in=sound.rate) as encoder:
        encoder.write(sound[: 8 * sound.rate])
    joined = [("a.wav", io.BytesIO(halves[0])), ("b.wav", io.BytesIO(halves[1]))]
    made = client.voices.ivc.create(
        name="Joined", files=joined, description="two files", labels={"accent": "none"}
    )
    assert client.voices.get(made.voice_id).samples
    again = client.voices.ivc.create(name="Joined", files=halves)
    assert again.voice_id == made.voice_id, "the same request within ten minutes"
    assert client.voices.delete(made.voice_id).status == "ok"
    with pytest.raises(ApiError) as raised:
        client.voices.ivc.create(name="Short", files=[short.read_bytes()])
    status, sentence = failure(raised)
    assert status == 400
    assert "more than 15 s" in sentence


def test_a_path_in_place_of_a_file(client: ElevenLabs) -> None:
    with pytest.raises(ApiError) as raised:
        client.voices.ivc.create(name="Path", files=["/home/anna/recording.mp3"])
    assert "open the file" in failure(raised)[1]


@pytest.mark.parametrize(
    ("form", "rate"),
    [
        ("mp3_44100_128", 44_100),
        ("mp3_22050_32", 22_050),
        ("pcm_16000", 16_000),
        ("pcm_48000", 48_000),
        ("wav_24000", 24_000),
        ("opus_48000_64", 48_000),
        ("ulaw_8000", 8_000),
        ("alaw_8000", 8_000),
    ],
)
def test_formats(client: ElevenLabs, voice: str, form: Any, rate: int, tmp_path: Path) -> None:
    path = tmp_path / "speech"
    made = client.text_to_speech.convert(voice, text=SAID * 2, output_format=form)
    path.write_bytes(b"".join(made))
    name = form.partition("_")[0]
    raw = media_samples.headerless(path, name, rate)
    if raw is None:
        decoded = decode(path)
        raw = decoded.samples, decoded.sample_rate
    samples, found = raw
    assert found == rate
    # A fifteenth of a second a character, and the gaps between sentences and around them.
    assert len(samples) / rate == pytest.approx(2 * 31 / 15 + 0.4 + 0.35, abs=0.3)
    middle = samples[int(0.5 * rate) : int(1.5 * rate)]
    assert np.argmax(np.abs(np.fft.rfft(middle))) == pytest.approx(220, abs=2)


def test_streams_and_prices(client: ElevenLabs, service: Service, key: str, voice: str) -> None:
    before = used(service, key)
    plain = b"".join(client.text_to_speech.convert(voice, text=SAID, model_id="eleven_v3"))
    cost = used(service, key) - before
    assert cost == pytest.approx(0.01 + 2 * len(SAID) / 10_000)
    stream = b"".join(client.text_to_speech.stream(voice, text=SAID, model_id="eleven_v3"))
    assert used(service, key) - before == pytest.approx(2 * cost)
    assert len(plain) == len(stream)
    fast = client.text_to_speech.convert(
        voice, text=SAID, voice_settings=VoiceSettings(speed=2.0, stability=0.3)
    )
    assert len(b"".join(fast)) < 0.75 * len(plain)


def check_alignment(
    text: str, characters: list[str], starts: list[float], ends: list[float]
) -> None:
    assert "".join(characters) == text
    assert len(starts) == len(ends) == len(text)
    assert all(start <= end for start, end in zip(starts, ends, strict=True))
    assert list(starts) == sorted(starts)
    assert all(end <= start for end, start in zip(ends[:-1], starts[1:], strict=True))


def test_timestamps(client: ElevenLabs, voice: str, tmp_path: Path) -> None:
    text = SAID + "And another one, with a comma."
    made = client.text_to_speech.convert_with_timestamps(voice, text=text)
    path = tmp_path / "speech.mp3"
    path.write_bytes(base64.b64decode(made.audio_base_64))
    assert made.alignment == made.normalized_alignment
    times = made.alignment
    assert times is not None
    check_alignment(
        text,
        times.characters,
        times.character_start_times_seconds,
        times.character_end_times_seconds,
    )
    assert times.character_end_times_seconds[-1] == pytest.approx(decode(path).seconds, abs=0.4)
    second = text.index("And")
    assert times.character_start_times_seconds[second] == pytest.approx(
        31 / 15 + 0.1 + 0.45, abs=0.3
    )


def test_streamed_timestamps(client: ElevenLabs, voice: str, tmp_path: Path) -> None:
    text = SAID * 4 + "The end!"
    lines = list(client.text_to_speech.stream_with_timestamps(voice, text=text))
    assert len(lines) > 1
    path = tmp_path / "speech.mp3"
    path.write_bytes(b"".join(base64.b64decode(line.audio_base_64) for line in lines))
    seconds = decode(path).seconds
    times = [line.alignment for line in lines if line.alignment]
    assert len(times) > 1, "the times arrive with the audio"
    check_alignment(
        text,
        [each for part in times for each in part.characters],
        [each for part in times for each in part.character_start_times_seconds],
        [each for part in times for each in part.character_end_times_seconds],
    )
    assert times[-1].character_end_times_seconds[-1] == pytest.approx(seconds, abs=0.5)


def test_account(client: ElevenLabs, service: Service, key: str, voice: str) -> None:
    b"".join(client.text_to_speech.convert(voice, text=SAID))
    models = {model.model_id: model for model in client.models.list()}
    assert {"soundclone-v1", "soundclone-v2", "eleven_multilingual_v2"} <= set(models)
    assert len(models["soundclone-v2"].languages or ()) == 40
    subscription = client.user.subscription.get()
    used_characters = round(to_micro(str(used(service, key))) / 200)
    assert subscription.character_count == used_characters
    assert subscription.character_limit == 1000 * 5000
    assert client.user.get().subscription.tier == "soundclone"
    history = client.history.list(page_size=1)
    assert history.has_more
    item = history.history[0]
    assert (item.text, item.voice_id) == (SAID, voice)
    following = client.history.list(
        page_size=1, start_after_history_item_id=history.last_history_item_id
    )
    assert following.history[0].history_item_id != item.history_item_id
    assert b"".join(client.history.get_audio(item.history_item_id))
    assert client.history.get(item.history_item_id).text == SAID
    assert client.history.delete(item.history_item_id)
    with pytest.raises(ApiError):
        client.history.get(item.history_item_id)


def test_errors(client: ElevenLabs, service: Service, voice: str) -> None:
    with pytest.raises(ApiError) as raised:
        b"".join(client.text_to_speech.convert("nobody", text=SAID))
    assert raised.value.body["detail"]["status"] == "voice_not_found"
    for body, sentence in (
        ({"text": ""}, "the text is empty"),
        ({"text": SAID, "language_code": "xx"}, "language 'xx' is not known"),
        ({"text": SAID, "output_format": "mp3_1_1"}, "it must be one of mp3_22050_32"),
        ({"text": SAID, "voice_settings": {"speed": 9}}, "a number from 0.5 to 2"),
        ({"text": "It always fails."}, "nothing was charged"),
    ):
        with pytest.raises(ApiError) as raised:
            b"".join(client.text_to_speech.convert(voice, **body))
        assert sentence in failure(raised)[1], body
    with client_of(service, "sk_wrong") as other, pytest.raises(ApiError) as raised:
        other.voices.get_all()
    assert (raised.value.status_code, raised.value.body["detail"]["status"]) == (
        401,
        "invalid_api_key",
    )
    with (
        client_of(service, service.new_key(0)[1]) as poor,
        pytest.raises(ApiError) as raised,
        Path(RECORDING).open("rb") as file,
    ):
        poor.voices.ivc.create(name="Anna", files=[file])
    assert raised.value.body["detail"]["status"] == "quota_exceeded"


def connected(service: Service, key: str, voice: str, part: str) -> ClientConnection:
    url = f"{service.url.replace('http', 'ws')}/v1/text-to-speech/{voice}/{part}"
    return connect(url, additional_headers={"xi-api-key": key})


@pytest.mark.filterwarnings("ignore:ConnectionClosed.(code|reason) is deprecated")
def test_text_that_arrives_in_pieces(
    client: ElevenLabs, service: Service, key: str, voice: str, tmp_path: Path
) -> None:
    speech: Any = client.text_to_speech
    speech._ws_base_url = service.url.replace("http", "ws")  # the package knows wss alone
    before = used(service, key)
    text = SAID * 3
    words = (f"{word} " for word in text.split())  # the package joins words without spaces
    audio = b"".join(speech.convert_realtime(voice, text=words))
    path = tmp_path / "speech.mp3"
    path.write_bytes(audio)
    assert audio.count(b"TXXX") <= 3, "the tags are at the beginning alone"
    # The silence around the text, and two gaps of .3 to .8 s by the seed of the voice.
    assert decode(path).seconds == pytest.approx(3 * 31 / 15 + 0.35 + 2 * 0.55, abs=0.65)
    spent = used(service, key) - before
    # The package adds two spaces.
    assert spent == pytest.approx(0.01 + 2 * (len(text) + 2) / 10_000, abs=1e-5), "one fee for all"
    with pytest.raises(ApiError) as raised:
        b"".join(speech.convert_realtime("nobody", text=iter(["Hello."])))
    assert "no voice has the name" in str(raised.value.body)


def test_times_and_pieces_of_a_socket(service: Service, key: str, voice: str) -> None:
    text = SAID + "The second, and the last."
    with connected(service, key, voice, "stream-input?output_format=pcm_16000") as socket:
        socket.send(json.dumps({"text": " "}))
        socket.send(json.dumps({"text": SAID}))
        first = json.loads(socket.recv(30))
        assert first["audio"], "the first sentence is spoken before the text ends"
        socket.send(json.dumps({"text": text[len(SAID) :]}))
        socket.send(json.dumps({"text": ""}))
        messages = [first]
        while not messages[-1]["isFinal"]:
            messages.append(json.loads(socket.recv(30)))
        with pytest.raises(ConnectionClosedOK):
            socket.recv(30)
    times = [message["alignment"] for message in messages if message.get("alignment")]
    assert "".join(each for part in times for each in part["chars"]).strip() == text
    audio = b"".join(base64.b64decode(message["audio"]) for message in messages)
    spoken = sum(part["charStartTimesMs"][-1] + part["charDurationsMs"][-1] for part in times)
    # The ends of the two clauses are silent and have no characters.
    assert spoken / 1000 == pytest.approx(len(audio) / 32_000, abs=0.9)


def test_contexts_of_a_socket(service: Service, key: str, voice: str) -> None:
    with connected(service, key, voice, "multi-stream-input?output_format=ulaw_8000") as socket:
        for context in ("a", "b"):
            socket.send(json.dumps({"text": " ", "context_id": context}))
            socket.send(json.dumps({"text": "No end of it", "context_id": context}))
        socket.send(json.dumps({"context_id": "b", "flush": True}))
        first = json.loads(socket.recv(30))
        assert first["contextId"] == "b"
        socket.send(json.dumps({"text": ""}))
        socket.send(json.dumps({"context_id": "a", "close_context": True}))
        socket.send(json.dumps({"close_socket": True}))
        heard: dict[str, int] = {"b": len(first["audio"])}
        ended = []
        for raw in socket:  # until it is closed with 1000
            message = json.loads(raw)
            context = message["contextId"]
            heard[context] = heard.get(context, 0) + len(message["audio"])
            if message["isFinal"]:
                ended.append(context)
    assert heard["a"] == heard["b"] > 8000
    assert sorted(ended) == ["a", "b"]


def test_who_leaves_pays_for_what_was_delivered(service: Service, voice: str, key: str) -> None:
    before = used(service, key)
    with connected(service, key, voice, "stream-input?output_format=pcm_16000") as socket:
        socket.send(json.dumps({"text": " "}))
        socket.send(json.dumps({"text": (SAID * 100)[:3000]}))
        assert json.loads(socket.recv(30))["audio"]
    whole = 0.01 + 2 * 3000 / 10_000
    deadline = time.monotonic() + 60
    while True:
        listed = service.get(f"{API}/audios?status=queued", key)[1]["data"]["list"]
        listed += service.get(f"{API}/audios?status=processing", key)[1]["data"]["list"]
        if not listed:
            break
        assert time.monotonic() < deadline, "tasks that nobody hears go on"
        time.sleep(0.2)
    spent = used(service, key) - before
    assert 0.01 < spent < 0.7 * whole
