"""Chunks of a long text, spoken side by side.

While a step speaks a chunk, threads speak the next ones, each in a slot. A step then takes the
finished chunk. Steps keep their order and their records, so a worker that takes over goes on with
the first chunk without a record. At most one chunk more than the worker has slots is spoken again.

These threads hold spare slots only: every other step of the account goes before them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Self

from structlog.contextvars import bound_contextvars

from ..db.models import Json
from .runner import Job

Speak = Callable[[Job, int], Json]
"""Function that speaks the chunk of an index and returns its record."""


class _Withdrawn(Exception):
    """The step of a chunk does the work itself, because the thread has no slot yet."""


class _Part:
    """A chunk that a thread speaks once it gets a slot."""

    def __init__(self, job: Job, index: int, speak: Speak) -> None:
        # The thread holds another slot than the step.
        self._job = replace(job, run=replace(job.run, place=None))
        self._index = index
        self._speak = speak
        self._claim: Future[bool] = Future()  # running once the thread speaks
        self.future: Future[Json]

    def run(self) -> Json:
        """Wait for a slot and speak. Raises _Withdrawn after `withdraw`."""
        job, slots = self._job, self._job.pools.compute
        with (
            bound_contextvars(task=job.task.id),
            slots.hold(job.task.account_id, spare=True, check=self._check) as place,
        ):
            if not self._claim.set_running_or_notify_cancel():
                raise _Withdrawn
            job.run.place = place
            return self._speak(job, self._index)

    def withdraw(self) -> bool:
        """Stop waiting for a slot. Return False if the chunk is being spoken."""
        return self._claim.cancel()

    def _check(self) -> None:
        if self._claim.cancelled():
            raise _Withdrawn
        self._job.check()


class Ahead:
    """Chunks that are spoken before their steps. Use as a context manager."""

    def __init__(self, job: Job, count: int, speak: Speak) -> None:
        """Prepare to speak `count` chunks."""
        self._job = job
        self._count = count
        self._speak = speak
        self._parts: dict[int, _Part] = {}
        self._width = job.pools.compute.places
        self._threads = ThreadPoolExecutor(self._width, thread_name_prefix="ahead")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for chunks under way, so that none is stored after the end of the task."""
        for part in self._parts.values():
            part.withdraw()
        self._threads.shutdown(cancel_futures=True)

    def begun(self, index: int) -> Callable[[], Json] | None:
        """Return a function that waits for a chunk, None if no thread has begun to speak it.

        Starts threads for the next chunks.
        """
        part = self._parts.pop(index, None)
        self._start(index + 1)
        if part is None or part.withdraw():
            return None
        return part.future.result

    def _start(self, first: int) -> None:
        if self._job.run.suspect:  # one chunk at a time, to find the one that ends workers
            return
        for index in range(first, min(first + self._width, self._count)):
            if index not in self._parts:
                part = _Part(self._job, index, self._speak)
                part.future = self._threads.submit(part.run)
                self._parts[index] = part
