"""Signals of workers about tasks that a request waits for."""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from ..db.session import Database
from ..db.signals import TASKS, Signals

R = TypeVar("R")

_LONGEST = 5  # seconds for which an answer is held
_PREFERENCE = re.compile(r"\s*wait\s*=\s*([0-9]{1,9})\s*(?:;.*)?", re.IGNORECASE)


def preferred_wait(headers: Iterable[str]) -> float:
    """Return the seconds for which a client prefers to wait, 0 without the preference.

    `headers` are the values of the header Prefer, RFC 7240. The longest wait is 5 s.
    """
    found = (_PREFERENCE.fullmatch(each) for header in headers for each in header.split(","))
    return float(next((min(int(each[1]), _LONGEST) for each in found if each), 0))


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

    async def read_until(
        self,
        task_id: str,
        seconds: float,
        read: Callable[[], Awaitable[R]],
        ended: Callable[[R], bool],
    ) -> R:
        """Return what `read` returns once `ended` accepts that, or after `seconds` at the latest.

        Args:
            task_id: Task whose signals cause another read.
            seconds: Longest wait. 0 reads once.
            read: Reads the task.
            ended: Tells whether the task has ended.
        """
        if seconds <= 0:
            return await read()
        until = time.monotonic() + seconds
        with self.watch(task_id) as changed:
            while True:
                changed.clear()  # before the read, so that no signal is lost
                found = await read()
                left = until - time.monotonic()
                if ended(found) or left <= 0:
                    return found
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), left)

    def close(self) -> None:
        """Stop listening."""
        self._signals.close()

    def _wake(self, task_id: str) -> None:
        for changed in self._waiting.get(task_id, ()):
            changed.set()
