"""Measure the time from the submission of a recording to the preview's audioUrl.

    .venv/bin/python bench/speed.py [RECORDING] [--rounds 5] [--json]

The service runs with its defaults: SQLite, a local folder, one worker beside the API. The first
round is reported separately, because caches are cold. The worker measures the stages.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.service import Service, free_port  # noqa: E402

from soundclone_client import Client  # noqa: E402

TEXT = "This is how it sounds when the service says something in a voice that it has just made."


def stages(service: Service, port: int) -> dict[str, float]:
    """Mean seconds of each stage, from the worker's metrics."""
    page = service.get(f"http://127.0.0.1:{port}/metrics")[1].decode()
    values = dict(re.findall(r"^soundclone_stage_seconds_(\w+\{[^}]*\}) (\S+)$", page, re.M))
    return {
        name: round(float(values[f'sum{{stage="{name}"}}']) / float(count), 3)
        for key, count in values.items()
        for name in re.findall(r'^count\{stage="(\w+)"\}$', key)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", nargs="?", default=str(ROOT / "examples" / "recording.mp3"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        Service(Path(folder), environment={"SOUNDCLONE_METRICS_PORT": str(port)}) as service,
    ):
        _, key = service.new_key(1000)
        seconds: list[float] = []
        with Client(service.url, key) as client:
            url = client.upload(options.recording).url
            for _ in range(options.rounds):
                started = time.perf_counter()
                task = client.clone(url, text=TEXT)
                seconds.append(time.perf_counter() - started)
        report: dict[str, Any] = {
            "cores": os.cpu_count(),
            "speech_seconds": task.raw["speechSeconds"],
            "audio_seconds": task.raw["seconds"],
            "first": round(seconds[0], 2),
            "median": round(median(seconds[1:] or seconds), 2),
            "worst": round(max(seconds), 2),
            "stages": stages(service, port),
        }
    if options.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:<16} {value}")


if __name__ == "__main__":
    main()
