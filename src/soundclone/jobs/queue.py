"""The task engine: the only module that knows dbos.

dbos keeps its tables in the same database as ours, so that a job is enqueued in the transaction
that holds the money and writes the task. Workflows are named by task kind and identified by task
id. A worker that dies leaves its workflows to the reaper (`hand_over`), which gives them to
whoever is alive; finished steps are not repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar

from dbos import DBOS, DBOSClient, DBOSConfig, Serializer, WorkflowStatus, _serialization
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ..core.requests import engine_of
from ..db.models import Task
from ..db.session import Database
from ..errors import Unavailable
from . import checkpoints

P = ParamSpec("P")
R = TypeVar("R")

APPLICATION = "soundclone"
# Pinned: a version computed from the code would strand the jobs in the queue at every deploy.
# Raise it when a workflow's order of steps changes, or the format of its records.
VERSION = "3"
_PENDING = "PENDING"
_UNFINISHED = ["PENDING", "ENQUEUED", "DELAYED"]


class _Json(Serializer):
    """Writes the records of `checkpoints`."""

    def name(self) -> str:
        return "soundclone_json"

    def serialize(self, data: Any) -> str:
        return checkpoints.dump(data)

    def deserialize(self, serialized_data: str) -> Any:
        return checkpoints.load(serialized_data)


class _NoPickles(Serializer):
    """Stands in the place of dbos's pickles, which run the code of their author."""

    def name(self) -> str:
        return "py_pickle"

    def serialize(self, data: Any) -> str:
        # The outcome of a workflow whose row names pickles: written for people alone.
        return checkpoints.dump(data)

    def deserialize(self, serialized_data: str) -> Any:
        raise ValueError("the record is a pickle, which is never read")


# Each row of dbos's tables names its own format, which overrules the serializer; a row that
# was forged, or is older than VERSION 3, names pickles.
_serialization.DBOSDefaultSerializer = _NoPickles()


def queue_of(engine: str) -> str:
    """Name of the queue of the tasks that need a voice engine: workers take from those of the
    engines that they have."""
    return f"tasks-{engine}"


def quiet() -> None:
    """dbos reports each of some seventy migrations at INFO."""
    logging.getLogger("dbos").setLevel(logging.WARNING)


def prepare(database: Database) -> None:
    """Create or upgrade the engine's tables."""
    quiet()
    url = database.engine.url.render_as_string(hide_password=False)
    DBOS.migrate(url)


class Queue:
    """What the API needs of the engine: to enqueue within a transaction."""

    def __init__(self, database: Database) -> None:
        self._client = DBOSClient(
            system_database_engine=database.engine, serializer=_Json(), lazy=True
        )

    def enqueue(self, session: Session, task: Task) -> None:
        """Enqueue the task's workflow in the session's transaction."""
        self._client.enqueue_in_transaction(
            session,
            {
                "workflow_name": task.kind,
                "queue_name": queue_of(engine_of(task)),
                "workflow_id": task.id,
                "app_version": VERSION,
                "priority": task.turn,
                "queue_partition_key": task.account_id,
            },
            task.id,
        )

    def close(self) -> None:
        self._client.destroy()


def workflow(name: str, work: Callable[[str], None]) -> None:
    """Register `work(task_id)` under `name`. It is run again from its start when a worker was
    lost, and then its finished steps answer from their checkpoints."""
    # Attempts are counted by core.tasks, because a hand-over resets dbos's own counter.
    DBOS.workflow(name=name, max_recovery_attempts=1_000_000)(work)


def step(name: str, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` as a checkpointed step of the present workflow. What it returns is stored in
    the database, so it must be small. Refusals end the step at once; a database or a store that
    does not answer is asked again for about a minute."""
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
    return isinstance(error, OSError | Unavailable | OperationalError)


def launch(
    database: Database,
    worker_id: str,
    engines: Iterable[str],
    *,
    tasks: int,
    tasks_per_account: int,
    poll: float,
) -> None:
    """Begin to take workflows from the queues of the voice engines, in threads of this process:
    from each queue `tasks` at once, and `tasks_per_account` of one account."""
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
        # Nobody sends any; at the end dbos waits for this poller to wake up.
        "notification_listener_polling_interval_sec": poll,
    }
    DBOS(config=config)
    queues = [queue_of(name) for name in engines]
    DBOS.listen_queues(queues)
    DBOS.launch()
    for queue in queues:
        DBOS.register_queue(
            queue,
            worker_concurrency=tasks,
            partition_worker_concurrency=min(tasks, tasks_per_account),
            polling_interval_sec=poll,
            on_conflict="always_update",
        )


def stop(grace: float) -> None:
    """Take no more, and wait up to `grace` seconds for what is being done."""
    DBOS.destroy(workflow_completion_timeout_sec=int(grace))


def hand_over(worker_id: str) -> Sequence[str]:
    """Put a lost worker's unfinished workflows back into the queue; returns their ids."""
    left = _workflows(status=_PENDING, executor_id=worker_id)
    for queue in {workflow.queue_name for workflow in left}:
        # Without its queue's name a resumed workflow would escape the queue's limits.
        ids = [workflow.workflow_id for workflow in left if workflow.queue_name == queue]
        DBOS.resume_workflows(ids, queue_name=queue)
    return [workflow.workflow_id for workflow in left]


def forget(task_ids: Sequence[str]) -> None:
    """Remove the checkpoints of ended workflows."""
    DBOS.delete_workflows(list(task_ids))


def unfinished(task_ids: Sequence[str]) -> dict[str, str | None]:
    """Tasks whose workflow is waiting or under way, each with the VERSION that it was written
    for."""
    going = _workflows(workflow_ids=list(task_ids), status=_UNFINISHED)
    return {workflow.workflow_id: workflow.app_version for workflow in going}


def executors() -> set[str]:
    """Ids of the workers that have workflows under way."""
    under_way = _workflows(status=_PENDING)
    return {workflow.executor_id for workflow in under_way if workflow.executor_id}


def _workflows(**filters: Any) -> list[WorkflowStatus]:
    """Matching workflows, without their arguments and results."""
    return DBOS.list_workflows(**filters, load_input=False, load_output=False)
