"""Signals of workers about tasks that a request waits for."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..db.session import Database
from ..db.signals import TASKS, Signals


class TaskSignals:
    """Wakes the requests that wait for a task. A lost signal costs one poll."""

    def __init__(self, database: Database) -> None:
        self._signals = Signals(database, TASKS)
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def listen(self) -> None:
        """Listen until `close`. The caller runs in the event loop of the requests."""
        loop = asyncio.get_running_loop()

        def heard(task_id: str) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._wake, task_id)

        self._signals.listen(heard)

    @contextmanager
    def watch(self, task_id: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set at each signal about a task."""
        changed = asyncio.Event()
        self._waiting[task_id].add(changed)
        try:
            yield changed
        finally:
            self._waiting[task_id].discard(changed)
            if not self._waiting[task_id]:
                del self._waiting[task_id]

    def close(self) -> None:
        """Stop listening."""
        self._signals.close()

    def _wake(self, task_id: str) -> None:
        for changed in self._waiting.get(task_id, ()):
            changed.set()
