"""Memory that a process returns to the system."""

import subprocess
import sys

import pytest

from soundclone import memory

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or memory._function("mallopt") is None, reason="needs glibc"
)

_RESIDENT = """
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 // 1_000_000
"""


def _run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_free_memory_between_used_blocks_is_returned() -> None:
    done = _run(
        _RESIDENT
        + """
from soundclone import memory
blocks = [b"x" * 60_000 for _ in range(2_000)]
kept = blocks[::50]
del blocks
before = resident()
memory.return_free_memory()
print(before, resident())
"""
    )
    before, after = map(int, done.stdout.split())
    assert before > 100
    assert after < 40


def test_memory_is_returned_while_a_process_computes() -> None:
    done = _run(
        _RESIDENT
        + """
import time
from soundclone import memory
memory._EVERY = 0.1
blocks = [b"x" * 60_000 for _ in range(2_000)]
kept = blocks[::50]
del blocks
memory.keep_returning()
until = time.monotonic() + 20
while resident() > 40 and time.monotonic() < until:
    sum(range(100_000))
print(resident())
"""
    )
    assert int(done.stdout) < 40


@pytest.mark.parametrize("pools", ["one", "many"])
def test_threads_share_one_pool(pools: str) -> None:
    done = _run(
        f"""
import ctypes, threading
from soundclone import memory
if {pools == "one"}:
    memory.use_one_pool()
together = threading.Barrier(4)
def allocate():
    block = b"x" * 60_000
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
ctypes.CDLL(None).malloc_stats()
"""
    )
    assert (done.stderr.count("Arena ") == 1) == (pools == "one")
