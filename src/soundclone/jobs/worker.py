"""Worker process: takes tasks, sends heartbeats, takes over from lost workers, and sweeps."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NoReturn

from prometheus_client import start_http_server
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from .. import __version__
from ..asr.recognition import Recognizer
from ..audio import decode
from ..config import Settings
from ..core import engine_registry, workers
from ..core.listeners import SILENCE
from ..core.tasks import uncount_attempts
from ..core.workers import WorkerInfo
from ..db.migrate import upgrade
from ..db.models import TaskKind
from ..db.session import Database
from ..db.signals import TASKS, Signals
from ..engines.neural import cache
from ..engines.registry import InstalledEngines
from ..errors import EngineUnavailable, InternalError
from ..scratch import used_bytes
from ..storage import Storage
from ..telemetry import MODEL_BYTES, SCRATCH_BYTES, SCRATCH_FREE_BYTES, SLOTS, log
from . import provenance, queue
from .abandonment import Abandonment
from .clone import clone
from .convert import convert
from .engines import selector_of, usable
from .render import render
from .runner import EXTRA_SLOTS, Runner
from .speak import speak
from .supervisor import FORCED
from .sweep import sweep
from .verify import Verifier
from .webhooks import Deliverer

_log = log(__name__)
_DATABASE_WAIT = 30.0  # seconds for a database that starts


class Worker:
    """A worker. It runs until `stop` is called or the process that started it ends."""

    def __init__(self, settings: Settings, worker_id: str, *, parent: int | None = None) -> None:
        self.id = worker_id
        self._settings = settings
        self._parent = parent
        self._stopping = threading.Event()  # takes no more tasks
        self._stopped = threading.Event()  # no task is running
        self._ended = threading.Event()  # the process may end
        self._launched = False
        self._last_heartbeat: float | None = None  # by the clock of the database
        self._observer = workers.Observer()
        self._warmed: set[str] = set()
        self._recognizer = Recognizer(settings)
        self._engines = InstalledEngines(
            settings,
            self._recognizer,
            processes=settings.worker_concurrency + EXTRA_SLOTS,
            crashed=self._crashed,
        )
        self._database = Database(settings.database, connections=settings.database_connections)
        self._task_signals = Signals(self._database, TASKS)
        self._queue = queue.Queue(self._database)
        self._storage = Storage.of(settings)
        self._abandonment = Abandonment(settings, self._database, self._storage)
        self._info = WorkerInfo(
            version=__version__,
            pid=os.getpid(),
            concurrency=settings.worker_concurrency,
            workflows=queue.VERSION,
        )

    def run(self) -> None:
        """Run until the end of the worker. The caller must be the main thread, for its signals."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        threading.Thread(target=self._end_in_time, name="stop", daemon=True).start()
        if self._settings.metrics_port:
            start_http_server(self._settings.metrics_port)
        provenance.signer_of(self._settings)
        self._storage.check_encryption()
        if not self._prepare_database():
            self._ended.set()
            return
        runner = Runner.of(
            self._settings,
            self._database,
            self._storage,
            self._engines,
            self._recognizer,
            self.id,
            self._stopping,
            self._task_signals.send,
        )
        compute = runner.pools.compute
        SLOTS.labels("places").set(compute.places)
        SLOTS.labels("taken").set_function(lambda: compute.taken)
        models = cache.shared(self._settings.model_memory)
        MODEL_BYTES.set_function(lambda: models.size)
        SCRATCH_BYTES.set_function(used_bytes)
        SCRATCH_FREE_BYTES.set_function(lambda: shutil.disk_usage(tempfile.gettempdir()).free)
        runner.register(TaskKind.CLONE, clone)
        runner.register(TaskKind.AUDIO, speak)
        runner.register(TaskKind.CONVERSION, convert)
        runner.register(TaskKind.RENDER, render)
        verifier = Verifier(
            self._settings, self._database, self._storage, runner.pools.compute, self._stopping
        )
        queue.workflow(queue.VERIFICATIONS, lambda identifier: verifier.run(identifier))
        deliverer = Deliverer(self._settings, self._database, self._stopping)
        queue.workflow(queue.WEBHOOKS, lambda job: deliverer.run(job))
        self._heartbeat()
        self._every(self._settings.heartbeat, self._heartbeat, "heartbeat")
        self._report_confinement()
        while not self._warm():
            # Without an engine, this worker would only fail tasks that others could do.
            if self._stop_within(15):
                break
        else:
            queue.launch(
                self._database,
                self.id,
                [each.engine for each in self._info.capabilities],
                tasks=self._settings.worker_tasks,
                tasks_per_account=self._settings.worker_tasks_per_account,
                poll=self._settings.queue_poll,
            )
            self._launched = True
            self._info = replace(self._info, ready=True)
            self._heartbeat()
            with self._database.transaction() as session:
                engine_registry.record(session, self._info.capabilities)
            self._every(self._settings.sweep_interval, self._sweep, "sweeper")
            self._every(SILENCE / 4, self._abandonment.check, "check of streams")
            names = [each.engine for each in self._info.capabilities]
            _log.info("worker ready", worker=self.id, engines=names)
            while not self._stop_within(3600):
                pass
        self._stop(runner)

    def stop(self) -> None:
        """Finish running tasks, and end."""
        self._stopping.set()

    def _prepare_database(self) -> bool:
        """Upgrade the tables. Return False if the worker must stop.

        A worker often starts while the database does, such as after a crash of their machine.
        Waiting is faster than another start.

        Raises:
            OperationalError: The database gave no answer for `_DATABASE_WAIT` seconds.
        """
        until = time.monotonic() + _DATABASE_WAIT
        while True:
            try:
                upgrade(self._database)
                queue.prepare(self._database)
                return True
            except OperationalError as error:
                if time.monotonic() > until:
                    raise
                _log.warning("database not reached", error=type(error).__name__)
            if self._stop_within(0.5):
                return False

    def _end_in_time(self) -> None:
        """End the process soon after a signal, even if a model loads or the database hangs.

        Other workers take over the tasks once the heartbeats are missing.
        """
        self._stopping.wait()
        if not self._ended.wait(self._settings.stop_grace + FORCED):
            _log.warning("worker did not stop in time", worker=self.id)
            sys.stderr.flush()
            os._exit(0)

    def _crashed(self) -> NoReturn:
        """End the process after a crash of an engine. Other workers take over the tasks."""
        _log.error("engine crashed", worker=self.id)
        sys.stderr.flush()
        os._exit(1)

    def _report_confinement(self) -> None:
        try:
            missing = decode.missing_confinement()
        except (InternalError, OSError, subprocess.SubprocessError) as error:
            _log.warning("decoder not tried", error=type(error).__name__)
            return
        if missing:
            _log.warning("decoder not fully confined", missing=missing)

    def _stop_within(self, seconds: float) -> bool:
        """Wait up to `seconds`. Return True if the worker must stop."""
        until = time.monotonic() + seconds
        while not self._stopping.wait(0.5):
            if self._parent is not None and os.getppid() != self._parent:
                _log.warning("the service that started this worker is gone; stopping")
                self._stopping.set()
            if time.monotonic() > until:
                return False
        return True

    def _stop(self, runner: Runner) -> None:
        """Finish running tasks, with heartbeats meanwhile, and report the stop."""
        _log.info("worker stopping", worker=self.id)
        if self._launched:
            queue.stop(self._settings.stop_grace)
        self._stopped.set()
        runner.halted.set()
        try:
            with self._database.transaction() as session:
                uncount_attempts(session, self.id)
                workers.mark_stopped(session, self.id)
        except SQLAlchemyError as error:  # the missing heartbeats have the same effect
            _log.warning("stop not reported", error=type(error).__name__)
        self._task_signals.close()
        self._queue.close()
        self._database.close()
        self._engines.close()
        self._ended.set()

    def _warm(self) -> bool:
        """Find the usable engines, and warm up those that tasks need. Return False without any."""
        selector = selector_of(self._settings)
        here, found = usable(self._engines, selector)
        while winners := {
            name for row in selector.table(here).values() for name in row.values() if name
        }.difference(self._warmed):
            name = min(winners)
            if self._stopping.is_set():
                break
            try:
                self._engines.usable(name).warm()
                self._warmed.add(name)
                continue
            except EngineUnavailable as error:
                found[name] = error.message
            except Exception as error:  # a third party's engine must not end the worker
                found[name] = f"it failed when it was warmed up: {type(error).__name__}"
            here = tuple(offer for offer in here if offer.engine != name)
        for name, reason in found.items():
            if reason:
                level = _log.error if name in selector.named() else _log.info
                level("engine unusable", engine=name, reason=reason)
        self._info = replace(self._info, capabilities=here, engines=found)
        return bool(self._warmed)

    def _heartbeat(self) -> None:
        """Send a heartbeat, and claim workers without one.

        No worker is claimed after a pause of this process, such as a laptop's sleep, or of the
        database, or after its clock stepped forward: the others need time for their heartbeats.
        """
        silence = self._settings.worker_lost_after
        with self._database.transaction() as session:
            moment = workers.heartbeat(session, self.id, self._info)
            # Also while the engines warm up, so that the others' silence is known afterwards.
            silent = workers.observe(session, self._observer, silence)
        last, self._last_heartbeat = self._last_heartbeat, moment
        paused = last is None or moment - last > silence
        if paused:
            self._observer.excuse(silence, self._settings.heartbeat)
        elif self._launched:
            self._claim_lost_workers(silent)

    def _claim_lost_workers(self, silent: Mapping[str, float]) -> None:
        with self._database.transaction() as session:
            gone = workers.claim(session, self.id, self._settings.worker_lost_after, silent)
        for worker_id, stopped in gone.items():
            requeued = queue.requeue(worker_id)
            with self._database.transaction() as session:
                workers.remove(session, worker_id)
            if not stopped:
                _log.warning("worker lost", worker=worker_id, requeued=len(requeued))
            elif requeued:
                _log.info("tasks of a stopped worker", worker=worker_id, requeued=len(requeued))

    def _sweep(self) -> None:
        with self._database.transaction() as session:
            engine_registry.record(session, self._info.capabilities)
        sweep(self._settings, self._database, self._storage)

    def _every(self, seconds: float, work: Callable[[], None], name: str) -> None:
        def loop() -> None:
            while not self._stopped.wait(seconds):
                try:
                    work()
                except Exception as error:
                    # An unavailable database must not end the worker.
                    _log.warning(f"{name} failed", error=type(error).__name__)

        threading.Thread(target=loop, name=name, daemon=True).start()
