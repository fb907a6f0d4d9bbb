"""Memory of the tasks whose links the audit log has."""

from __future__ import annotations

_REMEMBERED = 10_000


class RecordedLinks:
    """Tasks whose links were recorded, so that polling writes nothing."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._most = most
        self._tasks: dict[str, None] = {}

    def add(self, task_id: str) -> bool:
        """Remember a task. Return False if it was remembered before."""
        if task_id in self._tasks:
            return False
        if len(self._tasks) >= self._most:
            del self._tasks[next(iter(self._tasks))]
        self._tasks[task_id] = None
        return True
