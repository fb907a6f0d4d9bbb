"""One folder for the temporary files of all processes of a service.

A process that is killed cannot remove its temporary files, and a recording of a person's voice must
not stay behind. So each process has a folder of its own and holds a lock beside the folder for as
long as the process lives. A folder whose lock is free belongs to nobody and is removed. Locks tell
more than process ids: several machines may share the folder, and the kernel gives ids out again.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAME = re.compile("[0-9]+-[0-9a-f]{12}")  # of a folder


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """A folder below `root` for the temporary files of this process and of its children.

    Removes what dead processes left there first. Within the block `tempfile` of this process, and
    `TMPDIR` of the processes that it starts, name the folder. Raises OSError when the folder cannot
    be made.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_abandoned(root)
    lock, descriptor = _locked(root)
    folder = lock.with_suffix("")
    before = tempfile.tempdir, os.environ.get("TMPDIR")
    try:
        folder.mkdir(mode=0o700)
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder.absolute())
        yield folder
    finally:
        tempfile.tempdir = before[0]
        if before[1] is None:
            os.environ.pop("TMPDIR", None)
        else:
            os.environ["TMPDIR"] = before[1]
        _remove(lock)
        os.close(descriptor)


def remove_abandoned(root: Path) -> int:
    """Remove the folders of dead processes below `root`; the number of them. Safe to run at any
    time, in any number of processes."""
    removed = 0
    for lock in root.glob("*.lock"):
        try:
            descriptor = os.open(lock, os.O_RDWR)
        except OSError:  # another process has just removed it
            continue
        try:
            # A file system without locks raises as well: then nobody is known to be dead.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(lock)
            removed += 1
        except OSError:
            pass
        finally:
            os.close(descriptor)
    # A thread that outlived its process's stop may have written into a folder during its removal.
    # A lock file is made before its folder and removed after it, so these belong to nobody.
    for folder in root.glob("*-*/"):
        if _NAME.fullmatch(folder.name) and not folder.with_suffix(".lock").exists():
            shutil.rmtree(folder, ignore_errors=True)
            removed += not folder.exists()
    return removed


def _locked(root: Path) -> tuple[Path, int]:
    """A new lock file, and the descriptor that holds the lock."""
    while True:
        lock = root / f"{os.getpid()}-{uuid.uuid4().hex[:12]}.lock"
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with suppress(OSError):  # a file system without locks: the folder stays after a kill
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Another process may have taken the new file for an abandoned one before it was locked.
        if os.fstat(descriptor).st_nlink:
            return lock, descriptor
        os.close(descriptor)


def _remove(lock: Path) -> None:
    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    lock.unlink(missing_ok=True)
