"""Memory of the allocator, returned to the system.

glibc keeps a pool of memory for each thread, and seldom returns what is free in a pool. Arrays of
numpy leave most of a pool free. With another C library, these functions do nothing.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

_ARENA_MAX = -8  # M_ARENA_MAX of glibc
_EVERY = 2.0  # seconds between two looks at the processor time
_WORTH = 0.1  # processor seconds after which much may be free


def use_one_pool() -> None:
    """Let all threads that begin later allocate from one pool."""
    if mallopt := _function("mallopt"):
        mallopt(_ARENA_MAX, 1)


def return_free_memory() -> None:
    """Return free memory to the system, which takes some milliseconds."""
    if trim := _function("malloc_trim"):
        trim(0)


def keep_returning() -> None:
    """Return free memory now and then, in a thread, while this process computes.

    Each call of an engine could return its memory, but would then fault all pages in again.
    """
    if _function("malloc_trim"):
        threading.Thread(target=_return_repeatedly, name="memory", daemon=True).start()


def _return_repeatedly() -> None:
    before = 0.0
    while True:
        time.sleep(_EVERY)
        if time.process_time() - before > _WORTH:
            return_free_memory()
            before = time.process_time()


def _function(name: str) -> Callable[..., int] | None:
    """Return a function of the C library, None if the library lacks it."""
    return getattr(ctypes.CDLL(None), name, None)
