"""Measure the cost of speech by the length of its text: real-time factor, memory of the worker.

A new service is started for each length, because the peak of a process' memory never falls. Needs
Linux, which reports the peak.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.service import Service  # noqa: E402

from soundclone_client import Client  # noqa: E402

SENTENCES = (
    "The ferry to the island leaves at a quarter past nine, and nobody waits for it.",
    "On the pier a woman sells hot chestnuts, as her mother did before her.",
    "It rained for eleven days; on the twelfth the river was in the kitchen.",
    "Who would have thought that the old clock still goes?",
    "He counted the steps again, slowly, and again there was one too many.",
)


def text(length: int) -> str:
    """English of exactly `length` characters, no two sentences the same."""
    numbered = (f"Number {n + 1}. {SENTENCES[n % len(SENTENCES)]}" for n in itertools.count())
    whole = ""
    while len(whole) < length:
        whole += next(numbered) + " "
    return whole[: length - 1].rstrip(". ").ljust(length - 1, "e") + "."


def peak(pid: int) -> float:
    """Return the sum of the peak memories of a process and its descendants, in MB."""
    parents, held = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                status = (folder / "status").read_text()
            except OSError:
                continue
            parent = re.search(r"^PPid:\s+(\d+)", status, re.MULTILINE)
            memory = re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
            if parent and memory:
                number = int(folder.name)
                parents[number], held[number] = int(parent[1]), int(memory[1]) / 1024
    family = {pid}
    while more := {number for number, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(held.get(number, 0.0) for number in family)


def measure(
    folder: Path, model: str, key: str, length: int, options: argparse.Namespace
) -> dict[str, float]:
    with Service(folder) as service, Client(service.url, key) as client:
        (worker,) = service.children()
        started = time.perf_counter()
        task = client.speak(model, text(length), format=options.format, subtitles="word")
        waited = time.perf_counter() - started
        assert task.seconds
        return {
            "characters": length,
            "waited": round(waited, 1),
            "audio": round(task.seconds, 1),
            "factor": round(waited / task.seconds, 3),
            "ms_per_character": round(1000 * waited / length, 2),
            "peak_mb": round(peak(worker)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", default="100,1000,10000", help="characters")
    parser.add_argument("--format", default="mp3")
    parser.add_argument("--recording", type=Path, default=ROOT / "examples" / "recording.mp3")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Service(folder) as service:
            _, key = service.new_key(100_000)
            with Client(service.url, key) as client:
                model = client.clone(options.recording, text="Hello.").model_id
        assert model
        rows = [
            measure(folder, model, key, int(length), options)
            for length in options.lengths.split(",")
        ]
    if options.json:
        print(json.dumps(rows))
        return
    print(*rows[0], sep="\t")
    for row in rows:
        print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
