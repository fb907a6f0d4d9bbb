"""Child processes in which an engine computes.

Threads of one process share the interpreter's lock, so an engine that is written in Python uses
hardly more than one processor. Here each call runs in one of several processes.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import NoReturn, ParamSpec, TypeVar

from .. import memory
from .protocol import Controls, Converter, EngineInfo, Reference, Speech, Voice

P = ParamSpec("P")
R = TypeVar("R")

_BETWEEN_PAUSES = 0.3  # seconds between two calls of `pause` during a conversion
_LAST_CALLS = 1.0  # seconds
_engine: Converter  # of this child process


def end_process() -> NoReturn:
    """End this process, whose tasks other workers then take over."""
    os._exit(1)


class ProcessEngine:
    """A converter that clones and speaks in child processes. Several threads may call it at once.

    A crash of a child ends the worker. So the rules for tasks that crash workers apply.
    """

    concurrent = True

    def __init__(
        self,
        create: Callable[[], Converter],
        count: int,
        *,
        crashed: Callable[[], NoReturn] = end_process,
    ) -> None:
        """Prepare to start processes.

        Args:
            create: Creates the engine, in each process.
            count: Most processes.
            crashed: Called when a process has ended unexpectedly.
        """
        self._engine = create()
        self._count = count
        self._crashed = crashed
        # Not "forkserver", whose socket is in the folder of temporary files. That path is often
        # longer than the 108 characters that a socket may have.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, context, _begin, (create,))

    @property
    def info(self) -> EngineInfo:
        """Name, version and capabilities."""
        return self._engine.info

    def unusable(self) -> str | None:
        """Return the reason why the engine cannot work here, with the remedy; None if it can."""
        try:
            return self._engine.unusable()
        finally:
            self._engine.close()  # only the child processes compute

    def warm(self) -> None:
        """Start the processes."""
        for started in [self._pool.submit(_started) for _ in range(self._count)]:
            started.result()

    def clone(self, reference: Reference, language: str) -> Voice:
        """Build a voice that speaks `language`. `Engine.clone` lists the errors."""
        return self._call(_clone, reference, language)

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        """Synthesise one sentence. `Engine.speak` lists the errors."""
        return self._call(_speak, voice, sentence, controls)

    def convert(
        self, voice: Voice, performance: Reference, pause: Callable[[], None] = lambda: None
    ) -> Speech:
        """Convert a performance. `Converter.convert` lists the errors.

        After an exception of `pause`, the process computes to the end, and its result is dropped.
        """
        try:
            running = self._pool.submit(_convert, voice, performance)
            while not wait([running], _BETWEEN_PAUSES).done:
                pause()
            return running.result()
        except BrokenProcessPool:
            self._crashed()

    def close(self) -> None:
        """End the processes. Calls under way have a second to return."""
        shutdown = threading.Thread(
            target=self._pool.shutdown, kwargs={"cancel_futures": True}, daemon=True
        )
        shutdown.start()
        shutdown.join(_LAST_CALLS)
        # A worker ends without finalizers. Semaphores that are left then cause a warning.
        gc.collect()
        self._engine.close()

    def _call(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return self._pool.submit(work, *args, **kwargs).result()
        except BrokenProcessPool:
            self._crashed()


def _begin(create: Callable[[], Converter]) -> None:
    """Create the engine of this process."""
    global _engine
    memory.use_one_pool()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the worker ends its processes
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    _engine = create()
    _engine.warm()
    memory.keep_returning()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "this is no child process"
    parent.join()
    os._exit(0)


def _started() -> None:
    """Do nothing: `_begin` has run."""


def _clone(reference: Reference, language: str) -> Voice:
    return _engine.clone(reference, language)


def _convert(voice: Voice, performance: Reference) -> Speech:
    return _engine.convert(voice, performance)


def _speak(voice: Voice, sentence: str, controls: Controls) -> Speech:
    return _engine.speak(voice, sentence, controls)
