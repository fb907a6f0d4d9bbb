"""Measure the cost that one hostile API key or client causes to other accounts.

    .venv/bin/python bench/abuse.py [--rounds 5] [--seconds 25] [--only NAME …] [--json]

The service runs with its defaults. Before and during each attack, one thread requests /healthz and
another account synthesises one sentence. All figures come from one run, so that their ratios are
meaningful on a noisy machine. Attackers run in a separate process on the same cores.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests import attacks  # noqa: E402
from tests.service import API, Service, finish  # noqa: E402

from soundclone_client import Client  # noqa: E402

SENTENCE = "The ferry leaves at nine in the morning, and it is hardly ever late."
LONG = (SENTENCE + " ") * 140  # 9,660 characters
SILENCE = "<#90#>" * 40 + "a"
EMOJI = "🈷🈂🈁🔯🈷🈂🈁🔯🈷🈂" * 40

Attack = Callable[[], AbstractContextManager[Any]]


@dataclass
class Bystander:
    """Everything seen by an honest account and by the operator during one attack."""

    healthz: list[float] = field(default_factory=list)  # seconds
    sentences: list[float] = field(default_factory=list)  # seconds from submission to the end
    broken: int = 0  # legitimate requests that got no answer, or a wrong one
    api_peak: int = 0  # bytes of resident memory
    worker_peak: int = 0
    disk_peak: int = 0  # bytes below the data directory

    def row(self, quiet: Bystander) -> dict[str, Any]:
        """Return the figures as a row, with the ratios to a quiet service."""
        healthz = sorted(self.healthz) or [float("nan")]
        sentences = self.sentences or [float("nan")]
        return {
            "healthz_p50_ms": round(median(healthz) * 1000, 1),
            "healthz_p99_ms": round(healthz[int(len(healthz) * 0.99)] * 1000, 1),
            "sentence_s": round(median(sentences), 2),
            "sentence_worst_s": round(max(sentences), 2),
            "sentence_ratio": round(median(sentences) / median(quiet.sentences), 2),
            "sentence_worst_ratio": round(max(sentences) / median(quiet.sentences), 2),
            "api_grew_mb": round((self.api_peak - quiet.api_peak) / 1e6),
            "worker_peak_mb": round(self.worker_peak / 1e6),
            "disk_grew_mb": round((self.disk_peak - quiet.disk_peak) / 1e6),
            "broken": self.broken,
        }


class Watch:
    """Another account's requests, and the size of the service, while something goes on."""

    def __init__(self, service: Service, key: str, voice: str, rounds: int) -> None:
        self._service, self._key, self._voice, self._rounds = service, key, voice, rounds

    def during(self, least: float) -> Bystander:
        """Ask until `rounds` sentences are spoken and `least` seconds have passed."""
        seen, stop = Bystander(), threading.Event()
        threads = [
            threading.Thread(target=self._ask_health, args=(seen, stop)),
            threading.Thread(target=self._weigh, args=(seen, stop)),
        ]
        for thread in threads:
            thread.start()
        until = time.monotonic() + least
        try:
            while len(seen.sentences) < self._rounds or time.monotonic() < until:
                self._speak(seen)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        return seen

    def _speak(self, seen: Bystander) -> None:
        started = time.perf_counter()
        body = {"modelId": self._voice, "contentText": SENTENCE}
        status, answer = self._service.post(f"{API}/soundCloning/audios", body, self._key)
        if status != 200 or answer["code"] != 20000:
            seen.broken += 1
            time.sleep(0.2)
            return
        task = finish(self._service, answer["data"]["id"], self._key, timeout=300)
        seen.broken += task["status"] != "completed"
        seen.sentences.append(time.perf_counter() - started)

    def _ask_health(self, seen: Bystander, stop: threading.Event) -> None:
        while not stop.wait(0.05):
            started = time.perf_counter()
            status, _ = self._service.get("/healthz")
            seen.broken += status != 200
            seen.healthz.append(time.perf_counter() - started)

    def _weigh(self, seen: Bystander, stop: threading.Event) -> None:
        api = psutil.Process(self._service.pid)
        data = self._service.folder / "data"
        while not stop.wait(0.25):
            with suppress(psutil.Error):
                seen.api_peak = max(seen.api_peak, api.memory_info().rss)
            for pid in self._service.children():
                with suppress(psutil.Error):
                    size = psutil.Process(pid).memory_info().rss
                    seen.worker_peak = max(seen.worker_peak, size)
            seen.disk_peak = max(seen.disk_peak, size_of(data))


def size_of(folder: Path) -> int:
    """Bytes that the files below a folder take on the disk, open deleted files excluded."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(parent, name).stat().st_blocks * 512
    return total


@contextmanager
def elsewhere(attack: Attack) -> Iterator[None]:
    """Run an attack in a separate process until the block ends."""
    stop = multiprocessing.Event()

    def work() -> None:
        with attack():
            stop.wait()

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join(30)
        if process.is_alive():
            process.kill()


def submissions(service: Service, key: str, path: str, bodies: list[dict[str, Any]]) -> Attack:
    """Submit every body at the start, and cancel what is left at the end."""

    @contextmanager
    def attack() -> Iterator[list[str]]:
        ids = []
        for body in bodies:
            status, answer = service.post(f"{API}/soundCloning/{path}", body, key)
            if status == 200 and answer["code"] == 20000:
                ids.append(answer["data"]["id"])
        try:
            yield ids
        finally:
            for task in ids:
                service.request("DELETE", f"{API}/audios/{task}", key=key)

    return attack


def leaving_listeners(service: Service, key: str, voice: str) -> Attack:
    """Stream a long text again and again, and leave after some seconds."""
    import http.client

    @contextmanager
    def attack() -> Iterator[None]:
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                body = json.dumps({"model": "soundclone-v1", "voice": voice, "input": LONG[:2000]})
                connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
                headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
                with suppress(OSError, http.client.HTTPException):
                    connection.request("POST", "/v1/audio/speech", body, headers)
                    answer = connection.getresponse()
                    until = time.monotonic() + 6
                    while time.monotonic() < until and not stop.is_set() and answer.read(4096):
                        pass
                connection.close()
                stop.wait(0.1)

        threads = [threading.Thread(target=listen) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(70)

    return attack


def tone(seconds: float, rate: int) -> bytes:
    """Return a WAV file of a tone. It holds no speech, and searching it for speech is costly."""
    buffer = io.BytesIO()
    samples = 8000 * np.sin(np.arange(int(seconds * rate)) * (2 * np.pi * 220 / rate))
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def attacks_on(service: Service, key: str, voice: str, stack: ExitStack) -> dict[str, Attack]:
    """Every attack by name; `key` is the hostile account's."""
    port = service.port
    stalled = stack.enter_context(attacks.stalling_source(b"\xff\xfb\x90\x00" * 10))
    tones = stack.enter_context(attacks.source(tone(880, 8000)))
    clone = {"contentText": "Hello."}

    def speech(text: str, **more: Any) -> dict[str, Any]:
        return {"modelId": voice, "contentText": text, **more}

    return {
        "100 MB of headers": lambda: attacks.many_headers(port),
        "one endless header": lambda: attacks.endless_header(port),
        "1,100 half heads": lambda: attacks.held_open(port, 1100, attacks.HALF_A_HEAD, b"y"),
        "3,000 half heads": lambda: attacks.held_open(port, 3000, attacks.HALF_A_HEAD, b"y"),
        "1,100 half bodies": lambda: attacks.held_open(port, 1100, attacks.half_a_body(), b" "),
        "12 unfinished uploads": lambda: attacks.unfinished_uploads(port, key, 12, 50_000_000),
        "10 stalled sources": submissions(
            service, key, "clones", [{"fileUrl": f"{stalled}?{n}", **clone} for n in range(10)]
        ),
        "10 tones of 15 minutes": submissions(
            service, key, "clones", [{"fileUrl": f"{tones}?{n}", **clone} for n in range(10)]
        ),
        "10 texts of 9,660 characters": submissions(
            service, key, "audios", [speech(LONG) for _ in range(10)]
        ),
        "10 texts of silence": submissions(
            service, key, "audios", [speech(SILENCE, format="wav", sampleRate=48000)] * 10
        ),
        "10 texts of emoji": submissions(service, key, "audios", [speech(EMOJI)] * 10),
        "listeners who leave": leaving_listeners(service, key, voice),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="sentences spoken in each attack")
    parser.add_argument("--seconds", type=float, default=25, help="least length of an attack")
    parser.add_argument("--only", nargs="*", default=[], help="parts of the attacks' names")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: dict[str, dict[str, Any]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        Service(Path(folder)) as service,
        ExitStack() as stack,
    ):
        _, honest = service.new_key(1000)
        account, hostile = service.new_key(1000)
        voices = {}
        for key in (honest, hostile):
            with Client(service.url, key) as client:
                recording = str(ROOT / "examples" / "recording.mp3")
                voices[key] = client.clone(recording, text=SENTENCE).model_id or ""
        watch = Watch(service, honest, voices[honest], options.rounds)
        watch.during(0)  # the first sentences find cold caches
        quiet = watch.during(10)
        rows["quiet"] = quiet.row(quiet)
        show("quiet", rows["quiet"], options.json)
        for name, attack in attacks_on(service, hostile, voices[hostile], stack).items():
            if options.only and not any(part in name for part in options.only):
                continue
            spent = used(service, hostile)
            with elsewhere(attack):
                time.sleep(2)
                seen = watch.during(options.seconds)
            time.sleep(3)
            row = seen.row(quiet) | {"credits": round(used(service, hostile) - spent, 4)}
            rows[name] = row
            show(name, row, options.json)
        ledger = service.command("credit", "ledger", "--account", account, "--json")
        sound = {name: ledger[name] for name in ("sum", "sound", "balance")}
    if options.json:
        print(json.dumps({"cores": os.cpu_count(), "rows": rows, "ledger": sound}))
    else:
        print(f"ledger {sound}   load {os.getloadavg()[0]:.1f}")


def used(service: Service, key: str) -> float:
    """Credits that a key's account has spent."""
    return float(service.get(f"{API}/user/balance", key)[1]["data"]["used_coin"])


def show(name: str, row: dict[str, Any], quietly: bool) -> None:
    if not quietly:
        print(f"{name:30}", "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
