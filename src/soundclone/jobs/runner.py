"""Run tasks in a worker: start them, run their steps once, and complete or fail them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from .. import tracing
from ..asr.recognition import Recognizer
from ..config import Settings
from ..core import files, register, tasks
from ..core.formatting import DAY
from ..core.register import Result
from ..core.requests import TaskResult
from ..core.voices import ACTIVE
from ..db.models import Task, TaskKind, TaskStatus, Voice
from ..db.session import Database
from ..engines.protocol import Engine
from ..engines.registry import InstalledEngines
from ..errors import (
    InternalError,
    NotFound,
    TaskCancelled,
    TaskError,
    Unavailable,
)
from ..storage import Storage
from ..telemetry import STAGES, log
from . import provenance, queue
from .slots import Place, Slots

P = ParamSpec("P")
R = TypeVar("R")

_log = log(__name__)
EXTRA_SLOTS = 1
"""Slots of a worker beyond its concurrency, for accounts that hold none."""

_RECORD_EVERY = 0.2  # seconds between two records of a task's progress
_REPORT_EVERY = 1.0  # seconds between two records within a step
_STORE_PATIENCE = 60.0  # seconds for which a costly file waits for the store


class Interrupted(BaseException):
    """The worker stops, so it leaves the task to another worker.

    A BaseException, because dbos would record an Exception as the outcome of the workflow.
    """


def _nobody(task_id: str) -> None:
    """Announce a task to no request."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of a workflow that succeeded."""

    result: TaskResult
    voice: Voice | None = None  # of a preview
    cost: int | None = None  # micro-credits, None for all that is held
    on_delivery: bool = False  # the price is captured when the first byte is sent


@dataclass(frozen=True)
class Pools:
    """Slots for the work of one worker."""

    compute: Slots
    recordings: Slots  # for recordings in memory
    fetches: Slots

    @classmethod
    def of(cls, settings: Settings) -> Pools:
        """Create the slots that the settings allow."""
        places = settings.worker_concurrency
        return cls(
            compute=Slots(places, extra=EXTRA_SLOTS),
            recordings=Slots(places, per_account=1),
            fetches=Slots(
                settings.worker_fetches, per_account=max(1, settings.worker_fetches // 2)
            ),
        )


@dataclass
class Run:
    """One run of a workflow. When another worker takes the task over, its run is a new one."""

    suspect: bool = False  # may have ended the worker of the last run
    attempts: int = 0  # since the last progress, 0 until a step computes
    recorded: float = field(default_factory=time.monotonic)  # when the progress was recorded
    due: float = math.inf  # monotonic time of the next step, so that a listener need not wait
    place: Place | None = None  # slot of the step that computes now
    ended: threading.Event = field(default_factory=threading.Event)
    # set when another process has ended the task


class Stage(StrEnum):
    """Kind of a step, as the metrics label it."""

    FETCH = "fetch"
    EXAMINE = "examine"
    CONSENT = "consent"
    LANGUAGE = "language"
    VOICE = "voice"
    FIND = "find"
    SPEAK = "speak"
    CONVERT = "convert"
    SEND = "send"
    ENCODE = "encode"
    FINISH = "finish"


@dataclass(frozen=True)
class Step:
    """Name of a step. The detail tells steps of one stage apart."""

    stage: Stage
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.stage} {self.detail}".rstrip()


FETCH = Step(Stage.FETCH)
EXAMINE = Step(Stage.EXAMINE)
FETCH_CONSENT = Step(Stage.FETCH, "consent")
CONSENT = Step(Stage.CONSENT)
LANGUAGE = Step(Stage.LANGUAGE)
MAKE_VOICE = Step(Stage.VOICE)
FIND_VOICE = Step(Stage.FIND, "voice")
CONVERT = Step(Stage.CONVERT)
ENCODE = Step(Stage.ENCODE)
KEEP_PREVIEW = Step(Stage.ENCODE, "preview")
FINISH = Step(Stage.FINISH)


@dataclass(frozen=True)
class Job:
    """A task in one run, with everything that its steps need."""

    task: Task
    settings: Settings
    database: Database
    storage: Storage
    engines: InstalledEngines
    recognizer: Recognizer
    worker_id: str
    pools: Pools
    stopping: threading.Event  # the worker takes no more tasks
    halted: threading.Event  # the worker has stopped
    run: Run = field(default_factory=Run)
    announce: Callable[[str], None] = _nobody
    """Tells requests that wait for a task, by its id, that the task has a new part."""

    def step(self, step: Step, progress: int, work: Callable[P, R], *a: P.args, **k: P.kwargs) -> R:
        """Run `work` in a compute slot, once for the task: a repeated run gets its recorded result.

        Args:
            step: Name of the step, unique within the workflow.
            progress: Progress of the task after the step, in per cent.
            work: Function whose result JSON can represent.
            a: Positional arguments of `work`.
            k: Keyword arguments of `work`.
        """
        return queue.step(str(step), lambda: self._compute(step, progress, work, *a, **k))

    def recording_step(
        self, step: Step, progress: int, work: Callable[P, R], *a: P.args, **k: P.kwargs
    ) -> R:
        """Run a step like `step`, in a slot for recordings too."""

        def run() -> R:
            with self.pools.recordings.hold(self.task.account_id, check=self.check):
                return self._compute(step, progress, work, *a, **k)

        return queue.step(str(step), run)

    def step_unless_begun(
        self,
        step: Step,
        progress: int,
        begun: Callable[[], Callable[[], R] | None],
        work: Callable[[], R],
    ) -> R:
        """Run a step like `step`, unless another thread has begun its work.

        `begun` returns a function that waits for the thread's result, and None without a thread.
        The step has no slot while it waits, because the thread has one.
        """

        def run() -> R:
            result = begun()
            if result is None:
                return self._compute(step, progress, work)
            return self._timed(step, progress, self._check_active, result)

        return queue.step(str(step), run)

    def waiting_step(
        self, step: Step, progress: int, work: Callable[P, R], *a: P.args, **k: P.kwargs
    ) -> R:
        """Run a step that waits for other machines, without a compute slot."""
        return queue.step(
            str(step), lambda: self._timed(step, progress, self._check_active, work, *a, **k)
        )

    def _compute(
        self, step: Step, progress: int, work: Callable[P, R], *a: P.args, **k: P.kwargs
    ) -> R:
        account, alone = self.task.account_id, self.run.suspect
        with self.pools.compute.hold(
            account, alone=alone, due=self.run.due, check=self.check
        ) as place:
            self.run.place = place
            try:
                result = self._timed(step, progress, self._count_attempt, work, *a, **k)
            finally:
                self.run.place = None
        self.run.suspect = False
        return result

    def check(self) -> None:
        """Check that the work is still needed. Costs nothing.

        Raises TaskCancelled if the task has ended, and Interrupted if the worker has stopped.
        """
        if self.halted.is_set():
            raise Interrupted
        if self.run.ended.is_set():
            raise TaskCancelled(tasks.ENDED)

    def check_waiting(self) -> None:
        """Check like `check`. Raises Interrupted also while the worker is stopping."""
        if self.stopping.is_set():
            raise Interrupted
        self.check()

    def yield_slot(self) -> None:
        """Let tasks of other accounts compute, between two parts of a long step.

        Raises what `check` raises.
        """
        if self.run.place:
            self.run.place.yield_slot()

    def set_due(self, due: float) -> None:
        """Set when the next step of this task, or the rest of this step, should begin.

        `due` is in monotonic seconds.
        """
        self.run.due = due
        if self.run.place:
            self.run.place.set_due(due)

    def _timed(
        self,
        step: Step,
        progress: int,
        begin: Callable[[], None],
        work: Callable[P, R],
        *a: P.args,
        **k: P.kwargs,
    ) -> R:
        started = time.perf_counter()
        try:
            with tracing.span(f"step {step.stage}", {"task.step": str(step)}):
                begin()
                result = work(*a, **k)
                self._record_progress(progress)
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
        STAGES.labels(step.stage).observe(time.perf_counter() - started)
        return result

    def _record_progress(self, progress: int) -> None:
        """Record the progress, unless a step just did: a transaction is slower than a short step.

        After a crash, each step is recorded, because the record resets the number of attempts.
        """
        run, now = self.run, time.monotonic()
        if run.attempts == 1 and now - run.recorded < _RECORD_EVERY:
            return
        attempts = min(run.attempts, 1)
        with self.database.transaction() as session:
            tasks.record_progress(session, self.task.id, progress, attempts)
        run.attempts, run.recorded = attempts, now

    def report(self, progress: int) -> None:
        """Record the progress within a long step, at most once a second.

        Raises TaskCancelled if the task has ended.
        """
        run, now = self.run, time.monotonic()
        if now - run.recorded < _REPORT_EVERY:
            return
        with self.database.transaction() as session:
            tasks.record_progress(session, self.task.id, progress, run.attempts)
        run.recorded = now

    def mark_speaking(self) -> None:
        """Record that a worker speaks the text now, for a client that would not wait longer.

        Raises TaskCancelled if the task has ended.
        """
        with self.database.transaction() as session:
            tasks.record_progress(session, self.task.id, tasks.SPEAKING, self.run.attempts)

    def _check_active(self) -> None:
        with self.database.read() as session:
            tasks.check_active(session, self.task.id)

    def _count_attempt(self) -> None:
        """Count an attempt when the first step of a run begins.

        While the task waits, another task may end the worker, so waiting does not count.
        """
        if self.run.attempts:
            self._check_active()
            return
        with self.database.transaction() as session:
            attempts = tasks.count_attempt(session, self.task.id, self.worker_id)
        self.run.attempts = attempts
        tasks.check_attempts(attempts, self.settings.max_attempts)

    def scratch(self, name: str) -> str:
        """Return the key of a file that is needed until the task ends."""
        return files.work(self.task.id, name)

    def transact(
        self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run `work` in a transaction outside a step, and wait for an unavailable database."""
        return _transact(self.database, self.stopping, work, *args, **kwargs)

    def store(self, key: str, data: bytes) -> None:
        """Write a file that is costly to make again: try for a minute while the store fails.

        Otherwise the whole step would be repeated. Raises Unavailable, and what `check` raises.
        """
        end, pause = time.monotonic() + _STORE_PATIENCE, 0.25
        while True:
            try:
                return self.storage.put(key, data)
            except Unavailable:
                if time.monotonic() + pause > end or self.stopping.wait(pause):
                    raise
            self.check()
            pause = min(2 * pause, 4.0)

    @contextmanager
    def voice_engine(self, name: str) -> Iterator[Engine]:
        """Yield an engine. Wait until it is free if it can do one thing at a time.

        Raises EngineUnavailable.
        """
        voice_engine = self.engines.usable(name)
        if voice_engine.concurrent or self.run.place is None:
            yield voice_engine
        else:
            with self.run.place.using(name):
                yield voice_engine


class Watch:
    """Notices tasks that another process ends, with one query a second for all tasks."""

    def __init__(self, database: Database, every: float = 1.0) -> None:
        self._database = database
        self._every = every
        self._changed = threading.Condition()
        self._runs: dict[str, Run] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, task_id: str, run: Run) -> Iterator[None]:
        """Set `run.ended` if the task ends within the block."""
        with self._changed:
            self._runs[task_id] = run
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="watch", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                # A worker that was declared lost may have got its task back, for a newer run.
                if self._runs.get(task_id) is run:
                    del self._runs[task_id]

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._runs)
                runs = dict(self._runs)
            try:
                with self._database.read() as session:
                    active = tasks.active(session, list(runs))
            except SQLAlchemyError as error:  # the steps retry on their own
                _log.warning("tasks not watched", error=type(error).__name__)
            else:
                for task_id in runs.keys() - active:
                    runs[task_id].ended.set()
            time.sleep(self._every)


@dataclass(frozen=True)
class Runner:
    """Runs the workflows of one worker."""

    settings: Settings
    database: Database
    storage: Storage
    engines: InstalledEngines
    recognizer: Recognizer
    worker_id: str
    pools: Pools
    watch: Watch
    stopping: threading.Event = field(default_factory=threading.Event)
    halted: threading.Event = field(default_factory=threading.Event)
    announce: Callable[[str], None] = _nobody

    @classmethod
    def of(
        cls,
        settings: Settings,
        database: Database,
        storage: Storage,
        engines: InstalledEngines,
        recognizer: Recognizer,
        worker_id: str,
        stopping: threading.Event,
        announce: Callable[[str], None] = _nobody,
    ) -> Runner:
        """Create a runner with slots and a watch. `Job.announce` describes `announce`."""
        pools, watch = Pools.of(settings), Watch(database)
        return cls(
            settings,
            database,
            storage,
            engines,
            recognizer,
            worker_id,
            pools,
            watch,
            stopping,
            announce=announce,
        )

    def register(self, kind: TaskKind, work: Callable[[Job], Outcome]) -> None:
        """Register `work` as the workflow of tasks of a kind."""
        queue.workflow(kind, lambda task_id: self.run(task_id, work))

    def run(self, task_id: str, work: Callable[[Job], Outcome]) -> None:
        """Run a task, and complete or fail it.

        Any worker may run a task again at any time. A task that has ended stays as it is.
        """
        task = self._transact(lambda session: session.get(Task, task_id))
        if task is None:
            return
        run = Run(suspect=task.attempts > 0)
        with (
            self.watch.over(task_id, run),
            bound_contextvars(task=task_id),
            tracing.span(f"task {task.kind}", _attributes(task), parent=task.trace),
        ):
            try:
                self._execute(task_id, run, work)
            except TaskError as error:
                self._fail(task, error)
            except Exception as error:
                if self.stopping.is_set():
                    raise Interrupted from error
                _log.error("task broke", exc_info=error)
                self._fail(
                    task, InternalError("the service failed at this task; nothing was charged")
                )
            self.announce(task_id)
            self._clean_up(task_id)

    def _execute(self, task_id: str, run: Run, work: Callable[[Job], Outcome]) -> None:
        task = self._transact(tasks.start, task_id)
        if task is None:
            return
        _log.info("task started", kind=task.kind, attempt=task.attempts + 1)
        job = Job(
            task,
            self.settings,
            self.database,
            self.storage,
            self.engines,
            self.recognizer,
            self.worker_id,
            self.pools,
            self.stopping,
            self.halted,
            run,
            self.announce,
        )
        outcome = work(job)
        entry, size = self._entry(job), self._size(task, outcome.result)

        def complete(session: Session) -> bool:
            keep = self.settings.result_days * DAY
            if not tasks.complete(
                session,
                task_id,
                outcome.result,
                size=size,
                keep=keep,
                voice=outcome.voice,
                cost=outcome.cost,
                on_delivery=outcome.on_delivery,
            ):
                return False
            if entry is not None:
                register.add(session, task_id, entry)
            return True

        self._transact(complete)

    def _entry(self, job: Job) -> Result | None:
        """Return the entry for the register, None if the store is unavailable."""
        try:
            return provenance.sealed(job)
        except Unavailable as error:
            _log.warning("result not registered", reason=error.message)
            return None

    def _size(self, task: Task, result: TaskResult) -> int:
        """Return the bytes of a result's files, or the estimate if the store is unavailable."""
        try:
            return sum(self.storage.size(key) or 0 for key in result.files)
        except Unavailable as error:
            _log.warning("result not measured", reason=error.message)
            return task.size

    def _fail(self, task: Task, error: TaskError) -> None:
        keep = self.settings.result_days * DAY
        self._transact(tasks.fail, task.id, error, keep=keep, by_worker=True)

    def _clean_up(self, task_id: str) -> None:
        """Remove files that an ended task does not keep. The sweep removes what remains."""
        task = self._transact(lambda session: session.get(Task, task_id))
        try:
            if task is None or task.status not in ACTIVE or task.progress == tasks.SPOKEN:
                self.storage.delete_prefix(files.work_folder(task_id))
            if task is not None and task.status == TaskStatus.FAILED:
                remove_files(self.storage, task)
        except Unavailable as error:
            _log.warning("files left for the sweep", reason=error.message)

    def _transact(
        self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        return _transact(self.database, self.stopping, work, *args, **kwargs)


def _transact(
    database: Database,
    stopping: threading.Event,
    work: Callable[Concatenate[Session, P], R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Run `work` in a transaction, and wait for a database that is unavailable.

    These transactions are not steps, so dbos does not retry them.
    """
    pause = 0.5
    while True:
        try:
            with database.transaction() as session:
                return work(session, *args, **kwargs)
        except OperationalError as error:
            _log.warning("database away", error=type(error).__name__, again_in=pause)
            if stopping.wait(pause):
                raise Interrupted from error
            pause = min(2 * pause, 15.0)


def _attributes(task: Task) -> dict[str, tracing.Attribute]:
    """Return the attributes of the span of a task."""
    return {
        "task.id": task.id,
        "task.kind": task.kind,
        "task.engine": str(task.params.get("engine", "")),
        "task.characters": task.characters,
        "task.attempt": task.attempts + 1,
        "task.waited": round(time.time() - task.created_at, 3),
    }


def remove_files(storage: Storage, task: Task) -> None:
    """Remove the files of a task, and the recording of a preview that failed."""
    storage.delete_prefix(files.work_folder(task.id))
    storage.delete_prefix(files.result_folder(task.id))
    if task.kind == TaskKind.CLONE and task.status == TaskStatus.FAILED:
        storage.delete_prefix(files.voice_folder(task.voice_id))
