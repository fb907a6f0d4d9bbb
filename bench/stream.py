"""Measure the time to the first byte of streamed speech, and to the last one.

    .venv/bin/python bench/stream.py [RECORDING] [--characters 2000] [--rounds 5] [--json]

Uses OpenAI's package and a service with its defaults: SQLite, a local folder, one worker beside the
API. The first round is reported separately, because caches are cold.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

from openai import OpenAI

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.service import Service  # noqa: E402

from soundclone_client import Client  # noqa: E402

SENTENCES = (
    "The ferry leaves at nine in the morning, and it is hardly ever late.",
    "Bring a coat, because the wind on the water is cold.",
    "On the other side there is a small harbour with a market and two cafés.",
    "Who wants to see the lighthouse walks along the beach for about an hour.",
    "The last boat back goes at half past six.",
)


def text_of(characters: int) -> str:
    """Sentences of about so many characters in all."""
    text = ""
    for sentence in cycle(SENTENCES):
        if len(text) + len(sentence) >= characters:
            return text
        text += sentence + " "
    raise AssertionError


def listen(client: OpenAI, voice: str, text: str, form: Any) -> tuple[float, float, int]:
    """Seconds to the first byte and to the last one, and how many there were."""
    started = time.perf_counter()
    with client.audio.speech.with_streaming_response.create(
        model="soundclone-v1", voice=voice, input=text, response_format=form
    ) as answer:
        blocks = answer.iter_bytes()
        size = len(next(blocks))
        first = time.perf_counter() - started
        size += sum(map(len, blocks))
    return first, time.perf_counter() - started, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", nargs="?", default=str(ROOT / "examples" / "recording.mp3"))
    parser.add_argument("--characters", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--format", default="mp3")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    text = text_of(options.characters)
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder)) as service:
        _, key = service.new_key(1000)
        with Client(service.url, key) as own:
            voice = own.clone(options.recording, text="Hello.").model_id
            whole_file = []
            for _ in range(min(2, options.rounds)):
                started = time.perf_counter()
                seconds = own.speak(voice, text).seconds
                whole_file.append(time.perf_counter() - started)
        with OpenAI(base_url=f"{service.url}/v1", api_key=key, max_retries=0) as client:
            rounds = [listen(client, voice, text, options.format) for _ in range(options.rounds)]
    first, whole = (median(each[index] for each in rounds[1:] or rounds) for index in (0, 1))
    report = {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "characters": len(text),
        "audio_seconds": seconds,
        "first_round": [round(each, 3) for each in rounds[0][:2]],
        "first_byte": round(first, 3),
        "worst_first_byte": round(max(each[0] for each in rounds), 3),
        "whole": round(whole, 3),
        "share": round(first / whole, 3),
        "unstreamed": round(min(whole_file), 3),
    }
    if options.json:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            print(f"{name:18} {value}")


if __name__ == "__main__":
    main()
