"""A worker process: takes tasks, beats, takes over from lost workers, and sweeps."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from prometheus_client import start_http_server
from sqlalchemy.exc import SQLAlchemyError

from .. import __version__
from ..asr.recognition import Recognizer
from ..audio import decode
from ..config import Settings
from ..core import engine_registry, workers
from ..core.tasks import stand_back
from ..db.migrate import upgrade
from ..db.models import TaskKind
from ..db.session import Database
from ..engines.registry import InstalledEngines
from ..engines.selection import EngineCapability
from ..errors import EngineUnavailable, InternalError
from ..storage import Storage
from ..telemetry import log
from . import queue
from .clone import clone
from .engines import selector_of, usable
from .runner import Runner
from .stream import produce
from .sweep import sweep

_log = log(__name__)


class Worker:
    """Works until `stop` is called, or until the process that it was started by is gone."""

    def __init__(self, settings: Settings, worker_id: str, *, parent: int | None = None) -> None:
        self.id = worker_id
        self._settings = settings
        self._parent = parent
        self._stopping = threading.Event()  # take no more
        self._stopped = threading.Event()  # nothing is under way any more
        self._launched = False
        self._beaten = time.time()
        self._offers: tuple[EngineCapability, ...] = ()
        self._warmed: set[str] = set()
        self._recognizer = Recognizer(settings)
        self._engines = InstalledEngines(settings, self._recognizer)
        self._database = Database(settings.database, pool_size=10 + 2 * settings.worker_concurrency)
        self._storage = Storage.open(settings.storage, settings.signing_secrets)
        self._info: dict[str, Any] = {
            "ready": False,
            "version": __version__,
            "pid": os.getpid(),
            "concurrency": settings.worker_concurrency,
            "tasks": queue.VERSION,
        }

    def run(self) -> None:
        """Blocks. Must be called from the main thread, whose signals it handles."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        if self._settings.metrics_port:
            start_http_server(self._settings.metrics_port)
        self._report_confinement()
        upgrade(self._database)
        queue.prepare(self._database)
        runner = Runner.of(
            self._settings,
            self._database,
            self._storage,
            self._engines,
            self._recognizer,
            self.id,
            self._stopping,
        )
        runner.register(TaskKind.CLONE, clone)
        runner.register(TaskKind.AUDIO, produce)
        self._pulse()
        self._every(self._settings.heartbeat, self._pulse, "heartbeat")
        while not self._warm():
            # It would only fail the tasks that others could do.
            if self._rest(15):
                break
        else:
            queue.launch(
                self._database,
                self.id,
                [offer.engine for offer in self._offers],
                tasks=self._settings.worker_tasks,
                tasks_per_account=self._settings.worker_tasks_per_account,
                poll=self._settings.queue_poll,
            )
            self._launched = self._info["ready"] = True
            self._info["offers"] = [offer.to_json() for offer in self._offers]
            self._pulse()
            with self._database.transaction() as session:
                engine_registry.remember(session, self._offers)
            self._every(self._settings.sweep_interval, self._sweep, "sweeper")
            _log.info(
                "worker ready", worker=self.id, engines=[each.engine for each in self._offers]
            )
            while not self._rest(3600):
                pass
        self._stop(runner)

    def stop(self) -> None:
        self._stopping.set()

    def _report_confinement(self) -> None:
        try:
            missing = decode.missing_confinement()
        except (InternalError, OSError, subprocess.SubprocessError) as error:
            _log.warning("decoder not tried", error=type(error).__name__)
            return
        if missing:
            _log.warning("decoder not fully confined", missing=missing)

    def _rest(self, seconds: float) -> bool:
        """Wait; whether it is time to stop."""
        until = time.monotonic() + seconds
        while not self._stopping.wait(0.5):
            if self._parent is not None and os.getppid() != self._parent:
                _log.warning("the service that started this worker is gone; stopping")
                self._stopping.set()
            if time.monotonic() > until:
                return False
        return True

    def _stop(self, runner: Runner) -> None:
        """Finish what is under way, beating meanwhile, and say goodbye."""
        _log.info("worker stopping", worker=self.id)
        if self._launched:
            queue.stop(self._settings.stop_grace)
        self._stopped.set()
        runner.halted.set()
        try:
            with self._database.transaction() as session:
                stand_back(session, self.id)
                workers.stopped(session, self.id)
        except SQLAlchemyError as error:  # then its silence says it
            _log.warning("no goodbye", error=type(error).__name__)
        self._database.close()

    def _warm(self) -> bool:
        """Find what can be used here, and let the engines that work will come to speak. Whether
        there are any."""
        selector = selector_of(self._settings)
        here, found = usable(self._engines, selector)
        while winners := {
            name for row in selector.table(here).values() for name in row.values() if name
        }.difference(self._warmed):
            name = min(winners)
            try:
                self._engines.usable(name).warm()
                self._warmed.add(name)
                continue
            except EngineUnavailable as error:
                found[name] = error.message
            except Exception as error:  # a third party's: it must not end the worker
                found[name] = f"it failed when it was warmed up: {type(error).__name__}"
            here = tuple(offer for offer in here if offer.engine != name)
        for name, reason in found.items():
            if reason:
                level = _log.error if name in selector.named() else _log.info
                level("engine unusable", engine=name, reason=reason)
        self._offers, self._info["engines"] = here, found
        return bool(self._warmed)

    def _pulse(self) -> None:
        """Beat, and take over from workers that do not. Not after a pause of one's own, such as a
        laptop's sleep: then the others have paused as well and must get time to beat."""
        now = time.time()
        paused = now - self._beaten > self._settings.worker_lost_after
        with self._database.transaction() as session:
            workers.beat(session, self.id, self._info)
        self._beaten = now
        if not paused and self._launched:
            self._reap()

    def _reap(self) -> None:
        with self._database.transaction() as session:
            gone = workers.claim_gone(session, self.id, self._settings.worker_lost_after)
        for worker_id, stopped in gone.items():
            handed = queue.hand_over(worker_id)
            with self._database.transaction() as session:
                workers.buried(session, worker_id)
            if not stopped:
                _log.warning("worker lost", worker=worker_id, handed_over=len(handed))
            elif handed:
                _log.info("tasks of a stopped worker", worker=worker_id, handed_over=len(handed))

    def _sweep(self) -> None:
        with self._database.transaction() as session:
            engine_registry.remember(session, self._offers)
        sweep(self._settings, self._database, self._storage)

    def _every(self, seconds: float, work: Callable[[], None], name: str) -> None:
        def loop() -> None:
            while not self._stopped.wait(seconds):
                try:
                    work()
                except Exception as error:
                    # A database that is away for a while must not end the worker.
                    _log.warning(f"{name} failed", error=type(error).__name__)

        threading.Thread(target=loop, name=name, daemon=True).start()
