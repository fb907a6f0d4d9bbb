"""Task queue and durable workflows, built on dbos. No other module imports dbos.

dbos keeps its tables in the service's database. So a job is enqueued in the transaction that holds
the money and writes the task. A workflow is named after the kind of the task and has the task's id.
When a worker is lost, `requeue` returns its workflows to the queue. Their finished steps are not
repeated.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

from dbos import (
    DBOS,
    DBOSClient,
    DBOSConfig,
    EnqueueOptions,
    Serializer,
    WorkflowStatus,
    _queue,
    _serialization,
)
from dbos._schemas.system_database import SystemSchema
from dbos._sys_db import SystemDatabase
from sqlalchemy import Column, Connection, Insert, MetaData, Row, Table
from sqlalchemy.engine.base import OptionEngine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from ..core import webhooks
from ..core.requests import engine_of, is_stream
from ..db.models import Task, TaskKind
from ..db.session import Database
from ..db.signals import Signals
from ..errors import Unavailable
from . import checkpoints

P = ParamSpec("P")
R = TypeVar("R")

APPLICATION = "soundclone"
VERIFICATIONS = "verifications"
"""Name of the queue and of the workflow of verifications."""
RENDERS = "renders"
"""Name of the queue of renders, which need no engine."""
WEBHOOKS = "webhooks"
"""Name of the queue and of the workflow of attempts to deliver a message."""
# A constant, because a version computed from the code would strand queued jobs at every deploy.
# Raise it when the steps of a workflow, their order or the format of their records change.
VERSION = "3"
_TASKS = "tasks-"  # begins the name of each queue for tasks
_STREAMS = "streams-"  # begins the name of each queue for streams
_MORE_STREAMS = 3  # streams at once for each other task, because a waiting listener hears nothing
_VERIFICATIONS_AT_ONCE = 2  # in a worker
_RENDERS_PER_ACCOUNT = 2  # of a worker, at once
# Attempts of a worker at once. Endpoints may be slow, so an account has a small share.
_WEBHOOKS_AT_ONCE = 32
_WEBHOOKS_PER_ACCOUNT = 2
_PENDING = "PENDING"
_OF_WORKERS = frozenset({"queues", "application_versions", "workflow_schedules"})
# Tables of dbos that workers fill when they start.
_UNFINISHED = ["PENDING", "ENQUEUED", "DELAYED"]
_CHANNEL = "queue"  # of signals, each the name of a queue with a new job
_BETWEEN_POLLS = 0.02  # seconds at least, so that a burst of submissions shares polls
_BETWEEN_ENDS = 0.1  # seconds, so that workflows that end share a poll. Others wait for slots
_CHECK = 0.5  # seconds in which a thread of a queue notices that it must end


class _Json(Serializer):
    """Serializer for the records of `checkpoints`."""

    def name(self) -> str:
        return "soundclone_json"

    def serialize(self, data: object) -> str:
        return checkpoints.dump(data)

    def deserialize(self, serialized_data: str) -> object:
        return checkpoints.load(serialized_data)


class _NoPickles(Serializer):
    """Replacement of dbos's pickles, which can run any code when they are read."""

    def name(self) -> str:
        return "py_pickle"

    def serialize(self, data: object) -> str:
        # The outcome of a workflow whose row names pickles. Nothing reads it.
        return checkpoints.dump(data)

    def deserialize(self, serialized_data: str) -> object:
        raise ValueError("the record is a pickle, which is never read")


# Each row of dbos's tables names its format, which overrules the serializer. A forged row, or one
# from before VERSION 3, names pickles.
_serialization.DBOSDefaultSerializer = _NoPickles()


class _Bell:
    """Events that wake the thread of a queue."""

    def __init__(self) -> None:
        self.any = threading.Event()
        self.job = threading.Event()  # the queue has a new job

    def ring(self, *, job: bool) -> None:
        """Wake the thread, at once if the queue has a new job."""
        if job:
            self.job.set()
        self.any.set()

    def clear(self) -> None:
        """Take back what was rung."""
        self.any.clear()
        self.job.clear()


class _Wake(threading.Event):
    """Stop event of a thread of dbos, whose wait also ends when its bell rings.

    A poll that a bell caused is repeated soon. At the first one, dbos may still count a workflow
    that has just ended.
    """

    def __init__(self, stop: threading.Event, bell: _Bell) -> None:
        super().__init__()
        self._stop = stop
        self._bell = bell
        self._woken = False

    def is_set(self) -> bool:
        return self._stop.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        begun = time.monotonic()
        longest = _CHECK if timeout is None else timeout
        end = begun + (min(longest, _CHECK) if self._woken else longest)
        self._woken = False
        if self._stop.wait(_BETWEEN_POLLS):
            return True
        while not self._stop.is_set() and (left := end - time.monotonic()) > 0:
            if self._bell.any.wait(min(left, _CHECK)):
                self._woken = True
                self._bell.job.wait(max(0.0, begun + _BETWEEN_ENDS - time.monotonic()))
                break
        self._bell.clear()  # before the poll, so that a job that comes during the poll is found
        return self._stop.is_set()


class _Signalled:
    """Threads of dbos that poll the queues of this process, and signals that wake them."""

    def __init__(self) -> None:
        self._bells: dict[str, _Bell] = {}
        self._signals: Signals | None = None
        self._poll = _queue.queue_worker_thread

    def listen(self, database: Database) -> None:
        """Wake a queue's thread when another process enqueues a job."""
        self._signals = Signals(database, _CHANNEL)
        self._signals.listen(self.wake)

    def wake(self, queue: str) -> None:
        """Let the thread of a queue poll now."""
        if bell := self._bells.get(queue):
            bell.ring(job=True)

    def make_room(self, workflow: str) -> None:
        """Let the queues of ended workflows poll soon. Queues of tasks have any kind of task."""
        for queue, bell in list(self._bells.items()):
            of_tasks = queue.startswith((_TASKS, _STREAMS))
            if queue == workflow or (of_tasks and workflow not in (VERIFICATIONS, WEBHOOKS)):
                bell.ring(job=False)

    def send(self, queue: str) -> None:
        """Wake the threads of a queue in all processes."""
        if self._signals:
            self._signals.send(queue)

    def close(self) -> None:
        """Stop listening."""
        if self._signals:
            self._signals.close()

    def poll(self, stop_event: threading.Event, dbos: DBOS, queue: _queue.Queue) -> None:
        """Poll a queue until `stop_event` is set. Takes the place of dbos's own function."""
        bell = self._bells.setdefault(queue.name, _Bell())
        self._poll(_Wake(stop_event, bell), dbos, queue)


# dbos polls its queues and has no notification of new jobs.
_signalled = _Signalled()
_queue.queue_worker_thread = _signalled.poll


def queue_of(engine: str) -> str:
    """Return the name of the queue for tasks that need an engine.

    A worker takes tasks from the queues of the engines that it has.
    """
    return f"{_TASKS}{engine}"


def stream_queue_of(engine: str) -> str:
    """Return the name of the queue for streams that need an engine.

    Streams have a queue of their own, so that they do not wait for other tasks of their account.
    """
    return f"{_STREAMS}{engine}"


def quiet() -> None:
    """Silence dbos, which logs each of some seventy migrations at INFO."""
    logging.getLogger("dbos").setLevel(logging.WARNING)


def prepare(database: Database) -> None:
    """Create or upgrade the tables of dbos."""
    quiet()
    url = database.engine.url.render_as_string(hide_password=False)
    DBOS.migrate(url)


def record_tables(schema: str | None) -> list[Table]:
    """Return the tables in which dbos keeps workflows, in an order that foreign keys allow.

    Args:
        schema: Schema of the tables, None on SQLite.
    """
    metadata = MetaData()
    return [
        Table(
            table.name,
            metadata,
            *(Column(each.name, each.type, primary_key=each.primary_key) for each in table.columns),
            schema=schema,
        )
        for table in SystemSchema.metadata_obj.tables.values()
        if table.name not in _OF_WORKERS
    ]


class _Lent:
    """Engine whose transactions are parts of a caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a part, which the caller commits."""
        yield self._connection


class Queue:
    """Client that enqueues jobs. Transactions of the database enqueue webhooks with it."""

    def __init__(self, database: Database) -> None:
        self._client = DBOSClient(
            system_database_engine=database.engine, serializer=_Json(), lazy=True
        )
        self._signals = Signals(database, _CHANNEL)
        self._session_info = database.session_info
        self._session_info[webhooks.ENQUEUE] = self.enqueue_webhook

    def enqueue(self, session: Session, tasks: Sequence[Task]) -> None:
        """Enqueue the workflows of tasks in the session's transaction. Its commit wakes workers."""
        options = [_options(task) for task in tasks]
        if len(tasks) == 1:
            self._client.enqueue_in_transaction(session, options[0], tasks[0].id)
        else:
            build = self._client._build_enqueue_status
            self._in_transaction(session).init_workflows(
                [build(each, each["workflow_id"])[1] for each in options]
            )
        for queue in {each["queue_name"] for each in options}:
            self._signals.send_after_commit(session, queue)

    def _in_transaction(self, session: Session) -> SystemDatabase:
        """Return the tables of dbos, written in the session's transaction.

        The method of dbos that enqueues many jobs with two statements opens a transaction, which is
        the session's here.
        """
        tables = copy(self._client._sys_db)
        tables._apply_caller_schema(session)
        # `init_workflows` uses nothing but `begin`.
        tables.engine = cast(OptionEngine, _Lent(session.connection()))
        tables._insert_rows = partial(_insert_rows, tables)  # type: ignore[method-assign]
        return tables

    def enqueue_verification(self, session: Session, identifier: str) -> None:
        """Enqueue the workflow of a verification in the session's transaction."""
        self._client.enqueue_in_transaction(
            session,
            {
                "workflow_name": VERIFICATIONS,
                "queue_name": VERIFICATIONS,
                "workflow_id": identifier,
                "app_version": VERSION,
            },
            identifier,
        )
        self._signals.send_after_commit(session, VERIFICATIONS)

    def enqueue_webhook(self, session: Session, job: str, account_id: str, delay: float) -> None:
        """Enqueue an attempt to deliver a message in the session's transaction.

        Args:
            session: The transaction.
            job: Id of the job.
            account_id: Account whose share of the workers the attempt uses.
            delay: Seconds until the attempt.
        """
        options: EnqueueOptions = {
            "workflow_name": WEBHOOKS,
            "queue_name": WEBHOOKS,
            "workflow_id": job,
            "app_version": VERSION,
            "queue_partition_key": account_id,
        }
        if delay:
            options["delay_seconds"] = delay
        self._client.enqueue_in_transaction(session, options, job)
        if not delay:
            self._signals.send_after_commit(session, WEBHOOKS)

    def unfinished(self, task_ids: Sequence[str]) -> set[str]:
        """Return the tasks whose workflow a worker may still run.

        Workflows that no worker has started are cancelled.
        """
        found = self._client.list_workflows(
            workflow_ids=list(task_ids), status=_UNFINISHED, load_input=False, load_output=False
        )
        waiting = [each.workflow_id for each in found if each.status != _PENDING]
        if waiting:
            self._client.cancel_workflows(waiting)
        return {each.workflow_id for each in found if each.status == _PENDING}

    def delete_records(self, task_ids: Sequence[str]) -> None:
        """Delete the records of ended workflows."""
        self._client.delete_workflows(list(task_ids))

    def close(self) -> None:
        """Close the client."""
        self._session_info.pop(webhooks.ENQUEUE, None)
        self._signals.close()
        self._client.destroy()


def _insert_rows(
    tables: SystemDatabase,
    connection: Connection,
    build: Callable[[list[dict[str, Any]]], Insert],
    rows: list[dict[str, Any]],
    *,
    returning: bool = False,
) -> list[Row[Any]]:
    """Insert rows like dbos, with a statement that SQLAlchemy can cache.

    SQLAlchemy compiles the statement of `build` anew each time, because its text has all rows. That
    took a third of the processor time of a submission.
    """
    table = build(rows[:1]).table
    insert = (
        tables.dialect.insert(table)
        .on_conflict_do_nothing(index_elements=tables._key_conflict("workflow_uuid"))
        .returning(table.c.workflow_uuid)
    )
    return list(connection.execute(insert, rows))


def _queue_name(task: Task) -> str:
    if task.kind == TaskKind.RENDER:
        return RENDERS
    return stream_queue_of(engine_of(task)) if is_stream(task) else queue_of(engine_of(task))


def _options(task: Task) -> EnqueueOptions:
    return {
        "workflow_name": task.kind,
        "queue_name": _queue_name(task),
        "workflow_id": task.id,
        "app_version": VERSION,
        "priority": task.turn,
        "queue_partition_key": task.account_id,
    }


def workflow(name: str, work: Callable[[str], None]) -> None:
    """Register `work(task_id)` as the workflow of tasks of a kind.

    When a worker is lost, the workflow runs again from its start. Its finished steps return their
    recorded results.
    """

    def run(task_id: str) -> None:
        try:
            work(task_id)
        finally:
            _signalled.make_room(name)

    # `core.tasks` counts attempts, because requeuing resets the counter of dbos.
    DBOS.workflow(name=name, max_recovery_attempts=1_000_000)(run)


def step(name: str, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` as a recorded step of the current workflow.

    The database stores the result, so it must be small. After an error of the network, the
    database or the store, the step is tried again for about a minute. Other errors end the step.
    """
    return DBOS.run_step(
        {
            "name": name,
            "retries_allowed": True,
            "interval_seconds": 0.5,
            "max_attempts": 8,
            "should_retry": _transient,
        },
        work,
        *args,
        **kwargs,
    )


def _transient(error: BaseException) -> bool:
    return isinstance(error, OSError | Unavailable | OperationalError | PoolTimeout)


def launch(
    database: Database,
    worker_id: str,
    engines: Iterable[str],
    *,
    tasks: int,
    tasks_per_account: int,
    poll: float,
) -> None:
    """Start to take workflows from the queues of some engines, in threads of this process.

    Args:
        database: The database.
        worker_id: Id of this worker.
        engines: Names of the engines.
        tasks: Most workflows at once from each queue of tasks. A queue of streams has more.
        tasks_per_account: Most of those for one account.
        poll: Seconds between two looks into a queue.
    """
    quiet()
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": database.engine.url.render_as_string(hide_password=False),
        "system_database_engine": database.engine,
        "executor_id": worker_id,
        "application_version": VERSION,
        "serializer": _Json(),
        "log_level": "WARNING",
        "enable_otlp": False,
        "use_listen_notify": not database.sqlite,
        # There are no notifications, but dbos waits for this poller when it stops.
        "notification_listener_polling_interval_sec": min(poll, 1.0),
        "notification_coalesce_sec": min(poll, 1.0),
    }
    DBOS(config=config)
    limits = {queue_of(name): 1 for name in engines}
    limits |= {stream_queue_of(name): _MORE_STREAMS for name in engines}
    DBOS.listen_queues([*limits, RENDERS, VERIFICATIONS, WEBHOOKS])
    DBOS.launch()
    _signalled.listen(database)
    for queue, times in limits.items():
        DBOS.register_queue(
            queue,
            worker_concurrency=times * tasks,
            partition_worker_concurrency=times * min(tasks, tasks_per_account),
            polling_interval_sec=poll,
            on_conflict="always_update",
        )
    DBOS.register_queue(
        RENDERS,
        worker_concurrency=tasks,
        partition_worker_concurrency=min(tasks, _RENDERS_PER_ACCOUNT),
        polling_interval_sec=poll,
        on_conflict="always_update",
    )
    DBOS.register_queue(
        VERIFICATIONS,
        worker_concurrency=_VERIFICATIONS_AT_ONCE,
        polling_interval_sec=poll,
        on_conflict="always_update",
    )
    DBOS.register_queue(
        WEBHOOKS,
        worker_concurrency=_WEBHOOKS_AT_ONCE,
        partition_worker_concurrency=_WEBHOOKS_PER_ACCOUNT,
        polling_interval_sec=max(poll, 1.0),
        on_conflict="always_update",
    )


def stop(grace: float) -> None:
    """Take no more workflows, and wait up to `grace` seconds for running ones."""
    _signalled.close()
    DBOS.destroy(workflow_completion_timeout_sec=int(grace))


def requeue(worker_id: str) -> Sequence[str]:
    """Return a lost worker's unfinished workflows to the queue. Return their ids."""
    left = _workflows(status=_PENDING, executor_id=worker_id)
    for queue in {workflow.queue_name for workflow in left}:
        # Without the name of its queue, a resumed workflow would not count towards the limits.
        ids = [workflow.workflow_id for workflow in left if workflow.queue_name == queue]
        DBOS.resume_workflows(ids, queue_name=queue)
        if queue:
            _signalled.send(queue)
    return [workflow.workflow_id for workflow in left]


def delete_records(task_ids: Sequence[str]) -> None:
    """Delete the records of ended workflows."""
    DBOS.delete_workflows(list(task_ids))


def unfinished(task_ids: Sequence[str]) -> dict[str, str | None]:
    """Return the tasks whose workflow waits or runs, each with the VERSION of its workflow."""
    going = _workflows(workflow_ids=list(task_ids), status=_UNFINISHED)
    return {workflow.workflow_id: workflow.app_version for workflow in going}


def busy_workers() -> set[str]:
    """Return the ids of the workers that have running workflows."""
    under_way = _workflows(status=_PENDING)
    return {workflow.executor_id for workflow in under_way if workflow.executor_id}


def _workflows(
    *,
    status: str | list[str],
    workflow_ids: list[str] | None = None,
    executor_id: str | None = None,
) -> list[WorkflowStatus]:
    """Return the matching workflows, without arguments and results."""
    return DBOS.list_workflows(
        status=status,
        workflow_ids=workflow_ids,
        executor_id=executor_id,
        load_input=False,
        load_output=False,
    )
