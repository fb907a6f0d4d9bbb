"""Threads for numpy, soxr and WORLD, which compute without the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MOST = min(4, os.cpu_count() or 1)
# More threads of one task would take the processors of other tasks.


def map_in_threads(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return the result of `work` for each item, in order.

    The caller splits the work in the same way on every machine, so that the number of processors
    does not change the result.
    """
    each = list(items)
    if len(each) < 2 or _MOST == 1:
        return [work(item) for item in each]
    with ThreadPoolExecutor(min(_MOST, len(each))) as pool:
        return list(pool.map(work, each))


def run_beside(work: Callable[[], R], other: Callable[[], T]) -> tuple[R, T]:
    """Return the results of both functions, the second of which runs in another thread."""
    if _MOST == 1:
        return work(), other()
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(other)
        return work(), beside.result()


def one_ahead(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, and make the next one in another thread while the caller works on one."""
    if _MOST == 1:
        yield from items
        return
    source = iter(items)

    def following() -> list[T]:
        return list(islice(source, 1))

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(following)
        while found := coming.result():
            coming = pool.submit(following)
            yield found[0]
