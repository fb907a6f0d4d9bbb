"""What neural engines keep loaded, bounded by memory: models, and the voices in use."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Key = tuple[str, ...]  # the first part names the engine that it belongs to


@dataclass
class Statistics:
    """What happened in a `Cache`; `made` and `evicted` count by the second part of the key."""

    hits: int = 0
    made: dict[str, int] = field(default_factory=dict)
    evicted: dict[str, int] = field(default_factory=dict)


class Cache:
    """Keeps the most recently used things whose sizes add up to `limit` bytes at most.

    The thing asked for last is kept even where it alone is larger: a model that was let go of
    after every sentence would be loaded for every sentence. Safe to use from several threads;
    a thing is made outside the lock, as that may take a minute, so that two threads which ask for
    the same missing thing at once both make it.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit  # bytes
        self.size = 0  # bytes
        self.statistics = Statistics()
        self._lock = threading.Lock()
        self._things: OrderedDict[Key, tuple[Any, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, key: Key) -> bool:
        return key in self._things

    def get(self, key: Key, make: Callable[[], T], size: int) -> T:
        """The thing of that key, made by `make` if it is not here. Room for its `size` (bytes) is
        made before, so that the old and the new are not in memory together. What `make` raises
        goes through, and nothing is kept."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                self.statistics.hits += 1
                thing: T = self._things[key][0]
                return thing
            self._make_room(size)
        thing = make()
        with self._lock:
            self._remove(key)
            self._make_room(size)
            self._things[key] = (thing, size)
            self.size += size
            _count(self.statistics.made, key)
        return thing

    def forget(self, engine: str) -> None:
        """Let go of all that belongs to an engine."""
        with self._lock:
            for key in [key for key in self._things if key[0] == engine]:
                self._remove(key)

    def _make_room(self, size: int) -> None:
        while self._things and self.size + size > self.limit:
            oldest = next(iter(self._things))
            self._remove(oldest)
            _count(self.statistics.evicted, oldest)

    def _remove(self, key: Key) -> None:
        self.size -= self._things.pop(key, (None, 0))[1]


def _count(counts: dict[str, int], key: Key) -> None:
    kind = key[1] if len(key) > 1 else ""
    counts[kind] = counts.get(kind, 0) + 1


@functools.cache
def shared(limit: int) -> Cache:
    """The one of this process for that limit: engines share the memory that is settled."""
    return Cache(limit)
