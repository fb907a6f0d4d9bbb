"""The decoder's process without files, network and other processes, as far as the kernel has it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundclone.audio.confinement import ALL, LANDLOCK, NAMESPACE, SECCOMP
from soundclone.audio.decode import _environment, missing_confinement
from soundclone.errors import Unavailable
from soundclone.jobs import doctor

# Each attempt, and the parts of the confinement that forbid it; one of them is enough.
ATTEMPTS = {
    "read a file": ("open(secret).read()", {LANDLOCK, SECCOMP}),
    "write a file": ("open(folder + '/written', 'w').write('x')", {LANDLOCK, SECCOMP}),
    "write over a file": ("open(secret, 'r+').write('x')", {LANDLOCK, SECCOMP}),
    "truncate a file": ("os.truncate(secret, 0)", {SECCOMP}),
    "list a folder": ("os.listdir(folder)", {LANDLOCK, SECCOMP}),
    "remove a file": ("os.unlink(secret)", {LANDLOCK, SECCOMP}),
    "look a file up": ("os.stat(secret)", {SECCOMP}),
    "connect": ("inet.connect(('127.0.0.1', port))", {NAMESPACE, SECCOMP}),
    "open a socket": ("socket.socket()", {SECCOMP}),
    "connect to a socket of the machine": ("local.connect(path)", {SECCOMP}),
    "fork": ("os.fork() or os._exit(0)", {SECCOMP}),
    "run a program": ("os.execv('/bin/true', ['true'])", {LANDLOCK, SECCOMP}),
    "signal the parent": ("os.kill(os.getppid(), 0)", {SECCOMP}),
    "trace the parent": ("must(libc.ptrace(0x4206, os.getppid(), 0, 0))", {SECCOMP}),
    "execute memory": ("mmap.mmap(-1, 4096, prot=7)", {SECCOMP}),
}
SCRIPT = """
import ctypes, json, mmap, os, socket, sys
import soundclone.audio.decode_child
from soundclone.audio import confinement

secret, folder, path, port, attempts = json.loads(sys.argv[1])
libc = ctypes.CDLL(None)
local, inet = socket.socket(socket.AF_UNIX), socket.socket()

def must(result):
    if result < 0:
        raise OSError("refused")

def possible(attempt):
    try:
        exec(attempt)
    except OSError:
        return False
    return True

parts = sys.argv[2].split(",") if sys.argv[2] else []
for part in parts:  # alone, to see that each does its own share
    keep = {
        confinement.LANDLOCK: confinement._give_up_files,
        confinement.SECCOMP: confinement._filter_calls,
    }[part]
    libc.prctl(38, 1, 0, 0, 0)
    assert keep(ctypes.CDLL(None, use_errno=True))
if not parts:
    confinement.confine()
print(json.dumps([name for name, attempt in attempts.items() if possible(attempt)]), flush=True)
os._exit(0)
"""


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[list[object]]:
    """A file, its folder, a socket and a port: what a decoder could reach."""
    secret = tmp_path / "secret.key"
    secret.write_text("0123456789abcdef")
    path = f"{tmp_path}/s"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(path)
        local.listen()
        yield [str(secret), str(tmp_path), path, server.getsockname()[1]]
    assert secret.read_text() == "0123456789abcdef"


def possible(surroundings: list[object], parts: str = "") -> list[str]:
    """The attempts that succeed in a confined process."""
    attempts = {name: attempt for name, (attempt, _) in ATTEMPTS.items()}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([*surroundings, attempts]), parts],
        env=_environment(),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_a_confined_process_reaches_nothing(surroundings: list[object]) -> None:
    present = set(ALL).difference(missing_confinement())
    for name in possible(surroundings):
        assert not ATTEMPTS[name][1] & present, name


@pytest.mark.parametrize("part", [LANDLOCK, SECCOMP])
def test_each_part_does_its_share(surroundings: list[object], part: str) -> None:
    if part in missing_confinement():
        pytest.skip(f"this kernel has no {part}")
    succeeded = possible(surroundings, part)
    assert not [name for name in succeeded if part in ATTEMPTS[name][1]]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has the three")
def test_missing_parts_are_named() -> None:
    assert set(missing_confinement()) <= {NAMESPACE, LANDLOCK, SECCOMP}


def test_doctor_names_missing_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child"
    child.write_text('#!/bin/sh\necho \'["Landlock", "seccomp"]\'\n')
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(Unavailable, match="without Landlock, seccomp"):
        doctor._sandbox()
    child.write_text("#!/bin/sh\necho '[]'\n")
    assert doctor._sandbox() == "the decoder is confined by network namespace, Landlock, seccomp"


def test_attempts_succeed_without_confinement(tmp_path: Path) -> None:
    """Otherwise the tests above would show nothing."""
    assert list(tmp_path.iterdir()) == []
    os.kill(os.getppid(), 0)
