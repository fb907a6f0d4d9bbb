"""Order of the takes of a project, without input and output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import _wire
from ._errors import TaskFailed
from ._models import Recorded, Take, Task
from ._types import Count


class TakeOrders:
    """Requests that order the takes of a project, and the takes that they have ordered.

    The clients send each `request`, and wait for the takes of `due`.

    Args:
        under_way: Takes that other requests have ordered, and that are waited for.
        wait: True if the client waits for takes.
        missing: Number of blocks to record, for the progress. None: not known.
        on_progress: Called with the number of takes that have ended and the number of all.
    """

    def __init__(
        self,
        under_way: Iterable[Take] = (),
        *,
        wait: bool,
        missing: int | None = None,
        on_progress: Count | None = None,
    ) -> None:
        self._wait = wait
        self._waiting = list(under_way)
        self._total = len(self._waiting) + (missing or 0)
        self._on_progress = on_progress
        self._bodies: list[Mapping[str, Any]] = [{}]  # of the next requests, the last one first
        self._is_full = False  # the key may have no further task for now
        self._ended: list[Take] = []
        self._failure: TaskFailed | None = None
        self._refused: list[Mapping[str, Any]] = []

    @property
    def is_done(self) -> bool:
        """True if no request and no take is left."""
        return not self._bodies and not self._due

    @property
    def request(self) -> Mapping[str, Any] | None:
        """Body of the next request, None if only takes are left."""
        return self._bodies[-1] if self._bodies else None

    def ordered(self, answer: Mapping[str, Any]) -> None:
        """Note the answer to the request."""
        del self._bodies[-1]
        self._waiting += _wire.read_list(Take, answer)
        later, never = _wire.read_refused(answer, can_wait=self._due)
        self._refused += never
        self._is_full = bool(later)
        if following := answer.get("nextCursor"):
            self._bodies.append({"cursor": following})
        if later:
            self._bodies.append({"blockIds": later})

    def postpone(self) -> bool:
        """Keep a request that the limit of the key refused. Return False if no take makes room."""
        self._is_full = True
        return self._due

    def due(self) -> list[Take]:
        """Return the takes that must end before the next request."""
        if not (self._is_full or not self._bodies) or not self._wait:
            return []
        takes, self._waiting = self._waiting, []
        return takes

    def ended(self, take: Take, task: Task, failure: TaskFailed | None = None) -> None:
        """Note the end of a take."""
        self._failure = self._failure or failure
        self._ended.append(_wire.ended_take(take, task))
        if self._on_progress:
            self._on_progress(len(self._ended), max(self._total, len(self._ended)))

    def result(self, *, check: bool) -> Recorded:
        """Return all takes.

        Raises:
            TaskFailed: A take failed, and `check` is True.
        """
        if self._failure is not None and check:
            raise self._failure
        return Recorded((*self._ended, *self._waiting), tuple(self._refused))

    @property
    def _due(self) -> bool:
        return self._wait and bool(self._waiting)
