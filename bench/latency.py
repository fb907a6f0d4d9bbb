"""Measure how long clients wait, and where the time goes: stages, processor time, waiting.

    .venv/bin/python bench/latency.py [--rounds 3] [--listeners 20] [--characters 3000]
        [--only preview,stream,idle,listeners,long] [--against FOLDER] [--minutes 5] [--json]

Measures a preview, the first byte of a streamed sentence, listeners that begin at once, a long text
and an idle service. Each version has one service with the defaults. `--against` names the checkout
of another version, whose service takes turns with this one's. On a shared machine compare the two
within one run, and trust processor seconds more than seconds.

Each result is printed when it is known. After `--minutes` no further round begins, and a request
that takes longer than the minutes left fails. The report names what was left out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
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

from soundclone_client import Client, Timeout  # noqa: E402

SENTENCE = "The ferry leaves at nine in the morning, and it is hardly ever late."
IDLE = 10.0  # seconds without requests
MEASURES = ["preview", "stream", "idle", "listeners", "long"]
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
        self.voice = self.client.clone(self.recording, text="Hello.", timeout=300).model_id

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

    def preview(self, left: float) -> float:
        """Return the seconds from the submission of a preview to its audio."""
        started = time.perf_counter()
        self.client.clone(self.recording, text=TEXT, timeout=left)
        return time.perf_counter() - started

    def long(self, left: float, characters: int) -> float:
        """Return the seconds from the submission of a long text to its audio."""
        started = time.perf_counter()
        self.client.speak(self.voice, long_text(characters), timeout=left)
        return time.perf_counter() - started

    def idle(self, left: float) -> float:
        """Return the seconds of a pause."""
        seconds = min(IDLE, left)
        time.sleep(seconds)
        return seconds

    def first_byte(self, left: float) -> float | None:
        """Return the seconds to the first byte of a streamed sentence, None if it is refused.

        The client is made before the time starts, and connects after the start.
        """
        with self.listener(left) as client:
            heard, seconds = self.listen(client)
            return seconds if heard else None

    def listener(self, left: float) -> OpenAI:
        """Return a client that waits `left` seconds for an answer."""
        return OpenAI(
            base_url=f"{self.service.url}/v1", api_key=self.key, max_retries=0, timeout=left
        )

    def listen(self, client: OpenAI) -> tuple[bool, float]:
        """Stream a sentence. Return True and the seconds to the first byte.

        Return False and the seconds to the refusal if the stream is refused.
        """
        started = time.perf_counter()
        try:
            with client.audio.speech.with_streaming_response.create(
                model="soundclone-v1", voice=self.voice, input=SENTENCE
            ) as answer:
                blocks = answer.iter_bytes()
                next(blocks)
                first = time.perf_counter() - started
                for _ in blocks:
                    pass
                return True, first
        except openai.RateLimitError:
            return False, time.perf_counter() - started

    def stages(self) -> dict[str, float]:
        """Return the mean seconds of each stage since the start of the service."""
        return stages(self.service, self._metrics)


@dataclass(frozen=True)
class Budget:
    """Time that the whole measurement may take."""

    end: float  # monotonic

    @property
    def left(self) -> float:
        """Seconds left, at least one."""
        return max(1.0, self.end - time.monotonic())

    @property
    def over(self) -> bool:
        """True after the end."""
        return time.monotonic() >= self.end


def taken(
    version: Version, work: str, budget: Budget, *arguments: int
) -> tuple[float, float] | None:
    """Return the seconds and the processor seconds of a method of `version`.

    None if a stream was refused.
    """
    before = version.spent()
    seconds = getattr(version, work)(budget.left, *arguments)
    return None if seconds is None else (seconds, version.spent() - before)


def measured(
    versions: dict[str, Version],
    work: str,
    rounds: int,
    budget: Budget,
    *arguments: int,
    warm: bool = True,
) -> dict[str, Report]:
    """Let the versions take turns, and report each."""
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in versions}
    refused = dict.fromkeys(versions, 0)
    for number in range(-1 if warm else 0, rounds):  # caches are cold in round -1
        if budget.over:
            break
        # Neither version always goes first.
        for name, version in list(versions.items())[:: 1 if number % 2 else -1]:
            try:
                found = taken(version, work, budget, *arguments)
            except (Timeout, openai.APITimeoutError):  # the time of the whole measurement is over
                continue
            if found is None:
                refused[name] += 1
            elif number >= 0:
                rows[name].append(found)
    return {name: summary(row, rounds) | {"refused": refused[name]} for name, row in rows.items()}


def summary(row: list[tuple[float, float]], rounds: int) -> Report:
    """Summarise the seconds and processor seconds of the rounds of one version."""
    if not row:
        return {"rounds": 0, "left out": rounds}
    seconds = [each for each, _ in row]
    return {
        "median": round(median(seconds), 3),
        "p95": round(quantiles(seconds, n=20, method="inclusive")[-1], 3) if len(row) > 1 else None,
        "processor": round(median(spent for _, spent in row), 3),
        "rounds": len(row),
    }


def ratios(report: dict[str, Report]) -> dict[str, Report]:
    """Add the ratios of this version to the other, of seconds and of processor seconds."""
    this, other = report.get("this", {}), report.get("other", {})
    both = {
        name: round(float(str(this[name])) / float(str(other[name])), 2)
        for name in ("median", "processor")
        if this.get(name) and other.get(name)
    }
    return report | ({"ratio": dict(both)} if both else {})


def listeners(version: Version, count: int, budget: Budget) -> Report:
    """Let `count` clients listen at once. All clients are made before.

    Making a client takes a tenth of the processor time of a stream, and delayed the streams.
    """

    def listen(client: OpenAI) -> tuple[bool, float]:
        try:
            return version.listen(client)
        except openai.APITimeoutError:
            return True, math.inf

    with ExitStack() as stack, ThreadPoolExecutor(count) as pool:
        clients = [stack.enter_context(version.listener(budget.left)) for _ in range(count)]
        found = list(pool.map(listen, clients))
    firsts = sorted(seconds for heard, seconds in found if heard)
    told = sorted(seconds for heard, seconds in found if not heard)
    return {
        "heard": len(firsts),
        "refused": len(told),
        "median": round(median(firsts), 3) if firsts else None,
        "last": round(firsts[-1], 3) if firsts else None,
        "refused after": [round(told[0], 3), round(told[-1], 3)] if told else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recording", default=str(ROOT / "examples" / "recording.mp3"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--listeners", type=int, default=20)
    parser.add_argument("--characters", type=int, default=3_000)
    parser.add_argument("--against", type=Path, help="checkout of another version")
    parser.add_argument(
        "--only", type=lambda names: names.split(","), default=MEASURES, help=", ".join(MEASURES)
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    options = parser.parse_args()
    budget = Budget(time.monotonic() + 60 * options.minutes)
    report: dict[str, object] = {}

    def add(name: str, value: object) -> None:
        report[name] = value
        if options.json:
            return
        if not isinstance(value, dict):
            print(f"{name:<12} {value}", flush=True)
            return
        for version, row in value.items():
            print(f"{name:<12} {version:<6} {re.sub('[{}]', '', json.dumps(row))}", flush=True)

    with ExitStack() as stack:
        roots = {"this": ROOT} | ({"other": options.against} if options.against else {})
        versions = {name: Version(root, stack, options.recording) for name, root in roots.items()}
        add("cores", os.cpu_count())
        add("load", round(os.getloadavg()[0], 1))
        if "preview" in options.only:
            add("preview", ratios(measured(versions, "preview", options.rounds, budget)))
            add("stages", {name: version.stages() for name, version in versions.items()})
        if "stream" in options.only:
            add("stream", ratios(measured(versions, "first_byte", 4 * options.rounds, budget)))
        if "idle" in options.only:
            add("idle", ratios(measured(versions, "idle", 1, budget, warm=False)))
        if "listeners" in options.only:
            heard = {
                name: listeners(version, options.listeners, budget)
                for name, version in versions.items()
                if not budget.over
            }
            add("listeners", heard or "left out")
        if "long" in options.only:
            long = measured(versions, "long", 1, budget, options.characters, warm=False)
            add("long", ratios(long))
    if options.json:
        print(json.dumps(report))


if __name__ == "__main__":
    main()
