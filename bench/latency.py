"""Measure how long clients wait, and where the time goes: stages, processor time, waiting.

    .venv/bin/python bench/latency.py [--rounds 5] [--listeners 20] [--characters 10000]
        [--against FOLDER] [--json]

Measures a preview, the first byte of a streamed sentence, listeners that begin at once, and a long
text. Each has a service with the defaults. `--against` names the checkout of another version, whose
services take turns with this one's. On a shared machine compare the two within one run, and trust
processor seconds more than seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

import openai
from openai import OpenAI

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.load import processor_seconds  # noqa: E402
from bench.speech import text as long_text  # noqa: E402
from bench.speed import TEXT, stages  # noqa: E402
from tests.service import Service, free_port  # noqa: E402

from soundclone_client import Client  # noqa: E402

SENTENCE = "The ferry leaves at nine in the morning, and it is hardly ever late."
Report = dict[str, object]


class Version:
    """A running service of one checkout."""

    def __init__(self, root: Path, stack: ExitStack, recording: str) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self._metrics = free_port()
        sources = [root / "src", root / "clients" / "python" / "src"]
        environment = {
            "PYTHONPATH": os.pathsep.join(map(str, sources)),
            "SOUNDCLONE_METRICS_PORT": str(self._metrics),
            "SOUNDCLONE_STREAM_WAIT": "3",
        }
        self.service = stack.enter_context(Service(folder, environment=environment))
        _, self.key = self.service.new_key(100_000)
        self.client = stack.enter_context(Client(self.service.url, self.key))
        self.recording = self.client.upload(recording).url
        self.voice = self.client.clone(self.recording, text="Hello.").model_id

    def processes(self) -> Iterator[int]:
        """Yield the ids of the API, its workers and their children."""
        found = {self.service.pid}
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    status = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                parents[int(entry.name)] = int(status[1])
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        yield from found

    def spent(self) -> float:
        """Return the processor seconds of all processes so far, with children that have ended."""
        ended = 0.0
        for pid in self.processes():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ended += (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        return ended + sum(map(processor_seconds, self.processes()))

    def preview(self) -> float:
        """Return the seconds from the submission of a preview to its audio."""
        started = time.perf_counter()
        self.client.clone(self.recording, text=TEXT)
        return time.perf_counter() - started

    def long(self, characters: int) -> float:
        """Return the seconds from the submission of a long text to its audio."""
        started = time.perf_counter()
        self.client.speak(self.voice, long_text(characters))
        return time.perf_counter() - started

    def first_byte(self) -> float | None:
        """Return the seconds to the first byte of a streamed sentence, None if it is refused."""
        started = time.perf_counter()
        with OpenAI(base_url=f"{self.service.url}/v1", api_key=self.key, max_retries=0) as client:
            try:
                with client.audio.speech.with_streaming_response.create(
                    model="soundclone-v1", voice=self.voice, input=SENTENCE
                ) as answer:
                    blocks = answer.iter_bytes()
                    next(blocks)
                    first = time.perf_counter() - started
                    for _ in blocks:
                        pass
                    return first
            except openai.RateLimitError:
                return None

    def stages(self) -> dict[str, float]:
        """Return the mean seconds of each stage since the start of the service."""
        return stages(self.service, self._metrics)


def taken(version: Version, work: str, *arguments: int) -> tuple[float, float]:
    """Return the seconds and the processor seconds of a method of `version`."""
    before = version.spent()
    seconds = getattr(version, work)(*arguments)
    assert seconds is not None, "an idle service has refused a stream"
    return seconds, version.spent() - before


def measured(
    versions: dict[str, Version], work: str, rounds: int, *arguments: int
) -> dict[str, Report]:
    """Let the versions take turns, and report each."""
    for version in versions.values():  # caches are cold
        taken(version, work, *arguments)
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in versions}
    for _ in range(rounds):
        for name, version in versions.items():
            rows[name].append(taken(version, work, *arguments))
    return {
        name: {
            "median": round(median(seconds for seconds, _ in row), 3),
            "p95": round(quantiles((seconds for seconds, _ in row), n=20)[-1], 3)
            if len(row) > 1
            else None,
            "processor": round(median(spent for _, spent in row), 3),
        }
        for name, row in rows.items()
    }


def listeners(version: Version, count: int) -> Report:
    """Let `count` clients listen at once."""
    with ThreadPoolExecutor(count) as pool:
        firsts = list(pool.map(lambda _: version.first_byte(), range(count)))
    heard = sorted(first for first in firsts if first is not None)
    return {
        "heard": len(heard),
        "refused": count - len(heard),
        "median": round(median(heard), 3) if heard else None,
        "last": round(heard[-1], 3) if heard else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recording", default=str(ROOT / "examples" / "recording.mp3"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--listeners", type=int, default=20)
    parser.add_argument("--characters", type=int, default=10_000)
    parser.add_argument("--against", type=Path, help="checkout of another version")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        roots = {"this": ROOT} | ({"other": options.against} if options.against else {})
        versions = {name: Version(root, stack, options.recording) for name, root in roots.items()}
        report: dict[str, object] = {
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
            "preview": measured(versions, "preview", options.rounds),
            "stages": {name: version.stages() for name, version in versions.items()},
            "first byte": measured(versions, "first_byte", 4 * options.rounds),
        }
        if options.listeners:
            report["listeners"] = {
                name: listeners(version, options.listeners) for name, version in versions.items()
            }
        if options.characters:
            report["long text"] = measured(versions, "long", 1, options.characters)
    if options.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        if isinstance(value, dict):
            for version, row in value.items():
                print(f"{name:<12} {version:<6} {re.sub('[{}]', '', json.dumps(row))}")
        else:
            print(f"{name:<12} {value}")


if __name__ == "__main__":
    main()
