"""A whole service with a neural engine, from fetching its weights to speech, on a tiny model."""

from __future__ import annotations

import hashlib
import io
import json
import time
import urllib.request
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.service import API, Service, finish

from . import tiny_pocket

RECORDING = Path(__file__).parents[2] / "examples" / "recording.mp3"
CLONES = f"{API}/soundCloning/clones"
AUDIOS = f"{API}/soundCloning/audios"
MIXED = (
    "The weather was fine, and everybody went home in the evening. "
    "Il faisait très beau, et tout le monde est rentré à la maison le soir."
)


UNMARKED = {"SOUNDCLONE_WATERMARK": "false"}  # sounds of two tasks differ in their watermark


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One with the models of two languages."""
    folder = tmp_path_factory.mktemp("neural")
    running = Service(folder, environment=UNMARKED)
    for number, name in enumerate(("pocket", "pocket-fr")):
        made = tiny_pocket.make(folder / name, seed=number)
        running.command("models", "add", name, str(made), "--accept-licence", "--json")
    with running:
        yield running


@pytest.fixture(scope="module")
def account(service: Service) -> tuple[str, str]:
    return service.new_key(100)


@pytest.fixture(scope="module")
def voice(service: Service, account: tuple[str, str]) -> str:
    key = account[1]
    boundary = "a-boundary"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="r.mp3"\r\n'
        "Content-Type: audio/mpeg\r\n\r\n"
    )
    body = head.encode() + RECORDING.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(
        f"{service.url}{API}/files/upload",
        data=body,
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        url = json.load(response)["data"]["url"]
    _, made = service.post(CLONES, {"fileUrl": url, "contentText": "Hello, and welcome!"}, key)
    preview = finish(service, made["data"]["id"], key)
    assert (preview["status"], preview.get("engine")) == ("completed", "pocket"), preview
    return str(preview["modelId"])


def audio(service: Service, key: str, voice: str, text: str, **more: object) -> dict[str, object]:
    order = {"modelId": voice, "contentText": text, "format": "wav", **more}
    _, made = service.post(AUDIOS, order, key)
    data = finish(service, made["data"]["id"], key)
    assert data["status"] == "completed", data
    with urllib.request.urlopen(str(data["audioUrl"]), timeout=30) as response:
        content = io.BytesIO(response.read())
    with wave.open(content) as file:  # signatures of files differ
        return data | {"digest": hashlib.sha256(file.readframes(file.getnframes())).hexdigest()}


def test_the_best_engine_of_each_language_is_used(
    service: Service, account: tuple[str, str]
) -> None:
    _, body = service.get(f"{API}/languages", account[1])
    engines = {row["name"]: row["engines"].get("v2") for row in body["data"]["list"]}
    assert {name for name, engine in engines.items() if engine == "pocket"} == {"English", "French"}
    assert engines["Thai"] == "builtin"
    rows = {row["name"]: row for row in service.command("doctor", "--json")["checks"]}
    assert rows["engine pocket"]["ok"], rows
    assert "CC-BY-4.0" in rows["engine pocket"]["detail"]
    assert "on cpu, float32" in rows["engine pocket"]["detail"]
    assert not rows["engine voxcpm"]["ok"]
    assert "soundclone models pull voxcpm" in rows["engine voxcpm"]["detail"]


def test_the_same_request_gives_the_same_audio(
    service: Service, account: tuple[str, str], voice: str
) -> None:
    once, again = (audio(service, account[1], voice, MIXED) for _ in range(2))
    assert once["digest"] == again["digest"]
    assert once["languages"] == ["English", "French"]
    assert once["engine"] == "pocket"
    other = audio(service, account[1], voice, MIXED, pitch=3, speed=1.2, emotion="happy")
    assert other["digest"] != once["digest"]


def test_tasks_side_by_side_say_what_they_say_alone(
    service: Service, account: tuple[str, str], voice: str
) -> None:
    texts = [MIXED, "It was a bright cold day in April.", "Il faisait très beau hier."]
    alone = [audio(service, account[1], voice, text)["digest"] for text in texts]
    with ThreadPoolExecutor(6) as pool:
        together = pool.map(lambda text: audio(service, account[1], voice, text), texts * 2)
    assert [each["digest"] for each in together] == alone * 2


def test_a_cancelled_task_lets_go_of_the_engine(
    service: Service, account: tuple[str, str], voice: str
) -> None:
    key = account[1]
    before = audio(service, key, voice, MIXED)
    order = {"modelId": voice, "contentText": f"{MIXED} " * 70}
    task = service.post(AUDIOS, order, key)[1]["data"]["id"]
    deadline = time.monotonic() + 60
    chunks = service.folder / "data" / "files" / "work" / task
    while not chunks.is_dir() or len(list(chunks.iterdir())) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    _, ended = service.request("DELETE", f"{API}/audios/{task}", key=key)
    assert ended["data"]["errorCode"] == "cancelled"
    assert audio(service, key, voice, MIXED)["digest"] == before["digest"]
    assert service.get(f"{API}/audios/{task}", key)[1]["data"]["status"] == "failed"
    assert not chunks.is_dir() or not list(chunks.iterdir())


def test_a_language_of_another_engine(
    service: Service, account: tuple[str, str], voice: str
) -> None:
    said = audio(service, account[1], voice, "今日はいい天気ですね。")
    assert (said["engine"], said["language"]) == ("builtin", "Japanese")


def test_the_voice_says_whose_licence_it_is_under(
    service: Service, account: tuple[str, str], voice: str
) -> None:
    _, listed = service.get(f"{API}/voices", account[1])
    assert "CC-BY-4.0" in listed["data"]["list"][0]["licence"]


def test_another_process_says_the_same_and_damage_is_found(
    service: Service, account: tuple[str, str], voice: str
) -> None:
    """Last: it restarts the service, and spoils its weights."""
    before = audio(service, account[1], voice, "It was a bright cold day in April.")
    service.terminate()
    service.start()
    after = audio(service, account[1], voice, "It was a bright cold day in April.")
    assert after["digest"] == before["digest"]

    service.terminate()
    model = service.folder / "data" / "models" / "pocket" / "model.safetensors"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    service.start()
    rows = {row["name"]: row for row in service.command("doctor", "--json")["checks"]}
    assert not rows["engine pocket"]["ok"]
    assert "model.safetensors" in rows["engine pocket"]["detail"]
    order = {"modelId": voice, "contentText": "Hello."}
    _, refused = service.post(AUDIOS, order, account[1])
    assert refused["code"] == -1
    assert "the voice's engine is 'pocket', which no worker has now" in refused["msg"]
