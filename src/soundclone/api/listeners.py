"""Signs of life about the streams that this process will send."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from ..core import listeners
from ..db.session import Database
from ..telemetry import log

_LONGEST = 3600.0  # seconds after which a stream gets no more signs of life

_log = log(__name__)


class Listeners:
    """Streams of this process that have not ended."""

    def __init__(self, database: Database, interval: float) -> None:
        """Prepare to give a sign of life every `interval` seconds."""
        self._database = database
        self._interval = interval
        self._since: dict[str, float] = {}  # monotonic seconds, by task
        self._task: asyncio.Task[None] | None = None

    def add(self, task_id: str) -> None:
        """Give signs of life about a stream until its task has ended."""
        self._since[task_id] = time.monotonic()

    @property
    def streams(self) -> set[str]:
        """The tasks of the streams that have not ended, as of the last sign of life."""
        return set(self._since)

    def begin(self) -> None:
        """Give signs of life until `end`. The caller runs in the event loop of the requests."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def end(self) -> None:
        """Give no more signs of life."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self._renew()
            except SQLAlchemyError as error:
                _log.warning("signs of life not given", error=type(error).__name__)

    async def _renew(self) -> None:
        known = list(self._since)
        if not known:
            return
        found = await self._database.read_async(listeners.unfinished, known)
        oldest = time.monotonic() - _LONGEST
        for task_id in known:
            if task_id not in found or self._since[task_id] < oldest:
                del self._since[task_id]
        spoken = [task_id for task_id in self._since if found.get(task_id)]
        if spoken:
            await self._database.transaction_async(listeners.renew, spoken)
