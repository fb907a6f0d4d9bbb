"""A cache of models and voices, bounded by memory, for neural engines."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Key = tuple[str, ...]  # the first part names the engine


@dataclass
class Statistics:
    """Counters of a `Cache`."""

    hits: int = 0
    made: dict[str, int] = field(default_factory=dict)  # by the second part of the key
    evicted: dict[str, int] = field(default_factory=dict)  # by the second part of the key


class Cache:
    """The most recently used values, of at most `limit` bytes together.

    The newest value stays even if it alone is larger than `limit`. Otherwise a model would be
    loaded for every sentence. Several threads may use the cache. Values are made outside the lock,
    because making one can take a minute, so two threads may make the same value at once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit  # bytes
        self.size = 0  # bytes
        self.statistics = Statistics()
        self._lock = threading.Lock()
        self._values: OrderedDict[Key, tuple[Any, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def get(self, key: Key, make: Callable[[], T], size: int) -> T:
        """Return the value of `key`, and make it if it is missing.

        Old values are evicted before, so that they are not in memory together with the new one of
        `size` bytes. An error of `make` propagates, and nothing is kept.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                self.statistics.hits += 1
                value: T = self._values[key][0]
                return value
            self._make_room(size)
        value = make()
        with self._lock:
            self._remove(key)
            self._make_room(size)
            self._values[key] = (value, size)
            self.size += size
            _count(self.statistics.made, key)
        return value

    def forget(self, engine: str) -> None:
        """Remove all values of an engine."""
        with self._lock:
            for key in [key for key in self._values if key[0] == engine]:
                self._remove(key)

    def _make_room(self, size: int) -> None:
        while self._values and self.size + size > self.limit:
            oldest = next(iter(self._values))
            self._remove(oldest)
            _count(self.statistics.evicted, oldest)

    def _remove(self, key: Key) -> None:
        self.size -= self._values.pop(key, (None, 0))[1]


def _count(counts: dict[str, int], key: Key) -> None:
    kind = key[1] if len(key) > 1 else ""
    counts[kind] = counts.get(kind, 0) + 1


@functools.cache
def shared(limit: int) -> Cache:
    """Return the cache of this process, in which all engines share the memory limit."""
    return Cache(limit)
