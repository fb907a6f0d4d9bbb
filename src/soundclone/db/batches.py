"""Batches: requests that arrive at the same time share a statement or a transaction."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_PATIENCE = 0.05  # seconds after which another thread takes over


@dataclass(frozen=True)
class _Waiting(Generic[T, R]):
    """Item of a caller that waits for its outcome."""

    item: T
    since: float  # monotonic seconds
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[R]


class Batches(Generic[T, R]):
    """Threads that work on the items of concurrent callers in batches.

    Items that arrive during a batch form the next one. So an idle service adds no delay, and a busy
    service needs fewer round trips and commits for each item. One thread does all the work unless
    a batch takes long, for instance because it waits for a lock.

    Args:
        work: Returns the outcome of each item, in their order. An exception among the outcomes is
            raised in the caller of that item. An exception that `work` raises reaches all callers.
        most: Largest number of items in a batch.
        name: Name of the threads.
        threads: Largest number of batches at a time.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Sequence[R | Exception]],
        most: int,
        name: str,
        *,
        threads: int = 1,
    ) -> None:
        self._work = work
        self._most = most
        self._name = name
        self._number = threads
        self._threads: list[threading.Thread] = []
        self._waiting: list[_Waiting[T, R]] = []
        lock = threading.Lock()
        self._arrived = threading.Condition(lock)  # for the first thread
        self._late = threading.Condition(lock)  # for the others
        self._watch: asyncio.AbstractEventLoop | None = None  # of the timer
        self._closed = False

    async def do(self, item: T) -> R:
        """Return the outcome of an item. A caller that is cancelled early withdraws its item."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        with self._arrived:
            if self._closed:
                raise RuntimeError(f"the {self._name} have ended")
            self._waiting.append(_Waiting(item, time.monotonic(), loop, future))
            if not self._threads:
                self._start()
            elif len(self._waiting) == 1:
                self._arrived.notify()
            watched = self._watch is loop
            self._watch = loop
        if not watched:
            loop.call_later(_PATIENCE, self._look, loop)
        return await future

    def close(self) -> None:
        """Finish the items that wait, and end the threads."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()
            self._late.notify_all()
        for thread in self._threads:
            thread.join()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake another thread if items are late. A timer wakes it, not each item: that is cheap."""
        with self._arrived:
            if self._watch is not loop or not self._waiting:
                self._watch = None if self._watch is loop else self._watch
                return
            left = self._waiting[0].since + _PATIENCE - time.monotonic()
            if left <= 0:
                self._late.notify()
        loop.call_later(left if left > 0 else _PATIENCE, self._look, loop)

    def _start(self) -> None:
        for number in range(self._number):
            wake, patience = (self._late, _PATIENCE) if number else (self._arrived, 0.0)
            thread = threading.Thread(
                target=self._run, args=(wake, patience), name=self._name, daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _take(self, wake: threading.Condition, patience: float) -> Sequence[_Waiting[T, R]]:
        """Return the next batch, with an item that has waited for `patience`. Empty: closed."""

        def ready() -> bool:
            late = self._waiting and self._waiting[0].since + patience <= time.monotonic()
            return bool(late) or self._closed

        with wake:
            wake.wait_for(ready)
            taken, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            return taken

    def _run(self, wake: threading.Condition, patience: float) -> None:
        while taken := self._take(wake, patience):
            batch = [each for each in taken if not each.future.cancelled()]
            if not batch:
                continue
            outcomes: Sequence[R | Exception]
            try:
                outcomes = self._work([each.item for each in batch])
            except Exception as error:
                outcomes = [error] * len(batch)
            for loop in {each.loop for each in batch}:
                found = [pair for pair in zip(batch, outcomes, strict=True) if pair[0].loop is loop]
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(_deliver, found)


def _deliver(found: Sequence[tuple[_Waiting[T, R], R | Exception]]) -> None:
    for waiting, outcome in found:
        if waiting.future.done():
            continue
        if isinstance(outcome, Exception):
            waiting.future.set_exception(outcome)
        else:
            waiting.future.set_result(outcome)
