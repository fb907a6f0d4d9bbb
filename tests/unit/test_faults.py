"""Tests of the plan of `bench/faults.py`, and of its proxy and its clocks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench.fault_targets import Clock, build_clock
from bench.faults import KINDS, TEXTS, WORKERS, load_of, plan


def test_a_seed_repeats_a_batch() -> None:
    for number in (0, 17):
        faults = plan(1, number, 20, KINDS)
        assert len(faults) == 20
        assert faults == plan(1, number, 20, KINDS)
        assert load_of(1, number, faults) == load_of(1, number, faults)
        assert faults != plan(2, number, 20, KINDS)


def test_every_batch_spares_a_worker() -> None:
    seen = set()
    for number in range(200):
        faults = plan(1, number, 20, KINDS)
        seen |= {fault.kind for fault in faults}
        hit = {fault.target for fault in faults if fault.kind.endswith("worker")}
        if any((fault.kind, fault.target) == ("kill api", "api1") for fault in faults):
            hit.add("child")  # ends with its API
        assert hit < set(WORKERS)
    assert seen == set(KINDS)


def test_no_two_requests_have_a_sentence_in_common() -> None:
    markers = [
        request.marker
        for number in range(100)
        for request in load_of(1, number, plan(1, number, 20, KINDS))
    ]
    assert len(set(markers)) == len(markers)
    for text in TEXTS:
        sentences = text.split(". ")
        assert all("{}" in sentence for sentence in sentences)
        assert len(set(sentences)) == len(sentences)


def test_a_clock_steps_in_running_programs(tmp_path: Path) -> None:
    library = build_clock(tmp_path)
    if library is None:
        pytest.skip("no C compiler")
    clock = Clock(tmp_path, "clock")
    program = "import time\nwhile input(): print(time.time(), time.monotonic(), flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | clock.environment(library),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        for offset in (0.0, 3600.0, -90.0):
            clock.set(offset)
            process.stdin.write("now\n")
            process.stdin.flush()
            real, monotonic = map(float, process.stdout.readline().split())
            assert real - time.time() == pytest.approx(offset, abs=10)
            assert monotonic == pytest.approx(time.monotonic(), abs=10)
        process.stdin.write("\n")
