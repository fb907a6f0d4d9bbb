"""Cancellation of spoken streams whose API process is gone."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..config import Settings
from ..core import files, listeners, tasks
from ..core.formatting import DAY
from ..core.workers import Observer
from ..db.session import Database
from ..errors import Unavailable
from ..storage import Storage
from ..telemetry import log

_log = log(__name__)


class Abandonment:
    """Observer of the signs of life of spoken streams."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        storage: Storage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._clock = clock
        self._observer = Observer(clock)
        self._checked: float | None = None  # when signs were last read

    def check(self) -> None:
        """Cancel the streams without a sign of life for SILENCE seconds, and remove their files.

        After a pause of this process or of the database, API processes get time for their signs.
        """
        with self._database.read() as session:
            signs = listeners.signs(session)
        last, self._checked = self._checked, self._clock()
        if last is None or self._checked - last > listeners.SILENCE / 2:
            self._observer.excuse(listeners.SILENCE, listeners.SILENCE / 2)
        for task_id in self._observer.silent(signs, listeners.SILENCE):
            self._cancel(task_id)

    def _cancel(self, task_id: str) -> None:
        keep = self._settings.result_days * DAY
        with self._database.transaction() as session:
            if not listeners.abandon(session, task_id, keep=keep):
                return
        _log.warning("stream abandoned", task=task_id)
        try:
            self._storage.delete_prefix(files.result_folder(task_id))
        except Unavailable as error:
            _log.warning("files left for the sweep", reason=error.message)
            return
        with self._database.transaction() as session:
            tasks.forget_files(session, task_id)
