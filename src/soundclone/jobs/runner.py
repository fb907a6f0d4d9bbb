"""How a task is carried through, whatever it is: taken up, stepped, and ended once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from ..config import Settings
from ..core import tasks
from ..core.results import FILES
from ..core.voices import ACTIVE
from ..db.models import Task, Voice
from ..db.session import Database
from ..errors import (
    EngineUnavailable,
    InternalError,
    NotFound,
    SourceError,
    TaskError,
    Unavailable,
)
from ..speech import engine as engines
from ..storage import Storage
from ..telemetry import STAGES, TASKS, log
from . import engine

P = ParamSpec("P")
R = TypeVar("R")

DAY = 86_400.0
_log = log(__name__)


class Interrupted(BaseException):
    """The worker stops, and the ground went from under a task. No Exception, because the task
    engine would write one down as the outcome: so another worker takes the task up from here."""


class Quarantine:
    """Lets tasks run side by side, but one that may have ended its last worker alone, so that a
    deadly task never takes innocent ones with it more than once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = 0
        self._alone = False
        self._waiting = 0

    @contextmanager
    def admit(self, suspect: bool) -> Iterator[None]:
        """Wait for room, and keep it for the block."""
        with self._changed:
            if suspect:
                self._waiting += 1
                self._changed.wait_for(lambda: not self._alone and not self._together)
                self._waiting -= 1
                self._alone = True
            else:
                self._changed.wait_for(lambda: not self._alone and not self._waiting)
                self._together += 1
        try:
            yield
        finally:
            with self._changed:
                if suspect:
                    self._alone = False
                else:
                    self._together -= 1
                self._changed.notify_all()


@dataclass(frozen=True)
class Outcome:
    """What a task that went well leaves."""

    result: Mapping[str, Any]
    voice: Voice | None = None  # of a preview


@dataclass(frozen=True)
class Job:
    """A task in the hands of a worker."""

    task: Task
    settings: Settings
    database: Database
    storage: Storage
    stopping: threading.Event

    def step(self, name: str, progress: int, work: Callable[P, R], *a: P.args, **k: P.kwargs) -> R:
        """Run `work` once, however often the task is taken up again. Before it, see whether the
        task is still wanted; after it, note the progress in per cent."""

        def run() -> R:
            started = time.perf_counter()
            try:
                with self.database.read() as session:
                    tasks.check_active(session, self.task.id)
                result = work(*a, **k)
                with self.database.write() as session:
                    tasks.advance(session, self.task.id, progress)
            except TaskError:
                raise
            except NotFound as error:
                raise InternalError(
                    "a file that this task needs is no longer in the store; nothing was charged: "
                    "submit the task again",
                    logged=error.message,
                ) from error
            except Exception as error:
                if self.stopping.is_set():
                    raise Interrupted from error
                raise
            STAGES.labels(name.split()[0]).observe(time.perf_counter() - started)
            return result

        return engine.step(name, run)

    def scratch(self, name: str) -> str:
        """Key of a file that is needed until the task ends."""
        return f"work/{self.task.id}/{name}"

    @contextmanager
    def voice_engine(self, name: str) -> Iterator[engines.Engine]:
        """The engine, in its turn when it can do one thing at a time. Raises EngineUnavailable."""
        voice_engine = engine_named(name)
        if voice_engine.concurrent:
            yield voice_engine
        else:
            with _engine_locks.setdefault(name, threading.Lock()):
                yield voice_engine


_engine_locks: dict[str, threading.Lock] = {}


@dataclass(frozen=True)
class Runner:
    """Carries tasks through in one worker."""

    settings: Settings
    database: Database
    storage: Storage
    worker_id: str
    quarantine: Quarantine = field(default_factory=Quarantine)
    stopping: threading.Event = field(default_factory=threading.Event)

    def register(self, kind: str, work: Callable[[Job], Outcome]) -> None:
        """Tasks of `kind` are done by `work`."""
        engine.workflow(kind, lambda task_id: self.run(task_id, work))

    def run(self, task_id: str, work: Callable[[Job], Outcome]) -> None:
        """Take the task up, do it, and complete or fail it. May be run again at any time, by any
        worker: ended tasks stay as they ended."""
        task = self._transact(lambda session: session.get(Task, task_id))
        if task is None:
            return
        suspect = task.attempts > 0
        with self.quarantine.admit(suspect), bound_contextvars(task=task_id):
            try:
                self._attempt(task_id, work)
            except TaskError as error:
                self._fail(task, error)
            except Exception as error:
                if self.stopping.is_set():
                    raise Interrupted from error
                _log.error("task broke", exc_info=error)
                self._fail(
                    task, InternalError("the service failed at this task; nothing was charged")
                )
            self._clean_up(task_id)

    def _attempt(self, task_id: str, work: Callable[[Job], Outcome]) -> None:
        task = self._transact(tasks.start, task_id, self.worker_id)
        if task is None:
            return
        tasks.check_attempts(task, self.settings.max_attempts)
        _log.info("task started", kind=task.kind, attempt=task.attempts)
        outcome = work(Job(task, self.settings, self.database, self.storage, self.stopping))
        if self._transact(
            tasks.complete,
            task_id,
            outcome.result,
            size=self._size(task, outcome.result),
            keep=self.settings.result_days * DAY,
            voice=outcome.voice,
        ):
            TASKS.labels(task.kind, "completed", "").inc()
            _log.info("task completed", seconds=round(time.time() - task.created_at, 2))

    def _size(self, task: Task, result: Mapping[str, Any]) -> int:
        """Bytes of the files of a result; as estimated, when the store is away."""
        keys = [result[name] for name in FILES if result.get(name)]
        try:
            return sum(self.storage.size(key) or 0 for key in keys)
        except Unavailable as error:
            _log.warning("result not measured", reason=error.message)
            return task.size

    def _fail(self, task: Task, error: TaskError) -> None:
        if self._transact(tasks.fail, task.id, error, keep=self.settings.result_days * DAY):
            TASKS.labels(task.kind, "failed", error.word).inc()
            level = _log.info if isinstance(error, SourceError) else _log.warning
            level("task failed", word=error.word, reason=error.logged)

    def _clean_up(self, task_id: str) -> None:
        """Remove what an ended task does not leave. What cannot be removed now, the sweep does."""
        task = self._transact(lambda session: session.get(Task, task_id))
        try:
            if task is None or task.status not in ACTIVE:
                self.storage.delete_prefix(f"work/{task_id}")
            if task is not None and task.status == "failed":
                remove_files(self.storage, task)
        except Unavailable as error:
            _log.warning("files left for the sweep", reason=error.message)

    def _transact(
        self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run `work(session, …)` in a transaction, and wait for a database that is away: these
        are no steps, and nobody else would try them again."""
        pause = 0.5
        while True:
            try:
                with self.database.write() as session:
                    return work(session, *args, **kwargs)
            except OperationalError as error:
                _log.warning("database away", error=type(error).__name__, again_in=pause)
                if self.stopping.wait(pause):
                    raise Interrupted from error
                pause = min(2 * pause, 15.0)


def remove_files(storage: Storage, task: Task) -> None:
    """Remove what a task left: its results and, of a preview that failed, the recording."""
    storage.delete_prefix(f"work/{task.id}")
    storage.delete_prefix(f"results/{task.id}")
    if task.kind == "clone" and task.status == "failed":
        storage.delete_prefix(f"voices/{task.voice_id}")


_found_usable: set[str] = set()


def engine_named(name: str) -> engines.Engine:
    """The engine, found usable once. Raises EngineUnavailable with what to do about it."""
    found = engines.load(name)
    if name not in _found_usable:
        if reason := found.unusable():
            raise EngineUnavailable(f"engine {name!r} is not usable on this worker: {reason}")
        _found_usable.add(name)
    return found
