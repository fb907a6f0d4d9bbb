"""Folders for the temporary files of the processes of a service.

A killed process cannot remove its temporary files, which include recordings of voices. So each
process has a folder and holds a lock on a file beside it while the process lives. Folders whose
lock is free are removed. Locks are more reliable than process ids, because several machines may
share the parent folder, and the kernel reuses ids.
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
    """Create a folder below `root` for the temporary files of this process and its children.

    Within the block, `tempfile` uses the folder, and `TMPDIR` names it for child processes. The
    folders of dead processes are removed first.

    Raises:
        OSError: The folder cannot be created.
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


def used_bytes() -> int:
    """Return the bytes of the named temporary files of this process."""
    total = 0
    for folder, _, names in os.walk(tempfile.gettempdir()):
        for name in names:
            with suppress(OSError):  # removed since it was listed
                total += os.stat(os.path.join(folder, name)).st_size  # noqa: PTH116, PTH118
    return total


def remove_abandoned(root: Path) -> int:
    """Remove the folders of dead processes below `root` and return their number.

    Safe to run at any time and in several processes.
    """
    removed = 0
    for lock in root.glob("*.lock"):
        try:
            descriptor = os.open(lock, os.O_RDWR)
        except OSError:  # another process has just removed it
            continue
        try:
            # Raises if the process lives, and on a file system without locks.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(lock)
            removed += 1
        except OSError:
            pass
        finally:
            os.close(descriptor)
    # A thread may have written to a folder during its removal. A lock file is created before its
    # folder and removed after it, so folders without a lock file are abandoned.
    for folder in root.glob("*-*/"):
        if _NAME.fullmatch(folder.name) and not folder.with_suffix(".lock").exists():
            shutil.rmtree(folder, ignore_errors=True)
            removed += not folder.exists()
    return removed


def _locked(root: Path) -> tuple[Path, int]:
    """Create a lock file. Returns its path and the descriptor that holds the lock."""
    while True:
        lock = root / f"{os.getpid()}-{uuid.uuid4().hex[:12]}.lock"
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with suppress(OSError):  # without locks, the folder of a killed process stays
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Another process may have removed the new file before it was locked.
        if os.fstat(descriptor).st_nlink:
            return lock, descriptor
        os.close(descriptor)


def _remove(lock: Path) -> None:
    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    lock.unlink(missing_ok=True)
