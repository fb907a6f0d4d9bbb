"""Batches: requests that arrive at the same time share a statement or a transaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class _Waiting(Generic[T, R]):
    """Item of a caller that waits for its outcome."""

    item: T
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[R]


class Batches(Generic[T, R]):
    """Thread that works on the items of concurrent callers in batches.

    Items that arrive during a batch form the next one. So an idle service adds no delay, and a busy
    service needs fewer round trips and commits for each item.

    Args:
        work: Returns the outcome of each item, in their order. An exception among the outcomes is
            raised in the caller of that item. An exception that `work` raises reaches all callers.
        most: Largest number of items in a batch.
        name: Name of the thread.
    """

    def __init__(
        self, work: Callable[[Sequence[T]], Sequence[R | Exception]], most: int, name: str
    ) -> None:
        self._work = work
        self._most = most
        self._name = name
        self._waiting: list[_Waiting[T, R]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def do(self, item: T) -> R:
        """Return the outcome of an item. A caller that is cancelled early withdraws its item."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        with self._changed:
            if self._closed:
                raise RuntimeError(f"the {self._name} have ended")
            self._waiting.append(_Waiting(item, loop, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:
                self._changed.notify()
        return await future

    def close(self) -> None:
        """Finish the items that wait, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                taken, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
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
