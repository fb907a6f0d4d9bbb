"""Keep a worker process running beside the API."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from ..config import Settings
from ..core import workers
from ..db.session import Database
from ..telemetry import log
from .ids import new_id

_log = log(__name__)
FORCED = 2.0
"""Seconds after the grace at which a stopping worker ends, no matter what still runs."""

_BACKOFF = 30.0  # seconds, the longest wait before a restart
_HEALTHY = 30.0  # seconds of life after which a worker is restarted at once


class Supervisor:
    """Starts a worker, and another one whenever it ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(settings.database, connections=3)
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the first worker in the background."""
        self._thread.start()

    def begin_stop(self) -> None:
        """Let the worker stop, without waiting for it. The worker is not started again."""
        self._stopping.set()
        if self._child and self._child.poll() is None:
            self._child.terminate()

    def stop(self) -> None:
        """Stop the worker after a grace period for its tasks."""
        self.begin_stop()
        self._thread.join(timeout=self._settings.stop_grace + FORCED + 1)
        if self._child and self._child.poll() is None:
            self._child.kill()
        self._database.close()

    def _watch(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            worker_id, started = new_id(), time.monotonic()
            try:
                code = self._run(worker_id)
            except OSError as error:  # the system has no memory or no process left
                code = error.errno or -1
            if self._stopping.is_set():
                return
            lived = time.monotonic() - started
            wait = 0.2 if lived > _HEALTHY else min(_BACKOFF, max(0.5, wait * 2))
            level = _log.warning if code else _log.info
            level("worker ended", worker=worker_id, code=code, restart_in=wait)
            self._declare_lost(worker_id)

    def _run(self, worker_id: str) -> int:
        command = [sys.executable, "-m", "soundclone", "worker", "--id", worker_id]
        self._child = subprocess.Popen(  # noqa: S603
            [*command, "--parent", str(os.getpid())],
            # One BLAS thread per task, because tasks use the cores in parallel.
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} | os.environ,
        )
        return self._child.wait()

    def _declare_lost(self, worker_id: str) -> None:
        """Let other workers take the tasks at once, without waiting for missed heartbeats."""
        try:
            with self._database.transaction() as session:
                workers.mark_lost(session, worker_id)
        except SQLAlchemyError as error:  # the missing heartbeats have the same effect later
            _log.warning("worker not declared lost", error=type(error).__name__)
