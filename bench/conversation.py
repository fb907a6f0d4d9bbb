"""Measure the time from a complete clause to the first byte of its speech, over WebSockets.

    .venv/bin/python bench/conversation.py [RECORDING] [--rounds 10] [--json]

Each round sends the words of a sentence one by one, as a language model writes them. The clock
starts with the last character of the first clause. The service has its defaults: SQLite, a local
folder, one worker beside the API. The conversation, ElevenLabs' WebSocket and MiniMax' alternate.
MiniMax' protocol takes whole texts, so its clock starts with the text.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.service import Service  # noqa: E402

from soundclone_client import Client  # noqa: E402

FIRST = "When the morning came, "
REST = "they left the house at once. "
WORD_SECONDS = 0.03  # between two words of a language model


def say(socket: ClientConnection, text: str, message: Callable[[str], dict[str, object]]) -> float:
    """Send the words of a text, and return the time of the last one."""
    now = 0.0
    for word in text.split():
        time.sleep(WORD_SECONDS)
        now = time.perf_counter()
        socket.send(json.dumps(message(f"{word} ")))
    return now


def converse(url: str, key: str, voice: str) -> tuple[float, float]:
    """Seconds to the first audio of the first clause, and to that of the second sentence."""
    with connect(
        f"{url}/v1/audio/speech/stream", additional_headers={"Authorization": f"Bearer {key}"}
    ) as socket:
        socket.send(json.dumps({"type": "start", "voice": voice, "audio": "binary"}))
        assert json.loads(socket.recv(60))["type"] == "ready"
        sent = say(socket, FIRST, lambda word: {"type": "text", "text": word})
        while not isinstance(socket.recv(60), bytes):
            pass
        first = time.perf_counter() - sent
        sent = say(socket, REST, lambda word: {"type": "text", "text": word})
        socket.send(json.dumps({"type": "flush"}))
        clauses = 0
        while True:
            message = socket.recv(60)
            if isinstance(message, bytes):
                if clauses:
                    return first, time.perf_counter() - sent
            elif json.loads(message)["type"] == "clause":
                clauses += 1


def elevenlabs(url: str, key: str, voice: str) -> tuple[float, float]:
    """Measure ElevenLabs' WebSocket like `converse`."""
    path = f"/v1/text-to-speech/{voice}/stream-input?output_format=pcm_24000"
    with connect(url + path, additional_headers={"xi-api-key": key}) as socket:
        socket.send(json.dumps({"text": " "}))
        sent = say(socket, FIRST, lambda word: {"text": word})
        socket.recv(60)
        first = time.perf_counter() - sent
        return first, first


def minimax(url: str, key: str, voice: str) -> tuple[float, float]:
    """Measure MiniMax' WebSocket, where a text is complete when it is sent."""
    headers = {"Authorization": f"Bearer {key}"}
    with connect(f"{url}/ws/v1/t2a_v2", additional_headers=headers) as socket:
        socket.recv(60)
        start = {
            "event": "task_start",
            "model": "speech-2.8-turbo",
            "voice_setting": {"voice_id": voice},
            "audio_setting": {"format": "pcm", "sample_rate": 24_000},
        }
        socket.send(json.dumps(start))
        socket.recv(60)
        sent = time.perf_counter()
        socket.send(json.dumps({"event": "task_continue", "text": FIRST}))
        socket.recv(60)
        first = time.perf_counter() - sent
        return first, first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", nargs="?", default=str(ROOT / "examples" / "recording.mp3"))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    fronts = {"conversation": converse, "elevenlabs": elevenlabs, "minimax": minimax}
    found: dict[str, list[float]] = {name: [] for name in (*fronts, "second sentence")}
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder)) as service:
        _, key = service.new_key(1000)
        with Client(service.url, key) as client:
            voice = client.clone(options.recording, text="Hello.").model_id
        url = service.url.replace("http", "ws")
        for index in range(options.rounds + 1):
            for name, measure in fronts.items():
                first, second = measure(url, key, voice)
                if index == 0:  # caches are cold
                    continue
                found[name].append(first)
                if name == "conversation":
                    found["second sentence"].append(second)
                time.sleep(0.5)
    report: dict[str, object] = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    for name, times in found.items():
        p95 = quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
        report[name] = {"median": round(median(times), 3), "p95": round(p95, 3)}
    print(json.dumps(report, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
