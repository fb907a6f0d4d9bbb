"""Wait for a task that a request of another service's API expects the result of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ...core import tasks
from ...core.requests import TaskResult
from ...errors import TaskError, Unavailable
from ..state import AppState

_INTERVAL = 0.1  # seconds between two looks at a running task


class TaskFailed(TaskError):
    """A task failed. `reason` is the word of the error that the database has recorded."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class EndedTask:
    """Completed task."""

    voice_id: str
    result: TaskResult


async def wait_for_task(
    state: AppState,
    task_id: str,
    *,
    seconds: float,
    is_disconnected: Callable[[], Awaitable[bool]],
    late: str,
) -> EndedTask:
    """Wait until a task has ended.

    Args:
        state: The application.
        task_id: Id of the task.
        seconds: Longest time to wait. The task continues afterwards.
        is_disconnected: Tells whether the client has closed the connection.
        late: Message of the error after that time.

    Raises:
        TaskFailed: The task has failed, or its result is no longer kept.
        Unavailable: The task takes longer, or the client is gone.
    """
    until = time.monotonic() + seconds
    while True:
        row = await state.database.fetch_one_async(tasks.STATE, task=task_id)
        assert row is not None  # the row stays for a month after the task has ended
        if row.status == "failed":
            raise TaskFailed(row.error or "the task failed; nothing was charged", row.error_word)
        if row.status == "completed":
            result = TaskResult.from_json(row.result)
            if result is None:
                raise TaskFailed("the result is no longer kept; send another request", "expired")
            return EndedTask(row.voice_id, result)
        if time.monotonic() > until or await is_disconnected():
            raise Unavailable(late)
        await asyncio.sleep(_INTERVAL)
