"""A worker process: takes tasks, beats, takes over from lost workers, and sweeps."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from prometheus_client import start_http_server

from .. import __version__
from ..config import Settings
from ..core import workers
from ..core.tasks import stand_back
from ..db.migrate import upgrade
from ..db.session import Database
from ..errors import EngineUnavailable
from ..storage import Storage
from ..telemetry import log
from . import engine
from .clone import clone
from .runner import Runner, engine_named
from .speak import speak
from .sweep import sweep

_log = log(__name__)


class Worker:
    """Works until `stop` is called, or until the process that it was started by is gone."""

    def __init__(self, settings: Settings, worker_id: str, *, parent: int | None = None) -> None:
        self.id = worker_id
        self._settings = settings
        self._parent = parent
        self._stopping = threading.Event()
        self._database = Database(settings.database, pool_size=10 + 2 * settings.worker_concurrency)
        self._storage = Storage.open(settings.storage, settings.secret)
        self._info: dict[str, Any] = {
            "ready": False,
            "version": __version__,
            "pid": os.getpid(),
            "concurrency": settings.worker_concurrency,
        }

    def run(self) -> None:
        """Blocks. Must be called from the main thread, whose signals it handles."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        if self._settings.metrics_port:
            start_http_server(self._settings.metrics_port)
        upgrade(self._database)
        engine.prepare(self._database)
        runner = Runner(
            self._settings, self._database, self._storage, self.id, stopping=self._stopping
        )
        runner.register("clone", clone)
        runner.register("audio", speak)
        self._beat()
        threads = [
            self._every(self._settings.heartbeat, self._beat, "heartbeat"),
        ]
        self._info["engines"] = self._warm()
        self._info["ready"] = all(not reason for reason in self._info["engines"].values())
        engine.launch(
            self._database,
            self.id,
            concurrency=self._settings.worker_concurrency,
            poll=self._settings.queue_poll,
        )
        self._beat()
        threads.append(self._every(self._settings.heartbeat, self._reap, "reaper"))
        threads.append(self._every(self._settings.sweep_interval, self._sweep, "sweeper"))
        _log.info("worker ready", worker=self.id, engines=self._info["engines"])
        while not self._stopping.wait(0.5):
            if self._parent is not None and os.getppid() != self._parent:
                _log.warning("the service that started this worker is gone; stopping")
                break
        self._stopping.set()
        self._stop(threads)

    def stop(self) -> None:
        self._stopping.set()

    def _stop(self, threads: list[threading.Thread]) -> None:
        _log.info("worker stopping", worker=self.id)
        for thread in threads:
            thread.join(timeout=5)
        engine.stop(self._settings.stop_grace)
        with self._database.write() as session:
            stand_back(session, self.id)
            workers.lost(session, self.id)
        self._database.close()

    def _warm(self) -> dict[str, str]:
        """Why each engine that is configured is not usable; empty for one that is."""
        found = {}
        for name in sorted({self._settings.engine_v1, self._settings.engine_v2}):
            try:
                engine_named(name).warm()
                found[name] = ""
            except EngineUnavailable as error:
                _log.error("engine unusable", engine=name, reason=error.message)
                found[name] = error.message
        return found

    def _beat(self) -> None:
        with self._database.write() as session:
            workers.beat(session, self.id, self._info)

    def _reap(self) -> None:
        with self._database.write() as session:
            lost = workers.claim_lost(session, self._settings.worker_lost_after)
        for worker_id in lost:
            handed = engine.hand_over(worker_id)
            with self._database.write() as session:
                workers.buried(session, worker_id)
            _log.warning("worker lost", worker=worker_id, handed_over=len(handed))

    def _sweep(self) -> None:
        sweep(self._settings, self._database, self._storage)

    def _every(self, seconds: float, work: Callable[[], None], name: str) -> threading.Thread:
        def loop() -> None:
            while not self._stopping.wait(seconds):
                started = time.monotonic()
                try:
                    work()
                except Exception as error:
                    # A database that is away for a while must not end the worker.
                    _log.warning(f"{name} failed", error=type(error).__name__)
                if time.monotonic() - started > seconds:
                    _log.debug(f"{name} took longer than its interval")

        thread = threading.Thread(target=loop, name=name, daemon=True)
        thread.start()
        return thread
