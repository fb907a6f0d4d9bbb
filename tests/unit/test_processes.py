"""An engine in child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

import numpy as np
import pytest

from soundclone.engines.processes import ProcessEngine
from soundclone.engines.protocol import Controls, Converter, EngineInfo, Reference, Speech, Voice
from soundclone.errors import InternalError, SynthesisError

VOICE = Voice("small", "1", b"")
ENGLISH = Controls("English")
TIMEOUT = 60.0


class Small:
    """An engine whose speech is its process id, or what the sentence orders."""

    concurrent = True
    info = EngineInfo("small", "1", "none", frozenset({"English"}), 24_000)

    def unusable(self) -> str | None:
        return None

    def warm(self) -> None:
        pass

    def clone(self, reference: Reference, language: str) -> Voice:
        raise InternalError(f"no {language}", logged="here")

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        if sentence == "fail":
            raise SynthesisError("too hard")
        if sentence == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if sentence == "wait":
            time.sleep(0.5)
        return Speech(np.array([os.getpid()], np.float32), 24_000)

    def convert(
        self, voice: Voice, performance: Reference, pause: Callable[[], None] = lambda: None
    ) -> Speech:
        time.sleep(0.5)
        return Speech(performance.samples, performance.sample_rate)

    def close(self) -> None:
        pass


class Crashed(Exception):
    pass


def crash() -> NoReturn:
    raise Crashed


@pytest.fixture
def engine() -> Iterator[ProcessEngine]:
    made = ProcessEngine(Small, 2, crashed=crash)
    made.warm()
    yield made
    made.close()


def test_sentences_are_spoken_in_several_processes(engine: ProcessEngine) -> None:
    found: list[float] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(float(engine.speak(VOICE, "wait", ENGLISH).samples[0]))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert len({*found, os.getpid()}) == 3
    with pytest.raises(SynthesisError, match="too hard"):
        engine.speak(VOICE, "fail", ENGLISH)
    with pytest.raises(InternalError, match="no English") as caught:
        engine.clone(Reference(np.zeros(1, np.float32), 24_000), "English")
    assert caught.value.logged == "here"
    pauses: list[None] = []
    assert isinstance(engine, Converter)
    engine.convert(VOICE, Reference(np.zeros(1, np.float32), 24_000), lambda: pauses.append(None))
    assert pauses
    with pytest.raises(Crashed):
        engine.speak(VOICE, "crash", ENGLISH)


def test_a_conversion_pauses_meanwhile(engine: ProcessEngine) -> None:
    performed = Reference(np.ones(3, np.float32), 24_000)
    pauses: list[float] = []
    made = engine.convert(VOICE, performed, lambda: pauses.append(time.monotonic()))
    assert np.array_equal(made.samples, performed.samples)
    assert pauses
    with pytest.raises(Crashed):
        engine.convert(VOICE, performed, crash)


_PARENT = """
import time
from tests.unit.test_processes import ENGLISH, VOICE, Small
from soundclone.engines.processes import ProcessEngine
if __name__ == "__main__":
    engine = ProcessEngine(Small, 1)
    print(int(engine.speak(VOICE, "", ENGLISH).samples[0]), flush=True)
    time.sleep(60)
"""


def test_processes_end_with_their_worker() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, signal.SIGTERM)  # a service manager signals all processes
    os.kill(child, 0)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("the process outlives its worker")
